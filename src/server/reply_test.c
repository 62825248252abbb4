// SPDX-License-Identifier: Apache-2.0
// Tests of answers: what clients count on, chunk by chunk, and that streams and whole answers say the same.
#include "server/reply.h"
#include "tests/support/piece.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static const infuse_sampling none = {.size = sizeof none};
#define CHAT "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"

typedef struct story {
  nf_ask ask;
  nf_reply *reply;
  nf_text out;
} story;

static void open_story(story *s, nf_ask_kind kind, const char *body) {
  *s = (story){0};
  nf_status st = nf_ask_read(kind, body, strlen(body), &none, &s->ask);
  assert_string_equal(nf_status_message(st), "");
  assert_true(nf_is_ok(nf_reply_create(&s->ask, "1", 1700000000, "m", "harmony", &s->reply)));
  assert_true(nf_is_ok(nf_reply_begin(s->reply, &s->out)));
}

static void tell(story *s, size_t choice, const infuse_piece *p, size_t n, infuse_finish finish) {
  const nf_told told = {.choice = choice, .pieces = p, .n_pieces = n, .finish = finish};
  assert_true(nf_is_ok(nf_reply_tell(s->reply, &told, &s->out)));
}

static void close_story(story *s) {
  const nf_tokens usage = {.prompt = 10, .cached = 4, .drawn = 3, .thoughts = 1};
  assert_true(nf_is_ok(nf_reply_end(s->reply, &usage, &s->out)));
}

static void free_story(story *s) {
  nf_reply_destroy(s->reply);
  nf_ask_deinit(&s->ask);
  nf_text_deinit(&s->out);
}

#define CHUNK(choices)                                                                                  \
  "data: "                                                                                              \
  "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\"," \
  "\"choices\":[" choices "]}\n\n"
#define DELTA(delta, finish) \
  CHUNK("{\"index\":0,\"delta\":" delta ",\"logprobs\":null,\"finish_reason\":" finish "}")

static void a_stream_has_its_role_once_and_its_call_named_once(void **state) {
  (void)state;
  story s;
  open_story(&s, NF_ASK_CHAT, "{" CHAT ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
  infuse_piece p = piece("analysis", "", "hm\xc2\x85", true);
  tell(&s, 0, &p, 1, INFUSE_RUNNING);
  const infuse_piece both[] = {piece("final", "", "see", true), piece("commentary", "functions.f", "", true)};
  tell(&s, 0, both, 2, INFUSE_RUNNING);
  p = piece("commentary", "functions.f", "{\"a\":1}", false);
  tell(&s, 0, &p, 1, INFUSE_STOP);
  close_story(&s);
  assert_string_equal(
      s.out.at,
      DELTA("{\"role\":\"assistant\",\"content\":\"\"}",
            "null") DELTA("{\"reasoning\":\"hm\\u0085\"}", "null") DELTA("{\"content\":\"see\"}", "null")
          DELTA("{\"tool_calls\":[{\"index\":0,\"id\":\"call_chatcmpl-1_0_0\",\"type\":\"function\","
                "\"function\":{\"name\":"
                "\"f\",\"arguments\":\"\"}}]}",
                "null")
              DELTA("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":1}\"}}]}", "null")
                  DELTA("{}", "\"tool_calls\"") "data: "
                                                "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","
                                                "\"created\":1700000000,\"model\":\"m\","
                                                "\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_"
                                                "tokens\":3,\"total_tokens\":13,"
                                                "\"prompt_tokens_details\":{\"cached_tokens\":4},"
                                                "\"completion_tokens_details\":{\"reasoning_tokens\":1}}}\n\n"
                                                "data: [DONE]\n\n");
  free_story(&s);
}

