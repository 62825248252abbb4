// SPDX-License-Identifier: Apache-2.0
// Tests of reading ChatML: answers as events, whole and cut at every token, and the mistakes that models
// make.
#include "tests/support/chatting.h"
#include "text/chat.h"
#include <stdio.h>
#include <string.h>

static int load(void **) { return load_tokenizer("tests/data/tokenizers/qwen-small/tokenizer.json"); }

static const nf_chat
    never = {.thinking = NF_THINKING_NEVER},
    always = {.thinking = NF_THINKING_ALWAYS}, hybrid = {.thinking = NF_THINKING_HYBRID},
    off = {.thinking = NF_THINKING_HYBRID, .think = NF_THINK_OFF}, opened = {.thinking = NF_THINKING_OPENED},
    closed = {.thinking = NF_THINKING_OPENED, .think = NF_THINK_OFF},
    tools = {.tools =
                 NF_VIEW("[{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {"
                         "\"$defs\": {\"P\": {\"properties\": {\"x\": {\"type\": \"integer\"}}}, \"C\": "
                         "{\"$ref\": \"#/$defs/C\"}}, \"properties\": {\"s\": {\"type\": \"string\"}, \"n\": "
                         "{\"type\": \"integer\"}, \"b\": {\"type\": \"boolean\"}, \"o\": {\"type\": "
                         "\"object\"}, \"sn\": {\"anyOf\": [{\"type\": \"null\"}, {\"type\": \"string\"}]}, "
                         "\"ns\": {\"type\": [\"number\", \"string\"]}, \"p\": {\"$ref\": \"#/$defs/P\"}, "
                         "\"c\": {\"$ref\": \"#/$defs/C\"}, \"e\": {\"enum\": [\"1\", \"2\"]}, \"k\": "
                         "{\"const\": 7}, \"any\": {}}}}}, {\"name\": \"g\"}]")};

// Events as text: "role channel >recipient type|text|END" per message.
static nf_status print_event(void *user, const nf_chat_event *e) {
  static const char *const ends[] = {"end", "call", "answer", "cut"};
  nf_text *t = user;
  if (e->kind == NF_CHAT_TEXT) nf_text_append(t, e->text.at, e->text.n);
  if (e->kind == NF_CHAT_END) nf_text_printf(t, "|%s;", ends[e->end]);
  if (e->kind == NF_CHAT_HEADER)
    nf_text_printf(t, "%.*s %.*s >%.*s %.*s|", (int)e->role.n, e->role.at, (int)e->channel.n, e->channel.at,
                   (int)e->recipient.n, e->recipient.at, (int)e->content_type.n, e->content_type.at);
  return nf_ok();
}

#define A "assistant analysis > |"
#define F "assistant final > |"
#define C "assistant commentary > |"
#define CALLED(name) "assistant commentary >" name " json|"
#define P(name, value) "<parameter=" name ">\n" value "\n</parameter>\n"
#define CALL_OF_F(parameters) "<tool_call>\n<function=f>\n" parameters "</function>\n</tool_call><|im_end|>"

