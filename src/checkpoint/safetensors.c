// SPDX-License-Identifier: Apache-2.0
// Reading and checking a safetensors header. The JSON tree is dropped once the tensor table stands.
#include "checkpoint/safetensors.h"
#include "base/checked.h"
#include "base/json.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100000000, MAX_NAME = 4096, PREFIX = 8 };

static const nf_stored_kind kinds[] = {
    {"F64", 64, NF_NONE},        {"I64", 64, NF_I64},     {"U64", 64, NF_NONE},
    {"C64", 64, NF_NONE},        {"F32", 32, NF_F32},     {"I32", 32, NF_I32},
    {"U32", 32, NF_NONE},        {"BF16", 16, NF_BF16},   {"F16", 16, NF_F16},
    {"I16", 16, NF_NONE},        {"U16", 16, NF_NONE},    {"U8", 8, NF_U8},
    {"I8", 8, NF_NONE},          {"BOOL", 8, NF_NONE},    {"F8_E4M3", 8, NF_F8E4M3},
    {"F8_E5M2", 8, NF_NONE},     {"F8_E8M0", 8, NF_E8M0}, {"F8_E4M3FNUZ", 8, NF_NONE},
    {"F8_E5M2FNUZ", 8, NF_NONE}, {"F6_E2M3", 6, NF_NONE}, {"F6_E3M2", 6, NF_NONE},
    {"F4", 4, NF_E2M1},
};

const nf_stored_kind *nf_stored_kind_of(const char *name, nf_dtype dtype) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (name ? strcmp(name, kinds[i].name) == 0 : dtype != NF_NONE && dtype == kinds[i].dtype)
      return &kinds[i];
  return NULL;
}

typedef struct reader { // one header on its way into a table
  const char *where;
  uint64_t start, data_bytes; // where the data begin in the file, and how many there are
  nf_safetensors *out;
} reader;

#define BAD(r, ...) note((r)->where, nf_error(NF_BAD_INPUT, __VA_ARGS__))
#define LLU(x) ((unsigned long long)(x))

static nf_status note(const char *where, nf_status s) { return nf_status_note(s, "%s", where); }

static bool as_size(const json_t *value, uint64_t *out) {
  if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
  *out = (uint64_t)json_integer_value(value);
  return true;
}

static nf_status read_kind(const reader *r, const json_t *value, nf_stored *t, int *out_bits) {
  const char *name = json_string_value(value);
  const nf_stored_kind *kind = name ? nf_stored_kind_of(name, NF_NONE) : NULL;
  if (kind) {
    t->kind = kind->name;
    t->dtype = kind->dtype;
    *out_bits = kind->bits;
    return nf_ok();
  }
  char text[48];
  return BAD(r, "tensor '%s': dtype is %s, should be one of the format's names, such as BF16", t->name,
             nf_json_quote(value, text, sizeof text));
}

static nf_status read_shape(const reader *r, const json_t *shape, nf_stored *t) {
  char text[48];
  if (!json_is_array(shape))
    return BAD(r, "tensor '%s': shape is %s, should be an array of sizes", t->name,
               nf_json_quote(shape, text, sizeof text));
  if (json_array_size(shape) > NF_STORED_RANK)
    return BAD(r, "tensor '%s': shape has %zu dimensions, should have at most %d", t->name,
               json_array_size(shape), NF_STORED_RANK);
  t->rank = (int)json_array_size(shape);
  for (int i = 0; i < t->rank; i++) {
    const json_t *item = json_array_get(shape, (size_t)i);
    uint64_t size;
    if (!as_size(item, &size))
      return BAD(r, "tensor '%s': shape[%d] is %s, should be an integer from 0 to 2^63-1", t->name, i,
                 nf_json_quote(item, text, sizeof text));
    t->dim[i] = (int64_t)size;
  }
  return nf_ok();
}

