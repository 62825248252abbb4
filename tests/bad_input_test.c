// SPDX-License-Identifier: Apache-2.0
// Bad checkpoints and configs: each case spoils one thing in a copy of the small checkpoint and says what the
// one line of the error must hold. With the path of the infuse executable as argument the same cases go
// through it: exit status 3, one line on stderr, nothing on stdout, no output file. Without it they go
// through the library.
#include "base/text.h"
#include "model/checkpoint.h"
#include "model/family.h"
#include "tests/support/folder.h"
#include "tests/support/weights.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

#define TINY "checkpoints/gpt-oss-tiny"
#define SINGLE "model.safetensors"
#define INDEX "model.safetensors.index.json"

static const char *executable; // NULL: the library

// ---- how to spoil a folder; `a`, `b` and `c` are the case's own words ----

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

// Key a (or a.b inside an object) of config.json becomes JSON c, or goes when c is NULL.
static void config(const char *dir, const char *a, const char *b, const char *c) {
  json_t *root = json_load_file(TINY "/config.json", 0, NULL);
  json_t *at = b ? json_object_get(root, a) : root;
  const char *key = b ? b : a;
  assert_non_null(at);
  if (c)
    json_object_set_new(at, key, value_of(c));
  else
    json_object_del(at, key);
  put_json(dir, "config.json", root);
  json_decref(root);
}

// config.json is the text a.
static void config_text(const char *dir, const char *a, const char *b, const char *c) {
  (void)b, (void)c;
  folder_write_text(dir, "config.json", a);
}

typedef struct model { // a model.safetensors in memory
  char *file;
  size_t n, header; // bytes of the file, and of its header
} model;

