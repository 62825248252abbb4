// SPDX-License-Identifier: Apache-2.0
// gated_delta_rule in chunks of 64 tokens (arXiv 2412.06464, section 3.3), cut from the step's first token
// on; few tokens go one after the other. A block is one value head of one sequence and a slab of its value
// columns.
//
// With S the state before the chunk, G_i the sum of g up to token i, and of all matrices only what lies at or
// below the diagonal:
//   A_ij = beta_i (k_i.k_j) e^(G_i - G_j), j < i;   (I + A) U = R,  R_i = beta_i (v_i - e^G_i S^T k_i)
//   o_i = e^G_i S^T q_i + sum_j (q_i.k_j) e^(G_i - G_j) U_j;   S = e^G_C S + sum_j e^(G_C - G_j) k_j U_j^T
// No exponent is above 0. Sums depend on where chunks begin: another cut into steps gives other last bits.
#include "kernels/cpu/generic/delta.h"
#include "kernels/kernels.h"

enum {
  NF_STRIP = 16,
  CHUNK = 64,
  FEW = NF_STATES,
  SLAB = 128,
  STRIPS = SLAB / NF_STRIP,
  RECURRENT_SLAB = 32
};
enum { PARTS = NF_STRIP / NF_WIDE, ROWS = 12 / PARTS, SOLVED = 8 / PARTS }; // vectors of a strip; at once

// What has faded to less than e^-64 is dropped: subnormal products cost some processors a hundred cycles
// each.
enum { FADED = -64 };
static float fade_of(float g) { return g > FADED ? expf(g) : 0; }

typedef struct chunk {
  int64_t n;                                         // tokens
  float q[CHUNK][NF_MAX_KEY], k[CHUNK][NF_MAX_KEY];  // normalised
  float kt[CHUNK / NF_STRIP][NF_MAX_KEY * NF_STRIP]; // k, 16 tokens side by side
  float beta[CHUNK], g[CHUNK];                       // g: summed up
  float a[CHUNK][CHUNK], p[CHUNK][CHUNK];            // A and what U is multiplied with for o
} chunk;

// sum[rows][16] += x[rows][n] w[n][16]. `rows` is a constant: all sums in registers.
NF_INLINE void multiply_rows(int rows, const float *x, int64_t ldx, const float *w, int64_t n, float *sum,
                             int64_t ld) {
  vw acc[ROWS][PARTS];
  for (int r = 0; r < rows; r++)
    for (int p = 0; p < PARTS; p++) acc[r][p] = vw_load(sum + r * ld + p * NF_WIDE);
  for (int64_t k = 0; k < n; k++) {
    vw at[PARTS];
    for (int p = 0; p < PARTS; p++) at[p] = vw_load(w + k * NF_STRIP + p * NF_WIDE);
    for (int r = 0; r < rows; r++)
      for (int p = 0; p < PARTS; p++) acc[r][p] = vw_fma(vw_splat(x[r * ldx + k]), at[p], acc[r][p]);
  }
  for (int r = 0; r < rows; r++)
    for (int p = 0; p < PARTS; p++) vw_store(sum + r * ld + p * NF_WIDE, acc[r][p]);
}
static void multiply(const float *x, int64_t ldx, const float *w, int64_t rows, int64_t n, float *sum,
                     int64_t ld) {
  int64_t t = 0;
  for (; t + ROWS <= rows; t += ROWS) multiply_rows(ROWS, x + t * ldx, ldx, w, n, sum + t * ld, ld);
  for (; t + 4 <= rows; t += 4) multiply_rows(4, x + t * ldx, ldx, w, n, sum + t * ld, ld);
  for (; t < rows; t++) multiply_rows(1, x + t * ldx, ldx, w, n, sum + t * ld, ld);
}

