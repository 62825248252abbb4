// SPDX-License-Identifier: Apache-2.0
// Prompts and their bodies.
#include "cli/load/prompts.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "cli/load/words.h"
#include <stdlib.h>
#include <string.h>

enum { OUTPUT = 128 }; // tokens of an answer where nothing else says it
// What of ShareGPT is of use, as vLLM takes it.
enum { LEAST = 4, MOST_PROMPT = 1024, MOST_BOTH = 2048 };
static const size_t most_file = (size_t)2 << 30;

typedef struct line { // of a file
  nf_view prompt, reply;
  int64_t out; // 0: not told
} line;

struct load_prompts {
  load_prompts_options o;
  load_tokens tokens;
  load_words words;
  json_t *prefix_ids;
  nf_text prefix;
  int64_t prefix_tokens; // of the text
  nf_json doc;           // the file
  char *file;
  json_t *list; // of it; borrowed where the document is one, else ours
  size_t *order, next;
};

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for prompts"); }

void load_prompt_deinit(load_prompt *p) {
  free(p->body);
  *p = (load_prompt){0};
}

// ---- bodies ----

static bool put_lengths(const load_prompts *p, json_t *body, int64_t out) {
  return nf_json_put(body, p->o.chat ? "max_completion_tokens" : "max_tokens", json_integer(out));
}

// `prompt` is taken: ids or text.
static json_t *body_of(const load_prompts *p, json_t *prompt, int64_t out) {
  json_t *body = json_pack("{s:s, s:b, s:{s:b}}", "model", p->o.model, "stream", 1, "stream_options",
                           "include_usage", 1);
  bool ok = p->o.chat
                ? nf_json_put(body, "messages", json_pack("[{s:s, s:o}]", "role", "user", "content", prompt))
                : nf_json_put(body, "prompt", prompt);
  ok = ok && put_lengths(p, body, out) && json_object_update(body, (json_t *)p->o.fields) == 0;
  return nf_json_whole(body, ok);
}

static nf_status write_body(const load_prompts *p, json_t *prompt, load_prompt *out) {
  json_t *body = body_of(p, prompt, out->out);
  out->body = json_dumps(body, JSON_COMPACT);
  json_decref(body);
  if (out->body == NULL) return no_memory();
  out->n_body = strlen(out->body);
  return nf_ok();
}

static int64_t draw_length(const load_prompts *p, load_lengths l) {
  return nf_random_between(p->o.random, l.lo, l.hi);
}

// ---- random ----

static nf_status draw_ids(load_prompts *p, int64_t n, load_prompt *out) {
  json_t *ids = json_copy(p->prefix_ids);
  if (ids == NULL) return no_memory();
  const nf_status st = load_words_ids(&p->words, p->o.random, n, ids);
  out->in = p->o.prefix + n;
  if (nf_is_ok(st)) return write_body(p, ids, out);
  json_decref(ids);
  return st;
}

static nf_status draw_text(load_prompts *p, int64_t n, load_prompt *out) {
  nf_text text = {0};
  nf_text_append(&text, p->prefix.at, p->prefix.n);
  nf_status st = load_words_text(&p->words, p->o.random, n, &text, &out->in);
  out->in += p->prefix_tokens;
  if (nf_is_ok(st)) st = write_body(p, json_stringn(text.at, text.n), out);
  nf_text_deinit(&text);
  return st;
}

static nf_status draw_random(load_prompts *p, load_prompt *out) {
  const int64_t n = draw_length(p, p->o.in);
  const load_lengths usual = {OUTPUT, OUTPUT};
  out->out = draw_length(p, p->o.out.lo != 0 ? p->o.out : usual);
  return p->o.chat ? draw_text(p, n, out) : draw_ids(p, n, out);
}

static nf_status begin_random(load_prompts *p) {
  NF_TRY(load_words_init(&p->words, &p->tokens, !p->o.chat));
  p->prefix_ids = json_array();
  if (p->prefix_ids == NULL) return no_memory();
  if (!p->o.chat) return load_words_ids(&p->words, p->o.random, p->o.prefix, p->prefix_ids);
  return load_words_text(&p->words, p->o.random, p->o.prefix, &p->prefix, &p->prefix_tokens);
}

// ---- files ----

static nf_status read_sharegpt(const nf_json_at *item, line *out) {
  const nf_json_at turns = nf_json_get(item, "conversations");
  size_t n;
  NF_TRY(nf_json_array(&turns, &n));
  if (n < 2) return nf_ok(); // nothing was answered
  const nf_json_at asked = nf_json_item(&turns, 0), answered = nf_json_item(&turns, 1);
  const nf_json_at prompt = nf_json_get(&asked, "value"), reply = nf_json_get(&answered, "value");
  NF_TRY(nf_json_string(&prompt, &out->prompt));
  return nf_json_string(&reply, &out->reply);
}

static nf_status read_custom(const nf_json_at *item, line *out) {
  const nf_json_at prompt = nf_json_get(item, "prompt"), tokens = nf_json_get(item, "output_tokens");
  if (tokens.value != NULL) NF_TRY(nf_json_i64(&tokens, 1, 1 << 24, &out->out));
  return nf_json_string(&prompt, &out->prompt);
}

