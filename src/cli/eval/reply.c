// SPDX-License-Identifier: Apache-2.0
// A model's answer, and what it comes to.
#include "cli/eval/reply.h"
#include "base/memory.h"
#include "cli/eval/schema.h"
#include <ctype.h>
#include <string.h>

// ---- pieces ----

void eval_reply_deinit(eval_reply *r) {
  for (size_t i = 0; i < r->n_calls; i++) {
    nf_text_deinit(&r->call[i].name);
    nf_text_deinit(&r->call[i].arguments);
  }
  nf_free(r->call);
  nf_text_deinit(&r->thoughts);
  nf_text_deinit(&r->content);
  *r = (eval_reply){0};
}

bool eval_is_final(const infuse_piece *p) {
  const bool answers = p->role[0] == '\0' || strcmp(p->role, "assistant") == 0;
  return answers && p->recipient[0] == '\0' && (p->channel[0] == '\0' || strcmp(p->channel, "final") == 0);
}

static nf_status begin_call(eval_reply *r, const char *recipient) {
  static const char space[] = "functions."; // harmony names tools by their place in it
  const bool inside = strncmp(recipient, space, sizeof space - 1) == 0;
  const char *name = recipient + (inside ? sizeof space - 1 : 0);
  if (!nf_grow(&r->call, &r->cap_calls, r->n_calls + 1, sizeof *r->call))
    return nf_error(NF_NO_MEMORY, "no memory for a call");
  eval_call *c = &r->call[r->n_calls++];
  *c = (eval_call){0};
  nf_text_append(&c->name, name, strlen(name));
  r->open = &c->arguments;
  return nf_text_status(&c->name);
}

static nf_status begin(eval_reply *r, const infuse_piece *p) {
  if (p->recipient[0] != '\0') return begin_call(r, p->recipient);
  r->open = eval_is_final(p) ? &r->content : strcmp(p->channel, "analysis") == 0 ? &r->thoughts : NULL;
  if (r->open != NULL && r->open->n != 0) nf_text_append(r->open, "\n", 1);
  return nf_ok();
}

nf_status eval_reply_add(eval_reply *r, const infuse_piece *p) {
  if (p->begins) NF_TRY(begin(r, p));
  if (r->open == NULL) return nf_ok();
  nf_text_append(r->open, p->text, p->n);
  return nf_text_status(r->open);
}

// ---- the final answer ----

static bool trim_space(nf_view *v) {
  const size_t n = v->n;
  while (v->n != 0 && isspace((unsigned char)v->at[0])) v->at++, v->n--;
  while (v->n != 0 && isspace((unsigned char)v->at[v->n - 1])) v->n--;
  return v->n != n;
}

static bool trim_stop(nf_view *v) {
  const bool stops = v->n > 1 && v->at[v->n - 1] == '.';
  v->n -= stops;
  return stops;
}

static bool trim_quotes(nf_view *v) {
  const bool quoted = v->n > 1 && v->at[0] == v->at[v->n - 1] && strchr("\"'`", v->at[0]) != NULL;
  if (quoted) *v = (nf_view){v->at + 1, v->n - 2};
  return quoted;
}

nf_view eval_bare(nf_view text) {
  while (trim_space(&text) || trim_stop(&text) || trim_quotes(&text)) {
  }
  return text;
}

nf_view eval_final_answer(nf_view content) {
  static const char mark[] = "answer is";
  enum { N = sizeof mark - 1 };
  for (size_t i = content.n; i >= N; i--) {
    if (memcmp(content.at + i - N, mark, N) != 0) continue;
    nf_view rest = {content.at + i, content.n - i};
    trim_space(&rest);
    const char *end = memchr(rest.at, '\n', rest.n);
    return eval_bare((nf_view){rest.at, end != NULL ? (size_t)(end - rest.at) : rest.n});
  }
  return eval_bare(content);
}

// ---- calls ----

const json_t *eval_function(const json_t *functions, const char *name) {
  for (size_t i = 0; i < json_array_size(functions); i++) {
    const json_t *tool = json_array_get(functions, i), *inner = json_object_get(tool, "function");
    const json_t *f = inner != NULL ? inner : tool;
    if (strcmp(json_string_value(json_object_get(f, "name")), name) == 0) return f;
  }
  return NULL;
}

static const char *text_of(const nf_text *t) { return t->n != 0 ? t->at : ""; }

nf_status eval_judge_call(const eval_reply *r, const json_t *functions, const char *name,
                          const json_t *arguments, eval_judged *out) {
  *out = (eval_judged){0};
  if (r->n_calls != 1) return nf_ok();
  const eval_call *c = r->call;
  const json_t *f = eval_function(functions, text_of(&c->name));
  if (f == NULL) return nf_ok();
  nf_json doc;
  const nf_status st = nf_json_parse(text_of(&c->arguments), c->arguments.n, "arguments", &doc);
  if (!nf_is_ok(st)) {
    if (nf_status_code(st) == NF_NO_MEMORY) return st;
    return nf_status_free(st), nf_ok();
  }
  out->valid = json_is_object(doc.root) && eval_admits(json_object_get(f, "parameters"), doc.root);
  out->exact = out->valid && strcmp(text_of(&c->name), name) == 0 && eval_equal(doc.root, arguments);
  nf_json_deinit(&doc);
  return nf_ok();
}
