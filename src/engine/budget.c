// SPDX-License-Identifier: Apache-2.0
// What a model's memory adds up to, whether it fits, into what, and what would make it fit.
#include "base/checked.h"
#include "base/memory.h"
#include "engine/engine.h"

int64_t nf_model_pages(const infuse_model *m) { return nf_ceil_div(m->options.context, NF_PAGE); }

// Of sliding pages there are as many as all sessions can need together, and more in proportion where there
// are more of full ones: what those remember is of use only with a window before its end. A sliding layer
// needs the window before the step's first token, wherever in a page it begins; so does a snapshot.
int64_t nf_model_slots(const infuse_model *m, nf_cache group) {
  const infuse_model_options *o = &m->options;
  if (group == NF_CACHE_RECURRENT) return o->sessions + o->snapshots;
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
  if (slots <= INT32_MAX / NF_PAGE && nf_mul_size(*out, (size_t)slots, out))
    return nf_ok(); // int32 in tables
  return nf_error(NF_USAGE, "a cache of %ld slots is too large; %d can be told apart", (long)slots,
                  INT32_MAX / NF_PAGE);
}

// `count` times `bytes` more; what is too much for numbers is still too much for any memory.
static void add(uint64_t *part, uint64_t count, uint64_t bytes) {
  const uint64_t most = UINT64_MAX / 8;
  if (__builtin_mul_overflow(count, bytes, &bytes) || __builtin_add_overflow(*part, bytes, part) ||
      *part > most)
    *part = most;
}

nf_status nf_model_add_up(infuse_model *m) {
  const int64_t routes = m->options.forced_experts ? m->config.layers * m->config.experts_per_token : 0;
  const nf_sizes max = nf_model_largest_step(m);
  const uint64_t world = (uint64_t)m->options.world;
  m->budget = (nf_budget){0};
  for (size_t i = 0; i < m->compiled.layout.n; i++) {
    size_t bytes;
    NF_TRY(nf_model_stored_bytes(m, i, &bytes));
    add(m->compiled.layout.stored[i].kind == NF_VALUE_POOL ? &m->budget.caches : &m->budget.weights, world,
        bytes);
  }
  if (!nf_step_tables_layout(&m->tables, &max, m->uses, nf_model_pages(m), routes, (int)world))
    return nf_error(NF_USAGE, "%ld sessions of %ld tokens need page tables larger than memory can be",
                    (long)m->options.sessions, (long)m->options.context);
  add(&m->budget.activations, world, m->compiled.arena_bytes);
  add(&m->budget.tables, world + 1, m->tables.bytes); // one more on the host
  return nf_ok();
}

// ---- whether that fits ----

// Ranks are alike; the host has tables besides them.
static uint64_t of_a_rank(const infuse_model *m) {
  const nf_budget *b = &m->budget;
  const uint64_t world = (uint64_t)m->options.world;
  return (b->weights + b->caches + b->activations) / world + b->tables / (world + 1);
}

nf_fit nf_model_fit(const infuse_model *m) {
  const bool gpu = m->rt->hw.multiprocessors > 0; // each rank has one
  const nf_budget *b = &m->budget;
  nf_fit f = {.total = b->weights + b->caches + b->activations + b->tables,
              .rank = of_a_rank(m),
              .limit = m->rt->hw.memory};
  f.of = gpu ? NF_MEMORY_RANK : NF_MEMORY_MACHINE;
  if (m->options.memory != 0) f.of = NF_MEMORY_OPTION, f.limit = m->options.memory;
  f.need = f.of == NF_MEMORY_RANK ? f.rank : f.total;
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

static nf_status compile(const infuse_model *m, const char *dir, int64_t world, infuse_model *out) {
  infuse_model_options o = m->options;
  nf_compile_options c;
  o.world = world;
  NF_TRY(nf_model_open(m->rt, dir, &o, out));
  NF_TRY(nf_model_compile_options(out, &c));
  return nf_model_compile(out, &c);
}

// Not everything is split, and not every model over any number of ranks: so it is compiled for them.
static bool fits_on(const infuse_model *m, const char *dir, int64_t world) {
  infuse_model *other = NULL;
  nf_status st = nf_make(&other, 1, sizeof *other, "a model");
  if (nf_is_ok(st)) st = compile(m, dir, world, other);
  const bool fits = nf_is_ok(st) && nf_model_fit(other).fits;
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

static nf_status refuse(infuse_model *m, const char *dir, const nf_fit *f) {
  const nf_budget b = m->budget;
  nf_would_fit w;
  NF_TRY(nf_model_would_fit(m, dir, &w));
  char help[64] = "";
  if (w.context != 0)
    snprintf(help, sizeof help, "; a context of %ld would fit", (long)w.context);
  else if (w.sessions != 0)
    snprintf(help, sizeof help, "; %ld sessions would fit", (long)w.sessions);
  return nf_error(NF_UNAVAILABLE,
                  "the model needs %.3f GiB (weights %.3f, caches %.3f, activations %.3f, tables %.3f) and "
                  "may use %.3f%s",
                  gib(f->need), gib(b.weights), gib(b.caches), gib(b.activations), gib(b.tables),
                  gib(f->limit), help);
}

nf_status nf_model_check_fit(infuse_model *m, const char *dir) {
  const nf_budget *b = &m->budget;
  const nf_fit f = nf_model_fit(m);
  nf_log_print(&m->rt->log, NF_LOG_INFO,
               "memory: weights %.3f GiB, caches %.3f, activations %.3f, tables %.3f: %.3f of %.3f GiB",
               gib(b->weights), gib(b->caches), gib(b->activations), gib(b->tables), gib(f.total),
               gib(f.limit));
  return f.fits ? nf_ok() : refuse(m, dir, &f);
}
