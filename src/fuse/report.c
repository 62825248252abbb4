// SPDX-License-Identifier: Apache-2.0
// The report as JSON; docs/explain.md has the schema.
#include "base/json.h"
#include "fuse/fuse.h"

static const char *const verdicts[] = {[NF_FUSION_CHOSEN] = "chosen",
                                       [NF_FUSION_LOST] = "lost",
                                       [NF_FUSION_UNPROFITABLE] = "unprofitable",
                                       [NF_FUSION_REFUSED] = "refused",
                                       [NF_FUSION_UNNAMED] = "unnamed"};
const char *const nf_fuse_mode_names[NF_FUSE_MODES] = {
    [NF_FUSE_COST] = "cost", [NF_FUSE_ORDERED] = "ordered", [NF_FUSE_OFF] = "off"};

static json_t *fusion_json(const nf_fuse_report *r, const nf_fusion *f) {
  json_t *j = json_object(), *nodes = json_array();
  bool ok = j && nodes;
  for (size_t i = 0; ok && i < f->n_nodes; i++) ok = nf_json_push(nodes, json_string(f->node[i]));
  ok = nf_json_put(j, "nodes", nodes) && ok;
  ok = ok && nf_json_put(j, "rule", json_string(f->rule)) &&
       nf_json_put(j, "family", json_string(f->family)) && nf_json_put(j, "at", json_string(f->at)) &&
       nf_json_put(j, "verdict", json_string(verdicts[f->verdict])) &&
       nf_json_put(j, "before_us", json_real(f->before_us)) &&
       nf_json_put(j, "after_us", json_real(f->after_us));
  if (ok && f->verdict != NF_FUSION_CHOSEN) ok = nf_json_put(j, "why", json_string(f->why));
  if (ok && f->verdict == NF_FUSION_LOST) {
    const nf_fusion *to = &r->fusion[f->lost_to];
    ok = nf_json_put(j, "lost_to", json_string(to->rule)) && nf_json_put(j, "lost_at", json_string(to->at)) &&
         nf_json_put(j, "by_us", json_real(f->by_us));
  }
  return nf_json_whole(j, ok);
}

static json_t *sites_json(const nf_fuse_report *r) {
  json_t *sites = json_array();
  bool ok = sites != NULL;
  for (size_t s = 0, i = 0; ok && s < r->n_sites; s++) {
    json_t *site = json_object(), *fusions = json_array();
    ok = site && fusions;
    for (; ok && i < r->n_fusions && r->fusion[i].site == s; i++)
      ok = nf_json_push(fusions, fusion_json(r, &r->fusion[i]));
    ok = nf_json_put(site, "candidates", fusions) && ok;
    ok = ok && nf_json_put(site, "at", json_string(r->site[s].at)) &&
         nf_json_put(site, "exact", json_boolean(r->site[s].exact));
    ok = nf_json_push(sites, site) && ok;
  }
  return nf_json_whole(sites, ok);
}

static json_t *near_json(const nf_fuse_report *r) {
  json_t *all = json_array();
  bool ok = all != NULL;
  for (size_t i = 0; ok && i < r->n_near; i++) {
    const nf_near_miss *n = &r->near[i];
    ok = nf_json_push(all, json_pack("{s:s, s:s, s:s, s:s, s:i}", "rule", n->rule, "at", n->at, "node",
                                     n->node, "why", n->why, "depth", n->depth));
  }
  return nf_json_whole(all, ok);
}

static json_t *families_json(const nf_fuse_report *r) {
  json_t *all = json_array();
  bool ok = all != NULL;
  for (size_t i = 0; ok && i < r->n_families; i++) {
    const nf_fuse_family *f = &r->family[i];
    ok = nf_json_push(all, json_pack("{s:s, s:I, s:I, s:f}", "family", f->name, "found", (json_int_t)f->found,
                                     "chosen", (json_int_t)f->chosen, "saved_us", f->saved_us));
  }
  return nf_json_whole(all, ok);
}

static json_t *normalised_json(const nf_fuse_report *r) {
  json_t *all = json_array();
  bool ok = all != NULL;
  for (size_t i = 0; ok && i < r->n_normalised; i++)
    ok = nf_json_push(all, json_pack("{s:s, s:s}", "rule", r->normalised[i].rule, "at", r->normalised[i].at));
  return nf_json_whole(all, ok);
}

nf_status nf_fuse_report_json(const nf_fuse_report *r, json_t **out) {
  json_t *j = json_object();
  bool ok = j != NULL;
  ok = ok && nf_json_put(j, "graph", json_string(r->graph)) &&
       nf_json_put(j, "mode", json_string(nf_fuse_mode_names[r->mode])) &&
       nf_json_put(j, "sites", sites_json(r)) && nf_json_put(j, "near_misses", near_json(r)) &&
       nf_json_put(j, "families", families_json(r)) && nf_json_put(j, "normalised", normalised_json(r)) &&
       nf_json_put(j, "totals",
                   json_pack("{s:I, s:I, s:f, s:f}", "nodes_before", (json_int_t)r->nodes_before,
                             "nodes_after", (json_int_t)r->nodes_after, "before_us", r->before_us, "after_us",
                             r->after_us)) &&
       nf_json_put(j, "all_reduce",
                   json_pack("{s:I, s:I, s:I}", "fused", (json_int_t)r->sums_fused, "of", (json_int_t)r->sums,
                             "padded", (json_int_t)r->sums_padded));
  if (!ok) {
    json_decref(j);
    return nf_error(NF_NO_MEMORY, "no memory for the fusion report");
  }
  *out = j;
  return nf_ok();
}
