// SPDX-License-Identifier: Apache-2.0
// Answers of /v1/responses: a response with items of output (thoughts, a message, calls), and its events,
// whose order and ids are constant: helpers of clients check them.
#include "server/reply.h"
#include <string.h>

// ---- items ----

static const struct {
  const char *prefix, *type; // of ids; of the item
  const char *delta, *done;  // events of its text
} kind[] = {
    [NF_PART_CONTENT] = {"msg", "message", "response.output_text.delta", "response.output_text.done"},
    [NF_PART_THOUGHTS] = {"rs", "reasoning", "response.reasoning_text.delta", "response.reasoning_text.done"},
    [NF_PART_CALL] = {"fc", "function_call", "response.function_call_arguments.delta",
                      "response.function_call_arguments.done"},
};

static json_t *item_id(const nf_reply *r, size_t i) {
  return json_sprintf("%s_%s_%zu", kind[r->item[i].part].prefix, r->id + strlen(r->form->prefix), i);
}

static json_t *text_part(const nf_item *item) { // of a message or of thoughts
  const bool message = item->part == NF_PART_CONTENT;
  json_t *part = json_object();
  bool ok = nf_json_put(part, "type", json_string(message ? "output_text" : "reasoning_text"));
  ok = nf_json_put(part, "text", nf_json_text(&item->text)) && ok;
  if (message) ok = nf_json_put(part, "annotations", json_array()) && ok;
  if (item->logprobs != NULL) ok = nf_json_put(part, "logprobs", json_deep_copy(item->logprobs)) && ok;
  return nf_json_whole(part, ok);
}

static json_t *parts(const nf_item *item, bool any) {
  json_t *list = json_array();
  const bool ok = list != NULL && (!any || nf_json_push(list, text_part(item)));
  return nf_json_whole(list, ok);
}

// As it is now; begins: as it was when it began.
static json_t *item_json(const nf_reply *r, size_t i, bool begins) {
  const nf_item *item = &r->item[i];
  const nf_text none = {0};
  json_t *o = json_object();
  bool ok = nf_json_put(o, "id", item_id(r, i));
  ok = nf_json_put(o, "type", json_string(kind[item->part].type)) && ok;
  ok = nf_json_put(o, "status",
                   json_string(begins                     ? "in_progress"
                               : item->done && !item->cut ? "completed"
                                                          : "incomplete")) &&
       ok;
  if (item->part == NF_PART_CALL) {
    ok = nf_json_put(o, "call_id", json_sprintf("call_%s_%zu", r->id + strlen(r->form->prefix), i)) && ok;
    ok = nf_json_put(o, "name", nf_json_text(&item->name)) && ok;
    ok = nf_json_put(o, "arguments", nf_json_text(begins ? &none : &item->text)) && ok;
    return nf_json_whole(o, ok);
  }
  if (item->part == NF_PART_CONTENT) ok = nf_json_put(o, "role", json_string("assistant")) && ok;
  if (item->part == NF_PART_THOUGHTS) ok = nf_json_put(o, "summary", json_array()) && ok;
  ok = nf_json_put(o, "content", parts(item, !begins)) && ok;
  return nf_json_whole(o, ok);
}

// ---- events ----

static nf_status send(nf_reply *r, const char *type, json_t *event, nf_text *out) { // takes the event
  bool ok = nf_json_put(event, "type", json_string(type));
  ok = nf_json_put(event, "sequence_number", json_integer(r->events++)) && ok;
  return nf_reply_event(out, type, nf_json_whole(event, ok));
}

static json_t *about(const nf_reply *r, size_t i) { // an event of an item
  json_t *o = json_object();
  bool ok = nf_json_put(o, "output_index", json_integer((json_int_t)i));
  ok = nf_json_put(o, "item_id", item_id(r, i)) && ok;
  if (r->item[i].part != NF_PART_CALL) ok = nf_json_put(o, "content_index", json_integer(0)) && ok;
  return nf_json_whole(o, ok);
}

// Takes the value, and logprobs (NULL: it has none).
static nf_status send_about(nf_reply *r, size_t i, const char *type, const char *key, json_t *value,
                            json_t *logprobs, nf_text *out) {
  json_t *o = about(r, i);
  bool ok = nf_json_put(o, key, value);
  if (logprobs != NULL) ok = nf_json_put(o, "logprobs", logprobs) && ok;
  return send(r, type, nf_json_whole(o, ok), out);
}

static nf_status send_item(nf_reply *r, size_t i, bool begins, nf_text *out) {
  json_t *o = json_object();
  bool ok = nf_json_put(o, "output_index", json_integer((json_int_t)i));
  ok = nf_json_put(o, "item", item_json(r, i, begins)) && ok;
  return send(r, begins ? "response.output_item.added" : "response.output_item.done", nf_json_whole(o, ok),
              out);
}

