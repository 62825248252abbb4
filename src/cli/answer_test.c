// SPDX-License-Identifier: Apache-2.0
// Tests of what generate shows of an answer: labels and lines of text, messages with their tokens in JSON.
#include "cli/answer.h"
#include "cli/cli.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void cli_print_json(void *user, const char *json, size_t n) { // main.c's
  (void)user;
  printf("%.*s\n", (int)n, json);
}

#define PIECE(b, e, channel, to, text) \
  { b, e, "assistant", "", channel, to, "", text, sizeof(text) - 1 }
#define STEP(id, ...)                                                        \
  {                                                                          \
    .token = id, .drawn = (const int32_t[]){id}, .n_drawn = 1,               \
    .pieces = (const infuse_piece[]){__VA_ARGS__},                           \
    .n_pieces = sizeof((infuse_piece[]){__VA_ARGS__}) / sizeof(infuse_piece) \
  }
#define NONE(id) \
  { .token = id, .drawn = (const int32_t[]){id}, .n_drawn = 1 }

// What showing these steps prints.
static void show(cli_form form, const infuse_output *steps, size_t n, char *out, size_t size) {
  char path[] = "/tmp/answer_test_XXXXXX";
  const int file = mkstemp(path), before = dup(1);
  cli_answer a;
  fflush(stdout);
  assert_true(file >= 0 && dup2(file, 1) == 1);
  bool ok = cli_answer_init(&a, form);
  for (size_t i = 0; i < n; i++) ok = ok && cli_answer_add(&a, &steps[i]);
  ok = ok && cli_answer_end(&a, json_pack("{s:s}", "finish", "stop"));
  cli_answer_deinit(&a);
  fflush(stdout);
  dup2(before, 1);
  const ssize_t got = pread(file, out, size - 1, 0);
  close(file), close(before), unlink(path);
  assert_true(ok && got >= 0);
  out[got] = '\0';
}

static void expect(cli_form form, const infuse_output *steps, size_t n, const char *what) {
  char out[4096];
  show(form, steps, n, out, sizeof out);
  assert_string_equal(out, what);
}
#define N(steps) (sizeof(steps) / sizeof *(steps))

// Thoughts, a call, two final messages; the third step ends one message and begins another.
static const infuse_output steps[] = {
    NONE(1),
    STEP(2, PIECE(true, 0, "analysis", "", "Hm")),
    STEP(3, PIECE(false, INFUSE_END_MESSAGE, "analysis", "", "."), PIECE(true, 0, "commentary", "f", "{")),
    STEP(4, PIECE(false, INFUSE_END_CALL, "commentary", "f", "}")),
    STEP(5, PIECE(true, INFUSE_END_MESSAGE, "final", "", "one")),
    NONE(6),
    STEP(7, PIECE(true, INFUSE_END_CUT, "final", "", "two")),
    NONE(8)};

static void messages_have_lines_and_labels(void **) {
  expect(CLI_TEXT, steps, N(steps), "[analysis] Hm.\n[commentary to=f] {}\n[final] one\n[final] two\n");
}

static void an_answer_alone_has_no_label(void **) {
  const infuse_output one[] = {STEP(1, PIECE(true, 0, "final", "", "a")),
                               STEP(2, PIECE(false, INFUSE_END_ANSWER, "final", "", "b"))};
  expect(CLI_TEXT, one, N(one), "ab\n");
  const infuse_piece raw = {true, INFUSE_END_CUT, "", "", "", "", "", "c", 1};
  expect(CLI_TEXT, &(infuse_output){.token = 1, .pieces = &raw, .n_pieces = 1}, 1, "c\n");
  expect(CLI_TEXT, NULL, 0, "\n");
  const infuse_output unnamed[] = {STEP(1, PIECE(true, INFUSE_END_CUT, "", "", "d"))};
  expect(CLI_TEXT, unnamed, N(unnamed), "d\n");
  const infuse_piece tool = {true, INFUSE_END_CUT, "tool", "", "", "", "", "e", 1};
  expect(CLI_TEXT, &(infuse_output){.token = 1, .pieces = &tool, .n_pieces = 1}, 1, "[tool] e\n");
  const infuse_piece both[] = {PIECE(true, INFUSE_END_MESSAGE, "final", "", "f"),
                               {true, INFUSE_END_CUT, "user", "", "", "", "", "", 0}};
  const infuse_output goes_on = {.token = 1, .pieces = both, .n_pieces = 2};
  expect(CLI_TEXT, &goes_on, 1, "f\n");
  expect(CLI_TERMINAL, &goes_on, 1, "f\n");
}

