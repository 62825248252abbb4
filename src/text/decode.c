// SPDX-License-Identifier: Apache-2.0
// Ids to text: bytes go through a UTF-8 machine that never lets half a character or an invalid byte out.
#include "text/tokenizer.h"

static void replace(nf_decoder *d, nf_text *out) {
  nf_text_append(out, "\xef\xbf\xbd", 3);
  *d = (nf_decoder){0};
}

static void begin_character(nf_decoder *d, uint8_t c, nf_text *out) {
  if (c < 0xc2 || c > 0xf4) {
    replace(d, out);
    return;
  }
  *d = (nf_decoder){.held = {c}, .n = 1, .need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3, .lo = 0x80, .hi = 0xbf};
  if (c == 0xe0) d->lo = 0xa0; // no overlong forms
  if (c == 0xf0) d->lo = 0x90;
  if (c == 0xed) d->hi = 0x9f; // no surrogates
  if (c == 0xf4) d->hi = 0x8f; // nothing beyond U+10FFFF
}

static void continue_character(nf_decoder *d, uint8_t c, nf_text *out) {
  d->lo = 0x80, d->hi = 0xbf;
  if (--d->need > 0) {
    d->held[d->n++] = c;
    return;
  }
  nf_text_append(out, (const char *)d->held, d->n);
  nf_text_append(out, (const char *)&c, 1);
  *d = (nf_decoder){0};
}

void nf_decoder_bytes(nf_decoder *d, nf_view bytes, nf_text *out) {
  for (size_t i = 0; i < bytes.n; i++) {
    uint8_t c = (uint8_t)bytes.at[i];
    if (d->n && c >= d->lo && c <= d->hi) {
      continue_character(d, c, out);
      continue;
    }
    if (d->n) replace(d, out);
    size_t from = i;
    while (i < bytes.n && (uint8_t)bytes.at[i] < 0x80) i++;
    if (i > from) nf_text_append(out, bytes.at + from, i - from);
    if (i < bytes.n) begin_character(d, (uint8_t)bytes.at[i], out);
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