static const struct {
  const nf_chat *chat;
  const char *answer, *events;
} cases[] = {
    // whole answers
    {&hybrid, "<think>\nHm.\n\nOk\n\n</think>\n\nYes, 世界!\n<|im_end|>",
     A "Hm.\n\nOk|end;" F "Yes, 世界!\n|answer;"},
    {&always, "Hm.\n</think>\n\nYes<|endoftext|>", A "Hm.|end;" F "Yes|answer;"},
    {&always, "<think>\nHm.\n</think>\n\nYes<|im_end|>", A "Hm.|end;" F "Yes|answer;"},
    {&off, "\n\nYes<|im_end|>", F "Yes|answer;"},
    {&opened, "Hm.\n</think>\n\nYes<|im_end|>", A "Hm.|end;" F "Yes|answer;"},
    {&closed, "\n\nYes<|im_end|>", F "Yes|answer;"},
    {&never, "\nYes<|im_end|>", F "\nYes|answer;"},
    {&hybrid, "Yes<|im_end|>", F "Yes|answer;"},
    {&hybrid, "\n<think>\n\n</think>\n\nYes<|im_end|>", F "Yes|answer;"},
    {&hybrid, "<think>\nHm.\n</think>\n\n<|im_end|>", A "Hm.|end;"},
    // thoughts that never end, that are none, that come twice
    {&always, "Hm.\n", A "Hm.|cut;"},
    {&always, "Hm.<|im_end|>", A "Hm.|answer;"},
    {&always, "a <think> b</think>c", A "a <think> b|end;" F "c|cut;"},
    {&hybrid, "</think>\n\nYes", F "Yes|cut;"},
    {&hybrid, "Say <think> and </think>.<|im_end|>", F "Say <think> and </think>.|answer;"},
    {&hybrid, "<think>a</think>\n<think>b</think>c", A "a|end;" A "b|end;" F "c|cut;"},
    {&hybrid, "<think>a <tool_call>{}</tool_call></think>c", A "a <tool_call>{}</tool_call>|end;" F "c|cut;"},
    // calls
    {&never,
     "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": [1.50, \"}\\\"\"], \"b\": "
     "{}}}\n</tool_call><|im_end|>",
     CALLED("f") "{\"a\": [1.50, \"}\\\"\"], \"b\": {}}|call;"},
    {&hybrid,
     "<think>\nHm.\n</think>\n\nLet "
     "me.\n<tool_call>\n{\"name\":\"f\",\"arguments\":{}}\n</tool_call>\n<tool_call>\n"
     "{ \"arguments\" : 7 , \"name\" : \"g\" }\n</tool_call><|im_end|>",
     A "Hm.|end;" F "Let me.|end;" CALLED("f") "{}|call;" CALLED("g") "7|call;"},
    {&never, "<tool_call>{\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\"}</tool_call>\nDone.",
     CALLED("f") "{\"a\": 1}|call;" F "Done.|cut;"},
    {&never, "<tool_call>{\"name\":\"f\"}</tool_call>", CALLED("f") "{}|call;"},
    {&never, "<tool_call>{\"name\":\"f\",\"arguments\":null}</tool_call>", CALLED("f") "{}|call;"},
    {&never, "<tool_call>{\"x\":[{}],\"name\":\"f\\u0041\",\"arguments\":\"\"}</tool_call>",
     CALLED("fA") "{}|call;"},
    {&never, "<tool_call>{\"name\":\"<think>\",\"arguments\":{\"a\":\"</think><tool_call>\"}}</tool_call>",
     CALLED("<think>") "{\"a\":\"</think><tool_call>\"}|call;"},
    {&never, "<tool_call>{\"name\":\"f\",\"argument\\u0073\":{ }}</tool_call>", CALLED("f") "{ }|call;"},
    // calls without an end
    {&never, "<tool_call>{\"name\":\"f\"}<|im_end|>", CALLED("f") "{}|call;"},
    {&never, "<tool_call>{\"name\":\"f\"}", CALLED("f") "{}|cut;"},
    {&never, "<tool_call>\n{\"name\":", C "{\"name\":|cut;"},
    // what is no call
    {&never, "<tool_call>\n<function=>\n</function>\n</tool_call>\nx",
     C "<function=>\n</function>|end;" F "x|cut;"},
    {&never, "<tool_call><function=a<b></tool_call>", C "<function=a<b>|end;"},
    {&never, "<tool_call>{\"name\":7}</tool_call><|im_end|>", C "{\"name\":7}|end;"},
    {&never, "<tool_call>{\"name\":\"\"}</tool_call>", C "{\"name\":\"\"}|end;"},
    {&never, "<tool_call>[]</tool_call>", C "[]|end;"},
    {&never, "<tool_call>{} {}</tool_call>", C "{} {}|end;"},
    {&never, "<tool_call>\n</tool_call>x", F "x|cut;"},
    {&never, "a</tool_call>b<|im_end|>", F "a</tool_call>b|answer;"},
    // functions with parameters
    {&never, "<tool_call>\n<function=f>\n</function>\n</tool_call>\nx", CALLED("f") "{}|call;" F "x|cut;"},
    {&tools,
     "I'll look.\n\n<tool_call>\n<function=f>\n<parameter=s>\nline 1\n\n\"line\" <2> 世\n</parameter>\n"
     "<parameter=n>\n5\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=g>\n</function>\n"
     "</tool_call><|im_end|>",
     F "I'll look.|end;" CALLED("f") "{\"s\": \"line 1\\n\\n\\\"line\\\" <2> 世\", \"n\": 5}|call;" CALLED(
         "g") "{}|call;"},
    {&tools, CALL_OF_F("<parameter=s>\n\n\n\n</parameter>\n<parameter=e></parameter>"),
     CALLED("f") "{\"s\": \"\\n\\n\", \"e\": \"\"}|call;"},
    {&tools, CALL_OF_F("<parameter=s>a</parameter><parameter=n> 5 </parameter>"),
     CALLED("f") "{\"s\": \"a\", \"n\": 5}|call;"},
    // values by their types
    {&tools,
     CALL_OF_F(P("b", "True") P("n", "null") P("o", "{\"a\":\n[1e5, \"</tool_call>\"]}") P("sn", "None")
                   P("ns", "1.50") P("p", "{\"x\": 1}") P("k", "7")),
     CALLED("f") "{\"b\": true, \"n\": null, \"o\": {\"a\":\n[1e5, \"</tool_call>\"]}, \"sn\": null, "
                 "\"ns\": 1.50, \"p\": {\"x\": 1}, \"k\": 7}|call;"},
    {&tools, CALL_OF_F(P("s", "null") P("sn", "nul") P("c", "5") P("e", "1") P("any", "7") P("x", "true")),
     CALLED("f") "{\"s\": \"null\", \"sn\": \"nul\", \"c\": \"5\", \"e\": \"1\", \"any\": \"7\", "
                 "\"x\": \"true\"}|call;"},
    {&tools, CALL_OF_F(P("n", "five") P("b", "yes") P("o", "{'a': 1}") P("ns", "{\"a\":1,\"a\":2}")),
     CALLED("f") "{\"n\": \"five\", \"b\": \"yes\", \"o\": \"{'a': 1}\", \"ns\": "
                 "\"{\\\"a\\\":1,\\\"a\\\":2}\"}|call;"},
    {&tools, CALL_OF_F(P("s", "first") P("s", "second") P("n", "1")),
     CALLED("f") "{\"s\": \"first\", \"n\": 1}|call;" C "second|end;"},
    {&tools, CALL_OF_F(P("a\"b", "x")), CALLED("f") "{\"a\\\"b\": \"x\"}|call;"},
    // tags that are text
    {&tools, CALL_OF_F(P("s", "a</parameter>b <parameter=n>\n<parameter=z>\n</function> <x </tool_call>.")),
     CALLED("f") "{\"s\": \"a</parameter>b <parameter=n>\\n<parameter=z>\\n</function> <x "
                 "</tool_call>.\"}|call;"},
    {&tools, CALL_OF_F("<parameter=s>\na\n</parameter>\nb\n"),
     CALLED("f") "{\"s\": \"a\\n</parameter>\\nb\"}|call;"},
    {&tools, CALL_OF_F(P("s", "<think></think><tool_call>")),
     CALLED("f") "{\"s\": \"<think></think><tool_call>\"}|call;"},
    // what models forget
    {&tools, "Now:\n<function=f>\n" P("n", "1") "</function>\n</tool_call>\nDone.<|im_end|>",
     F "Now:|end;" CALLED("f") "{\"n\": 1}|call;" F "Done.|answer;"},
    {&tools, "<function=g>\n</function>\n<function=g></function>Done.",
     CALLED("g") "{}|call;" CALLED("g") "{}|call;" F "Done.|cut;"},
    {&tools,
     "<tool_call>\n<function=g>\n</function>\n<function=f>\n" P("s", "x") "</function>\n</tool_call>x",
     CALLED("g") "{}|call;" CALLED("f") "{\"s\": \"x\"}|call;" F "x|cut;"},
    {&tools, "<tool_call><function=f><parameter=s>\nx\n<parameter=n>\n2\n</function>\n</tool_call>",
     CALLED("f") "{\"s\": \"x\", \"n\": 2}|call;"},
    {&tools,
     "<tool_call><function=f>" P("s", "x") "</tool_call>\n<tool_call><function=g></tool_call><|im_end|>",
     CALLED("f") "{\"s\": \"x\"}|call;" CALLED("g") "{}|call;"},
    {&tools, "<tool_call><function=f><parameter=s>\nx\n</tool_call><|im_end|>",
     CALLED("f") "{\"s\": \"x\"}|call;"},
    {&tools, "<tool_call><function=f><parameter=s>\nx</p<|im_end|>", CALLED("f") "{\"s\": \"x</p\"}|call;"},
    {&tools, "<tool_call><function=f><parameter=n>\n1<|im_end|>", CALLED("f") "{\"n\": 1}|call;"},
    {&tools, "<tool_call><function=f></parameter>then" P("n", "1") "<parameter=>and</function>",
     CALLED("f") "{\"n\": 1}|call;" C "then<parameter=>and|end;"},
    {&tools,
     "<tool_call><function=f>" P("s", "x") "<tool_call>\n<function=f>" P("n", "1") "<function=g><|im_end|>",
     CALLED("f") "{\"s\": \"x\"}|call;" CALLED("f") "{\"n\": 1}|call;" CALLED("g") "{}|call;"},
    {&tools, "<tool_call><function=f><function=g><|im_end|>", CALLED("f") "{}|call;" CALLED("g") "{}|call;"},
    // cut off
    {&tools, "<tool_call>\n<function=f>\n<parameter=s>\nab\n</para", CALLED("f") "{\"s\": \"ab|cut;"},
    {&tools, "<tool_call>\n<function=f>\n<parameter=s>\nab\n</parameter>", CALLED("f") "{\"s\": \"ab|cut;"},
    {&tools, "<tool_call>\n<function=f>\n<parameter=n>\n12", CALLED("f") "{\"n\": |cut;"},
    {&tools, "<tool_call>\n<function=f>\n<param<|im_start|>user\nx",
     CALLED("f") "{|cut;"
                 "user  > |x|cut;"},
    {&tools, "<tool_call>\n<function=f", C "<function=f|cut;"},
    // what is no function
    {&tools, "x <function=f> y\n<function=h>\n<fun", F "x <function=f> y\n<function=h>\n<fun|cut;"},
    {&never, "<function=f></function>", F "<function=f></function>|cut;"},
    // nothing, and what comes after an answer
    {&hybrid, "", ""},
    {&always, "\n</think>\n<|im_end|>\n", ""},
    {&never, "\n\n", ""},
    {&hybrid,
     "a<|im_end|>\n<|im_start|>user\nq\n<|im_end|>\n<|im_start|>assistant\n<think>b</think>c<|im_end|>",
     F "a|answer;user  > |q\n|end;" A "b|end;" F "c|answer;"},
    {&never, "a<|im_start|>tool\n<tool_call><think>", F "a|cut;tool  > |<tool_call><think>|cut;"},
    {&never, "<|im_start|>user", F "user|cut;"},
    {&never,
     "<|im_start|>a role is never as long as this one is, which goes on for more than sixty-four "
     "bytes\nx<|im_end|>",
     F "a role is never as long as this one is, which goes on for more than sixty-four bytes\nx|answer;"},
    {&never, "a<both>b<|im_end|>", F "ab|answer;"}, // another special token
};
enum { N_CASES = sizeof cases / sizeof *cases };

static nf_text read_ids(const nf_chat *chat, const int32_t *ids, size_t n) {
  nf_text events = {0};
  nf_chat_reader *r;
  check_ok(nf_chatml.reader_create(tokenizer, chat, &r));
  for (size_t i = 0; i < n; i++) check_ok(nf_chatml.read(r, ids[i], print_event, &events));
  check_ok(nf_chatml.finish(r, print_event, &events));
  nf_chatml.reader_destroy(r);
  nf_text_append(&events, "", 0);
  return events;
}

static void answers_become_events(void **) {
  for (size_t i = 0; i < N_CASES; i++) {
    nf_ids ids = {0};
    check_ok(nf_encode(tokenizer, nf_view_of(cases[i].answer), 0, &ids));
    nf_text events = read_ids(cases[i].chat, ids.at, ids.n);
    if (strcmp(events.at, cases[i].events) != 0)
      fail_msg("%s:\ngot      %s\nexpected %s", cases[i].answer, events.at, cases[i].events);
    nf_text_deinit(&events);
    nf_ids_deinit(&ids);
  }
}

// Messages that were closed before the cut are those of the whole answer.
static void answers_may_be_cut_anywhere(void **) {
  for (size_t i = 0; i < N_CASES; i++) {
    nf_ids ids = {0};
    check_ok(nf_encode(tokenizer, nf_view_of(cases[i].answer), 0, &ids));
    for (size_t n = 0; n < ids.n; n++) {
      nf_text events = read_ids(cases[i].chat, ids.at, n);
      size_t closed = events.n;
      if (closed > 5 && strcmp(events.at + closed - 5, "|cut;") == 0)
        for (closed -= 5; closed && events.at[closed - 1] != ';';) closed--;
      if (strncmp(events.at, cases[i].events, closed) != 0)
        fail_msg("%s: cut at %zu: %s", cases[i].answer, n, events.at);
      nf_text_deinit(&events);
    }
    nf_ids_deinit(&ids);
  }
}

static nf_status count_odd(void *user, const nf_chat_event *e) {
  *(int *)user += e->kind == NF_CHAT_END && e->odd;
  return nf_ok();
}

// What was read by guessing says so.
static void odd_functions_are_told(void **) {
  static const struct {
    const char *answer;
    int odd;
  } odd[] = {
      {CALL_OF_F(P("s", "a") P("n", "1") P("sn", "null") P("b", "True")), 0},
      {CALL_OF_F(P("n", "five")), 1},
      {CALL_OF_F(P("undeclared", "x")), 1},
      {CALL_OF_F(P("s", "a") P("s", "b")), 2}, // the call, and what is left over
      {"<function=f>\n</function>\n<|im_end|>", 1},
      {"<tool_call><function=f></tool_call><|im_end|>", 1},
      {"<tool_call><function=f><parameter=s>x</function></tool_call><|im_end|>", 1},
      {"<tool_call><function=not_declared>" P("s", "a") "</function></tool_call><|im_end|>", 0},
  };
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    nf_ids ids = {0};
    nf_chat_reader *r;
    int n = 0;
    check_ok(nf_encode(tokenizer, nf_view_of(odd[i].answer), 0, &ids));
    check_ok(nf_chatml.reader_create(tokenizer, &tools, &r));
    for (size_t k = 0; k < ids.n; k++) check_ok(nf_chatml.read(r, ids.at[k], count_odd, &n));
    check_ok(nf_chatml.finish(r, count_odd, &n));
    if (n != odd[i].odd) fail_msg("%s: %d odd messages", odd[i].answer, n);
    nf_chatml.reader_destroy(r);
    nf_ids_deinit(&ids);
  }
}

