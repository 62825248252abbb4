// SPDX-License-Identifier: Apache-2.0
// Cases: ops with shapes and dtypes, chosen around tiles, tails and the limits of a variant.
#include "base/checked.h"
#include "check/internal.h"
#include <stdio.h>
#include <string.h>

// Where a PADDED op may have padding in its first operand, and the options ask for it.
static nf_status pad(nf_op_desc *d, const nf_dims *m) {
  enum { PADDED_OPERAND = 8 };
  nf_type *x = &d->in[0];
  if (!(nf_op_of(d->op)->flags & NF_OP_PADDED) || !(m->options & PADDED_OPERAND)) return nf_ok();
  x->padded[x->rank - 1] = nf_round_up(x->dim[x->rank - 1].c + 1, 32);
  return nf_op_infer(d);
}

nf_status nf_case_make(nf_op op, const nf_dims *m, nf_case *out) {
  const int64_t t = m->tokens, sequences = t <= 2 ? nf_max(1, t) : t <= 8 ? 4 : 6;
  *out = (nf_case){.d.op = op, .at = nf_sizes_of(t, sequences, nf_min(t, 3)), .world = (int)m->q[NF_Q_WORLD]};
  nf_traits_of(op)->sample(&out->d, m);
  NF_TRY(nf_op_infer(&out->d));
  return pad(&out->d, m);
}

void nf_case_print(const nf_case *c, char *out, size_t size) {
  const nf_op_info *info = nf_op_of(c->d.op);
  nf_text t = {0};
  for (int i = 0; i < info->n_in; i++) {
    if (c->d.in[i].dtype == NF_NONE) continue;
    nf_text_printf(&t, "%s %s, ", info->in[i].name, nf_type_text_of(&c->d.in[i]).at);
  }
  nf_text_printf(&t, "T %lld%s", (long long)c->at.of[NF_T], c->exact ? ", exact" : "");
  if (nf_op_is_comm(c->d.op, &c->d.attr)) nf_text_printf(&t, ", world %d", c->world);
  snprintf(out, size, "%s", t.failed ? "?" : t.at);
  nf_text_deinit(&t);
}

// Rows of a packed weight are whole groups of columns that share a scale, or it has no size.
static bool packable(const nf_variant *v, const nf_op_desc *d) {
  if (nf_pack_is_plain(v->pack)) return true;
  NF_FOR_PACKED(w, d)
  if (d->in[w].dtype == NF_MXFP4 && d->in[w].dim[d->in[w].rank - 1].c % nf_dtype_of(NF_MXFP4)->group_cols)
    return false;
  return true;
}

bool nf_case_legal(const nf_variant *v, const nf_hw *hw, const nf_case *c) {
  if (!packable(v, &c->d)) return false;
  nf_selection s;
  nf_hw here = *hw;
  const nf_op_desc d = nf_undecided(&c->d);
  const nf_select_options o = {.promise = NF_PROMISE_CUT, .least = c->at, .most = c->at};
  here.backend = v->backend == NF_BACKEND_REF ? NF_BACKEND_CPU : v->backend;
  here.world = c->world;
  nf_select_from(v, 1, &here, &d, &o, &s);
  return s.chosen != NULL;
}

static bool made(nf_op op, const nf_dims *m, const nf_case *like, nf_case *out) {
  nf_status st = nf_case_make(op, m, out);
  const bool ok = nf_is_ok(st);
  nf_status_free(st);
  if (like) out->exact = like->exact, out->seed = like->seed;
  return ok;
}

// ---- both sides of a limit ----

// A quantity is *number * num / den.
typedef struct lever {
  int64_t *number, num, den;
} lever;

static lever lever_of(nf_dims *m, nf_quantity q) {
  enum { PACK_BITS = 128, BYTE_BITS = 8 };
  const int64_t bits = nf_dtype_of(m->act)->bits;
  if (q == NF_Q_PACK16_H) return (lever){&m->q[NF_Q_K], bits, PACK_BITS};
  if (q == NF_Q_BYTES) return (lever){&m->tokens, nf_max(1, m->q[NF_Q_K] * bits / BYTE_BITS), 1};
  return (lever){&m->q[q], 1, 1};
}

// The smallest number > 0 whose quantity is a multiple of v.
static int64_t step_of(const lever *x, int64_t v) {
  int64_t n = 1;
  while (n * x->num % (v * x->den) != 0) n++;
  return n;
}

// The number at the limit: the largest that AT_MOST allows, the smallest that AT_LEAST does, one step of the
// others.
static int64_t number_at(const lever *x, const nf_limit *l) {
  switch (l->relation) {
  case NF_AT_MOST:
    return l->value * x->den / x->num;
  case NF_AT_LEAST:
    return nf_ceil_div(l->value * x->den, x->num);
  case NF_ONE_OF:
    return l->one_of[0] * x->den / x->num;
  default:
    return step_of(x, l->relation == NF_WHOLE ? 1 : l->value);
  }
}

static int64_t last_of(const nf_limit *l) {
  int64_t last = 0;
  for (int i = 0; i < NF_MAX_ONE_OF && l->one_of[i] != 0; i++) last = l->one_of[i];
  return last;
}

