// SPDX-License-Identifier: Apache-2.0
// What the forms of infuse explain have in common: orders, and facts in one line.
#include "base/text.h"
#include "cli/doc.h"
#include "cli/explain.h"
#include <stdlib.h>
#include <string.h>

// Ties stay as they were in the document, which is the order of the graph.
static bool deeper(const json_t *a, const json_t *b) {
  return cli_number(a, "depth") > cli_number(b, "depth");
}

void cli_nearest_first(const cli_outline *o, size_t layer, const json_t **out) {
  const json_t *near;
  size_t n = 0;
  for (size_t i = 0; (near = cli_outline_next(o, CLI_NEAR, layer, &i)) != NULL; n++) {
    size_t k = n;
    for (; k > 0 && deeper(near, out[k - 1]); k--) out[k] = out[k - 1];
    out[k] = near;
  }
}

static char *taken(nf_text *t) {
  if (!t->failed && t->n != 0) return t->at;
  nf_text_deinit(t);
  return NULL;
}

static size_t times(const json_t *list, const char *rule, size_t from) {
  size_t n = 0;
  for (size_t i = from; i < json_array_size(list); i++) n += cli_equal(json_array_get(list, i), "rule", rule);
  return n;
}

char *cli_normalised(const json_t *fusion) {
  const json_t *list = json_object_get(fusion, "normalised");
  const size_t n = json_array_size(list);
  nf_text t = {0};
  for (size_t i = 0; i < n; i++) {
    const char *rule = cli_text(json_array_get(list, i), "rule");
    const size_t all = times(list, rule, 0), rest = times(list, rule, i);
    if (all == rest)
      nf_text_printf(&t, "%s%s %zu time%s", i != 0 ? ", " : "", rule, all, all == 1 ? "" : "s");
  }
  if (n == 0) nf_text_printf(&t, "nothing");
  return taken(&t);
}

char *cli_ranges(const json_t *doc) {
  const json_t *list = json_object_get(doc, "ranges");
  const size_t n = json_array_size(list);
  nf_text t = {0};
  for (size_t i = 0; n > 1 && i < n; i++) {
    const json_t *range = json_array_get(list, i);
    const double lo = json_number_value(json_array_get(range, 0)),
                 hi = json_number_value(json_array_get(range, 1));
    nf_text_printf(&t, "%s%.0f", i != 0 ? ", " : "ranges of tokens, each with a choice of its own: ", lo);
    if (hi > lo) nf_text_printf(&t, " to %.0f", hi);
  }
  if (n > 1) nf_text_printf(&t, " (--range LO:HI explains one)");
  return taken(&t);
}
