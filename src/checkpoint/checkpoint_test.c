// SPDX-License-Identifier: Apache-2.0
// Checkpoint folders: index and shards, what is read, files that change meanwhile, and running out of memory
// anywhere from open to the last weight.
#include "checkpoint/checkpoint.h"
#include "model/family.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/folder.h"
#include "tests/support/spoil.h"
#include "tests/support/weights.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

#define TINY "checkpoints/gpt-oss-tiny"

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static void shard(const char *dir, const char *file, const char *a, const char *b) {
  char *path = folder_path(dir, file);
  const nf_stored t[] = {{.name = a, .dtype = NF_U8, .rank = 1, .dim = {4}},
                         {.name = b, .dtype = NF_U8, .rank = 1, .dim = {2}}};
  nf_safetensors_writer w;
  ok(nf_safetensors_create(path, t, b ? 2 : 1, &w));
  ok(nf_safetensors_write(&w, 0, 0, a, 4));
  ok(nf_safetensors_commit(&w));
  free(path);
}

static const char index_text[] =
    "{\"metadata\":{\"total_size\":10},\"weight_map\":"
    "{\"one1\":\"a.safetensors\",\"two2\":\"b.safetensors\",\"three\":\"a.safetensors\"}}";

static char *two_shards(void) {
  char *dir = folder_create();
  shard(dir, "a.safetensors", "one1", "three");
  shard(dir, "b.safetensors", "two2", NULL);
  folder_write_text(dir, "model.safetensors.index.json", index_text);
  return dir;
}

typedef struct lines {
  int n[4];
  char last[512];
} lines;

static void collect(void *user, nf_level level, const char *line) {
  lines *l = user;
  l->n[level]++;
  snprintf(l->last, sizeof l->last, "%s", line);
}

static void the_small_checkpoint_opens(void **state) {
  (void)state;
  nf_checkpoint *c;
  ok(nf_checkpoint_open(TINY, NULL, &c));
  assert_int_equal(nf_checkpoint_count(c), 79);
  assert_int_equal(nf_checkpoint_bytes(c), 4809152);
  const nf_stored *t = nf_checkpoint_find(c, "model.norm.weight");
  assert_non_null(t);
  assert_int_equal(t->dtype, NF_BF16);
  assert_int_equal(t->dim[0], 288);
  assert_null(nf_checkpoint_find(c, "model.norm"));
  assert_string_equal(nf_checkpoint_file(c, t), TINY "/model.safetensors");
  assert_string_equal(nf_checkpoint_where(c), TINY "/model.safetensors");
  nf_checkpoint_close(c);
  nf_checkpoint_close(NULL);
}

static void shards_are_one_checkpoint(void **state) {
  (void)state;
  char *dir = two_shards();
  lines said = {0};
  const nf_log log = {.level = NF_LOG_DEBUG, .write = collect, .user = &said};
  nf_checkpoint *c;
  ok(nf_checkpoint_open(dir, &log, &c));
  assert_int_equal(nf_checkpoint_count(c), 3);
  assert_int_equal(nf_checkpoint_bytes(c), 10);
  assert_int_equal(said.n[NF_LOG_WARNING] + said.n[NF_LOG_DEBUG], 0);
  const nf_stored *t = nf_checkpoint_find(c, "two2");
  char data[4] = "";
  ok(nf_checkpoint_read(c, t, 1, data, 3));
  assert_string_equal(data, "wo2");
  nf_status st = nf_checkpoint_read(c, t, 2, data, 3);
  assert_int_equal(nf_status_code(st), NF_INTERNAL);
  nf_status_free(st);
  assert_non_null(strstr(nf_checkpoint_file(c, t), "/b.safetensors"));
  nf_checkpoint_close(c);
  folder_remove(dir);
}

static void a_wrong_total_and_extra_files_are_said(void **state) {
  (void)state;
  char *dir = two_shards();
  folder_write_text(dir, "model-3.safetensors", "not read: the index decides");
  folder_write_text(dir, "model.safetensors.index.json",
                    "{\"metadata\":{\"total_size\":11.0},\"weight_map\":{\"one1\":\"a.safetensors\","
                    "\"three\":\"a.safetensors\",\"two2\":\"b.safetensors\"}}");
  lines said = {0};
  nf_log log = {.level = NF_LOG_DEBUG, .write = collect, .user = &said};
  nf_checkpoint *c;
  ok(nf_checkpoint_open(dir, &log, &c));
  assert_int_equal(said.n[NF_LOG_WARNING], 1);
  assert_int_equal(said.n[NF_LOG_DEBUG], 1);
  assert_non_null(strstr(said.last, "does not name model-3.safetensors"));
  nf_checkpoint_close(c);
  log.level = NF_LOG_WARNING;
  ok(nf_checkpoint_open(dir, &log, &c));
  assert_int_equal(said.n[NF_LOG_WARNING], 2);
  assert_non_null(strstr(said.last, "total_size is 11, the tensors have 10 bytes"));
  nf_checkpoint_close(c);
  folder_remove(dir);
}

