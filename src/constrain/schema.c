// SPDX-License-Identifier: Apache-2.0
// JSON Schema as a part of an automaton. Words that say what is valid are kept or refused by their name;
// others are passed over. A reference is the call of a rule, so that schemas may contain themselves.
#include "constrain/schema.h"
#include "base/keys.h"
#include "base/memory.h"
#include "constrain/regex.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
  SCHEMA_MAX = 1 << 20, // bytes
  DEPTH_MAX = 150,      // of schemas inside each other
  LENGTH_MAX = 16384,   // of a string that has a maxLength
  ITEMS_MAX = 4096,     // of an array that has a maxItems
};

static nf_json_at member(const nf_json_at *at, const char *word) { return nf_json_get(at, word); }
static json_t *word_of(const nf_json_at *at, const char *word) { return json_object_get(at->value, word); }

// ---- words ----

static const char used[] = "$ref allOf anyOf oneOf enum const type properties required additionalProperties "
                           "items prefixItems minItems maxItems minLength maxLength pattern format minimum "
                           "maximum exclusiveMinimum exclusiveMaximum";
static const char refused[] =
    "multipleOf uniqueItems contains minContains maxContains minProperties maxProperties propertyNames "
    "patternProperties dependentRequired dependentSchemas dependencies if then else not unevaluatedItems "
    "unevaluatedProperties additionalItems $dynamicRef $recursiveRef";

static bool asks_nothing(const json_t *value) {
  return json_is_false(value) || json_is_null(value) ||
         (json_is_integer(value) && json_integer_value(value) == 0);
}

static nf_status is_not(const nf_json_at *at, const char *right) {
  char text[64];
  return nf_json_error(at, "is %s, should be %s", nf_json_quote(at->value, text, sizeof text), right);
}

// Of a word that is refused: zero and false ask for nothing, but not everywhere.
static nf_status check_refused(const nf_json_at *at, const char *word) {
  const bool forbids = strcmp(word, "not") == 0 || strncmp(word, "unevaluated", 11) == 0;
  if (strcmp(word, "multipleOf") == 0 && !(json_number_value(at->value) > 0))
    return is_not(at, "a number above 0");
  return forbids || !asks_nothing(at->value) ? nf_json_error(at, "is not supported") : nf_ok();
}

nf_status nf_schema_check_words(const nf_json_at *at) {
  const char *word;
  json_t *value;
  json_object_foreach(at->value, word, value) {
    const nf_json_at child = {.doc = at->doc, .value = value, .parent = at, .key = word}; // null too
    if (nf_has_word(refused, nf_view_of(word))) NF_TRY(check_refused(&child, word));
  }
  return nf_ok();
}

// Whether the schema says anything of what is valid but by the words in `but`.
bool nf_schema_says_more(const nf_json_at *at, const char *but) {
  const char *word;
  json_t *value;
  json_object_foreach(at->value, word, value) {
    const nf_view w = nf_view_of(word);
    if (nf_has_word(used, w) && !nf_has_word(but, w)) return true;
  }
  return false;
}

// A copy without some words, which lives as long as the compiler.
static nf_status without(nf_schema_compiler *c, const nf_json_at *at, const char *words, json_t **out) {
  nf_view w;
  json_t *rest = json_copy(at->value);
  NF_TRY(nf_made_keep(&c->made, rest));
  while (nf_next_word(&words, &w)) {
    char word[32];
    snprintf(word, sizeof word, "%.*s", (int)w.n, w.at);
    json_object_del(rest, word);
  }
  return *out = rest, nf_ok();
}

nf_status nf_schema_counts(const nf_json_at *at, const char *min, const char *max, int64_t bound,
                           int64_t *least, int64_t *most) {
  const nf_json_at a = member(at, min), b = member(at, max);
  *least = 0, *most = -1;
  if (a.value != NULL) NF_TRY(nf_json_i64(&a, 0, bound, least));
  if (b.value == NULL) return nf_ok();
  if (!json_is_number(b.value) || json_number_value(b.value) < 0)
    return is_not(&b, "an integer of 0 or more");
  if (json_number_value(b.value) > (double)bound) return *most = bound, nf_ok();
  return nf_json_i64(&b, 0, bound, most);
}

