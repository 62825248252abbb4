// SPDX-License-Identifier: Apache-2.0
// Messages of an answer as they come. A final answer that nothing precedes has no label, so that scripts get
// its text alone; every other message has a line and a label of its own.
#include "cli/answer.h"
#include "cli/cli.h"
#include "cli/eval/reply.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool cli_answer_init(cli_answer *a, cli_form form) {
  *a = (cli_answer){.form = form, .messages = json_array(), .ids = json_array(), .unclaimed = json_array()};
  return a->messages != NULL && a->ids != NULL && a->unclaimed != NULL;
}

void cli_answer_deinit(cli_answer *a) {
  json_decref(a->messages);
  json_decref(a->ids);
  json_decref(a->unclaimed);
  nf_text_deinit(&a->text);
  nf_text_deinit(&a->final);
}

// ---- text ----

// Names are the model's as well as texts are.
static void show_label(const infuse_piece *p, void (*show)(const char *s, size_t n)) {
  const char *name = p->channel[0] != '\0' ? p->channel : p->role;
  putchar('[');
  show(name, strlen(name));
  fputs(p->recipient[0] != '\0' ? " to=" : "", stdout);
  show(p->recipient, strlen(p->recipient));
  fputs("] ", stdout);
}

static void show_bytes(const char *s, size_t n) { fwrite(s, 1, n, stdout); }

static void show_piece(cli_answer *a, const infuse_piece *p) {
  if (p->begins && a->begun) putchar('\n');
  if (p->begins && (a->begun || !eval_is_final(p))) show_label(p, show_bytes);
  show_bytes(p->text, p->n);
  a->begun = true;
}

// The characters U+0080 to U+009F are controls as well, and two bytes each.
static bool is_control(const char *s, size_t n) {
  const unsigned char c = (unsigned char)s[0];
  return (iscntrl(c) && c != '\n' && c != '\t') || (c == 0xc2 && n > 1 && (unsigned char)s[1] < 0xa0);
}

static void show_harmless(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const bool control = is_control(s + i, n - i);
    if (control)
      fputs("\xef\xbf\xbd", stdout); // U+FFFD
    else
      putchar(s[i]);
    i += control && (unsigned char)s[i] == 0xc2;
  }
}

// Dim ends with each piece: what ends the answer, or the program, leaves the terminal as it was.
static void show_piece_dimmed(cli_answer *a, const infuse_piece *p) {
  const bool thought = a->dims && strcmp(p->channel, "analysis") == 0 && p->recipient[0] == '\0';
  if (p->begins && a->begun) putchar('\n');
  if (p->begins && !thought && !eval_is_final(p)) show_label(p, show_harmless);
  if (thought) fputs(CLI_DIM, stdout);
  show_harmless(p->text, p->n);
  if (thought) fputs(CLI_NOT_DIM, stdout);
  a->begun = true;
}

// ---- JSON ----

static json_t *name_or_null(const char *s) { return s[0] != '\0' ? json_string(s) : json_null(); }

static json_t *end_of(infuse_end end) {
  static const char *const names[] = {[INFUSE_END_MESSAGE] = "message",
                                      [INFUSE_END_CALL] = "call",
                                      [INFUSE_END_ANSWER] = "answer",
                                      [INFUSE_END_STOP] = "stop",
                                      [INFUSE_END_CUT] = "cut"};
  return end != INFUSE_END_NONE ? json_string(names[end]) : json_null();
}

static bool print_document(json_t *doc) { // stolen
  char *text = doc != NULL ? json_dumps(doc, JSON_COMPACT) : NULL;
  if (text != NULL) cli_print_json(NULL, text, strlen(text));
  json_decref(doc);
  free(text);
  return text != NULL;
}

// The ids that nobody has claimed yet.
static json_t *claim(cli_answer *a) {
  json_t *ids = a->unclaimed;
  a->unclaimed = json_array();
  return ids;
}

