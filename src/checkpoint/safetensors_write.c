// SPDX-License-Identifier: Apache-2.0
// Writing a safetensors file. Tensors are laid out widest element first, so that each is aligned to its
// element; the header is padded so that the data begin at a multiple of 8.
#include "base/checked.h"
#include "checkpoint/safetensors.h"
#include <string.h>

enum { PREFIX = 8 };

static nf_status measure(const char *path, nf_stored *t, int *out_bits) {
  const nf_stored_kind *kind = nf_stored_kind_of(NULL, t->dtype);
  if (!kind || t->rank < 0 || t->rank > NF_STORED_RANK)
    return nf_error(NF_USAGE, "%s: tensor '%s' is of a kind that the format does not have", path, t->name);
  uint64_t bits = (uint64_t)kind->bits;
  for (int i = 0; i < t->rank; i++) {
    if (t->dim[i] < 0 || __builtin_mul_overflow(bits, (uint64_t)t->dim[i], &bits))
      return nf_error(NF_USAGE, "%s: tensor '%s': the product of its shape overflows", path, t->name);
  }
  if (bits % 8 != 0) return nf_error(NF_USAGE, "%s: tensor '%s': a broken byte at its end", path, t->name);
  t->kind = kind->name;
  t->bytes = bits / 8;
  *out_bits = kind->bits;
  return nf_ok();
}

// Fills kind, bytes and the offsets relative to the data; *out_bytes is all of them.
static nf_status lay_out(const char *path, nf_safetensors_writer *w, uint64_t *out_bytes) {
  uint64_t end = 0;
  for (int width = 64; width > 0; width /= 2) {
    for (size_t i = 0; i < w->n; i++) {
      int bits = 0;
      NF_TRY(measure(path, &w->tensor[i], &bits));
      if (bits != width) continue;
      w->tensor[i].offset = end;
      if (__builtin_add_overflow(end, w->tensor[i].bytes, &end) || end > INT64_MAX)
        return nf_error(NF_USAGE, "%s: more than 2^63 bytes of tensors", path);
    }
  }
  *out_bytes = end;
  return nf_ok();
}

static void print_string(const char *text, nf_text *out) {
  nf_text_append(out, "\"", 1);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
      nf_text_printf(out, "\\u%04x", (unsigned)*text);
    else
      nf_text_append(out, text, 1);
  }
  nf_text_append(out, "\"", 1);
}

static void print_tensor(const nf_stored *t, nf_text *out) {
  nf_text_append(out, ",", 1);
  print_string(t->name, out);
  nf_text_printf(out, ":{\"dtype\":\"%s\",\"shape\":[", t->kind);
  for (int i = 0; i < t->rank; i++) nf_text_printf(out, i ? ",%lld" : "%lld", (long long)t->dim[i]);
  nf_text_printf(out, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)t->offset,
                 (unsigned long long)(t->offset + t->bytes));
}

static nf_status check_names(const char *path, const nf_safetensors_writer *w, nf_map *names) {
  bool fresh = true;
  for (size_t i = 0; i < w->n; i++) {
    const char *name = w->tensor[i].name;
    const size_t n = strlen(name);
    NF_TRY(nf_map_add(names, name, n, 0, &fresh));
    if (!fresh || strcmp(name, "__metadata__") == 0 || nf_utf8_check(name, n) != n)
      return nf_error(NF_USAGE, "%s: tensor name '%s' is reserved, not UTF-8 or there twice", path, name);
  }
  return nf_ok();
}

static nf_status header_text(const char *path, const nf_safetensors_writer *w, nf_text *out) {
  nf_map names = {0};
  nf_status st = check_names(path, w, &names);
  nf_map_deinit(&names);
  NF_TRY(st);
  nf_text_printf(out, "{\"__metadata__\":{\"format\":\"pt\"}");
  for (size_t i = 0; i < w->n; i++) print_tensor(&w->tensor[i], out);
  nf_text_append(out, "}", 1);
  return nf_text_status(out);
}

static nf_status write_header(nf_safetensors_writer *w, const nf_text *text, uint64_t data_bytes) {
  const size_t n = text->n, padded = (size_t)nf_round_up((int64_t)n, 8);
  unsigned char prefix[PREFIX];
  for (int i = 0; i < PREFIX; i++) prefix[i] = (unsigned char)(padded >> 8 * i);
  NF_TRY(nf_new_file_write(&w->file, 0, prefix, PREFIX));
  NF_TRY(nf_new_file_write(&w->file, PREFIX, text->at, n));
  NF_TRY(nf_new_file_write(&w->file, PREFIX + n, "       ", padded - n));
  for (size_t i = 0; i < w->n; i++) w->tensor[i].offset += PREFIX + padded;
  if (data_bytes == 0) return nf_ok();
  // The last byte fixes the size: what is never written reads as zeros.
  return nf_new_file_write(&w->file, PREFIX + padded + data_bytes - 1, "", 1);
}

nf_status nf_safetensors_create(const char *path, const nf_stored *tensor, size_t n,
                                nf_safetensors_writer *out) {
  nf_safetensors_writer w = {.file.fd = -1, .n = n, .tensor = nf_alloc(n, sizeof *w.tensor)};
  *out = (nf_safetensors_writer){.file.fd = -1};
  if (!w.tensor) return nf_error(NF_NO_MEMORY, "%s: no memory for the tensor table", path);
  if (n > 0) memcpy(w.tensor, tensor, n * sizeof *tensor);
  nf_status st;
  nf_text text = {0};
  uint64_t bytes = 0;
  NF_GOTO(lay_out(path, &w, &bytes));
  NF_GOTO(header_text(path, &w, &text));
  NF_GOTO(nf_new_file_create(path, &w.file));
  NF_GOTO(write_header(&w, &text, bytes));
  nf_text_deinit(&text);
  *out = w;
  return nf_ok();
fail:
  nf_text_deinit(&text);
  nf_safetensors_abandon(&w);
  return st;
}

nf_status nf_safetensors_write(nf_safetensors_writer *w, size_t i, uint64_t at, const void *data,
                               size_t bytes) {
  const nf_stored *t = &w->tensor[i];
  if (at > t->bytes || bytes > t->bytes - at)
    return nf_error(NF_INTERNAL, "%s: tensor '%s' ends at its byte %llu, before %zu bytes at %llu",
                    w->file.path, t->name, (unsigned long long)t->bytes, bytes, (unsigned long long)at);
  return nf_new_file_write(&w->file, t->offset + at, data, bytes);
}

nf_status nf_safetensors_commit(nf_safetensors_writer *w) {
  nf_status st = nf_new_file_commit(&w->file);
  nf_safetensors_abandon(w);
  return st;
}

void nf_safetensors_abandon(nf_safetensors_writer *w) {
  nf_new_file_close(&w->file);
  nf_free(w->tensor);
  *w = (nf_safetensors_writer){.file.fd = -1};
}
