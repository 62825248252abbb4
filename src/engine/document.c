// SPDX-License-Identifier: Apache-2.0
// Documents: lists, verdicts, and handing them to a client.
#include "engine/engine.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void nf_document_append(json_t **list, json_t *item) {
  if (!nf_json_push(*list, item)) *list = nf_json_whole(*list, false);
}

nf_status nf_document_deliver(json_t *doc, infuse_sink sink, void *user) {
  char *text = doc != NULL ? json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(doc);
  if (text == NULL) return nf_error(NF_NO_MEMORY, "no memory for the document");
  sink(user, text, strlen(text));
  free(text); // jansson's allocator is malloc
  return nf_ok();
}

// How much of its bound a row's error is; of a failure that no figure tells infinitely much.
static double part_of_bound(const json_t *row) {
  const json_t *error = json_object_get(row, "error"), *bound = json_object_get(row, "bound");
  const double e = json_number_value(error), b = json_number_value(bound);
  if (json_is_false(json_object_get(row, "ok")) && (error == NULL || b <= 0)) return INFINITY;
  return b > 0 ? e / b : 0;
}

json_t *nf_document_judge(json_t *doc) {
  const json_t *rows = json_object_get(doc, "rows"), *worst = NULL;
  json_int_t failed = 0;
  size_t i;
  json_t *row;
  json_array_foreach(rows, i, row) {
    failed += json_is_false(json_object_get(row, "ok"));
    if (worst == NULL || part_of_bound(row) > part_of_bound(worst)) worst = row;
  }
  const bool ok = nf_json_put(doc, "verdict", json_string(failed == 0 ? "ok" : "failed")) &&
                  nf_json_put(doc, "failed", json_integer(failed)) &&
                  nf_json_put(doc, "worst", worst != NULL ? json_deep_copy(worst) : json_null());
  return nf_json_whole(doc, ok);
}
