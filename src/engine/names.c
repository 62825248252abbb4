// SPDX-License-Identifier: Apache-2.0
// infuse_names: what options can name, as one document.
#include "engine/document.h"
#include "engine/engine.h"

// NULL when memory is out, as are `list` and `row` then.
static json_t *with(json_t *list, json_t *row) {
  if (list != NULL && row != NULL && json_array_append(list, row) == 0) return json_decref(row), list;
  json_decref(list);
  json_decref(row);
  return NULL;
}

static json_t *kernels_of(nf_op op) {
  size_t n;
  const nf_variant *v = nf_variants(&n);
  json_t *list = json_array();
  for (size_t i = 0; i < n; i++)
    if (v[i].op == op)
      list = with(list, json_pack("{s:s, s:s, s:b}", "name", v[i].name, "backend",
                                  nf_backend_name(v[i].backend), "declared", nf_variant_is_declared(&v[i])));
  return list;
}

static json_t *ops(void) {
  json_t *list = json_array();
  for (int op = 0; op < NF_OP_COUNT; op++)
    if (nf_reference_of((nf_op)op) != NULL) // a view has none
      list = with(list, json_pack("{s:s, s:o*}", "name", nf_op_of((nf_op)op)->name, "kernels",
                                  kernels_of((nf_op)op)));
  return list;
}

static json_t *rules(const nf_rules *all) {
  json_t *list = json_array();
  const nf_rule *r;
  for (size_t i = 0; (r = nf_rules_at(all, i)) != NULL; i++)
    list = with(list, json_pack("{s:s, s:s}", "name", r->name, "family", r->family));
  return list;
}

static json_t *other_names(const char *target) {
  json_t *list = json_array();
  const nf_target_alias *a;
  for (int i = 0; (a = nf_hw_target_alias(i)) != NULL; i++)
    if (nf_view_equal(nf_view_of(a->target), nf_view_of(target))) list = with(list, json_string(a->name));
  return list;
}

static json_t *targets(void) {
  json_t *list = json_array();
  const char *name;
  for (int i = 0; (name = nf_hw_target_name(i)) != NULL; i++) {
    nf_hw hw;
    nf_status_free(nf_hw_target(name, &hw)); // a row of the table: it is there
    list =
        with(list, json_pack("{s:s, s:s, s:o*}", "name", name, "what", hw.name, "also", other_names(name)));
  }
  return list;
}

infuse_error *infuse_names(infuse_runtime *rt, infuse_sink sink, void *user) {
  const nf_status st = NF_GIVEN({"runtime", rt != NULL}, {"sink", sink != NULL});
  if (!nf_is_ok(st)) return st.error;
  json_t *doc = json_pack("{s:s, s:o, s:o, s:o}", "schema", "infuse.names/1", "ops", ops(), "rules",
                          rules(rt->rules), "targets", targets());
  return nf_document_deliver(doc, sink, user).error;
}
