// SPDX-License-Identifier: Apache-2.0
// Shape rules: one small function per op, found through a table made from ops.def. Operands are checked as
// ops.def states them; results come out plain and unpadded.
#include "op/infer.h"
#include "base/checked.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { MAX_ROPE_DIMS = 1 << 16 };

#define BIT(dt) (1ull << NF_##dt)
static const uint64_t floats = BIT(F32) | BIT(BF16) | BIT(F16);
static const uint64_t weights = BIT(F32) | BIT(BF16) | BIT(F16) | BIT(MXFP4) | BIT(FP8_ROW) | BIT(FP8_BLOCK);

// ---- messages ----

// "linear: <text>"
__attribute__((format(printf, 2, 3))) static nf_status refuse(const nf_op_desc *d, const char *fmt, ...) {
  char text[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  return nf_error(NF_BAD_INPUT, "%s: %s", nf_op_of(d->op)->name, text);
}

// "linear: w is bf16[4096,2880] but <text>"
__attribute__((format(printf, 3, 4))) static nf_status refuse_operand(const nf_op_desc *d, int i,
                                                                      const char *fmt, ...) {
  char text[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  nf_text type = {0};
  nf_type_print(&d->in[i], &type);
  nf_status st = refuse(d, "%s is %s but %s", nf_op_of(d->op)->in[i].name, type.failed ? "?" : type.at, text);
  nf_text_deinit(&type);
  return st;
}

// An extent as text, in one of a few buffers of the caller's.
typedef struct extent_text {
  char at[32];
} extent_text;
static extent_text text_of(nf_extent e) {
  extent_text t;
  if (e.sym == NF_CONST) {
    snprintf(t.at, sizeof t.at, "%" PRId64, e.c);
  } else if (e.c == 1) {
    snprintf(t.at, sizeof t.at, "%s", nf_sym_name(e.sym));
  } else {
    snprintf(t.at, sizeof t.at, "%" PRId64 "*%s", e.c, nf_sym_name(e.sym));
  }
  return t;
}

// ---- checks ----

static nf_extent last(const nf_type *t) { return t->dim[t->rank - 1]; }

static nf_status want_rank(const nf_op_desc *d, int i, int lo, int hi) {
  int rank = d->in[i].rank;
  if (rank >= lo && rank <= hi) return nf_ok();
  if (lo == hi) return refuse_operand(d, i, "must have %d dimensions", lo);
  return refuse_operand(d, i, "must have %d to %d dimensions", lo, hi);
}

static nf_status want_dtype(const nf_op_desc *d, int i, uint64_t set, const char *names) {
  if (set >> d->in[i].dtype & 1) return nf_ok();
  return refuse_operand(d, i, "must be %s", names);
}

static nf_status want_float(const nf_op_desc *d, int i) {
  return want_dtype(d, i, floats, "f32, bf16 or f16");
}

static nf_status want_weight(const nf_op_desc *d, int i) {
  return want_dtype(d, i, weights, "f32, bf16, f16, mxfp4, fp8row or fp8b128");
}

// Activations of a matrix product: floats, or FP8 scaled as the weights, operand w, are.
static nf_status want_factor(const nf_op_desc *d, int i, int w) {
  const nf_dtype of = d->in[w].dtype, pair = of == NF_FP8_ROW     ? NF_FP8_ROW
                                             : of == NF_FP8_BLOCK ? NF_FP8_GROUP
                                                                  : NF_NONE;
  if (floats >> d->in[i].dtype & 1 || (pair != NF_NONE && d->in[i].dtype == pair)) return nf_ok();
  if (pair == NF_NONE) return want_float(d, i);
  return refuse_operand(d, i, "must be f32, bf16, f16 or, with %s weights, %s", nf_dtype_of(of)->name,
                        nf_dtype_of(pair)->name);
}

static nf_status want_same_type(const nf_op_desc *d, int i, int as) {
  const nf_type *x = &d->in[as];
  const char *name = nf_op_of(d->op)->in[as].name;
  if (d->in[i].dtype != x->dtype) return refuse_operand(d, i, "%s is %s", name, nf_dtype_of(x->dtype)->name);
  if (d->in[i].rank != x->rank) return refuse_operand(d, i, "%s has %d dimensions", name, x->rank);
  for (int k = 0; k < x->rank; k++)
    if (!nf_extent_equal(d->in[i].dim[k], x->dim[k]))
      return refuse_operand(d, i, "%s has %s in dimension %d", name, text_of(x->dim[k]).at, k);
  return nf_ok();
}

static nf_status want_const(const nf_op_desc *d, int i) {
  for (int k = 0; k < d->in[i].rank; k++)
    if (d->in[i].dim[k].sym != NF_CONST) return refuse_operand(d, i, "must have constant extents");
  return nf_ok();
}

// Dimension k of operand i is e; `what` ends the message: "x has %s columns".
__attribute__((format(printf, 5, 0))) static nf_status want_dim(const nf_op_desc *d, int i, int k,
                                                                nf_extent e, const char *what) {
  if (nf_extent_equal(d->in[i].dim[k], e)) return nf_ok();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  return refuse_operand(d, i, what, text_of(e).at);
#pragma GCC diagnostic pop
}

static nf_status want_tokens(const nf_op_desc *d, int i) {
  if (nf_extent_equal(d->in[i].dim[0], NF_BY(1, NF_T))) return nf_ok();
  return refuse_operand(d, i, "its first dimension must be T, the tokens of the batch");
}

static nf_status want_out_float(const nf_op_desc *d, nf_dtype out) {
  if ((unsigned)out < NF_DTYPE_COUNT && floats >> out & 1) return nf_ok();
  return refuse(d, "out must be f32, bf16 or f16");
}

static nf_status want_positive(const nf_op_desc *d, const char *name, float x) {
  if (isfinite(x) && x > 0) return nf_ok();
  return refuse(d, "%s is %.9g but must be finite and above 0", name, (double)x);
}

static nf_status want_finite(const nf_op_desc *d, const char *name, float x) {
  if (isfinite(x)) return nf_ok();
  return refuse(d, "%s is %.9g but must be finite", name, (double)x);
}

// x's shape with another dtype and another last dimension.
static nf_type with_last(const nf_type *x, nf_dtype dtype, nf_extent e) {
  nf_type y = nf_type_make(dtype, x->dim, (size_t)x->rank);
  y.dim[x->rank - 1] = e;
  y.padded[x->rank - 1] = e.c;
  return y;
}

// The first result's columns are padded to `to`; 0: they are not.
static nf_status want_padding(nf_op_desc *d, const char *name, int64_t to) {
  nf_type *y = &d->out[0];
  if (to == 0) return nf_ok();
  if (to < last(y).c)
    return refuse(d, "%s is %" PRId64 " but must be at least the %" PRId64 " columns", name, to, last(y).c);
  y->padded[y->rank - 1] = to;
  return nf_ok();
}

// ---- rules ----

nf_status nf_infer_embedding(nf_op_desc *d) {
  const nf_type *tokens = &d->in[0], *table = &d->in[1];
  NF_TRY(want_dtype(d, 0, BIT(I32), "i32"));
  NF_TRY(want_rank(d, 0, 1, 1));
  NF_TRY(want_weight(d, 1));
  NF_TRY(want_rank(d, 1, 2, 2));
  NF_TRY(want_const(d, 1));
  NF_TRY(want_out_float(d, d->attr.embedding.out));
  d->out[0] = NF_TYPE(d->attr.embedding.out, tokens->dim[0], table->dim[1]);
  return nf_ok();
}

nf_status nf_infer_linear(nf_op_desc *d) {
  const nf_type *x = &d->in[0], *w = &d->in[1];
  NF_TRY(want_weight(d, 1));
  NF_TRY(want_factor(d, 0, 1));
  NF_TRY(want_rank(d, 0, 1, NF_MAX_RANK));
  NF_TRY(want_rank(d, 1, 2, 2));
  NF_TRY(want_const(d, 1));
  NF_TRY(want_dim(d, 1, 1, last(x), "x has %s columns"));
  if (d->in[2].dtype != NF_NONE) {
    NF_TRY(want_float(d, 2));
    NF_TRY(want_rank(d, 2, 1, 1));
    NF_TRY(want_dim(d, 2, 0, w->dim[0], "w has %s rows"));
  }
  NF_TRY(want_out_float(d, d->attr.linear.out));
  d->out[0] = with_last(x, d->attr.linear.out, w->dim[0]);
  return nf_ok();
}

nf_status nf_infer_grouped_linear(nf_op_desc *d) {
  const nf_type *x = &d->in[0], *ids = &d->in[1], *w = &d->in[2];
  NF_TRY(want_weight(d, 2));
  NF_TRY(want_factor(d, 0, 2));
  NF_TRY(want_rank(d, 0, 2, 3));
  NF_TRY(want_dtype(d, 1, BIT(I32), "i32"));
  NF_TRY(want_rank(d, 1, 2, 2));
  NF_TRY(want_dim(d, 1, 0, x->dim[0], "x has %s rows"));
  if (x->rank == 3) NF_TRY(want_dim(d, 0, 1, ids->dim[1], "ids has %s columns"));
  NF_TRY(want_rank(d, 2, 3, 3));
  NF_TRY(want_const(d, 2));
  NF_TRY(want_dim(d, 2, 2, last(x), "x has %s columns"));
  if (d->in[3].dtype != NF_NONE) {
    NF_TRY(want_float(d, 3));
    NF_TRY(want_rank(d, 3, 2, 2));
    NF_TRY(want_dim(d, 3, 0, w->dim[0], "w has %s experts"));
    NF_TRY(want_dim(d, 3, 1, w->dim[1], "w has %s rows"));
  }
  NF_TRY(want_out_float(d, d->attr.grouped_linear.out));
  d->out[0] = NF_TYPE(d->attr.grouped_linear.out, ids->dim[0], ids->dim[1], w->dim[1]);
  return want_padding(d, "pad", d->attr.grouped_linear.pad);
}

static nf_type plain(const nf_type *x) { return nf_type_make(x->dtype, x->dim, (size_t)x->rank); }

// x normalised with the weight vector w, which is operand i.
static nf_status want_norm(const nf_op_desc *d, int i, float eps) {
  NF_TRY(want_float(d, 0));
  NF_TRY(want_rank(d, 0, 1, NF_MAX_RANK));
  NF_TRY(want_float(d, i));
  NF_TRY(want_rank(d, i, 1, 1));
  NF_TRY(want_const(d, i));
  NF_TRY(want_dim(d, i, 0, last(&d->in[0]), "x has %s columns"));
  return want_positive(d, "eps", eps);
}

nf_status nf_infer_rms_norm(nf_op_desc *d) {
  NF_TRY(want_norm(d, 1, d->attr.rms_norm.eps));
  d->out[0] = plain(&d->in[0]);
  return nf_ok();
}

nf_status nf_infer_rms_norm_gated(nf_op_desc *d) {
  NF_TRY(want_norm(d, 2, d->attr.rms_norm_gated.eps));
  NF_TRY(want_same_type(d, 1, 0));
  d->out[0] = plain(&d->in[0]);
  return nf_ok();
}

nf_status nf_infer_mul(nf_op_desc *d) {
  const nf_type *a = &d->in[0], *b = &d->in[1];
  NF_TRY(want_float(d, 0));
  NF_TRY(want_float(d, 1));
  NF_TRY(want_rank(d, 0, 1, NF_MAX_RANK));
  NF_TRY(want_rank(d, 1, a->rank, a->rank));
  for (int i = 0; i + 1 < a->rank; i++)
    NF_TRY(want_dim(d, 1, i, a->dim[i], "a has %s there"), "dimension %d", i);
  if (!nf_extent_equal(last(b), NF_C(1))) NF_TRY(want_dim(d, 1, a->rank - 1, last(a), "a has %s columns"));
  d->out[0] = plain(a);
  return nf_ok();
}

nf_status nf_infer_silu(nf_op_desc *d) {
  NF_TRY(want_float(d, 0));
  d->out[0] = plain(&d->in[0]);
  return nf_ok();
}

nf_status nf_infer_sigmoid(nf_op_desc *d) { return nf_infer_silu(d); }

nf_status nf_infer_quantise(nf_op_desc *d) {
  const nf_dtype to = d->attr.quantise.to;
  NF_TRY(want_float(d, 0));
  NF_TRY(want_rank(d, 0, 1, NF_MAX_RANK));
  if (to != NF_FP8_ROW && to != NF_FP8_GROUP) return refuse(d, "to must be fp8row or fp8g128");
  d->out[0] = with_last(&d->in[0], to, last(&d->in[0]));
  return nf_ok();
}

nf_status nf_infer_narrow(nf_op_desc *d) {
  const nf_narrow_attrs *at = &d->attr.narrow;
  NF_TRY(want_float(d, 0));
  NF_TRY(want_rank(d, 0, 1, NF_MAX_RANK));
  const nf_extent cols = last(&d->in[0]);
  if (cols.sym != NF_CONST || at->start < 0 || at->size < 1 || at->start > cols.c ||
      at->size > cols.c - at->start)
    return refuse_operand(d, 0, "columns %" PRId64 " to %" PRId64 " are asked for", at->start,
                          at->start + (at->size < 1 ? 0 : at->size - 1));
  d->out[0] = with_last(&d->in[0], d->in[0].dtype, NF_C(at->size));
  return nf_ok();
}

nf_status nf_infer_concat(nf_op_desc *d) {
  const nf_type *a = &d->in[0];
  int64_t cols = 0;
  NF_TRY(want_float(d, 0));
  NF_TRY(want_rank(d, 0, 1, NF_MAX_RANK));
  for (int i = 0; i < nf_op_of(d->op)->n_in; i++) {
    const nf_type *x = &d->in[i];
    if (x->dtype == NF_NONE) continue;
    if (x->dtype != a->dtype) return refuse_operand(d, i, "a is %s", nf_dtype_of(a->dtype)->name);
    NF_TRY(want_rank(d, i, a->rank, a->rank));
    for (int k = 0; k + 1 < a->rank; k++)
      NF_TRY(want_dim(d, i, k, a->dim[k], "a has %s there"), "dimension %d", k);
    if (last(x).sym != NF_CONST || __builtin_add_overflow(cols, last(x).c, &cols))
      return refuse_operand(d, i, "must have a constant number of columns");
  }
  d->out[0] = with_last(a, a->dtype, NF_C(cols));
  return nf_ok();
}

// Operand i is a pool of whole states of `rank` dimensions.
static nf_status want_state(const nf_op_desc *d, int i, int rank) {
  if (d->in[i].cache != NF_CACHE_RECURRENT) return refuse_operand(d, i, "must be of the recurrent group");
  NF_TRY(want_rank(d, i, rank, rank));
  return want_const(d, i);
}

nf_status nf_infer_causal_conv1d(nf_op_desc *d) {
  const nf_type *x = &d->in[0], *taps = &d->in[1], *state = &d->in[2];
  NF_TRY(want_float(d, 0));
  NF_TRY(want_rank(d, 0, 2, 2));
  NF_TRY(want_tokens(d, 0));
  NF_TRY(want_float(d, 1));
  NF_TRY(want_rank(d, 1, 3, 3));
  NF_TRY(want_const(d, 1));
  NF_TRY(want_dim(d, 1, 0, last(x), "x has %s columns"));
  NF_TRY(want_dim(d, 1, 1, NF_C(1), "its middle dimension must be %s"));
  if (last(taps).c < 2) return refuse_operand(d, 1, "at least 2 taps make a convolution");
  NF_TRY(want_state(d, 2, 2));
  if (state->dtype != x->dtype) return refuse_operand(d, 2, "x is %s", nf_dtype_of(x->dtype)->name);
  NF_TRY(want_dim(d, 2, 0, NF_C(last(taps).c - 1), "the taps reach back %s tokens"));
  NF_TRY(want_dim(d, 2, 1, last(x), "x has %s columns"));
  d->out[0] = plain(x);
  d->out[1] = *state;
  return nf_ok();
}

nf_status nf_infer_gated_delta_rule(nf_op_desc *d) {
  enum { QKV, B, A, A_LOG, DT_BIAS, STATE };
  const nf_type *qkv = &d->in[QKV], *state = &d->in[STATE];
  NF_TRY(want_state(d, STATE, 3));
  NF_TRY(want_dtype(d, STATE, BIT(F32), "f32"));
  const int64_t heads = state->dim[0].c, dk = state->dim[1].c, dv = state->dim[2].c;
  NF_TRY(want_float(d, QKV));
  NF_TRY(want_rank(d, QKV, 2, 2));
  NF_TRY(want_tokens(d, QKV));
  int64_t values, keys = 0;
  if (!nf_mul_i64(heads, dv, &values) || dk < 1 || dk > 65536 || heads < 1 || last(qkv).sym != NF_CONST ||
      (keys = last(qkv).c - values) < 2 * dk || keys % (2 * dk) || heads % (keys / (2 * dk)))
    return refuse_operand(d, QKV,
                          "its columns must be queries and keys of %" PRId64
                          " for heads that divide the %" PRId64 " value heads, and values of %" PRId64,
                          dk, heads, dv);
  for (int i = B; i <= DT_BIAS; i++) {
    const int rank = i <= A ? 2 : 1;
    NF_TRY(want_float(d, i));
    NF_TRY(want_rank(d, i, rank, rank));
    if (i <= A) NF_TRY(want_tokens(d, i));
    NF_TRY(want_dim(d, i, rank - 1, NF_C(heads), "there are %s value heads"));
  }
  d->out[0] = NF_TYPE(qkv->dtype, qkv->dim[0], NF_C(heads), NF_C(dv));
  d->out[1] = *state;
  return nf_ok();
}

nf_status nf_infer_add(nf_op_desc *d) {
  const nf_type *a = &d->in[0], *b = &d->in[1];
  NF_TRY(want_float(d, 0));
  if (a->dtype != b->dtype) return refuse_operand(d, 1, "a is %s", nf_dtype_of(a->dtype)->name);
  NF_TRY(want_rank(d, 1, a->rank, a->rank));
  for (int i = 0; i < a->rank; i++) NF_TRY(want_dim(d, 1, i, a->dim[i], "a has %s there"), "dimension %d", i);
  d->out[0] = nf_type_make(a->dtype, a->dim, (size_t)a->rank);
  return nf_ok();
}

nf_status nf_infer_swiglu(nf_op_desc *d) {
  const nf_type *x = &d->in[0];
  const nf_swiglu_attrs *at = &d->attr.swiglu;
  NF_TRY(want_float(d, 0));
  NF_TRY(want_rank(d, 0, 1, NF_MAX_RANK));
  if (last(x).sym != NF_CONST || last(x).c % 2)
    return refuse_operand(d, 0, "must have an even number of columns");
  NF_TRY(want_finite(d, "alpha", at->alpha));
  NF_TRY(want_finite(d, "beta", at->beta));
  if (!isfinite(at->limit) || at->limit < 0)
    return refuse(d, "limit is %.9g but must be finite and not negative", (double)at->limit);
  d->out[0] = with_last(x, x->dtype, NF_C(last(x).c / 2));
  return want_padding(d, "half of x's padding", x->padded[x->rank - 1] / 2);
}

nf_status nf_infer_router_topk(nf_op_desc *d) {
  const nf_type *logits = &d->in[0];
  int64_t k = d->attr.router_topk.k;
  NF_TRY(want_float(d, 0));
  NF_TRY(want_rank(d, 0, 2, 2));
  if (logits->dim[1].sym != NF_CONST) return refuse_operand(d, 0, "must have a constant number of columns");
  if (k < 1 || k > logits->dim[1].c)
    return refuse(d, "k is %" PRId64 " but must be 1 to %" PRId64 ", the columns of logits", k,
                  logits->dim[1].c);
  if (d->in[1].dtype != NF_NONE) {
    NF_TRY(want_dtype(d, 1, BIT(I32), "i32"));
    NF_TRY(want_rank(d, 1, 2, 2));
    NF_TRY(want_dim(d, 1, 0, logits->dim[0], "logits has %s rows"));
    NF_TRY(want_dim(d, 1, 1, NF_C(k), "k is %s"));
  }
  d->out[0] = NF_TYPE(NF_F32, logits->dim[0], NF_C(k));
  d->out[1] = NF_TYPE(NF_I32, logits->dim[0], NF_C(k));
  return nf_ok();
}

nf_status nf_infer_combine(nf_op_desc *d) {
  const nf_type *x = &d->in[0];
  NF_TRY(want_float(d, 0));
  NF_TRY(want_rank(d, 0, 3, 3));
  NF_TRY(want_dtype(d, 1, BIT(F32), "f32"));
  NF_TRY(want_rank(d, 1, 2, 2));
  NF_TRY(want_dim(d, 1, 0, x->dim[0], "x has %s rows"));
  NF_TRY(want_dim(d, 1, 1, x->dim[1], "x has %s experts per row"));
  d->out[0] = NF_TYPE(x->dtype, x->dim[0], x->dim[2]);
  d->out[0].padded[1] = x->padded[2];
  return nf_ok();
}

nf_status nf_infer_rope_table(nf_op_desc *d) {
  const nf_rope_table_attrs *at = &d->attr.rope_table;
  NF_TRY(want_positive(d, "theta", at->theta));
  NF_TRY(want_positive(d, "scale", at->scale));
  NF_TRY(want_finite(d, "factor", at->factor));
  NF_TRY(want_finite(d, "context", at->context));
  NF_TRY(want_finite(d, "beta_fast", at->beta_fast));
  NF_TRY(want_finite(d, "beta_slow", at->beta_slow));
  if (at->factor > 1) {
    NF_TRY(want_positive(d, "context", at->context));
    NF_TRY(want_positive(d, "beta_slow", at->beta_slow));
    if (at->beta_fast < at->beta_slow) return refuse(d, "beta_fast is below beta_slow");
    if (at->theta == 1) return refuse(d, "theta is 1, so no frequency can be found for a rotation count");
  }
  if (at->dims < 2 || at->dims % 2 || at->dims > MAX_ROPE_DIMS)
    return refuse(d, "dims is %" PRId64 " but must be even, 2 to %d", at->dims, MAX_ROPE_DIMS);
  d->out[0] = NF_TYPE(NF_F32, NF_BY(1, NF_T), NF_C(at->dims));
  return nf_ok();
}

nf_status nf_infer_rope(nf_op_desc *d) {
  const nf_type *x = &d->in[0], *table = &d->in[1];
  NF_TRY(want_float(d, 0));
  NF_TRY(want_rank(d, 0, 3, 3));
  NF_TRY(want_dtype(d, 1, BIT(F32), "f32"));
  NF_TRY(want_rank(d, 1, 2, 2));
  NF_TRY(want_dim(d, 1, 0, x->dim[0], "x has %s rows"));
  nf_extent dims = table->dim[1], head = x->dim[2];
  if (dims.sym != NF_CONST || dims.c % 2 || head.sym != NF_CONST || dims.c > head.c)
    return refuse_operand(d, 1, "its columns must be even and at most the head's %s", text_of(head).at);
  d->out[0] = nf_type_make(x->dtype, x->dim, (size_t)x->rank);
  return nf_ok();
}

// Operand i is a pool of slots [2,heads,P,head].
static nf_status want_kv(const nf_op_desc *d, int i) {
  if (d->in[i].cache == NF_CACHE_RECURRENT) return refuse_operand(d, i, "must be of a group with pages");
  NF_TRY(want_float(d, i));
  NF_TRY(want_rank(d, i, 4, 4));
  NF_TRY(want_const(d, i));
  if (d->in[i].dim[0].c != 2) return refuse_operand(d, i, "its first dimension must be 2: keys and values");
  if (d->in[i].dim[1].c < 1 || d->in[i].dim[2].c < 1)
    return refuse_operand(d, i, "it needs at least one head and one token per page");
  return nf_ok();
}

nf_status nf_infer_kv_write(nf_op_desc *d) {
  const nf_type *k = &d->in[0], *v = &d->in[1], *kv = &d->in[2];
  NF_TRY(want_kv(d, 2));
  NF_TRY(want_rank(d, 0, 3, 3));
  NF_TRY(want_tokens(d, 0));
  if (k->dtype != kv->dtype) return refuse_operand(d, 0, "kv is %s", nf_dtype_of(kv->dtype)->name);
  NF_TRY(want_dim(d, 0, 1, kv->dim[1], "kv has %s heads"));
  NF_TRY(want_dim(d, 0, 2, kv->dim[3], "kv has heads of %s"));
  if (v->dtype != k->dtype) return refuse_operand(d, 1, "k is %s", nf_dtype_of(k->dtype)->name);
  NF_TRY(want_rank(d, 1, 3, 3));
  NF_TRY(want_tokens(d, 1));
  NF_TRY(want_dim(d, 1, 1, kv->dim[1], "kv has %s heads"));
  NF_TRY(want_dim(d, 1, 2, kv->dim[3], "kv has heads of %s"));
  d->out[0] = *kv;
  return nf_ok();
}

nf_status nf_infer_attention(nf_op_desc *d) {
  const nf_type *q = &d->in[0], *kv = &d->in[1];
  NF_TRY(want_kv(d, 1));
  NF_TRY(want_float(d, 0));
  NF_TRY(want_rank(d, 0, 3, 3));
  NF_TRY(want_tokens(d, 0));
  NF_TRY(want_dim(d, 0, 2, kv->dim[3], "kv has heads of %s"));
  if (q->dim[1].sym != NF_CONST || q->dim[1].c % kv->dim[1].c)
    return refuse_operand(d, 0, "its heads must be a multiple of kv's %" PRId64, kv->dim[1].c);
  if (d->in[2].dtype != NF_NONE) {
    NF_TRY(want_float(d, 2));
    NF_TRY(want_rank(d, 2, 1, 1));
    NF_TRY(want_dim(d, 2, 0, q->dim[1], "q has %s heads"));
  }
  NF_TRY(want_positive(d, "scale", d->attr.attention.scale));
  if (d->attr.attention.window < 0)
    return refuse(d, "window is %" PRId64 " but must not be negative; 0 is none", d->attr.attention.window);
  d->out[0] = nf_type_make(q->dtype, q->dim, (size_t)q->rank);
  return nf_ok();
}

nf_status nf_infer_gather_rows(nf_op_desc *d) {
  NF_TRY(want_float(d, 0));
  NF_TRY(want_rank(d, 0, 2, 2));
  NF_TRY(want_tokens(d, 0));
  if (last(&d->in[0]).sym != NF_CONST) return refuse_operand(d, 0, "must have a constant number of columns");
  d->out[0] = NF_TYPE(d->in[0].dtype, NF_BY(1, NF_R), last(&d->in[0]));
  return nf_ok();
}

// All elements as one extent; false where two symbols meet or the count overflows.
static bool elements(const nf_type *t, nf_extent *out) {
  nf_type flat = *t;
  if (flat.rank == NF_MAX_RANK) {
    nf_extent rows, cols = last(t);
    if (!nf_type_rows(t, &rows) || (rows.sym != NF_CONST && cols.sym != NF_CONST)) return false;
    *out = NF_BY(0, rows.sym != NF_CONST ? rows.sym : cols.sym);
    return nf_mul_i64(rows.c, cols.c, &out->c);
  }
  flat.dim[flat.rank++] = NF_C(1);
  return nf_type_rows(&flat, out);
}

nf_status nf_infer_reshape(nf_op_desc *d) {
  const nf_type *x = &d->in[0];
  const nf_shape *to = &d->attr.reshape.to;
  nf_extent have, want;
  if (to->rank < 0 || to->rank > NF_MAX_RANK)
    return refuse(d, "to has rank %d; at most %d", to->rank, NF_MAX_RANK);
  nf_type y = nf_type_make(x->dtype, to->dim, (size_t)to->rank);
  NF_TRY(nf_type_check(&y), "reshape: to");
  if (x->pack != NF_PACK_PLAIN) return refuse_operand(d, 0, "only a plain layout can be reshaped");
  for (int i = 0; i < x->rank; i++)
    if (x->padded[i] != x->dim[i].c)
      return refuse_operand(d, 0, "padded elements do not lie one after the other");
  if (nf_dtype_of(x->dtype)->bits < 8 && (!x->rank || !y.rank || !nf_extent_equal(last(x), last(&y))))
    return refuse_operand(d, 0, "codes of less than a byte keep their columns");
  if (nf_is_quantised(x->dtype) && (!x->rank || !y.rank || !nf_extent_equal(last(x), last(&y))) &&
      (x->dtype != NF_FP8_GROUP || last(x).c % 128 || last(&y).c % 128))
    return refuse_operand(d, 0, "columns that share a scale must stay together");
  if (!elements(x, &have) || !elements(&y, &want) || !nf_extent_equal(have, want)) {
    nf_text text = {0};
    nf_type_print(&y, &text);
    nf_status st = refuse_operand(d, 0, "%s does not have the same elements", text.failed ? "to" : text.at);
    nf_text_deinit(&text);
    return st;
  }
  d->out[0] = y;
  return nf_ok();
}

static nf_status (*const rules[NF_OP_COUNT])(nf_op_desc *) = {
#define NF_OP(name, ...) [NF_OP_##name] = nf_infer_##name,
#include "op/ops.def"
};

// Weights may be padded, and what PADDED ops take in their columns; elsewhere an unpad must say where padding
// ends.
static nf_status check_padding(const nf_op_desc *d, int i) {
  const nf_type *t = &d->in[i];
  const bool takes = nf_op_of(d->op)->flags & NF_OP_PADDED;
  bool constant = true;
  for (int k = 0; k < t->rank; k++) constant &= t->dim[k].sym == NF_CONST;
  for (int k = 0; k < t->rank && !constant; k++) {
    if (t->padded[k] == t->dim[k].c || (takes && k == t->rank - 1 && t->dim[k].sym == NF_CONST)) continue;
    return refuse_operand(d, i,
                          takes ? "only constant columns may be padded" : "must not be padded; unpad it");
  }
  return nf_ok();
}

static nf_status check_operand(const nf_op_desc *d, int i) {
  const struct nf_operand_info *o = &nf_op_of(d->op)->in[i];
  const nf_type *t = &d->in[i];
  if (t->dtype == NF_NONE) return o->kind == NF_OPERAND_OPT ? nf_ok() : refuse(d, "%s is missing", o->name);
  NF_TRY(nf_type_check(t), "%s: %s", nf_op_of(d->op)->name, o->name);
  NF_TRY(check_padding(d, i));
  bool pool = t->cache != NF_NO_CACHE;
  if (pool && o->kind != NF_OPERAND_POOL) return refuse_operand(d, i, "must not be a pool");
  if (!pool && o->kind == NF_OPERAND_POOL) return refuse_operand(d, i, "must be a pool");
  return nf_ok();
}

nf_status nf_op_infer(nf_op_desc *d) {
  const nf_op_info *info = (unsigned)d->op < NF_OP_COUNT ? nf_op_of(d->op) : NULL;
  if (!info) return nf_error(NF_BAD_INPUT, "op %d does not exist", (int)d->op);
  for (int i = 0; i < info->n_in; i++) NF_TRY(check_operand(d, i));
  for (int i = 0; i < NF_MAX_OUT; i++) d->out[i] = (nf_type){0};
  return rules[d->op](d);
}
