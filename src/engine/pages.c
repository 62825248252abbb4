// SPDX-License-Identifier: Apache-2.0
// What a session holds of the caches: pages of keys and values and a recurrent state, which it shares with
// whoever has the same text before them.
//
// A page with a name is never written, nor is one that somebody else refers to; a state is written into
// another slot than it was read from as long as there are slots, so that the old one stays as a snapshot.
#include "base/checked.h"
#include "engine/engine.h"
#include <string.h>

// What others may find here, and this session there. The rows of hidden states and experts that are told by
// the caller belong to tokens that are computed.
static bool shares(const infuse_session *s) {
  const infuse_model_options *o = &s->model->options;
  return !s->unshared && !o->keep_hidden && !o->forced_experts;
}

int64_t nf_session_chunk(const infuse_session *s, int64_t tokens) {
  const infuse_model *m = s->model;
  int64_t end = s->position + tokens;
  if (!m->uses[NF_CACHE_RECURRENT] || !shares(s) || m->kv[NF_CACHE_RECURRENT].unused == 0) return tokens;
  if (s->position < s->fork && s->fork < end) end = s->fork;
  end -= end % NF_PAGE;
  return end > s->position ? end - s->position : tokens;
}

// ---- giving back ----

// Devices need not be told of pages that are gone: nobody looks at them.
static void set_page(infuse_session *s, nf_cache g, int64_t p, int32_t slot) {
  nf_range *r = &s->changed[g];
  if (slot >= 0 && slot != s->page[g][p])
    *r = r->hi == 0 ? (nf_range){p, p + 1} : (nf_range){nf_min(r->lo, p), nf_max(r->hi, p + 1)};
  s->page[g][p] = slot;
}

static void put_page(infuse_session *s, nf_cache g, int64_t p, int32_t slot) {
  if (s->page[g][p] >= 0) nf_kv_release(&s->model->kv[g], s->page[g][p]);
  set_page(s, g, p, slot);
}

// The last page first: the beginning of a text is of use to more than its end.
static void release_pages(infuse_session *s, int64_t first) {
  for (; s->n_pages > first; s->n_pages--)
    for (int g = 1; g < NF_CACHE_COUNT; g++)
      if (s->page[g] != NULL) put_page(s, (nf_cache)g, s->n_pages - 1, -1);
}

static void put_state(infuse_session *s, int32_t slot) {
  if (s->state >= 0) nf_kv_release(&s->model->kv[NF_CACHE_RECURRENT], s->state);
  s->state = slot;
}

void nf_session_release(infuse_session *s) {
  release_pages(s, 0);
  put_state(s, -1);
  s->position = s->evicted = s->fork = 0;
}

// Pages whose every key the next token can no longer see.
static void evict(infuse_session *s) {
  if (s->page[NF_CACHE_SLIDING] == NULL) return;
  const int64_t oldest = s->position - s->model->config.window + 1;
  for (; (s->evicted + 1) * NF_PAGE <= oldest; s->evicted++) put_page(s, NF_CACHE_SLIDING, s->evicted, -1);
}

// ---- what is there already ----

static nf_prefix prefix_at(infuse_session *s, int64_t p) { // at the end of page p of the tokens
  for (; s->n_prefixes <= p; s->n_prefixes++) {
    const int64_t i = s->n_prefixes;
    s->prefix[i] =
        nf_prefix_extend(i > 0 ? s->prefix[i - 1] : s->model->no_text, s->token + i * NF_PAGE, NF_PAGE);
  }
  return s->prefix[p];
}

static int32_t find(const infuse_session *s, nf_cache g, nf_prefix name) {
  return s->model->uses[g] ? nf_kv_find(&s->model->kv[g], name) : 0;
}

// The longest prefix of at most `most` pages behind which the session could go on: full layers have all its
// pages, sliding layers the window before its end, recurrent layers a snapshot there. In pages; those that
// the session holds count.
static int64_t longest_prefix(infuse_session *s, int64_t most) {
  int64_t best = 0, p = s->position / NF_PAGE, sliding = p - s->evicted; // pages in a row
  for (; p < most; p++) {
    const nf_prefix name = prefix_at(s, p);
    if (find(s, NF_CACHE_FULL, name) < 0) break;
    sliding = find(s, NF_CACHE_SLIDING, name) >= 0 ? sliding + 1 : 0;
    const int64_t oldest = nf_max(0, (p + 1) * NF_PAGE - s->model->config.window + 1) / NF_PAGE;
    if (sliding > p - oldest && find(s, NF_CACHE_RECURRENT, name) >= 0) best = p + 1;
  }
  s->fork = nf_max(s->fork, p * NF_PAGE);
  return best;
}