static model load_model(void) {
  model m = {0};
  m.file = folder_read(TINY "/" SINGLE, &m.n);
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

// Field b of tensor a becomes JSON c; with b NULL the tensor is renamed to c.
static void header(const char *dir, const char *a, const char *b, const char *c) {
  model m = load_model();
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

// Inside the header, text a becomes text b of any length.
static void header_text(const char *dir, const char *a, const char *b, const char *c) {
  (void)c;
  model m = load_model();
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

// The file has a bytes: from its start when a >= 0, else so many less; more than there are is zeros.
static void size(const char *dir, const char *a, const char *b, const char *c) {
  (void)b, (void)c;
  model m = load_model();
  folder_write(dir, SINGLE, m.file, m.n);
  char *path = folder_path(dir, SINGLE);
  const long n = *a == '-' || *a == '+' ? (long)m.n + atol(a) : atol(a);
  assert_int_equal(truncate(path, n), 0);
  free(path);
  free(m.file);
}

// The header's length, the first 8 bytes, is a.
static void length(const char *dir, const char *a, const char *b, const char *c) {
  (void)b, (void)c;
  model m = load_model();
  const uint64_t n = strtoull(a, NULL, 0);
  memcpy(m.file, &n, 8);
  folder_write(dir, SINGLE, m.file, m.n);
  free(m.file);
}

// Byte b of tensor a becomes c.
static void data_byte(const char *dir, const char *a, const char *b, const char *c) {
  model m = load_model();
  json_t *root = json_loadb(m.file + 8, m.header, 0, NULL);
  const json_t *pair = json_object_get(json_object_get(root, a), "data_offsets");
  assert_non_null(pair);
  m.file[8 + m.header + (size_t)json_integer_value(json_array_get(pair, 0)) + strtoul(b, NULL, 0)] =
      (char)atoi(c);
  folder_write(dir, SINGLE, m.file, m.n);
  json_decref(root);
  free(m.file);
}

// The file named a is gone; with b it is a folder.
static void gone(const char *dir, const char *a, const char *b, const char *c) {
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

// Shards a.safetensors with tensor "a" and b.safetensors with tensor c (or "b"); the index is the text a.
static void shards(const char *dir, const char *a, const char *b, const char *c) {
  (void)b;
  put_shard(dir, "a.safetensors", "a");
  put_shard(dir, "b.safetensors", c ? c : "b");
  folder_write_text(dir, INDEX, a);
}

// 2,000 open brackets in the file a, for the header in the place of a shape.
static void deep_json(const char *dir, const char *a, const char *b, const char *c) {
  (void)b, (void)c;
  char text[2001];
  memset(text, '[', 2000);
  text[2000] = 0;
  if (strcmp(a, INDEX) == 0)
    shards(dir, text, NULL, NULL);
  else if (strcmp(a, SINGLE) == 0)
    header_text(dir, "[384,288]", text, NULL);
  else
    folder_write_text(dir, a, text);
}

static const struct {
  const char *name;
  void (*spoil)(const char *dir, const char *a, const char *b, const char *c);
  const char *a, *b, *c, *want[4];
} cases[] = {
#define CASE(name, spoil, a, b, c, ...) {name, spoil, a, b, c, {__VA_ARGS__}},
#include "tests/bad_input.def"
};
enum { CASES = sizeof cases / sizeof *cases };

// ---- what must come of it ----

static nf_status load(const char *dir) {
  nf_checkpoint *files = NULL;
  nf_graph *g = NULL;
  nf_config config = {0};
  nf_status st;
  const nf_build_options options = {.activation = NF_F32, .page = 16};
  NF_GOTO(nf_checkpoint_open(dir, NULL, &files));
  NF_GOTO(nf_config_load(dir, &config));
  NF_GOTO(nf_model_build(&config, files, &options, &g));
  NF_GOTO(load_every_weight(files, g));
fail:
  nf_graph_destroy(g);
  nf_config_deinit(&config);
  nf_checkpoint_close(files);
  return st;
}

static char *through_library(const char *dir) {
  nf_status st = load(dir);
  char *message = strdup(nf_status_message(st));
  const nf_code code = nf_status_code(st);
  nf_status_free(st);
  if (code != NF_BAD_INPUT) fail_msg("'%s': code is %s", message, nf_code_name(code));
  return message;
}

static char *through_executable(const char *dir) {
  char *work = folder_create(), *command, *path = folder_path(work, "err");
  if (asprintf(&command, "'%s' logits -m '%s' --tokens 1,2,3 --device ref -o '%s/out' >'%s/std' 2>'%s/err'",
               executable, dir, work, work, work) < 0)
    fail_msg("no memory");
  const int status = system(command);
  size_t n, printed;
  char *message = folder_read(path, &n);
  free(path);
  path = folder_path(work, "std");
  free(folder_read(path, &printed));
  const bool left = folder_has(work, "out");
  folder_remove(work);
  free(path);
  free(command);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 3)
    fail_msg("'%s': exit status is %d", message, status >> 8);
  if (printed || left) fail_msg("'%s': with output", message);
  if (n < 2 || strchr(message, '\n') != message + n - 1) fail_msg("'%s': should be one line", message);
  message[n - 1] = 0;
  return message;
}

static void run_case(size_t i) {
  char *dir = folder_create();
  folder_link(dir, "config.json", TINY "/config.json");
  folder_link(dir, SINGLE, TINY "/" SINGLE);
  cases[i].spoil(dir, cases[i].a, cases[i].b, cases[i].c);
  char *message = executable ? through_executable(dir) : through_library(dir);
  folder_remove(dir);
  bool right = !strchr(message, '\n');
  for (int k = 0; k < 4; k++) right = right && (!cases[i].want[k] || strstr(message, cases[i].want[k]));
  if (!right)
    fail_msg("got '%s', wanted '%s', '%s', '%s'", message, cases[i].want[0],
             cases[i].want[1] ? cases[i].want[1] : "", cases[i].want[2] ? cases[i].want[2] : "");
  free(message);
}

static void one(void **state) { run_case((size_t)(uintptr_t)*state); }

// Without a spoiled file the same way is clean; else the cases would prove nothing.
static void the_untouched_checkpoint_loads(void **state) {
  (void)state;
  nf_status st = load(TINY);
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

int main(int argc, char **argv) {
  executable = argc > 1 ? argv[1] : NULL;
  struct CMUnitTest tests[CASES + 1] = {cmocka_unit_test(the_untouched_checkpoint_loads)};
  for (size_t i = 0; i < CASES; i++)
    tests[i + 1] = (struct CMUnitTest){.name = cases[i].name, .test_func = one, .initial_state = (void *)i};
  return cmocka_run_group_tests_name("bad input", tests, NULL, NULL);
}
