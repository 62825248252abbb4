// SPDX-License-Identifier: Apache-2.0
// What a load generator measured, as a document: the keys of vLLM's serving benchmark.
#pragma once
#include "cli/load/point.h"

typedef struct load_document_options {
  const char *backend, *endpoint, *model, *tokenizer; // tokenizer NULL: the server's
  const double *percents;                             // [n_percents] of every time
  size_t n_percents;
  bool goodput;  // limits were given: o->good
  bool detailed; // with what was measured of each request
} load_document_options;

// NULL: memory was out. Keys are in docs/benchmarks.md.
json_t *load_document(const load_point *p, const load_point_options *po, const load_document_options *o);

// Failures, alike ones together: the first's text and how many have it, for the first `most` kinds as they
// were met. Appends lines "  3 x text".
void load_failures(const load_point *p, size_t most, nf_text *out);
