// SPDX-License-Identifier: Apache-2.0
#include "cli/explain/doc.h"
#include "base/json.h"
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
  CLI_EACH(row, rows) sum += cli_number(row, key);
  return sum;
}

bool cli_is_view(const json_t *node) {
  return cli_is(node, "view") || json_is_null(json_object_get(node, "kernel"));
}

size_t cli_launches(const json_t *nodes) {
  size_t n = 0;
  CLI_EACH(node, nodes) n += !cli_is_view(node);
  return n;
}

const char *cli_name_at(const json_t *list, size_t i) {
  const json_t *item = json_array_get(list, i);
  const char *s = json_string_value(item);
  return s != NULL ? s : cli_text(item, "name");
}

json_t *cli_candidates(const json_t *doc) {
  json_t *list = json_array(), *site;
  bool ok = list != NULL;
  size_t i;
  json_array_foreach(cli_in(doc, "fusion", "sites"), i, site) {
    json_t *some = json_object_get(site, "candidates");
    ok = ok && (!json_is_array(some) || json_array_extend(list, some) == 0);
  }
  return nf_json_whole(list, ok);
}

json_t *cli_by_name(const json_t *nodes) {
  json_t *index = json_object(), *node;
  bool ok = index != NULL;
  size_t i;
  json_array_foreach(nodes, i, node) ok = ok && json_object_set(index, cli_text(node, "name"), node) == 0;
  return nf_json_whole(index, ok);
}

char *cli_taken(nf_text *t) {
  if (!t->failed) return t->at;
  nf_text_deinit(t);
  return NULL;
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

// ---- groups ----

// Adds the node to the group of its key. Nodes for which there is no memory are left out.
static void add(cli_group *group, size_t *n, const json_t *node, nf_text *text, const char *worst) {
  char *key = cli_taken(text);
  size_t g = 0;
  if (key == NULL) return;
  while (g < *n && strcmp(group[g].key, key) != 0) g++;
  if (g == *n)
    group[(*n)++] = (cli_group){.key = key, .node = node};
  else
    nf_free(key);
  group[g].count++;
  if (worst != NULL && cli_number(node, worst) > cli_number(group[g].node, worst)) group[g].node = node;
}

void cli_each_group(const json_t *nodes, bool all, void (*key_of)(const json_t *, nf_text *),
                    const char *worst, void (*show)(const cli_group *, void *), void *user) {
  cli_group *group = nf_alloc(json_array_size(nodes) + 1, sizeof *group);
  size_t n = 0;
  CLI_EACH(node, group != NULL ? nodes : NULL) {
    nf_text key = {0};
    key_of(node, &key);
    if (!all && key.at != NULL) cli_without_layer(key.at, key.at); // never longer than it was
    add(group, &n, node, &key, worst);
  }
  for (size_t g = 0; g < n; g++) {
    show(&group[g], user);
    nf_free(group[g].key);
  }
  nf_free(group);
}