// ---- references ----

static nf_status resolve(const nf_schema_compiler *c, const nf_json_at *at, json_t **out) {
  nf_view ref;
  NF_TRY(nf_json_string(at, &ref));
  if (ref.n == 0 || ref.at[0] != '#' || (ref.n > 1 && ref.at[1] != '/'))
    return nf_json_error(at, "is not a place in this schema, such as #/$defs/name");
  *out = nf_json_refer(c->doc.root, ref);
  return *out != NULL ? nf_ok() : nf_json_error(at, "there is no such place in the schema");
}

// The schema behind any number of references that stand alone.
nf_status nf_schema_dereference(nf_schema_compiler *c, const nf_json_at *at, json_t **out) {
  *out = at->value;
  for (int n = 0; json_is_object(*out) && json_object_get(*out, "$ref") != NULL; n++) {
    const nf_json_at here = nf_schema_another(at, *out), ref = member(&here, "$ref");
    json_t *target, *rest;
    if (n == DEPTH_MAX) return nf_json_error(&ref, "refers to itself");
    NF_TRY(resolve(c, &ref, &target));
    if (nf_schema_says_more(&here, "$ref")) {
      NF_TRY(without(c, &here, "$ref", &rest));
      NF_TRY(nf_merge_schemas(&c->made, &ref, rest, target, out));
    } else {
      *out = target;
    }
  }
  return nf_ok();
}

static nf_status new_reference(nf_schema_compiler *c, const json_t *schema, json_t *body, const char *name,
                               nf_rule *out) {
  const nf_rule rule = nf_add_rule(c->b);
  if (!nf_grow(&c->reference, &c->cap, c->n + 1, sizeof *c->reference))
    return nf_error(NF_NO_MEMORY, "no memory for a schema");
  const char *kept = nf_arena_copy(&c->names, name, strlen(name));
  if (kept == NULL) return nf_error(NF_NO_MEMORY, "no memory for a schema");
  c->reference[c->n++] = (nf_schema_reference){schema, body, kept, rule};
  return *out = rule, nf_ok();
}

static const nf_schema_reference *find_reference(const nf_schema_compiler *c, const json_t *schema) {
  for (size_t i = 0; i < c->n; i++)
    if (c->reference[i].schema == schema) return &c->reference[i];
  return NULL;
}

// A rule for what the schema refers to; one for itself where it says more.
static nf_status call_reference(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to) {
  const nf_json_at ref = member(at, "$ref");
  const bool more = nf_schema_says_more(at, "$ref");
  json_t *target, *body;
  NF_TRY(resolve(c, &ref, &target));
  const json_t *key = more ? at->value : target;
  const nf_schema_reference *known = find_reference(c, key);
  nf_rule rule = known != NULL ? known->rule : (nf_rule){0};
  if (known == NULL) {
    body = target;
    if (more) NF_TRY(nf_schema_dereference(c, at, &body));
    NF_TRY(new_reference(c, key, body, json_string_value(ref.value), &rule));
  }
  nf_add_call(c->b, from, rule, to);
  return nf_ok();
}

// ---- what is all, or any, of several ----

static nf_status compile_all(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to) {
  const nf_json_at list = member(at, "allOf");
  json_t *merged;
  size_t n;
  NF_TRY(nf_json_array(&list, &n));
  NF_TRY(without(c, at, "allOf", &merged));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&list, i);
    json_t *schema;
    if (++c->made.work > NF_SCHEMA_WORK) break;
    NF_TRY(nf_schema_dereference(c, &item, &schema));
    NF_TRY(nf_merge_schemas(&c->made, &item, merged, schema, &merged));
  }
  const nf_json_at all = nf_schema_another(at, merged);
  return nf_schema_compile(c, &all, from, to);
}

nf_status nf_schema_alternatives(const nf_json_at *list, size_t *out_n) {
  NF_TRY(nf_json_array(list, out_n));
  return *out_n != 0 ? nf_ok() : nf_json_error(list, "is empty, should hold a schema or more");
}

