// SPDX-License-Identifier: Apache-2.0
// Tokens become pieces of messages. Text goes through `held`, of which only that leaves which no stop string
// can begin with; a message's border lets all of it out.
#include "engine/answer.h"
#include <string.h>

static void destroy_reader(nf_answer *a) {
  if (a->reader != NULL) a->format->reader_destroy(a->reader);
  a->reader = NULL;
}

void nf_answer_deinit(nf_answer *a) {
  destroy_reader(a);
  nf_arena_deinit(&a->names);
  nf_text_deinit(&a->held);
  nf_text_deinit(&a->text);
  nf_text_deinit(&a->copies);
  nf_watch_deinit(&a->watch);
  nf_free(a->piece);
  *a = (nf_answer){0};
}

// ---- pieces ----

// The piece that text of the open message is added to. NULL: no memory.
static infuse_piece *running_piece(nf_answer *a) {
  if (a->n_pieces != 0 && a->piece[a->n_pieces - 1].end == INFUSE_END_NONE) return &a->piece[a->n_pieces - 1];
  if (!nf_grow(&a->piece, &a->cap_pieces, a->n_pieces + 1, sizeof *a->piece)) return NULL;
  infuse_piece *p = &a->piece[a->n_pieces++];
  *p = a->message;
  p->begins = !a->told;
  a->told = true;
  return p;
}

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for a piece of text"); }

static nf_status let_out(nf_answer *a, size_t n) { // the first n bytes of what was held back
  if (n == 0) return nf_ok();
  infuse_piece *p = running_piece(a);
  if (p == NULL) return no_memory();
  nf_text_append(&a->text, a->held.at, n);
  p->n += n;
  memmove(a->held.at, a->held.at + n, a->held.n - n);
  a->held.n -= n;
  return nf_text_status(&a->text);
}

static bool is_other(const nf_chat_event *e) {
  return e->role.n != 0 && !nf_view_equal(e->role, NF_VIEW("assistant"));
}

// An answer has one message "final"; behind somebody else's there may be the next answer's.
static void note_answers(nf_answer *a, const nf_chat_event *e) {
  const bool answers = e->recipient.n == 0 && nf_view_equal(e->channel, NF_VIEW("final"));
  a->again = answers && a->answered;
  a->answered = (a->answered || answers) && !is_other(e);
}

static nf_status open_message(nf_answer *a, const nf_chat_event *e) {
  const struct {
    const char **to;
    nf_view from;
  } names[] = {{&a->message.role, e->role},
               {&a->message.name, e->name},
               {&a->message.channel, e->channel},
               {&a->message.recipient, e->recipient},
               {&a->message.content_type, e->content_type}};
  a->message = (infuse_piece){0};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    *names[i].to = names[i].from.n != 0 ? nf_arena_copy(&a->names, names[i].from.at, names[i].from.n) : "";
    if (*names[i].to == NULL) return no_memory();
  }
  a->open = true;
  a->told = false;
  note_answers(a, e);
  return running_piece(a) != NULL ? nf_ok() : no_memory();
}

static nf_status close_message(nf_answer *a, infuse_end end, bool odd) {
  NF_TRY(let_out(a, a->held.n));
  infuse_piece *p = running_piece(a);
  if (p == NULL) return no_memory();
  p->end = end;
  p->odd = odd || a->again;
  a->open = false;
  return nf_ok();
}

// ---- stop strings ----

static bool looks_for_stops(const nf_answer *a) {
  return a->n_stop != 0 && (a->stop_in_thoughts || strcmp(a->message.channel, "analysis") != 0);
}

// Length of the longest end of the held text that begins a stop string.
static size_t may_stop(const nf_answer *a) {
  size_t longest = 0;
  for (size_t i = 0; i < a->n_stop; i++) {
    const size_t length = strlen(a->stop[i]);
    for (size_t n = length - 1; n > longest; n--)
      if (n <= a->held.n && memcmp(a->held.at + a->held.n - n, a->stop[i], n) == 0) longest = n;
  }
  return longest;
}

// Where the stop string begins that is whole first, however many characters a token has; SIZE_MAX: none is.
static size_t find_stop(const nf_answer *a) {
  size_t first = SIZE_MAX, end = SIZE_MAX;
  for (size_t i = 0; i < a->n_stop; i++) {
    const size_t n = strlen(a->stop[i]);
    const char *at = memmem(a->held.at, a->held.n, a->stop[i], n);
    const size_t from = at != NULL ? (size_t)(at - a->held.at) : SIZE_MAX;
    if (at == NULL || from + n > end || (from + n == end && from > first)) continue;
    first = from, end = from + n;
  }
  return first;
}

static nf_status release(nf_answer *a) {
  NF_TRY(nf_text_status(&a->held));
  if (a->held.n == 0 || !looks_for_stops(a)) return let_out(a, a->held.n);
  const size_t stop = find_stop(a);
  if (stop == SIZE_MAX) return let_out(a, a->held.n - may_stop(a));
  NF_TRY(let_out(a, stop));
  a->held.n = 0;
  a->stopped = true;
  return close_message(a, INFUSE_END_STOP, false);
}

// ---- reading ----

// Who writes another's message has ended his own.
static nf_status take_header(nf_answer *a, const nf_chat_event *e) {
  NF_TRY(open_message(a, e));
  if (!a->own || !is_other(e)) return nf_ok();
  a->stopped = true;
  return close_message(a, INFUSE_END_CUT, true);
}

