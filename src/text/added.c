// SPDX-License-Identifier: Apache-2.0
// Matching added tokens: a sorted array, narrowed byte by byte from each place where one can begin.
#include "base/memory.h"
#include "text/tokenizer_internal.h"
#include "text/unicode.h"
#include <stdlib.h>
#include <string.h>

nf_added *nf_added_find(const nf_added_set *s, nf_view content) {
  for (size_t i = 0; i < s->n; i++)
    if (nf_view_equal(s->token[i].content, content)) return &s->token[i];
  return NULL;
}

nf_status nf_added_push(nf_added_set *s, nf_added token) {
  if (!nf_grow(&s->token, &s->cap, s->n + 1, sizeof *s->token))
    return nf_error(NF_NO_MEMORY, "no memory for added tokens");
  s->token[s->n++] = token;
  return nf_ok();
}

static int by_content(const void *a, const void *b) {
  nf_view x = ((const nf_added *)a)->content, y = ((const nf_added *)b)->content;
  int order = memcmp(x.at, y.at, x.n < y.n ? x.n : y.n);
  if (order == 0) order = (x.n > y.n) - (x.n < y.n);
  size_t i = ((const nf_added *)a)->order, k = ((const nf_added *)b)->order;
  return order ? order : (i > k) - (i < k);
}

void nf_added_sort(nf_added_set *s) {
  size_t n = 0;
  if (s->n) qsort(s->token, s->n, sizeof *s->token, by_content);
  for (size_t i = 0; i < s->n; i++)
    if (n == 0 || !nf_view_equal(s->token[n - 1].content, s->token[i].content)) s->token[n++] = s->token[i];
  s->n = n;
  for (size_t i = 0; i < n; i++) s->first[(unsigned char)*s->token[i].content.at] = true;
}

void nf_added_deinit(nf_added_set *s) {
  nf_free(s->token);
  *s = (nf_added_set){0};
}

// First token in [lo, hi), which share `depth` bytes, whose byte there is at least c. A token that ends there
// is less.
static size_t lower_bound(const nf_added_set *s, size_t lo, size_t hi, size_t depth, int c) {
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    nf_view t = s->token[mid].content;
    if ((t.n > depth ? (unsigned char)t.at[depth] : -1) < c)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static const nf_added *longest_at(const nf_added_set *s, const char *at, size_t n) {
  const nf_added *best = NULL;
  size_t lo = 0, hi = s->n;
  for (size_t depth = 0; depth < n && lo < hi; depth++) {
    int c = (unsigned char)at[depth];
    lo = lower_bound(s, lo, hi, depth, c);
    hi = lower_bound(s, lo, hi, depth, c + 1);
    if (lo < hi && s->token[lo].content.n == depth + 1) best = &s->token[lo];
  }
  return best;
}

static const nf_added *next_match(const nf_added_set *s, nf_view text, size_t from, size_t *start) {
  for (; from < text.n; from++) {
    if (!s->first[(unsigned char)text.at[from]]) continue;
    const nf_added *t = longest_at(s, text.at + from, text.n - from);
    if (t) return *start = from, t;
  }
  return NULL;
}

static size_t char_before(nf_view s, size_t at) {
  do at--;
  while (((unsigned char)s.at[at] & 0xc0) == 0x80);
  return at;
}

static bool is_single_word(nf_view s, size_t start, size_t stop) {
  size_t n;
  return !(start > 0 && nf_char_is_word(nf_utf8_char(s.at + char_before(s, start), &n))) &&
         !(stop < s.n && nf_char_is_word(nf_utf8_char(s.at + stop, &n)));
}

static size_t strip_left(nf_view s, size_t start, size_t least) {
  size_t n;
  while (start > least && nf_char_is_space(nf_utf8_char(s.at + char_before(s, start), &n)))
    start = char_before(s, start);
  return start;
}

static size_t strip_right(nf_view s, size_t stop) {
  for (size_t n; stop < s.n && nf_char_is_space(nf_utf8_char(s.at + stop, &n)); stop += n) {
  }
  return stop;
}

nf_status nf_added_split(const nf_added_set *s, nf_view text, bool plain, nf_added_emit emit, void *user) {
  size_t done = 0, from = 0, start;
  const nf_added *t;
  while (s->n && (t = next_match(s, text, from, &start))) {
    size_t stop = from = start + t->content.n;
    if ((plain && t->special) || (t->single_word && !is_single_word(text, start, stop))) continue;
    if (t->lstrip) start = strip_left(text, start, done);
    if (t->rstrip) stop = strip_right(text, stop);
    if (done < start) NF_TRY(emit(user, (nf_view){text.at + done, start - done}, -1));
    NF_TRY(emit(user, (nf_view){text.at + start, stop - start}, t->id));
    done = stop;
  }
  return done < text.n ? emit(user, (nf_view){text.at + done, text.n - done}, -1) : nf_ok();
}