static nf_status compile_any(nf_schema_compiler *c, const nf_json_at *at, const char *word, uint32_t from,
                             uint32_t to) {
  const nf_json_at list = member(at, word);
  const bool more = nf_schema_says_more(at, word);
  json_t *rest = NULL;
  size_t n;
  NF_TRY(nf_schema_alternatives(&list, &n));
  if (more) NF_TRY(without(c, at, word, &rest));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&list, i);
    json_t *schema = item.value;
    if (++c->made.work > NF_SCHEMA_WORK) return nf_json_error(at, "more than %d schemas", NF_SCHEMA_WORK);
    if (more) {
      NF_TRY(nf_schema_dereference(c, &item, &schema));
      NF_TRY(nf_merge_schemas(&c->made, &item, rest, schema, &schema));
    }
    const nf_json_at one = nf_schema_another(&item, schema);
    NF_TRY(nf_schema_compile(c, &one, from, to));
  }
  return nf_ok();
}

// ---- types ----

static const struct {
  const char *name, *words; // that ask for the type where none is given
  int bit;
} types[] = {{"object", "properties required additionalProperties", NF_TYPE_OBJECT},
             {"array", "items prefixItems minItems maxItems", NF_TYPE_ARRAY},
             {"string", "minLength maxLength pattern", NF_TYPE_STRING},
             {"number", "minimum maximum exclusiveMinimum exclusiveMaximum", NF_TYPE_NUMBER},
             {"integer", "", NF_TYPE_INTEGER},
             {"boolean", "", NF_TYPE_BOOLEAN},
             {"null", "", NF_TYPE_NULL}};
enum { N_TYPES = sizeof types / sizeof *types };

nf_status nf_schema_type_named(const nf_json_at *at, int *out) {
  nf_view name;
  NF_TRY(nf_json_string(at, &name));
  for (int i = 0; i < N_TYPES; i++)
    if (nf_view_equal(name, nf_view_of(types[i].name))) return *out |= types[i].bit, nf_ok();
  return nf_json_error(at, "is '%.*s', should be one of: object array string number integer boolean null",
                       (int)name.n, name.at);
}

// *out 0: the schema allows no type; NF_TYPE_ANY with *given false: nothing was said.
static nf_status types_of(const nf_json_at *at, int *out, bool *given) {
  const nf_json_at type = member(at, "type");
  size_t n;
  *out = 0;
  *given = true;
  if (json_is_array(type.value)) {
    NF_TRY(nf_json_array(&type, &n));
    for (size_t i = 0; i < n; i++) {
      const nf_json_at item = nf_json_item(&type, i);
      NF_TRY(nf_schema_type_named(&item, out));
    }
    return nf_ok();
  }
  if (type.value != NULL) return nf_schema_type_named(&type, out);
  for (int i = 0; i < N_TYPES; i++) {
    const char *words = types[i].words;
    for (nf_view w; nf_next_word(&words, &w);) {
      char word[32];
      snprintf(word, sizeof word, "%.*s", (int)w.n, w.at);
      if (word_of(at, word) != NULL) *out |= types[i].bit;
    }
  }
  if (nf_schema_format(at) != NULL) *out |= NF_TYPE_STRING;
  *given = *out != 0;
  if (*out == 0) *out = NF_TYPE_ANY;
  return nf_ok();
}

static int type_of_value(const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    return NF_TYPE_OBJECT;
  case JSON_ARRAY:
    return NF_TYPE_ARRAY;
  case JSON_STRING:
    return NF_TYPE_STRING;
  case JSON_INTEGER:
    return NF_TYPE_INTEGER | NF_TYPE_NUMBER;
  case JSON_REAL:
    return json_real_value(value) == trunc(json_real_value(value)) ? NF_TYPE_INTEGER | NF_TYPE_NUMBER
                                                                   : NF_TYPE_NUMBER;
  case JSON_NULL:
    return NF_TYPE_NULL;
  default:
    return NF_TYPE_BOOLEAN;
  }
}

// ---- constants ----

