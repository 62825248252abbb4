// SPDX-License-Identifier: Apache-2.0
// Fuzzes schemas, of JSON and of the parameters of a function. Adversarial cases: schemas that contain
// themselves in every way, words of every wrong kind, merges that grow, counts and bounds at their ends,
// patterns within. Checked: what compiles can be walked without dead ends, what does not says why.
#include "constrain/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  if (n > 4096) return 0;
  fuzz_constraint(NF_PIECE_SCHEMA, data, n);
  fuzz_constraint(NF_PIECE_PARAMETERS, data, n);
  return 0;
}