// Of every text, and under whatever name of a model, though they be made from one mould.
static void chunks_differ_in_their_text_only(void **state) {
  (void)state;
  static const struct {
    nf_ask_kind kind;
    const char *body, *channel, *chunk;
  } row[] = {
      {NF_ASK_CHAT, CHAT, "final",
       "\"choices\":[{\"index\":1,\"delta\":{\"content\":\"%s\"},\"logprobs\":null,\"finish_reason\":null}]}"
       "\n\n"},
      {NF_ASK_CHAT, CHAT, "analysis",
       "\"choices\":[{\"index\":1,\"delta\":{\"reasoning\":\"%s\"},\"logprobs\":null,\"finish_reason\":null}]"
       "}\n\n"},
      {NF_ASK_TEXT, "\"prompt\":\"x\"", "",
       "\"choices\":[{\"index\":1,\"text\":\"%s\",\"logprobs\":null,\"finish_reason\":null}]}\n\n"},
  };
  static const char *const text[][2] = {
      {"a\"\"b", "a\\\"\\\"b"}, {"\n\xe2\x80\xa8", "\\n\\u2028"}, {"\xf0\x9f\x98\x80", "\\uD83D\\uDE00"}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    story s = {0};
    char body[128], want[256];
    snprintf(body, sizeof body, "{%s,\"n\":2,\"stream\":true}", row[i].body);
    assert_true(nf_is_ok(nf_ask_read(row[i].kind, body, strlen(body), &none, &s.ask)));
    assert_true(nf_is_ok(nf_reply_create(&s.ask, "1", 1700000000, "\"\"", NULL, &s.reply)));
    for (size_t k = 0; k < sizeof text / sizeof *text; k++) {
      const infuse_piece p = piece(row[i].channel, "", text[k][0], k == 0);
      s.out.n = 0;
      tell(&s, 1, &p, 1, INFUSE_RUNNING);
      snprintf(want, sizeof want, row[i].chunk, text[k][1]);
      const char *choices = strstr(s.out.at, "\"model\":\"\\\"\\\"\",");
      assert_non_null(choices);
      assert_string_equal(choices + strlen("\"model\":\"\\\"\\\"\","), want);
    }
    free_story(&s);
  }
}

static json_t *body_of(const story *s) {
  json_t *body = json_loads(s->out.at, 0, NULL);
  assert_non_null(body);
  return body;
}

static void a_whole_answer_says_the_same(void **state) {
  (void)state;
  story s;
  open_story(&s, NF_ASK_CHAT, "{" CHAT ",\"n\":2}");
  const infuse_piece call[] = {piece("analysis", "", "hm", true),
                               piece("commentary", "functions.f", "{}", true)};
  tell(&s, 1, call, 2, INFUSE_STOP);
  const infuse_piece text = piece("final", "", "ok", true);
  tell(&s, 0, &text, 1, INFUSE_LENGTH);
  assert_int_equal(s.out.n, 0);
  close_story(&s);
  json_t *body = body_of(&s), *m, *second;
  const char *content, *finish, *other, *reasoning, *name, *arguments;
  assert_int_equal(json_unpack(body, "{s:[{s:o,s:s},{s:o,s:s}]}", "choices", "message", &m, "finish_reason",
                               &finish, "message", &second, "finish_reason", &other),
                   0);
  assert_int_equal(json_unpack(m, "{s:s}", "content", &content), 0);
  assert_string_equal(content, "ok");
  assert_string_equal(finish, "length");
  assert_string_equal(other, "tool_calls");
  assert_true(json_is_null(json_object_get(second, "content")));
  assert_int_equal(json_unpack(second, "{s:s,s:[{s:{s:s,s:s}}]}", "reasoning", &reasoning, "tool_calls",
                               "function", "name", &name, "arguments", &arguments),
                   0);
  assert_string_equal(reasoning, "hm");
  assert_string_equal(name, "f");
  assert_string_equal(arguments, "{}");
  json_decref(body);
  free_story(&s);
}

