// SPDX-License-Identifier: Apache-2.0
// The difference of two documents of explain. Fusions are joined by rule and place, nodes by the values that
// they make.
#include "cli/explain/diff.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "cli/explain/doc.h"
#include <string.h>

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory to compare two documents"); }

// ---- fusions ----

// The candidate of this rule at this place, whatever became of it, or NULL.
static const json_t *find_candidate(const json_t *doc, const char *rule, const char *at) {
  size_t i, k;
  json_t *site, *c;
  json_array_foreach(cli_in(doc, "fusion", "sites"), i, site) {
    json_array_foreach(json_object_get(site, "candidates"), k, c) {
      if (cli_equal(c, "rule", rule) && cli_equal(c, "at", at)) return c;
    }
  }
  return NULL;
}

static const json_t *find_near(const json_t *doc, const char *rule, const char *at) {
  size_t i;
  json_t *near, *deepest = NULL;
  json_array_foreach(cli_in(doc, "fusion", "near_misses"), i, near) {
    if (cli_equal(near, "rule", rule) && cli_equal(near, "at", at) &&
        (deepest == NULL || cli_number(near, "depth") > cli_number(deepest, "depth")))
      deepest = near;
  }
  return deepest;
}

// Why `doc` does not have what another document has.
static json_t *why_not(const json_t *doc, const char *rule, const char *at) {
  const json_t *c = find_candidate(doc, rule, at), *near = c == NULL ? find_near(doc, rule, at) : NULL;
  if (cli_equal(c, "verdict", "lost"))
    return json_sprintf("lost to %s at %s by %.2f µs", cli_text(c, "lost_to"), cli_text(c, "lost_at"),
                        cli_number(c, "by_us"));
  if (c != NULL) return json_sprintf("%s: %s", cli_text(c, "verdict"), cli_text(c, "why"));
  if (near != NULL) return json_sprintf("no match: %s: %s", cli_text(near, "node"), cli_text(near, "why"));
  return json_string("no match begins there");
}

static size_t shared_nodes(const json_t *a, const json_t *b) {
  size_t n = 0, i, k;
  json_t *x, *y;
  json_array_foreach(json_object_get(a, "nodes"), i, x) {
    json_array_foreach(json_object_get(b, "nodes"), k, y) { n += json_is_string(x) && json_equal(x, y); }
  }
  return n;
}

// Whether a fusion that `doc` chose takes in all nodes of f: then f is not lost, but part of a larger one.
static bool grew(const json_t *doc, const json_t *f) {
  const size_t all = json_array_size(json_object_get(f, "nodes"));
  json_t *site, *c;
  size_t i, k;
  json_array_foreach(cli_in(doc, "fusion", "sites"), i, site) {
    json_array_foreach(json_object_get(site, "candidates"), k, c) {
      if (cli_chosen(c) && shared_nodes(f, c) == all) return true;
    }
  }
  return false;
}

// The rules that `doc` chose for nodes of fusion `f`.
static json_t *instead(const json_t *doc, const json_t *f) {
  json_t *list = json_array(), *site, *c;
  bool ok = list != NULL;
  size_t i, k;
  json_array_foreach(cli_in(doc, "fusion", "sites"), i, site) {
    json_array_foreach(json_object_get(site, "candidates"), k, c) {
      if (ok && cli_chosen(c) && shared_nodes(c, f) != 0)
        ok = nf_json_push(list, json_string(cli_text(c, "rule")));
    }
  }
  return nf_json_whole(list, ok);
}

// One that `a` chose and `b` did not.
static json_t *missing(const json_t *b, const json_t *f, bool lost) {
  const char *rule = cli_text(f, "rule"), *at = cli_text(f, "at");
  json_t *row = json_object();
  bool ok = nf_json_put(row, "rule", json_string(rule)) && nf_json_put(row, "at", json_string(at)) &&
            nf_json_put(row, "nodes", json_deep_copy(json_object_get(f, "nodes"))) &&
            nf_json_put(row, "saved_us", json_real(cli_number(f, "before_us") - cli_number(f, "after_us"))) &&
            nf_json_put(row, lost ? "instead" : "before", instead(b, f));
  if (ok && lost) ok = nf_json_put(row, "why", why_not(b, rule, at));
  return nf_json_whole(row, ok);
}

// Fusions that `a` chose and `b` did not: lost, unless one of `b` grew out of it, or seen from the other
// side, gained.
static json_t *only_in(const json_t *a, const json_t *b, bool lost) {
  json_t *list = json_array(), *site, *c;
  bool ok = list != NULL;
  size_t i, k;
  json_array_foreach(cli_in(a, "fusion", "sites"), i, site) {
    json_array_foreach(json_object_get(site, "candidates"), k, c) {
      if (!ok || !cli_chosen(c) || (lost && grew(b, c))) continue;
      const json_t *other = find_candidate(b, cli_text(c, "rule"), cli_text(c, "at"));
      if (other == NULL || !cli_chosen(other)) ok = nf_json_push(list, missing(b, c, lost));
    }
  }
  return nf_json_whole(list, ok);
}