// Scalars share what they begin with, so that a long list costs what its texts do.
static nf_status add_scalars(nf_schema_compiler *c, json_t *const *value, size_t n, uint32_t from,
                             uint32_t to) {
  nf_text all = {0};
  nf_view *text;
  NF_TRY(nf_make(&text, n, sizeof *text, "a schema"));
  nf_status st = nf_ok();
  for (size_t i = 0; i < n && nf_is_ok(st); i++) {
    const size_t start = all.n;
    st = nf_spell_scalar(&all, value[i]);
    text[i] = (nf_view){NULL, all.n - start};
  }
  for (size_t i = 0, start = 0; i < n && nf_is_ok(st); start += text[i++].n) text[i].at = all.at + start;
  if (nf_is_ok(st)) nf_add_texts(c->b, from, text, n, to);
  nf_text_deinit(&all);
  nf_free(text);
  return st;
}

static nf_status compile_values(nf_schema_compiler *c, const nf_json_at *at, const json_t *list,
                                uint32_t from, uint32_t to) {
  json_t **scalar, *value;
  size_t n = 0, i;
  int allowed = NF_TYPE_ANY;
  bool given;
  if (nf_schema_says_more(at, "enum const type"))
    return nf_json_error(at, "enum or const beside other words than type is not supported");
  NF_TRY(types_of(at, &allowed, &given));
  NF_TRY(nf_make(&scalar, json_array_size(list), sizeof *scalar, "a schema"));
  json_array_foreach(list, i, value) {
    if (!(type_of_value(value) & allowed)) continue;
    if (json_is_object(value) || json_is_array(value))
      nf_add_constant(c->b, from, value, to);
    else
      scalar[n++] = value;
  }
  const nf_status st = add_scalars(c, scalar, n, from, to);
  nf_free(scalar);
  return st;
}

static nf_status compile_constants(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to) {
  json_t *constant = word_of(at, "const");
  const nf_json_at list = member(at, "enum");
  size_t n;
  if (constant == NULL) {
    NF_TRY(nf_json_array(&list, &n));
    return compile_values(c, at, list.value, from, to);
  }
  json_t *one = json_pack("[O]", constant);
  NF_TRY(nf_made_keep(&c->made, one));
  if (json_is_array(word_of(at, "enum"))) {
    size_t i;
    json_t *value;
    bool there = false;
    json_array_foreach(list.value, i, value) there |= json_equal(value, constant);
    if (!there) return nf_ok();
  }
  return compile_values(c, at, one, from, to);
}

// ---- strings ----

#define MONTHS \
  "((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))"
#define LEAP "((\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
#define DATE "(\\d{4}-" MONTHS "|" LEAP ")"
#define TIME "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)"
#define BYTE "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
static const struct {
  const char *name, *regex;
} formats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE "T" TIME},
    {"duration", "P(\\d{1,9}W|\\d{1,9}D(T\\d{1,9}[HMS])?|\\d{1,9}[YM]|T\\d{1,9}[HMS])"},
    {"uuid", "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"},
    {"email",
     "[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,32}){0,2}@[A-Za-z0-9-]{1,32}(\\.[A-Za-z0-9-]{1,16}){1,3}"},
    {"ipv4", "(" BYTE "\\.){3}" BYTE},
    {"ipv6", "([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}"},
    {"hostname", LABEL "(\\." LABEL "){0,3}"},
};

const char *nf_schema_format(const nf_json_at *at) { // NULL: none, or one that only annotates
  const char *name = json_string_value(word_of(at, "format"));
  for (size_t i = 0; name != NULL && i < sizeof formats / sizeof *formats; i++)
    if (strcmp(formats[i].name, name) == 0) return formats[i].regex;
  return NULL;
}

// `one` [states] once for each number of characters that were read: from each to itself, but where a
// character begins to the next.
void nf_add_layers(nf_builder *b, const nf_builder *one, uint32_t end, int64_t least, int64_t most,
                   uint32_t from, uint32_t to) {
  const int64_t layers = (most >= 0 ? most : least) + 1;
  const uint32_t first = (uint32_t)b->n;
  for (int64_t i = 0; i < layers * (int64_t)one->n && !nf_builder_failed(b); i++) nf_add_state(b);
  for (int64_t layer = 0; layer < layers && !nf_builder_failed(b); layer++) {
    const uint32_t base = first + (uint32_t)(layer * (int64_t)one->n);
    const bool last = layer + 1 == layers;
    for (size_t i = 0; i < one->n_edges; i++) {
      const nf_edge *e = &one->edge[i];
      const uint32_t next = e->begins && !last ? base + (uint32_t)one->n : base;
      if (e->begins && last && most >= 0) continue;
      if (e->kind == NF_EDGE_BYTES)
        nf_add_bytes(b, base + e->from, e->lo, e->hi, next + e->to);
      else
        nf_add_empty(b, base + e->from, next + e->to);
    }
    if (layer >= least) nf_add_empty(b, base + end, to);
  }
  nf_add_empty(b, from, first);
}