// The nearest of the list above the number, else its last.
static int64_t one_above(const lever *x, const nf_limit *l) {
  for (int i = 0; i < NF_MAX_ONE_OF && l->one_of[i] != 0; i++)
    if (l->one_of[i] * x->den / x->num >= *x->number) return l->one_of[i] * x->den / x->num;
  return last_of(l) * x->den / x->num;
}

// Moves the number that a limit speaks of to the legal side, where another one will do.
static void obey(nf_dims *m, const nf_limit *l) {
  if (l->quantity == NF_Q_NONE || (l->world != 0 && l->world != m->q[NF_Q_WORLD])) return;
  const lever x = lever_of(m, l->quantity);
  const int64_t at = number_at(&x, l);
  if (l->relation == NF_AT_MOST)
    *x.number = nf_min(*x.number, at);
  else if (l->relation == NF_AT_LEAST)
    *x.number = nf_max(*x.number, at);
  else if (l->relation == NF_ONE_OF)
    *x.number = one_above(&x, l);
  else
    *x.number = nf_max(1, nf_ceil_div(*x.number, at)) * at;
}

// To the limit itself. false: the limit speaks of none (dtypes, flags).
static bool move_to(nf_dims *m, const nf_limit *l) {
  if (l->quantity == NF_Q_NONE) return false;
  if (l->world != 0) m->q[NF_Q_WORLD] = l->world;
  const lever x = lever_of(m, l->quantity);
  *x.number = number_at(&x, l);
  return true;
}

// `step` beyond it. false: there is nothing there.
static bool move_beyond(nf_dims *m, const nf_limit *l, int step) {
  if (!move_to(m, l)) return false;
  const lever x = lever_of(m, l->quantity);
  if (l->relation == NF_ONE_OF) *x.number = last_of(l) * x.den / x.num;
  *x.number += l->relation == NF_AT_LEAST ? -step : step;
  return *x.number >= 0;
}

enum { DTYPES = 3 * 5 * 7 }; // all triples of set_dtypes
enum { OPTIONS = 16 };       // sets of options that are tried where a device's fused kernel wants some

#define PICK(list, i) (list)[(size_t)(i) % (sizeof(list) / sizeof *(list))]

// Lengths of these lists are different primes, so that all pairs of values come up. A device's tiles are
// larger: its lists go past two of 128 rows and columns, and have tokens for tiles of 8 to 128.
static nf_dims dims_of(int i, bool device) {
  static const int64_t more_k[] = {64, 33, 1, 640, 32, 31, 384, 2, 290, 65, 1056},
                       more_t[] = {1, 7, 2, 70, 0, 12, 30, 1, 50, 130, 16, 3, 20},
                       more_n[] = {4, 130, 17, 5, 264, 3, 33}, more_inner[] = {32, 64, 5, 384, 1, 256, 128};
  static const int64_t k[] = {64, 33, 1, 96, 32, 31, 131, 2, 290, 65, 128}, n[] = {4, 1, 17, 5, 32, 3, 33};
  static const int64_t t[] = {1, 7, 2, 33, 0}, head[] = {64, 8, 66, 32, 6, 80, 128};
  static const int64_t taps[] = {4, 2, 3}, value[] = {16, 32, 5, 128, 7},
                       inner[] = {32, 64, 5, 160, 1, 96, 40};
  static const int64_t experts[] = {4, 8, 5}, topk[] = {2, 4, 1, 3, 4}, group[] = {1, 4, 8},
                       page[] = {16, 64, 5};
  return (nf_dims){.q = {[NF_Q_K] = device ? PICK(more_k, i) : PICK(k, i),
                         [NF_Q_N] = device ? PICK(more_n, i) : PICK(n, i),
                         [NF_Q_E] = PICK(experts, i),
                         [NF_Q_TOPK] = PICK(topk, i / 2),
                         [NF_Q_HEAD] = PICK(head, i),
                         [NF_Q_GROUP] = PICK(group, i),
                         [NF_Q_PAGE] = PICK(page, i + i / 3),
                         [NF_Q_TAPS] = PICK(taps, i),
                         [NF_Q_VALUE] = PICK(value, i),
                         [NF_Q_INNER] = device ? PICK(more_inner, i) : PICK(inner, i),
                         [NF_Q_KV_HEADS] = 1 + i % 2,
                         [NF_Q_WORLD] = 1 + i % NF_SWEEP_WORLD},
                   .tokens = device ? PICK(more_t, i) : PICK(t, i),
                   .options = (unsigned)(i + i / 4)};
}

// Wide experts take an emulator longer than all else, and have no other tiles than narrow ones. Columns of an
// expert are whole tiles.
static void bound(nf_dims *m) {
  enum { TILE = 8, NARROW = 128, MOST = 24 << 20 };
  int64_t *inner = &m->q[NF_Q_INNER];
  const int64_t columns = m->tokens * m->q[NF_Q_TOPK] + TILE * m->q[NF_Q_E];
  if (columns * m->q[NF_Q_K] * *inner > MOST) *inner = nf_min(*inner, NARROW);
}