// What a model writes is one answer, of its own: in streams as in the whole.
static const struct {
  const char *ask,
      *steps; // "channel:text" with ' ' between pieces, '>name' calls, '@' another's, '|' ends a step
  const char *content, *thoughts, *calls;
} tales[] = {
    {"", "analysis:hm|final:yes|final:no", "yes", "hm", ""},
    {"", "final:yes|@:and?|final:no", "yes", "", ""},
    {"", "commentary:look >f:{}|final:yes", "look\n\nyes", "", "f{}"},
    {"", "final:yes >f:{} >g:[]|final:no", "yes", "", "f{}g[]"},
    {"", "commentary: final:yes", "yes", "", ""},
    {",\"response_format\":{\"type\":\"json_object\"}", "commentary:look|final:{}", "{}", "look", ""},
    {",\"ignore_eos\":true", "final:yes|@:and?|final:no", "yes\n\nand?\n\nno", "", ""},
};

static void tell_tale(story *s, const char *steps) {
  char text[200], *next;
  strcpy(text, steps);
  for (char *step = text; step != NULL; step = next) {
    infuse_piece p[4];
    size_t n = 0;
    if ((next = strchr(step, '|')) != NULL) *next++ = 0;
    for (char *word, *rest = step; (word = strtok_r(rest, " ", &rest)) != NULL; n++) {
      char *colon = strchr(word, ':');
      *colon = 0;
      p[n] = piece(*word == '>'   ? "commentary"
                   : *word == '@' ? ""
                                  : word,
                   *word == '>' ? word + 1 : "", colon + 1, true);
      if (*word == '@') p[n].role = "user";
      p[n].end = *word == '>' ? INFUSE_END_CALL : INFUSE_END_MESSAGE;
    }
    tell(s, 0, p, n, next != NULL ? INFUSE_RUNNING : INFUSE_STOP);
  }
  close_story(s);
}

typedef struct gathered {
  char content[100], thoughts[100], calls[100];
} gathered;

static void gather_calls(const json_t *calls, gathered *g, size_t *last) {
  for (size_t i = 0; i < json_array_size(calls); i++) {
    const json_t *call = json_array_get(calls, i), *function = json_object_get(call, "function"),
                 *index = json_object_get(call, "index");
    const char *name = json_string_value(json_object_get(function, "name"));
    if (index != NULL) assert_int_equal(json_integer_value(index), *last += name != NULL);
    strcat(g->calls, name != NULL ? name : "");
    strcat(g->calls, json_string_value(json_object_get(function, "arguments")));
  }
}

static void gather(const json_t *message, gathered *g, size_t *last) { // or a delta
  const char *content = json_string_value(json_object_get(message, "content")),
             *thoughts = json_string_value(json_object_get(message, "reasoning"));
  strcat(g->content, content != NULL ? content : "");
  strcat(g->thoughts, thoughts != NULL ? thoughts : "");
  gather_calls(json_object_get(message, "tool_calls"), g, last);
}

static gathered gather_chat(const story *s) {
  gathered g = {0};
  size_t last = SIZE_MAX;
  for (const char *at = s->out.at; at != NULL && (at = strchr(at, '{')) != NULL;
       at = strstr(at, "\n\ndata: {")) {
    json_t *body = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);
    const json_t *choice = json_array_get(json_object_get(body, "choices"), 0),
                 *whole = json_object_get(choice, "message");
    gather(whole != NULL ? whole : json_object_get(choice, "delta"), &g, &last);
    json_decref(body);
  }
  return g;
}

// Messages stay items there.
static gathered gather_response(const story *s, bool stream) {
  gathered g = {0};
  json_t *body = json_loads(stream ? strstr(s->out.at, "event: response.completed\ndata: ") + 32 : s->out.at,
                            JSON_DISABLE_EOF_CHECK, NULL);
  const json_t *response = stream ? json_object_get(body, "response") : body,
               *output = json_object_get(response, "output");
  for (size_t i = 0; i < json_array_size(output); i++) {
    const json_t *item = json_array_get(output, i),
                 *part = json_array_get(json_object_get(item, "content"), 0);
    const char *type = json_string_value(json_object_get(item, "type"));
    char *to = strcmp(type, "message") == 0     ? g.content
               : strcmp(type, "reasoning") == 0 ? g.thoughts
                                                : g.calls;
    if (to == g.content && *to != 0) strcat(to, "\n\n");
    if (to == g.calls) strcat(to, json_string_value(json_object_get(item, "name")));
    strcat(to, json_string_value(to == g.calls ? json_object_get(item, "arguments")
                                               : json_object_get(part, "text")));
  }
  json_decref(body);
  return g;
}

