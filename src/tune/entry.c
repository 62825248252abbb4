// SPDX-License-Identifier: Apache-2.0
// An entry as JSON, read and written.
#include "tune/entry.h"
#include "base/json.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

// ---- written ----

static json_t *candidate_json(const nf_tuned *c) {
  if (*c->why != '\0') return json_pack("{s:s, s:s}", "kernel", c->v->name, "refused", c->why);
  return json_pack("{s:s, s:f, s:f}", "kernel", c->v->name, "us", c->us, "spread", c->spread);
}

json_t *nf_tune_entry_json(const char *key, const nf_tune_entry *e) {
  json_t *o =
      json_pack("{s:s, s:s, s:s}", "key", key, "date", e->date, "default", e->of[e->by_default].v->name);
  json_t *list = json_array();
  bool ok = true;
  for (int i = 0; i < e->n; i++) ok &= nf_json_push(list, candidate_json(&e->of[i]));
  ok &= nf_json_put(o, "winner", e->winner >= 0 ? json_string(e->of[e->winner].v->name) : json_null());
  return nf_json_whole(o, nf_json_put(o, "candidates", nf_json_whole(list, ok)) && ok);
}

// ---- read ----

static nf_status read_text(const nf_json_at *object, const char *key, char *out, size_t size) {
  const nf_json_at at = nf_json_get(object, key);
  nf_view v;
  NF_TRY(nf_json_string(&at, &v));
  if (v.n == 0 || v.n >= size) return nf_json_error(&at, "it has %zu bytes, not 1 to %zu", v.n, size - 1);
  memcpy(out, v.at, v.n);
  out[v.n] = '\0';
  return nf_ok();
}

static nf_status read_kernel(const nf_json_at *object, const nf_variant *list, size_t n,
                             const nf_variant **out) {
  const nf_json_at at = nf_json_get(object, "kernel");
  nf_view name;
  NF_TRY(nf_json_string(&at, &name));
  for (size_t i = 0; i < n; i++)
    if (nf_view_equal(name, nf_view_of(list[i].name))) return *out = &list[i], nf_ok();
  return nf_json_error(&at, "there is no such kernel");
}

static nf_status read_candidate(const nf_json_at *at, const nf_variant *list, size_t n, nf_tuned *out) {
  NF_TRY(nf_json_object(at));
  NF_TRY(read_kernel(at, list, n, &out->v));
  const nf_json_at us = nf_json_get(at, "us"), spread = nf_json_get(at, "spread"),
                   refused = nf_json_get(at, "refused");
  if (refused.value != NULL) return read_text(at, "refused", out->why, sizeof out->why);
  NF_TRY(nf_json_f64(&us, 1e-6, 1e12, &out->us));
  return nf_json_f64(&spread, 0, 1e12, &out->spread);
}

static nf_status read_candidates(const nf_json_at *root, const nf_variant *list, size_t n,
                                 nf_tune_entry *out) {
  const nf_json_at at = nf_json_get(root, "candidates");
  size_t count;
  NF_TRY(nf_json_array(&at, &count));
  if (count < 1 || count > NF_TUNED_MOST)
    return nf_json_error(&at, "there are %zu, not 1 to %d", count, NF_TUNED_MOST);
  for (; out->n < (int)count; out->n++) {
    const nf_json_at one = nf_json_item(&at, (size_t)out->n);
    nf_tuned *c = &out->of[out->n];
    NF_TRY(read_candidate(&one, list, n, c));
    if (c->v->op != out->of[0].v->op) return nf_json_error(&one, "it is of another op");
    for (int i = 0; i < out->n; i++)
      if (out->of[i].v == c->v) return nf_json_error(&one, "it is there twice");
  }
  return nf_ok();
}

// The candidate that is called so.
static nf_status read_name(const nf_json_at *root, const char *key, const nf_tune_entry *e, int *out) {
  const nf_json_at at = nf_json_get(root, key);
  nf_view name;
  NF_TRY(nf_json_string(&at, &name));
  for (int i = 0; i < e->n; i++)
    if (nf_view_equal(name, nf_view_of(e->of[i].v->name))) return *out = i, nf_ok();
  return nf_json_error(&at, "it is no candidate");
}

// A refused kernel does not win, and there is a winner unless all are refused.
static nf_status read_winner(const nf_json_at *root, nf_tune_entry *out) {
  const nf_json_at at = nf_json_get(root, "winner");
  int refused = 0;
  for (int i = 0; i < out->n; i++) refused += *out->of[i].why != '\0';
  out->winner = -1;
  if (at.value == NULL && refused == out->n) return nf_ok();
  NF_TRY(read_name(root, "winner", out, &out->winner));
  return *out->of[out->winner].why == '\0' ? nf_ok() : nf_json_error(&at, "it is refused as well");
}

static nf_status read_key(const nf_json_at *root, const char *key, char **out) {
  const nf_json_at at = nf_json_get(root, "key");
  nf_view found;
  NF_TRY(nf_json_string(&at, &found));
  if (key != NULL && !nf_view_equal(found, nf_view_of(key))) return nf_json_error(&at, "it is not '%s'", key);
  if (out == NULL) return nf_ok();
  nf_text t = {0};
  nf_text_append(&t, found.at, found.n);
  *out = t.at;
  return nf_text_status(&t);
}

static nf_status read_entry(const nf_json *j, const char *key, const nf_variant *list, size_t n,
                            nf_tune_entry *out, char **found_key) {
  const nf_json_at root = nf_json_root(j);
  NF_TRY(nf_json_object(&root));
  NF_TRY(read_text(&root, "date", out->date, sizeof out->date));
  NF_TRY(read_candidates(&root, list, n, out));
  NF_TRY(read_name(&root, "default", out, &out->by_default));
  NF_TRY(read_winner(&root, out));
  return read_key(&root, key, found_key);
}

nf_status nf_tune_entry_parse(const char *text, size_t n, const char *where, const char *key,
                              const nf_variant *list, size_t n_list, nf_tune_entry *out, char **found_key) {
  nf_json j = {0};
  *out = (nf_tune_entry){0};
  NF_TRY(nf_json_parse(text, n, where, &j));
  const nf_status st = read_entry(&j, key, list, n_list, out, found_key);
  nf_json_deinit(&j);
  return st;
}
