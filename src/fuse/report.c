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

static json_t *fusion_json(const nf_fuse_report *r, size_t i) {
  const nf_fusion *f = &r->fusion[i], *to = &r->fusion[f->lost_to];
  json_t *nodes = json_array();
  bool ok = nodes != NULL;
  for (size_t k = 0; ok && k < f->n_nodes; k++) ok = nf_json_push(nodes, json_string(f->node[k]));
  json_t *j = json_pack("{s:o, s:s, s:s, s:s, s:s, s:f, s:f}", "nodes", nodes, "rule", f->rule, "family",
                        f->family, "at", f->at, "verdict", verdicts[f->verdict], "before_us", f->before_us,
                        "after_us", f->after_us);
  if (f->verdict != NF_FUSION_CHOSEN) ok = nf_json_put(j, "why", json_string(f->why)) && ok;
  if (f->verdict == NF_FUSION_LOST)
    ok = ok && nf_json_put(j, "lost_to", json_string(to->rule)) &&
         nf_json_put(j, "lost_at", json_string(to->at)) && nf_json_put(j, "by_us", json_real(f->by_us));
  return nf_json_whole(j, ok);
}

static json_t *near_json(const nf_fuse_report *r, size_t i) {
  const nf_near_miss *n = &r->near[i];
  return json_pack("{s:s, s:s, s:s, s:s, s:i}", "rule", n->rule, "at", n->at, "node", n->node, "why", n->why,
                   "depth", n->depth);
}

static json_t *family_json(const nf_fuse_report *r, size_t i) {
  const nf_fuse_family *f = &r->family[i];
  return json_pack("{s:s, s:I, s:I, s:f}", "family", f->name, "found", (json_int_t)f->found, "chosen",
                   (json_int_t)f->chosen, "saved_us", f->saved_us);
}

static json_t *normalised_json(const nf_fuse_report *r, size_t i) {
  return json_pack("{s:s, s:s}", "rule", r->normalised[i].rule, "at", r->normalised[i].at);
}

// Those in [from, to).
static json_t *list(const nf_fuse_report *r, size_t from, size_t to,
                    json_t *(*json)(const nf_fuse_report *r, size_t i)) {
  json_t *all = json_array();
  bool ok = all != NULL;
  for (size_t i = from; ok && i < to; i++) ok = nf_json_push(all, json(r, i));
  return nf_json_whole(all, ok);
}

static json_t *sites_json(const nf_fuse_report *r) {
  json_t *sites = json_array();
  bool ok = sites != NULL;
  for (size_t i = 0; ok && i < r->n_sites; i++) {
    const nf_fuse_site *s = &r->site[i];
    ok = nf_json_push(sites, json_pack("{s:o, s:s, s:b}", "candidates",
                                       list(r, s->from, s->from + s->n, fusion_json), "at", s->at, "exact",
                                       s->exact));
  }
  return nf_json_whole(sites, ok);
}

nf_status nf_fuse_report_json(const nf_fuse_report *r, json_t **out) {
  *out = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:{s:I, s:I, s:f, s:f}, s:{s:I, s:I, s:I}}", "graph",
                   r->graph, "mode", nf_fuse_mode_names[r->mode], "sites", sites_json(r), "near_misses",
                   list(r, 0, r->n_near, near_json), "families", list(r, 0, r->n_families, family_json),
                   "normalised", list(r, 0, r->n_normalised, normalised_json), "totals", "nodes_before",
                   (json_int_t)r->nodes_before, "nodes_after", (json_int_t)r->nodes_after, "before_us",
                   r->before_us, "after_us", r->after_us, "all_reduce", "fused", (json_int_t)r->sums_fused,
                   "of", (json_int_t)r->sums, "padded", (json_int_t)r->sums_padded);
  return *out ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for the fusion report");
}
