// SPDX-License-Identifier: Apache-2.0
// The store: entries come back as they were kept; broken, foreign and contradictory files are misses and told
// once; folders that can't be written to; writers at the same time, and such as are killed.
#include "base/cache.h"
#include "base/file.h"
#include "base/memory.h"
#include "tests/support/folder.h"
#include "tune/store.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const nf_variant list[] = {{.name = "add_ref", .op = NF_OP_add, .backend = NF_BACKEND_REF},
                                  {.name = "add_old", .op = NF_OP_add, .backend = NF_BACKEND_CPU},
                                  {.name = "add_new", .op = NF_OP_add, .backend = NF_BACKEND_CPU},
                                  {.name = "mul_new", .op = NF_OP_mul, .backend = NF_BACKEND_CPU}};
static const nf_hw hw = {.name = "test", .backend = NF_BACKEND_CPU, .cores = 2};
static const nf_tune_entry entry = {
    .of = {{&list[1], 3.25, .5, ""}, {&list[2], 2, .125, ""}, {&list[0], 0, 0, "crashed"}},
    .n = 3,
    .winner = 1,
    .by_default = 0,
    .date = "2026-11-28"};
static const char key[] = "add(f32[T,8], f32[T,8]); T 1 to 1";

static char *dir, last[NF_LINE];
static int warnings;

static void remember(void *user, nf_level level, const char *line) {
  (void)user;
  warnings += level == NF_LOG_WARNING;
  snprintf(last, sizeof last, "%s", line);
}
static const nf_log heard = {.level = NF_LOG_WARNING, .write = remember};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static nf_tune_store open_store(void) {
  nf_tune_store s;
  ok(nf_tune_store_open(&hw, 2, &heard, list, 4, &s));
  return s;
}

static int set_up(void **) {
  dir = folder_create();
  warnings = 0;
  return setenv("INFUSE_CACHE_DIR", dir, 1);
}

static void remember_name(void *user, const char *name, const char *, const nf_tune_entry *) {
  free(*(char **)user);
  *(char **)user = strdup(name);
}

// The one entry's path, made by keeping it.
static char *kept(nf_tune_store *s) {
  char *name = NULL, file[32];
  nf_tune_store_keep(s, key, &entry);
  ok(nf_tune_store_each(s, remember_name, &name));
  assert_non_null(name);
  snprintf(file, sizeof file, "%s.json", name);
  free(name);
  return folder_path(s->folder, file);
}

static int tear_down(void **) {
  char command[512];
  snprintf(command, sizeof command, "chmod -R u+w '%s' && rm -rf '%s'/tune", dir, dir);
  const int code = system(command);
  folder_remove(dir);
  return code;
}

static void same(const nf_tune_entry *e) {
  assert_int_equal(e->n, 3);
  assert_ptr_equal(e->of[1].v, &list[2]);
  assert_true(e->of[0].us == 3.25 && e->of[0].spread == .5 && e->of[1].us == 2);
  assert_string_equal(e->of[2].why, "crashed");
  assert_int_equal(e->winner, 1);
  assert_int_equal(e->by_default, 0);
  assert_string_equal(e->date, "2026-11-28");
}

static void round_trip(void **) {
  nf_tune_store s = open_store();
  nf_tune_entry e;
  assert_false(nf_tune_store_find(&s, key, &e));
  free(kept(&s));
  assert_true(nf_tune_store_find(&s, key, &e));
  same(&e);
  assert_false(nf_tune_store_find(&s, "another", &e));
  nf_tune_store_close(&s);
  nf_hw other = hw;
  other.features = NF_CPU_AVX2;
  ok(nf_tune_store_open(&other, 2, &heard, list, 4, &s)); // nothing of another environment is seen
  assert_false(nf_tune_store_find(&s, key, &e));
  nf_tune_store_close(&s);
  ok(nf_tune_store_open(&hw, 3, &heard, list, 4, &s));
  assert_false(nf_tune_store_find(&s, key, &e));
  nf_tune_store_close(&s);
  assert_int_equal(warnings, 0);
}

static void forgetting(void **) {
  nf_tune_store s = open_store();
  nf_tune_entry e;
  size_t removed;
  free(kept(&s));
  nf_tune_store_keep(&s, "other key", &entry);
  nf_status st = nf_tune_store_forget(&s, "0123", &removed);
  assert_int_equal(nf_status_code(st), NF_USAGE);
  nf_status_free(st);
  char *name = NULL;
  ok(nf_tune_store_each(&s, remember_name, &name));
  ok(nf_tune_store_forget(&s, name, &removed));
  assert_int_equal(removed, 1);
  free(name);
  ok(nf_tune_store_forget(&s, NULL, &removed));
  assert_int_equal(removed, 1);
  assert_false(nf_tune_store_find(&s, key, &e));
  assert_true(folder_has(s.folder, "environment.json"));
  nf_tune_store_close(&s);
}

