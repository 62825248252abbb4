// SPDX-License-Identifier: Apache-2.0
// Inside the room: JSON Schema.
#pragma once
#include "constrain/json_text.h"

// What the schema allows. NF_BAD_INPUT says where in it what is wrong or not supported:
// "schema: properties.a.pattern: byte 3: …".
nf_status nf_add_schema(nf_builder *b, nf_json_rules *r, uint32_t from, nf_view schema, uint32_t to);

// ---- schema_merge.c ----

// Values that were made on the way, which live until the automaton is built.
typedef struct nf_made {
  json_t **at;
  size_t n, cap;
  size_t work; // schemas looked at
} nf_made;
void nf_made_deinit(nf_made *m);
nf_status nf_made_keep(nf_made *m, json_t *value); // takes it; NULL: no memory

// Whether a word of a schema says nothing of what is valid, and may be passed over.
bool nf_is_annotation(const char *word);
// *out allows what both allow. NF_BAD_INPUT at `at`: two words that can't be one. References must be
// resolved.
nf_status nf_merge_schemas(nf_made *m, const nf_json_at *at, json_t *a, json_t *b, json_t **out);
