// SPDX-License-Identifier: Apache-2.0
#include "model/quantisation.h"
#include "base/checked.h"
#include <string.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// An expression is matched with every linear of the model, tens of thousands: neither may be costly.
enum { MAX_ENTRIES = 1 << 20, MAX_EXPRESSIONS = 256, MATCH_STEPS = 10000, MATCH_KIB = 1024 };

struct nf_expression {
  const char *text;
  pcre2_code *code;
  pcre2_match_context *context;
  pcre2_match_data *data;
};

static nf_status no_memory(void) {
  return nf_error(NF_NO_MEMORY, "no memory for the list of quantised modules");
}

// ---- lists of modules ----

static nf_status compile(const nf_json_at *at, struct nf_expression *e) {
  int code;
  PCRE2_SIZE where;
  e->code = pcre2_compile((PCRE2_SPTR)e->text, strlen(e->text),
                          PCRE2_UTF | PCRE2_ANCHORED | PCRE2_NEVER_BACKSLASH_C, &code, &where, NULL);
  if (!e->code && code == PCRE2_ERROR_HEAP_FAILED) return no_memory();
  if (!e->code) {
    char text[128];
    pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
    return nf_json_error(at, "'re:%.100s' is no valid regular expression: %s at byte %zu", e->text, text,
                         where);
  }
  e->context = pcre2_match_context_create(NULL);
  e->data = pcre2_match_data_create(1, NULL);
  if (!e->context || !e->data) return no_memory();
  pcre2_set_match_limit(e->context, MATCH_STEPS);
  pcre2_set_heap_limit(e->context, MATCH_KIB);
  return nf_ok();
}

static nf_status read_entry(const nf_json_at *at, bool expressions, nf_arena *arena, nf_module_list *out) {
  nf_view text;
  NF_TRY(nf_json_string(at, &text));
  const char *name = nf_arena_copy(arena, text.at, text.n);
  if (!name) return no_memory();
  if (!expressions || strncmp(name, "re:", 3) != 0) return nf_map_add(&out->names, name, text.n, 0, NULL);
  if (out->n_expressions == MAX_EXPRESSIONS)
    return nf_json_error(at, "is one more regular expression than %d, should be fewer", MAX_EXPRESSIONS);
  struct nf_expression *e = &out->expression[out->n_expressions++];
  e->text = name + 3;
  return compile(at, e);
}

// Adds the strings of `list` (absent: none) to `out`.
static nf_status read_list(const nf_json_at *list, bool expressions, nf_arena *arena, nf_module_list *out) {
  size_t n;
  if (!list->value) return nf_ok();
  NF_TRY(nf_json_array(list, &n));
  if (n > MAX_ENTRIES) return nf_json_error(list, "has %zu entries, should have at most %d", n, MAX_ENTRIES);
  if (expressions)
    out->expression =
        nf_arena_alloc(arena, n < MAX_EXPRESSIONS ? n : MAX_EXPRESSIONS, sizeof *out->expression);
  if (expressions && !out->expression) return no_memory();
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(list, i);
    NF_TRY(read_entry(&item, expressions, arena, out));
  }
  return nf_ok();
}

static nf_status matches(const struct nf_expression *e, const char *module, bool *out) {
  const int rc = pcre2_match(e->code, (PCRE2_SPTR)module, strlen(module), 0, 0, e->data, e->context);
  *out = rc >= 0;
  if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH) return nf_ok();
  if (rc == PCRE2_ERROR_NOMEMORY) return no_memory();
  return nf_error(NF_BAD_INPUT,
                  "quantization_config: 're:%.100s' takes more than %d steps on '%s', should be simpler",
                  e->text, MATCH_STEPS, module);
}

static bool named(const nf_quantisation *q, const nf_module_list *list, const char *module) {
  uint32_t ignored;
  if (nf_map_find(&list->names, module, strlen(module), &ignored)) return true;
  if (!q->children)
    return nf_map_find(&list->names, "Linear", 6, &ignored); // the class of all that are asked
  for (const char *dot = strchr(module, '.'); dot; dot = strchr(dot + 1, '.'))
    if (nf_map_find(&list->names, module, (size_t)(dot - module), &ignored)) return true;
  return false;
}

static nf_status contains(const nf_quantisation *q, const nf_module_list *list, const char *module,
                          bool *out) {
  *out = named(q, list, module);
  for (size_t i = 0; i < list->n_expressions && !*out; i++)
    NF_TRY(matches(&list->expression[i], module, out));
  return nf_ok();
}