static void adopt(infuse_session *s, int64_t pages) {
  for (int64_t p = s->position / NF_PAGE; p < pages; p++)
    for (int g = 1; g < NF_CACHE_COUNT; g++) {
      if (s->page[g] == NULL) continue;
      const int32_t slot = find(s, (nf_cache)g, s->prefix[p]);
      if (slot >= 0) nf_kv_share(&s->model->kv[g], slot);
      put_page(s, (nf_cache)g, p, slot);
    }
  s->n_pages = nf_max(s->n_pages, pages);
  if (s->model->uses[NF_CACHE_RECURRENT]) {
    const int32_t slot = find(s, NF_CACHE_RECURRENT, s->prefix[pages - 1]);
    nf_kv_share(&s->model->kv[NF_CACHE_RECURRENT], slot);
    put_state(s, slot);
  }
  s->cached += pages * NF_PAGE - s->position;
  s->position = pages * NF_PAGE;
  evict(s);
}

void nf_session_find(infuse_session *s, int64_t tokens) {
  if (!shares(s) || tokens / NF_PAGE <= s->position / NF_PAGE) return;
  const int64_t pages = longest_prefix(s, tokens / NF_PAGE);
  if (pages * NF_PAGE > s->position) adopt(s, pages);
}

void nf_session_skip(infuse_session *s) {
  const int64_t rows = s->rows_wanted == INFUSE_ALL_ROWS ? s->queued - s->told : s->rows_wanted;
  nf_session_find(s, s->queued - nf_max(1, rows));
}

// An answer leaves one state, at the end of its last whole page: there the next turn of a conversation goes
// on. The one before it is given up.
static void leave_answer_state(infuse_session *s) {
  nf_kv *kv = &s->model->kv[NF_CACHE_RECURRENT];
  const int64_t page = s->position / NF_PAGE - 1;
  const int32_t old = s->answer_end != 0 ? nf_kv_find(kv, s->prefix[s->answer_end / NF_PAGE - 1]) : -1;
  if (old >= 0 && nf_kv_refs(kv, old) == 0) {
    nf_kv_share(kv, old);
    nf_kv_unname(kv, old);
    nf_kv_release(kv, old);
  }
  s->answer_end = nf_kv_find(kv, s->prefix[page]) < 0 ? s->position : 0; // not what others have left
  nf_kv_name(kv, s->state, s->prefix[page], false);
}

static uint64_t public_name(nf_prefix p) { return p.hash[0]; }

static void tell_stored(infuse_session *s, int64_t p) {
  const infuse_model *m = s->model;
  const infuse_page_event e = {.page = public_name(s->prefix[p]),
                               .before = p > 0 ? public_name(s->prefix[p - 1]) : 0,
                               .tokens = s->token + p * NF_PAGE,
                               .n = NF_PAGE};
  if (m->on_pages != NULL && nf_kv_find(&m->kv[NF_CACHE_FULL], s->prefix[p]) < 0)
    m->on_pages(m->pages_user, &e);
}

static void tell_forgotten(void *model, nf_prefix name) {
  const infuse_model *m = model;
  const infuse_page_event e = {.page = public_name(name)};
  m->on_pages(m->pages_user, &e);
}

void infuse_model_on_pages(infuse_model *m, void (*told)(void *user, const infuse_page_event *e),
                           void *user) {
  if (m == NULL) return;
  m->on_pages = told, m->pages_user = user;
  m->kv[NF_CACHE_FULL].forgotten = told != NULL ? tell_forgotten : NULL;
  m->kv[NF_CACHE_FULL].user = m;
}