// Opens with `text` for an index; warned of `warns` (NULL: of nothing).
static nf_checkpoint *open_with(const char *dir, const char *text, const char *warns) {
  lines said = {0};
  const nf_log log = {.level = NF_LOG_WARNING, .write = collect, .user = &said};
  nf_checkpoint *c;
  folder_write_text(dir, "model.safetensors.index.json", text);
  ok(nf_checkpoint_open(dir, &log, &c));
  if (said.n[NF_LOG_WARNING] != (warns != NULL) || (warns && !strstr(said.last, warns)))
    fail_msg("warned '%s', not '%s'", said.last, warns ? warns : "");
  return c;
}

static void missing(const nf_checkpoint *c, const char *name, const char *message) {
  assert_null(nf_checkpoint_find(c, name));
  nf_status st = nf_checkpoint_missing(c, name, ", which is wanted");
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  if (!strstr(nf_status_message(st), message)) fail_msg("%s", nf_status_message(st));
  nf_status_free(st);
}

// Only what is asked for must be there, and shards are taken whole.
static void an_index_is_a_list_of_shards(void **state) {
  (void)state;
  char *dir = two_shards();
  nf_checkpoint *c = open_with(dir, "{\"metadata\":[],\"weight_map\":{\"one1\":\"a.safetensors\"}}", NULL);
  assert_int_equal(nf_checkpoint_count(c), 2); // "three" too, which the index has not
  missing(c, "two2", "index.json: has no tensor 'two2', which is wanted");
  nf_checkpoint_close(c);
  c = open_with(
      dir,
      "{\"weight_map\":{\"mtp.x\":\"c.safetensors\",\"one1\":\"a.safetensors\",\"mtp.y\":\"a.safetensors\"}}",
      NULL);
  assert_int_equal(nf_checkpoint_count(c), 2);
  missing(c, "mtp.x", "has no tensor 'mtp.x', which is wanted; it should be in ");
  missing(c, "mtp.x", "c.safetensors: can't open");
  missing(c, "mtp.y", "it is not in 'a.safetensors', should be there");
  nf_checkpoint_close(c);
  c = open_with(dir, "{\"weight_map\":{\"one1\":\"b.safetensors\",\"two2\":\"a.safetensors\"}}",
                "says is in 'b.safetensors'");
  assert_int_equal(nf_checkpoint_count(c), 3);
  nf_checkpoint_close(c);
  shard(dir, "b.safetensors", "one1", "two2");
  c = open_with(dir, "{\"weight_map\":{\"one1\":\"b.safetensors\",\"three\":\"a.safetensors\"}}",
                "b.safetensors: has tensor 'one1' too, which counts");
  assert_non_null(strstr(nf_checkpoint_file(c, nf_checkpoint_find(c, "one1")), "/b.safetensors"));
  nf_checkpoint_close(c);
  folder_remove(dir);
}

static void one_file_counts_before_an_index(void **state) {
  (void)state;
  char *dir = two_shards();
  shard(dir, "model.safetensors", "four", NULL);
  nf_checkpoint *c = open_with(dir, "an index that is none", "model.safetensors.index.json: is not read");
  assert_int_equal(nf_checkpoint_count(c), 1);
  assert_non_null(nf_checkpoint_find(c, "four"));
  nf_checkpoint_close(c);
  folder_remove(dir);
}

static void says(nf_status st, const char *message) {
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  if (!strstr(nf_status_message(st), message)) fail_msg("'%s', not '%s'", nf_status_message(st), message);
  nf_status_free(st);
}

static void what_is_no_checkpoint_says_what_to_do(void **state) {
  (void)state;
  char *dir = folder_create();
  nf_checkpoint *c;
  nf_config config;
  says(nf_checkpoint_open(dir, NULL, &c), "--load-format dummy");
  folder_write_text(dir, "model-q4.gguf", "GGUF");
  says(nf_checkpoint_open(dir, NULL, &c), "model-q4.gguf is a GGUF file");
  char *path = folder_path(dir, "model-q4.gguf");
  says(nf_config_load(path, NULL, &config), "is a GGUF file, which is not read");
  unlink(path);
  free(path);
  folder_write_text(dir, "pytorch_model.bin", "PK");
  says(nf_checkpoint_open(dir, NULL, &c), "pytorch_model.bin is a pickle");
  path = folder_path(dir, "pytorch_model.bin");
  says(nf_checkpoint_folder(path), "convert it to safetensors");
  says(nf_config_load("openai/gpt-oss-20b", NULL, &config),
       "huggingface-cli download openai/gpt-oss-20b --local-dir gpt-oss-20b");
  says(nf_checkpoint_folder("./no/such"), "there is no such folder");
  says(nf_checkpoint_folder("README.md"), "is not a folder");
  free(path);
  folder_remove(dir);
}