nf_status nf_quantisation_covers(const nf_quantisation *q, const char *module, bool *out) {
  bool ignored;
  *out = false;
  if (!q->scales) return nf_ok(); // nothing, or MXFP4, whose family knows
  NF_TRY(contains(q, &q->ignore, module, &ignored));
  if (ignored) return nf_ok();
  *out = true;
  return q->some ? contains(q, &q->targets, module, out) : nf_ok();
}

// ---- the methods ----

// Key of `from` is the string `want`, or absent when that is allowed.
static nf_status want_string(const nf_json_at *from, const char *key, const char *want, bool optional) {
  const nf_json_at at = nf_json_get(from, key);
  nf_view got;
  if (!at.value && optional) return nf_ok();
  NF_TRY(nf_json_string(&at, &got));
  if (nf_view_equal(got, nf_view_of(want))) return nf_ok();
  return nf_json_error(&at, "'%.*s' is not supported, should be '%s'", (int)(got.n < 100 ? got.n : 100),
                       got.at, want);
}

// Key of `from`, which is `otherwise` when absent.
static nf_status want_bool(const nf_json_at *from, const char *key, bool want, bool otherwise) {
  const nf_json_at at = nf_json_get(from, key);
  bool got;
  if (!at.value && otherwise == want) return nf_ok();
  NF_TRY(nf_json_bool(&at, &got));
  if (got == want) return nf_ok();
  return nf_json_error(&at, "%s is not supported, should be %s", got ? "true" : "false",
                       want ? "true" : "false");
}

// Key of `from` is [128, 128].
static nf_status want_blocks(const nf_json_at *from, const char *key) {
  const nf_json_at list = nf_json_get(from, key);
  size_t n;
  NF_TRY(nf_json_array(&list, &n));
  bool right = n == 2;
  for (size_t i = 0; right && i < n; i++) {
    const nf_json_at item = nf_json_item(&list, i);
    int64_t size;
    NF_TRY(nf_json_i64(&item, 1, 1 << 20, &size));
    right = size == 128;
  }
  return right ? nf_ok() : nf_json_error(&list, "is not supported, should be [128, 128]");
}

static nf_status read_mxfp4(const nf_json_at *from, nf_quantisation *q) {
  const nf_json_at skip = nf_json_get(from, "modules_to_not_convert");
  q->weight = NF_MXFP4;
  return read_list(&skip, false, &q->arena, &q->ignore);
}

static nf_status read_fp8(const nf_json_at *from, nf_quantisation *q) {
  const nf_json_at skip = nf_json_get(from, "modules_to_not_convert");
  NF_TRY(want_string(from, "fmt", "e4m3", true));
  NF_TRY(want_string(from, "activation_scheme", "dynamic", true));
  NF_TRY(want_blocks(from, "weight_block_size"));
  q->weight = NF_FP8_BLOCK;
  q->activation = NF_FP8_GROUP;
  q->scales = "weight_scale_inv";
  q->children = true;
  return read_list(&skip, false, &q->arena, &q->ignore);
}

// What compressed-tensors calls an 8-bit float strategy, of weights and of activations.
static const struct scheme {
  const char *weights, *activations;
  nf_dtype weight, activation;
} schemes[] = {
    {"channel", "token", NF_FP8_ROW, NF_FP8_ROW},
    {"channel", NULL, NF_FP8_ROW, NF_NONE},
    {"block", "group", NF_FP8_BLOCK, NF_FP8_GROUP},
    {"block", NULL, NF_FP8_BLOCK, NF_NONE},
};

static nf_status want_i64(const nf_json_at *from, const char *key, int64_t want) {
  const nf_json_at at = nf_json_get(from, key);
  int64_t got;
  NF_TRY(nf_json_i64(&at, 1, 1 << 20, &got));
  if (got == want) return nf_ok();
  return nf_json_error(&at, "%ld is not supported, should be %ld", (long)got, (long)want);
}

static nf_status want_fp8(const nf_json_at *from) {
  NF_TRY(nf_json_object(from));
  NF_TRY(want_i64(from, "num_bits", 8));
  NF_TRY(want_string(from, "type", "float", false));
  return want_bool(from, "symmetric", true, true);
}