static nf_status open_item(nf_reply *r, const infuse_piece *p, nf_text *out) {
  if (!nf_grow(&r->item, &r->cap_items, r->n_items + 1, sizeof *r->item)) return nf_reply_no_memory();
  const size_t i = r->n_items++;
  nf_item *item = &r->item[i];
  *item = (nf_item){.part = nf_choice_part(p)};
  if (item->part == NF_PART_CONTENT && r->ask->logprobs >= 0) item->logprobs = json_array();
  const char *name = nf_function_name(r, p->recipient);
  nf_text_append(&item->name, name, strlen(name));
  NF_TRY(nf_text_status(&item->name));
  if (!r->ask->stream) return nf_ok();
  NF_TRY(send_item(r, i, true, out));
  if (item->part == NF_PART_CALL) return nf_ok();
  const nf_item empty = {.part = item->part};
  return send_about(r, i, "response.content_part.added", "part", text_part(&empty), NULL, out);
}

// A copy of those of its tokens from `from` on, which clients expect of a message, though it be empty.
static json_t *logprobs_of(const nf_item *item, size_t from) {
  if (item->part != NF_PART_CONTENT) return NULL;
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = from; i < json_array_size(item->logprobs); i++)
    ok = nf_json_push(list, json_incref(json_array_get(item->logprobs, i))) && ok;
  return nf_json_whole(list, ok);
}

static nf_status close_item(nf_reply *r, bool cut, nf_text *out) {
  const size_t i = r->n_items - 1;
  nf_item *item = &r->item[i];
  const bool call = item->part == NF_PART_CALL;
  item->done = true, item->cut = cut;
  if (!r->ask->stream) return nf_ok();
  NF_TRY(send_about(r, i, kind[item->part].done, call ? "arguments" : "text", nf_json_text(&item->text),
                    logprobs_of(item, 0), out));
  if (!call) NF_TRY(send_about(r, i, "response.content_part.done", "part", text_part(item), NULL, out));
  return send_item(r, i, false, out);
}

// With the logprobs that no delta has told.
static nf_status send_delta(nf_reply *r, size_t i, const infuse_piece *p, nf_text *out) {
  nf_item *item = &r->item[i];
  json_t *logprobs = logprobs_of(item, item->told);
  item->told = json_array_size(item->logprobs);
  return send_about(r, i, kind[item->part].delta, "delta", json_stringn(p->text, p->n), logprobs, out);
}

static bool is_open(const nf_reply *r) { return r->n_items != 0 && !r->item[r->n_items - 1].done; }

static nf_status take_waiting(nf_reply *r, nf_item *item) {
  if (r->waiting == NULL) return nf_ok();
  const bool ok = json_array_extend(item->logprobs, r->waiting) == 0 && json_array_clear(r->waiting) == 0;
  return ok ? nf_ok() : nf_reply_no_memory();
}

static nf_status tell_piece(nf_reply *r, const infuse_piece *p, nf_text *out) {
  if (p->begins && is_open(r)) NF_TRY(close_item(r, false, out));
  const bool calls = nf_choice_part(p) == NF_PART_CALL;
  if (!is_open(r) && p->n == 0 && !(p->begins && calls)) return nf_ok(); // nothing has been said
  if (!is_open(r)) NF_TRY(open_item(r, p, out));
  const size_t i = r->n_items - 1;
  if (r->item[i].part == NF_PART_CONTENT) NF_TRY(take_waiting(r, &r->item[i]));
  nf_text_append(&r->item[i].text, p->text, p->n);
  NF_TRY(nf_text_status(&r->item[i].text));
  if (p->n != 0 && r->ask->stream) NF_TRY(send_delta(r, i, p, out));
  const bool cut = nf_is_cut_call(p);
  const bool ends = cut || (p->end != INFUSE_END_NONE && p->end != INFUSE_END_CUT);
  return ends ? close_item(r, cut, out) : nf_ok();
}

// ---- responses ----

static json_t *usage_json(const nf_tokens *u) {
  json_t *o = json_object(), *in = json_object(), *answer = json_object();
  bool ok = nf_json_put(in, "cached_tokens", json_integer((json_int_t)u->cached));
  ok = nf_json_put(answer, "reasoning_tokens", json_integer((json_int_t)u->thoughts)) && ok;
  ok = nf_json_put(o, "input_tokens", json_integer((json_int_t)u->prompt)) && ok;
  ok = nf_json_put(o, "input_tokens_details", in) && ok;
  ok = nf_json_put(o, "output_tokens", json_integer((json_int_t)u->drawn)) && ok;
  ok = nf_json_put(o, "output_tokens_details", answer) && ok;
  ok = nf_json_put(o, "total_tokens", json_integer((json_int_t)(u->prompt + u->drawn))) && ok;
  return nf_json_whole(o, ok);
}

