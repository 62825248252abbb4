// SPDX-License-Identifier: Apache-2.0
// Parts of patterns and replacements that several rules say.
#include "fuse/rules/parts.h"

nf_val nf_leaf_rows(nf_side *s, const char *name) {
  return nf_leaf(s, name, NF_TYPE(s->example->dtype, NF_BY(1, NF_T), NF_C(s->example->columns)));
}

enum { HEADS = 4 };

nf_val nf_leaf_heads(nf_side *s, const char *name) {
  return nf_leaf(s, name, NF_TYPE(s->example->dtype, NF_BY(1, NF_T), NF_C(HEADS), NF_C(s->example->columns)));
}

nf_val nf_pattern_flat(nf_side *s, nf_val x) {
  const nf_shape to = {2, {NF_BY(1, NF_T), NF_C(HEADS * s->example->columns)}};
  const nf_val flat = NF_BUILD(s->b, "flat", reshape, (x), .to = to);
  nf_any(s, flat, "to");
  return flat;
}

nf_val nf_pattern_pad(nf_side *s, const char *name, nf_val x, int64_t to) {
  const nf_val padded = NF_BUILD(s->b, name, pad, (x), .to = to);
  nf_any(s, padded, "to");
  return padded;
}

nf_val nf_pattern_quantise(nf_side *s, nf_val x) {
  const nf_val codes =
      NF_BUILD(s->b, "codes", quantise, (x), .to = s->example->flag ? NF_FP8_ROW : NF_FP8_GROUP);
  nf_any(s, codes, "to");
  return codes;
}

nf_val nf_replace_flat(nf_side *s, const char *leaf) {
  return NF_BUILD(s->b, nf_build_name(s->b, "%s.flat", leaf), reshape, (nf_found(s, leaf)),
                  .to = nf_found_attrs(s, "flat")->reshape.to);
}
