// SPDX-License-Identifier: Apache-2.0
// Inside the room: JSON Schema.
#pragma once
#include "base/memory.h"
#include "constrain/json_text.h"

// What the schema allows. NF_BAD_INPUT says where in it what is wrong or not supported:
// "schema: properties.a.pattern: byte 3: …".
nf_status nf_add_schema(nf_builder *b, nf_json_rules *r, uint32_t from, nf_view schema, uint32_t to);

// The parameters of a function whose schema this is, as its call has them: "<parameter=a>\n", a value,
// "\n</parameter>\n", in the order of the schema, and only those that it names, if it names any. A value is
// JSON or a text as nf_parameter_kind has it.
nf_status nf_add_parameters(nf_builder *b, nf_json_rules *r, uint32_t from, nf_view schema, uint32_t to);

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

// ---- schema.c, for schema_parameters.c ----

enum { NF_SCHEMA_WORK = 20000 }; // schemas looked at, those that merging makes among them

enum { // sets of types
  NF_TYPE_OBJECT = 1,
  NF_TYPE_ARRAY = 2,
  NF_TYPE_STRING = 4,
  NF_TYPE_NUMBER = 8,
  NF_TYPE_INTEGER = 16,
  NF_TYPE_BOOLEAN = 32,
  NF_TYPE_NULL = 64,
  NF_TYPE_ANY = 127,
};

typedef struct nf_schema_reference {
  const json_t *schema; // where it is called
  json_t *body;         // what it stands for
  const char *name;
  nf_rule rule;
} nf_schema_reference;

typedef struct nf_schema_compiler {
  nf_builder *b;
  nf_json_rules *rules;
  nf_json doc;
  nf_made made;
  nf_arena names;
  nf_schema_reference *reference; // compiled in this order
  size_t n, cap;
  int depth;
} nf_schema_compiler;

static inline nf_json_at nf_schema_another(const nf_json_at *at, json_t *value) { // in the same place
  nf_json_at other = *at;
  other.value = value;
  return other;
}

nf_status nf_schema_compile(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to);
nf_status nf_schema_compile_parameters(nf_schema_compiler *c, const nf_json_at *at, uint32_t from,
                                       uint32_t to);
nf_status nf_schema_check_words(const nf_json_at *at); // none is refused
// Whether the schema says anything of what is valid but by the words in `but`.
bool nf_schema_says_more(const nf_json_at *at, const char *but);
// The schema behind any number of references.
nf_status nf_schema_dereference(nf_schema_compiler *c, const nf_json_at *at, json_t **out);
nf_status nf_schema_alternatives(const nf_json_at *list, size_t *out_n); // none is NF_BAD_INPUT
// The names of "required", as the keys of an object that lives as long as the compiler.
nf_status nf_schema_required(nf_schema_compiler *c, const nf_json_at *at, json_t **out);
nf_status nf_schema_type_named(const nf_json_at *at, int *types); // adds it
// Between two words, 0 and -1 where they are not there: the least count has a bound, as each costs states;
// the most is cut to it.
nf_status nf_schema_counts(const nf_json_at *at, const char *min, const char *max, int64_t bound,
                           int64_t *least, int64_t *most);
const char *nf_schema_format(const nf_json_at *at); // its regular expression; NULL: it has none
// `one` [states] once for each number of characters that were read.
void nf_add_layers(nf_builder *b, const nf_builder *one, uint32_t end, int64_t least, int64_t most,
                   uint32_t from, uint32_t to);
