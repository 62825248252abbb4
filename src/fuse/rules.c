// SPDX-License-Identifier: Apache-2.0
// Sets of rules, and the options that speak of them by name.
#include "fuse/choice.h"
#include <stdlib.h>
#include <string.h>

static const nf_rule *const files[] = {
#define NF_RULES(file) nf_rules_##file,
#include "fuse/rules/rules.def"
};

static int by_name(const void *a, const void *b) {
  const nf_rule *x = *(const nf_rule *const *)a, *y = *(const nf_rule *const *)b;
  return strcmp(x->name, y->name);
}

static nf_status init_patterns(nf_rules *r, const nf_rule **sorted, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (i && strcmp(sorted[i]->name, sorted[i - 1]->name) == 0)
      return nf_error(NF_BAD_INPUT, "rules: two are called %s", sorted[i]->name);
    NF_TRY(nf_pattern_init(&r->pattern[i], sorted[i], &nf_plain_example));
    r->n++;
  }
  return nf_ok();
}

nf_status nf_rules_from(const nf_rule *const *rule, size_t n, nf_rules **out) {
  const nf_rule **sorted = nf_alloc(n, sizeof *sorted);
  nf_rules *r = nf_alloc(1, sizeof *r + n * sizeof r->pattern[0]);
  nf_status st = sorted && r ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for %zu rules", n);
  if (nf_is_ok(st)) {
    memcpy(sorted, rule, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_name);
    st = init_patterns(r, sorted, n);
  }
  nf_free(sorted);
  if (nf_is_ok(st))
    *out = r;
  else
    nf_rules_destroy(r);
  return st;
}

nf_status nf_rules_create(nf_rules **out) {
  const nf_rule **all = NULL;
  size_t n = 0, cap = 0;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    for (const nf_rule *r = files[i]; r->name != NULL; r++) {
      if (!nf_grow(&all, &cap, n + 1, sizeof *all)) return nf_free(all), nf_fuse_no_memory();
      all[n++] = r;
    }
  nf_status st = nf_rules_from(all, n, out);
  nf_free(all);
  return st;
}

void nf_rules_destroy(nf_rules *r) {
  for (size_t i = 0; r && i < r->n; i++) nf_pattern_deinit(&r->pattern[i]);
  nf_free(r);
}

const nf_rule *nf_rules_at(const nf_rules *r, size_t i) { return i < r->n ? r->pattern[i].rule : NULL; }

// ---- names ----

static bool is_called(const nf_rule *rule, nf_view name) {
  return nf_view_equal(name, nf_view_of(rule->name)) || nf_view_equal(name, nf_view_of(rule->family));
}

static bool known(const nf_rules *r, nf_view name) {
  for (size_t i = 0; i < r->n; i++)
    if (is_called(r->pattern[i].rule, name)) return true;
  return false;
}

static nf_status unknown(const nf_rules *r, const char *option, nf_view name) {
  char text[64] = "";
  const char **names = nf_alloc(2 * r->n + 1, sizeof *names);
  if (!names) return nf_error(NF_NO_MEMORY, "no memory to look for a rule's name");
  for (size_t i = 0; i < r->n; i++) {
    names[2 * i] = r->pattern[i].rule->name;
    names[2 * i + 1] = r->pattern[i].rule->family;
  }
  memcpy(text, name.at, name.n < sizeof text ? name.n : sizeof text - 1);
  const char *near = nf_nearest(text, names, 2 * r->n);
  nf_status st = nf_error(NF_USAGE, "%s: no rule or family is called '%s'%s%s", option, text,
                          near ? "; nearest is " : "", near ? near : "");
  nf_free(names);
  return st;
}

// ---- the filter ----

// The next word of "-a,+b", without its sign.
static nf_view take_word(const char **at, char *sign) {
  *sign = **at;
  const char *from = *at + (**at == '+' || **at == '-');
  const size_t n = strcspn(from, ",");
  *at = from + n + (from[n] == ',');
  return (nf_view){from, n};
}

static bool filtered_in(const nf_rule *rule, const char *filter) {
  bool in = true;
  char sign;
  while (filter && *filter) {
    const nf_view word = take_word(&filter, &sign);
    if (nf_view_equal(word, NF_VIEW("all")) || is_called(rule, word)) in = sign == '+';
  }
  return in;
}

// A word must not stand there with both signs.
static nf_status check_twice(const char *rest, nf_view word, char sign) {
  char other;
  while (*rest) {
    const nf_view again = take_word(&rest, &other);
    if (nf_view_equal(again, word) && other != sign)
      return nf_error(NF_USAGE, "rules: %.*s is taken out and put in", (int)word.n, word.at);
  }
  return nf_ok();
}

static nf_status check_filter(const nf_rules *r, const char *filter) {
  char sign;
  while (filter && *filter) {
    const nf_view word = take_word(&filter, &sign);
    if (sign != '+' && sign != '-')
      return nf_error(NF_USAGE, "rules: '%.*s' must begin with + or -", (int)word.n, word.at);
    if (!nf_view_equal(word, NF_VIEW("all")) && !known(r, word)) return unknown(r, "rules", word);
    NF_TRY(check_twice(filter, word, sign));
  }
  return nf_ok();
}

// ---- the order ----

static nf_status check_ordered(const nf_rules *r, const nf_fuse_options *o, size_t i) {
  const nf_view name = nf_view_of(o->order[i]);
  bool any = false;
  if (!known(r, name)) return unknown(r, "fuse order", name);
  for (size_t k = 0; k < i; k++)
    if (strcmp(o->order[k], o->order[i]) == 0)
      return nf_error(NF_USAGE, "fuse order: %s is named twice", o->order[i]);
  for (size_t k = 0; k < r->n; k++)
    any |= is_called(r->pattern[k].rule, name) && filtered_in(r->pattern[k].rule, o->filter);
  return any ? nf_ok() : nf_error(NF_USAGE, "fuse order: %s is taken out by the rules option", o->order[i]);
}

nf_status nf_fuse_check_options(const nf_rules *r, const nf_fuse_options *o) {
  if (o->mode != NF_FUSE_ORDERED && o->n_order)
    return nf_error(NF_USAGE, "fuse order: only the ordered mode has one");
  if (o->mode == NF_FUSE_ORDERED && !o->n_order)
    return nf_error(NF_USAGE, "fuse order: the ordered mode needs names of rules or families");
  NF_TRY(check_filter(r, o->filter));
  for (size_t i = 0; i < o->n_order; i++) NF_TRY(check_ordered(r, o, i));
  return nf_ok();
}

int nf_rule_turn(const nf_rule *rule, const nf_fuse_options *o) {
  if (!filtered_in(rule, o->filter)) return -1;
  if (o->mode != NF_FUSE_ORDERED) return 0;
  for (size_t i = 0; i < o->n_order; i++)
    if (is_called(rule, nf_view_of(o->order[i]))) return (int)i;
  return rule->normalise ? -1 : (int)o->n_order;
}
