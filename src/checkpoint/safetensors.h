// SPDX-License-Identifier: Apache-2.0
// The safetensors file format: reading and checking a header, and writing a file.
//
// Every rule of the format is enforced: header at most 100,000,000 bytes and inside the file, starts with
// '{', no duplicate names, sizes that match shape and dtype, offsets that cover the data without holes or
// overlaps. Errors are NF_BAD_INPUT and name file, tensor or byte, and what would be right.
#pragma once
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "tensor/type.h"

typedef struct nf_stored { // one tensor in a file
  const char *name;
  const char *kind; // dtype as the file spells it: "BF16", "U8", "F64"
  nf_dtype dtype;   // NF_NONE: of a kind that infuse does not compute with
  int rank;         // at most NF_STORED_RANK
  int64_t dim[8];
  uint64_t offset; // of the first byte in the file
  uint64_t bytes;
  uint32_t file; // index of the shard in a checkpoint
} nf_stored;
enum { NF_STORED_RANK = 8 };

typedef struct nf_stored_kind { // a dtype of the format
  const char *name;             // in the file
  int bits;                     // of an element
  nf_dtype dtype;               // as what infuse computes with it; NF_NONE: it does not
} nf_stored_kind;
// The kind of this name or, of NULL, what stores `dtype`; NULL: the format has none.
const nf_stored_kind *nf_stored_kind_of(const char *name, nf_dtype dtype);

typedef struct nf_safetensors {
  nf_file file;
  nf_stored *tensor; // in file order
  size_t n;
  nf_arena arena; // owns names
} nf_safetensors;
nf_status nf_safetensors_open(const char *path, nf_safetensors *out);
void nf_safetensors_close(nf_safetensors *s); // zeroed is fine
// The header alone, for the fuzzer and tests: `text` of n bytes stands for a file with `data_bytes` after it.
nf_status nf_safetensors_parse(const char *text, size_t n, uint64_t data_bytes, const char *where,
                               nf_safetensors *out);

// Writing: all shapes are known before, data comes in any order and pieces.
typedef struct nf_safetensors_writer {
  nf_new_file file;
  nf_stored *tensor; // copied, with offsets filled
  size_t n;
} nf_safetensors_writer;
// `tensor`: name, dtype (F32, BF16, F16, F8E4M3, I32, I64, U8), rank and dim are read. The names must live
// until close.
nf_status nf_safetensors_create(const char *path, const nf_stored *tensor, size_t n,
                                nf_safetensors_writer *out);
// `bytes` of tensor i, from its byte `at`.
nf_status nf_safetensors_write(nf_safetensors_writer *w, size_t i, uint64_t at, const void *data,
                               size_t bytes);
nf_status nf_safetensors_commit(nf_safetensors_writer *w);
void nf_safetensors_abandon(nf_safetensors_writer *w); // after commit or zeroed: does nothing
