// SPDX-License-Identifier: Apache-2.0
// Bad checkpoints and configs: each case spoils one thing in a copy of a small checkpoint and says what the
// one line of the error must hold. With the path of the infuse executable as argument the same cases go
// through it: exit status 3, one line on stderr, nothing on stdout, no output file. Without it they go
// through the library.
#include "base/text.h"
#include "checkpoint/checkpoint.h"
#include "model/family.h"
#include "tests/support/folder.h"
#include "tests/support/spoil.h"
#include "tests/support/weights.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static const char *executable; // NULL: the library

static const struct {
  const char *from, *name;
  void (*spoil)(const char *dir, const char *a, const char *b, const char *c);
  const char *a, *b, *c, *want[4];
} cases[] = {
#define CASE(name, spoil, a, b, c, ...) {FROM, name, spoil_##spoil, a, b, c, {__VA_ARGS__}},
#include "tests/bad_input.def"
#include "tests/bad_input_qwen.def"
};
enum { CASES = sizeof cases / sizeof *cases };

// ---- what must come of it ----

static nf_status load(const char *dir) { return load_folder(dir, 0); }

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

static void copy_links(const char *from, const char *dir) {
  static const char *const names[] = {"config.json", SINGLE};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char *target = folder_path(from, names[i]);
    folder_link(dir, names[i], target);
    free(target);
  }
}

static void run_case(size_t i) {
  char *dir = folder_create();
  copy_links(cases[i].from, dir);
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
static void the_untouched_checkpoints_load(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    if (i > 0 && strcmp(cases[i].from, cases[i - 1].from) == 0) continue;
    nf_status st = load(cases[i].from);
    if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
  }
}

// Neither wrong nor needed, or just another way to say it.
static void what_is_allowed_loads(void **state) {
  (void)state;
#define UP "model.layers.2.mlp.up_proj.weight_scale"
  static const struct {
    const char *from;
    void (*change)(const char *dir, const char *a, const char *b, const char *c);
    const char *a, *b, *c;
  } good[] = {
      {"checkpoints/qwen3-tiny-fp8-block", spoil_config, "tie_word_embeddings", NULL,
       "true"}, // the head is left alone
      {"checkpoints/qwen3-tiny-fp8-block", spoil_config, "layer_types", NULL, NULL},
      {"checkpoints/qwen3-tiny-fp8-ptpc", spoil_header, UP, "shape", "[320]"},
      {"checkpoints/qwen3-tiny-fp8-ptpc", spoil_header, UP, "dtype", "\"F16\""},
      {"checkpoints/qwen3-tiny-fp8-ptpc", spoil_config, "quantization_config", "ignore", "[\"re:lm_head\"]"},
      {"checkpoints/qwen3-next-tiny-fp8-block", spoil_config, "mlp_only_layers", NULL, NULL},
      {"checkpoints/qwen3-next-tiny-fp8-block", spoil_config, "quantization_config", "fmt", NULL},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    char *dir = folder_create();
    copy_links(good[i].from, dir);
    good[i].change(dir, good[i].a, good[i].b, good[i].c);
    nf_status st = load(dir);
    if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
    folder_remove(dir);
  }
}

int main(int argc, char **argv) {
  executable = argc > 1 ? argv[1] : NULL;
  struct CMUnitTest tests[CASES + 2] = {cmocka_unit_test(the_untouched_checkpoints_load),
                                        cmocka_unit_test(what_is_allowed_loads)};
  for (size_t i = 0; i < CASES; i++)
    tests[i + 2] = (struct CMUnitTest){.name = cases[i].name, .test_func = one, .initial_state = (void *)i};
  return cmocka_run_group_tests_name("bad input", tests, NULL, NULL);
}
