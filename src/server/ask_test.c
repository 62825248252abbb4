// SPDX-License-Identifier: Apache-2.0
// Tests of bodies: what clients send is read, what is wrong is refused by the path of the field.
#include "server/ask.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static const infuse_sampling none = {.size = sizeof none};

static nf_ask read_ok(nf_ask_kind kind, const char *text) {
  nf_ask a;
  nf_status st = nf_ask_read(kind, text, strlen(text), &none, &a);
  assert_string_equal(nf_status_message(st), "");
  return a;
}

static void what_clients_send_is_read(void **state) {
  (void)state;
  nf_ask a = read_ok(NF_ASK_CHAT,
                     "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be brief\"},"
                     "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\\u0000b\"},{\"type\":"
                     "\"text\",\"text\":\"c\"}]},"
                     "{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"hm\",\"tool_calls\":[{"
                     "\"id\":\"c1\",\"type\":"
                     "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
                     "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"name\":\"f\",\"content\":\"42\"}],"
                     "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":null,"
                     "\"parameters\":{\"type\":"
                     "\"object\"}}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
                     "\"temperature\":0.5,\"top_k\":-1,\"seed\":7,\"stop\":[\"x\"],\"logit_bias\":{"
                     "\"5\":-100,\"6\":1.5},"
                     "\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_tokens\":5,\"max_"
                     "completion_tokens\":6,"
                     "\"logprobs\":true,\"top_logprobs\":2,\"parallel_tool_calls\":false,\"user\":\"u\","
                     "\"frequency_penalty\":null,"
                     "\"chat_template_kwargs\":{\"enable_thinking\":false},\"reasoning_effort\":\"low\"}");
  assert_int_equal(a.n_messages, 4);
  assert_int_equal(a.message[1].content_n, 4);
  assert_memory_equal(a.message[1].content, "a\0bc", 4);
  assert_string_equal(a.message[2].thoughts, "hm");
  assert_string_equal(a.message[2].calls[0].name, "f");
  assert_string_equal(a.message[3].call_id, "c1");
  assert_null(a.message[3].name);
  assert_string_equal(
      a.session.tools,
      "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}}]");
  assert_int_equal(a.tool_choice, NF_TOOLS_NAMED);
  assert_string_equal(a.session.call, "f");
  assert_true(a.session.one_call && !a.session.must_call);
  assert_true(a.one_call && a.stream && a.include_usage && a.seeded);
  assert_int_equal(a.sampling.seed, 7);
  assert_int_equal(a.sampling.top_k, 0);
  assert_int_equal(a.session.n_stop, 1);
  assert_int_equal(a.sampling.n_logit_bias, 2);
  assert_true(a.sampling.logit_bias[0].bias < -1e30f && a.sampling.logit_bias[1].token[0] == 6);
  assert_int_equal(a.session.max_tokens, 6);
  assert_int_equal(a.logprobs, 2);
  assert_int_equal(a.session.thinking, INFUSE_THINKING_OFF);
  assert_string_equal(a.session.effort, "low");
  nf_ask_deinit(&a);
}

static void prompts_are_texts_or_ids(void **state) {
  (void)state;
  static const struct {
    const char *prompt;
    size_t n, first; // prompts; bytes or ids of the first
    bool ids;
  } row[] = {{"\"abc\"", 1, 3, false},
             {"[\"abc\",\"d\"]", 2, 3, false},
             {"[1,2]", 1, 2, true},
             {"[[1,2,3],[4]]", 2, 3, true},
             {"[[1],\"abc\"]", 2, 1, true}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char body[128];
    snprintf(body, sizeof body, "{\"prompt\":%s,\"echo\":true,\"logprobs\":1}", row[i].prompt);
    nf_ask a = read_ok(NF_ASK_TEXT, body);
    assert_int_equal(a.n_prompts, row[i].n);
    assert_int_equal(a.prompt[0].n, row[i].first);
    assert_int_equal(a.prompt[0].ids != NULL, row[i].ids);
    assert_int_equal(a.session.max_tokens, 16);
    assert_true(a.echo && a.logprobs == 1);
    nf_ask_deinit(&a);
  }
}

