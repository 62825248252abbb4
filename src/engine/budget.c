// SPDX-License-Identifier: Apache-2.0
// What a model's memory adds up to, whether it fits, into what, and what would make it fit.
#include "base/checked.h"
#include "base/memory.h"
#include "engine/engine.h"

const char *const nf_part_names[NF_PARTS] = {"weights", "caches",  "activations",
                                             "tables",  "scratch", "captures"};

int64_t nf_model_pages(const infuse_model *m) { return nf_ceil_div(m->options.context, NF_PAGE); }

// Of sliding pages there are as many as all sessions can need together, and more in proportion where there
// are more of full ones: what those remember is of use only with a window before its end. A sliding layer
// needs the window before the step's first token, wherever in a page it begins; so does a snapshot. A step
// leaves a recurrent state behind each token that may be the last right one.
int64_t nf_model_slots(const infuse_model *m, nf_cache group) {
  const infuse_model_options *o = &m->options;
  if (group == NF_CACHE_RECURRENT) return o->sessions * (1 + o->guesses) + o->snapshots;
  const int64_t all = nf_model_pages(m), full = all * o->sessions;
  const int64_t have = o->cache_tokens != 0 ? nf_ceil_div(o->cache_tokens, NF_PAGE) : full;
  if (group != NF_CACHE_SLIDING) return have;
  const int64_t window = nf_min(all, nf_ceil_div(m->config.window + o->batch, NF_PAGE) + 1);
  const int64_t kept = o->snapshots * nf_min(all, nf_ceil_div(m->config.window, NF_PAGE) + 1);
  return nf_max(nf_min(window * o->sessions, have), window * have / all) + kept;
}

nf_status nf_model_stored_bytes(const infuse_model *m, size_t i, size_t *out) {
  const nf_value *value = &m->compiled.layout.stored[i];
  const nf_sizes max = nf_model_largest_step(m);
  NF_TRY(nf_type_bytes(&value->type, &max, out), "value '%s'", value->name);
  if (value->kind != NF_VALUE_POOL) return nf_ok();
  const int64_t slots = nf_model_slots(m, value->type.cache);
  if (slots <= NF_MOST_CACHE_TOKENS / NF_PAGE && nf_mul_size(*out, (size_t)slots, out))
    return nf_ok(); // int32 in tables
  return nf_error(NF_USAGE, "a cache of %ld slots is too large; %d can be told apart", (long)slots,
                  NF_MOST_CACHE_TOKENS / NF_PAGE);
}

// `count` times `bytes` more; what is too much for numbers is still too much for any memory.
static void add(uint64_t *part, uint64_t count, uint64_t bytes) {
  const uint64_t most = UINT64_MAX / 8;
  if (__builtin_mul_overflow(count, bytes, &bytes) || __builtin_add_overflow(*part, bytes, part) ||
      *part > most)
    *part = most;
}

static void add_part(infuse_model *m, nf_part part, uint64_t each,
                     uint64_t host) { // of ranks, and beside them
  add(&m->budget.of[part], (uint64_t)m->options.world, each);
  add(&m->budget.of[part], 1, host);
  add(&m->budget.rank, 1, each);
}

// What kernels and those who draw need for themselves, and results that wait for the client where it can't
// read the device's own memory.
static void add_scratch(infuse_model *m) {
  const infuse_model_options *o = &m->options;
  const nf_threads *t = m->rt->threads;
  const int64_t threads = t != NULL ? nf_threads_count(t) : m->rt->hw.cores;
  const bool copies = !nf_device_is_host(m->rt->device);
  nf_scratch_bytes most = {0};
  for (size_t i = 0; i < m->compiled.n; i++)
    most = nf_scratch_most(most, nf_plan_scratch_bytes(m->compiled.range[i].plan));
  m->n_scratch = t != NULL ? nf_min(threads, nf_min(o->sessions, o->rows)) : 0;
  const int64_t floats = m->n_scratch * (int64_t)nf_sampler_scratch((int32_t)m->config.vocab) +
                         copies * o->rows * m->config.vocab + o->keep_hidden * o->batch * m->config.hidden;
  add_part(m, NF_SCRATCH, nf_scratch_total(most, (int)nf_max(1, threads / o->world)),
           sizeof(float) * (uint64_t)floats);
}

