// SPDX-License-Identifier: Apache-2.0
#include "report/doc.h"
#include "base/json.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const json_t *report_at(const json_t *object, const char *path) {
  for (size_t n; n = strcspn(path, "."), path[n] != '\0'; path += n + 1)
    object = json_object_getn(object, path, n);
  return json_object_get(object, path);
}

const char *report_text(const json_t *object, const char *key) {
  const char *s = json_string_value(report_at(object, key));
  return s != NULL ? s : "?";
}

double report_number(const json_t *object, const char *key) {
  return json_number_value(report_at(object, key));
}

bool report_is(const json_t *object, const char *key) { return json_is_true(report_at(object, key)); }

bool report_equal(const json_t *object, const char *key, const char *wanted) {
  return strcmp(report_text(object, key), wanted) == 0;
}

bool report_alike(const json_t *a, const json_t *b, const char *key) {
  return report_equal(a, key, report_text(b, key));
}

bool report_chosen(const json_t *candidate) { return report_equal(candidate, "verdict", "chosen"); }

double report_sum(const json_t *rows, const char *key) {
  double sum = 0;
  REPORT_EACH(row, rows) sum += report_number(row, key);
  return sum;
}

bool report_is_view(const json_t *node) {
  return report_is(node, "view") || json_is_null(json_object_get(node, "kernel"));
}

size_t report_launches(const json_t *nodes) {
  size_t n = 0;
  REPORT_EACH(node, nodes) n += !report_is_view(node);
  return n;
}

const char *report_name_at(const json_t *list, size_t i) {
  const json_t *item = json_array_get(list, i);
  const char *s = json_string_value(item);
  return s != NULL ? s : report_text(item, "name");
}

json_t *report_by_name(const json_t *nodes) {
  json_t *index = json_object(), *node;
  bool ok = index != NULL;
  size_t i;
  json_array_foreach(nodes, i, node) ok = ok && json_object_set(index, report_text(node, "name"), node) == 0;
  return nf_json_whole(index, ok);
}

void report_names_of(nf_text *t, const json_t *list, const char *first, const char *between) {
  for (size_t i = 0; i < json_array_size(list); i++)
    nf_text_printf(t, "%s%s", i == 0 ? first : between, report_name_at(list, i));
}

// ---- templates ----

// What a field stands for: "key}", or "key:form}".
static void write_value(nf_text *t, const json_t *object, const char *field) {
  static const double units[] = {['G'] = 1 << 30, ['M'] = 1e6, ['B'] = 1e9, ['}'] = 1};
  char key[64];
  const size_t n = strcspn(field, ":}");
  snprintf(key, sizeof key, "%.*s", (int)n, field);
  const json_t *value = report_at(object, key);
  const char *form = field[n] == ':' ? field + n + 1 : "0}";
  if (form[0] == 's')
    nf_text_append(t, "s", json_number_value(value) != 1);
  else if (field[n] == '}' && !json_is_number(value))
    nf_text_printf(t, "%s", report_text(object, key));
  else
    nf_text_printf(t, "%.*f", form[0] - '0', json_number_value(value) / units[(int)form[1]]);
}

void report_fill_with(nf_text *t, const json_t *object, const char *template,
                      void (*put)(nf_text *, const char *, size_t)) {
  for (;;) {
    const size_t plain = strcspn(template, "{");
    nf_text_append(t, template, plain);
    if (template[plain] == '\0') return;
    nf_text value = {0};
    write_value(&value, object, template + plain + 1);
    if (value.failed) t->failed = true;
    put(t, value.at, value.n);
    nf_text_deinit(&value);
    template += plain + strcspn(template + plain, "}") + 1;
  }
}

void report_fill(nf_text *t, const json_t *object, const char *template) {
  report_fill_with(t, object, template, nf_text_append);
}

char *report_taken(nf_text *t) {
  if (!t->failed) return t->at;
  nf_text_deinit(t);
  return NULL;
}

// ---- layers ----

void report_without_layer(const char *s, char *out) {
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

long report_layer_of(const char *name) {
  static const char hidden[] = "hidden.";
  const bool entering = strncmp(name, hidden, sizeof hidden - 1) == 0;
  const char *digits = name + (entering ? sizeof hidden - 1 : 1);
  if ((!entering && name[0] != 'L') || !isdigit((unsigned char)*digits)) return -1;
  char *end;
  const long n = strtol(digits, &end, 10);
  return n < 1 << 20 && (*end == '.' || (entering && *end == '\0')) ? n : -1;
}

// ---- groups ----

static void add_to_group(json_t *groups, const char *key, const json_t *node) {
  if (json_object_get(groups, key) == NULL) nf_json_put(groups, key, json_array());
  json_array_append(json_object_get(groups, key), (json_t *)node);
}

// {key: [nodes]}, as far as there is memory.
static json_t *group(const json_t *nodes, bool all, void (*key_of)(const json_t *, nf_text *)) {
  json_t *groups = json_object();
  REPORT_EACH(node, nodes) {
    nf_text key = {0};
    key_of(node, &key);
    if (!key.failed && !all) report_without_layer(key.at, key.at); // never longer than it was
    if (!key.failed) add_to_group(groups, key.at, node);
    nf_text_deinit(&key);
  }
  return groups;
}

void report_each_group(const json_t *nodes, bool all, void (*key_of)(const json_t *, nf_text *),
                       const char *worst, void (*show)(const report_group *, void *), void *user) {
  json_t *groups = group(nodes, all, key_of), *members;
  const char *key;
  json_object_foreach(groups, key, members) {
    report_group g = {key, json_array_get(members, 0), json_array_size(members)};
    REPORT_EACH(node, worst != NULL ? members : NULL) {
      if (report_number(node, worst) > report_number(g.node, worst)) g.node = node;
    }
    show(&g, user);
  }
  json_decref(groups);
}