static nf_status add_measured(nf_schema_compiler *c, nf_view regex, bool anchored, int64_t least,
                              int64_t most, uint32_t from, uint32_t to) {
  nf_builder one = {0};
  const nf_rule r = nf_add_rule(&one);
  nf_status st = nf_add_regex(&one, r.start, regex, anchored, NF_SPELL_JSON, r.end);
  if (nf_is_ok(st)) st = nf_builder_take_failure(&one);
  if (nf_is_ok(st)) nf_add_layers(c->b, &one, r.end, least, most, from, to);
  nf_builder_deinit(&one);
  return st;
}

static nf_status compile_pattern(nf_schema_compiler *c, const nf_json_at *at, const char *format,
                                 int64_t least, int64_t most, uint32_t from, uint32_t to) {
  const nf_json_at pattern = member(at, "pattern"), where = member(at, format != NULL ? "format" : "pattern");
  const uint32_t open = nf_add_state(c->b), closing = nf_add_state(c->b);
  nf_view regex = nf_view_of(format);
  if (format == NULL) NF_TRY(nf_json_string(&pattern, &regex));
  if (format != NULL && pattern.value != NULL)
    return nf_json_error(&pattern, "beside a format is not supported");
  nf_add_bytes(c->b, from, '"', '"', open);
  nf_add_bytes(c->b, closing, '"', '"', to);
  nf_status st = least > 0 || most >= 0
                     ? add_measured(c, regex, format != NULL, least, most, open, closing)
                     : nf_add_regex(c->b, open, regex, format != NULL, NF_SPELL_JSON, closing);
  if (nf_status_code(st) != NF_BAD_INPUT) return st;
  const nf_status told = nf_json_error(&where, "%s", nf_status_message(st));
  nf_status_free(st);
  return told;
}

static nf_status compile_string(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to) {
  const char *format = nf_schema_format(at);
  int64_t least, most;
  NF_TRY(nf_schema_counts(at, "minLength", "maxLength", LENGTH_MAX, &least, &most));
  if (format != NULL || word_of(at, "pattern") != NULL)
    return compile_pattern(c, at, format, least, most, from, to);
  if (least == 0 && most < 0)
    nf_add_any_string(c->b, c->rules, from, to);
  else if (most < 0 || least <= most)
    nf_add_string_of(c->b, c->rules, from, least, most, to);
  return nf_ok();
}

// ---- numbers ----

// The narrower one of both kinds of bounds.
static nf_status bound_of(const nf_json_at *at, const char *inclusive, const char *exclusive, bool is_lo,
                          nf_digits *out) {
  const nf_json_at a = member(at, inclusive), b = member(at, exclusive);
  *out = (nf_digits){0};
  if (a.value != NULL && !json_is_number(a.value)) return nf_json_wants(&a, "a number");
  if (b.value != NULL && !json_is_number(b.value)) return nf_json_wants(&b, "a number");
  if (a.value == NULL && b.value == NULL) return nf_ok();
  bool open = a.value == NULL;
  if (a.value != NULL && b.value != NULL) {
    const double x = json_number_value(a.value), y = json_number_value(b.value);
    open = is_lo ? y >= x : y <= x;
  }
  return nf_digits_of(open ? b.value : a.value, open, out);
}

static nf_status compile_number(nf_schema_compiler *c, const nf_json_at *at, bool integer, uint32_t from,
                                uint32_t to) {
  nf_digits lo, hi;
  NF_TRY(bound_of(at, "minimum", "exclusiveMinimum", true, &lo));
  NF_TRY(bound_of(at, "maximum", "exclusiveMaximum", false, &hi));
  if (lo.given || hi.given)
    nf_add_number_within(c->b, from, &lo, &hi, integer, to);
  else if (integer)
    nf_add_any_integer(c->b, from, to);
  else
    nf_add_any_number(c->b, from, to);
  return nf_ok();
}