// Bytes that shape and dtype ask for.
static nf_status shape_bytes(const reader *r, const nf_stored *t, int bits, uint64_t *out) {
  uint64_t all = (uint64_t)bits;
  bool fits = true, empty = false;
  for (int i = 0; i < t->rank; i++) {
    empty |= t->dim[i] == 0;
    fits = fits && !__builtin_mul_overflow(all, (uint64_t)t->dim[i], &all);
  }
  if (empty) all = 0, fits = true;
  if (!fits) return BAD(r, "tensor '%s': the product of its shape overflows 64 bits", t->name);
  if (all % 8 != 0)
    return BAD(r, "tensor '%s': %llu bits of %s are no whole number of bytes", t->name, LLU(all), t->kind);
  *out = all / 8;
  return nf_ok();
}

static nf_status read_offsets(const reader *r, const json_t *pair, uint64_t want, nf_stored *t) {
  char text[64];
  uint64_t begin, end;
  if (!json_is_array(pair) || json_array_size(pair) != 2 || !as_size(json_array_get(pair, 0), &begin) ||
      !as_size(json_array_get(pair, 1), &end))
    return BAD(r, "tensor '%s': data_offsets is %s, should be two integers from 0 to 2^63-1", t->name,
               nf_json_quote(pair, text, sizeof text));
  if (end < begin)
    return BAD(r, "tensor '%s': data_offsets [%llu,%llu] end before they begin", t->name, LLU(begin),
               LLU(end));
  if (end - begin != want)
    return BAD(r, "tensor '%s': data_offsets hold %llu bytes, its shape and dtype %s need %llu", t->name,
               LLU(end - begin), t->kind, LLU(want));
  if (end > r->data_bytes)
    return BAD(r, "tensor '%s' ends at byte %llu, but the file has only %llu bytes", t->name,
               LLU(r->start + end), LLU(r->start + r->data_bytes));
  t->offset = r->start + begin;
  t->bytes = want;
  return nf_ok();
}

static nf_status read_tensor(const reader *r, const char *name, size_t n, const json_t *value, nf_stored *t) {
  if (n > MAX_NAME)
    return BAD(r, "tensor '%.60s...': the name has %zu bytes, should have at most %d", name, n, MAX_NAME);
  t->name = nf_arena_copy(&r->out->arena, name, n);
  if (!t->name) return nf_error(NF_NO_MEMORY, "%s: no memory for the tensor names", r->where);
  if (!json_is_object(value))
    return BAD(r, "tensor '%s': should be an object with dtype, shape and data_offsets", name);
  if (json_object_size(value) > 3) {
    const char *key;
    json_t *ignored;
    json_object_foreach((json_t *)value, key, ignored) {
      if (strcmp(key, "dtype") != 0 && strcmp(key, "shape") != 0 && strcmp(key, "data_offsets") != 0)
        return BAD(r, "tensor '%s': unknown key '%s', should be dtype, shape and data_offsets", name, key);
    }
  }
  int bits = 0;
  uint64_t bytes = 0;
  NF_TRY(read_kind(r, json_object_get(value, "dtype"), t, &bits));
  NF_TRY(read_shape(r, json_object_get(value, "shape"), t));
  NF_TRY(shape_bytes(r, t, bits, &bytes));
  return read_offsets(r, json_object_get(value, "data_offsets"), bytes, t);
}

static nf_status check_metadata(const reader *r, json_t *value) {
  if (!json_is_object(value)) return BAD(r, "__metadata__: should be an object of strings");
  const char *key;
  json_t *item;
  json_object_foreach(value, key, item) {
    char text[48];
    if (!json_is_string(item))
      return BAD(r, "__metadata__.%s: is %s, should be a string", key,
                 nf_json_quote(item, text, sizeof text));
  }
  return nf_ok();
}

static nf_status read_members(const reader *r, json_t *root) {
  const char *name;
  json_t *value;
  json_object_foreach(root, name, value) {
    if (strcmp(name, "__metadata__") == 0) {
      NF_TRY(check_metadata(r, value));
      continue;
    }
    NF_TRY(read_tensor(r, name, strlen(name), value, &r->out->tensor[r->out->n]));
    r->out->n++;
  }
  return nf_ok();
}

static int by_offset(const void *a, const void *b) {
  const nf_stored *x = a, *y = b;
  if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
  return (x->bytes > y->bytes) - (x->bytes < y->bytes); // empty tensors before the one that has the bytes
}