static void an_answer_is_one_and_the_models_own(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof tales / sizeof *tales; i++)
    for (int form = 0; form < 4; form++) {
      const bool chat = form < 2, stream = form % 2;
      char body[300];
      story s;
      if (!chat && strstr(tales[i].ask, "response_format") != NULL) continue;
      snprintf(body, sizeof body, "{%s%s%s}", chat ? CHAT : "\"input\":\"x\"", tales[i].ask,
               stream ? ",\"stream\":true" : "");
      open_story(&s, chat ? NF_ASK_CHAT : NF_ASK_RESPONSE, body);
      tell_tale(&s, tales[i].steps);
      const gathered g = chat ? gather_chat(&s) : gather_response(&s, stream);
      assert_string_equal(g.content, tales[i].content);
      assert_string_equal(g.thoughts, tales[i].thoughts);
      assert_string_equal(g.calls, tales[i].calls);
      free_story(&s);
    }
}

// By a stop string, or by the model that begins another's message: nobody takes its arguments for whole.
static void a_call_that_is_cut_is_told_so(void **state) {
  (void)state;
  static const infuse_end ends[] = {INFUSE_END_CALL, INFUSE_END_STOP, INFUSE_END_CUT};
  for (int i = 0; i < 6; i++) {
    const bool stream = i % 2, cut = i / 2 != 0;
    infuse_piece p[] = {piece("", "f", "{}", true), piece("", "g", "{\"a", true)};
    p[0].end = INFUSE_END_CALL, p[1].end = ends[i / 2];
    story s;
    open_story(&s, NF_ASK_CHAT, stream ? "{" CHAT ",\"stream\":true}" : "{" CHAT "}");
    tell(&s, 0, p, 2, INFUSE_STOP);
    close_story(&s);
    assert_non_null(
        strstr(s.out.at, cut ? "\"finish_reason\":\"stop\"" : "\"finish_reason\":\"tool_calls\""));
    free_story(&s);
    open_story(&s, NF_ASK_RESPONSE, stream ? "{\"input\":\"x\",\"stream\":true}" : "{\"input\":\"x\"}");
    tell(&s, 0, p, 2, INFUSE_STOP);
    close_story(&s);
    const char *last = stream ? strstr(s.out.at, cut ? "event: response.incomplete\ndata: "
                                                     : "event: response.completed\ndata: ")
                              : s.out.at;
    assert_non_null(last);
    json_t *body = json_loads(strchr(last, '{'), JSON_DISABLE_EOF_CHECK, NULL),
           *response = stream ? json_object_get(body, "response") : body, *why;
    const char *status, *first, *second;
    assert_int_equal(json_unpack(response, "{s:s,s:o,s:[{s:s},{s:s}]}", "status", &status,
                                 "incomplete_details", &why, "output", "status", &first, "status", &second),
                     0);
    assert_string_equal(status, cut ? "incomplete" : "completed");
    assert_string_equal(first, "completed");
    assert_string_equal(second, cut ? "incomplete" : "completed");
    assert_true(json_is_null(why)); // it is not for want of tokens
    json_decref(body);
    free_story(&s);
  }
}