static void set_dtypes(nf_dims *m, int i) {
  static const nf_dtype act[] = {NF_F32, NF_BF16, NF_F16}, out[] = {NF_F32, NF_BF16, NF_F16, NF_BF16, NF_F32};
  static const nf_dtype weight[] = {NF_BF16,      NF_MXFP4, NF_FP8_ROW,  NF_F32,
                                    NF_FP8_BLOCK, NF_F16,   NF_FP8_BLOCK};
  m->act = PICK(act, i);
  m->out = PICK(out, i + i / 5); // tokens have 5 values as well
  m->weight = PICK(weight, i);
}

bool nf_case_for(const nf_variant *v, const nf_hw *hw, int i, uint64_t seed, nf_dims *m, nf_case *out) {
  const nf_case like = {.exact = i % 2, .seed = nf_check_hash(seed, (uint64_t)i)};
  const bool device = v->entry.kind == NF_ENTRY_MODULE;
  for (int try = 0; try < DTYPES * (device ? OPTIONS : 1); try++) {
    *m = dims_of(i, device);
    if (device) bound(m);
    m->options += 5u * (unsigned)(try / DTYPES);
    set_dtypes(m, i + try); // first: packs and bytes follow from them
    for (int pass = 0; pass < 2; pass++)
      for (int l = 0; l < NF_MAX_LIMITS && v->limit[l].relation; l++) obey(m, &v->limit[l]);
    if (made(v->op, m, &like, out) && nf_case_legal(v, hw, out)) return true;
  }
  return false;
}

// Around chunks of 64 tokens, alone; several sequences, of more chunks than the kernels take at once; and one
// between others that decode, one of which has no state yet.
bool nf_case_long(const nf_variant *v, const nf_hw *hw, int i, uint64_t seed, nf_case *out) {
  static const struct {
    int64_t tokens, sequences, past, key, value;
  } list[] = {{64, 1, 5, 16, 16},  {65, 1, 7, 128, 16},  {127, 1, 3, 48, 48}, {128, 1, 9, 16, 32},
              {129, 1, 4, 64, 16}, {645, 3, 11, 16, 16}, {470, 6, 0, 32, 48}, {2600, 2, 6, 16, 16}};
  const nf_case like = {.seed = nf_check_hash(seed, 1000 + (uint64_t)i)};
  bool recurrent = false;
  if (i >= (int)(sizeof list / sizeof *list)) return false;
  for (int try = 0; try < DTYPES; try++) {
    nf_dims m = dims_of(i, false);
    m.q[NF_Q_HEAD] = list[i].key, m.q[NF_Q_VALUE] = list[i].value, m.q[NF_Q_K] = 64;
    m.q[NF_Q_KV_HEADS] = 1, m.q[NF_Q_GROUP] = 1 + i % 2;
    m.tokens = list[i].tokens;
    set_dtypes(&m, i + try);
    if (!made(v->op, &m, &like, out)) continue;
    for (int n = 0; n < nf_op_of(v->op)->n_in; n++) recurrent |= out->d.in[n].cache == NF_CACHE_RECURRENT;
    if (!recurrent) return false;
    out->at = nf_sizes_of(m.tokens, list[i].sequences, 1);
    out->past = list[i].past;
    if (nf_case_legal(v, hw, out)) return true;
  }
  return false;
}

bool nf_case_at(const nf_limit *l, const nf_dims *from, const nf_case *c, nf_case *out) {
  nf_dims m = *from;
  if (!move_to(&m, l)) return false;
  if (l->quantity == NF_Q_E || l->quantity == NF_Q_TOPK) { // keep what else they multiply small
    m.q[NF_Q_K] = nf_min(m.q[NF_Q_K], 32);
    if (c->d.op == NF_OP_router_topk) m.q[NF_Q_E] = nf_max(m.q[NF_Q_E], m.q[NF_Q_TOPK]);
  }
  if (l->quantity != NF_Q_BYTES) m.tokens = nf_min(m.tokens, 2);
  return made(c->d.op, &m, c, out);
}

static bool dtypes_beyond(const nf_limit *l, const nf_dims *from, const nf_case *c, nf_case *out) {
  nf_dims m = *from;
  for (int i = 0; i < DTYPES; i++) {
    set_dtypes(&m, i);
    if (made(c->d.op, &m, c, out) && !nf_limit_holds(l, &out->d, NULL)) return true;
  }
  return false;
}

bool nf_case_beyond(const nf_limit *l, const nf_dims *from, const nf_case *c, nf_case *out) {
  if (l->relation == NF_DTYPE_IN) return dtypes_beyond(l, from, c, out);
  // Two steps, as some ops want even extents.
  for (int step = 1; step <= 2; step++) {
    nf_dims m = *from;
    if (!move_beyond(&m, l, step)) return false;
    if (c->d.op == NF_OP_router_topk) m.q[NF_Q_E] = nf_max(m.q[NF_Q_E], m.q[NF_Q_TOPK]);
    if (!made(c->d.op, &m, c, out)) continue;
    const nf_site site = {.at = out->at, .world = out->world};
    if (!nf_limit_holds(l, &out->d, &site)) return true;
  }
  return false;
}