// Names what the last `tokens` tokens have filled. States are kept where a chunk ends, and one of an answer.
// Texts go on from the end of a prompt or answer and from where they have parted before more often than from
// elsewhere: states there and the windows of prompts outlive others.
static void leave(infuse_session *s, int64_t tokens) {
  if (!shares(s)) return;
  const bool passes = s->position != s->fork && s->position + NF_PAGE <= s->queued;
  for (int64_t p = (s->position - tokens) / NF_PAGE; (p + 1) * NF_PAGE <= s->position; p++) {
    const nf_prefix name = prefix_at(s, p);
    if (s->page[NF_CACHE_FULL] != NULL) tell_stored(s, p);
    for (int g = 1; g < NF_CACHE_COUNT; g++)
      if (s->page[g] != NULL && s->page[g][p] >= 0)
        nf_kv_name(&s->model->kv[g], s->page[g][p], name, g == NF_CACHE_SLIDING && tokens == 1);
  }
  if (s->state < 0 || s->position % NF_PAGE != 0) return;
  if (tokens > 1) s->answer_end = 0;
  if (tokens == 1)
    leave_answer_state(s);
  else
    nf_kv_name(&s->model->kv[NF_CACHE_RECURRENT], s->state, s->prefix[s->position / NF_PAGE - 1], passes);
}

// ---- copies ----

// One slot's share of every pool of the group, on every rank.
static nf_status copy_slot(const infuse_model *m, nf_cache g, int32_t from, int32_t to) {
  for (int64_t i = 0; i < m->options.world; i++)
    for (size_t k = 0; k < m->compiled.layout.n; k++) {
      const nf_value *value = &m->compiled.layout.stored[k];
      if (value->kind != NF_VALUE_POOL || value->type.cache != g) continue;
      const nf_rank *r = &m->rank[i];
      const size_t bytes = r->buffer[k].bytes / (size_t)nf_model_slots(m, g);
      NF_TRY(nf_device_copy(r->device, &r->buffer[k], (size_t)from * bytes, (size_t)to * bytes, bytes));
    }
  return nf_ok();
}

// Makes *slot one that this session may write, with what it held; -1 becomes an empty one. *got is false, and
// nothing changed, where none is left.
static nf_status own(infuse_model *m, nf_cache g, int32_t *slot, bool *got) {
  nf_kv *kv = &m->kv[g];
  const int32_t from = *slot;
  *got = true;
  if (from >= 0 && nf_kv_refs(kv, from) == 1) return nf_kv_unname(kv, from), nf_ok();
  const int32_t to = nf_kv_take(kv);
  *got = to >= 0;
  if (to < 0) return nf_ok();
  const nf_status st = from >= 0 ? copy_slot(m, g, from, to) : nf_ok();
  if (from >= 0) nf_kv_release(kv, nf_is_ok(st) ? from : to);
  if (nf_is_ok(st)) *slot = to;
  return st;
}

// ---- a step ----

static nf_status own_pages(infuse_session *s, nf_cache g, int64_t *tokens) {
  for (int64_t p = s->position / NF_PAGE; p * NF_PAGE < s->position + *tokens; p++) {
    bool got;
    int32_t slot = s->page[g][p];
    NF_TRY(own(s->model, g, &slot, &got));
    set_page(s, g, p, slot);
    if (got) {
      s->n_pages = nf_max(s->n_pages, p + 1);
      continue;
    }
    *tokens = nf_max(0, p * NF_PAGE - s->position);
    s->waits_for = g;
  }
  return nf_ok();
}

nf_status nf_session_reserve(infuse_session *s, int64_t *tokens) {
  for (int g = 1; g < NF_CACHE_COUNT; g++)
    if (s->page[g] != NULL) NF_TRY(own_pages(s, (nf_cache)g, tokens));
  if (s->waits_for != NF_NO_CACHE) release_pages(s, nf_ceil_div(s->position + *tokens, NF_PAGE));
  if (*tokens > 0) s->waits_for = NF_NO_CACHE;
  return nf_ok();
}

// A state of the session that it may write. One that is shared is copied, as whoever else has it may write it
// in the same step.
static nf_status own_state(infuse_session *s, int32_t *slot) {
  const nf_kv *kv = &s->model->kv[NF_CACHE_RECURRENT];
  bool got = true;
  *slot = s->state;
  if (s->state < 0 || nf_kv_refs(kv, s->state) != 1) NF_TRY(own(s->model, NF_CACHE_RECURRENT, slot, &got));
  if (s->state >= 0) s->state = *slot;
  return got ? nf_ok() : nf_error(NF_INTERNAL, "the recurrent cache has no slot left");
}

