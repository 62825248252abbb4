// SPDX-License-Identifier: Apache-2.0
// The report as JSON; docs/explain.md has the schema.
#include "fuse/fuse.h"

static const char *const verdicts[] = {[NF_FUSION_CHOSEN] = "chosen",
                                       [NF_FUSION_LOST] = "lost",
                                       [NF_FUSION_DEAR] = "dear",
                                       [NF_FUSION_REFUSED] = "refused",
                                       [NF_FUSION_UNNAMED] = "unnamed"};
static const char *const modes[] = {
    [NF_FUSE_COST] = "cost", [NF_FUSE_ORDERED] = "ordered", [NF_FUSE_OFF] = "off"};

// A NULL anywhere makes the whole fail: each takes its value, and says whether it is in.
static bool put(json_t *object, const char *key, json_t *value) {
  return json_object_set_new(object, key, value) == 0;
}
static bool push(json_t *array, json_t *value) { return json_array_append_new(array, value) == 0; }

// The value if it is whole, else NULL.
static json_t *whole(json_t *value, bool ok) {
  if (ok) return value;
  json_decref(value);
  return NULL;
}

static json_t *fusion_json(const nf_fuse_report *r, const nf_fusion *f) {
  json_t *j = json_object(), *nodes = json_array();
  bool ok = j && nodes;
  for (size_t i = 0; ok && i < f->n_nodes; i++) ok = push(nodes, json_string(f->node[i]));
  ok = put(j, "nodes", nodes) && ok;
  ok = ok && put(j, "rule", json_string(f->rule)) && put(j, "family", json_string(f->family)) &&
       put(j, "at", json_string(f->at)) && put(j, "verdict", json_string(verdicts[f->verdict])) &&
       put(j, "before_us", json_real(f->before_us)) && put(j, "after_us", json_real(f->after_us));
  if (ok && f->verdict != NF_FUSION_CHOSEN) ok = put(j, "why", json_string(f->why));
  if (ok && f->verdict == NF_FUSION_LOST) {
    const nf_fusion *to = &r->fusion[f->lost_to];
    ok = put(j, "lost_to", json_string(to->rule)) && put(j, "lost_at", json_string(to->at)) &&
         put(j, "by_us", json_real(f->by_us));
  }
  return whole(j, ok);
}

static json_t *sites_json(const nf_fuse_report *r) {
  json_t *sites = json_array();
  bool ok = sites != NULL;
  for (size_t s = 0, i = 0; ok && s < r->n_sites; s++) {
    json_t *site = json_object(), *fusions = json_array();
    ok = site && fusions;
    for (; ok && i < r->n_fusions && r->fusion[i].site == s; i++)
      ok = push(fusions, fusion_json(r, &r->fusion[i]));
    ok = put(site, "candidates", fusions) && ok;
    ok = ok && put(site, "at", json_string(r->site[s].at)) &&
         put(site, "exact", json_boolean(r->site[s].exact));
    ok = push(sites, site) && ok;
  }
  return whole(sites, ok);
}

static json_t *near_json(const nf_fuse_report *r) {
  json_t *all = json_array();
  bool ok = all != NULL;
  for (size_t i = 0; ok && i < r->n_near; i++) {
    const nf_near_miss *n = &r->near[i];
    ok = push(all, json_pack("{s:s, s:s, s:s, s:s, s:i}", "rule", n->rule, "at", n->at, "node", n->node,
                             "why", n->why, "depth", n->depth));
  }
  return whole(all, ok);
}

static json_t *families_json(const nf_fuse_report *r) {
  json_t *all = json_array();
  bool ok = all != NULL;
  for (size_t i = 0; ok && i < r->n_families; i++) {
    const nf_fuse_family *f = &r->family[i];
    ok = push(all, json_pack("{s:s, s:I, s:I, s:f}", "family", f->name, "found", (json_int_t)f->found,
                             "chosen", (json_int_t)f->chosen, "saved_us", f->saved_us));
  }
  return whole(all, ok);
}

static json_t *normalised_json(const nf_fuse_report *r) {
  json_t *all = json_array();
  bool ok = all != NULL;
  for (size_t i = 0; ok && i < r->n_normalised; i++)
    ok = push(all, json_pack("{s:s, s:s}", "rule", r->normalised[i].rule, "at", r->normalised[i].at));
  return whole(all, ok);
}

nf_status nf_fuse_report_json(const nf_fuse_report *r, json_t **out) {
  json_t *j = json_object();
  bool ok = j != NULL;
  ok = ok && put(j, "graph", json_string(r->graph)) && put(j, "mode", json_string(modes[r->mode])) &&
       put(j, "sites", sites_json(r)) && put(j, "near_misses", near_json(r)) &&
       put(j, "families", families_json(r)) && put(j, "normalised", normalised_json(r)) &&
       put(j, "totals",
           json_pack("{s:I, s:I, s:f, s:f}", "nodes_before", (json_int_t)r->nodes_before, "nodes_after",
                     (json_int_t)r->nodes_after, "before_us", r->before_us, "after_us", r->after_us)) &&
       put(j, "all_reduce",
           json_pack("{s:I, s:I, s:I}", "fused", (json_int_t)r->sums_fused, "of", (json_int_t)r->sums,
                     "padded", (json_int_t)r->sums_padded));
  if (!ok) {
    json_decref(j);
    return nf_error(NF_NO_MEMORY, "no memory for the fusion report");
  }
  *out = j;
  return nf_ok();
}