static json_t *items(const nf_reply *r) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; i < r->n_items && ok; i++) ok = nf_json_push(list, item_json(r, i, false));
  return nf_json_whole(list, ok);
}

// There is no word for a call that a stop string has cut.
static json_t *why_incomplete(const nf_reply *r, const char *status) {
  const bool full = strcmp(status, "incomplete") == 0 && r->choice[0].finish != INFUSE_STOP;
  return full ? json_pack("{s:s}", "reason", "max_output_tokens") : json_null();
}

static json_t *tool_choice(const nf_ask *a) {
  static const char *const names[] = {
      [NF_TOOLS_AUTO] = "auto", [NF_TOOLS_NONE] = "none", [NF_TOOLS_REQUIRED] = "required"};
  return a->tool_choice == NF_TOOLS_NAMED ? json_pack("{s:s,s:s}", "type", "function", "name", a->tool)
                                          : json_string(names[a->tool_choice]);
}

// usage NULL: not known yet.
static json_t *response(const nf_reply *r, const char *status, const nf_tokens *usage) {
  const nf_ask *a = r->ask;
  json_t *o = json_object();
  bool ok = nf_json_put(o, "id", json_string(r->id));
  ok = nf_json_put(o, "object", json_string("response")) && ok;
  ok = nf_json_put(o, "created_at", json_integer(r->created)) && ok;
  ok = nf_json_put(o, "status", json_string(status)) && ok;
  ok = nf_json_put(o, "model", json_string(r->model)) && ok;
  ok = nf_json_put(o, "output", items(r)) && ok;
  ok = nf_json_put(o, "usage", usage != NULL ? usage_json(usage) : json_null()) && ok;
  ok = nf_json_put(o, "error", json_null()) && ok;
  ok = nf_json_put(o, "incomplete_details", why_incomplete(r, status)) && ok;
  ok = nf_json_put(o, "max_output_tokens", a->max_tokens > 0 ? json_integer(a->max_tokens) : json_null()) &&
       ok;
  ok = nf_json_put(o, "parallel_tool_calls", json_boolean(!a->one_call)) && ok;
  ok = nf_json_put(o, "temperature", json_real((double)a->sampling.temperature)) && ok;
  ok = nf_json_put(o, "top_p", json_real(a->sampling.top_p != 0 ? (double)a->sampling.top_p : 1)) && ok;
  const json_t *tools = a->tools != NULL ? json_object_get(a->body.root, "tools") : NULL; // as they were told
  ok = nf_json_put(o, "tools", tools != NULL ? json_deep_copy(tools) : json_array()) && ok;
  ok = nf_json_put(o, "tool_choice", tool_choice(a)) && ok;
  ok = nf_json_put(o, "store", json_false()) && ok;
  return nf_json_whole(o, ok);
}

static nf_status send_response(nf_reply *r, const char *type, const char *status, const nf_tokens *usage,
                               nf_text *out) {
  json_t *o = json_object();
  const bool ok = nf_json_put(o, "response", response(r, status, usage));
  return send(r, type, nf_json_whole(o, ok), out);
}

static nf_status begin(nf_reply *r, nf_text *out) {
  NF_TRY(send_response(r, "response.created", "in_progress", NULL, out));
  return send_response(r, "response.in_progress", "in_progress", NULL, out);
}

static nf_status tell(nf_reply *r, const nf_told *t, nf_text *out) {
  if (t->n_logprobs != 0 && r->waiting == NULL) r->waiting = json_array();
  if (t->n_logprobs != 0 && !nf_json_push_logprobs(r->waiting, t->logprobs, t->n_logprobs))
    return nf_reply_no_memory();
  for (size_t i = 0; i < t->n_pieces; i++) NF_TRY(tell_piece(r, &t->pieces[i], out));
  if (t->finish == INFUSE_RUNNING || !is_open(r)) return nf_ok();
  return close_item(r, t->finish != INFUSE_STOP, out);
}

static bool is_whole(const nf_reply *r) {
  const nf_choice *c = &r->choice[0];
  return c->finish == INFUSE_STOP && !c->cut;
}

static nf_status end(nf_reply *r, const nf_tokens *usage, nf_text *out) {
  return is_whole(r) ? send_response(r, "response.completed", "completed", usage, out)
                     : send_response(r, "response.incomplete", "incomplete", usage, out);
}

static json_t *whole(nf_reply *r, const nf_tokens *usage) {
  return response(r, is_whole(r) ? "completed" : "incomplete", usage);
}

const nf_reply_form nf_reply_response = {"resp_", false, begin, NULL, tell, end, whole};
