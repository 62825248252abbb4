// SPDX-License-Identifier: Apache-2.0
// What tests of fusing share: a plain cost, and looking into reports.
#pragma once
#include "fuse/fuse.h"
#include "tests/support/run_graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static inline void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

// The rules of a test file: cmocka_run_group_tests(tests, rules_set_up, rules_tear_down).
[[maybe_unused]] static nf_rules *rules;
static inline int rules_set_up(void **state) {
  (void)state;
  nf_status st = nf_rules_create(&rules);
  if (!nf_is_ok(st)) print_error("%s\n", nf_status_message(st));
  return !nf_is_ok(st);
}
static inline int rules_tear_down(void **state) {
  (void)state;
  nf_rules_destroy(rules);
  return 0;
}

typedef struct odd_ops { // of norms of sums over ranks and with a residual
  bool no_kernel, dear;
} odd_ops;

// A launch and the bytes that move, at a byte per nanosecond. user: odd_ops or NULL.
static inline bool plain_cost(void *user, const nf_op_desc *d, const nf_sizes *at, nf_op_cost *out,
                              nf_text *why) {
  const nf_op_info *info = nf_op_of(d->op);
  const bool norm = d->op == NF_OP_rms_norm && d->attr.rms_norm.reduce && d->in[2].dtype != NF_NONE;
  const odd_ops *odd = norm ? user : NULL;
  size_t bytes, sum = 0;
  if (odd && odd->no_kernel) {
    nf_text_printf(why, "K = 64 is not a multiple of 128");
    return false;
  }
  for (int k = 0; k < info->n_in + info->n_out; k++) {
    const nf_type *t = k < info->n_in ? &d->in[k] : &d->out[k - info->n_in];
    if (t->dtype == NF_NONE) continue;
    if (nf_is_ok(nf_type_bytes(t, at, &bytes))) sum += bytes;
  }
  out->us = 2 + (double)sum * 1e-3 + (odd && odd->dear ? 1000 : 0);
  return true;
}

static inline nf_fuse_options cost_options(void) {
  return (nf_fuse_options){.at = nf_sizes_of(8, 4, 4), .costs = {.of = plain_cost}};
}

static inline size_t chosen(const nf_fuse_report *r, const char *family) {
  size_t n = 0;
  for (size_t i = 0; i < r->n_fusions; i++)
    n += r->fusion[i].verdict == NF_FUSION_CHOSEN && strcmp(r->fusion[i].family, family) == 0;
  return n;
}

static inline const nf_fusion *fusion_of(const nf_fuse_report *r, const char *rule) {
  for (size_t i = 0; i < r->n_fusions; i++)
    if (strcmp(r->fusion[i].rule, rule) == 0) return &r->fusion[i];
  return NULL;
}

// The caller frees it.
static inline char *text_of(const nf_graph *g) {
  nf_text t = {0};
  nf_graph_print(g, &t);
  ok(nf_text_status(&t));
  return t.at;
}

static inline char *json_of(const nf_fuse_report *r) {
  json_t *j;
  ok(nf_fuse_report_json(r, &j));
  char *text = json_dumps(j, JSON_INDENT(1) | JSON_SORT_KEYS);
  json_decref(j);
  return text;
}

// Both run on `world` ranks; what they have in common differs by no more than allowed.
static inline void compare(const nf_graph *g, const nf_graph *out, int world, int64_t tokens, double allowed,
                           uint64_t seed) {
  nf_ran *a, *b;
  const char *where;
  ok(nf_ran_create(g, world, tokens, seed, &a));
  ok(nf_ran_create(out, world, tokens, seed, &b));
  const double d = nf_ran_difference(a, b, &where);
  if (!(d <= allowed)) fail_msg("seed %d: %s differs by %.3g", (int)seed, where, d);
  nf_ran_destroy(a);
  nf_ran_destroy(b);
}
