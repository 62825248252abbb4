// SPDX-License-Identifier: Apache-2.0
// A tokenizer's life, its look-ups, encoding (added tokens, form C, added tokens again, pieces, merges), and
// decoding, which never lets half a character or an invalid byte out.
#include "base/file.h"
#include "base/memory.h"
#include "text/tokenizer_internal.h"
#include "text/unicode.h"
#include "text/vocab.h"
#include <string.h>

static const size_t file_max = (size_t)512 << 20;

static nf_status read_all(nf_tokenizer *t, nf_json_reader *r, const nf_log *log, nf_json *doc) {
  nf_json_cut cut[] = {{"model", "vocab", .skip = true}, {"model", "merges", .skip = true}};
  NF_TRY(nf_json_parse_cut(r->text, r->n, r->where, cut, 2, doc));
  doc->log = log;
  NF_TRY(nf_tokenizer_check_type(doc)); // other types have no merges, or another vocabulary
  for (int i = 0; i < 2; i++)
    if (!cut[i].n) return nf_error(NF_BAD_INPUT, "%s: model.%s is missing", r->where, cut[i].key);
  r->at = cut[0].at;
  NF_TRY(nf_vocab_read(&t->vocab, r));
  r->at = cut[1].at;
  NF_TRY(nf_merges_read(&t->vocab, r));
  return nf_tokenizer_read_rest(t, doc);
}

static nf_status parse(nf_view json, const char *where, const nf_log *log, nf_tokenizer **out) {
  nf_tokenizer *t = nf_alloc(1, sizeof *t);
  if (!t) return nf_error(NF_NO_MEMORY, "no memory for a tokenizer");
  nf_json_reader r = {.text = json.at, .n = json.n, .where = where};
  nf_json doc = {0};
  nf_status st = read_all(t, &r, log, &doc);
  nf_json_deinit(&doc);
  nf_text_deinit(&r.decoded);
  if (nf_is_ok(st))
    *out = t;
  else
    nf_tokenizer_destroy(t);
  return st;
}

nf_status nf_tokenizer_parse(const char *json, size_t n, const char *where, nf_tokenizer **out) {
  return parse((nf_view){json, n}, where, NULL, out);
}

nf_status nf_tokenizer_load_logged(const char *path, const nf_log *log, nf_tokenizer **out) {
  char *json;
  size_t n;
  NF_TRY(nf_file_load(path, file_max, &json, &n));
  nf_status st = parse((nf_view){json, n}, path, log, out);
  nf_free(json);
  return st;
}

nf_status nf_tokenizer_load(const char *path, nf_tokenizer **out) {
  return nf_tokenizer_load_logged(path, NULL, out);
}

void nf_tokenizer_destroy(nf_tokenizer *t) {
  if (!t) return;
  nf_vocab_deinit(&t->vocab);
  nf_added_deinit(&t->raw);
  nf_added_deinit(&t->normalized);
  nf_arena_deinit(&t->contents);
  for (size_t i = 0; i < NF_SPLITS_MAX; i++) nf_split_deinit(&t->split[i]);
  nf_ids_deinit(&t->before);
  nf_ids_deinit(&t->behind);
  nf_free(t);
}

int32_t nf_tokenizer_vocab_size(const nf_tokenizer *t) { return (int32_t)t->vocab.n; }

size_t nf_tokenizer_bytes(const nf_tokenizer *t) {
  const nf_vocab *v = &t->vocab;
  return sizeof *t + v->blob_cap + v->cap * sizeof *v->token + v->slots * sizeof *v->slot +
         v->merge_slots * sizeof *v->merge + (t->raw.cap + t->normalized.cap) * sizeof(nf_added);
}

nf_view nf_token_bytes(const nf_tokenizer *t, int32_t id) {
  if (id < 0 || (size_t)id >= t->vocab.n) return (nf_view){"", 0};
  return (nf_view){t->vocab.blob + t->vocab.token[id].at, t->vocab.token[id].n};
}

bool nf_token_is_special(const nf_tokenizer *t, int32_t id) {
  return id >= 0 && (size_t)id < t->vocab.n && t->vocab.token[id].special;
}

bool nf_token_is_added(const nf_tokenizer *t, int32_t id) {
  return id >= 0 && (size_t)id < t->vocab.n && (t->vocab.token[id].added || t->vocab.token[id].special);
}

bool nf_token_id(const nf_tokenizer *t, nf_view bytes, int32_t *out) {
  const nf_added *added = nf_added_find(&t->raw, bytes);
  if (!added) added = nf_added_find(&t->normalized, bytes);
  return added ? *out = added->id, true : nf_vocab_find(&t->vocab, bytes.at, bytes.n, out);
}

nf_status nf_ids_push(nf_ids *ids, int32_t id) {
  if (!nf_grow(&ids->at, &ids->cap, ids->n + 1, sizeof *ids->at))
    return nf_error(NF_NO_MEMORY, "no memory for ids");
  ids->at[ids->n++] = id;
  return nf_ok();
}