static int32_t id_of(const char *spelling) {
  int32_t id = -1;
  assert_true(nf_token_id(tokenizer, nf_view_of(spelling), &id));
  return id;
}

static void half_characters_are_replaced(void **) {
  const int32_t half = id_of("\xe4"),
                ids[] = {id_of("<think>"),     half, id_of("</think>"),  half, id_of("x"), half,
                         id_of("<tool_call>"), half, id_of("<|im_end|>")};
  nf_text events = read_ids(&hybrid, ids, sizeof ids / sizeof *ids);
  assert_string_equal(events.at,
                      A "\xef\xbf\xbd|end;" F "\xef\xbf\xbdx\xef\xbf\xbd|end;" C "\xef\xbf\xbd|answer;");
  nf_text_deinit(&events);
  // a character may go on behind the newline that ends a role
  const int32_t role[] = {id_of("<|im_start|>"), id_of("u"), id_of("\n"), half, id_of("\xb8"), id_of("\x96")};
  events = read_ids(&never, role, sizeof role / sizeof *role);
  assert_string_equal(events.at, "u  > |世|cut;");
  nf_text_deinit(&events);
}

static void text_comes_as_it_is_read(void **) {
  nf_chat_reader *r;
  nf_text events = {0};
  check_ok(nf_chatml.reader_create(tokenizer, &never, &r));
  static const char *const ids[] = {"x", "\n", "y", "<tool_call>"};
  static const char *const so_far[] = {F "x", F "x", F "x\ny", F "x\ny|end;"};
  for (int i = 0; i < 4; i++) {
    check_ok(nf_chatml.read(r, id_of(ids[i]), print_event, &events));
    assert_string_equal(events.at, so_far[i]);
  }
  nf_chatml.reader_destroy(r);
  nf_text_deinit(&events);
}