static nf_status take_event(void *user, const nf_chat_event *e) {
  nf_answer *a = user;
  const infuse_end ends[] = {[NF_END_MESSAGE] = INFUSE_END_MESSAGE,
                             [NF_END_CALL] = INFUSE_END_CALL,
                             [NF_END_ANSWER] = INFUSE_END_ANSWER,
                             [NF_END_CUT] = a->cut};
  if (a->stopped) return nf_ok();
  if (e->kind == NF_CHAT_HEADER) return take_header(a, e);
  if (e->kind == NF_CHAT_END) return close_message(a, ends[e->end], e->odd);
  nf_text_append(&a->held, e->text.at, e->text.n);
  return release(a);
}

// Text without messages is one message that says nothing of itself.
static nf_status release_raw(nf_answer *a) {
  if (!a->open && a->held.n != 0) NF_TRY(open_message(a, &(nf_chat_event){0}));
  return release(a);
}

static nf_status read_text(nf_answer *a, int32_t token) {
  if (a->reader != NULL) return a->format->read(a->reader, token, take_event, a);
  nf_decode_step(a->tokenizer, &a->decoder, token, true, &a->held);
  return release_raw(a);
}

nf_status nf_answer_read(nf_answer *a, int32_t token) {
  if (a->tokenizer == NULL || a->stopped) return nf_ok();
  a->cut = INFUSE_END_CUT;
  NF_TRY(read_text(a, token));
  return nf_watch_see(&a->watch, a->format, a->reader, token);
}

nf_status nf_answer_end(nf_answer *a, infuse_end cut) {
  if (a->tokenizer == NULL || a->stopped) return nf_ok();
  a->cut = cut;
  if (a->reader != NULL) return a->format->finish(a->reader, take_event, a);
  nf_decoder_end(&a->decoder, &a->held);
  NF_TRY(release_raw(a));
  return a->open && !a->stopped ? close_message(a, cut, false) : nf_ok();
}

// ---- steps ----

void nf_answer_begin_step(nf_answer *a) {
  a->text.n = a->n_pieces = 0;
  if (a->text.at != NULL) a->text.at[0] = '\0';
}

// A single piece's text is the step's; of several each gets a NUL of its own.
nf_status nf_answer_end_step(nf_answer *a) {
  const bool several = a->n_pieces > 1;
  const char *from = a->text.n != 0 ? a->text.at : "";
  a->copies.n = 0;
  for (size_t i = 0; several && i < a->n_pieces; from += a->piece[i++].n) {
    nf_text_append(&a->copies, from, a->piece[i].n);
    nf_text_append(&a->copies, "", 1);
  }
  NF_TRY(nf_text_status(&a->copies));
  if (several) from = a->copies.at;
  for (size_t i = 0; i < a->n_pieces; from += a->piece[i++].n + 1) a->piece[i].text = from;
  return nf_ok();
}

// ---- beginning, again and elsewhere ----

void nf_answer_begin(nf_answer *a, const nf_chat_format *format, const nf_chat *chat,
                     nf_chat_reader *reader) {
  destroy_reader(a);
  nf_arena_deinit(&a->names);
  nf_answer_begin_step(a); // pieces that name messages of the answer before
  a->format = format;
  a->chat = (nf_chat){0};
  if (chat != NULL)
    a->chat = (nf_chat){.thinking = chat->thinking, .think = chat->think, .tools = chat->tools};
  a->reader = reader;
  a->decoder = (nf_decoder){0};
  a->message = (infuse_piece){.role = "", .name = "", .channel = "", .recipient = "", .content_type = ""};
  a->held.n = 0;
  a->open = a->told = a->stopped = a->answered = a->again = false;
  nf_watch_begin(&a->watch, format, reader);
}

static nf_status read_quietly(nf_answer *a, const int32_t *ids, size_t n) {
  nf_status st = nf_ok();
  const size_t n_stop = a->n_stop;
  const bool own = a->own;
  a->n_stop = 0;
  a->own = false; // others' messages are those that were appended
  for (size_t i = 0; i < n && nf_is_ok(st); i++) {
    nf_answer_begin_step(a);
    st = nf_answer_read(a, ids[i]);
  }
  a->n_stop = n_stop;
  a->own = own;
  nf_answer_begin_step(a);
  a->told = false;
  return st;
}

nf_status nf_answer_reread(nf_answer *a, const int32_t *ids, size_t n) {
  nf_chat_reader *reader = NULL;
  if (a->format != NULL) NF_TRY(a->format->reader_create(a->tokenizer, &a->chat, &reader));
  const nf_chat chat = a->chat;
  nf_answer_begin(a, a->format, &chat, reader);
  return reader != NULL ? read_quietly(a, ids, n) : nf_ok();
}

nf_status nf_answer_copy(nf_answer *to, const nf_answer *from, const int32_t *ids, size_t n) {
  to->format = from->format;
  to->chat = from->chat;
  NF_TRY(nf_answer_reread(to, ids, n));
  to->decoder = from->decoder;
  to->open = from->open;
  to->told = from->told;
  to->stopped = from->stopped;
  to->held.n = 0;
  nf_text_append(&to->held, from->held.at, from->held.n);
  NF_TRY(nf_text_status(&to->held));
  return nf_watch_copy(&to->watch, &from->watch);
}
