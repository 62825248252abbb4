// SPDX-License-Identifier: Apache-2.0
// Tests of whose messages an answer consists of. What its text is in all else answer_fuzz.c tests.
#include "engine/answer.h"
#include "text/chat_fuzz.h"
#include <setjmp.h>
#include <stdarg.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void ok(nf_status st) { assert_string_equal(nf_status_message(st), ""); }

// Of an answer's pieces: "role/channel: text", with what is odd in brackets and how it ended.
static void add_pieces(nf_text *out, const nf_answer *a) {
  static const char *const ends[] = {"", ".", "(", "$", "!", "-"};
  for (size_t i = 0; i < a->n_pieces; i++) {
    const infuse_piece *p = &a->piece[i];
    if (p->begins) nf_text_printf(out, "%s/%s:", p->role, p->channel);
    nf_text_printf(out, "%s%s%s", p->text, p->odd ? "?" : "", ends[p->end]);
  }
}

// "{" and what follows are marks, in the order in which the tokenizer has them.
static char *read_all(const nf_chat_format *f, nf_tokenizer *t, bool own, const char *ids) {
  const nf_chat chat = {.thinking = NF_THINKING_NEVER};
  nf_answer a = {.tokenizer = t, .own = own};
  nf_chat_reader *reader;
  nf_text out = {0};
  ok(f->reader_create(t, &chat, &reader));
  nf_answer_begin(&a, f, &chat, reader);
  for (const char *s = ids; *s != 0; s++) {
    nf_answer_begin_step(&a);
    ok(nf_answer_read(&a, *s >= '1' && *s <= '9' ? FIRST_MARK + *s - '1' : (unsigned char)*s));
    ok(nf_answer_end_step(&a));
    add_pieces(&out, &a);
  }
  nf_answer_begin_step(&a);
  ok(nf_answer_end(&a, INFUSE_END_CUT));
  ok(nf_answer_end_step(&a));
  add_pieces(&out, &a);
  nf_answer_deinit(&a);
  return out.at;
}

static void an_answer_is_one_and_the_models_own(void **state) {
  (void)state;
  static const char *const harmony[] = {"<|start|>",  "<|message|>",   "<|channel|>", "<|end|>",
                                        "<|return|>", "<|constrain|>", "<|call|>",    "<|endoftext|>"},
                           *const chatml[] = {"<|im_start|>", "<|im_end|>",     "<tool_call>",
                                              "</tool_call>", "<|endoftext|>",  "<think>",
                                              "</think>",     "<tool_response>"};
  nf_tokenizer *const h = tokenizer_with(harmony, 8), *const c = tokenizer_with(chatml, 8);
  static const struct {
    bool harmony, own;
    const char *ids, *want;
  } row[] = {
      {true, true, "3analysis2hm41assistant3final2yes5", "assistant/analysis:hm.assistant/final:yes$"},
      {true, true, "3final2yes41assistant3final2no5", "assistant/final:yes.assistant/final:no?$"},
      {true, true, "3final2yes41user2and?41assistant3final2no5", "assistant/final:yes.user/:?-"},
      {true, false, "3final2yes41user2and?41assistant3final2no5",
       "assistant/final:yes.user/:and?.assistant/final:no$"},
      {false, true, "yes1user\nand?2", "assistant/final:yes?-user/:?-"},
      {false, true, "yes3{}4no2", "assistant/final:yes.assistant/commentary:{}?.assistant/final:no?$"},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char *told =
        read_all(row[i].harmony ? &nf_harmony : &nf_chatml, row[i].harmony ? h : c, row[i].own, row[i].ids);
    assert_string_equal(told, row[i].want);
    nf_free(told);
  }
  nf_tokenizer_destroy(h);
  nf_tokenizer_destroy(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_answer_is_one_and_the_models_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
