// SPDX-License-Identifier: Apache-2.0
// Experts that are stored as floats, in one tensor or as linears: what is loaded is what the published form
// has.
#include "tensor/scalar.h"
#include "tests/support/folder.h"
#include "tests/support/spoil.h"
#include "tests/support/written.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

#define NEXT "checkpoints/qwen3-next-tiny"

// ---- experts in one tensor ----

static void compare(char *dir, char *other, int worlds) {
  for (int world = 1; world <= worlds; world++) {
    written_model a = written_open(dir, world), b = written_open(other, world);
    written_expect_same(&a, &b, world);
    written_close(&a, world == worlds);
    written_close(&b, false);
  }
}

#define OSS "checkpoints/gpt-oss-tiny"

static float *weight_of(const written_model *m, int64_t layer, const char *name, int64_t *rows,
                        int64_t *cols) {
  char full[128];
  snprintf(full, sizeof full, "L%ld.%s", (long)layer, name);
  return written_load(m, &m->g->value[nf_graph_find(m->g, full)], 0, rows, cols);
}

// [E, N, K] as [E, K, N].
static float *turned(const float *x, int64_t parts, int64_t n, int64_t k) {
  float *y = malloc((size_t)(parts * n * k) * sizeof *y);
  for (int64_t i = 0; i < parts * n * k; i++) y[i / (n * k) * n * k + i % k * n + i / k % n] = x[i];
  return y;
}

static void add_turned(written *f, const written_model *m, int64_t layer, const char *value, const char *name,
                       nf_dtype dtype) {
  char full[128];
  int64_t rows, cols;
  float *x = weight_of(m, layer, value, &rows, &cols);
  const int64_t parts = m->c.experts, dim[] = {parts, cols, rows / parts};
  snprintf(full, sizeof full, "model.layers.%ld.mlp.experts.%s", (long)layer, name);
  written_add(f, full, dtype, 3, dim, turned(x, parts, rows / parts, cols));
  free(x);
}

static void floats_of_gpt_oss_are_those_of_mxfp4(void **state) {
  (void)state;
  static const nf_dtype dtypes[] = {NF_BF16, NF_F16, NF_F32};
  written_model m = written_open((char *)OSS, 1);
  for (int i = 0; i < 3; i++) {
    written f = {0};
    char *dir;
    written_copy(&f, OSS, true);
    for (int64_t l = 0; l < m.c.layers; l++) {
      add_turned(&f, &m, l, "moe.gate_up.w", "gate_up_proj", dtypes[i]);
      add_turned(&f, &m, l, "moe.down.w", "down_proj", dtypes[i]);
    }
    written_save(&f, OSS, NULL, &dir);
    compare(dir, (char *)OSS, 2);
    written_end(&f);
  }
  written_close(&m, false);
}

// Rows first, first + step, … of each expert's weight or bias as one tensor for each.
static void add_linears(written *f, const written_model *m, int64_t layer, const char *value,
                        const char *linear, int64_t first, int64_t step) {
  for (int bias = 0; bias < 2; bias++) {
    char name[192], value_name[64];
    int64_t rows, cols;
    snprintf(value_name, sizeof value_name, "%s.%s", value, bias ? "b" : "w");
    float *x = weight_of(m, layer, value_name, &rows, &cols);
    const int64_t parts = m->c.experts, width = bias ? 1 : cols, n = bias ? cols : rows / parts;
    for (int64_t e = 0; e < parts; e++) {
      const int64_t dim[] = {n / step, width};
      float *one = malloc((size_t)(dim[0] * width) * sizeof *one);
      for (int64_t r = 0; r < dim[0]; r++)
        memcpy(one + r * width, x + (e * n + first + r * step) * width, (size_t)width * sizeof *one);
      snprintf(name, sizeof name, "model.layers.%ld.mlp.experts.%ld.%s.%s", (long)layer, (long)e, linear,
               bias ? "bias" : "weight");
      written_add(f, name, NF_BF16, bias ? 1 : 2, dim, one);
    }
    free(x);
  }
}

static void experts_of_gpt_oss_may_be_linears(void **state) {
  (void)state;
  written_model m = written_open((char *)OSS, 1);
  written f = {0};
  char *dir;
  written_copy(&f, OSS, false);
  for (int64_t l = 0; l < m.c.layers; l++) {
    add_linears(&f, &m, l, "moe.gate_up", "gate_proj", 0, 2);
    add_linears(&f, &m, l, "moe.gate_up", "up_proj", 1, 2);
    add_linears(&f, &m, l, "moe.down", "down_proj", 0, 1);
  }
  written_save(&f, OSS, NULL, &dir);
  written_model a = written_open(dir, 1);
  written_expect(&f, &a);
  written_close(&a, true);
  written_close(&m, false);
  written_end(&f);
}

