// SPDX-License-Identifier: Apache-2.0
// Calls of tools that are asked for: of small trained models, drawn at temperatures at which they would write
// anything, every answer that has ended is thoughts and calls, of the tools that were meant, with arguments
// that their schemas allow; and what is refused.
#include "base/sanitized.h"
#include "tests/support/coder.h"
#include "tests/support/expect.h"
#include "tests/support/json_schema.h"
#include <infuse/infuse.h>

enum { SEEDS = NF_SANITIZED ? 1 : 4 };
static infuse_runtime *runtime;
static infuse_model *model;

#define WEATHER                                                                                              \
  "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"maxLength\":12},\"days\":{\"type\":" \
  "\"integer\",\"minimum\":1,\"maximum\":7}},\"required\":[\"city\",\"days\"],\"additionalProperties\":"     \
  "false}"
#define LINK                                                                                       \
  "{\"$ref\":\"#/$defs/link\",\"$defs\":{\"link\":{\"type\":\"object\",\"properties\":{\"next\":{" \
  "\"anyOf\":[{\"$ref\":\"#/$defs/link\"},{\"type\":\"null\"}]}},\"required\":[\"next\"],"         \
  "\"additionalProperties\":false}}}"
#define LOOK                                                                                                 \
  "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"maxLength\":12},\"days\":{\"type\":" \
  "\"integer\","                                                                                             \
  "\"minimum\":1,\"maximum\":7},\"unit\":{\"enum\":[\"C\",\"F\"]},\"note\":{\"anyOf\":[{\"type\":"           \
  "\"string\","                                                                                              \
  "\"maxLength\":8},{\"type\":\"null\"}]},\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},"    \
  "\"maxItems\":3}},"                                                                                        \
  "\"required\":[\"days\",\"city\"],\"additionalProperties\":false}"
#define PICK                                                                                                 \
  "{\"type\":\"object\",\"properties\":{\"mode\":{\"anyOf\":[{\"enum\":[\"a\",\"b\"]},{\"type\":\"null\"}]}" \
  ","                                                                                                        \
  "\"level\":{\"enum\":[\"low\",null]},\"none\":{\"type\":\"null\"},\"when\":{\"type\":[\"string\","         \
  "\"null\"],"                                                                                               \
  "\"minLength\":8,\"maxLength\":8}},\"required\":[\"mode\",\"level\",\"none\",\"when\"],"                   \
  "\"additionalProperties\":false}"
static const struct {
  const char *name, *schema;
} tools[] = {{"look", LOOK},
             {"pick", PICK},
             {"get_weather", WEATHER},
             {"Partial\\\"X", LINK},
             {"now", "{\"type\":\"object\"}"}};
#define TOOL(name, rest) "{\"type\":\"function\",\"function\":{\"name\":\"" name "\"" rest "}}"
#define TOOLS(strict)                                                  \
  "[" TOOL("get_weather", ",\"parameters\":" WEATHER strict) "," TOOL( \
      "Partial\\\"X", ",\"parameters\":" LINK) "," TOOL("now", "") "]"

typedef struct answer { // of one session
  size_t calls, said;   // said: bytes of text that is no thought and no call
  infuse_finish finish;
} answer;

static const char *schema_of(const char *recipient) {
  const char *prefix = "functions.";
  if (strncmp(recipient, prefix, strlen(prefix)) == 0) recipient += strlen(prefix);
  for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
    json_t *name = json_sprintf("%s", recipient);
    char spelled[64];
    snprintf(spelled, sizeof spelled, "\"%s\"", tools[i].name);
    json_t *want = json_loads(spelled, JSON_DECODE_ANY, NULL);
    const bool same = json_equal(name, want);
    json_decref(name);
    json_decref(want);
    if (same) return tools[i].schema;
  }
  fail_msg("'%s' is no tool", recipient);
  return NULL;
}

