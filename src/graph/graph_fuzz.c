// SPDX-License-Identifier: Apache-2.0
// Graphs as text from anywhere. Adversarial: names that are keywords, extents near 2^63, strings cut in an
// escape, NUL bytes, operands that point forward, pools written twice, attributes given twice, lines without
// an end. What parses must print, and what was printed must parse and print the same.
#include "graph/graph.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static nf_graph *parse(const char *text, size_t n) {
  nf_graph *g = NULL;
  nf_status st = nf_graph_parse((nf_view){text, n}, "fuzz", &g);
  if (!nf_is_ok(st) && nf_status_message(st)[0] == 0) abort();
  nf_status_free(st);
  return g;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  nf_text first = {0}, second = {0};
  nf_graph *g = parse((const char *)data, n);
  if (!g) return 0;
  nf_graph_print(g, &first);
  nf_graph *back = parse(first.at, first.n);
  if (!back) abort();
  nf_graph_print(back, &second);
  if (first.n != second.n || memcmp(first.at, second.at, first.n) != 0) abort();
  nf_text_deinit(&first);
  nf_text_deinit(&second);
  nf_graph_destroy(g);
  nf_graph_destroy(back);
  return 0;
}
