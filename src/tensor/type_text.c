// SPDX-License-Identifier: Apache-2.0
// Types as text: [cache " "] dtype ["@" pack] "[" extent [":" padded] {"," ...} "]", an extent being n, T or
// n*T.
#include "base/checked.h"
#include "tensor/type.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const sym_names[NF_SYM_COUNT] = {"", "T", "S", "R"};
static const char *const cache_names[NF_CACHE_COUNT] = {"", "full", "sliding", "recurrent"};

const char *nf_sym_name(nf_sym s) { return sym_names[s]; }
const char *nf_cache_name(nf_cache c) { return cache_names[c]; }

nf_pack_text nf_pack_name(nf_pack p) {
  nf_pack_text t = {"plain"};
  if (nf_pack_is_any(p))
    t = (nf_pack_text){"any"};
  else if (!nf_pack_is_plain(p))
    snprintf(t.at, sizeof t.at, p.k == 1 ? "n%d" : "n%dk%d", p.rows, p.k);
  return t;
}

nf_extent_text nf_extent_text_of(nf_extent e) {
  nf_extent_text t;
  if (e.c == 1 && e.sym != NF_CONST)
    snprintf(t.at, sizeof t.at, "%s", nf_sym_name(e.sym));
  else
    snprintf(t.at, sizeof t.at, "%" PRId64 "%s%s", e.c, e.sym == NF_CONST ? "" : "*", nf_sym_name(e.sym));
  return t;
}

nf_type_text nf_type_text_of(const nf_type *t) {
  nf_type_text out;
  const bool plain = nf_pack_is_plain(t->pack);
  int n =
      snprintf(out.at, sizeof out.at, "%s%s%s%s%s", cache_names[t->cache], t->cache != NF_NO_CACHE ? " " : "",
               nf_dtype_of(t->dtype)->name, plain ? "" : "@", plain ? "" : nf_pack_name(t->pack).at);
  if (t->dtype == NF_NONE) return out;
  for (int i = 0; i < t->rank; i++) {
    n += snprintf(out.at + n, sizeof out.at - (size_t)n, "%s%s", i ? "," : "[",
                  nf_extent_text_of(t->dim[i]).at);
    if (t->padded[i] != t->dim[i].c)
      n += snprintf(out.at + n, sizeof out.at - (size_t)n, ":%" PRId64, t->padded[i]);
  }
  snprintf(out.at + n, sizeof out.at - (size_t)n, t->rank ? "]" : "[]");
  return out;
}

// Cuts *rest at the first `c`: returns what stands before it, or all and an unchanged *found = false.
static nf_view cut(nf_view *rest, char c, bool *found) {
  const char *at = rest->n ? memchr(rest->at, c, rest->n) : NULL;
  *found = at != NULL;
  nf_view head = {rest->at, at ? (size_t)(at - rest->at) : rest->n};
  *rest = at ? (nf_view){at + 1, rest->n - head.n - 1} : (nf_view){rest->at + rest->n, 0};
  return head;
}

static bool find_name(nf_view name, const char *const *names, int n, int *out) {
  for (int i = 0; i < n; i++) {
    if (!names[i][0] || !nf_view_equal(name, nf_view_of(names[i]))) continue;
    *out = i;
    return true;
  }
  return false;
}

static bool parse_count(nf_view s, int64_t *out) {
  return s.n && s.at[0] >= '0' && s.at[0] <= '9' && nf_parse_i64(s, out);
}

static bool parse_extent(nf_view s, nf_extent *out) {
  bool times;
  int sym;
  nf_view rest = s, count = cut(&rest, '*', &times);
  *out = NF_C(1);
  if (!times && find_name(s, sym_names, NF_SYM_COUNT, &sym)) {
    out->sym = (nf_sym)sym;
    return true;
  }
  if (!parse_count(count, &out->c)) return false;
  if (!times) return true;
  if (!find_name(rest, sym_names, NF_SYM_COUNT, &sym)) return false;
  out->sym = (nf_sym)sym;
  return true;
}

static bool parse_dim(nf_view s, nf_type *t) {
  bool padded;
  nf_view logical = cut(&s, ':', &padded);
  if (t->rank == NF_MAX_RANK || !parse_extent(logical, &t->dim[t->rank])) return false;
  int64_t c = t->dim[t->rank].c;
  t->padded[t->rank] = c;
  if (padded && (!parse_count(s, &t->padded[t->rank]) || t->padded[t->rank] < c)) return false;
  t->rank++;
  return true;
}

// The order whose name it is; what stands for one is printed again to be sure that it is spelt so.
static bool parse_pack(nf_view s, nf_pack *out) {
  nf_view rest = s;
  bool has_k, two = s.n > 0 && s.at[0] == 'n';
  int64_t rows, k = 1;
  if (two) {
    rest = (nf_view){s.at + 1, s.n - 1};
    const nf_view n = cut(&rest, 'k', &has_k);
    if (!parse_count(n, &rows) || (has_k && !parse_count(rest, &k)) || rows > INT16_MAX || k > INT16_MAX)
      return false;
    *out = NF_PACK((int16_t)rows, (int16_t)k);
  } else {
    *out = nf_view_equal(s, nf_view_of("any")) ? NF_PACK_ANY : NF_PACK_PLAIN;
  }
  return nf_pack_is_valid(*out) && nf_view_equal(s, nf_view_of(nf_pack_name(*out).at));
}

static bool parse_dtype(nf_view s, nf_type *t) {
  char name[16] = {0};
  bool packed;
  nf_view dtype = cut(&s, '@', &packed);
  if (!dtype.n || dtype.n >= sizeof name || memchr(dtype.at, 0, dtype.n)) return false;
  memcpy(name, dtype.at, dtype.n);
  if (!nf_dtype_parse(name, &t->dtype)) return false;
  return !packed || parse_pack(s, &t->pack);
}

static bool parse_type(nf_view s, nf_type *t) {
  bool found;
  int cache = NF_NO_CACHE;
  nf_view rest = s, word = cut(&rest, ' ', &found);
  if (found && !find_name(word, cache_names, NF_CACHE_COUNT, &cache)) return false;
  if (found) s = rest;
  t->cache = (nf_cache)cache;
  if (!parse_dtype(cut(&s, '[', &found), t) || !found) return false;
  if (!s.n || s.at[s.n - 1] != ']') return false;
  s.n--;
  for (bool more = s.n > 0; more;)
    if (!parse_dim(cut(&s, ',', &more), t)) return false;
  return true;
}

nf_status nf_type_parse(nf_view text, nf_type *out) {
  *out = (nf_type){0};
  if (parse_type(text, out)) return nf_ok();
  *out = (nf_type){0};
  return nf_error(NF_BAD_INPUT, "'%.*s' is no type such as bf16[T,2880:3072]",
                  (int)(text.n < 100 ? text.n : 100), text.at ? text.at : "");
}