static void load_chunk(const nf_delta_head *d, int64_t t0, int64_t n, chunk *c) {
  float sum = 0;
  c->n = n;
  memset(c->kt, 0, sizeof c->kt);
  memset(c->a, 0, sizeof c->a);
  memset(c->p, 0, sizeof c->p);
  for (int64_t i = 0; i < n; i++) {
    nf_delta_token x;
    nf_delta_token_at(d, t0 + i, &x);
    memcpy(c->q[i], x.q, (size_t)d->dk * sizeof(float));
    memcpy(c->k[i], x.k, (size_t)d->dk * sizeof(float));
    for (int64_t j = 0; j < d->dk; j++) c->kt[i / NF_STRIP][j * NF_STRIP + i % NF_STRIP] = x.k[j];
    c->beta[i] = x.beta;
    c->g[i] = sum += x.log_decay;
  }
}

static void triangles(const nf_delta_head *d, chunk *c) {
  for (int64_t j = 0; j < c->n; j += NF_STRIP) {
    multiply(c->q[j], NF_MAX_KEY, c->kt[j / NF_STRIP], c->n - j, d->dk, &c->p[j][j], CHUNK);
    multiply(c->k[j], NF_MAX_KEY, c->kt[j / NF_STRIP], c->n - j, d->dk, &c->a[j][j], CHUNK);
  }
  for (int64_t i = 0; i < c->n; i++)
    for (int64_t j = 0; j < CHUNK; j += 8) {
      float apart[8] = {0};
      for (int64_t m = 0; m < 8; m++)
        apart[m] = j + m <= i && c->g[i] - c->g[j + m] > FADED ? c->g[i] - c->g[j + m] : -INFINITY;
      const v8 e = v8_exp(v8_load(apart));
      v8_store(c->p[i] + j, v8_load(c->p[i] + j) * e);
      v8_store(c->a[i] + j, v8_load(c->a[i] + j) * e * v8_splat(c->beta[i]));
    }
}

// U from R, in place: u[strip][token][16], SOLVED strips at a time so that their sums do not wait for each
// other.
static void solve(const chunk *c, float (*u)[CHUNK * NF_STRIP]) {
  for (int64_t i = 0; i < c->n; i++) {
    vw sum[SOLVED][PARTS];
    for (int s = 0; s < SOLVED; s++)
      for (int p = 0; p < PARTS; p++) sum[s][p] = vw_load(u[s] + i * NF_STRIP + p * NF_WIDE);
    for (int64_t j = 0; j < i; j++) {
      const vw a = vw_splat(-c->a[i][j]);
      for (int s = 0; s < SOLVED; s++)
        for (int p = 0; p < PARTS; p++)
          sum[s][p] = vw_fma(a, vw_load(u[s] + j * NF_STRIP + p * NF_WIDE), sum[s][p]);
    }
    for (int s = 0; s < SOLVED; s++)
      for (int p = 0; p < PARTS; p++) vw_store(u[s] + i * NF_STRIP + p * NF_WIDE, sum[s][p]);
  }
}

NF_INLINE void scale_row(float *row, float f) {
  for (int p = 0; p < NF_STRIP; p += NF_WIDE) vw_store(row + p, vw_load(row + p) * vw_splat(f));
}

// R of the strip whose first value column is j0, which has n; and in o what o has of S.
static void against_state(const nf_delta_head *d, const chunk *c, int64_t t0, int64_t j0, int64_t n,
                          const float *S, float *u, float *o) {
  memset(u, 0, CHUNK * NF_STRIP * sizeof *u);
  memset(o, 0, CHUNK * NF_STRIP * sizeof *o);
  multiply(c->k[0], NF_MAX_KEY, S, c->n, d->dk, u, NF_STRIP);
  multiply(c->q[0], NF_MAX_KEY, S, c->n, d->dk, o, NF_STRIP);
  for (int64_t i = 0; i < c->n; i++) {
    const float fade = fade_of(c->g[i]);
    float v[NF_STRIP] = {0};
    nf_widen(&d->a->qkv, nf_tensor_row(&d->a->qkv, t0 + i), d->v + j0, n, v);
    float *row = u + i * NF_STRIP;
    for (int p = 0; p < NF_STRIP; p += NF_WIDE)
      vw_store(row + p, vw_splat(c->beta[i]) * (vw_load(v + p) - vw_splat(fade) * vw_load(row + p)));
    scale_row(o + i * NF_STRIP, fade);
  }
}

