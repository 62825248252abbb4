// SPDX-License-Identifier: Apache-2.0
// Items of a task: an object of JSON becomes what a model is asked, and what is right.
#include "cli/eval/reply.h"
#include "cli/eval/schema.h"
#include "cli/eval/task.h"
#include <stdlib.h>
#include <string.h>

typedef struct reader {
  eval_task *t;
  eval_item *item;
  const char *system;
  nf_json_at root;
} reader;

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for a task"); }

// ---- values ----

// A text that is not empty. NUL-terminated: jansson's texts are, and have none inside.
static nf_status read_text(const nf_json_at *at, const char **out) {
  nf_view text;
  NF_TRY(nf_json_string(at, &text));
  if (text.n == 0) return nf_json_error(at, "is empty");
  return *out = text.at, nf_ok();
}

static nf_status dump(eval_task *t, const json_t *value, const char **out) {
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  *out = text != NULL ? nf_arena_copy(&t->texts, text, strlen(text)) : NULL;
  free(text);
  return *out != NULL ? nf_ok() : no_memory();
}

// ---- messages ----

static nf_status read_call(eval_task *t, const nf_json_at *at, infuse_call *out) {
  const nf_json_at inner = nf_json_get(at, "function"), *call = inner.value != NULL ? &inner : at;
  const nf_json_at name = nf_json_get(call, "name"), arguments = nf_json_get(call, "arguments");
  NF_TRY(nf_json_object(call));
  NF_TRY(read_text(&name, &out->name));
  if (json_is_string(arguments.value)) return out->arguments = json_string_value(arguments.value), nf_ok();
  NF_TRY(nf_json_object(&arguments));
  return dump(t, arguments.value, &out->arguments);
}

static nf_status read_calls(eval_task *t, const nf_json_at *at, infuse_message *out) {
  size_t n;
  if (at->value == NULL) return nf_ok();
  NF_TRY(nf_json_array(at, &n));
  infuse_call *call = nf_arena_alloc(&t->texts, n, sizeof *call);
  if (call == NULL) return no_memory();
  for (size_t i = 0; i < n; i++) {
    const nf_json_at one = nf_json_item(at, i);
    NF_TRY(read_call(t, &one, &call[i]));
  }
  out->calls = call;
  out->n_calls = n;
  return nf_ok();
}

static nf_status check_role(const nf_json_at *at, const char *role) {
  static const char *const roles[] = {"system", "developer", "user", "assistant", "tool"};
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
    if (strcmp(role, roles[i]) == 0) return nf_ok();
  return nf_json_error(at, "'%s' is no role; there are system, developer, user, assistant, tool", role);
}

static nf_status read_message(eval_task *t, const nf_json_at *at, infuse_message *out) {
  static const char *const keys[] = {"role", "content", "name", "thinking", "tool_calls"};
  nf_json_at member[5];
  NF_TRY(nf_json_object(at));
  for (int i = 0; i < 5; i++) member[i] = nf_json_get(at, keys[i]);
  NF_TRY(read_text(&member[0], &out->role));
  NF_TRY(check_role(&member[0], out->role));
  if (member[1].value != NULL) NF_TRY(read_text(&member[1], &out->content));
  if (member[2].value != NULL) NF_TRY(read_text(&member[2], &out->name));
  if (member[3].value != NULL) NF_TRY(read_text(&member[3], &out->thoughts));
  NF_TRY(read_calls(t, &member[4], out));
  if (out->content == NULL && out->n_calls == 0) return nf_json_error(at, "wants content, or tool_calls");
  return nf_ok();
}

static bool instructs(const infuse_message *m) {
  return strcmp(m->role, "system") == 0 || strcmp(m->role, "developer") == 0;
}

// The prompt, or messages, behind the system message if there is one.
static nf_status read_messages(reader *r) {
  const nf_json_at prompt = nf_json_get(&r->root, "prompt"), list = nf_json_get(&r->root, "messages"),
                   system = nf_json_get(&r->root, "system");
  size_t n = 1;
  if ((prompt.value == NULL) == (list.value == NULL))
    return nf_json_error(&r->root, "wants \"prompt\" or \"messages\", and not both");
  if (list.value != NULL) NF_TRY(nf_json_array(&list, &n));
  if (n == 0) return nf_json_error(&list, "is empty");
  infuse_message *m = nf_arena_alloc(&r->t->texts, n + 1, sizeof *m);
  if (m == NULL) return no_memory();
  m[0] = (infuse_message){.role = "system", .content = r->system};
  if (system.value != NULL) NF_TRY(read_text(&system, &m[0].content));
  m[1].role = "user";
  if (prompt.value != NULL) NF_TRY(read_text(&prompt, &m[1].content));
  r->item->prompt = m[1].content;
  for (size_t i = 0; list.value != NULL && i < n; i++) {
    const nf_json_at one = nf_json_item(&list, i);
    NF_TRY(read_message(r->t, &one, &m[1 + i]));
  }
  if (system.value != NULL && instructs(&m[1]))
    return nf_json_error(&system, "the messages begin with one already");
  const size_t skip = m[0].content == NULL || instructs(&m[1]);
  r->item->message = m + skip;
  r->item->n_messages = n + 1 - skip;
  return nf_ok();
}

// ---- tools ----

static nf_status check_tool(const nf_json_at *at) {
  const nf_json_at inner = nf_json_get(at, "function"), *f = inner.value != NULL ? &inner : at;
  const nf_json_at name = nf_json_get(f, "name"), schema = nf_json_get(f, "parameters");
  const char *text = NULL;
  NF_TRY(nf_json_object(f));
  NF_TRY(read_text(&name, &text));
  return eval_schema_check(&schema);
}

