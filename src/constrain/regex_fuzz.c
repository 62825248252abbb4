// SPDX-License-Identifier: Apache-2.0
// Fuzzes regular expressions. Adversarial cases: groups and repetitions inside each other, empty ones among
// them, escapes that end early, classes with everything, bytes that are no UTF-8. Checked: what compiles can
// be walked without dead ends, what does not says why.
#include "constrain/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  if (n <= 256) fuzz_constraint(NF_PIECE_REGEX, data, n);
  return 0;
}
