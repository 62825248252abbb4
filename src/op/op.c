// SPDX-License-Identifier: Apache-2.0
// The op tables, generated from ops.def.
#include "op/op.h"
#include <stdio.h>
#include <string.h>

// `operands` and `attributes` are typedefs in the scope of the row.
#define COUNT(type, ...) (int)(sizeof((const type[]){__VA_ARGS__}) / sizeof(type))
#define OPERAND(n, role, optional) {#n, NF_ROLE_##role, optional},
#define RESULT(n, may) {#n, -1, may},
#define SAME(n) {#n, (int)offsetof(operands, n), false},
#define ATTR(n, type, kind) {#n, NF_ATTR_##kind, offsetof(attributes, n)},
#define NF_OP(op_name, op_flags, operand_list, result_list, attr_list, op_what)         \
  case NF_OP_##op_name: {                                                               \
    typedef nf_##op_name##_operands operands __attribute__((unused));                   \
    typedef nf_##op_name##_attrs attributes __attribute__((unused));                    \
    static const nf_op_info info = {.name = #op_name,                                   \
                                    .what = op_what,                                    \
                                    .flags = op_flags,                                  \
                                    .n_in = (int)sizeof(operands) - 1,                  \
                                    .n_out = COUNT(struct nf_result_info, result_list), \
                                    .n_attr = COUNT(struct nf_attr_info, attr_list),    \
                                    .in = {operand_list},                               \
                                    .out = {result_list},                               \
                                    .attr = {attr_list}};                               \
    return &info;                                                                       \
  }

const nf_op_info *nf_op_of(nf_op op) {
  switch (op) {
#include "op/ops.def"
  case NF_OP_COUNT:
    break;
  }
  return NULL;
}

// The attribute of that name, or NULL.
static void *attr_called(nf_op op, const nf_attrs *attrs, const char *name) {
  const nf_op_info *info = nf_op_of(op);
  for (int i = 0; i < info->n_attr; i++)
    if (strcmp(info->attr[i].name, name) == 0) return (char *)attrs + info->attr[i].offset;
  return NULL;
}

int64_t *nf_op_pad(nf_op op, nf_attrs *attrs) { return attr_called(op, attrs, "pad"); }

bool nf_op_parse(nf_view name, nf_op *out) {
  for (int op = 0; op < NF_OP_COUNT; op++) {
    if (!nf_view_equal(name, nf_view_of(nf_op_of((nf_op)op)->name))) continue;
    *out = (nf_op)op;
    return true;
  }
  return false;
}

nf_status nf_op_find(nf_view name, nf_op *out) {
  const char *names[NF_OP_COUNT];
  char text[64];
  if (nf_op_parse(name, out)) return nf_ok();
  for (int i = 0; i < NF_OP_COUNT; i++) names[i] = nf_op_of((nf_op)i)->name;
  snprintf(text, sizeof text, "%.*s", name.n < sizeof text ? (int)name.n : 63, name.at);
  const char *near = nf_nearest(text, names, NF_OP_COUNT);
  return nf_error(NF_USAGE, "there is no op '%s'%s%s", text, near ? "; nearest is " : "", near ? near : "");
}

static bool shapes_equal(const nf_shape *a, const nf_shape *b) {
  bool same = a->rank == b->rank;
  for (int i = 0; same && i < a->rank; i++) same = nf_extent_equal(a->dim[i], b->dim[i]);
  return same;
}

bool nf_attr_equal(nf_op op, int i, const nf_attrs *a, const nf_attrs *b) {
  static const size_t sizes[] = {[NF_ATTR_REAL] = sizeof(float),
                                 [NF_ATTR_INT] = sizeof(int64_t),
                                 [NF_ATTR_FLAG] = sizeof(bool),
                                 [NF_ATTR_DTYPE] = sizeof(nf_dtype)};
  const struct nf_attr_info *at = &nf_op_of(op)->attr[i];
  const char *x = (const char *)a + at->offset, *y = (const char *)b + at->offset;
  return at->kind == NF_ATTR_SHAPE ? shapes_equal((const nf_shape *)x, (const nf_shape *)y)
                                   : memcmp(x, y, sizes[at->kind]) == 0;
}

bool nf_attrs_equal(nf_op op, const nf_attrs *a, const nf_attrs *b) {
  for (int i = 0; i < nf_op_of(op)->n_attr; i++)
    if (!nf_attr_equal(op, i, a, b)) return false;
  return true;
}

bool nf_op_is_comm(nf_op op, const nf_attrs *attrs) {
  const unsigned flags = nf_op_of(op)->flags;
  return flags & NF_OP_REDUCES ? *(bool *)attr_called(op, attrs, "reduce") : flags & NF_OP_COMM;
}

int nf_operand_of(const nf_op_desc *d, nf_role role, int from) {
  const nf_op_info *info = nf_op_of(d->op);
  for (int i = from; i < info->n_in; i++)
    if (info->in[i].role == role && d->in[i].dtype != NF_NONE) return i;
  return -1;
}

int nf_packed_operand(const nf_op_desc *d, int from) {
  int i = nf_operand_of(d, NF_ROLE_WEIGHT, from);
  while (i >= 0 && (d->in[i].rank < 2 || d->in[i].dim[0].sym != NF_CONST))
    i = nf_operand_of(d, NF_ROLE_WEIGHT, i + 1);
  return i;
}
