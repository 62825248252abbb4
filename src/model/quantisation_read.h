// SPDX-License-Identifier: Apache-2.0
// What the readers of the methods share. Private to the room.
#pragma once
#include "base/keys.h"
#include "model/config.h"

nf_status nf_quantisation_compressed(const nf_json_at *from, nf_quantisation *q);
nf_status nf_quantisation_quark(const nf_json_at *from, nf_quantisation *q);

// Key of `from` must be there: nf_config_word, `out` may be NULL.
nf_status nf_want_word(const nf_json_at *from, const char *key, const char *words, size_t *out);
nf_status nf_want_bool(const nf_json_at *from, const char *key, bool want); // or absent
nf_status nf_want_blocks(const nf_json_at *from, const char *key);          // [128, 128]

// Activations that no kernel quantises as `at` asks for stay as they are, which is told.
void nf_quantisation_leave(const nf_json_at *at, const char *why);
// Whether activations get their scales as kernels make them, at run time and not one for all; else they are
// left.
bool nf_quantisation_scales(const nf_json_at *at, bool dynamic, bool per_tensor);
// The number of the scheme of these forms, the activations' only where both go together.
uint32_t nf_quantisation_add(const nf_json_at *at, nf_quantisation *q, nf_dtype weight, nf_dtype activation);
