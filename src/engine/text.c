// SPDX-License-Identifier: Apache-2.0
// The public face of the tokenizer.
#include "base/file.h"
#include "base/memory.h"
#include "engine/engine.h"
#include <string.h>

struct infuse_tokenizer; // an nf_tokenizer under its public name

static nf_status load_tokenizer(const nf_log *log, const char *path, nf_tokenizer **out) {
  if (!nf_path_is_dir(path)) return nf_tokenizer_load_logged(path, log, out);
  char *file = NULL;
  NF_TRY(nf_path_join(path, "tokenizer.json", &file));
  const nf_status st = nf_tokenizer_load_logged(file, log, out);
  nf_free(file);
  return st;
}

static nf_status check_tokenizer(const infuse_tokenizer *t) {
  return t != NULL ? nf_ok()
                   : nf_error(NF_BAD_INPUT,
                              "there is no tokenizer: the model's folder has no tokenizer.json that loads");
}

infuse_error *infuse_tokenizer_load_logged(const infuse_runtime *rt, const char *path,
                                           infuse_tokenizer **out) {
  NF_TELL(NF_GIVEN({"path", path != NULL}, {"result", out != NULL}));
  return load_tokenizer(rt != NULL ? &rt->log : NULL, path, (nf_tokenizer **)out).error;
}
void infuse_tokenizer_destroy(infuse_tokenizer *t) { nf_tokenizer_destroy((nf_tokenizer *)t); }
const infuse_tokenizer *infuse_model_tokenizer(const infuse_model *m) {
  return m != NULL ? (infuse_tokenizer *)m->tokenizer : NULL;
}
infuse_error *infuse_model_check_text(const infuse_model *m) {
  NF_TELL(NF_GIVEN({"model", m != NULL}));
  if (m->tokenizer != NULL) return NULL;
  if (!nf_is_ok(m->broken_text)) return nf_status_copy(m->broken_text).error;
  return check_tokenizer(NULL).error;
}
void infuse_free(void *p) { nf_free(p); }

infuse_error *infuse_encode(const infuse_tokenizer *t, const char *text, size_t n, unsigned flags,
                            int32_t **ids, size_t *n_ids) {
  nf_ids out = {0};
  NF_TELL(check_tokenizer(t));
  NF_TELL(
      NF_GIVEN({"text", text != NULL || n == 0}, {"result", ids != NULL}, {"result's count", n_ids != NULL}));
  const unsigned own = (flags & INFUSE_ENCODE_PLAIN ? NF_ENCODE_PLAIN : 0) |
                       (flags & INFUSE_ENCODE_BARE ? 0 : NF_ENCODE_TEMPLATE);
  const nf_status st = nf_encode((const nf_tokenizer *)t, (nf_view){text, n}, own, &out);
  if (!nf_is_ok(st)) return nf_ids_deinit(&out), st.error;
  *ids = out.at;
  *n_ids = out.n;
  return NULL;
}

static nf_status check_ids(const nf_tokenizer *t, const int32_t *ids, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (nf_token_bytes(t, ids[i]).n == 0)
      return nf_error(NF_BAD_INPUT, "id %d at index %zu stands for no token; the tokenizer has ids 0 to %d",
                      ids[i], i, nf_tokenizer_vocab_size(t) - 1);
  return nf_ok();
}

const char *infuse_token_bytes(const infuse_tokenizer *t, int32_t id, size_t *n) {
  const nf_view bytes = t != NULL ? nf_token_bytes((const nf_tokenizer *)t, id) : (nf_view){0};
  if (n != NULL) *n = bytes.n;
  return bytes.n != 0 ? bytes.at : NULL;
}

infuse_error *infuse_decode(const infuse_tokenizer *t, const int32_t *ids, size_t n_ids, char **text,
                            size_t *n) {
  nf_text out = {0};
  NF_TELL(check_tokenizer(t));
  NF_TELL(NF_GIVEN({"list of ids", ids != NULL || n_ids == 0}, {"result", text != NULL},
                   {"result's length", n != NULL}));
  NF_TELL(check_ids((const nf_tokenizer *)t, ids, n_ids));
  nf_text_append(&out, "", 0); // so that an empty text is a string too
  nf_status st = nf_decode((const nf_tokenizer *)t, ids, n_ids, false, &out);
  if (nf_is_ok(st)) st = nf_text_status(&out);
  if (!nf_is_ok(st)) return nf_text_deinit(&out), st.error;
  *text = out.at;
  *n = out.n;
  return NULL;
}
