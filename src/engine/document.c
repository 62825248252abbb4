// SPDX-License-Identifier: Apache-2.0
#include "engine/document.h"
#include <stdlib.h>
#include <string.h>

nf_status nf_document_deliver(json_t *doc, infuse_sink sink, void *user) {
  char *text = doc != NULL ? json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(doc);
  if (text == NULL) return nf_error(NF_NO_MEMORY, "no memory for the document");
  sink(user, text, strlen(text));
  free(text); // jansson's allocator is malloc
  return nf_ok();
}
