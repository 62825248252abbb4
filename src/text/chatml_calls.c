// SPDX-License-Identifier: Apache-2.0
// Calls within ChatML: JSON, or a function with parameters. Whichever the model was trained on, it may write
// the other.
#include "base/json_reader.h"
#include "text/chatml_reader.h"
#include <string.h>

enum { CALL_MAX = 1 << 20 }; // bytes of JSON; more is text

// ---- calls: {"name": "f", "arguments": {...}} ----

// As the model spelled them, so that a conversation that goes on has the same ids as the answer had. Some
// models put them into a string.
static nf_view arguments_of(nf_view text, const json_t *value, const nf_json_cut *cut) {
  if (json_is_string(value) && json_string_length(value))
    return (nf_view){json_string_value(value), json_string_length(value)};
  return !value || json_is_string(value) || json_is_null(value) ? NF_VIEW("{}")
                                                                : (nf_view){text.at + cut->at, cut->n};
}

// *name is empty when the text is no call. Errors: only NF_NO_MEMORY.
static nf_status parse_call(nf_view text, nf_text *name, nf_text *arguments) {
  nf_json doc;
  nf_json_cut cut = {.key = "arguments"};
  nf_status st = nf_json_parse_cut(text.at, text.n, "call", &cut, 1, &doc);
  if (nf_status_code(st) == NF_BAD_INPUT) {
    nf_status_free(st);
    return nf_ok();
  }
  NF_TRY(st);
  const json_t *called = json_object_get(doc.root, "name");
  if (json_is_string(called)) {
    const nf_view spelled = arguments_of(text, json_object_get(doc.root, cut.key), &cut);
    nf_text_append(name, json_string_value(called), json_string_length(called));
    nf_text_append(arguments, spelled.at, spelled.n);
    st = nf_status_join(nf_text_status(name), nf_text_status(arguments));
  }
  nf_json_deinit(&doc);
  return st;
}

// A call that is complete waits for its tool even if its end mark was forgotten. What is no call becomes a
// message that is still to be closed.
nf_status nf_chatml_close_call(nf_chatml_reader *r, nf_chat_end end) {
  nf_text arguments = {0};
  nf_status st = parse_call(nf_text_view(&r->collected), &r->name, &arguments);
  if (nf_is_ok(st) && r->name.n) {
    NF_GOTO(nf_chatml_open(r));
    NF_GOTO(nf_chatml_send(r, NF_CHAT_TEXT, nf_text_view(&arguments), 0));
    st = nf_chatml_send(r, NF_CHAT_END, (nf_view){0}, end == NF_END_ANSWER ? NF_END_CALL : end);
  } else if (nf_is_ok(st)) {
    st = nf_chatml_tell_collected(r, BAD_CALL);
  }
fail:
  nf_text_deinit(&arguments);
  return st;
}

// ---- calls: <function=f> ----

static const json_t *parameters_of(const nf_chatml_reader *r, nf_view name, bool *declared) {
  size_t i;
  json_t *tool;
  json_array_foreach(r->tools.root, i, tool) {
    const json_t *f = nf_tool_function(tool), *called = json_object_get(f, "name");
    *declared = nf_view_equal(name, (nf_view){json_string_value(called), json_string_length(called)});
    if (*declared) return json_object_get(f, "parameters");
  }
  return NULL;
}

// `header`: all of it up to the function's ">".
static nf_status open_function(nf_chatml_reader *r, nf_view header, bool inside) {
  nf_view name;
  size_t used;
  bool declared;
  nf_chatml_enter(r, FUNCTION, true);
  r->inside = inside;
  r->odd = !inside;
  nf_text_append(&r->collected, header.at, header.n);
  NF_TRY(nf_text_status(&r->collected));
  nf_xml_begins(nf_text_view(&r->collected), &name, &used);
  nf_text_append(&r->name, name.at, name.n);
  NF_TRY(nf_text_status(&r->name));
  nf_xml_begin(&r->call, r->head.marks, parameters_of(r, name, &declared));
  return nf_chatml_open(r);
}

