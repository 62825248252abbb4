// SPDX-License-Identifier: Apache-2.0
#include "cli/explain/doc.h"
#include "base/memory.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *cli_text(const json_t *object, const char *key) {
  const char *s = json_string_value(json_object_get(object, key));
  return s != NULL ? s : "?";
}

double cli_number(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}

bool cli_is(const json_t *object, const char *key) { return json_is_true(json_object_get(object, key)); }

const json_t *cli_in(const json_t *object, const char *outer, const char *key) {
  return json_object_get(json_object_get(object, outer), key);
}

bool cli_equal(const json_t *object, const char *key, const char *wanted) {
  return strcmp(cli_text(object, key), wanted) == 0;
}

bool cli_chosen(const json_t *candidate) { return cli_equal(candidate, "verdict", "chosen"); }

double cli_sum(const json_t *rows, const char *key) {
  double sum = 0;
  for (size_t i = 0; i < json_array_size(rows); i++) sum += cli_number(json_array_get(rows, i), key);
  return sum;
}

bool cli_is_view(const json_t *node) {
  return cli_is(node, "view") || json_is_null(json_object_get(node, "kernel"));
}

size_t cli_launches(const json_t *nodes) {
  size_t n = 0;
  for (size_t i = 0; i < json_array_size(nodes); i++) n += !cli_is_view(json_array_get(nodes, i));
  return n;
}

// ---- layers ----

void cli_without_layer(const char *s, char *out) {
  for (char last = ' '; *s != '\0'; s++) {
    const bool counted =
        (*s == 'L' && !isalpha((unsigned char)last)) || (*s == '.' && isalpha((unsigned char)last));
    last = *out++ = *s;
    if (!counted || !isdigit((unsigned char)s[1])) continue;
    while (isdigit((unsigned char)s[1])) s++;
    last = *out++ = '#';
  }
  *out = '\0';
}

long cli_layer_of(const char *name) {
  static const char hidden[] = "hidden.";
  const bool entering = strncmp(name, hidden, sizeof hidden - 1) == 0;
  const char *digits = name + (entering ? sizeof hidden - 1 : 1);
  if ((!entering && name[0] != 'L') || !isdigit((unsigned char)*digits)) return -1;
  char *end;
  const long n = strtol(digits, &end, 10);
  return n < 1 << 20 && (*end == '.' || (entering && *end == '\0')) ? n : -1;
}

static char *key_for(const json_t *node, bool all, char *(*key_of)(const json_t *)) {
  char *raw = key_of(node), *key;
  if (raw == NULL || all || (key = nf_alloc(1, strlen(raw) + 1)) == NULL) return raw;
  cli_without_layer(raw, key);
  nf_free(raw);
  return key;
}

size_t cli_group_nodes(const json_t *nodes, bool all, char *(*key_of)(const json_t *), const char *worst,
                       cli_group *out) {
  size_t n = 0, i;
  json_t *node;
  json_array_foreach(nodes, i, node) {
    char *key = key_for(node, all, key_of);
    size_t g = 0;
    if (key == NULL) continue;
    while (g < n && strcmp(out[g].key, key) != 0) g++;
    if (g == n)
      out[n++] = (cli_group){.key = key, .node = node};
    else
      nf_free(key);
    out[g].count++;
    if (worst != NULL && cli_number(node, worst) > cli_number(out[g].node, worst)) out[g].node = node;
  }
  return n;
}
