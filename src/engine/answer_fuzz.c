// SPDX-License-Identifier: Apache-2.0
// Fuzzes answers: any sequence of ids in, the same text out. Adversarial cases: stop strings that begin in
// one message and would end in the next, that begin again within themselves, that lie in thoughts, in calls,
// over tokens; half characters; messages that never end; an answer that is copied, or read again, anywhere.
// Checked against what the chat format's reader tells: every message as it was told, or cut where the stop
// string begins that is whole first, or empty where it is another's and ends the answer; pieces begin and end
// in order; a copy goes on alike.
#include "engine/answer.h"
#include "text/chat_fuzz.h"
#include <string.h>

// Messages as "channel|text;", and where the running one began.
typedef struct story {
  nf_text text;
  size_t at;
  bool open, thought, stopped;
} story;

static void begin(story *s, const char *channel, size_t n) {
  if (s->open) abort();
  s->open = true;
  s->thought = n == 8 && memcmp(channel, "analysis", 8) == 0;
  nf_text_append(&s->text, channel, n);
  nf_text_append(&s->text, "|", 1);
  s->at = s->text.n;
}

static void end(story *s) {
  if (!s->open) abort();
  s->open = false;
  nf_text_append(&s->text, ";", 1);
}

// ---- what is told ----

static void add_pieces(story *s, const nf_answer *a) {
  size_t n = 0;
  for (size_t i = 0; i < a->n_pieces; i++) {
    const infuse_piece *p = &a->piece[i];
    if (p->text[p->n] != '\0' || nf_utf8_check(p->text, p->n) != p->n) abort();
    if (p->begins) begin(s, p->channel, strlen(p->channel));
    if (!s->open) abort();
    nf_text_append(&s->text, p->text, p->n);
    n += p->n;
    if (p->end != INFUSE_END_NONE) end(s);
  }
  if (n != a->text.n) abort();
}

static void check(nf_status st) {
  if (!nf_is_ok(st)) abort();
}

static void tell(nf_answer *a, const uint8_t *data, size_t n, story *out) {
  for (size_t i = 0; i < n; i++) {
    nf_answer_begin_step(a);
    check(nf_answer_read(a, id_of_byte(data[i])));
    check(nf_answer_end_step(a));
    add_pieces(out, a);
  }
  nf_answer_begin_step(a);
  check(nf_answer_end(a, INFUSE_END_CUT));
  check(nf_answer_end_step(a));
  add_pieces(out, a);
  if (out->open) abort();
}

// ---- what should be ----

typedef struct model {
  story story;
  const nf_answer *answer; // for its stop strings, and whether another's message ends it
} model;

static void cut_at_stop(model *m) {
  story *s = &m->story;
  const size_t length = s->text.n - s->at;
  size_t first = length, whole = SIZE_MAX;
  if (s->thought && !m->answer->stop_in_thoughts) return;
  for (size_t i = 0; i < m->answer->n_stop && length != 0; i++) {
    const char *from = s->text.at + s->at, *stop = m->answer->stop[i];
    const char *at = memmem(from, length, stop, strlen(stop));
    const size_t behind = at != NULL ? (size_t)(at - from) + strlen(stop) : SIZE_MAX;
    if (behind < whole || (behind == whole && at != NULL && (size_t)(at - from) < first))
      first = (size_t)(at - from), whole = behind;
  }
  if (first == length) return;
  s->text.n = s->at + first;
  s->stopped = true;
  end(s);
}

static void begin_message(model *m, const nf_chat_event *e) {
  story *s = &m->story;
  begin(s, e->channel.at, strnlen(e->channel.n ? e->channel.at : "", e->channel.n));
  if (!m->answer->own || e->role.n == 0 || nf_view_equal(e->role, NF_VIEW("assistant"))) return;
  s->stopped = true;
  end(s);
}

static nf_status see(void *user, const nf_chat_event *e) {
  model *m = user;
  story *s = &m->story;
  if (s->stopped) return nf_ok();
  if (e->kind == NF_CHAT_HEADER) begin_message(m, e);
  if (e->kind == NF_CHAT_TEXT) {
    nf_text_append(&s->text, e->text.at, e->text.n);
    cut_at_stop(m);
  }
  if (e->kind == NF_CHAT_END) end(s);
  return nf_ok();
}

