// SPDX-License-Identifier: Apache-2.0
// Constrained output through the public interface, from the small trained models: every answer is what was
// asked for, of chats and of plain text, greedy and drawn, of clones and after cuts; and what is refused.
#include "tests/support/expect.h"
#include "tests/support/json_schema.h"
#include <infuse/infuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static infuse_runtime *runtime;
static const char *const dirs[] = {"models/infuse-oss", "models/infuse-next"};
enum { TEXT = 1 << 14, TOKENS = 160 };

static infuse_model *load(const char *dir) {
  return new_model(runtime, dir, (infuse_model_options){.context = 1024, .sessions = 4, .batch = 128});
}

static infuse_session *create(infuse_model *m, infuse_session_options o, float temperature, uint64_t seed) {
  const infuse_sampling sampling = {.temperature = temperature, .seed = seed};
  o.generate = true;
  o.sampling = &sampling;
  if (o.max_tokens == 0) o.max_tokens = TOKENS;
  return new_session(m, o);
}

static void ask(infuse_model *m, infuse_session *s, const char *prompt, bool chat) {
  int32_t *ids;
  size_t n;
  if (chat) {
    const infuse_message message = {"user", prompt};
    ok(infuse_session_chat(s, &message, 1));
    return;
  }
  ok(infuse_encode(infuse_model_tokenizer(m), prompt, strlen(prompt), INFUSE_ENCODE_PLAIN, &ids, &n));
  ok(infuse_session_append(s, ids, n));
  infuse_free(ids);
}

// All of the answer but thoughts and calls.
static infuse_finish answer(infuse_model *m, infuse_session *s, char *out) {
  size_t n = 0;
  infuse_output o = infuse_session_output(s);
  const char *const channel = o.channel != NULL ? "final" : "";
  while (o.finish == INFUSE_RUNNING) {
    ok(infuse_step(m, &s, 1));
    ok(infuse_error_copy(infuse_session_error(s)));
    o = infuse_session_output(s);
    for (size_t i = 0; i < o.n_pieces; i++) {
      const infuse_piece *p = &o.pieces[i];
      if (strcmp(p->channel, channel) != 0) continue;
      assert_true(n + p->n < TEXT);
      memcpy(out + n, p->text, p->n);
      n += p->n;
    }
  }
  out[n] = '\0';
  return o.finish;
}

static const char *const schemas[] = {
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":12},\"age\":{\"type\":"
    "\"integer\",\"minimum\":1,"
    "\"maximum\":99},\"tags\":{\"type\":\"array\",\"items\":{\"enum\":[\"a\",\"b\"]},\"maxItems\":2}},"
    "\"required\":[\"name\",\"age\"],"
    "\"additionalProperties\":false}",
    "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":50},\"minItems\":2,"
    "\"maxItems\":3}",
    "{\"anyOf\":[{\"type\":\"number\",\"minimum\":-3,\"maximum\":3},{\"type\":\"null\"},{\"type\":\"string\","
    "\"format\":\"date\"}]}",
};

static void check_schema(infuse_model *m, const char *schema, float temperature, uint64_t seed, bool chat) {
  char text[TEXT];
  infuse_session *s =
      create(m, (infuse_session_options){.json_schema = schema, .date = ""}, temperature, seed);
  ask(m, s, "Tell me about a dog named Rex, who is 7.", chat);
  const infuse_finish finish = answer(m, s, text);
  if (finish == INFUSE_STOP && text[0] != '\0' && !schema_valid_text(schema, text, strlen(text)))
    fail_msg("seed %lu: %s: '%s' is not valid", (unsigned long)seed, schema, text);
  if (!chat && finish != INFUSE_STOP)
    fail_msg("seed %lu: %s: '%s' did not end", (unsigned long)seed, schema, text);
  infuse_session_destroy(s);
}

static void answers_are_valid(void **) {
  const uint64_t seed = (uint64_t)time(NULL);
  for (int i = 0; i < 2; i++) {
    infuse_model *m = load(dirs[i]);
    for (size_t k = 0; k < sizeof schemas / sizeof *schemas; k++)
      for (int chat = 0; chat < 2; chat++) {
        check_schema(m, schemas[k], 0, 0, chat);
        for (uint64_t n = 0; n < 4; n++) check_schema(m, schemas[k], n < 2 ? 1 : 3, seed + n, chat);
      }
    infuse_model_destroy(m);
  }
}

static void other_forms(void **) {
  const char *const choices[] = {"Yes", "No", "Nobody knows"};
  char text[TEXT];
  for (int i = 0; i < 2; i++) {
    infuse_model *m = load(dirs[i]);
    for (uint64_t n = 0; n < 6; n++) {
      infuse_session *s = create(m, (infuse_session_options){.choices = choices, .n_choices = 3}, 2, n);
      ask(m, s, "Is it?", false);
      assert_int_equal(answer(m, s, text), INFUSE_STOP);
      bool found = false;
      for (int k = 0; k < 3; k++) found |= strcmp(text, choices[k]) == 0;
      assert_true(found);
      infuse_session_destroy(s);
      s = create(m, (infuse_session_options){.regex = "[a-c]{3}(-\\d+)?"}, 1, n);
      ask(m, s, "abc", false);
      const infuse_finish finish = answer(m, s, text);
      if (finish == INFUSE_STOP) assert_true(schema_matches("^[a-c]{3}(-\\d+)?$", text, strlen(text)));
      infuse_session_destroy(s);
      s = create(m, (infuse_session_options){.json_object = true}, 1, n);
      ask(m, s, "{", false);
      if (answer(m, s, text) == INFUSE_STOP)
        assert_true(schema_valid_text("{\"type\":\"object\"}", text, strlen(text)));
      infuse_session_destroy(s);
    }
    infuse_model_destroy(m);
  }
}

