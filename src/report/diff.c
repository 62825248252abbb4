// SPDX-License-Identifier: Apache-2.0
// The difference of two documents of explain. Fusions are joined by rule and place, nodes by the values that
// they make.
#include "base/json.h"
#include "report/doc.h"
#include "report/report.h"

typedef struct side { // one of the documents, and what is asked of it again and again
  const json_t *doc, *nodes;
  json_t *by_name;
} side;

// ---- fusions ----

static bool same_place(const json_t *a, const json_t *b) {
  return report_alike(a, b, "rule") && report_alike(a, b, "at");
}

// The candidate of this rule at this place, whatever became of it, or NULL.
static const json_t *find_candidate(const side *s, const json_t *f) {
  REPORT_EACH_CANDIDATE(c, s->doc) {
    if (same_place(c, f)) return c;
  }
  return NULL;
}

static const json_t *find_near(const side *s, const json_t *f) {
  const json_t *deepest = NULL;
  REPORT_EACH(near, report_at(s->doc, "fusion.near_misses")) {
    if (same_place(near, f) &&
        (deepest == NULL || report_number(near, "depth") > report_number(deepest, "depth")))
      deepest = near;
  }
  return deepest;
}

// Why this side does not have a fusion that the other one has.
static json_t *why_not(const side *s, const json_t *f) {
  const json_t *c = find_candidate(s, f), *near = c == NULL ? find_near(s, f) : NULL;
  if (report_equal(c, "verdict", "lost"))
    return json_sprintf("lost to %s at %s by %.2f µs", report_text(c, "lost_to"), report_text(c, "lost_at"),
                        report_number(c, "by_us"));
  if (c != NULL) return json_sprintf("%s: %s", report_text(c, "verdict"), report_text(c, "why"));
  if (near != NULL)
    return json_sprintf("no match: %s: %s", report_text(near, "node"), report_text(near, "why"));
  return json_string("no match begins there");
}

static size_t shared_nodes(const json_t *a, const json_t *b) {
  size_t n = 0;
  REPORT_EACH(x, json_object_get(a, "nodes")) {
    REPORT_EACH(y, json_object_get(b, "nodes")) { n += json_is_string(x) && json_equal(x, y); }
  }
  return n;
}

// Whether a fusion that this side chose takes in all nodes of f: then f is not lost, but part of a larger
// one.
static bool grew(const side *s, const json_t *f) {
  REPORT_EACH_CANDIDATE(c, s->doc) {
    if (report_chosen(c) && shared_nodes(f, c) == json_array_size(json_object_get(f, "nodes"))) return true;
  }
  return false;
}

// The rules that this side chose for nodes of fusion `f`.
static json_t *instead(const side *s, const json_t *f) {
  json_t *list = json_array();
  bool ok = true;
  REPORT_EACH_CANDIDATE(c, s->doc) {
    if (report_chosen(c) && shared_nodes(c, f) != 0)
      ok &= nf_json_push(list, json_string(report_text(c, "rule")));
  }
  return nf_json_whole(list, ok);
}

// One that `b` did not choose.
static json_t *missing(const side *b, const json_t *f, bool lost) {
  json_t *row = json_pack("{s:s, s:s, s:O, s:f, s:o}", "rule", report_text(f, "rule"), "at",
                          report_text(f, "at"), "nodes", json_object_get(f, "nodes"), "saved_us",
                          report_number(f, "before_us") - report_number(f, "after_us"),
                          lost ? "instead" : "before", instead(b, f));
  return nf_json_whole(row, row != NULL && (!lost || nf_json_put(row, "why", why_not(b, f))));
}

// Fusions that `a` chose and `b` did not: lost, unless one of `b` grew out of it, or seen from the other
// side, gained.
static json_t *only_in(const side *a, const side *b, bool lost) {
  json_t *list = json_array();
  bool ok = true;
  REPORT_EACH_CANDIDATE(c, a->doc) {
    if (!ok || !report_chosen(c) || (lost && grew(b, c))) continue;
    const json_t *other = find_candidate(b, c);
    if (other == NULL || !report_chosen(other)) ok = nf_json_push(list, missing(b, c, lost));
  }
  return nf_json_whole(list, ok);
}

// ---- nodes and their kernels ----

// The node of the same name and op, or NULL.
static const json_t *same_node(const side *s, const json_t *node) {
  const json_t *other = json_object_get(s->by_name, report_text(node, "name"));
  return report_alike(other, node, "op") ? other : NULL;
}

// Nodes of `a` that `b` has too, with another kernel.
static json_t *kernels(const side *a, const side *b) {
  json_t *list = json_array();
  bool ok = true;
  REPORT_EACH(node, a->nodes) {
    const json_t *other = same_node(b, node);
    if (!ok || other == NULL || report_alike(other, node, "kernel")) continue;
    ok = nf_json_push(list, json_pack("{s:s, s:s, s:s, s:s}", "name", report_text(node, "name"), "op",
                                      report_text(node, "op"), "a", report_text(node, "kernel"), "b",
                                      report_text(other, "kernel")));
  }
  return nf_json_whole(list, ok);
}

static json_t *nodes_only_in(const side *a, const side *b) {
  json_t *list = json_array();
  bool ok = true;
  REPORT_EACH(node, a->nodes) {
    if (!ok || same_node(b, node) != NULL) continue;
    const char *name = report_text(node, "name");
    ok = nf_json_push(list, json_pack("{s:s, s:s}", "name", name, "op", report_text(node, "op")));
  }
  return nf_json_whole(list, ok);
}

// ---- the whole ----

static json_t *facts(const side *s) {
  return json_pack("{s:s, s:s, s:s, s:f, s:i, s:f, s:f, s:f}", "model", report_text(s->doc, "model.family"),
                   "processor", report_text(s->doc, "target.name"), "mode",
                   report_text(s->doc, "fusion.mode"), "tokens", report_number(s->doc, "range.at"), "nodes",
                   (int)json_array_size(s->nodes), "launches", report_number(s->doc, "plan.launches"),
                   "bytes", report_sum(s->nodes, "bytes"), "us", report_number(s->doc, "plan.us"));
}

static bool open_side(const json_t *doc, side *s) {
  const json_t *nodes = report_at(doc, "plan.nodes");
  *s = (side){doc, nodes, report_by_name(nodes)};
  return s->by_name != NULL;
}

nf_status report_diff(const json_t *doc_a, const json_t *doc_b, json_t **out) {
  side a, b;
  const bool opened = open_side(doc_a, &a), both = open_side(doc_b, &b) && opened;
  json_t *lost = both ? only_in(&a, &b, true) : NULL;
  if (lost != NULL)
    *out = json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", "infuse.explain_diff/1", "ok",
                     json_array_size(lost) == 0, "a", facts(&a), "b", facts(&b), "lost", lost, "gained",
                     only_in(&b, &a, false), "kernels", kernels(&a, &b), "only_a", nodes_only_in(&a, &b),
                     "only_b", nodes_only_in(&b, &a));
  json_decref(a.by_name);
  json_decref(b.by_name);
  if (lost != NULL && *out != NULL) return nf_ok();
  return nf_error(NF_NO_MEMORY, "no memory to compare two documents");
}