// ---- arrays ----

typedef struct items {
  nf_json_at prefix, rest;
  size_t n_prefix;
  bool none_behind; // of the prefix
  nf_rule rule;     // of the rest; end 0: any value
} items;

static nf_status read_items(nf_schema_compiler *c, const nf_json_at *at, items *x) {
  x->prefix = member(at, "prefixItems");
  x->rest = member(at, "items");
  if (x->prefix.value != NULL) NF_TRY(nf_json_array(&x->prefix, &x->n_prefix));
  x->none_behind = json_is_false(x->rest.value);
  if (x->rest.value == NULL || json_is_true(x->rest.value) || x->none_behind) return nf_ok();
  x->rule = nf_add_rule(c->b);
  return nf_schema_compile(c, &x->rest, x->rule.start, x->rule.end);
}

static nf_status add_item(nf_schema_compiler *c, const items *x, size_t i, uint32_t from, uint32_t to) {
  if (i < x->n_prefix) {
    const nf_json_at item = nf_json_item(&x->prefix, i);
    return nf_schema_compile(c, &item, from, to);
  }
  if (x->rule.end != 0)
    nf_add_call(c->b, from, x->rule, to);
  else
    nf_add_any_value(c->b, c->rules, from, to);
  return nf_ok();
}

static nf_status compile_array(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to) {
  items x = {0};
  int64_t least, most;
  NF_TRY(nf_schema_counts(at, "minItems", "maxItems", ITEMS_MAX, &least, &most));
  NF_TRY(read_items(c, at, &x));
  if (x.none_behind && (most < 0 || most > (int64_t)x.n_prefix)) most = (int64_t)x.n_prefix;
  uint32_t behind = nf_add_state(c->b);
  nf_add_bytes(c->b, from, '[', '[', behind);
  for (int64_t i = 0; !nf_builder_failed(c->b); i++) {
    if (i >= least) nf_add_bytes(c->b, behind, ']', ']', to);
    if (most >= 0 && i >= most) break;
    const bool loops = most < 0 && i > 0 && i >= least && i >= (int64_t)x.n_prefix;
    const uint32_t start = i != 0 ? nf_add_state(c->b) : behind, next = loops ? behind : nf_add_state(c->b);
    if (i != 0) nf_add_blank(c->b, behind, ',', start);
    NF_TRY(add_item(c, &x, (size_t)i, start, next));
    if (loops) break;
    behind = next;
  }
  return nf_ok();
}

// ---- objects ----

typedef struct property {
  const char *name;
  size_t n;
  json_t *schema;
  bool required;
} property;

typedef struct object {
  nf_json_at properties, additional;
  property *property;
  size_t n, cap;
  uint32_t nothing, something; // places: no member was written yet, or one was; 0: there is none
} object;

static nf_status push_property(object *o, property p) {
  if (!nf_grow(&o->property, &o->cap, o->n + 1, sizeof *o->property))
    return nf_error(NF_NO_MEMORY, "no memory for a schema");
  return o->property[o->n++] = p, nf_ok();
}

static nf_status read_properties(object *o, json_t *required) {
  const char *name;
  size_t n;
  json_t *schema;
  if (o->properties.value != NULL) NF_TRY(nf_json_object(&o->properties));
  json_object_keylen_foreach(o->properties.value, name, n, schema)
      NF_TRY(push_property(o, (property){name, n, schema, json_object_getn(required, name, n) != NULL}));
  json_object_keylen_foreach(required, name, n, schema) // of which nothing else is said
      if (json_object_getn(o->properties.value, name, n) == NULL)
          NF_TRY(push_property(o, (property){name, n, o->additional.value, true}));
  return nf_ok();
}

nf_status nf_schema_required(nf_schema_compiler *c, const nf_json_at *at, json_t **out) {
  const nf_json_at list = member(at, "required");
  size_t n = 0;
  NF_TRY(nf_made_keep(&c->made, *out = json_object()));
  if (list.value != NULL) NF_TRY(nf_json_array(&list, &n));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&list, i);
    nf_view name;
    NF_TRY(nf_json_string(&item, &name));
    if (json_object_setn_new(*out, name.at, name.n, json_true()) != 0)
      return nf_error(NF_NO_MEMORY, "no memory for a schema");
  }
  return nf_ok();
}