static void items_become_messages(void **state) {
  (void)state;
  nf_ask a = read_ok(
      NF_ASK_RESPONSE,
      "{\"instructions\":\"be brief\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},"
      "{\"type\":\"reasoning\",\"id\":\"r\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"hm\"}]},"
      "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},"
      "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"1\"}],\"store\":false,\"include\":[]"
      ","
      "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{},\"strict\":true}],"
      "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"x\",\"schema\":{\"type\":\"object\"}}},"
      "\"max_output_tokens\":9,\"reasoning\":{\"effort\":\"high\"}}");
  assert_int_equal(a.n_messages, 5);
  assert_string_equal(a.message[0].role, "system");
  assert_string_equal(a.message[2].channel, "analysis");
  assert_string_equal(a.message[3].calls[0].id, "c");
  assert_string_equal(a.message[4].call_id, "c");
  assert_int_equal(a.shape, NF_SHAPE_SCHEMA);
  assert_string_equal(a.pattern, "{\"type\":\"object\"}");
  assert_string_equal(a.session.effort, "high");
  assert_int_equal(a.session.max_tokens, 9);
  assert_false(a.session.logprobs);
  nf_ask_deinit(&a);
  a = read_ok(NF_ASK_RESPONSE,
              "{\"input\":\"hi\",\"include\":[\"reasoning.encrypted_content\",\"message.output_text."
              "logprobs\"],\"top_logprobs\":3}");
  assert_true(a.session.logprobs && a.session.top_logprobs == 3 && a.logprobs == 3);
  nf_ask_deinit(&a);
  a = read_ok(NF_ASK_TEXT,
              "{\"prompt\":\"a\",\"max_tokens\":0,\"echo\":true,\"logprobs\":0,\"prompt_logprobs\":2}");
  assert_true(!a.session.generate && a.session.logprobs && a.session.top_logprobs == 2);
  nf_ask_deinit(&a);
  a = read_ok(NF_ASK_TEXT, "{\"prompt\":\"a\",\"logprobs\":null}");
  assert_true(a.session.generate && !a.session.logprobs);
  nf_ask_deinit(&a);
  a = read_ok(NF_ASK_RESPONSE, "{\"input\":\"hi\"}");
  assert_int_equal(a.n_messages, 1);
  assert_string_equal(a.message[0].content, "hi");
  nf_ask_deinit(&a);
}

