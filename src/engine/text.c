// SPDX-License-Identifier: Apache-2.0
// The public face of the tokenizer and of chat formats.
#include "base/file.h"
#include "base/memory.h"
#include "engine/engine.h"
#include <string.h>
#include <time.h>

struct infuse_tokenizer; // an nf_tokenizer under its public name

static nf_status load_tokenizer(const char *path, nf_tokenizer **out) {
  if (!nf_path_is_dir(path)) return nf_tokenizer_load(path, out);
  char *file = NULL;
  NF_TRY(nf_path_join(path, "tokenizer.json", &file));
  const nf_status st = nf_tokenizer_load(file, out);
  nf_free(file);
  return st;
}

infuse_error *infuse_tokenizer_load(const char *path, infuse_tokenizer **out) {
  return load_tokenizer(path, (nf_tokenizer **)out).error;
}
void infuse_tokenizer_destroy(infuse_tokenizer *t) { nf_tokenizer_destroy((nf_tokenizer *)t); }
const infuse_tokenizer *infuse_model_tokenizer(const infuse_model *m) {
  return (infuse_tokenizer *)m->tokenizer;
}
void infuse_free(void *p) { nf_free(p); }

static nf_status check_tokenizer(const infuse_tokenizer *t) {
  return t != NULL
             ? nf_ok()
             : nf_error(NF_BAD_INPUT, "there is no tokenizer: the model's folder has no tokenizer.json");
}

infuse_error *infuse_encode(const infuse_tokenizer *t, const char *text, size_t n, bool plain, int32_t **ids,
                            size_t *n_ids) {
  nf_ids out = {0};
  nf_status st = check_tokenizer(t);
  if (nf_is_ok(st))
    st = nf_encode((const nf_tokenizer *)t, (nf_view){text, n}, plain ? NF_ENCODE_PLAIN : 0, &out);
  if (!nf_is_ok(st)) {
    nf_ids_deinit(&out);
    return st.error;
  }
  *ids = out.at;
  *n_ids = out.n;
  return NULL;
}

infuse_error *infuse_decode(const infuse_tokenizer *t, const int32_t *ids, size_t n_ids, char **text,
                            size_t *n) {
  nf_text out = {0};
  nf_text_append(&out, "", 0); // so that an empty text is a string too
  nf_status st = check_tokenizer(t);
  if (nf_is_ok(st)) st = nf_decode((const nf_tokenizer *)t, ids, n_ids, false, &out);
  if (nf_is_ok(st)) st = nf_text_status(&out);
  if (!nf_is_ok(st)) {
    nf_text_deinit(&out);
    return st.error;
  }
  *text = out.at;
  *n = out.n;
  return NULL;
}

const char *infuse_model_chat_format(const infuse_model *m) { return m->chat != NULL ? m->chat->name : NULL; }

// ---- chat ----

static nf_status role_of(const char *name, nf_chat_role *out) {
  static const char *const names[] = {"system", "user", "assistant", "tool"}; // in nf_chat_role's order
  for (int i = 0; i < 4; i++)
    if (strcmp(name, names[i]) == 0) return *out = (nf_chat_role)i, nf_ok();
  return nf_error(NF_USAGE, "role '%s' is not known; there are system, user, assistant and tool", name);
}

static nf_status convert(const infuse_message *messages, size_t n, nf_chat_message *out) {
  for (size_t i = 0; i < n; i++) {
    NF_TRY(role_of(messages[i].role, &out[i].role), "message %zu", i);
    out[i].content = nf_view_of(messages[i].content);
  }
  return nf_ok();
}

// The reader of an answer to come; that of an answer before it has done its work.
static void expect_answer(nf_generation *g, const nf_chat_format *format, nf_chat_reader *reader) {
  if (g->reader != NULL) g->chat->reader_destroy(g->reader);
  g->chat = format;
  g->reader = reader;
  g->channel[0] = '\0';
}

static nf_status render(infuse_session *s, const nf_chat_message *messages, size_t n, nf_ids *ids) {
  const infuse_model *m = s->model;
  char date[16];
  struct tm now;
  const time_t seconds = time(NULL);
  strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&seconds, &now));
  const nf_chat chat = {.message = messages,
                        .n = n,
                        .date = nf_view_of(date),
                        .answer = true,
                        .thinking = m->thinking,
                        .think = s->generation->think};
  nf_chat_reader *reader = NULL;
  NF_TRY(m->chat->render(m->tokenizer, &chat, ids));
  NF_TRY(m->chat->reader_create(m->tokenizer, &chat, &reader));
  const nf_status st = {infuse_session_append(s, ids->at, ids->n)};
  if (nf_is_ok(st))
    expect_answer(s->generation, m->chat, reader);
  else
    m->chat->reader_destroy(reader);
  return st;
}

infuse_error *infuse_session_chat(infuse_session *s, const infuse_message *messages, size_t n) {
  if (s->model->chat == NULL)
    return nf_error(NF_USAGE, "the model has no chat format that infuse knows; give plain text").error;
  if (s->generation == NULL) return nf_error(NF_USAGE, "a chat needs a session made with .generate").error;
  nf_chat_message *own = nf_alloc(n, sizeof *own);
  nf_ids ids = {0};
  nf_status st =
      own != NULL ? convert(messages, n, own) : nf_error(NF_NO_MEMORY, "no memory for %zu messages", n);
  if (nf_is_ok(st)) st = render(s, own, n, &ids);
  nf_ids_deinit(&ids);
  nf_free(own);
  return st.error;
}