static void endless_calls_become_text(void **) {
  nf_chat_reader *r;
  nf_text events = {0};
  const int32_t mark = id_of("<tool_call>");
  const size_t n = (1 << 20) / 11 + 3; // of 11 bytes
  check_ok(nf_chatml.reader_create(tokenizer, &never, &r));
  check_ok(nf_chatml.read(r, mark, print_event, &events));
  for (size_t i = 0; i < n; i++) check_ok(nf_chatml.read(r, mark, print_event, &events));
  check_ok(nf_chatml.read(r, id_of("</tool_call>"), print_event, &events));
  assert_int_equal(events.n, sizeof C - 1 + 11 * n + sizeof "|end;" - 1);
  nf_chatml.reader_destroy(r);
  nf_text_deinit(&events);
}

static nf_status ignore(void *, const nf_chat_event *) { return nf_ok(); }

// What may come behind the beginning of an answer.
static void what_comes_next_is_known(void **) {
  static const struct {
    const nf_chat *chat;
    const char *answer;
    nf_chat_place place;
    bool think, call;
  } cases[] = {
      {&never, "", NF_PLACE_START, false, true},
      {&hybrid, "", NF_PLACE_START, true, true},
      {&off, "", NF_PLACE_START_OVER, false, true},
      {&off, "\n\n", NF_PLACE_START_OVER, false, true},
      {&always, "Hm", NF_PLACE_OTHER, false, false},
      {&opened, "Hm", NF_PLACE_OTHER, false, false},
      {&closed, "", NF_PLACE_START_OVER, false, true},
      {&hybrid, "<think>\nHm", NF_PLACE_OTHER, false, false},
      {&hybrid, "<think>\nHm\n</think>\n\n", NF_PLACE_START_OVER, false, true},
      {&hybrid, "<think>\nHm\n</think>\n\nYes", NF_PLACE_TEXT, false, false},
      {&never, "Yes", NF_PLACE_TEXT, false, false},
      {&never, "<tool_call>{", NF_PLACE_OTHER, false, false},
      {&never, "<tool_call>{\"name\":\"f\"}</tool_call>\n", NF_PLACE_START_OVER, false, true},
      {&never, "<|im_start|>user\nx", NF_PLACE_OTHER, false, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nf_ids ids = {0};
    nf_chat_reader *r;
    check_ok(nf_encode(tokenizer, nf_view_of(cases[i].answer), 0, &ids));
    check_ok(nf_chatml.reader_create(tokenizer, cases[i].chat, &r));
    for (size_t k = 0; k < ids.n; k++) check_ok(nf_chatml.read(r, ids.at[k], ignore, NULL));
    const nf_chat_next next = nf_chatml.next(r);
    if (next.place != cases[i].place || next.think != (cases[i].think ? id_of("<think>") : -1) ||
        next.call != (cases[i].call ? id_of("<tool_call>") : -1) || next.must != -1)
      fail_msg("'%s': place %d, think %d, call %d", cases[i].answer, next.place, next.think, next.call);
    nf_chatml.reader_destroy(r);
    nf_ids_deinit(&ids);
  }
}

static nf_status refuse(void *, const nf_chat_event *) { return nf_error(NF_CANCELLED, "enough"); }

static void a_sink_may_stop(void **) {
  nf_chat_reader *r;
  nf_text events = {0};
  check_ok(nf_chatml.reader_create(tokenizer, &hybrid, &r));
  for (int i = 0; i < 2; i++) {
    const nf_status st = nf_chatml.read(r, id_of(i ? "<|im_end|>" : "x"), refuse, NULL);
    assert_int_equal(nf_status_code(st), NF_CANCELLED);
    nf_status_free(st);
  }
  check_ok(nf_chatml.read(r, id_of("x"), print_event, &events)); // the reader is still good
  check_ok(nf_chatml.read(r, INT32_MIN, print_event, &events));
  check_ok(nf_chatml.finish(r, print_event, &events));
  assert_string_equal(events.at, F "x|cut;");
  nf_chatml.reader_destroy(r);
  nf_text_deinit(&events);
}

typedef struct reading {
  const nf_chat *chat;
  nf_ids ids;
} reading;

static nf_status read_case(const void *arg) {
  const reading *c = arg;
  nf_chat_reader *r = NULL;
  nf_status st;
  NF_GOTO(nf_chatml.reader_create(tokenizer, c->chat, &r));
  for (size_t i = 0; i < c->ids.n; i++) NF_GOTO(nf_chatml.read(r, c->ids.at[i], ignore, NULL));
  NF_GOTO(nf_chatml.finish(r, ignore, NULL));
fail:
  nf_chatml.reader_destroy(r);
  return st;
}

static void memory_runs_out(void **) {
  if (!nf_alloc_fail_available()) skip();
  for (size_t i = 0; i < N_CASES; i++) {
    reading c = {.chat = cases[i].chat};
    check_ok(nf_encode(tokenizer, nf_view_of(cases[i].answer), 0, &c.ids));
    check_ok(read_case(&c));
    // why a call is none is said to nobody, so the memory for saying it may fail
    runs_out_of_memory(read_case, &c, true);
    nf_ids_deinit(&c.ids);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_become_events),    cmocka_unit_test(answers_may_be_cut_anywhere),
      cmocka_unit_test(odd_functions_are_told),   cmocka_unit_test(half_characters_are_replaced),
      cmocka_unit_test(text_comes_as_it_is_read), cmocka_unit_test(endless_calls_become_text),
      cmocka_unit_test(what_comes_next_is_known), cmocka_unit_test(a_sink_may_stop),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests(tests, load, unload);
}