// A caller's function may be called as harmony's are.
static void names_lose_their_formats_prefix_only(void **state) {
  (void)state;
  static const struct {
    const char *format, *recipient, *name;
  } row[] = {{"harmony", "functions.f", "\"name\":\"f\""},
             {"harmony", "functions.functions.f", "\"name\":\"functions.f\""},
             {"harmony", "f", "\"name\":\"f\""},
             {"chatml", "functions.f", "\"name\":\"functions.f\""}};
  static const struct {
    nf_ask_kind kind;
    const char *body;
  } form[] = {{NF_ASK_CHAT, "{" CHAT "}"}, {NF_ASK_RESPONSE, "{\"input\":\"x\"}"}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++)
    for (size_t k = 0; k < sizeof form / sizeof *form; k++) {
      story s = {0};
      infuse_piece p = piece("", row[i].recipient, "{}", true);
      p.end = INFUSE_END_CALL;
      assert_true(nf_is_ok(nf_ask_read(form[k].kind, form[k].body, strlen(form[k].body), &none, &s.ask)));
      assert_true(nf_is_ok(nf_reply_create(&s.ask, "1", 1700000000, "m", row[i].format, &s.reply)));
      tell(&s, 0, &p, 1, INFUSE_STOP);
      close_story(&s);
      assert_non_null(strstr(s.out.at, row[i].name));
      free_story(&s);
    }
}

// Nor has what is left out.
static void what_is_left_out_has_no_logprobs(void **state) {
  (void)state;
  story s;
  open_story(&s, NF_ASK_CHAT, "{" CHAT ",\"logprobs\":true}");
  for (int i = 0; i < 2; i++) {
    const infuse_piece p = piece("final", "", i == 0 ? "yes" : "no", true);
    const nf_logprob l = {{NF_VIEW("token"), -1, 1, 1}, NULL, 0};
    const nf_told told = {.pieces = &p, .n_pieces = 1, .logprobs = &l, .n_logprobs = 1};
    assert_true(nf_is_ok(nf_reply_tell(s.reply, &told, &s.out)));
  }
  tell(&s, 0, NULL, 0, INFUSE_STOP);
  close_story(&s);
  json_t *body = body_of(&s), *list;
  assert_int_equal(json_unpack(body, "{s:[{s:{s:o}}]}", "choices", "logprobs", "content", &list), 0);
  assert_int_equal(json_array_size(list), 1);
  json_decref(body);
  free_story(&s);
}

static void logprobs_are_lists_side_by_side(void **state) {
  (void)state;
  story s;
  open_story(&s, NF_ASK_TEXT, "{\"prompt\":\"x\",\"logprobs\":2}");
  const nf_alternative top[] = {{{"a", 1}, -0.5, 0, 1}, {{"\xe2\x80", 2}, -1, 1, 2}, {{"a", 1}, -2, 2, 3}};
  const nf_logprob l[] = {{{{"b", 1}, -INFINITY, 3, 9}, top, 3},
                          {{{"\xc3\xa9", 2}, -0.25, 4, 1}, NULL, 0},
                          {{{"c", 1}, 0, 5, 1}, NULL, 0}};
  const infuse_piece p = piece("", "",
                               "b\xc3\xa9"
                               "c",
                               true);
  const nf_told told = {.pieces = &p, .n_pieces = 1, .logprobs = l, .n_logprobs = 3, .finish = INFUSE_LENGTH};
  assert_true(nf_is_ok(nf_reply_tell(s.reply, &told, &s.out)));
  close_story(&s);
  json_t *body = body_of(&s);
  char *text = json_dumps(json_object_get(json_array_get(json_object_get(body, "choices"), 0), "logprobs"),
                          JSON_COMPACT);
  assert_string_equal(
      text,
      "{\"tokens\":[\"b\",\"\xc3\xa9\",\"c\"],\"token_logprobs\":[-9999.0,-0.25,0.0],\"top_logprobs\":[{"
      "\"a\":-0.5,\"bytes:\\\\xe2\\\\x80\":-1.0,\"b\":-9999.0},{\"\xc3\xa9\":-0.25},{\"c\":0.0}],"
      "\"text_offset\":[0,1,2]}");
  free(text);
  json_decref(body);
  free_story(&s);
}