// ---- nodes and their kernels ----

static nf_status map_nodes(const json_t *doc, nf_map *map) {
  const json_t *nodes = cli_in(doc, "plan", "nodes");
  for (size_t i = 0; i < json_array_size(nodes); i++) {
    const char *name = cli_text(json_array_get(nodes, i), "name");
    NF_TRY(nf_map_add(map, name, strlen(name), (uint32_t)i, NULL));
  }
  return nf_ok();
}

static const json_t *same_node(const json_t *doc, const nf_map *map, const json_t *node) {
  const char *name = cli_text(node, "name");
  uint32_t i;
  return nf_map_find(map, name, strlen(name), &i) ? json_array_get(cli_in(doc, "plan", "nodes"), i) : NULL;
}

// Nodes of `a` that `b` has too, of the same op, with another kernel.
static bool put_kernels(json_t *diff, const json_t *a, const json_t *b, const nf_map *in_b) {
  json_t *list = json_array(), *node;
  bool ok = list != NULL;
  size_t i;
  json_array_foreach(cli_in(a, "plan", "nodes"), i, node) {
    const json_t *other = same_node(b, in_b, node);
    if (!ok || other == NULL || !cli_equal(other, "op", cli_text(node, "op"))) continue;
    if (cli_equal(other, "kernel", cli_text(node, "kernel"))) continue;
    ok = nf_json_push(list, json_pack("{s:s, s:s, s:s, s:s}", "name", cli_text(node, "name"), "op",
                                      cli_text(node, "op"), "a", cli_text(node, "kernel"), "b",
                                      cli_text(other, "kernel")));
  }
  return nf_json_put(diff, "kernels", list) && ok;
}

static json_t *nodes_only_in(const json_t *a, const json_t *b, const nf_map *in_b) {
  json_t *list = json_array(), *node;
  bool ok = list != NULL;
  size_t i;
  json_array_foreach(cli_in(a, "plan", "nodes"), i, node) {
    const json_t *other = same_node(b, in_b, node);
    if (other != NULL && cli_equal(other, "op", cli_text(node, "op"))) continue;
    ok = ok && nf_json_push(
                   list, json_pack("{s:s, s:s}", "name", cli_text(node, "name"), "op", cli_text(node, "op")));
  }
  return nf_json_whole(list, ok);
}

// ---- the whole ----

static json_t *facts(const json_t *doc) {
  const json_t *plan = json_object_get(doc, "plan"), *nodes = json_object_get(plan, "nodes");
  return json_pack(
      "{s:s, s:s, s:s, s:f, s:i, s:f, s:f, s:f}", "model", cli_text(json_object_get(doc, "model"), "family"),
      "processor", cli_text(json_object_get(doc, "target"), "name"), "mode",
      cli_text(json_object_get(doc, "fusion"), "mode"), "tokens",
      cli_number(json_object_get(doc, "range"), "at"), "nodes", (int)json_array_size(nodes), "launches",
      cli_number(plan, "launches"), "bytes", cli_sum(nodes, "bytes"), "us", cli_number(plan, "us"));
}

static bool fill(json_t *diff, const json_t *a, const json_t *b, const nf_map *in_a, const nf_map *in_b) {
  json_t *lost = only_in(a, b, true);
  const bool ok = json_array_size(lost) == 0;
  return nf_json_put(diff, "schema", json_string("infuse.explain_diff/1")) &&
         nf_json_put(diff, "ok", json_boolean(ok)) && nf_json_put(diff, "a", facts(a)) &&
         nf_json_put(diff, "b", facts(b)) && nf_json_put(diff, "lost", lost) &&
         nf_json_put(diff, "gained", only_in(b, a, false)) && put_kernels(diff, a, b, in_b) &&
         nf_json_put(diff, "only_a", nodes_only_in(a, b, in_b)) &&
         nf_json_put(diff, "only_b", nodes_only_in(b, a, in_a));
}

nf_status cli_diff(const json_t *a, const json_t *b, json_t **out) {
  nf_map in_a = {0}, in_b = {0};
  json_t *diff = json_object();
  nf_status st = map_nodes(a, &in_a);
  if (nf_is_ok(st)) st = map_nodes(b, &in_b);
  if (nf_is_ok(st) && !fill(diff, a, b, &in_a, &in_b)) st = no_memory();
  nf_map_deinit(&in_a);
  nf_map_deinit(&in_b);
  if (nf_is_ok(st))
    *out = diff;
  else
    json_decref(diff);
  return st;
}
