// SPDX-License-Identifier: Apache-2.0
// The parameters of a function as its call has them where values have no quotes: a text is whatever its end
// can be told from, which is any without the tags around values.
#include "base/keys.h"
#include "constrain/regex.h"
#include "constrain/schema.h"
#include "text/tools.h"
#include <string.h>

enum {
  TAG_BYTES_MAX = 12,
  LENGTH_MAX = 512, // of a text that has a minLength or maxLength
  DEPTH_MAX = 16,   // of a text's schemas inside each other
};

static const char *const tags[] = {"</parameter>", "</function>", "<parameter="};
enum { N_TAGS = sizeof tags / sizeof *tags };

// ---- texts ----

typedef struct begun { // the text so far ends with a beginning of a tag; empty: with none
  nf_view tag;
  uint32_t state;
} begun;

static begun *find(begun *all, size_t n, nf_view tag) {
  for (size_t i = 0; i < n; i++)
    if (nf_view_equal(all[i].tag, tag)) return &all[i];
  return NULL;
}

// All beginnings of tags but the whole ones.
static size_t begin_tags(nf_builder *b, begun out[N_TAGS * TAG_BYTES_MAX]) {
  size_t n = 0;
  for (int i = 0; i < N_TAGS; i++)
    for (size_t k = 0; k < strlen(tags[i]); k++) {
      const nf_view tag = {tags[i], k};
      if (find(out, n, tag) == NULL) out[n++] = (begun){tag, nf_add_state(b)};
    }
  return n;
}

// A character that goes on with a tag leads further, unless it is the tag's last; '<' begins one anew.
static nf_status add_characters(nf_builder *b, begun *all, size_t n, const begun *from) {
  nf_chars others = {0};
  nf_status st = nf_chars_add(&others, 0, 0);
  bool is_anew = true;
  for (int i = 0; i <= N_TAGS && nf_is_ok(st); i++) {
    const nf_view tag = i < N_TAGS ? (nf_view){tags[i], from->tag.n + 1} : NF_VIEW("<");
    if (i == N_TAGS ? !is_anew : from->tag.n >= strlen(tags[i])) continue;
    if (i < N_TAGS && memcmp(tags[i], from->tag.at, from->tag.n) != 0) continue;
    const uint8_t c = (uint8_t)tag.at[tag.n - 1];
    const begun *next = find(all, n, tag);
    nf_char_range one = {c, c};
    is_anew &= c != '<';
    if (next != NULL) nf_add_char(b, from->state, &(nf_chars){&one, 1, 1}, NF_SPELL_UTF8, next->state);
    st = nf_chars_add(&others, c, c);
  }
  if (nf_is_ok(st)) st = nf_chars_invert(&others);
  if (nf_is_ok(st)) nf_add_char(b, from->state, &others, NF_SPELL_UTF8, all[0].state);
  nf_chars_deinit(&others);
  return st;
}

// Any text without a tag.
static nf_status add_text(nf_builder *b, uint32_t from, uint32_t to) {
  begun all[N_TAGS * TAG_BYTES_MAX];
  const size_t n = begin_tags(b, all);
  nf_add_empty(b, from, all[0].state);
  for (size_t i = 0; i < n; i++) {
    NF_TRY(add_characters(b, all, n, &all[i]));
    nf_add_empty(b, all[i].state, to);
  }
  return nf_ok();
}

static nf_status add_any_text(nf_schema_compiler *c, uint32_t from, uint32_t to) {
  nf_rule *rule = &c->rules->text;
  if (rule->end == 0 && !nf_builder_failed(c->b)) {
    *rule = nf_add_rule(c->b);
    NF_TRY(add_text(c->b, rule->start, rule->end));
  }
  nf_add_call(c->b, from, *rule, to);
  return nf_ok();
}

static nf_status add_measured(nf_schema_compiler *c, const nf_json_at *at, int64_t least, int64_t most,
                              uint32_t from, uint32_t to) {
  nf_builder one = {0};
  if (least > LENGTH_MAX || most > LENGTH_MAX)
    return nf_json_error(at, "a text without quotes can be held to a length of at most %d", LENGTH_MAX);
  if (most >= 0 && least > most) return nf_ok();
  const nf_rule r = nf_add_rule(&one);
  nf_status st = add_text(&one, r.start, r.end);
  if (nf_is_ok(st)) st = nf_builder_take_failure(&one);
  if (nf_is_ok(st)) nf_add_layers(c->b, &one, r.end, least, most, from, to);
  nf_builder_deinit(&one);
  return st;
}

// As everywhere, but that a text's type has more names.
static nf_status add_type(const nf_json_at *at, int *out) {
  const char *name = json_string_value(at->value);
  if (name != NULL && nf_is_text_type(name)) return *out |= NF_TYPE_STRING, nf_ok();
  return nf_schema_type_named(at, out);
}