static nf_status compile_member(nf_schema_compiler *c, const object *o, const property *p, uint32_t from,
                                uint32_t to) {
  if (p->schema == NULL || json_is_true(p->schema))
    return nf_add_any_value(c->b, c->rules, from, to), nf_ok();
  const nf_json_at at = {.doc = &c->doc, .value = p->schema, .parent = &o->properties, .key = p->name};
  return nf_schema_compile(c, &at, from, to);
}

// To where a name may begin: at once, or behind a comma.
static void add_name_start(nf_builder *b, const object *o, uint32_t to) {
  if (o->nothing != 0) nf_add_empty(b, o->nothing, to);
  if (o->something != 0) nf_add_blank(b, o->something, ',', to);
}

static nf_status add_property(nf_schema_compiler *c, object *o, const property *p) {
  if (!p->required && json_is_false(p->schema)) return nf_ok();
  const uint32_t name = nf_add_state(c->b), colon = nf_add_state(c->b), start = nf_add_state(c->b),
                 behind = nf_add_state(c->b);
  add_name_start(c->b, o, name);
  nf_add_name(c->b, name, (nf_view){p->name, p->n}, colon);
  nf_add_blank(c->b, colon, ':', start);
  NF_TRY(compile_member(c, o, p, start, behind));
  if (o->something != 0 && !p->required) nf_add_empty(c->b, o->something, behind);
  if (p->required) o->nothing = 0;
  o->something = behind;
  return nf_ok();
}

static nf_status add_others(nf_schema_compiler *c, object *o) {
  nf_view *names;
  NF_TRY(nf_make(&names, o->n, sizeof *names, "a schema"));
  for (size_t i = 0; i < o->n; i++) names[i] = (nf_view){o->property[i].name, o->property[i].n};
  const uint32_t name = nf_add_state(c->b), colon = nf_add_state(c->b), start = nf_add_state(c->b),
                 behind = nf_add_state(c->b);
  add_name_start(c->b, o, name);
  nf_add_other_name(c->b, name, names, o->n, colon);
  nf_free(names);
  nf_add_blank(c->b, colon, ':', start);
  const property other = {.name = "additionalProperties", .schema = o->additional.value};
  NF_TRY(compile_member(c, o, &other, start, behind));
  nf_add_blank(c->b, behind, ',', name);
  if (o->something != 0) nf_add_empty(c->b, o->something, behind);
  o->something = behind;
  return nf_ok();
}

static nf_status add_members(nf_schema_compiler *c, object *o, uint32_t to) {
  for (size_t i = 0; i < o->n && !nf_builder_failed(c->b); i++) NF_TRY(add_property(c, o, &o->property[i]));
  if (!json_is_false(o->additional.value)) NF_TRY(add_others(c, o));
  if (o->nothing != 0) nf_add_bytes(c->b, o->nothing, '}', '}', to);
  if (o->something != 0) nf_add_bytes(c->b, o->something, '}', '}', to);
  return nf_ok();
}

static nf_status compile_object(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to) {
  object o = {.properties = member(at, "properties"), .additional = member(at, "additionalProperties")};
  json_t *required;
  NF_TRY(nf_schema_required(c, at, &required));
  if (json_object_size(o.properties.value) == 0 && json_object_size(required) == 0 &&
      (o.additional.value == NULL || json_is_true(o.additional.value)))
    return nf_add_any_object(c->b, c->rules, from, to), nf_ok();
  nf_status st = read_properties(&o, required);
  if (nf_is_ok(st)) {
    o.nothing = nf_add_state(c->b);
    nf_add_bytes(c->b, from, '{', '{', o.nothing);
    st = add_members(c, &o, to);
  }
  nf_free(o.property);
  return st;
}

// ---- all ----