// The prompt's first token has null, and numbers of the same place are spelled alike.
static void a_prompt_comes_before_its_answer(void **state) {
  (void)state;
  static const nf_alternative top = {{"y", 1}, -0.1, 7, 1};
  const nf_logprob prompt[] = {{{{"x", 1}, NAN, 6, 0}, NULL, 0}, {{{"y", 1}, -0.1, 7, 1}, &top, 1}},
                   drawn = {{{"z", 1}, -3, 8, 2}, &top, 1};
  const infuse_piece p = piece("", "", "z", true);
  static const char *const body[] = {"{\"prompt\":\"xy\",\"echo\":true,\"logprobs\":1,\"prompt_logprobs\":1}",
                                     "{\"prompt\":\"xy\",\"echo\":true,\"logprobs\":1,\"stream\":true}"};
  for (int stream = 0; stream < 2; stream++) {
    story s;
    open_story(&s, NF_ASK_TEXT, body[stream]);
    const nf_told told = {
        .pieces = &p, .n_pieces = 1, .logprobs = &drawn, .n_logprobs = 1, .finish = INFUSE_LENGTH};
    assert_true(nf_is_ok(nf_reply_prompt(s.reply, 0, NF_VIEW("xy"), prompt, 2, &s.out)));
    assert_true(nf_is_ok(nf_reply_tell(s.reply, &told, &s.out)));
    close_story(&s);
    if (stream) {
      assert_non_null(strstr(s.out.at,
                             "\"text\":\"xy\",\"logprobs\":{\"tokens\":[\"x\",\"y\"],\"token_logprobs\":"
                             "[null,-0.1"));
      assert_non_null(strstr(s.out.at, "\"text\":\"z\",\"logprobs\":{\"tokens\":[\"z\"]"));
      assert_non_null(strstr(s.out.at, "\"text_offset\":[2]"));
    } else {
      json_t *answer = body_of(&s),
             *want = json_loads(
                 "{\"text\":\"xyz\",\"index\":0,\"finish_reason\":\"length\",\"logprobs\":{\"tokens\":[\"x\","
                 "\"y\",\"z\"],"
                 "\"token_logprobs\":[null,-0.1,-3.0],\"top_logprobs\":[null,{\"y\":-0.1},{\"y\":-0.1,\"z\":-"
                 "3.0}],"
                 "\"text_offset\":[0,1,2]},\"prompt_logprobs\":[null,{\"7\":{\"logprob\":-0.1,\"rank\":1,"
                 "\"decoded_token\":\"y\"}}]}",
                 0, NULL);
      assert_true(json_equal(json_array_get(json_object_get(answer, "choices"), 0), want));
      json_decref(answer);
      json_decref(want);
    }
    free_story(&s);
  }
}

// Whichever choice comes first.
static void choices_of_a_prompt_share_its_logprobs(void **state) {
  (void)state;
  static const nf_alternative top[] = {{{"y", 1}, -0.5, 7, 1}, {{"z", 1}, -0.25, 8, 1}};
  story s;
  open_story(&s, NF_ASK_TEXT, "{\"prompt\":[\"y\",\"z\"],\"n\":2,\"prompt_logprobs\":0}");
  for (size_t i = 4; i-- > 0;) {
    const nf_logprob l = {top[i / 2], NULL, 0};
    assert_true(nf_is_ok(nf_reply_prompt(s.reply, i, NF_VIEW(""), &l, 1, &s.out)));
    tell(&s, i, NULL, 0, INFUSE_LENGTH);
  }
  close_story(&s);
  json_t *answer = body_of(&s);
  for (size_t i = 0; i < 4; i++) {
    const json_t *choice = json_array_get(json_object_get(answer, "choices"), i),
                 *row = json_array_get(json_object_get(choice, "prompt_logprobs"), 0);
    assert_true(json_real_value(json_object_get(json_object_get(row, i < 2 ? "7" : "8"), "logprob")) ==
                top[i / 2].logprob);
  }
  json_decref(answer);
  free_story(&s);
}

