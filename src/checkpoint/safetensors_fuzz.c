// SPDX-License-Identifier: Apache-2.0
// Fuzzes the safetensors header. Adversarial cases: a length that lies, products and offsets that overflow,
// tensors that overlap, leave holes or end outside, names twice or not UTF-8, ranks without end, deep JSON,
// no NUL behind the text.
#include "checkpoint/safetensors.h"
#include <string.h>

// What the tensors of an accepted file must satisfy: they tile the data.
static void check(const nf_safetensors *s, uint64_t start, uint64_t size) {
  uint64_t end = start;
  for (size_t i = 0; i < s->n; i++) {
    const nf_stored *t = &s->tensor[i];
    if (t->offset != end || t->rank < 0 || t->rank > NF_STORED_RANK || !t->name || !t->kind) __builtin_trap();
    for (int k = 0; k < t->rank; k++) {
      if (t->dim[k] < 0) __builtin_trap();
    }
    end += t->bytes;
  }
  if (end != size) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint64_t n;
  if (size < 8) return 0;
  memcpy(&n, data, 8);
  if (n > size - 8) return 0;
  char *exact = nf_alloc(n, 1); // its own block, so that reading behind the text is seen
  if (!exact) return 0;
  memcpy(exact, data + 8, n);
  nf_safetensors s;
  nf_status st = nf_safetensors_parse(exact, n, size - 8 - n, "fuzz", &s);
  if (nf_is_ok(st))
    check(&s, 8 + n, size);
  else if (strncmp(nf_status_message(st), "fuzz", 4) != 0 && strncmp(nf_status_message(st), "header", 6) != 0)
    __builtin_trap();
  if (strchr(nf_status_message(st), '\n')) __builtin_trap();
  nf_status_free(st);
  nf_safetensors_close(&s);
  nf_free(exact);
  return 0;
}