#define ONE(kernel, times) "{\"kernel\":\"" kernel "\"," times "}"
#define TIMES "\"us\":1,\"spread\":0"
#define ENTRY(the_key, by_default, winner, candidates)                                        \
  "{\"key\":\"" the_key "\",\"date\":\"d\",\"default\":\"" by_default "\",\"winner\":" winner \
  ",\"candidates\":[" candidates "]}"
#define KEY "add(f32[T,8], f32[T,8]); T 1 to 1"

static const struct {
  const char *text, *what;
} broken[] = {
    {"", "JSON"},
    {"{\"key\":", "JSON"},
    {"[]", "object"},
    {ENTRY("of another op", "add_new", "\"add_new\"", ONE("add_new", TIMES)), "it is not"},
    {ENTRY(KEY, "add_new", "\"add_old\"", ONE("add_new", TIMES)), "winner: it is no candidate"},
    {ENTRY(KEY, "add_old", "\"add_new\"", ONE("add_new", TIMES)), "default: it is no candidate"},
    {ENTRY(KEY, "add_new", "\"add_new\"", ONE("add_new", "\"refused\":\"wrong\"")), "it is refused as well"},
    {ENTRY(KEY, "add_new", "null", ONE("add_new", TIMES)), "winner"},
    {ENTRY(KEY, "add_new", "\"add_new\"", ONE("add_new", TIMES) "," ONE("add_new", TIMES)),
     "it is there twice"},
    {ENTRY(KEY, "add_new", "\"add_new\"", ONE("add_new", TIMES) "," ONE("mul_new", TIMES)),
     "it is of another op"},
    {ENTRY(KEY, "add_gone", "\"add_gone\"", ONE("add_gone", TIMES)), "no such kernel"},
    {ENTRY(KEY, "add_new", "\"add_new\"", ONE("add_new", "\"us\":0,\"spread\":0")), "us"},
    {ENTRY(KEY, "add_new", "\"add_new\"", ONE("add_new", "\"us\":1,\"spread\":-1")), "spread"},
    {ENTRY(KEY, "add_new", "\"add_new\"", ""), "there are 0"},
};

static void broken_entries_are_misses(void **) {
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    nf_tune_store s = open_store();
    nf_tune_entry e;
    char *path = kept(&s);
    folder_write_text("/", path + 1, broken[i].text);
    warnings = 0;
    assert_false(nf_tune_store_find(&s, key, &e));
    assert_false(nf_tune_store_find(&s, key, &e));
    assert_int_equal(warnings, 1); // of all
    assert_non_null(strstr(last, path));
    if (strcmp(broken[i].what, "JSON") != 0) assert_non_null(strstr(last, broken[i].what));
    nf_tune_store_keep(&s, key, &entry); // measured again
    assert_true(nf_tune_store_find(&s, key, &e));
    nf_tune_store_close(&s);
    free(path);
  }
}

static void every_cut_is_a_miss(void **) {
  nf_tune_store s = open_store();
  nf_tune_entry e;
  size_t n;
  char *path = kept(&s), *text = folder_read(path, &n), *line = malloc(n + 1);
  for (size_t cut = 0; cut < n; cut++) {
    memcpy(line, text, cut);
    line[cut] = '\0';
    folder_write_text("/", path + 1, line);
    assert_false(nf_tune_store_find(&s, key, &e));
  }
  for (size_t bit = 0; bit < n;
       bit++) { // what a bit more or less says is never believed to be of another kernel
    memcpy(line, text, n + 1);
    line[bit] ^= 4;
    folder_write("/", path + 1, line, n);
    if (nf_tune_store_find(&s, key, &e))
      assert_true(e.n == 3 && e.winner >= 0 && *e.of[e.winner].why == '\0');
  }
  assert_int_equal(warnings, 1);
  char *large = malloc(1 << 17);
  memset(large, ' ', 1 << 17);
  folder_write("/", path + 1, large, 1 << 17);
  assert_false(nf_tune_store_find(&s, key, &e));
  free(large);
  free(line);
  free(text);
  free(path);
  nf_tune_store_close(&s);
}

