// SPDX-License-Identifier: Apache-2.0
// Fuzzes texts under a constraint: the first byte chooses a schema, each other one a token of those that are
// allowed. Checked: no dead end, and all that a mask has fits.
#include "constrain/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static nf_constraint *made[N_SAMPLE_SCHEMAS];
  const nf_tokenizer *t;
  const nf_token_tree *tree = fuzz_tree(&t);
  if (n == 0) return 0;
  nf_constraint **c = &made[data[0] % N_SAMPLE_SCHEMAS];
  if (*c == NULL) {
    const nf_status st =
        constrain_to(tree, NF_PIECE_SCHEMA, nf_view_of(sample_schemas[data[0] % N_SAMPLE_SCHEMAS]), c);
    if (!nf_is_ok(st)) abort();
  }
  fuzz_walk(*c, t, data + 1, n - 1);
  return 0;
}