#define USER "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
static void what_is_wrong_is_named(void **state) {
  (void)state;
  static const struct {
    nf_ask_kind kind;
    const char *body, *want;
  } row[] = {
      {NF_ASK_CHAT, "", "body: line 1, column 1 (byte 0): the text ends where a value is expected"},
      {NF_ASK_CHAT, "[]", "body: is an array, should be an object"},
      {NF_ASK_CHAT, "{}", "body: messages: is missing, should be an array"},
      {NF_ASK_CHAT, "{\"messages\":[]}", "body: messages: has 0 messages, should have 1 to 65536"},
      {NF_ASK_CHAT, "{\"messages\":[{}]}",
       "body: messages[0].role: is missing, should be one of: system developer user assistant tool"},
      {NF_ASK_CHAT, "{\"messages\":[{\"role\":\"king\"}]}",
       "body: messages[0].role: is 'king', should be one of: system developer user assistant tool function"},
      {NF_ASK_CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
       "body: messages[0].content[0].type: is 'image_url'; only text is supported"},
      {NF_ASK_CHAT, "{" USER ",\"temperature\":\"hot\"}",
       "body: temperature: is a string, should be a number from 0 to 1e+06"},
      {NF_ASK_CHAT, "{" USER ",\"n\":0}", "body: n: is 0, should be an integer from 1 to 128"},
      {NF_ASK_CHAT, "{" USER ",\"stop\":\"a\\u0000\"}", "body: stop: holds a NUL"},
      {NF_ASK_CHAT, "{" USER ",\"logit_bias\":{\"x\":1}}", "body: logit_bias.x: 'x' is no id of a token"},
      {NF_ASK_CHAT, "{" USER ",\"top_logprobs\":3}", "body: top_logprobs: is 3, but logprobs is not true"},
      {NF_ASK_CHAT, "{" USER ",\"tool_choice\":\"required\"}",
       "body: tool_choice: asks for a call, but there are no tools"},
      {NF_ASK_CHAT,
       "{" USER ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":{"
       "\"type\":\"function\",\"function\":{\"name\":\"g\"}}}",
       "body: tool_choice.function.name: 'g' is not among the tools"},
      {NF_ASK_RESPONSE, "{\"input\":\"a\",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"strict\":1}]}",
       "body: tools[0].strict: is a number, should be true or false"},
      {NF_ASK_CHAT, "{" USER ",\"tools\":[{\"type\":\"web\"}]}",
       "body: tools[0].type: is 'web'; only functions are supported"},
      {NF_ASK_CHAT, "{" USER ",\"response_format\":{\"type\":\"json_schema\"}}",
       "body: response_format.json_schema: is missing, should be an object"},
      {NF_ASK_CHAT, "{" USER ",\"max_tokens\":0}",
       "body: max_tokens: is 0, should be an integer from 1 to 2147483647"},
      {NF_ASK_CHAT, "{" USER ",\"prompt_logprobs\":1,\"stream\":true}",
       "body: prompt_logprobs: can't be had of a stream"},
      {NF_ASK_TEXT, "{\"prompt\":\"a\",\"prompt_logprobs\":-1}",
       "body: prompt_logprobs: is -1, should be an integer from 0 to 20"},
      {NF_ASK_RESPONSE, "{\"input\":\"a\",\"top_logprobs\":21}",
       "body: top_logprobs: is 21, should be an integer from 0 to 20"},
      {NF_ASK_TEXT, "{\"prompt\":[]}", "body: prompt: is an empty list"},
      {NF_ASK_TEXT, "{\"prompt\":[-1]}", "body: prompt[0]: is -1, should be an integer from 0 to 2147483647"},
      {NF_ASK_TEXT, "{\"prompt\":\"a\",\"max_tokens\":0}",
       "body: max_tokens: is 0, which asks for nothing without echo; should be at least 1"},
      {NF_ASK_RESPONSE, "{\"input\":[{\"type\":\"item_reference\"}]}",
       "body: input[0].type: is 'item_reference', should be one of: message function_call "
       "function_call_output "
       "reasoning"},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    nf_ask a;
    nf_status st = nf_ask_read(row[i].kind, row[i].body, strlen(row[i].body), &none, &a);
    assert_string_equal(nf_status_message(st), row[i].want);
    nf_status_free(st);
    nf_ask_deinit(&a);
  }
}

// What would change the answer and is not done here is no secret.
static void what_is_not_supported_is_refused(void **state) {
  (void)state;
  static const char *const field[] = {"\"best_of\":2",
                                      "\"suffix\":\"x\"",
                                      "\"use_beam_search\":true",
                                      "\"functions\":[{\"name\":\"f\"}]",
                                      "\"previous_response_id\":\"r\"",
                                      "\"allowed_token_ids\":[5]",
                                      "\"skip_special_tokens\":false",
                                      "\"include_stop_str_in_output\":true",
                                      "\"typical_p\":0.5",
                                      "\"modalities\":[\"text\",\"audio\"]",
                                      "\"structured_outputs\":{\"grammar\":\"x\"}"};
  for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
    char body[128], name[32];
    nf_ask a;
    snprintf(body, sizeof body, "{\"prompt\":\"a\",%s}", field[i]);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(field[i] + 1, "\""), field[i] + 1);
    nf_status st = nf_ask_read(NF_ASK_TEXT, body, strlen(body), &none, &a);
    assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
    assert_non_null(strstr(nf_status_message(st), name));
    nf_status_free(st);
    nf_ask_deinit(&a);
  }
  static const char plain[] =
      "{\"prompt\":\"a\",\"allowed_token_ids\":null,\"bad_words\":[],\"skip_special_tokens\":true,"
      "\"modalities\":[\"text\"],\"typical_p\":1.0}";
  nf_ask a;
  nf_status st = nf_ask_read(NF_ASK_TEXT, plain, strlen(plain), &none, &a);
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
  nf_ask_deinit(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_clients_send_is_read),
      cmocka_unit_test(prompts_are_texts_or_ids),
      cmocka_unit_test(items_become_messages),
      cmocka_unit_test(what_is_wrong_is_named),
      cmocka_unit_test(what_is_not_supported_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
