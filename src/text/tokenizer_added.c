// SPDX-License-Identifier: Apache-2.0
// The added_tokens of a tokenizer.json. Their ids are given as Hugging Face's tokenizers gives them, which is
// not by "id": a token whose spelling model.vocab has is that entry, others count on from the number of its
// entries.
#include "base/keys.h"
#include "base/memory.h"
#include "text/tokenizer_internal.h"
#include "text/unicode.h"

static const nf_key added_key[] = {
    {"id content single_word lstrip rstrip special normalized", NF_KEY_USED},
};
static const nf_keys added_keys = NF_KEYS(added_key, NULL);

typedef struct reader {
  nf_tokenizer *t;
  int64_t last; // the largest id of those read so far, or -1
  size_t order;
} reader;

// A copy of the content that lives as long as the tokenizer.
static nf_status own(nf_tokenizer *t, nf_view content, nf_view *out) {
  const char *copy = nf_arena_copy(&t->contents, content.at, content.n);
  if (!copy) return nf_error(NF_NO_MEMORY, "no memory for added tokens");
  *out = (nf_view){copy, content.n};
  return nf_ok();
}

static nf_status give_id(reader *r, nf_added *token) {
  nf_vocab *v = &r->t->vocab;
  const nf_added *known = nf_added_find(&r->t->raw, token->content);
  bool found = false;
  if (!known) known = nf_added_find(&r->t->normalized, token->content);
  if (known) return token->id = known->id, nf_ok();
  NF_TRY(nf_vocab_find_spelling(v, token->content, &found, &token->id));
  if (found) return nf_ok();
  token->id = (int32_t)(r->last >= (int64_t)v->entries ? r->last + 1 : (int64_t)v->entries);
  if (token->id >= NF_TOKENS_MAX) return nf_error(NF_BAD_INPUT, "more than %d tokens", NF_TOKENS_MAX);
  return nf_vocab_add(v, (uint32_t)token->id, token->content);
}

// What comes again has the flags of its last time.
static nf_status keep(reader *r, const nf_added *token, bool normalized) {
  nf_vocab *v = &r->t->vocab;
  nf_added_set *set = normalized ? &r->t->normalized : &r->t->raw;
  nf_added *known = nf_added_find(set, token->content);
  v->token[token->id].added = true;
  v->token[token->id].special = token->special;
  if (token->id > r->last) r->last = token->id;
  return known ? *known = *token, nf_ok() : nf_added_push(set, *token);
}

static nf_status read_added(reader *r, const nf_json_at *at) {
  nf_added token = {.order = r->order++};
  bool normalized;
  int64_t id;
  NF_TRY(nf_json_object(at));
  NF_TRY(nf_keys_refuse(at, &added_keys));
  nf_json_at content = nf_json_get(at, "content"), id_at = nf_json_get(at, "id");
  NF_TRY(nf_json_string(&content, &token.content));
  NF_TRY(nf_json_i64(&id_at, 0, NF_TOKENS_MAX - 1, &id));
  NF_TRY(nf_tokenizer_read_flag(at, "single_word", false, &token.single_word));
  NF_TRY(nf_tokenizer_read_flag(at, "lstrip", false, &token.lstrip));
  NF_TRY(nf_tokenizer_read_flag(at, "rstrip", false, &token.rstrip));
  NF_TRY(nf_tokenizer_read_flag(at, "special", false, &token.special));
  NF_TRY(nf_tokenizer_read_flag(at, "normalized", !token.special, &normalized));
  if (token.content.n == 0) return nf_ok(); // no text is found anywhere
  NF_TRY(own(r->t, token.content, &token.content));
  NF_TRY(give_id(r, &token));
  if (id != token.id)
    nf_json_log(&id_at, NF_LOG_WARNING, "%ld is not obeyed: the token has id %d, as tokenizers gives it",
                (long)id, token.id);
  return keep(r, &token, normalized);
}

nf_status nf_tokenizer_read_added(nf_tokenizer *t, const nf_json_at *root) {
  reader r = {.t = t, .last = -1};
  nf_json_at list = nf_json_get(root, "added_tokens");
  size_t n;
  if (!list.value) return nf_ok();
  NF_TRY(nf_json_array(&list, &n));
  for (size_t i = 0; i < n; i++) {
    nf_json_at item = nf_json_item(&list, i);
    NF_TRY(read_added(&r, &item));
  }
  return nf_ok();
}

// Contents of a set as they are looked for: in form C.
static nf_status normalise(nf_tokenizer *t, nf_added_set *s) {
  nf_text buffer = {0};
  nf_status st = nf_ok();
  for (size_t i = 0; i < s->n && nf_is_ok(st); i++) {
    nf_view content = s->token[i].content;
    st = nf_nfc(content, &buffer, &content);
    if (nf_is_ok(st)) st = own(t, content, &s->token[i].content);
  }
  nf_text_deinit(&buffer);
  return st;
}

nf_status nf_tokenizer_finish_added(nf_tokenizer *t) {
  if (t->nfc) NF_TRY(normalise(t, &t->normalized));
  nf_added_sort(&t->raw);
  nf_added_sort(&t->normalized);
  return nf_ok();
}