// o of the strip, and S after the chunk. U is scaled on the way.
static void after_solve(const nf_delta_head *d, const chunk *c, int64_t t0, int64_t j0, int64_t n, float *S,
                        float *u, float *o) {
  const float whole = c->g[c->n - 1];
  for (int64_t j = 0; j < c->n; j += NF_STRIP)
    multiply(&c->p[j][j], CHUNK, u + j * NF_STRIP, c->n - j, nf_min(NF_STRIP, c->n - j), o + j * NF_STRIP,
             NF_STRIP);
  for (int64_t i = 0; i < c->n; i++)
    nf_round(&d->a->o, nf_tensor_row(&d->a->o, (t0 + i) * d->a->state.dim[1] + d->h), j0, n,
             o + i * NF_STRIP);
  for (int64_t i = 0; i < c->n; i++) scale_row(u + i * NF_STRIP, fade_of(whole - c->g[i]));
  for (int64_t i = 0; i < d->dk; i++) scale_row(S + i * NF_STRIP, fade_of(whole));
  for (int64_t j = 0; j < c->n; j += NF_STRIP)
    multiply(c->kt[j / NF_STRIP], NF_STRIP, u + j * NF_STRIP, d->dk, nf_min(NF_STRIP, c->n - j), S, NF_STRIP);
}

static void run_chunk(const nf_delta_head *d, const chunk *c, int64_t t0, int64_t j0, int64_t n,
                      float (*S)[NF_MAX_KEY * NF_STRIP]) {
  float u[STRIPS][CHUNK * NF_STRIP], o[STRIPS][CHUNK * NF_STRIP];
  const int64_t strips = nf_ceil_div(n, NF_STRIP);
  for (int64_t s = 0; s < STRIPS; s++)
    if (s < strips)
      against_state(d, c, t0, j0 + s * NF_STRIP, nf_min(NF_STRIP, n - s * NF_STRIP), S[s], u[s], o[s]);
    else
      memset(u[s], 0, sizeof u[s]);
  for (int64_t s = 0; s < strips; s += SOLVED) solve(c, u + s);
  for (int64_t s = 0; s < strips; s++)
    after_solve(d, c, t0, j0 + s * NF_STRIP, nf_min(NF_STRIP, n - s * NF_STRIP), S[s], u[s], o[s]);
}

static void run_slab(const nf_delta_head *d, int64_t j0, int64_t n) {
  float S[STRIPS][NF_MAX_KEY * NF_STRIP];
  chunk c;
  for (int64_t s = 0; s * NF_STRIP < n; s++)
    nf_delta_load(d, j0 + s * NF_STRIP, nf_min(NF_STRIP, n - s * NF_STRIP), NF_STRIP, S[s]);
  for (int64_t t = d->first; t < d->end; t += CHUNK) {
    load_chunk(d, t, nf_min(CHUNK, d->end - t), &c);
    triangles(d, &c);
    run_chunk(d, &c, t, j0, n, S);
  }
  for (int64_t s = 0; s * NF_STRIP < n; s++)
    nf_delta_save(d, d->out, j0 + s * NF_STRIP, nf_min(NF_STRIP, n - s * NF_STRIP), NF_STRIP, S[s]);
}

int64_t NF_BLOCKS(gated_delta_rule_chunk64)(const nf_gated_delta_rule_args *a) {
  return a->batch->sizes.of[NF_S] * a->state.dim[1] * nf_ceil_div(a->state.dim[3], SLAB);
}

void NF_KERNEL(gated_delta_rule_chunk64)(const nf_gated_delta_rule_args *a, int64_t block) {
  const int64_t slabs = nf_ceil_div(a->state.dim[3], SLAB), heads = a->state.dim[1], head = block / slabs;
  const nf_delta_head d = nf_delta_head_of(a, head / heads, head % heads);
  const int64_t j0 = block % slabs * SLAB, n = nf_min(SLAB, d.dv - j0);
  if (d.end - d.first > FEW) {
    run_slab(&d, j0, n);
    return;
  }
  const int64_t first = head * nf_ceil_div(d.dv, RECURRENT_SLAB) + j0 / RECURRENT_SLAB;
  for (int64_t i = 0; i * RECURRENT_SLAB < n; i++) NF_KERNEL(gated_delta_rule_recurrent)(a, first + i);
}
