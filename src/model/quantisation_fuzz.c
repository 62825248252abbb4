// SPDX-License-Identifier: Apache-2.0
// Fuzzes quantization_config with a module's name: the input is the name, a newline, and the config's JSON.
// Adversarial cases: expressions that are none, take for ever or fill memory, verbs and recursion of the
// expression language, what Python and PCRE2 read differently, classes and patterns without an end, lists of
// other kinds, empty names and names of dots.
#include "model/quantisation.h"
#include <string.h>

static bool covers(const nf_quantisation *q, const char *module, bool *out) {
  nf_scheme scheme;
  nf_status st = nf_quantisation_of(q, module, &scheme);
  *out = scheme.weight != NF_NONE;
  if ((*out && !nf_is_fp8(scheme.weight)) ||
      (scheme.activation != NF_NONE && (scheme.activation == NF_FP8_ROW) != (scheme.weight == NF_FP8_ROW)))
    __builtin_trap();
  const bool fine = nf_is_ok(st);
  if (!fine && (nf_status_code(st) != NF_BAD_INPUT || strchr(nf_status_message(st), '\n'))) __builtin_trap();
  nf_status_free(st);
  return fine;
}

// What a list of names holds is not quantised.
static void check_names(const nf_quantisation *q, const json_t *list) {
  size_t i;
  const json_t *item;
  json_array_foreach(list, i, item) {
    bool is;
    const char *name = json_string_value(item);
    if (name && !strpbrk(name, ":\\*?[](){}|+^$") && covers(q, name, &is) && is) __builtin_trap();
    if (i == 20) break;
  }
}

static void check(const nf_quantisation *q, const char *module, const json_t *from) {
  bool one = false, again = true;
  const bool fine = covers(q, module, &one);
  if (fine != covers(q, module, &again) || (fine && one != again)) __builtin_trap();
  if ((q->scales != NULL) != (q->n_schemes != 0) || (q->scales && !q->method) || (one && !q->scales))
    __builtin_trap();
  static const char *const lists[] = {"modules_to_not_convert", "ignore", "exclude"};
  static const char *const methods[] = {"fp8", "compressed-tensors", "quark"}; // which have them
  for (int i = 0; i < 3; i++)
    if (q->method && strcmp(q->method, methods[i]) == 0) check_names(q, json_object_get(from, lists[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  const uint8_t *end = n ? memchr(data, '\n', n) : NULL;
  char module[256] = "";
  if (!end || (size_t)(end - data) >= sizeof module ||
      nf_utf8_check((const char *)data, (size_t)(end - data)) != (size_t)(end - data))
    return 0;
  memcpy(module, data, (size_t)(end - data));
  nf_json doc;
  nf_quantisation q = {0};
  nf_status st = nf_json_parse((const char *)end + 1, n - (size_t)(end - data) - 1, "fuzz", &doc);
  json_t *from = json_object();
  if (nf_is_ok(st)) {
    json_object_set(from, "quantization_config", doc.root);
    const nf_json wrapped = {.root = from, .where = "fuzz"};
    const nf_json_at root = nf_json_root(&wrapped);
    st = nf_quantisation_read(&root, &q);
  }
  if (nf_is_ok(st)) check(&q, module, doc.root);
  if (strchr(nf_status_message(st), '\n')) __builtin_trap();
  nf_status_free(st);
  nf_quantisation_deinit(&q);
  json_decref(from);
  nf_json_deinit(&doc);
  return 0;
}