// There is a slot for each session, and for each of the guesses that the model was loaded for.
nf_status nf_session_begin(infuse_session *s, int64_t guesses) {
  nf_kv *kv = &s->model->kv[NF_CACHE_RECURRENT];
  int32_t last;
  if (!s->model->uses[NF_CACHE_RECURRENT]) return nf_ok();
  NF_TRY(own_state(s, &last));
  if (last == s->state) nf_kv_share(kv, last);
  while (s->n_next < (size_t)guesses && (s->next_state[s->n_next] = nf_kv_take(kv)) >= 0) s->n_next++;
  const bool got = s->n_next == (size_t)guesses;
  s->next_state[s->n_next++] = last;
  return got ? nf_ok() : nf_error(NF_INTERNAL, "the recurrent cache has no slot left for a guess");
}

void nf_session_keep_state(infuse_session *s) {
  nf_kv *kv = &s->model->kv[NF_CACHE_RECURRENT];
  if (s->n_next == 0) return;
  int32_t *last = &s->next_state[s->n_next - 1];
  if (*last != s->state || !nf_kv_is_named(kv, s->state)) return;
  const int32_t other = nf_kv_take(kv);
  if (other < 0) {
    nf_kv_unname(kv, s->state);
    return;
  }
  nf_kv_release(kv, *last);
  *last = other;
}

void nf_session_advance(infuse_session *s, int64_t tokens) {
  s->position += tokens;
  s->told = nf_max(s->told, s->position);
  if (s->n_next != 0) {
    put_state(s, s->next_state[0]);
    memmove(s->next_state, s->next_state + 1, --s->n_next * sizeof *s->next_state);
  }
  leave(s, tokens);
  evict(s);
}

void nf_session_end_step(infuse_session *s) {
  while (s->n_next != 0) nf_kv_release(&s->model->kv[NF_CACHE_RECURRENT], s->next_state[--s->n_next]);
}

void nf_session_undo(infuse_session *s) {
  const bool half_new = s->n_next != 0 && s->next_state[s->n_next - 1] == s->state;
  nf_session_end_step(s);
  if (half_new) nf_session_release(s);
}

// ---- all of a session ----

// Keys and values go back by tokens, as far as the window of the first one was not evicted; a recurrent state
// does not.
static bool caches_reach(const infuse_session *s, int64_t n) {
  const infuse_model *m = s->model;
  if (m->uses[NF_CACHE_RECURRENT]) return false;
  return s->page[NF_CACHE_SLIDING] == NULL || s->evicted * NF_PAGE <= nf_max(0, n - m->config.window + 1);
}

void nf_session_go_back(infuse_session *s, int64_t n) {
  s->n_prefixes = nf_min(s->n_prefixes, n / NF_PAGE);
  if (s->answer_end > n) s->answer_end = 0;
  s->fork = nf_min(s->fork, n);
  if (n >= s->position) return;
  if (caches_reach(s, n)) {
    release_pages(s, nf_ceil_div(n, NF_PAGE));
    s->evicted = nf_min(s->evicted, n / NF_PAGE);
    s->position = n;
    return;
  }
  nf_session_release(s);
  nf_session_find(s, n);
}

void nf_session_share(const infuse_session *s, infuse_session *to) {
  for (int g = 1; g < NF_CACHE_COUNT; g++)
    for (int64_t p = 0; s->page[g] != NULL && p < s->n_pages; p++) {
      if (s->page[g][p] >= 0) nf_kv_share(&s->model->kv[g], s->page[g][p]);
      set_page(to, (nf_cache)g, p, s->page[g][p]);
    }
  if (s->state >= 0) nf_kv_share(&s->model->kv[NF_CACHE_RECURRENT], s->state);
  to->state = s->state;
  memcpy(to->prefix, s->prefix, (size_t)s->n_prefixes * sizeof *to->prefix);
  to->n_pages = s->n_pages, to->n_prefixes = s->n_prefixes, to->evicted = s->evicted;
  to->position = s->position;
}
