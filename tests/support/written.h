// SPDX-License-Identifier: Apache-2.0
// Small checkpoints that a test writes again in another form, with what their elements then are, and what is
// loaded of them. What goes wrong fails the running cmocka test.
#pragma once
#include "checkpoint/weights.h"
#include "model/family.h"

enum { WRITTEN_MAX = 512 };
typedef struct written { // zeroed: empty
  nf_stored t[WRITTEN_MAX];
  void *bytes[WRITTEN_MAX];
  float *value[WRITTEN_MAX]; // what each tensor's elements are
  size_t n;
  nf_arena names;
} written;

int64_t written_elements(const nf_stored *t);
size_t written_index(const written *f, const char *name);
// Takes `value`, which `dtype` holds exactly; NULL: bytes and value are the caller's.
void written_add(written *f, const char *name, nf_dtype dtype, int rank, const int64_t *dim, float *value);
// All tensors of the folder `from` as they are, but those of experts; their biases with `biases`.
void written_copy(written *f, const char *from, bool biases);
float *written_decoded(const nf_checkpoint *files, const nf_stored *s); // freed by free
void written_end(written *f);

typedef enum written_scales { WRITTEN_WHOLE, WRITTEN_ROWS, WRITTEN_BLOCKS } written_scales;
typedef struct written_form { // of FP8
  written_scales scales;
  nf_dtype dtype;     // of scales
  int rank;           // of scales: 0, 1 or 2
  const char *called; // beside "weight"
} written_form;
// Takes x, the elements of s, as FP8 with scales that are powers of two.
void written_add_quantised(written *f, const written_form *o, const nf_stored *s, float *x);
// A folder with the tensors and the config.json of `from`, with this quantization_config (NULL: none).
void written_save(const written *f, const char *from, const char *config, char **out_dir);

typedef struct written_model {
  char *dir;
  nf_config c;
  nf_checkpoint *files;
  nf_graph *g;
  nf_text warnings; // a line each
} written_model;
written_model written_open(char *dir, int world);
void written_expect_refused(char *dir, const char *want); // no graph comes of it; removes the folder
void written_close(written_model *m, bool remove);        // and the folder
// All elements of a weight of one rank; freed by free.
float *written_load(const written_model *m, const nf_value *v, int rank, int64_t *out_rows,
                    int64_t *out_cols);
// Every weight is what was written, bit by bit.
void written_expect(const written *f, const written_model *m);
// Every weight of `a`, on every rank, is that of the same name of `b`.
void written_expect_same(const written_model *a, const written_model *b, int world);