static void ids_stand_for_text_that_is_not_there(void **) {
  const infuse_output ids[] = {
      NONE(7), {.token = -1}, {.token = 9, .drawn = (const int32_t[]){8, 9}, .n_drawn = 2}};
  expect(CLI_IDS, ids, N(ids), "7,8,9\n");
}

#define MESSAGE(channel, to, text, tokens, end)                                         \
  "{\"role\":\"assistant\",\"name\":null,\"channel\":\"" channel "\",\"recipient\":" to \
  ",\"content_type\":null,\"text\":\"" text "\",\"tokens\":[" tokens "],\"end\":" end

static void every_token_belongs_to_a_message(void **) {
  expect(CLI_DOCUMENT, steps, N(steps),
         "{\"finish\":\"stop\",\"ids\":[1,2,3,4,5,6,7,8],\"messages\":[" //
         MESSAGE("analysis", "null", "Hm.", "1,2,3", "\"message\"},")    //
         MESSAGE("commentary", "\"f\"", "{}", "4", "\"call\"},")         //
         MESSAGE("final", "null", "one", "5", "\"message\"},")           //
         MESSAGE("final", "null", "two", "6,7,8", "\"cut\"}") "],\"text\":\"one\\ntwo\"}\n");
}

static void pieces_stream_as_lines(void **) {
  expect(CLI_LINES, steps + 4, 3,
         MESSAGE("final", "null", "one", "5", "\"message\"") ",\"begins\":true}\n" //
         MESSAGE("final", "null", "two", "6,7", "\"cut\"") ",\"begins\":true}\n"   //
                                                           "{\"finish\":\"stop\",\"ids\":[5,6,7]}\n");
}

static void an_interrupted_message_has_no_end(void **) {
  expect(CLI_DOCUMENT, steps, 2,
         "{\"finish\":\"stop\",\"ids\":[1,2],\"messages\":[" //
         MESSAGE("analysis", "null", "Hm", "1,2", "null}") "],\"text\":\"\"}\n");
}

// By default thoughts have a label; bytes of a text are shown but for those that a terminal obeys.
static void a_terminal_is_not_changed(void **) {
  static const char shown[] = "a\xef\xbf\xbd[31m\tb\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9";
  const infuse_output evil[] = {STEP(1, PIECE(true, 0, "analysis", "", "a\033[31m\tb\xc2\x9b\177\xc3\xa9"))};
  char line[64];
  snprintf(line, sizeof line, "[analysis] %s\n", shown);
  expect(CLI_TERMINAL, evil, N(evil), line);
  const infuse_output named[] = {STEP(1, PIECE(true, 0, "a\033b", "f\xc2\x9b", "c"))};
  expect(CLI_TERMINAL, named, N(named),
         "[a\xef\xbf\xbd"
         "b to=f\xef\xbf\xbd] c\n");
  expect(CLI_TERMINAL, steps, N(steps), "[analysis] Hm.\n[commentary to=f] {}\none\ntwo\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_have_lines_and_labels),
      cmocka_unit_test(an_answer_alone_has_no_label),
      cmocka_unit_test(ids_stand_for_text_that_is_not_there),
      cmocka_unit_test(every_token_belongs_to_a_message),
      cmocka_unit_test(pieces_stream_as_lines),
      cmocka_unit_test(a_terminal_is_not_changed),
      cmocka_unit_test(an_interrupted_message_has_no_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