static void experts_of_qwen3_next_may_be_one_tensor(void **state) {
  (void)state;
  written_model m = written_open((char *)NEXT, 1);
  written f = {0};
  char *dir, name[64];
  written_copy(&f, NEXT, false);
  for (int64_t l = 0; l < m.c.layers; l++) {
    int64_t rows, cols;
    float *gate = weight_of(&m, l, "moe.gate.w", &rows, &cols),
          *up = weight_of(&m, l, "moe.up.w", &rows, &cols);
    const int64_t n = rows / m.c.experts, dim[] = {m.c.experts, 2 * n, cols};
    float *both = malloc((size_t)(2 * rows * cols) * sizeof *both);
    for (int64_t r = 0; r < 2 * rows; r++)
      memcpy(both + r * cols, (r / n % 2 ? up : gate) + (r / n / 2 * n + r % n) * cols,
             (size_t)cols * sizeof *both);
    snprintf(name, sizeof name, "model.layers.%ld.mlp.experts.gate_up_proj", (long)l);
    written_add(&f, name, NF_BF16, 3, dim, both);
    free(gate), free(up);
    float *down = weight_of(&m, l, "moe.down.w", &rows, &cols);
    snprintf(name, sizeof name, "model.layers.%ld.mlp.experts.down_proj", (long)l);
    written_add(&f, name, NF_BF16, 3, (const int64_t[]){m.c.experts, rows / m.c.experts, cols}, down);
  }
  written_save(&f, NEXT, NULL, &dir);
  compare(dir, (char *)NEXT, 2);
  written_close(&m, false);
  written_end(&f);
}

// The scale of block (n, k) of expert e, of `across` blocks in a row.
static float scale_of(int64_t e, int64_t n, int64_t k) { return ldexpf(1, (int)(e + 2 * n + 3 * k) % 7 - 8); }

// One expert's linear of made-up codes; its blocks begin at row block `first` of those that have scales
// together.
static void add_codes(written *f, int64_t layer, int64_t e, const char *linear, int64_t first, int64_t n,
                      int64_t k) {
  char name[128];
  float *x = malloc((size_t)(n * k) * sizeof *x);
  snprintf(name, sizeof name, "model.layers.%ld.mlp.experts.%ld.%s.weight", (long)layer, (long)e, linear);
  written_add(f, name, NF_F8E4M3, 2, (const int64_t[]){n, k}, NULL);
  uint8_t *code = f->bytes[f->n - 1];
  for (int64_t i = 0; i < n * k; i++) {
    code[i] = (uint8_t)((i * 11 + e) % 0x78 | (i % 2 ? 0x80 : 0));
    x[i] = nf_e4m3_decode(code[i]) * scale_of(e, first + i / k / 128, i % k / 128);
  }
  f->value[f->n - 1] = x;
}

static void add_scales(written *f, int64_t layer, const char *fused, int64_t experts, int64_t rows,
                       int64_t cols) {
  char name[128];
  float *x = malloc((size_t)(experts * rows * cols) * sizeof *x);
  for (int64_t i = 0; i < experts * rows * cols; i++)
    x[i] = scale_of(i / (rows * cols), i / cols % rows, i % cols);
  snprintf(name, sizeof name, "model.layers.%ld.mlp.experts.%s_scale_inv", (long)layer, fused);
  written_add(f, name, NF_F32, 3, (const int64_t[]){experts, rows, cols}, x);
}

// transformers has experts apart and their scales together; 128 rows of gate, then 128 of up.
static void scales_of_experts_may_be_one_tensor(void **state) {
  (void)state;
  enum { EXPERTS = 6, HIDDEN = 192 };
  for (int inner = 96; inner <= 128; inner += 32) {
    written f = {0};
    char *dir;
    written_copy(&f, NEXT, false);
    for (int64_t l = 0; l < 4; l++) {
      for (int64_t e = 0; e < EXPERTS; e++) {
        add_codes(&f, l, e, "gate_proj", 0, inner, HIDDEN);
        add_codes(&f, l, e, "up_proj", 1, inner, HIDDEN);
        add_codes(&f, l, e, "down_proj", 0, HIDDEN, inner);
      }
      add_scales(&f, l, "gate_up_proj", EXPERTS, 2, 2);
      add_scales(&f, l, "down_proj", EXPERTS, 2, 1);
    }
    written_save(&f, NEXT, "{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128]}", &dir);
    spoil_config(dir, "moe_intermediate_size", NULL, inner == 96 ? "96" : "128");
    if (inner == 96) {
      written_expect_refused(
          dir, "gate_up_proj_scale_inv': blocks of 128 rows go over from gate to up of 96 rows");
    } else {
      written_model m = written_open(dir, 1);
      written_expect(&f, &m);
      written_close(&m, true);
    }
    written_end(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(floats_of_gpt_oss_are_those_of_mxfp4),
      cmocka_unit_test(experts_of_gpt_oss_may_be_linears),
      cmocka_unit_test(experts_of_qwen3_next_may_be_one_tensor),
      cmocka_unit_test(scales_of_experts_may_be_one_tensor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
