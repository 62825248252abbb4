// SPDX-License-Identifier: Apache-2.0
// An answer as an outline: thoughts, then calls of some tools or the answer's text, in the words of the chat
// format.
#include "engine/calls.h"
#include "base/json.h"
#include "base/memory.h"
#include "text/tools.h"
#include <stdlib.h>
#include <string.h>

_Static_assert((int)NF_MARK_BYTE == (int)NF_NO_UTF8, "marks stand where text can't");

typedef struct draft {
  const nf_calling *c;
  nf_json tools;
  nf_arena arena;
  nf_piece_sequence opening[2], *part; // part: [tools + 1]
  nf_outline outline;
} draft;

static const nf_piece anything = {.kind = NF_PIECE_REGEX, .text = {"[\\s\\S]*", 7}};

static nf_status kept(const void *made) {
  return made != NULL ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for the calls of tools");
}

static nf_piece words(nf_view text) { return (nf_piece){.kind = NF_PIECE_TEXT, .text = text}; }

// ---- tools ----

static const json_t *function_at(const nf_json *tools, size_t i) {
  return nf_tool_function(json_array_get(tools->root, i));
}

static nf_view name_of(const json_t *function) {
  const json_t *name = json_object_get(function, "name");
  return (nf_view){json_string_value(name), json_string_length(name)};
}

static bool is_strict(const json_t *function) { return json_is_true(json_object_get(function, "strict")); }

// Whether it may be called.
static bool is_meant(const nf_calling *c, const json_t *function) {
  return c->only.n == 0 || nf_view_equal(name_of(function), c->only);
}

nf_status nf_calling_check(const nf_calling *c, bool *out) {
  nf_json tools;
  size_t meant = 0;
  *out = c->must;
  if (c->must && c->tools.n == 0) return nf_error(NF_USAGE, "a call is asked for, but there are no tools");
  if (c->tools.n == 0) return nf_ok();
  NF_TRY(nf_tools_parse(c->tools, &tools));
  for (size_t i = 0; i < json_array_size(tools.root); i++) {
    const json_t *f = function_at(&tools, i);
    meant += is_meant(c, f);
    *out |= is_strict(f);
  }
  nf_json_deinit(&tools);
  if (meant != 0 || !c->must) return nf_ok();
  return c->only.n == 0 ? nf_error(NF_USAGE, "a call is asked for, but there are no tools")
                        : nf_error(NF_USAGE, "'%.*s' is to be called, but no tool is called so",
                                   (int)c->only.n, c->only.at);
}

// ---- a call ----

static nf_status keep_json(draft *d, const json_t *value, nf_view *out) {
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  *out = nf_view_of(text != NULL ? nf_arena_copy(&d->arena, text, strlen(text)) : NULL);
  free(text);
  return kept(out->at);
}

// Where the name stands in a header, words end it.
static nf_status check_name(const nf_answer_form *form, nf_view name) {
  for (size_t i = 0; i < name.n && !form->quotes; i++)
    if ((uint8_t)name.at[i] <= ' ' || strchr("<>{\x7f", name.at[i]) != NULL)
      return nf_error(NF_BAD_INPUT, "tool '%.*s': byte %zu of its name can't stand in a call", (int)name.n,
                      name.at, i);
  return nf_ok();
}

// All that stands in front of the arguments.
static nf_status spell_call(draft *d, const json_t *function, nf_view *out) {
  const nf_answer_form *form = d->c->form;
  nf_view name = name_of(function);
  NF_TRY(check_name(form, name));
  if (form->quotes) {
    NF_TRY(keep_json(d, json_object_get(function, "name"), &name));
    name = (nf_view){name.at + 1, name.n - 2};
  }
  nf_text all = {0};
  nf_text_append(&all, form->call.at, form->call.n);
  nf_text_append(&all, name.at, name.n);
  nf_text_append(&all, form->arguments.at, form->arguments.n);
  nf_status st = nf_text_status(&all);
  *out = (nf_view){nf_is_ok(st) ? nf_arena_copy(&d->arena, all.at, all.n) : NULL, all.n};
  nf_text_deinit(&all);
  return nf_is_ok(st) ? kept(out->at) : st;
}