static nf_status find_scheme(const nf_json_at *group, const nf_json_at *weights, const nf_json_at *acts,
                             const struct scheme **out) {
  const nf_json_at w = nf_json_get(weights, "strategy"), a = nf_json_get(acts, "strategy");
  nf_view ws, as = NF_VIEW("nothing");
  NF_TRY(nf_json_string(&w, &ws));
  if (acts->value) NF_TRY(nf_json_string(&a, &as));
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
    const struct scheme *s = &schemes[i];
    const bool same =
        s->activations ? acts->value && nf_view_equal(as, nf_view_of(s->activations)) : !acts->value;
    if (same && nf_view_equal(ws, nf_view_of(s->weights))) return *out = s, nf_ok();
  }
  return nf_json_error(
      group,
      "weights by '%.*s' with activations by '%.*s' are not supported, should be 'channel' with "
      "'token' or 'block' with 'group'",
      (int)nf_min(ws.n, 100), ws.at, (int)nf_min(as.n, 100), as.at);
}

static nf_status read_group(const nf_json_at *group, nf_quantisation *q) {
  const nf_json_at weights = nf_json_get(group, "weights"), acts = nf_json_get(group, "input_activations");
  const nf_json_at targets = nf_json_get(group, "targets"), out = nf_json_get(group, "output_activations");
  const struct scheme *scheme = NULL;
  size_t n;
  NF_TRY(nf_json_object(group));
  NF_TRY(want_fp8(&weights));
  NF_TRY(want_bool(&weights, "dynamic", false, false));
  if (acts.value) {
    NF_TRY(want_fp8(&acts));
    NF_TRY(want_bool(&acts, "dynamic", true, false));
  }
  if (out.value) return nf_json_error(&out, "is not supported, should be null");
  NF_TRY(find_scheme(group, &weights, &acts, &scheme));
  if (scheme->weight == NF_FP8_BLOCK) NF_TRY(want_blocks(&weights, "block_structure"));
  if (scheme->activation == NF_FP8_GROUP) NF_TRY(want_i64(&acts, "group_size", 128));
  q->weight = scheme->weight;
  q->activation = scheme->activation;
  q->some = true;
  NF_TRY(nf_json_array(&targets, &n));
  return read_list(&targets, true, &q->arena, &q->targets);
}

static nf_status read_compressed(const nf_json_at *from, nf_quantisation *q) {
  const nf_json_at groups = nf_json_get(from, "config_groups"), ignore = nf_json_get(from, "ignore");
  const nf_json_at cache = nf_json_get(from, "kv_cache_scheme");
  NF_TRY(want_string(from, "format", "float-quantized", false));
  NF_TRY(nf_json_object(&groups));
  if (cache.value) return nf_json_error(&cache, "is not supported, should be null");
  if (json_object_size(groups.value) != 1)
    return nf_json_error(&groups, "has %zu groups, should have 1", json_object_size(groups.value));
  const char *key = json_object_iter_key(json_object_iter(groups.value));
  const nf_json_at group = nf_json_get(&groups, key);
  q->scales = "weight_scale";
  NF_TRY(read_group(&group, q));
  return read_list(&ignore, true, &q->arena, &q->ignore);
}

static const struct method {
  const char *name;
  nf_status (*read)(const nf_json_at *from, nf_quantisation *q);
} methods[] = {{"mxfp4", read_mxfp4}, {"fp8", read_fp8}, {"compressed-tensors", read_compressed}};

static nf_status read(const nf_json_at *from, nf_quantisation *q) {
  const nf_json_at method = nf_json_get(from, "quant_method");
  nf_view name;
  NF_TRY(nf_json_object(from));
  NF_TRY(nf_json_string(&method, &name));
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (nf_view_equal(name, nf_view_of(methods[i].name))) return methods[i].read(from, q);
  return nf_json_error(&method, "'%.*s' is not supported, should be one of: mxfp4, fp8, compressed-tensors",
                       (int)(name.n < 100 ? name.n : 100), name.at);
}

nf_status nf_quantisation_read(const nf_json_at *root, nf_quantisation *out) {
  *out = (nf_quantisation){0};
  nf_json_at from = nf_json_get(root, "quantization_config");
  const nf_json_at old = nf_json_get(root, "compression_config");
  if (!from.value) from = old;
  if (!from.value) return nf_ok();
  const nf_status st = read(&from, out);
  if (!nf_is_ok(st)) nf_quantisation_deinit(out);
  return st;
}

static void free_list(nf_module_list *list) {
  for (size_t i = 0; i < list->n_expressions; i++) {
    pcre2_code_free(list->expression[i].code);
    pcre2_match_context_free(list->expression[i].context);
    pcre2_match_data_free(list->expression[i].data);
  }
  nf_map_deinit(&list->names);
}

void nf_quantisation_deinit(nf_quantisation *q) {
  free_list(&q->targets);
  free_list(&q->ignore);
  nf_arena_deinit(&q->arena);
  *q = (nf_quantisation){0};
}
