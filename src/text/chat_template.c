// SPDX-License-Identifier: Apache-2.0
// What a checkpoint's chat template tells of the model without being run: whether and how it thinks, and in
// what form it calls tools.
#include "base/file.h"
#include "base/memory.h"
#include "text/chat.h"
#include <string.h>

enum { MAX_TEMPLATE = 1 << 20, MAX_JSON = 16 << 20 }; // bytes; tokenizer_config.json lists added tokens too

// What is behind the last `what` in v; false: there is none.
static bool behind_last(nf_view v, nf_view what, nf_view *out) {
  bool found = false;
  for (const char *at; v.n && (at = memmem(v.at, v.n, what.at, what.n)); found = true) {
    v.n -= (size_t)(at - v.at) + what.n;
    v.at = at + what.n;
  }
  if (found) *out = v;
  return found;
}

static size_t count(nf_view text, nf_view what) {
  size_t n = 0;
  for (const char *at; text.n && (at = memmem(text.at, text.n, what.at, what.n)); n++) {
    text.n -= (size_t)(at - text.at) + what.n;
    text.at = at + what.n;
  }
  return n;
}

static bool has(nf_view text, const char *what) { return count(text, nf_view_of(what)) != 0; }

nf_thinking nf_chat_template_thinking(nf_view text) {
  nf_view prompt = {0}, thought, rest;
  const bool prompts = behind_last(text, NF_VIEW("add_generation_prompt"), &prompt);
  if (has(text, "enable_thinking")) {
    if (count(prompt, NF_VIEW("<think>")) <= count(prompt, NF_VIEW("</think>"))) return NF_THINKING_HYBRID;
    const bool asked = has(prompt, "enable_thinking is true") && !has(prompt, "enable_thinking is false");
    return asked ? NF_THINKING_ASKED : NF_THINKING_OPENED;
  }
  if (!prompts) return NF_THINKING_NEVER;
  const bool opened = behind_last(prompt, NF_VIEW("<think>"), &thought);
  return opened && !behind_last(thought, NF_VIEW("</think>"), &rest) ? NF_THINKING_ALWAYS : NF_THINKING_NEVER;
}

nf_tool_form nf_chat_template_form(nf_view text) {
  if (!has(text, "<function=")) return NF_TOOLS_QWEN3;
  if (has(text, "<parameters>")) return has(text, "# Tools") ? NF_TOOLS_CODER : NF_TOOLS_CODER_FIRST;
  return has(text, "args_value is mapping") ? NF_TOOLS_QWEN35 : NF_TOOLS_QWEN36;
}

static nf_status default_of(const nf_json_at *list, nf_view *out) {
  size_t n;
  NF_TRY(nf_json_array(list, &n));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(list, i);
    NF_TRY(nf_json_object(&item));
    const nf_json_at name = nf_json_get(&item, "name"), text = nf_json_get(&item, "template");
    nf_view called;
    NF_TRY(nf_json_string(&name, &called));
    if (nf_view_equal(called, NF_VIEW("default"))) return nf_json_string(&text, out);
  }
  return nf_json_error(list, "none of the %zu templates is named \"default\"", n);
}

nf_status nf_chat_template_in(const nf_json *doc, nf_view *out) {
  const nf_json_at root = nf_json_root(doc), at = nf_json_get(&root, "chat_template");
  NF_TRY(nf_json_object(&root));
  *out = (nf_view){0};
  if (!at.value) return nf_ok();
  if (json_is_array(at.value)) return default_of(&at, out);
  if (json_is_string(at.value)) return nf_json_string(&at, out);
  return nf_json_error(&at, "should be a string, or an array of objects with name and template");
}

// The template of a file, which lives as long as `text` or `doc`; empty: it has none.
static nf_status read_template(const char *path, nf_text *text, nf_json *doc, nf_view *out) {
  if (strcmp(path + strlen(path) - 5, ".json") == 0) {
    NF_TRY(nf_json_load(path, MAX_JSON, doc));
    return nf_chat_template_in(doc, out);
  }
  NF_TRY(nf_file_load(path, MAX_TEMPLATE, &text->at, &text->n));
  *out = (nf_view){text->at, text->n};
  const size_t bad = nf_utf8_check(text->at, text->n);
  return bad == text->n ? nf_ok() : nf_error(NF_BAD_INPUT, "%s: byte %zu: invalid UTF-8", path, bad);
}

static nf_status look_in(const char *path, nf_chat_template *out, bool *found) {
  nf_text text = {0};
  nf_json doc = {0};
  nf_view template = {0};
  const nf_status st = read_template(path, &text, &doc, &template);
  *found = nf_is_ok(st) && (template.n || !doc.root);
  if (*found) *out = (nf_chat_template){nf_chat_template_thinking(template), nf_chat_template_form(template)};
  nf_text_deinit(&text);
  nf_json_deinit(&doc);
  return st;
}

nf_status nf_chat_template_load(const char *dir, const nf_tokenizer *t, nf_chat_template *out) {
  static const char *const places[] = {"chat_template.jinja", "tokenizer_config.json", "chat_template.json"};
  bool found = false; // the first wins
  for (size_t i = 0; i < sizeof places / sizeof *places && !found; i++) {
    char *path = NULL;
    NF_TRY(nf_path_join(dir, places[i], &path));
    const nf_status st = nf_path_exists(path) ? look_in(path, out, &found) : nf_ok();
    nf_free(path);
    if (!nf_is_ok(st)) return st;
  }
  int32_t id;
  if (found) return nf_ok();
  const bool thinks = nf_token_id(t, NF_VIEW("<think>"), &id);
  *out = (nf_chat_template){.thinking = thinks ? NF_THINKING_HYBRID : NF_THINKING_NEVER};
  return nf_ok();
}
