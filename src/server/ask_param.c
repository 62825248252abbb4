// SPDX-License-Identifier: Apache-2.0
// Which field of a body an error is about that is found only where the request is computed: by what the
// library's messages begin with.
#include "base/text.h"
#include "server/ask.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

// "properties.a.type: is …": the path, where there is one. Places within a text are none.
static nf_view path_in(const char *message) {
  const char *end = strstr(message, ": ");
  if (end == NULL || strncmp(message, "line ", 5) == 0 || strncmp(message, "byte ", 5) == 0)
    return (nf_view){"", 0};
  return (nf_view){message, (size_t)(end - message)};
}

static void append_path(nf_text *out, nf_view path) {
  nf_text_printf(out, "%s%.*s", path.n != 0 && path.at[0] != '[' && path.at[0] != '.' ? "." : "", (int)path.n,
                 path.at);
}

// Tools are kept as chats have them; a response's have no object around the function.
static void name_function(const nf_ask *a, size_t i, nf_text *out) {
  nf_text_printf(out, "tools[%zu]%s", i, a->kind == NF_ASK_CHAT ? ".function" : "");
}

static void in_tools(const nf_ask *a, const char *rest,
                     nf_text *out) { // "[0].function.name: "
  static const char inner[] = "].function";
  char *end = NULL;
  const long i = *rest == '[' ? strtol(rest + 1, &end, 10) : -1;
  if (i < 0 || strncmp(end, inner, sizeof inner - 1) != 0) return nf_text_append(out, "tools", 5);
  name_function(a, (size_t)i, out);
  append_path(out, path_in(end + sizeof inner - 1));
}

// What stands behind `name`; NULL: the text does not begin with it.
static const char *behind(const char *text, const char *name) {
  const size_t n = strlen(name);
  return strncmp(text, name, n) == 0 ? text + n : NULL;
}

// A client's own word as messages spell it.
__attribute__((format(printf, 2, 3))) static const char *spelled(char out[NF_LINE], const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  nf_line(out, fmt, args);
  va_end(args);
  return out;
}

// "f: parameters: schema: properties…", or of the name itself "'f': …".
static bool is_of_tool(const nf_ask *a, size_t i, const char *rest, nf_text *out) {
  const json_t *f = json_object_get(json_array_get(a->tools, i), "function");
  const bool quoted = rest[0] == '\'';
  char name[NF_LINE];
  const char *what =
      behind(rest + quoted, spelled(name, "%s", json_string_value(json_object_get(f, "name"))));
  if (what == NULL || *what != (quoted ? '\'' : ':')) return false;
  name_function(a, i, out);
  nf_text_printf(out, "%s", quoted ? ".name" : ".parameters");
  const char *schema = behind(what, ": parameters: schema: ");
  if (schema != NULL) append_path(out, path_in(schema));
  return true;
}

static void in_tool(const nf_ask *a, const char *rest, nf_text *out) {
  for (size_t i = 0; i < json_array_size(a->tools); i++)
    if (is_of_tool(a, i, rest, out)) return;
  nf_text_append(out, "tools", 5);
}

// Without a shape it is of calls that nobody could write. It is known of which tool where only one may be
// called.
static void in_constraint(const nf_ask *a, const char *rest, nf_text *out) {
  (void)rest;
  const size_t n = json_array_size(a->tools);
  size_t called = 0;
  if (a->shape_at != NULL) return nf_text_printf(out, "%s", a->shape_at);
  for (size_t i = 0; a->tool != NULL && i < n; i++) {
    const json_t *f = json_object_get(json_array_get(a->tools, i), "function");
    if (strcmp(json_string_value(json_object_get(f, "name")), a->tool) == 0) called = i;
  }
  if (n == 1 || a->tool != NULL) {
    name_function(a, called, out);
    nf_text_printf(out, ".parameters");
  } else if (n != 0) {
    nf_text_printf(out, "tools");
  }
}

static bool is_object(const char *text) {
  nf_json j;
  nf_status st = nf_json_parse_nul(text, strlen(text), "", &j);
  const bool ok = nf_is_ok(st) && json_is_object(j.root);
  nf_status_free(st);
  nf_json_deinit(&j);
  return ok;
}

// Calls are kept as chats have them, too; a response's are items, which instructions stand before.
static void name_arguments(const nf_ask *a, size_t message, size_t call, nf_text *out) {
  const nf_json_at body = nf_json_root(&a->body), instructions = nf_json_get(&body, "instructions");
  if (a->kind == NF_ASK_CHAT)
    nf_text_printf(out, "messages[%zu].tool_calls[%zu].function.arguments", message, call);
  else
    nf_text_printf(out, "input[%zu].arguments", message - (instructions.value != NULL));
}

// "1: call of f: arguments: …": of the first such call from there on whose arguments are none.
static void in_message(const nf_ask *a, const char *rest, nf_text *out) {
  char begins[NF_LINE], *end;
  for (size_t i = strtoul(rest, &end, 10); i < a->n_messages; i++)
    for (size_t k = 0; k < a->message[i].n_calls; k++) {
      const infuse_call *call = &a->message[i].calls[k];
      if (behind(end, spelled(begins, ": call of %s: arguments: ", call->name)) == NULL) continue;
      if (call->arguments == NULL || *call->arguments == 0 || is_object(call->arguments)) continue;
      return name_arguments(a, i, k, out);
    }
}

static const struct {
  const char *begins;
  const char *field, *response; // the latter where a response calls it otherwise; neither: the answer's shape
  enum { ITSELF, PATH, KEY, INDEX } what; // of the field; all but the first by what follows
  void (*name)(const nf_ask *a, const char *rest, nf_text *out); // instead
} row[] = {
    {"schema: ", .what = PATH},
    {"regex: ", .what = ITSELF},
    {"choice ", .what = INDEX},
    {"the constraint ", .name = in_constraint},
    {"message ", .name = in_message},
    {"tools: ", .name = in_tools},
    {"tool ", .name = in_tool},
    {"logit_bias names id ", "logit_bias", .what = KEY},
    {"stop token ", "stop_token_ids", .what = INDEX},
    {"reasoning effort ", "reasoning_effort", "reasoning.effort"},
    {"a reasoning effort ", "reasoning_effort", "reasoning.effort"},
    {"thinking ", "chat_template_kwargs.enable_thinking"},
    {"no thinking ", "chat_template_kwargs.enable_thinking"},
};

static const char *field_of(const nf_ask *a, size_t i) {
  if (row[i].response != NULL && a->kind == NF_ASK_RESPONSE) return row[i].response;
  return row[i].field != NULL ? row[i].field : a->shape_at;
}

nf_status nf_ask_param(const nf_ask *a, const char *message, nf_text *out) {
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    const size_t n = strlen(row[i].begins);
    const char *rest = message + n;
    if (strncmp(message, row[i].begins, n) != 0) continue;
    if (row[i].name != NULL) return row[i].name(a, rest, out), nf_text_status(out);
    if (field_of(a, i) == NULL) return nf_ok();
    nf_text_printf(out, "%s", field_of(a, i));
    if (row[i].what == PATH) append_path(out, path_in(rest));
    if (row[i].what == KEY) nf_text_printf(out, ".%ld", strtol(rest, NULL, 10));
    if (row[i].what == INDEX) nf_text_printf(out, "[%ld]", strtol(rest, NULL, 10));
    break;
  }
  return nf_text_status(out);
}