static nf_status types_of(const nf_json_at *at, int untold, int *out) {
  const nf_json_at type = nf_json_get(at, "type");
  *out = type.value != NULL ? 0 : untold;
  if (type.value == NULL) return nf_ok();
  if (!json_is_array(type.value)) return add_type(&type, out);
  for (size_t i = 0; i < json_array_size(type.value); i++) {
    const nf_json_at item = nf_json_item(&type, i);
    NF_TRY(add_type(&item, out));
  }
  return nf_ok();
}

// What is neither a text nor null can't stand where texts do.
static nf_status add_constant(nf_schema_compiler *c, const nf_json_at *at, const json_t *value, int types,
                              uint32_t from, uint32_t to) {
  const nf_view text = {json_string_value(value), json_string_length(value)};
  if (json_is_null(value) && (types & NF_TYPE_NULL)) nf_add_text(c->b, from, NF_VIEW("null"), to);
  if (!json_is_string(value) || !(types & NF_TYPE_STRING)) return nf_ok();
  for (int i = 0; i < N_TAGS; i++)
    if (memmem(text.at, text.n, tags[i], strlen(tags[i])) != NULL)
      return nf_json_error(at, "a text without quotes can't hold %s", tags[i]);
  return nf_add_text(c->b, from, text, to), nf_ok();
}

static nf_status add_constants(nf_schema_compiler *c, const nf_json_at *at, int types, uint32_t from,
                               uint32_t to) {
  const nf_json_at list = nf_json_get(at, "enum"), where = nf_json_get(at, "const");
  const json_t *constant = json_object_get(at->value, "const"); // may be null
  size_t n;
  if (nf_schema_says_more(at, "enum const type"))
    return nf_json_error(at, "enum or const stands beside what only some of its values may keep");
  if (constant != NULL) return add_constant(c, &where, constant, types, from, to);
  NF_TRY(nf_json_array(&list, &n));
  for (size_t i = 0; i < n; i++)
    NF_TRY(add_constant(c, &list, json_array_get(list.value, i), types, from, to));
  return nf_ok();
}

static nf_status add_string(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to) {
  const nf_json_at pattern = nf_json_get(at, "pattern");
  const char *format = nf_schema_format(at);
  int64_t least, most;
  NF_TRY(nf_schema_counts(at, "minLength", "maxLength", INT64_MAX / 2, &least, &most));
  if (pattern.value != NULL)
    return nf_json_error(&pattern,
                         "is not supported for a text without quotes, as calls of this model have it");
  if (format != NULL) return nf_add_regex(c->b, from, nf_view_of(format), true, NF_SPELL_UTF8, to);
  return least > 0 || most >= 0 ? add_measured(c, at, least, most, from, to) : add_any_text(c, from, to);
}

static nf_status compile_text(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to);

static nf_status compile_several(nf_schema_compiler *c, const nf_json_at *at, const char *word, uint32_t from,
                                 uint32_t to) {
  const nf_json_at list = nf_json_get(at, word);
  size_t n;
  NF_TRY(nf_schema_alternatives(&list, &n));
  if (nf_schema_says_more(at, word) || (strcmp(word, "allOf") == 0 && n != 1))
    return nf_json_error(&list, "is not supported for a text without quotes beside other words");
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&list, i);
    NF_TRY(compile_text(c, &item, from, to));
  }
  return nf_ok();
}

static nf_status compile_text_schema(nf_schema_compiler *c, const nf_json_at *at, uint32_t from,
                                     uint32_t to) {
  static const char *const several[] = {"anyOf", "oneOf", "allOf"};
  int types;
  NF_TRY(nf_schema_check_words(at));
  for (size_t i = 0; i < sizeof several / sizeof *several; i++)
    if (json_object_get(at->value, several[i]) != NULL) return compile_several(c, at, several[i], from, to);
  const bool constants =
      json_object_get(at->value, "enum") != NULL || json_object_get(at->value, "const") != NULL;
  NF_TRY(types_of(at, constants ? NF_TYPE_STRING | NF_TYPE_NULL : NF_TYPE_STRING, &types));
  if (!(types & (NF_TYPE_STRING | NF_TYPE_NULL))) return nf_ok();
  if (constants) return add_constants(c, at, types, from, to);
  if (types & NF_TYPE_STRING) NF_TRY(add_string(c, at, from, to));
  if (types & NF_TYPE_NULL) nf_add_text(c->b, from, NF_VIEW("null"), to);
  return nf_ok();
}