static json_t *describe(const infuse_piece *p, const char *text, size_t n, json_t *ids) {
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s%, s:o, s:o}", "role", name_or_null(p->role), "name",
                   name_or_null(p->name), "channel", name_or_null(p->channel), "recipient",
                   name_or_null(p->recipient), "content_type", name_or_null(p->content_type), "text", text, n,
                   "tokens", ids, "end", end_of(p->end));
}

static json_t *last_message(const cli_answer *a) {
  const size_t n = json_array_size(a->messages);
  return n != 0 ? json_array_get(a->messages, n - 1) : NULL;
}

static bool store_text(cli_answer *a) {
  json_t *m = last_message(a);
  return m == NULL ||
         json_object_set_new(m, "text", json_stringn(a->text.n ? a->text.at : "", a->text.n)) == 0;
}

static bool keep_piece(cli_answer *a, const infuse_piece *p) {
  if (p->begins) {
    if (!store_text(a) || json_array_append_new(a->messages, describe(p, "", 0, claim(a))) != 0) return false;
    a->text.n = 0;
    if (eval_is_final(p) && a->final.n != 0) nf_text_append(&a->final, "\n", 1);
  }
  json_t *ids = json_object_get(last_message(a), "tokens");
  nf_text_append(&a->text, p->text, p->n);
  if (eval_is_final(p)) nf_text_append(&a->final, p->text, p->n);
  if (json_array_extend(ids, a->unclaimed) != 0 || json_array_clear(a->unclaimed) != 0) return false;
  return json_object_set_new(last_message(a), "end", end_of(p->end)) == 0 && !a->text.failed &&
         !a->final.failed;
}

// ---- all ----

static bool add_line(cli_answer *a, const infuse_piece *p) {
  json_t *line = describe(p, p->text, p->n, claim(a));
  if (line == NULL || json_object_set_new(line, "begins", json_boolean(p->begins)) != 0) return false;
  return print_document(line);
}

static bool add_id(cli_answer *a, int32_t id) {
  if (a->form == CLI_IDS) printf("%s%d", a->begun ? "," : "", id);
  a->begun |= a->form == CLI_IDS;
  return json_array_append_new(a->ids, json_integer(id)) == 0 &&
         json_array_append_new(a->unclaimed, json_integer(id)) == 0;
}

// Of another's message, with which an answer ends, there is no text: then its label would say nothing.
static bool is_broken_off(const infuse_piece *p) {
  return p->begins && p->n == 0 && p->end == INFUSE_END_CUT;
}

bool cli_answer_add(cli_answer *a, const infuse_output *out) {
  bool ok = true;
  for (size_t i = 0; ok && i < out->n_drawn; i++) ok = add_id(a, out->drawn[i]);
  for (size_t i = 0; ok && i < out->n_pieces; i++) {
    const bool says = !is_broken_off(&out->pieces[i]);
    if (says && a->form == CLI_TEXT) show_piece(a, &out->pieces[i]);
    if (says && a->form == CLI_TERMINAL) show_piece_dimmed(a, &out->pieces[i]);
    if (a->form == CLI_DOCUMENT) ok = keep_piece(a, &out->pieces[i]);
    if (a->form == CLI_LINES) ok = add_line(a, &out->pieces[i]);
  }
  return ok;
}

bool cli_answer_end(cli_answer *a, json_t *figures) {
  if (a->form != CLI_DOCUMENT && a->form != CLI_LINES) return json_decref(figures), putchar('\n'), true;
  if (figures == NULL || json_object_set(figures, "ids", a->ids) != 0) return json_decref(figures), false;
  if (a->form == CLI_LINES) return print_document(figures);
  json_t *last = json_object_get(last_message(a), "tokens"); // NULL: there is no message
  bool ok = store_text(a) && (last == NULL || json_array_extend(last, a->unclaimed) == 0);
  ok = ok && json_object_set(figures, "messages", a->messages) == 0;
  ok = ok &&
       json_object_set_new(figures, "text", json_stringn(a->final.n ? a->final.at : "", a->final.n)) == 0;
  return ok ? print_document(figures) : (json_decref(figures), false);
}