static nf_status read_line(const load_prompts *p, size_t i, line *out) {
  const nf_json_at root = {.doc = &p->doc, .value = p->list}, item = nf_json_item(&root, i);
  *out = (line){0};
  return p->o.dataset == LOAD_SHAREGPT ? read_sharegpt(&item, out) : read_custom(&item, out);
}

static nf_status count(const load_prompts *p, nf_view text, int64_t *out) {
  int32_t *ids = NULL;
  size_t n = 0;
  NF_TRY(load_encode(&p->tokens, text, &ids, &n));
  infuse_free(ids);
  *out = (int64_t)n;
  return nf_ok();
}

static int64_t given_output(const load_prompts *p) { return p->o.out.lo != 0 ? draw_length(p, p->o.out) : 0; }

// *fits false: it is too short or too long.
static nf_status measure(const load_prompts *p, const line *l, load_prompt *out, bool *fits) {
  out->out = given_output(p);
  if (p->o.dataset == LOAD_CUSTOM) {
    out->out = l->out != 0 ? l->out : out->out != 0 ? out->out : OUTPUT;
    *fits = l->prompt.n != 0;
    return nf_ok(); // what it is in tokens the server tells
  }
  *fits = false;
  if (l->prompt.n == 0) return nf_ok();
  NF_TRY(count(p, l->prompt, &out->in));
  if (out->out == 0) NF_TRY(count(p, l->reply, &out->out));
  *fits = out->in >= LEAST && out->out >= LEAST && out->in <= MOST_PROMPT && out->in + out->out <= MOST_BOTH;
  return nf_ok();
}

static nf_status draw_line(load_prompts *p, load_prompt *out) {
  const size_t n = json_array_size(p->list);
  for (size_t tried = 0; tried < n; tried++, p->next++) {
    line l;
    bool fits;
    NF_TRY(read_line(p, p->order[p->next % n], &l));
    NF_TRY(measure(p, &l, out, &fits));
    if (!fits) continue;
    p->next++;
    return write_body(p, json_stringn(l.prompt.at, l.prompt.n), out);
  }
  return nf_error(NF_BAD_INPUT, "%s: none of its %zu prompts can be used", p->o.path, n);
}

// A value a line, as an array.
static nf_status load_lines(load_prompts *p) {
  size_t n, number = 1;
  NF_TRY(nf_file_load(p->o.path, most_file, &p->file, &n));
  p->list = json_array();
  for (const char *at = p->file, *end = at + n, *stop; at < end; at = stop + 1, number++) {
    stop = memchr(at, '\n', (size_t)(end - at));
    if (stop == NULL) stop = end;
    if ((size_t)(stop - at) <= strspn(at, " \t\r\n")) continue;
    nf_json j = {0};
    NF_TRY(nf_json_parse(at, (size_t)(stop - at), p->o.path, &j), "line %zu", number);
    const bool ok = nf_json_push(p->list, json_incref(j.root));
    nf_json_deinit(&j);
    if (!ok) return no_memory();
  }
  return nf_ok();
}

static nf_status load_array(load_prompts *p) {
  size_t n;
  NF_TRY(nf_json_load(p->o.path, most_file, &p->doc));
  const nf_json_at root = nf_json_root(&p->doc);
  p->list = json_incref(p->doc.root);
  return nf_json_array(&root, &n);
}

static nf_status begin_file(load_prompts *p) {
  NF_TRY(p->o.dataset == LOAD_SHAREGPT ? load_array(p) : load_lines(p));
  const size_t n = json_array_size(p->list);
  NF_TRY(nf_make(&p->order, n, sizeof *p->order, "the order of prompts"));
  for (size_t i = 0; i < n; i++) { // shuffled
    const size_t j = (size_t)(nf_random(p->o.random) % (i + 1));
    p->order[i] = p->order[j];
    p->order[j] = i;
  }
  return nf_ok();
}

// ---- all ----

nf_status load_prompts_draw(load_prompts *p, load_prompt *out) {
  *out = (load_prompt){0};
  const nf_status st = p->o.dataset == LOAD_RANDOM ? draw_random(p, out) : draw_line(p, out);
  if (!nf_is_ok(st)) load_prompt_deinit(out);
  return st;
}

static nf_status begin(load_prompts *p) {
  NF_TRY(load_tokens_init(&p->tokens, p->o.tokenizer, p->o.client, p->o.model));
  return p->o.dataset == LOAD_RANDOM ? begin_random(p) : begin_file(p);
}

nf_status load_prompts_create(const load_prompts_options *o, load_prompts **out) {
  load_prompts *p = NULL;
  NF_TRY(nf_make(&p, 1, sizeof *p, "prompts"));
  p->o = *o;
  const nf_status st = begin(p);
  if (nf_is_ok(st))
    *out = p;
  else
    load_prompts_destroy(p);
  return st;
}

void load_prompts_destroy(load_prompts *p) {
  if (p == NULL) return;
  load_tokens_deinit(&p->tokens);
  load_words_deinit(&p->words);
  json_decref(p->prefix_ids);
  json_decref(p->list);
  nf_text_deinit(&p->prefix);
  nf_json_deinit(&p->doc);
  nf_free(p->file);
  nf_free(p->order);
  nf_free(p);
}