// How many powers of two there are up to n's.
static int64_t powers_to(int64_t n) { return 1 + __builtin_ctzll((uint64_t)nf_power_from(n)); }

// What steps of `tokens` are replayed by, whose sequences and rows are powers of two too, no more than
// tokens, and rows may be none. What is launched depends on tokens, and on whether they are of one sequence
// or each of its own.
static uint64_t captures_of(const infuse_model *m, int64_t tokens) {
  const nf_sizes max = nf_model_largest_step(m);
  const int64_t S = nf_min(tokens, max.of[NF_S]), R = nf_min(tokens, max.of[NF_R]);
  const nf_sizes one = nf_sizes_of(tokens, 1, 1), many = nf_sizes_of(tokens, S, R);
  nf_plan *plan = m->compiled.range[nf_compiled_for(&m->compiled, tokens)].plan;
  const size_t a = nf_plan_capture_bytes(plan, &one), b = nf_plan_capture_bytes(plan, &many);
  uint64_t all = 0;
  add(&all, (uint64_t)(powers_to(S) * (1 + powers_to(R))), a > b ? a : b);
  return all;
}

static void add_captures(infuse_model *m) {
  const int64_t most = nf_model_largest_step(m).of[NF_T];
  uint64_t all = 0;
  for (int64_t t = 1; m->buckets && t < 2 * most; t *= 2) add(&all, 1, captures_of(m, nf_min(t, most)));
  add_part(m, NF_CAPTURES, all, 0);
}

nf_status nf_model_add_up(infuse_model *m) {
  const int64_t routes = m->options.forced_experts ? m->config.layers * m->config.experts_per_token : 0;
  const nf_sizes max = nf_model_largest_step(m);
  m->budget = (nf_budget){0};
  for (size_t i = 0; i < m->compiled.layout.n; i++) {
    size_t bytes;
    NF_TRY(nf_model_stored_bytes(m, i, &bytes));
    add_part(m, m->compiled.layout.stored[i].kind == NF_VALUE_POOL ? NF_CACHES : NF_WEIGHTS, bytes, 0);
  }
  if (!nf_step_tables_layout(&m->tables, &max, m->uses, nf_model_pages(m), routes, (int)m->options.world))
    return nf_error(NF_USAGE, "%ld sessions of %ld tokens need page tables larger than memory can be",
                    (long)m->options.sessions, (long)m->options.context);
  add_part(m, NF_ACTIVATIONS, m->compiled.arena_bytes, 0);
  add_part(m, NF_TABLES, m->tables.bytes, nf_step_tables_host_bytes(&m->tables));
  add_scratch(m);
  add_captures(m);
  return nf_ok();
}

nf_fit nf_model_fit(const infuse_model *m) {
  const bool gpu = m->rt->hw.multiprocessors > 0; // each rank has one
  nf_fit f = {.limit = m->rt->hw.memory, .of = gpu ? NF_MEMORY_RANK : NF_MEMORY_MACHINE};
  for (int i = 0; i < NF_PARTS; i++) f.total += m->budget.of[i];
  if (m->options.memory != 0) f.of = NF_MEMORY_OPTION, f.limit = m->options.memory;
  f.need = f.of == NF_MEMORY_RANK ? m->budget.rank : f.total;
  f.fits = f.need <= f.limit;
  return f;
}

// ---- what would ----

// Whether it fits with so many tokens a session and so many sessions. Caches and tables follow; activations
// stay those of the plan.
static bool fits_with(infuse_model *m, int64_t context, int64_t sessions) {
  m->options.context = context;
  m->options.sessions = sessions;
  const nf_status st = nf_model_add_up(m);
  const bool fits = nf_is_ok(st) && nf_model_fit(m).fits;
  nf_status_free(st);
  return fits;
}