static nf_status compile_text(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to) {
  json_t *schema;
  if (++c->made.work > NF_SCHEMA_WORK) return nf_json_error(at, "more than %d schemas", NF_SCHEMA_WORK);
  if (c->depth == DEPTH_MAX) return nf_json_error(at, "more than %d schemas inside each other", DEPTH_MAX);
  NF_TRY(nf_schema_dereference(c, at, &schema));
  const nf_json_at here = nf_schema_another(at, schema);
  if (json_is_false(schema)) return nf_ok();
  if (!json_is_object(schema)) return add_any_text(c, from, to);
  c->depth++;
  const nf_status st = compile_text_schema(c, &here, from, to);
  c->depth--;
  return st;
}

// ---- parameters ----

static nf_status add_parameter(nf_schema_compiler *c, const nf_json_at *properties, nf_view name,
                               json_t *schema, uint32_t from, uint32_t to) {
  const uint32_t named = nf_add_state(c->b), value = nf_add_state(c->b), closed = nf_add_state(c->b),
                 behind = nf_add_state(c->b);
  const nf_json_at at = {.doc = &c->doc, .value = schema, .parent = properties, .key = name.at};
  for (size_t i = 0; i < name.n; i++)
    if (strchr("<>\n", name.at[i]) != NULL || name.n > 256)
      return nf_json_error(&at,
                           "a name with < or > or a line end, or of more than 256 bytes, can't be called");
  nf_add_text(c->b, from, NF_VIEW("<parameter="), named);
  nf_add_text(c->b, named, name, closed);
  nf_add_text(c->b, closed, NF_VIEW(">\n"), value);
  nf_add_text(c->b, behind, NF_VIEW("\n</parameter>\n"), to);
  if (schema == NULL) return add_any_text(c, value, behind);
  return nf_parameter_kind(c->doc.root, name) == NF_VALUE_JSON ? nf_schema_compile(c, &at, value, behind)
                                                               : compile_text(c, &at, value, behind);
}

// Where no parameter is declared: any of them.
static nf_status add_any_parameters(nf_schema_compiler *c, uint32_t from, uint32_t to) {
  const uint32_t start = nf_add_state(c->b), name = nf_add_state(c->b), named = nf_add_state(c->b),
                 value = nf_add_state(c->b), behind = nf_add_state(c->b);
  nf_add_empty(c->b, from, start);
  nf_add_empty(c->b, start, to);
  nf_add_text(c->b, start, NF_VIEW("<parameter="), name);
  NF_TRY(nf_add_regex(c->b, name, NF_VIEW("[A-Za-z_][A-Za-z0-9_-]{0,63}"), true, NF_SPELL_UTF8, named));
  nf_add_text(c->b, named, NF_VIEW(">\n"), value);
  NF_TRY(add_any_text(c, value, behind));
  nf_add_text(c->b, behind, NF_VIEW("\n</parameter>\n"), start);
  return nf_ok();
}

// Those that are required though nothing else is said of them.
static nf_status add_undeclared(nf_schema_compiler *c, const nf_json_at *properties, json_t *required,
                                uint32_t *at) {
  const char *name;
  size_t n;
  json_t *value;
  json_object_keylen_foreach(required, name, n, value) {
    if (json_object_getn(properties->value, name, n) != NULL) continue;
    const uint32_t next = nf_add_state(c->b);
    NF_TRY(add_parameter(c, properties, (nf_view){name, n}, NULL, *at, next));
    *at = next;
  }
  return nf_ok();
}

nf_status nf_schema_compile_parameters(nf_schema_compiler *c, const nf_json_at *at, uint32_t from,
                                       uint32_t to) {
  NF_TRY(nf_json_object(at));
  const nf_json_at properties = nf_json_get(at, "properties");
  const char *name;
  size_t n;
  json_t *schema, *required;
  NF_TRY(nf_schema_check_words(at));
  if (nf_schema_says_more(at, "type properties required additionalProperties"))
    return nf_json_error(at, "only properties, required and additionalProperties are supported where a call "
                             "has parameters, as those of this model have");
  if (properties.value != NULL) NF_TRY(nf_json_object(&properties));
  NF_TRY(nf_schema_required(c, at, &required));
  if (json_object_size(properties.value) == 0 && json_object_size(required) == 0 &&
      !json_is_false(json_object_get(at->value, "additionalProperties")))
    return add_any_parameters(c, from, to);
  NF_TRY(add_undeclared(c, &properties, required, &from));
  json_object_keylen_foreach(properties.value, name, n, schema) {
    const uint32_t next = nf_add_state(c->b);
    NF_TRY(add_parameter(c, &properties, (nf_view){name, n}, schema, from, next));
    if (json_object_getn(required, name, n) == NULL) nf_add_empty(c->b, from, next);
    from = next;
  }
  return nf_add_empty(c->b, from, to), nf_ok();
}
