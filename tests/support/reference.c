// SPDX-License-Identifier: Apache-2.0
#include "tests/support/reference.h"
#include "base/difference.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const nf_stored *find(const nf_safetensors *s, const char *name, nf_dtype dtype) {
  for (size_t i = 0; i < s->n; i++)
    if (strcmp(s->tensor[i].name, name) == 0 && s->tensor[i].dtype == dtype) return &s->tensor[i];
  fail_msg("%s has no %s tensor '%s'", s->file.path, nf_dtype_of(dtype)->name, name);
  return NULL;
}

static void *read_all(const nf_safetensors *s, const nf_stored *t) {
  void *data = nf_alloc(1, t->bytes);
  assert_non_null(data);
  assert_true(nf_is_ok(nf_file_read(&s->file, t->offset, data, t->bytes)));
  return data;
}

int32_t *nf_reference_ids(const nf_safetensors *s, const char *name, size_t *out_n) {
  const nf_stored *t = find(s, name, NF_I64);
  const size_t n = t->bytes / sizeof(int64_t);
  int64_t *wide = read_all(s, t);
  int32_t *ids = nf_alloc(n, sizeof *ids);
  assert_non_null(ids);
  for (size_t i = 0; i < n; i++) ids[i] = (int32_t)wide[i];
  nf_free(wide);
  *out_n = n;
  return ids;
}

float *nf_reference_vector(const nf_safetensors *s, const char *name, size_t n) {
  const nf_stored *t = find(s, name, NF_F32);
  assert_int_equal(t->bytes, n * sizeof(float));
  return read_all(s, t);
}

float *nf_reference_floats(const nf_safetensors *s, const char *name, int64_t *out_rows, int64_t *out_cols) {
  const nf_stored *t = find(s, name, NF_F32);
  assert_int_equal(t->rank, 2);
  *out_rows = t->dim[0];
  *out_cols = t->dim[1];
  return read_all(s, t);
}

double nf_row_error(const float *got, const float *want, int64_t rows, int64_t cols) {
  double worst = 0;
  for (int64_t r = 0; r < rows; r++) {
    nf_difference d = {0};
    nf_difference_add(&d, got + r * cols, want + r * cols, cols);
    const double error = nf_difference_of(&d);
    if (!(error <= worst)) worst = isnan(error) ? INFINITY : error;
  }
  return worst;
}
