// SPDX-License-Identifier: Apache-2.0
// Writing a safetensors file. Tensors are laid out widest element first, so that each is aligned to its
// element; the header is padded so that the data begin at a multiple of 8.
#include "base/checked.h"
#include "model/safetensors.h"
#include "model/safetensors_kinds.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 8 };

static nf_status no_memory(const char *path) {
  return nf_error(NF_NO_MEMORY, "%s: no memory for the header", path);
}

static const nf_stored_kind *kind_of(nf_dtype dtype) {
  for (size_t i = 0; i < nf_stored_kind_count; i++) {
    if (dtype != NF_NONE && nf_stored_kinds[i].dtype == dtype) return &nf_stored_kinds[i];
  }
  return NULL;
}

static nf_status measure(const char *path, nf_stored *t, int *out_bits) {
  const nf_stored_kind *kind = kind_of(t->dtype);
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

static json_t *describe(const nf_stored *t) {
  json_t *shape = json_array();
  for (int i = 0; i < t->rank; i++) {
    if (json_array_append_new(shape, json_integer(t->dim[i])) != 0) {
      json_decref(shape);
      return NULL;
    }
  }
  return json_pack("{s:s, s:o, s:[I,I]}", "dtype", t->kind, "shape", shape, "data_offsets",
                   (json_int_t)t->offset, (json_int_t)(t->offset + t->bytes));
}

static nf_status add(const char *path, json_t *root, const nf_stored *t) {
  if (json_object_get(root, t->name) || strcmp(t->name, "__metadata__") == 0)
    return nf_error(NF_USAGE, "%s: tensor '%s' is named twice", path, t->name);
  return json_object_set_new(root, t->name, describe(t)) == 0 ? nf_ok() : no_memory(path);
}

static nf_status header_text(const char *path, const nf_safetensors_writer *w, char **out) {
  json_t *root = json_pack("{s:{s:s}}", "__metadata__", "format", "pt");
  nf_status st = root ? nf_ok() : no_memory(path);
  for (size_t i = 0; nf_is_ok(st) && i < w->n; i++) st = add(path, root, &w->tensor[i]);
  if (nf_is_ok(st) && !(*out = json_dumps(root, JSON_COMPACT))) st = no_memory(path);
  json_decref(root);
  return st;
}

static nf_status write_header(nf_safetensors_writer *w, const char *text, uint64_t data_bytes) {
  const size_t n = strlen(text), padded = (size_t)nf_round_up((int64_t)n, 8);
  unsigned char prefix[PREFIX];
  for (int i = 0; i < PREFIX; i++) prefix[i] = (unsigned char)(padded >> 8 * i);
  NF_TRY(nf_new_file_write(&w->file, 0, prefix, PREFIX));
  NF_TRY(nf_new_file_write(&w->file, PREFIX, text, n));
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
  if (!w.tensor) return no_memory(path);
  if (n > 0) memcpy(w.tensor, tensor, n * sizeof *tensor);
  nf_status st;
  char *text = NULL;
  uint64_t bytes = 0;
  NF_GOTO(lay_out(path, &w, &bytes));
  NF_GOTO(header_text(path, &w, &text));
  NF_GOTO(nf_new_file_create(path, &w.file));
  NF_GOTO(write_header(&w, text, bytes));
  free(text);
  *out = w;
  return nf_ok();
fail:
  free(text);
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
