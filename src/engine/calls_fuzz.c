// SPDX-License-Identifier: Apache-2.0
// Fuzzes answers that must call tools: the first byte says in which form and how, tools follow up to a NUL,
// and each byte behind it chooses a token of those that are allowed. Adversarial cases: names that spell the
// format's own words or JSON, schemas of all kinds, tools twice. Checked: no dead end; what was drawn is read
// as calls of these tools, with JSON objects as arguments where a schema does not say otherwise (and always
// where they are parameters), and as thoughts; without a call nothing ends.
#include "constrain/constraining.h"
#include "engine/calls.h"
#include "text/chat_fuzz.h"
#include "text/tools.h"

enum { MARKS = 9, VOCAB = FIRST_MARK + MARKS, MOST = 400 };

typedef struct format {
  const nf_chat_format *format;
  const char *marks[MARKS];
  nf_tokenizer *tokenizer;
  nf_token_tree *tree;
} format;

static format formats[] = {
    {&nf_harmony,
     {"<|start|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|end|>", "<|call|>", "<|return|>",
      "<|endoftext|>", "<|odd|>"},
     NULL,
     NULL},
    {&nf_chatml,
     {"<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>", "<tool_call>", "</tool_call>",
      "<tool_response>", "<|odd|>"},
     NULL,
     NULL},
};

static void check(nf_status st) {
  if (!nf_is_ok(st)) abort();
}

static void make(format *f) {
  if (f->tree != NULL) return;
  f->tokenizer = tokenizer_with(f->marks, MARKS);
  check(nf_token_tree_create(f->tokenizer, VOCAB, &f->tree));
}

// ---- what is read ----

typedef struct reading {
  const format *format;
  const nf_calling *calling;
  nf_text arguments; // of the open call
  const nf_json *tools;
  size_t calls;
} reading;

static bool is_tool(const reading *r, nf_view recipient) {
  static const char prefix[] = "functions.";
  const size_t n = sizeof prefix - 1;
  if (recipient.n > n && memcmp(recipient.at, prefix, n) == 0 && r->format->format == &nf_harmony)
    recipient.at += n, recipient.n -= n;
  for (size_t i = 0; i < json_array_size(r->tools->root); i++) {
    const json_t *name = json_object_get(nf_tool_function(json_array_get(r->tools->root, i)), "name");
    if (nf_view_equal((nf_view){json_string_value(name), json_string_length(name)}, recipient)) return true;
  }
  return false;
}

static void check_object(const nf_text *arguments) {
  nf_json doc;
  check(nf_json_parse_nul(arguments->at, arguments->n, "arguments", &doc));
  if (!json_is_object(doc.root)) abort();
  nf_json_deinit(&doc);
}

static nf_status see(void *user, const nf_chat_event *e) {
  reading *r = user;
  const bool thought = nf_view_equal(e->channel, NF_VIEW("analysis"));
  if (e->kind == NF_CHAT_HEADER) r->arguments.n = 0;
  if (e->kind == NF_CHAT_TEXT) nf_text_append(&r->arguments, e->text.at, e->text.n);
  if (e->kind != NF_CHAT_END) return nf_ok();
  if (e->end == NF_END_CALL && r->calling->form->parameters) check_object(&r->arguments);
  if (e->recipient.n != 0 && !is_tool(r, e->recipient)) abort();
  if (e->recipient.n == 0 && !thought && r->calling->must) abort();
  r->calls += e->end == NF_END_CALL;
  return nf_ok();
}

// ---- a walk ----

static nf_view mark_byte(int i) {
  static const char spelling[] = "\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd";
  return (nf_view){spelling + i, 1};
}

// A mark where there is one and the choice is even, else text. -1: nothing may come.
static int32_t choose(nf_constraint *c, nf_constrained *x, const uint64_t *bits, uint8_t choice,
                      size_t step) {
  uint64_t seed = (uint64_t)choice * 2654435761u + step + 1;
  const int32_t text = draw_token(bits, FIRST_MARK, &seed);
  int32_t mark = -1;
  for (int i = 0; i < MARKS; i++) {
    bool fits = false;
    check(nf_constrained_fits(c, x, mark_byte(i), &fits));
    if (fits) mark = FIRST_MARK + i;
  }
  return mark >= 0 && (choice % 2 == 0 || text < 0) ? mark : text;
}

// Whether it ended. A constraint may turn out to be too ambiguous.
static bool walk(nf_constraint *c, const format *f, nf_chat_reader *reader, reading *r, const uint8_t *choice,
                 size_t n) {
  nf_constrained x = {0};
  bool ended = false;
  for (size_t i = 0; i < MOST && !ended; i++) {
    uint64_t bits[VOCAB / 64 + 1] = {0};
    nf_next next;
    bool fits;
    nf_status st = nf_constrained_next(c, &x, bits, &next);
    const bool known = nf_is_ok(st);
    nf_status_free(st);
    if (!known) break;
    const int32_t id = choose(c, &x, bits, n != 0 ? choice[i % n] : 0, i);
    if (next.must_end != (id < 0)) abort();
    ended = next.must_end;
    if (ended) break;
    check(nf_constrained_take(
        c, &x, id >= FIRST_MARK ? mark_byte(id - FIRST_MARK) : nf_token_bytes(f->tokenizer, id), &fits));
    if (!fits) abort();
    check(f->format->read(reader, id, see, r));
  }
  nf_constrained_deinit(&x);
  return ended;
}

static void draw(const format *f, const nf_calling *calling, nf_thinking kind, nf_constraint *c,
                 const uint8_t *choice, size_t n) {
  const nf_chat chat = {.thinking = kind, .tools = calling->tools};
  nf_json tools;
  nf_chat_reader *reader;
  check(nf_tools_parse(calling->tools, &tools));
  check(f->format->reader_create(f->tokenizer, &chat, &reader));
  reading r = {.format = f, .calling = calling, .tools = &tools};
  const bool ended = walk(c, f, reader, &r, choice, n);
  if (ended && calling->must && r.calls == 0) abort();
  if (ended && calling->must && calling->once && r.calls != 1) abort();
  f->format->reader_destroy(reader);
  nf_text_deinit(&r.arguments);
  nf_json_deinit(&tools);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  if (n == 0) return 0;
  format *f = &formats[data[0] & 1];
  const nf_thinking kind = (nf_thinking)(data[0] >> 3 & 3);
  const uint8_t *end = memchr(data + 1, 0, n - 1);
  const size_t length = end != NULL ? (size_t)(end - data) - 1 : n - 1;
  nf_constraints all = {0};
  nf_constraint *c = NULL;
  bool held = false;
  make(f);
  const nf_calling calling = {.form = nf_chat_form(f->format, data[0] & 32 ? NF_TOOLS_CODER : NF_TOOLS_QWEN3),
                              .thinks = f->format == &nf_harmony || kind != NF_THINKING_NEVER,
                              .in_thought = f->format == &nf_chatml && nf_chat_opens_thought(kind),
                              .tools = {(const char *)data + 1, length},
                              .must = data[0] & 2,
                              .once = data[0] & 4};
  nf_status st = nf_calling_check(&calling, &held);
  if (nf_is_ok(st) && held) st = nf_calling_constrain(&calling, &all, f->tree, &c);
  if (!nf_is_ok(st) && nf_status_code(st) != NF_BAD_INPUT && nf_status_code(st) != NF_USAGE) abort();
  nf_status_free(st);
  if (c != NULL) draw(f, &calling, kind, c, data + 1 + length, n - 1 - length);
  nf_constraint_release(c);
  nf_constraints_deinit(&all);
  return 0;
}
