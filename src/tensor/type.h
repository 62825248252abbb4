// SPDX-License-Identifier: Apache-2.0
// The type of a value in a graph: dtype, logical and padded extents, packing order. No data, no addresses.
#pragma once
#include "base/status.h"
#include "base/text.h"
#include "tensor/dtype.h"
#include <stddef.h>

enum { NF_MAX_RANK = 5 };

// An extent is a constant, or a constant times one of the three sizes that a step brings.
typedef enum nf_sym {
  NF_CONST = 0,
  NF_T, // tokens of the step
  NF_S, // sequences of the step
  NF_R, // rows whose logits are wanted
  NF_SYM_COUNT
} nf_sym;
typedef struct nf_extent {
  int64_t c; // >= 0
  nf_sym sym;
} nf_extent;
typedef struct nf_sizes { // of[NF_CONST] is 1
  int64_t of[NF_SYM_COUNT];
} nf_sizes;
static inline nf_sizes nf_sizes_of(int64_t t, int64_t s, int64_t r) { return (nf_sizes){{1, t, s, r}}; }

// How the elements of a matrix [.., N, K] lie in memory: `rows` of its rows side by side, and of each `k`
// elements of K together (pack.h). Both are powers of two. Every packing order has a row decoder (tensor.h).
typedef struct nf_pack {
  int16_t rows, k;
} nf_pack;
enum { NF_PACK_MOST_ROWS = 64, NF_PACK_MOST_K = 4 };
#define NF_PACK(rows, k) ((nf_pack){(rows), (k)})
// Row-major over the padded extents; a quantised type's scales follow in a plane of their own.
#define NF_PACK_PLAIN NF_PACK(0, 0)
#define NF_PACK_N16 NF_PACK(16, 1)
#define NF_PACK_ANY NF_PACK(-1, 0) // not decided yet: only in questions to selection
static inline bool nf_pack_equal(nf_pack a, nf_pack b) { return a.rows == b.rows && a.k == b.k; }
static inline bool nf_pack_is_plain(nf_pack p) { return p.rows == 0; }
static inline bool nf_pack_is_any(nf_pack p) { return p.rows < 0; }
bool nf_pack_is_valid(nf_pack p); // one of those two, or 2 to NF_PACK_MOST_ROWS rows and k in its range

// What a pool value belongs to: the cache group whose slots index it. NF_NO_CACHE: an ordinary value.
// Slots of the full and sliding groups are pages of keys and values, those of the recurrent one whole states.
typedef enum nf_cache {
  NF_NO_CACHE = 0,
  NF_CACHE_FULL,
  NF_CACHE_SLIDING,
  NF_CACHE_RECURRENT,
  NF_CACHE_COUNT
} nf_cache;

typedef struct nf_type {
  nf_dtype dtype; // NF_NONE: no value
  nf_pack pack;
  nf_cache cache; // of a pool: dimensions are those of one slot, of which the engine has as many as it likes
  int rank;
  nf_extent dim[NF_MAX_RANK];  // logical; unused ones are zero
  int64_t padded[NF_MAX_RANK]; // >= dim[i].c, same symbol
} nf_type;

// A plain, unpadded type. Extents: NF_C(2880), NF_BY(1, NF_T).
#define NF_C(n) ((nf_extent){(n), NF_CONST})
#define NF_BY(n, s) ((nf_extent){(n), (s)})
#define NF_TYPE(dt, ...) \
  nf_type_make((dt), (const nf_extent[]){__VA_ARGS__}, sizeof((nf_extent[]){__VA_ARGS__}) / sizeof(nf_extent))
nf_type nf_type_make(nf_dtype dtype, const nf_extent *dim, size_t rank); // rank <= NF_MAX_RANK

bool nf_type_equal(const nf_type *a, const nf_type *b);
bool nf_extent_equal(nf_extent a, nf_extent b);
// Every field in its range, padding no less than what it pads, a pool with room for the slot dimension.
// NF_BAD_INPUT says which is not. What other functions here take has passed it.
nf_status nf_type_check(const nf_type *t);
// Product of all dimensions but the last, as an extent; false when two symbols meet or it overflows.
bool nf_type_rows(const nf_type *t, nf_extent *out);
// Bytes at these sizes, scales and alignment between planes included; of one slot for a pool.
// Overflow, or a padded row that is no whole number of bytes or scale groups: NF_BAD_INPUT.
nf_status nf_type_bytes(const nf_type *t, const nf_sizes *at, size_t *out);

// Text: "bf16[T,2880]", padded "bf16[T,2880:3072]", packed "mxfp4@name[32,5760,2880]", pool "sliding
// bf16[2,8,64,64]", symbolic "f32[4*T,8]". Round trip: what is parsed of a type's text is equal to it.
typedef struct nf_type_text {
  char at[256];
} nf_type_text;
typedef struct nf_extent_text {
  char at[32];
} nf_extent_text;
nf_type_text nf_type_text_of(const nf_type *t);
nf_extent_text nf_extent_text_of(nf_extent e);       // "T"
nf_status nf_type_parse(nf_view text, nf_type *out); // NF_BAD_INPUT with the offending text
const char *nf_sym_name(nf_sym s);                   // "", "T", "S", "R"
typedef struct nf_pack_text {
  char at[16];
} nf_pack_text;
nf_pack_text nf_pack_name(nf_pack p);  // "plain", "any", "n16", with k above 1 "n16k2"
const char *nf_cache_name(nf_cache c); // "full", "sliding"