// The largest multiple of `step` below `most` that fits as contexts or else sessions; 0: none does.
static int64_t largest(infuse_model *m, bool contexts, int64_t most, int64_t step) {
  const int64_t context = m->options.context, sessions = m->options.sessions;
  int64_t lo = 0, hi = nf_ceil_div(most, step); // of steps: lo fits or is 0, hi does not
  while (hi - lo > 1) {
    const int64_t mid = lo + (hi - lo) / 2, tried = mid * step;
    const bool fits = contexts ? fits_with(m, tried, sessions) : fits_with(m, context, tried);
    *(fits ? &lo : &hi) = mid;
  }
  m->options.context = context;
  m->options.sessions = sessions;
  return lo * step;
}

// Not everything is split, and not every model over any number of ranks: so it is compiled for them.
static bool fits_on(const infuse_model *m, const char *dir, int64_t world) {
  infuse_model_options o = m->options;
  infuse_model *other = NULL;
  nf_compile_options c;
  bool fits = false;
  nf_status st;
  o.world = world;
  NF_GOTO(nf_make(&other, 1, sizeof *other, "a model"));
  NF_GOTO(nf_model_open(m->rt, dir, &o, other));
  NF_GOTO(nf_model_compile_options(other, &c));
  NF_GOTO(nf_model_compile(other, &c));
  fits = nf_model_fit(other).fits;
fail:
  nf_status_free(st);
  infuse_model_destroy(other);
  return fits;
}

// The fewest ranks, doubling, on which it fits; 0: on none, or ranks share the memory.
static int64_t more_ranks(const infuse_model *m, const char *dir, const nf_fit *f) {
  if (f->of != NF_MEMORY_RANK) return 0;
  for (int64_t world = 2 * m->options.world; world <= NF_MAX_WORLD; world *= 2)
    if (fits_on(m, dir, world)) return world;
  return 0;
}

nf_status nf_model_would_fit(infuse_model *m, const char *dir, nf_would_fit *out) {
  const nf_fit f = nf_model_fit(m);
  *out = (nf_would_fit){0};
  if (f.fits) return nf_ok();
  out->context = largest(m, true, m->options.context, NF_PAGE);
  out->sessions = largest(m, false, m->options.sessions, 1);
  out->world = more_ranks(m, dir, &f);
  return nf_model_add_up(m); // as it was
}

// ---- saying it ----

static double gib(uint64_t bytes) { return (double)bytes / (1 << 30); }

static void list_parts(const nf_budget *b, char *out, size_t n) {
  for (size_t i = 0, at = 0; i < NF_PARTS && at < n; i++)
    at += (size_t)snprintf(out + at, n - at, "%s%s %.3f", i ? ", " : "", nf_part_names[i], gib(b->of[i]));
}

static bool fits_without_guesses(infuse_model *m) {
  const int64_t guesses = m->options.guesses;
  m->options.guesses = 0;
  const bool fits = fits_with(m, m->options.context, m->options.sessions);
  m->options.guesses = guesses;
  return fits;
}

static nf_status refuse(infuse_model *m, const char *dir, const nf_fit *f, const char *parts) {
  nf_would_fit w;
  NF_TRY(nf_model_would_fit(m, dir, &w));
  char help[64] = "";
  if (fits_without_guesses(m))
    snprintf(help, sizeof help, "; without guesses it would fit");
  else if (w.context != 0)
    snprintf(help, sizeof help, "; a context of %ld would fit", (long)w.context);
  else if (w.sessions != 0)
    snprintf(help, sizeof help, "; %ld sessions would fit", (long)w.sessions);
  return nf_error(NF_UNAVAILABLE, "the model needs %.3f GiB (%s) and may use %.3f%s", gib(f->need), parts,
                  gib(f->limit), help);
}

nf_status nf_model_check_fit(infuse_model *m, const char *dir) {
  char parts[160];
  const nf_fit f = nf_model_fit(m);
  list_parts(&m->budget, parts, sizeof parts);
  nf_log_print(&m->rt->log, NF_LOG_INFO, "memory in GiB: %s: %.3f of %.3f", parts, gib(f.total),
               gib(f.limit));
  return f.fits ? nf_ok() : refuse(m, dir, &f, parts);
}