static void take_piece(const infuse_piece *p, char *arguments, size_t room, bool strict, answer *out) {
  if (p->recipient[0] == '\0') {
    if (strcmp(p->channel, "analysis") != 0) out->said += p->n;
    return;
  }
  if (p->begins) arguments[0] = '\0';
  assert_true(strlen(arguments) + p->n < room);
  strcat(arguments, p->text);
  if (p->end != INFUSE_END_CALL) return;
  const char *schema = schema_of(p->recipient);
  out->calls++;
  if (strict && !schema_valid_text(schema, arguments, strlen(arguments)))
    fail_msg("%s: '%s' is not valid", p->recipient, arguments);
}

static answer draw(infuse_session_options o, uint64_t seed, const char *question) {
  const infuse_sampling sampling = {.temperature = 1.5f, .top_p = 0.98f, .seed = seed};
  const infuse_message message = {"user", question};
  char arguments[4096] = "";
  answer out = {0};
  const bool strict = o.must_call || o.call != NULL;
  o.generate = true, o.sampling = &sampling, o.date = "";
  if (o.max_tokens == 0) o.max_tokens = 150;
  infuse_session *s = new_session(model, o);
  ok(infuse_session_chat(s, &message, 1));
  do {
    ok(infuse_step(model, &s, 1));
    ok(infuse_error_copy(infuse_session_error(s)));
    const infuse_output step = infuse_session_output(s);
    for (size_t i = 0; i < step.n_pieces; i++)
      take_piece(&step.pieces[i], arguments, sizeof arguments, strict, &out);
    out.finish = step.finish;
  } while (out.finish == INFUSE_RUNNING);
  infuse_session_destroy(s);
  return out;
}

static const char question[] = "What is the weather in Rome?";

static void test_calls_that_must_come(void **) {
  static const infuse_session_options row[] = {
      {.tools = TOOLS(""), .must_call = true},
      {.tools = TOOLS(""), .must_call = true, .one_call = true},
      {.tools = TOOLS(""), .call = "get_weather"},
      {.tools = TOOLS(""), .call = "Partial\"X", .json_schema = "{\"type\":\"integer\"}"},
      {.tools = TOOLS(""), .call = "now", .ignore_eos = true},
  };
  size_t ended = 0;
  for (size_t i = 0; i < sizeof row / sizeof *row; i++)
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
      const answer a = draw(row[i], seed, question);
      const bool one = row[i].one_call || row[i].call != NULL;
      assert_int_equal(a.said, 0);
      assert_true(a.calls <= 1 || !one);
      if (a.finish == INFUSE_STOP) assert_true(a.calls >= 1);
      ended += a.finish == INFUSE_STOP;
    }
  assert_true(ended > SEEDS);
}

// Without being asked for a call: those of a strict tool are held to its schema, others and text are free.
static void test_strict_tools(void **) {
  size_t calls = 0, said = 0;
  for (uint64_t seed = 1; seed <= 2 * SEEDS; seed++) {
    const answer a = draw((infuse_session_options){.tools = TOOLS(",\"strict\":true"), .one_call = seed % 2},
                          seed, seed % 2 ? question : "What is 12 + 30?");
    assert_true(a.calls <= 1 || seed % 2 == 0);
    calls += a.calls, said += a.said != 0;
  }
  assert_true(calls + said > 0);
}

static void test_refusals(void **) {
  static const struct {
    infuse_session_options o;
    infuse_code code;
    const char *part;
  } row[] = {
      {{.must_call = true}, INFUSE_USAGE, "a call is asked for, but there are no tools"},
      {{.must_call = true, .tools = "[]"}, INFUSE_USAGE, "a call is asked for, but there are no tools"},
      {{.call = "f", .tools = TOOLS("")}, INFUSE_USAGE, "'f' is to be called, but no tool is called so"},
      {{.must_call = true, .tools = "[" TOOL("f", ",\"parameters\":{\"not\":{}}") "]"},
       INFUSE_BAD_INPUT,
       "tool f: parameters: schema"},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    infuse_session_options o = row[i].o;
    infuse_session *s;
    o.size = sizeof o, o.generate = true;
    refused(infuse_session_create(model, &o, &s), row[i].code, row[i].part);
  }
}

// ---- calls that are functions with parameters ----

#define LOOKS(strict) "[" TOOL("look", ",\"parameters\":" LOOK strict) "," TOOL("now", "") "]"