// A token whose character is not whole has its place in the message all the same.
static void a_message_has_the_logprobs_of_its_tokens(void **state) {
  (void)state;
  for (int stream = 0; stream < 2; stream++) {
    story s;
    open_story(&s, NF_ASK_RESPONSE,
               stream ? "{\"input\":\"x\",\"include\":[\"message.output_text.logprobs\"],\"stream\":true}"
                      : "{\"input\":\"x\",\"include\":[\"message.output_text.logprobs\"]}");
    const nf_logprob half = {{{"\xc3", 1}, -1, 1, 1}, NULL, 0}, rest = {{{"\xa9", 1}, -2, 2, 1}, NULL, 0};
    const infuse_piece thought = piece("analysis", "", "hm", true),
                       text = piece("final", "", "\xc3\xa9", true);
    tell(&s, 0, &thought, 1, INFUSE_RUNNING);
    const nf_told first = {.logprobs = &half, .n_logprobs = 1}, second = {.pieces = &text,
                                                                          .n_pieces = 1,
                                                                          .logprobs = &rest,
                                                                          .n_logprobs = 1,
                                                                          .finish = INFUSE_STOP};
    assert_true(nf_is_ok(nf_reply_tell(s.reply, &first, &s.out)));
    assert_true(nf_is_ok(nf_reply_tell(s.reply, &second, &s.out)));
    close_story(&s);
    static const char both[] =
        "\"logprobs\":[{\"token\":\"\\uFFFD\",\"logprob\":-1.0,\"bytes\":[195],\"top_logprobs\":[]},"
        "{\"token\":\"\\uFFFD\",\"logprob\":-2.0,\"bytes\":[169],\"top_logprobs\":[]}]";
    int n = 0;
    for (const char *at = s.out.at; (at = strstr(at, both)) != NULL; at++) n++;
    assert_int_equal(n, stream ? 5 : 1); // delta; three that are done; and the whole
    free_story(&s);
  }
}

// As the client has told it, where it has, and in its own words.
static void a_response_says_what_was_asked(void **state) {
  (void)state;
  story s;
  open_story(&s, NF_ASK_RESPONSE,
             "{\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"tool_choice\":{\"type\":"
             "\"function\",\"name\":\"f\"}}");
  tell(&s, 0, NULL, 0, INFUSE_STOP);
  close_story(&s);
  json_t *body = body_of(&s);
  const char *type, *name, *choice;
  double top_p;
  assert_int_equal(json_unpack(body, "{s:[{s:s,s:s!}],s:{s:s},s:F}", "tools", "type", &type, "name", &name,
                               "tool_choice", "name", &choice, "top_p", &top_p),
                   0);
  assert_string_equal(name, "f");
  assert_string_equal(choice, "f");
  assert_true(top_p == 1);
  json_decref(body);
  free_story(&s);
}

static void an_error_in_the_middle_is_seen_by_all_clients(void **state) {
  (void)state;
  story s;
  open_story(&s, NF_ASK_TEXT, "{\"prompt\":\"x\",\"stream\":true}");
  json_t *error = json_pack("{s:{s:s}}", "error", "message", "the device is gone");
  assert_true(nf_is_ok(nf_reply_event(&s.out, "error", error)));
  assert_string_equal(s.out.at, "event: error\ndata: {\"error\":{\"message\":\"the device is gone\"}}\n\n");
  free_story(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stream_has_its_role_once_and_its_call_named_once),
      cmocka_unit_test(chunks_differ_in_their_text_only),
      cmocka_unit_test(a_whole_answer_says_the_same),
      cmocka_unit_test(an_answer_is_one_and_the_models_own),
      cmocka_unit_test(a_call_that_is_cut_is_told_so),
      cmocka_unit_test(names_lose_their_formats_prefix_only),
      cmocka_unit_test(what_is_left_out_has_no_logprobs),
      cmocka_unit_test(logprobs_are_lists_side_by_side),
      cmocka_unit_test(a_prompt_comes_before_its_answer),
      cmocka_unit_test(choices_of_a_prompt_share_its_logprobs),
      cmocka_unit_test(a_message_has_the_logprobs_of_its_tokens),
      cmocka_unit_test(a_response_says_what_was_asked),
      cmocka_unit_test(an_error_in_the_middle_is_seen_by_all_clients),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