// Sorts by place and checks that the tensors tile the data: no hole, no overlap, nothing behind.
static nf_status check_tiling(const reader *r) {
  nf_safetensors *s = r->out;
  qsort(s->tensor, s->n, sizeof *s->tensor, by_offset);
  uint64_t end = r->start;
  for (size_t i = 0; i < s->n; i++) {
    const nf_stored *t = &s->tensor[i];
    if (t->offset < end)
      return BAD(r, "tensor '%s' begins at byte %llu, inside tensor '%s', which ends at %llu", t->name,
                 LLU(t->offset), s->tensor[i - 1].name, LLU(end));
    if (t->offset > end)
      return BAD(
          r, "tensor '%s' begins at byte %llu, should begin at %llu: the bytes between belong to no tensor",
          t->name, LLU(t->offset), LLU(end));
    end += t->bytes;
  }
  if (end != r->start + r->data_bytes)
    return BAD(r, "the file has %llu bytes, but its tensors end at byte %llu", LLU(r->start + r->data_bytes),
               LLU(end));
  return nf_ok();
}

static nf_status read_root(const reader *r, json_t *root) {
  if (!json_is_object(root)) return BAD(r, "the header should be an object");
  r->out->tensor = nf_alloc(json_object_size(root), sizeof *r->out->tensor);
  if (!r->out->tensor) return nf_error(NF_NO_MEMORY, "%s: no memory for the tensor table", r->where);
  NF_TRY(read_members(r, root));
  return check_tiling(r);
}

nf_status nf_safetensors_parse(const char *text, size_t n, uint64_t data_bytes, const char *where,
                               nf_safetensors *out) {
  *out = (nf_safetensors){.file.fd = -1};
  const reader r = {where, PREFIX + n, data_bytes, out};
  if (n == 0 || text[0] != '{') return BAD(&r, "the header (byte %d) should begin with '{'", PREFIX);
  nf_json doc;
  NF_TRY(nf_json_parse(text, n, where, &doc), "header");
  nf_status st = read_root(&r, doc.root);
  nf_json_deinit(&doc);
  if (!nf_is_ok(st)) nf_safetensors_close(out);
  return st;
}

// The header's text, freed by nf_free.
static nf_status load_header(const nf_file *f, char **out, size_t *out_n) {
  unsigned char prefix[PREFIX];
  if (f->size < PREFIX)
    return nf_error(NF_BAD_INPUT, "%s: has %llu bytes, a safetensors file has at least %d", f->path,
                    LLU(f->size), PREFIX);
  NF_TRY(nf_file_read(f, 0, prefix, PREFIX));
  uint64_t n = 0;
  for (int i = 0; i < PREFIX; i++) n |= (uint64_t)prefix[i] << 8 * i;
  if (n > MAX_HEADER)
    return nf_error(NF_BAD_INPUT, "%s: header length (byte 0) is %llu, should be at most %d", f->path, LLU(n),
                    MAX_HEADER);
  if (n > f->size - PREFIX)
    return nf_error(NF_BAD_INPUT, "%s: header length (byte 0) is %llu, but only %llu bytes follow", f->path,
                    LLU(n), LLU(f->size - PREFIX));
  char *text = nf_alloc(n, 1);
  if (!text) return nf_error(NF_NO_MEMORY, "%s: no memory for the header of %llu bytes", f->path, LLU(n));
  nf_status st = nf_file_read(f, PREFIX, text, n);
  if (!nf_is_ok(st)) {
    nf_free(text);
    return st;
  }
  *out = text;
  *out_n = n;
  return nf_ok();
}

nf_status nf_safetensors_open(const char *path, nf_safetensors *out) {
  *out = (nf_safetensors){.file.fd = -1};
  nf_file f;
  NF_TRY(nf_file_open(path, &f));
  char *text = NULL;
  size_t n = 0;
  nf_status st = load_header(&f, &text, &n);
  if (nf_is_ok(st)) st = nf_safetensors_parse(text, n, f.size - PREFIX - n, path, out);
  nf_free(text);
  if (nf_is_ok(st))
    out->file = f;
  else
    nf_file_close(&f);
  return st;
}

void nf_safetensors_close(nf_safetensors *s) {
  nf_file_close(&s->file);
  nf_free(s->tensor);
  nf_arena_deinit(&s->arena);
  *s = (nf_safetensors){.file.fd = -1};
}