static void test_functions_that_must_be_called(void **) {
  static const infuse_session_options row[] = {
      {.tools = LOOKS(""), .must_call = true},
      {.tools = LOOKS(""), .call = "look"},
      {.tools = LOOKS(",\"strict\":true"), .must_call = true, .one_call = true}};
  size_t ended = 0;
  for (size_t i = 0; i < sizeof row / sizeof *row; i++)
    for (uint64_t seed = 1; seed <= 2 * SEEDS; seed++) {
      const answer a = draw(row[i], seed, question);
      assert_int_equal(a.said, 0);
      if (a.finish == INFUSE_STOP) assert_true(a.calls >= 1);
      ended += a.finish == INFUSE_STOP;
    }
  assert_true(ended > SEEDS);
}

// Null is the text `null` where the schema allows it; one parameter may be nothing else.
static void test_null_is_called(void **) {
  const infuse_session_options o = {.tools = "[" TOOL("pick", ",\"parameters\":" PICK) "]", .call = "pick"};
  size_t ended = 0;
  for (uint64_t seed = 1; seed <= 2 * SEEDS; seed++) {
    const answer a = draw(o, seed, question);
    if (a.finish == INFUSE_STOP) assert_int_equal(a.calls, 1);
    ended += a.finish == INFUSE_STOP;
  }
  assert_true(ended > 0);
}

static void test_functions_are_declared(void **) {
  const infuse_session_options o = {.size = sizeof o, .tools = LOOKS("")};
  const infuse_message message = {"user", question};
  int32_t *ids;
  size_t n, n_text;
  char *text;
  ok(infuse_model_render(model, &o, &message, 1, &ids, &n));
  ok(infuse_decode(infuse_model_tokenizer(model), ids, n, &text, &n_text));
  assert_non_null(
      strstr(text, "<tools>\n<function>\n<name>look</name>\n<parameters>\n<parameter>\n<name>city</name>"));
  infuse_free(ids);
  infuse_free(text);
}

static void test_what_functions_cant_hold(void **) {
  infuse_session_options o = {
      .must_call = true,
      .tools = "[" TOOL("f", ",\"parameters\":{\"properties\":{\"a\":{\"pattern\":\"b\"}}}") "]"};
  infuse_session *s;
  o.size = sizeof o, o.generate = true;
  refused(infuse_session_create(model, &o, &s), INFUSE_BAD_INPUT,
          "tool f: parameters: schema: properties.a.pattern: is not supported for a text without quotes");
}

static int set_up(void **) {
  const infuse_runtime_options o = {.size = sizeof o, .figures = "stated", .threads = 2};
  return infuse_runtime_create(&o, &runtime) != NULL;
}

static int tear_down(void **) {
  infuse_runtime_destroy(runtime);
  return 0;
}

static void load(const char *dir, int64_t context) {
  const infuse_model_options o = {.size = sizeof o, .context = context, .sessions = 1, .batch = 256};
  ok(infuse_model_load(runtime, dir, &o, &model));
}
static int load_oss(void **) { return load("models/infuse-oss", 512), 0; }
static int load_next(void **) { return load("models/infuse-next", 512), 0; }
static int unload(void **) { return infuse_model_destroy(model), 0; }

// infuse-next, as if its template were Qwen3-Coder's.
static int load_coder(void **) {
  char *dir = coder_folder("models/infuse-next");
  load(dir, 1024);
  folder_remove(dir);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_calls_that_must_come),
      cmocka_unit_test(test_strict_tools),
      cmocka_unit_test(test_refusals),
  };
  const struct CMUnitTest functions[] = {
      cmocka_unit_test(test_functions_that_must_be_called),
      cmocka_unit_test(test_null_is_called),
      cmocka_unit_test(test_functions_are_declared),
      cmocka_unit_test(test_what_functions_cant_hold),
  };
  int failed = set_up(NULL);
  failed += cmocka_run_group_tests_name("harmony", tests, load_oss, unload);
  failed += cmocka_run_group_tests_name("chatml", tests, load_next, unload);
  failed += cmocka_run_group_tests_name("functions", functions, load_coder, unload);
  return tear_down(NULL) + failed;
}