static nf_status read_tools(reader *r) {
  const nf_json_at list = nf_json_get(&r->root, "tools");
  size_t n;
  if (list.value == NULL) return nf_ok();
  NF_TRY(nf_json_array(&list, &n));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at one = nf_json_item(&list, i);
    NF_TRY(check_tool(&one));
  }
  r->item->functions = list.value;
  return dump(r->t, list.value, &r->item->tools);
}

// ---- kinds ----

static nf_status read_exact(reader *r) {
  const nf_json_at answer = nf_json_get(&r->root, "answer");
  NF_TRY(read_messages(r));
  NF_TRY(read_tools(r));
  return read_text(&answer, &r->item->answer);
}

// What is wanted must be a call that is valid.
static nf_status read_wanted_call(reader *r) {
  const nf_json_at call = nf_json_get(&r->root, "call"), name = nf_json_get(&call, "name"),
                   arguments = nf_json_get(&call, "arguments");
  NF_TRY(read_messages(r));
  NF_TRY(read_tools(r));
  NF_TRY(nf_json_object(&call));
  NF_TRY(read_text(&name, &r->item->name));
  NF_TRY(nf_json_object(&arguments));
  const json_t *f = eval_function(r->item->functions, r->item->name);
  if (f == NULL) return nf_json_error(&name, "'%s' is not among the tools", r->item->name);
  if (!eval_admits(json_object_get(f, "parameters"), arguments.value))
    return nf_json_error(&arguments, "the tool's schema does not admit them");
  r->item->arguments = arguments.value;
  return nf_ok();
}

static nf_status read_choices(reader *r) {
  const nf_json_at list = nf_json_get(&r->root, "choices"), prompt = nf_json_get(&r->root, "prompt"),
                   answer = nf_json_get(&r->root, "answer");
  const char *text = NULL;
  size_t n;
  int64_t right;
  NF_TRY(nf_json_array(&list, &n));
  if (n < 2) return nf_json_error(&list, "wants two choices or more");
  for (size_t i = 0; i < n; i++) {
    const nf_json_at one = nf_json_item(&list, i);
    NF_TRY(read_text(&one, &text));
  }
  NF_TRY(nf_json_i64(&answer, 0, (int64_t)n - 1, &right));
  NF_TRY(read_text(&prompt, &text));
  r->item->text = nf_view_of(text);
  r->item->choices = list.value;
  r->item->right = (size_t)right;
  return nf_ok();
}

static nf_status read_whole_text(reader *r) {
  const nf_json_at at = nf_json_get(&r->root, "text");
  const char *text = NULL;
  NF_TRY(read_text(&at, &text));
  r->item->text = nf_view_of(text);
  return nf_ok();
}

static const struct {
  const char *key; // what makes an item one of the kind; the first that is there counts
  eval_kind kind;
  nf_status (*read)(reader *r);
} kinds[] = {{"text", EVAL_TEXT, read_whole_text},
             {"call", EVAL_CALL, read_wanted_call},
             {"choices", EVAL_CHOICES, read_choices},
             {"answer", EVAL_EXACT, read_exact}};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

typedef struct known_key {
  const char *name;
  unsigned kinds; // bits
} known_key;
static const known_key known_keys[] = {
    {"prompt", 1 << EVAL_EXACT | 1 << EVAL_CALL | 1 << EVAL_CHOICES},
    {"messages", 1 << EVAL_EXACT | 1 << EVAL_CALL},
    {"system", 1 << EVAL_EXACT | 1 << EVAL_CALL},
    {"tools", 1 << EVAL_EXACT | 1 << EVAL_CALL},
    {"answer", 1 << EVAL_EXACT | 1 << EVAL_CHOICES},
    {"call", 1 << EVAL_CALL},
    {"choices", 1 << EVAL_CHOICES},
    {"text", 1 << EVAL_TEXT},
    {"id", ~0u}, // of the reader of the file: not looked at
    {"task", ~0u},
};

// A key that is misspelled would change what is asked.
static nf_status check_keys(const reader *r) {
  const char *key, *names[sizeof known_keys / sizeof *known_keys];
  json_t *value;
  json_object_foreach(r->root.value, key, value) {
    size_t n = 0;
    bool taken = false;
    for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++) {
      if (!(known_keys[i].kinds & 1u << r->item->kind)) continue;
      names[n++] = known_keys[i].name;
      taken |= strcmp(key, known_keys[i].name) == 0;
    }
    const char *near = nf_nearest(key, names, n);
    if (!taken)
      return nf_json_error(&r->root, "key '%s' is not known here%s%s", key,
                           near != NULL ? "; did you mean " : "", near != NULL ? near : "");
  }
  return nf_ok();
}

nf_status eval_item_read(eval_task *t, const nf_json_at *root, const char *system, eval_item *out) {
  reader r = {.t = t, .item = out, .system = system, .root = *root};
  NF_TRY(nf_json_object(root));
  for (int i = 0; i < N_KINDS; i++) {
    const nf_json_at at = nf_json_get(&r.root, kinds[i].key);
    if (at.value == NULL) continue;
    out->kind = kinds[i].kind;
    NF_TRY(check_keys(&r));
    return kinds[i].read(&r);
  }
  return nf_json_error(root, "wants \"answer\", \"call\" or \"choices\" beside its prompt, or \"text\"");
}