static void expect_raw(model *m, const nf_tokenizer *t, const uint8_t *data, size_t n) {
  int32_t *ids = nf_alloc(n, sizeof *ids);
  nf_text text = {0};
  for (size_t i = 0; i < n; i++) ids[i] = id_of_byte(data[i]);
  check(nf_decode(t, ids, n, true, &text));
  if (text.n != 0) {
    begin(&m->story, "", 0);
    nf_text_append(&m->story.text, text.at, text.n);
    cut_at_stop(m);
    if (m->story.open) end(&m->story);
  }
  nf_text_deinit(&text);
  nf_free(ids);
}

static void compare(const story *a, const story *b) {
  if (a->text.n != b->text.n || (a->text.n != 0 && memcmp(a->text.at, b->text.at, a->text.n) != 0)) abort();
}

// ---- runs ----

static const nf_chat_format *const formats[] = {&nf_harmony, &nf_chatml, NULL};

static nf_tokenizer *tokenizer_of(int format) {
  static const char *const harmony[] = {"<|start|>",     "<|message|>",   "<|channel|>",
                                        "<|constrain|>", "<|end|>",       "<|call|>",
                                        "<|return|>",    "<|endoftext|>", "<|odd|>"},
                           *const chatml[] = {"<|im_start|>", "<|im_end|>",      "<|endoftext|>",
                                              "<think>",      "</think>",        "<tool_call>",
                                              "</tool_call>", "<tool_response>", "<|odd|>"};
  static nf_tokenizer *made[2];
  const int which = format == 1;
  if (made[which] == NULL) made[which] = tokenizer_with(which ? chatml : harmony, 9);
  return made[which];
}

static void start(nf_answer *a, const nf_chat_format *f, const nf_tokenizer *t, const nf_chat *chat,
                  const char *const *stop, size_t n_stop) {
  nf_chat_reader *reader = NULL;
  a->tokenizer = t;
  a->stop = stop;
  a->n_stop = n_stop;
  if (f != NULL) check(f->reader_create(t, chat, &reader));
  nf_answer_begin(a, f, chat, reader);
}

// The answer up to `split`, and its copy and itself from there on.
static void run_split(nf_answer *a, nf_answer *copy, const uint8_t *data, size_t n, size_t split,
                      const story *expected) {
  story whole = {0}, part = {0};
  int32_t *ids = nf_alloc(split, sizeof *ids);
  for (size_t i = 0; i < split; i++) {
    ids[i] = id_of_byte(data[i]);
    nf_answer_begin_step(a);
    check(nf_answer_read(a, ids[i]));
    check(nf_answer_end_step(a));
    add_pieces(&whole, a);
  }
  check(nf_answer_copy(copy, a, ids, split));
  part = (story){.open = whole.open, .thought = whole.thought};
  nf_text_append(&part.text, whole.text.n != 0 ? whole.text.at : "", whole.text.n);
  tell(a, data + split, n - split, &whole);
  tell(copy, data + split, n - split, &part);
  compare(&whole, expected);
  compare(&part, expected);
  nf_text_deinit(&whole.text);
  nf_text_deinit(&part.text);
  nf_free(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  if (n < 6) return 0;
  const int format = (data[0] & 3) % 3;
  const nf_tokenizer *t = tokenizer_of(format);
  const nf_chat chat = {.thinking = (nf_thinking)((data[0] >> 2 & 3) % 3),
                        .tools = data[0] & 32 ? NF_VIEW("[{\"name\":\"f\"}]") : (nf_view){0}};
  const char one[] = {(char)(data[1] & 0x7f), (char)(data[2] & 0x7f), '\0'},
             other[] = {(char)(data[3] & 0x7f), (char)(data[4] & 0x7f), (char)(data[3] & 0x7f), '\0'};
  const char *const stops[] = {one[0] ? one : "xy", other[0] ? other : "z"};
  nf_answer a = {.stop_in_thoughts = data[0] & 128, .own = data[0] & 32},
            copy = {.stop_in_thoughts = data[0] & 128, .own = data[0] & 32};
  start(&a, formats[format], t, &chat, stops, data[0] & 64 ? 2 : 0);
  start(&copy, formats[format], t, &chat, stops, data[0] & 64 ? 2 : 0);
  const size_t split = data[5] % (n - 5);
  model m = {.answer = &a};
  if (formats[format] != NULL)
    read_ids(formats[format], t, &chat, data + 6, n - 6, see, &m, &(watch){0});
  else
    expect_raw(&m, t, data + 6, n - 6);
  run_split(&a, &copy, data + 6, n - 6, split, &m.story);
  nf_text_deinit(&m.story.text);
  nf_answer_deinit(&a);
  nf_answer_deinit(&copy);
  return 0;
}