static void shards_may_be_links(void **state) {
  (void)state;
  char *dir = two_shards(), *blobs = folder_create();
  shard(blobs, "0123abcd", "two2", NULL);
  char *link = folder_path(dir, "b.safetensors"), *blob = folder_path(blobs, "0123abcd");
  unlink(link);
  folder_link(dir, "b.safetensors", blob);
  nf_checkpoint *c;
  ok(nf_checkpoint_open(dir, NULL, &c));
  nf_checkpoint_close(c);
  free(link);
  free(blob);
  folder_remove(blobs);
  folder_remove(dir);
}

static void a_file_cut_short_meanwhile_is_an_error(void **state) {
  (void)state;
  char *dir = two_shards(), *path = folder_path(dir, "b.safetensors");
  nf_checkpoint *c;
  ok(nf_checkpoint_open(dir, NULL, &c));
  const nf_stored *t = nf_checkpoint_find(c, "two2");
  assert_int_equal(truncate(path, (off_t)t->offset + 2), 0);
  char data[4];
  ok(nf_checkpoint_read(c, t, 0, data, 2));
  nf_status st = nf_checkpoint_read(c, t, 0, data, 4);
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  assert_non_null(strstr(nf_status_message(st), "tensor 'two2'"));
  assert_non_null(strstr(nf_status_message(st), "b.safetensors: ends at byte"));
  nf_status_free(st);
  nf_checkpoint_close(c);
  free(path);
  folder_remove(dir);
}

// Everything from the folder's name to the last weight.
static nf_status use_folder(const char *dir) { return load_folder(dir, 1); }

static nf_status use_shards(const char *dir) {
  nf_checkpoint *files;
  NF_TRY(nf_checkpoint_open(dir, NULL, &files));
  nf_checkpoint_close(files);
  return nf_ok();
}

static nf_status use_writer(const char *dir) {
  char path[200];
  snprintf(path, sizeof path, "%s/written", dir);
  const nf_stored t = {.name = "x", .dtype = NF_F32, .rank = 1, .dim = {2}};
  nf_safetensors_writer w;
  NF_TRY(nf_safetensors_create(path, &t, 1, &w));
  return nf_safetensors_commit(&w);
}

// Fails the n-th allocation for every n. At most `survivable` of these failures may go unnoticed.
static void exhaust(nf_status (*use)(const char *), const char *dir, bool for_good, int survivable) {
  nf_status_free(use(dir)); // what libraries keep for ever is made here
  int survived = 0;
  for (uint64_t n = 1;; n++) {
    const int64_t live = nf_alloc_live();
    nf_alloc_fail_at(n, for_good);
    nf_status st = use(dir);
    const bool reached = nf_alloc_count() >= n;
    nf_alloc_fail_at(0, false);
    const nf_code code = nf_status_code(st);
    nf_status_free(st);
    if (nf_alloc_live() != live)
      fail_msg("allocation %d: leak of %d blocks", (int)n, (int)(nf_alloc_live() - live));
    if (!reached) {
      assert_int_equal(code, NF_OK);
      assert_true(n > 1);
      return;
    }
    if (code == NF_OK && ++survived <= survivable) continue;
    if (code != NF_NO_MEMORY) fail_msg("allocation %d: %s", (int)n, nf_code_name(code));
  }
}

// FP8 rows whose config has expressions.
static char *with_expressions(void) {
  char *dir = folder_create();
  folder_link(dir, "config.json", "checkpoints/qwen3-tiny-fp8-ptpc/config.json");
  folder_link(dir, "model.safetensors", "checkpoints/qwen3-tiny-fp8-ptpc/model.safetensors");
  spoil_config(dir, "quantization_config", "ignore", "[\"lm_head\",\"re:.*(vision|audio).*\"]");
  return dir;
}

static void every_failed_allocation_is_clean(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  char *dir = two_shards(), *expressions = with_expressions();
  for (int for_good = 0; for_good < 2; for_good++) {
    exhaust(use_shards, dir, for_good, 0);
    exhaust(use_writer, dir, for_good, 0);
    // One: libc's qsort of more than 1 KiB of entries sorts in place when it gets no buffer.
    exhaust(use_folder, TINY, for_good, !for_good);
    exhaust(use_folder, "checkpoints/qwen3-next-tiny-fp8-block", for_good, !for_good);
    exhaust(use_folder, expressions, for_good, !for_good);
  }
  folder_remove(dir);
  folder_remove(expressions);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_small_checkpoint_opens),
      cmocka_unit_test(shards_are_one_checkpoint),
      cmocka_unit_test(a_wrong_total_and_extra_files_are_said),
      cmocka_unit_test(an_index_is_a_list_of_shards),
      cmocka_unit_test(one_file_counts_before_an_index),
      cmocka_unit_test(what_is_no_checkpoint_says_what_to_do),
      cmocka_unit_test(shards_may_be_links),
      cmocka_unit_test(a_file_cut_short_meanwhile_is_an_error),
      cmocka_unit_test(every_failed_allocation_is_clean),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