static void nothing_is_kept(void **) {
  nf_tune_entry e;
  setenv("INFUSE_CACHE_DIR", "", 1);
  nf_tune_store s = open_store();
  nf_tune_store_keep(&s, key, &entry);
  assert_false(nf_tune_store_find(&s, key, &e));
  assert_int_equal(warnings, 0);
  nf_tune_store_close(&s);
  folder_write_text(dir, "file", "");
  char *file = folder_path(dir, "file");
  setenv("INFUSE_CACHE_DIR", file, 1); // no folder can be made there
  s = open_store();
  nf_tune_store_keep(&s, key, &entry);
  assert_false(nf_tune_store_find(&s, key, &e));
  assert_int_equal(warnings, 1);
  nf_tune_store_close(&s);
  free(file);
}

// Root may write anywhere, so the folder goes away instead.
static void a_folder_that_takes_nothing(void **) {
  nf_tune_store s = open_store();
  char command[512];
  nf_tune_entry e;
  snprintf(command, sizeof command, "rm -rf '%s'", s.folder);
  assert_int_equal(system(command), 0);
  nf_tune_store_keep(&s, key, &entry);
  nf_tune_store_keep(&s, key, &entry);
  assert_int_equal(warnings, 1);
  assert_non_null(strstr(last, "not kept"));
  assert_false(nf_tune_store_find(&s, key, &e));
  nf_tune_store_close(&s);
}

static void a_full_disk(void **) {
  nf_tune_store s = open_store();
  nf_tune_entry e, first = entry;
  free(kept(&s));
  struct rlimit before, none;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  none = before;
  none.rlim_cur = 64; // bytes
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
  first.of[0].us = 99;
  nf_tune_store_keep(&s, key, &first);
  nf_tune_store_keep(&s, key, &first);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(warnings, 1);
  assert_true(nf_tune_store_find(&s, key, &e));
  same(&e); // what was there before
  nf_tune_store_close(&s);
}

static pid_t writer(double us) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  nf_tune_store s = open_store();
  nf_tune_entry mine = entry;
  mine.of[0].us = us;
  for (int i = 0; i < 100 || us < 0; i++) {
    mine.of[0].us = us < 0 ? 5 : us;
    nf_tune_store_keep(&s, key, &mine);
  }
  _exit(0);
}

static void writers_at_once(void **) {
  nf_tune_store s = open_store();
  nf_tune_entry e;
  free(kept(&s));
  const pid_t one = writer(5), two = writer(7);
  for (int status, left = 2; left > 0; left -= waitpid(-1, &status, WNOHANG) > 0) {
    assert_true(nf_tune_store_find(&s, key, &e));
    assert_true(e.of[0].us == 3.25 || e.of[0].us == 5 || e.of[0].us == 7);
  }
  assert_true(one > 0 && two > 0);
  assert_int_equal(warnings, 0);
  nf_tune_store_close(&s);
}

static void killed_writers(void **) {
  nf_tune_store s = open_store();
  nf_tune_entry e;
  free(kept(&s));
  for (int i = 0; i < 50; i++) {
    const pid_t pid = writer(-1);
    usleep((useconds_t)(100 + 37 * i));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(nf_tune_store_find(&s, key, &e));
    assert_true(e.of[0].us == 3.25 || e.of[0].us == 5);
  }
  assert_int_equal(warnings, 0);
  nf_tune_store_close(&s);
}

static void keys(void **) {
  nf_op_desc d = {.op = NF_OP_linear,
                  .attr.linear = {.out = NF_BF16},
                  .in = {NF_TYPE(NF_BF16, NF_BY(1, NF_T), NF_C(64)), NF_TYPE(NF_BF16, NF_C(96), NF_C(64))}};
  ok(nf_op_infer(&d));
  const nf_sizes at = {{1, 8, 0, 0}}, one = {{1, 1, 0, 0}};
  char *text = nf_tune_key(&d, &at), *of_one = nf_tune_key(&d, &one);
  assert_string_equal(text, "linear(bf16[T,64], bf16[96,64], _) out=bf16; T 5 to 8");
  assert_non_null(strstr(of_one, "; T 1 to 1"));
  nf_free(text);
  nf_free(of_one);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(round_trip),          TEST(forgetting),      TEST(broken_entries_are_misses),
      TEST(every_cut_is_a_miss), TEST(nothing_is_kept), TEST(a_folder_that_takes_nothing),
      TEST(a_full_disk),         TEST(writers_at_once), TEST(killed_writers),
      cmocka_unit_test(keys)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
