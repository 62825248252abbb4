// SPDX-License-Identifier: Apache-2.0
// The host's figures are measured once, kept, and looked up; what is kept and bad is measured again.
#include "base/memory.h"
#include "base/text.h"
#include "hw/figures.h"
#include "tests/support/folder.h"
#include <dirent.h>
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

static nf_threads *threads;
static nf_hw hw;
static char *root, *host; // the cache folder, and "host" in it

static int setup(void **) {
  root = folder_create();
  host = folder_path(root, "host");
  return nf_is_ok(nf_hw_detect(&hw)) && nf_is_ok(nf_threads_create(2, &threads)) ? 0 : -1;
}

static int teardown(void **) {
  nf_threads_destroy(threads);
  folder_remove(host);
  folder_remove(root);
  return 0;
}

static void count(void *user, nf_level, const char *line) {
  int *n = user;
  assert_non_null(strstr(line, "measured"));
  ++*n;
}

static nf_speeds ask_so(const char *cache, bool anew, int warnings) {
  int warned = 0;
  const nf_log log = {.level = NF_LOG_WARNING, .write = count, .user = &warned};
  nf_speeds s = {0};
  setenv("INFUSE_CACHE_DIR", cache, 1);
  assert_true(nf_hw_figures(&hw, threads, anew, &log, &s));
  assert_int_equal(warned, warnings);
  assert_true(s.threads == 2 && s.one.bandwidth > 1e7 && s.one.peak[NF_RATE_F32] > 1e7);
  for (int r = 0; r < NF_RATE_COUNT; r++)
    assert_true(s.all.peak[r] >= s.one.peak[r] &&
                (s.one.peak[r] > 0) == (nf_multiply_of(hw.features, (nf_rate)r) != NULL));
  assert_true(s.all.bandwidth >= s.one.bandwidth);
  return s;
}

static nf_speeds ask(const char *cache, int warnings) { return ask_so(cache, false, warnings); }

// The name of the one file that was kept.
static void kept(char name[300]) {
  DIR *d = opendir(host);
  int n = 0;
  assert_non_null(d);
  for (const struct dirent *e; (e = readdir(d)) != NULL;)
    if (e->d_name[0] != '.') n++, snprintf(name, 300, "%s", e->d_name);
  closedir(d);
  assert_int_equal(n, 1);
}

static void once(void **) {
  const nf_speeds first = ask(root, 0), second = ask(root, 0);
  assert_memory_equal(&first.one, &second.one, sizeof first.one);
  assert_memory_equal(&first.all, &second.all, sizeof first.all);
}

static void bad_files_are_misses(void **) {
  static const char *const bad[] = {"", "{", "[]", "{}", "{\"key\": \"of another machine\", \"threads\": 2}"};
  char name[300];
  (void)ask(root, 0);
  kept(name);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    folder_write_text(host, name, bad[i]);
    (void)ask(root, 1);
    (void)ask(root, 0);
  }
}

// What a busy machine left is used until somebody asks for new figures, which take its place.
static void measured_anew(void **) {
  static const char speed[] = "{\"bandwidth\": 1, \"launch\": 1e-6, \"f32\": 1, \"bf16\": 0, \"8bit\": 0}";
  char name[300], *key = nf_figures_key(&hw, 2);
  nf_text t = {0};
  nf_speeds s;
  (void)ask(root, 0);
  kept(name);
  nf_text_printf(&t, "{\"key\": \"%s\", \"threads\": 2, \"one\": %s, \"all\": %s}", key, speed, speed);
  folder_write_text(host, name, t.at);
  assert_true(nf_hw_figures(&hw, threads, false, &(nf_log){0}, &s));
  assert_true(s.all.bandwidth == 1);
  const nf_speeds now = ask_so(root, true, 1), after = ask(root, 0);
  assert_memory_equal(&now.all, &after.all, sizeof now.all);
  nf_text_deinit(&t);
  nf_free(key);
}

static void without_a_folder(void **) {
  nf_speeds s;
  setenv("INFUSE_CACHE_DIR", "", 1);
  assert_false(nf_hw_figures(&hw, threads, false, &(nf_log){0}, &s));
  (void)ask("/proc/nothing", 1);
}

// float32's peak and the bandwidth are what was measured, and kernels keep their share of it.
static void they_are_used(void **) {
  nf_hw of = {.cores = 2,
              .features = NF_CPU_AVX2 | NF_CPU_FMA | NF_CPU_AVX512 | NF_CPU_AVX512_VNNI | NF_CPU_AMX_BF16};
  nf_hw_state_peaks(&of);
  const nf_speeds s = {.all = {.bandwidth = 5e10, .launch = 7e-7, .peak = {3e11, 2e12, 0}}};
  nf_hw_use(&of, &s);
  assert_true(of.bandwidth == 5e10 && of.link == 5e10 && of.links == 5e10 && of.launch == 7e-7);
  assert_true(of.peak[NF_RATE_F32] == 3e11 && of.peak[NF_RATE_BF16] == 2e12);
  assert_true(of.peak[NF_RATE_8BIT] == 3e11 * nf_cpu_rate(of.features, NF_RATE_8BIT) / 32);
  const nf_hw before = of;
  nf_hw_use(&of, &(nf_speeds){0}); // there was no memory to measure
  assert_memory_equal(&of, &before, sizeof of);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(once), cmocka_unit_test(measured_anew),
                                     cmocka_unit_test(bad_files_are_misses),
                                     cmocka_unit_test(without_a_folder), cmocka_unit_test(they_are_used)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