static nf_status compile_types(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to) {
  int type;
  bool given;
  NF_TRY(types_of(at, &type, &given));
  if (!given) return nf_add_any_value(c->b, c->rules, from, to), nf_ok();
  if (type & NF_TYPE_OBJECT) NF_TRY(compile_object(c, at, from, to));
  if (type & NF_TYPE_ARRAY) NF_TRY(compile_array(c, at, from, to));
  if (type & NF_TYPE_STRING) NF_TRY(compile_string(c, at, from, to));
  if (type & (NF_TYPE_NUMBER | NF_TYPE_INTEGER))
    NF_TRY(compile_number(c, at, !(type & NF_TYPE_NUMBER), from, to));
  if (type & NF_TYPE_BOOLEAN) {
    nf_add_text(c->b, from, NF_VIEW("true"), to);
    nf_add_text(c->b, from, NF_VIEW("false"), to);
  }
  if (type & NF_TYPE_NULL) nf_add_text(c->b, from, NF_VIEW("null"), to);
  return nf_ok();
}

static nf_status compile_schema(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to) {
  NF_TRY(nf_schema_check_words(at));
  if (word_of(at, "$ref") != NULL) return call_reference(c, at, from, to);
  if (word_of(at, "allOf") != NULL) return compile_all(c, at, from, to);
  if (word_of(at, "anyOf") != NULL) return compile_any(c, at, "anyOf", from, to);
  if (word_of(at, "oneOf") != NULL) return compile_any(c, at, "oneOf", from, to);
  if (word_of(at, "enum") != NULL || word_of(at, "const") != NULL) return compile_constants(c, at, from, to);
  return compile_types(c, at, from, to);
}

nf_status nf_schema_compile(nf_schema_compiler *c, const nf_json_at *at, uint32_t from, uint32_t to) {
  if (json_is_true(at->value)) return nf_add_any_value(c->b, c->rules, from, to), nf_ok();
  if (json_is_false(at->value)) return nf_ok();
  if (!json_is_object(at->value)) return nf_json_wants(at, "a schema (an object, true or false)");
  if (++c->made.work > NF_SCHEMA_WORK) return nf_json_error(at, "more than %d schemas", NF_SCHEMA_WORK);
  if (c->depth == DEPTH_MAX) return nf_json_error(at, "more than %d schemas inside each other", DEPTH_MAX);
  c->depth++;
  nf_status st = compile_schema(c, at, from, to);
  c->depth--;
  if (!nf_is_ok(st) || !nf_builder_failed(c->b)) return st;
  st = nf_builder_take_failure(c->b);
  if (nf_status_code(st) != NF_BAD_INPUT) return st;
  const nf_status told = nf_json_error(at, "%s", nf_status_message(st));
  nf_status_free(st);
  return told;
}

static nf_status compile_references(nf_schema_compiler *c) {
  const nf_json_at root = nf_json_root(&c->doc);
  for (size_t i = 0; i < c->n; i++) {
    const nf_schema_reference r = c->reference[i];
    const nf_json_at at = {.doc = &c->doc, .value = r.body, .parent = &root, .key = r.name};
    NF_TRY(nf_schema_compile(c, &at, r.rule.start, r.rule.end));
  }
  return nf_ok();
}

static nf_status add(nf_builder *b, nf_json_rules *r, uint32_t from, nf_view schema, uint32_t to,
                     nf_status (*compile)(nf_schema_compiler *, const nf_json_at *, uint32_t, uint32_t)) {
  nf_schema_compiler c = {.b = b, .rules = r};
  if (schema.n > SCHEMA_MAX) return nf_error(NF_BAD_INPUT, "schema: more than %d bytes", SCHEMA_MAX);
  NF_TRY(nf_json_parse(schema.at, schema.n, "schema", &c.doc));
  const nf_json_at root = nf_json_root(&c.doc);
  nf_status st = compile(&c, &root, from, to);
  if (nf_is_ok(st)) st = compile_references(&c);
  nf_made_deinit(&c.made);
  nf_arena_deinit(&c.names);
  nf_free(c.reference);
  nf_json_deinit(&c.doc);
  return st;
}

nf_status nf_add_schema(nf_builder *b, nf_json_rules *r, uint32_t from, nf_view schema, uint32_t to) {
  return add(b, r, from, schema, to, nf_schema_compile);
}

nf_status nf_add_parameters(nf_builder *b, nf_json_rules *r, uint32_t from, nf_view schema, uint32_t to) {
  return add(b, r, from, schema, to, nf_schema_compile_parameters);
}
