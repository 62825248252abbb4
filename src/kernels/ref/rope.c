// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding: the table of a step, and the rotation.
#include "kernels/ref/ref.h"

// Pair whose wavelength fits `turns` times into the trained context.
static double pair_of(const nf_rope_table_attrs *r, double turns) {
  return (double)r->dims * log(r->context / (turns * 2 * M_PI)) / (2 * log(r->theta));
}

// The ends of YaRN's ramp, in pairs.
static void ramp(const nf_rope_table_attrs *r, double *low, double *high) {
  *low = pair_of(r, r->beta_fast);
  *high = pair_of(r, r->beta_slow);
  if (r->truncate) {
    *low = floor(*low);
    *high = ceil(*high);
  }
  *low = fmax(*low, 0);
  *high = fmin(*high, (double)r->dims - 1);
  if (*low == *high) *high += 0.001;
}

static float frequency(const nf_rope_table_attrs *r, int64_t i, double low, double high) {
  const double f = pow(r->theta, -2.0 * (double)i / (double)r->dims);
  if (!(r->factor > 1)) return (float)f;
  const double slow = fmin(fmax(((double)i - low) / (high - low), 0), 1);
  return (float)(slow * f / r->factor + (1 - slow) * f);
}

void nf_rope_table_ref(const nf_rope_table_args *a, int64_t t) {
  const nf_rope_table_attrs *r = &a->attr;
  const int64_t half = r->dims / 2;
  float *y = nf_tensor_row(&a->y, t);
  double low = 0, high = 0;
  if (r->factor > 1) ramp(r, &low, &high);
  for (int64_t i = 0; i < half; i++) {
    const float angle = (float)a->batch->position[t] * frequency(r, i, low, high);
    y[i] = r->scale * cosf(angle);
    y[half + i] = r->scale * sinf(angle);
  }
}

int64_t nf_rope_ref_blocks(const nf_rope_args *a) { return a->x.dim[0]; }

void nf_rope_ref(const nf_rope_args *a, int64_t t) {
  const int64_t heads = a->x.dim[1], head = a->x.dim[2], half = nf_tensor_cols(&a->table) / 2;
  const float *c = nf_tensor_row(&a->table, t), *s = c + half;
  float room[nf_ref_room(&a->x)], y[nf_max(1, head)];
  for (int64_t h = 0; h < heads; h++) {
    const float *x = nf_ref_row(&a->x, t * heads + h, room);
    for (int64_t i = 0; i < half; i++) {
      y[i] = x[i] * c[i] - x[i + half] * s[i];
      y[i + half] = x[i + half] * c[i] + x[i] * s[i];
    }
    for (int64_t i = 2 * half; i < head; i++) y[i] = x[i];
    nf_row_encode(&a->y, t * heads + h, y);
  }
}