static nf_status tell_stray(nf_chatml_reader *r) {
  nf_text stray = r->call.stray;
  r->call.stray = (nf_text){0};
  nf_chatml_enter(r, BAD_CALL, true);
  r->odd = true;
  nf_status st = nf_chatml_tell(r, nf_text_view(&stray));
  if (nf_is_ok(st)) st = nf_chatml_close(r, NF_END_MESSAGE);
  nf_text_deinit(&stray);
  return st;
}

// What belonged to no parameter comes behind the call, if that is whole.
nf_status nf_chatml_end_function(nf_chatml_reader *r, nf_chat_end end) {
  const bool inside = r->inside;
  r->odd |= r->call.odd;
  nf_status st = nf_chatml_send(r, NF_CHAT_END, (nf_view){0}, end);
  if (nf_is_ok(st) && end == NF_END_CALL && r->call.stray.n) st = tell_stray(r);
  nf_chatml_enter(r, inside ? CALL : BETWEEN, true);
  r->behind = true;
  return st;
}

nf_status nf_chatml_read_function(nf_chatml_reader *r, nf_view text, nf_xml_more more, size_t *used) {
  NF_TRY(nf_xml_read(&r->call, text, more, used));
  if (r->call.out.n) {
    const nf_status st = nf_chatml_send(r, NF_CHAT_TEXT, nf_text_view(&r->call.out), 0);
    r->call.out.n = 0;
    if (!nf_is_ok(st)) return st;
  }
  return r->call.done ? nf_chatml_end_function(r, NF_END_CALL) : nf_ok();
}

// A call turns out to be a function with parameters, or it goes on as JSON.
nf_status nf_chatml_collect_call(nf_chatml_reader *r, nf_view text, size_t *used) {
  nf_view name;
  size_t n;
  *used = text.n;
  nf_text_append(&r->collected, text.at, text.n);
  NF_TRY(nf_text_status(&r->collected));
  if (nf_xml_begins(nf_text_view(&r->collected), &name, &n) != NF_BEGINS)
    return r->collected.n > CALL_MAX ? nf_chatml_tell_collected(r, BAD_CALL) : nf_ok();
  *used -= r->collected.n - n;
  nf_text header = r->collected;
  r->collected = (nf_text){0};
  const nf_status st = open_function(r, (nf_view){header.at, n}, true);
  nf_text_deinit(&header);
  return st;
}

// Where a line of the text begins with a declared function, of which models forget the <tool_call>. MAYBE:
// where one may do so.
static nf_begins find_function(const nf_chatml_reader *r, nf_view text, size_t *at, size_t *n) {
  const bool first = r->open ? r->held.n != 0 : r->place == BETWEEN;
  nf_view name;
  for (*at = 0; *at < text.n; ++*at) {
    bool declared = false;
    const bool begins_line = *at == 0 ? first : text.at[*at - 1] == '\n';
    if (text.at[*at] != '<' || !begins_line) continue;
    const nf_begins begins = nf_xml_begins((nf_view){text.at + *at, text.n - *at}, &name, n);
    if (begins == NF_BEGINS) parameters_of(r, name, &declared);
    if (begins == NF_BEGINS_MAYBE || declared) return begins;
  }
  return NF_BEGINS_NOT;
}

nf_status nf_chatml_say(nf_chatml_reader *r, nf_view text, bool last, size_t *used) {
  const bool calls = (r->place == BETWEEN || r->place == ANSWER) && !r->role.n && r->tools.root;
  size_t at = text.n, n = 0;
  const nf_begins begins = calls ? find_function(r, text, &at, &n) : NF_BEGINS_NOT;
  *used = at;
  if (begins == NF_BEGINS_MAYBE && last) *used = text.n;
  if (begins == NF_BEGINS) *used = at + n;
  NF_TRY(nf_chatml_tell(r, (nf_view){text.at, begins == NF_BEGINS ? at : *used}));
  if (begins != NF_BEGINS) return nf_ok();
  NF_TRY(nf_chatml_close(r, NF_END_MESSAGE));
  return open_function(r, (nf_view){text.at + at, n}, false);
}