// Without a schema, or where nothing holds the model to it, any object or parameters.
static nf_status make_arguments(draft *d, const json_t *function, nf_piece *out) {
  const json_t *schema = json_object_get(function, "parameters");
  const nf_view name = name_of(function);
  const bool parameters = d->c->form->parameters;
  *out = (nf_piece){.kind = parameters ? NF_PIECE_PARAMETERS : NF_PIECE_OBJECT, .text = NF_VIEW("{}")};
  if (json_object_size(schema) == 0 || !(d->c->must || is_strict(function))) return nf_ok();
  if (!parameters) out->kind = NF_PIECE_SCHEMA;
  NF_TRY(keep_json(d, schema, &out->text));
  const char *of = nf_arena_printf(&d->arena, "tool %.*s: parameters", (int)name.n, name.at);
  out->of = nf_view_of(of);
  return kept(of);
}

static nf_status add_call(draft *d, const json_t *function) {
  nf_view begin;
  nf_piece *p = nf_arena_alloc(&d->arena, 3, sizeof *p);
  NF_TRY(kept(p));
  NF_TRY(spell_call(d, function, &begin));
  p[0] = words(begin);
  NF_TRY(make_arguments(d, function, &p[1]));
  p[2] = words(d->c->form->called);
  d->part[d->outline.n_parts++] = (nf_piece_sequence){p, 3};
  return nf_ok();
}

// ---- what stands around calls ----

// Text between two others.
static nf_status enclose(draft *d, nf_view before, nf_piece text, nf_view behind, nf_piece_sequence *out) {
  nf_piece *p = nf_arena_alloc(&d->arena, 3, sizeof *p);
  NF_TRY(kept(p));
  p[0] = words(before), p[1] = text, p[2] = words(behind);
  *out = (nf_piece_sequence){p, 3};
  return nf_ok();
}

static nf_status add_openings(draft *d) {
  const nf_calling *c = d->c;
  const nf_answer_form *form = c->form;
  nf_outline *o = &d->outline;
  o->opening = d->opening;
  o->must_open = c->in_thought;
  o->opens_again = form->thinks_again && !c->must; // one thought, and then the call
  if (c->thinks || c->in_thought)
    NF_TRY(enclose(d, c->in_thought ? NF_VIEW("") : form->think, anything, form->thought,
                   &d->opening[o->n_openings++]));
  if (!c->must && form->aside.at != NULL)
    NF_TRY(enclose(d, form->aside, anything, form->said, &d->opening[o->n_openings++]));
  return nf_ok();
}

static nf_status add_parts(draft *d) {
  const nf_calling *c = d->c;
  const nf_answer_form *form = c->form;
  const size_t n = json_array_size(d->tools.root);
  d->part = nf_arena_alloc(&d->arena, n + 1, sizeof *d->part);
  NF_TRY(kept(d->part));
  d->outline.part = d->part;
  for (size_t i = 0; i < n; i++)
    if (is_meant(c, function_at(&d->tools, i))) NF_TRY(add_call(d, function_at(&d->tools, i)));
  if (c->must) return nf_ok();
  return enclose(d, form->say, c->content != NULL ? *c->content : anything, form->answered,
                 &d->part[d->outline.n_parts++]);
}

static nf_status make(draft *d) {
  const nf_answer_form *form = d->c->form;
  NF_TRY(nf_tools_parse(d->c->tools, &d->tools));
  NF_TRY(add_openings(d));
  NF_TRY(add_parts(d));
  if (!(d->c->must && d->c->once)) d->outline.between = form->between;
  d->outline.closing = form->end;
  return nf_ok();
}

nf_status nf_calling_constrain(const nf_calling *c, nf_constraints *all, const nf_token_tree *t,
                               nf_constraint **out) {
  draft d = {.c = c};
  nf_status st = make(&d);
  if (nf_is_ok(st)) st = nf_constraints_get(all, t, &d.outline, out);
  nf_json_deinit(&d.tools);
  nf_arena_deinit(&d.arena);
  return st;
}
