// SPDX-License-Identifier: Apache-2.0
// Any bytes as an entry of the store.
#include "base/memory.h"
#include "tune/entry.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const nf_variant list[] = {{.name = "add_ref", .op = NF_OP_add},
                                    {.name = "add_generic", .op = NF_OP_add}};
  nf_tune_entry e;
  char *key = NULL;
  const nf_status st = nf_tune_entry_parse((const char *)data, size, "fuzz", NULL, list, 2, &e, &key);
  if (nf_is_ok(st)) {
    const bool wins = e.winner >= 0 && e.winner < e.n;
    if (e.n < 1 || e.n > 2 || e.by_default < 0 || e.by_default >= e.n || key == NULL) abort();
    if (wins && (*e.of[e.winner].why != '\0' || !(e.of[e.winner].us > 0))) abort();
  }
  nf_free(key);
  nf_status_free(st);
  return 0;
}