void nf_ids_deinit(nf_ids *ids) {
  nf_free(ids->at);
  *ids = (nf_ids){0};
}

typedef struct encoding {
  const nf_tokenizer *t;
  bool plain;
  nf_split_work split;
  nf_bpe_work bpe;
  nf_text normal; // the span in form C
  nf_ids *out;
} encoding;

static nf_status encode_piece(void *user, nf_view piece) {
  encoding *e = user;
  int32_t id;
  if (e->t->ignore_merges && nf_vocab_find(&e->t->vocab, piece.at, piece.n, &id))
    return nf_ids_push(e->out, id);
  return nf_bpe_piece(&e->t->vocab, &e->bpe, piece, e->out);
}

static nf_status encode_normalized(void *user, nf_view part, int32_t id) {
  encoding *e = user;
  if (id >= 0) return nf_ids_push(e->out, id);
  return nf_split_run(e->t->split, e->t->splits, &e->split, part, encode_piece, e);
}

static nf_status encode_raw(void *user, nf_view part, int32_t id) {
  encoding *e = user;
  if (id >= 0) return nf_ids_push(e->out, id);
  if (e->t->nfc) NF_TRY(nf_nfc(part, &e->normal, &part));
  return nf_added_split(&e->t->normalized, part, e->plain, encode_normalized, e);
}

static nf_status append_ids(nf_ids *out, const nf_ids *more) {
  for (size_t i = 0; i < more->n; i++) NF_TRY(nf_ids_push(out, more->at[i]));
  return nf_ok();
}

static nf_status encode_text(encoding *e, nf_view text, bool template) {
  if (template) NF_TRY(append_ids(e->out, &e->t->before));
  NF_TRY(nf_split_work_init(&e->split, e->t->splits, text.n));
  NF_TRY(nf_added_split(&e->t->raw, text, e->plain, encode_raw, e));
  return template ? append_ids(e->out, &e->t->behind) : nf_ok();
}

nf_status nf_encode(const nf_tokenizer *t, nf_view text, unsigned flags, nf_ids *out) {
  if (text.n > NF_ENCODE_MAX)
    return nf_error(NF_BAD_INPUT, "a text of %zu bytes; at most %zu", text.n, NF_ENCODE_MAX);
  size_t bad = nf_utf8_check(text.at, text.n), before = out->n;
  if (bad < text.n) return nf_error(NF_BAD_INPUT, "text: byte %zu: invalid UTF-8", bad);
  encoding e = {.t = t, .plain = flags & NF_ENCODE_PLAIN, .out = out};
  nf_status st = encode_text(&e, text, flags & NF_ENCODE_TEMPLATE);
  nf_split_work_deinit(&e.split);
  nf_bpe_work_deinit(&e.bpe);
  nf_text_deinit(&e.normal);
  if (!nf_is_ok(st)) out->n = before;
  return st;
}

// ---- ids to text ----

static void replace(nf_decoder *d, nf_text *out) {
  nf_text_append(out, "\xef\xbf\xbd", 3);
  d->n = 0;
}

// Whether bytes may follow with which what is held is a character.
static bool may_continue(const nf_decoder *d) {
  const unsigned char lead = (unsigned char)d->held[0];
  char whole[4] = "\x80\x80\x80\x80";
  memcpy(whole, d->held, d->n);
  return d->n == 1 ? lead >= 0xc2 && lead <= 0xf4 : nf_utf8_length(whole, sizeof whole) > d->n;
}

void nf_decoder_bytes(nf_decoder *d, nf_view bytes, nf_text *out) {
  for (size_t i = 0; i < bytes.n;) {
    const size_t whole = d->n ? 0 : nf_utf8_check(bytes.at + i, bytes.n - i);
    if (whole) nf_text_append(out, bytes.at + i, whole);
    i += whole;
    if (i == bytes.n) return;
    d->held[d->n++] = bytes.at[i++];
    if (nf_utf8_length(d->held, d->n)) {
      nf_text_append(out, d->held, d->n);
      d->n = 0;
    } else if (!may_continue(d)) {
      i -= d->n > 1; // the byte that does not fit is looked at anew
      replace(d, out);
    }
  }
}

void nf_decoder_end(nf_decoder *d, nf_text *out) {
  if (d->n) replace(d, out);
}

void nf_decode_step(const nf_tokenizer *t, nf_decoder *d, int32_t id, bool skip_special, nf_text *out) {
  if (!(skip_special && nf_token_is_special(t, id))) nf_decoder_bytes(d, nf_token_bytes(t, id), out);
}

nf_status nf_decode(const nf_tokenizer *t, const int32_t *ids, size_t n, bool skip_special, nf_text *out) {
  nf_decoder d = {0};
  for (size_t i = 0; i < n; i++) nf_decode_step(t, &d, ids[i], skip_special, out);
  nf_decoder_end(&d, out);
  return nf_text_status(out);
}