// Thoughts of a chat are free: the answer alone is a choice.
static void thoughts_are_free(void **) {
  const char *const choices[] = {"forty-two", "seven"};
  infuse_model *m = load(dirs[0]);
  infuse_session *s = create(m, (infuse_session_options){.choices = choices, .n_choices = 2}, 0, 0);
  char text[TEXT];
  size_t thoughts = 0;
  ask(m, s, "What is 12 + 30?", true);
  for (infuse_output o = infuse_session_output(s);
       o.finish == INFUSE_RUNNING && strcmp(o.channel, "final") != 0; o = infuse_session_output(s)) {
    ok(infuse_step(m, &s, 1));
    thoughts += strcmp(infuse_session_output(s).channel, "analysis") == 0 ? infuse_session_output(s).n : 0;
  }
  assert_true(thoughts > 0);
  assert_int_equal(answer(m, s, text), INFUSE_STOP);
  assert_true(strcmp(text, choices[0]) == 0 || strcmp(text, choices[1]) == 0);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

// A clone in the middle of a text goes on as the session does, and so does a chat that was cut back.
static void clones_and_cuts(void **) {
  char whole[TEXT], rest[TEXT], again[TEXT];
  for (int i = 0; i < 2; i++) {
    infuse_model *m = load(dirs[i]);
    infuse_session *s = create(m, (infuse_session_options){.json_schema = schemas[0], .date = ""}, 1, 7),
                   *clone;
    size_t n, n_clone;
    ask(m, s, "Tell me about Rex.", false);
    for (int k = 0; k < 4; k++) ok(infuse_step(m, &s, 1));
    ok(infuse_session_clone(s, &clone));
    assert_int_equal(answer(m, s, rest), INFUSE_STOP);
    assert_int_equal(answer(m, clone, again), INFUSE_STOP);
    const int32_t *a = infuse_session_tokens(s, &n), *b = infuse_session_tokens(clone, &n_clone);
    assert_int_equal(n, n_clone);
    assert_memory_equal(a, b, n * sizeof *a);
    infuse_session_destroy(clone);
    infuse_session_destroy(s);
    s = create(m, (infuse_session_options){.json_schema = schemas[0], .date = ""}, 0, 0);
    ask(m, s, "Tell me about Rex.", true);
    const infuse_finish finish = answer(m, s, whole);
    const infuse_output o = infuse_session_output(s);
    if (finish == INFUSE_STOP && whole[0] != '\0' && o.tokens > 4) {
      infuse_session_tokens(s, &n);
      ok(infuse_session_truncate(s, n - 3));
      ok(infuse_session_append(s, NULL, 0));
      assert_int_equal(answer(m, s, rest), INFUSE_STOP);
      assert_true(strlen(rest) <= strlen(whole));
      assert_string_equal(rest, whole + strlen(whole) - strlen(rest));
    }
    infuse_session_destroy(s);
    infuse_model_destroy(m);
  }
}

static void what_is_refused(void **) {
  const char *const choices[] = {"a", ""};
  const struct {
    infuse_session_options o;
    infuse_code code;
    const char *message;
  } cases[] = {
      {{.json_schema = "{}", .regex = "a"},
       INFUSE_USAGE,
       "one of json_schema, json_object, regex and choices"},
      {{.json_object = true, .regex = "a"}, INFUSE_USAGE, "one of json_schema"},
      {{.choices = choices, .n_choices = 2}, INFUSE_USAGE, "choice 1 is empty"},
      {{.n_choices = 2}, INFUSE_USAGE, "n_choices is 2, but choices is NULL"},
      {{.json_schema = "{\"properties\":{\"a\":{\"pattern\":\"(?=x)\"}}}"},
       INFUSE_BAD_INPUT,
       "schema: properties.a.pattern: byte 0: a look-ahead"},
      {{.regex = "("}, INFUSE_BAD_INPUT, "regex: byte 0: a group without its )"},
      {{.json_schema = "false"}, INFUSE_BAD_INPUT, "allows no text at all"},
  };
  infuse_model *m = load(dirs[0]);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    infuse_session *s;
    infuse_session_options o = cases[i].o;
    o.size = sizeof o;
    o.generate = true;
    refused(infuse_session_create(m, &o, &s), cases[i].code, cases[i].message);
  }
  infuse_model_destroy(m);
}

static int set_up(void **) {
  const infuse_runtime_options o = {.size = sizeof o, .threads = 2};
  ok(infuse_runtime_create(&o, &runtime));
  return 0;
}
static int tear_down(void **) { return infuse_runtime_destroy(runtime), 0; }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_are_valid), cmocka_unit_test(other_forms),
      cmocka_unit_test(thoughts_are_free), cmocka_unit_test(clones_and_cuts),
      cmocka_unit_test(what_is_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
