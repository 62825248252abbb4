// SPDX-License-Identifier: Apache-2.0
// Spoiling checkpoint folders.
#include "tests/support/spoil.h"
#include "tests/support/folder.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void put_json(const char *dir, const char *name, const json_t *root) {
  char *text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
  folder_write_text(dir, name, text);
  free(text);
}

static json_t *value_of(const char *text) {
  json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
  if (!value) fail_msg("the case's own JSON is broken: %s", text);
  return value;
}

// The object that holds the last key of the path "a.b.c", and that key.
static json_t *holder(json_t *at, const char *path, const char **key) {
  for (const char *dot; at && (dot = strchr(path, '.')); path = dot + 1)
    at = json_object_getn(at, path, (size_t)(dot - path));
  assert_true(json_is_object(at));
  *key = path;
  return at;
}

void spoil_config(const char *dir, const char *a, const char *b, const char *c) {
  char *path = folder_path(dir, "config.json");
  const char *key;
  json_t *root = json_load_file(path, 0, NULL);
  json_t *at = holder(b ? json_object_get(root, a) : root, b ? b : a, &key);
  if (c)
    json_object_set_new(at, key, value_of(c));
  else
    json_object_del(at, key);
  put_json(dir, "config.json", root);
  json_decref(root);
  free(path);
}

void spoil_config_text(const char *dir, const char *a, const char *b, const char *c) {
  (void)b, (void)c;
  folder_write_text(dir, "config.json", a);
}

typedef struct model { // a model.safetensors in memory
  char *file;
  size_t n, header; // bytes of the file, and of its header
} model;

static model load_model(const char *dir) {
  model m = {0};
  char *path = folder_path(dir, SINGLE);
  m.file = folder_read(path, &m.n);
  free(path);
  uint64_t header;
  memcpy(&header, m.file, 8);
  m.header = header;
  return m;
}

static void put_model(const char *dir, const char *header, size_t n, const model *m) {
  const uint64_t prefix = n;
  const size_t data = m->n - 8 - m->header;
  char *file = malloc(8 + n + data);
  memcpy(file, &prefix, 8);
  memcpy(file + 8, header, n);
  memcpy(file + 8 + n, m->file + 8 + m->header, data);
  folder_write(dir, SINGLE, file, 8 + n + data);
  free(file);
}

void spoil_header(const char *dir, const char *a, const char *b, const char *c) {
  model m = load_model(dir);
  json_t *root = json_loadb(m.file + 8, m.header, 0, NULL);
  json_t *t = json_object_get(root, a);
  assert_non_null(t);
  if (b)
    json_object_set_new(t, b, value_of(c));
  else {
    json_object_set(root, c, t);
    json_object_del(root, a);
  }
  char *text = json_dumps(root, JSON_COMPACT);
  put_model(dir, text, strlen(text), &m);
  free(text);
  json_decref(root);
  free(m.file);
}

void spoil_header_text(const char *dir, const char *a, const char *b, const char *c) {
  (void)c;
  model m = load_model(dir);
  char *at = memmem(m.file + 8, m.header, a, strlen(a));
  assert_non_null(at);
  const size_t before = (size_t)(at - (m.file + 8)), after = m.header - before - strlen(a);
  char *text = malloc(m.header + strlen(b));
  memcpy(text, m.file + 8, before);
  memcpy(text + before, b, strlen(b));
  memcpy(text + before + strlen(b), at + strlen(a), after);
  put_model(dir, text, before + strlen(b) + after, &m);
  free(text);
  free(m.file);
}

void spoil_size(const char *dir, const char *a, const char *b, const char *c) {
  (void)b, (void)c;
  model m = load_model(dir);
  folder_write(dir, SINGLE, m.file, m.n);
  char *path = folder_path(dir, SINGLE);
  const long n = *a == '-' || *a == '+' ? (long)m.n + atol(a) : atol(a);
  assert_int_equal(truncate(path, n), 0);
  free(path);
  free(m.file);
}

void spoil_length(const char *dir, const char *a, const char *b, const char *c) {
  (void)b, (void)c;
  model m = load_model(dir);
  const uint64_t n = strtoull(a, NULL, 0);
  memcpy(m.file, &n, 8);
  folder_write(dir, SINGLE, m.file, m.n);
  free(m.file);
}

void spoil_data(const char *dir, const char *a, const char *b, const char *c) {
  model m = load_model(dir);
  json_t *root = json_loadb(m.file + 8, m.header, 0, NULL);
  const json_t *pair = json_object_get(json_object_get(root, a), "data_offsets");
  assert_non_null(pair);
  char *at = m.file + 8 + m.header + json_integer_value(json_array_get(pair, 0)) + strtoul(b, NULL, 0);
  for (char *end = (char *)c; *c; c = end + (*end == ' ')) *at++ = (char)strtoul(c, &end, 0);
  folder_write(dir, SINGLE, m.file, m.n);
  json_decref(root);
  free(m.file);
}

void spoil_gone(const char *dir, const char *a, const char *b, const char *c) {
  (void)c;
  char *path = folder_path(dir, a);
  unlink(path);
  if (b) assert_int_equal(mkdir(path, 0700), 0);
  free(path);
}

static void put_shard(const char *dir, const char *file, const char *name) {
  static const char form[] = "{\"%s\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}";
  char text[200] = "";
  const uint64_t n = (uint64_t)snprintf(text + 8, sizeof text - 8, form, name);
  memcpy(text, &n, 8);
  folder_write(dir, file, text, 8 + n + 4);
}

void spoil_shards(const char *dir, const char *a, const char *b, const char *c) {
  spoil_gone(dir, SINGLE, b, NULL);
  put_shard(dir, "a.safetensors", "a");
  put_shard(dir, "b.safetensors", c ? c : "b");
  folder_write_text(dir, INDEX, a);
}

void spoil_deep_json(const char *dir, const char *a, const char *b, const char *c) {
  (void)b, (void)c;
  char text[2001];
  memset(text, '[', 2000);
  text[2000] = 0;
  if (strcmp(a, INDEX) == 0)
    spoil_shards(dir, text, NULL, NULL);
  else if (strcmp(a, SINGLE) == 0)
    spoil_header_text(dir, "[384,288]", text, NULL);
  else
    folder_write_text(dir, a, text);
}
