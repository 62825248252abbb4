// SPDX-License-Identifier: Apache-2.0
// Types: construction, equality, sizes in bytes.
#include "tensor/type.h"
#include "base/checked.h"
#include "base/memory.h"
#include <assert.h>

nf_type nf_type_make(nf_dtype dtype, const nf_extent *dim, size_t rank) {
  assert(rank <= NF_MAX_RANK);
  nf_type t = {.dtype = dtype, .rank = (int)rank};
  for (size_t i = 0; i < rank; i++) {
    t.dim[i] = dim[i];
    t.padded[i] = dim[i].c;
  }
  return t;
}

bool nf_extent_equal(nf_extent a, nf_extent b) { return a.c == b.c && a.sym == b.sym; }

bool nf_type_equal(const nf_type *a, const nf_type *b) {
  bool same =
      a->dtype == b->dtype && nf_pack_equal(a->pack, b->pack) && a->cache == b->cache && a->rank == b->rank;
  for (int i = 0; same && i < a->rank; i++)
    same = nf_extent_equal(a->dim[i], b->dim[i]) && a->padded[i] == b->padded[i];
  return same;
}

static bool in_range(int value, int count) { return value >= 0 && value < count; }

static bool power_of_two(int n, int least, int most) { return n >= least && n <= most && (n & (n - 1)) == 0; }

bool nf_pack_is_valid(nf_pack p) {
  if (nf_pack_equal(p, NF_PACK_PLAIN) || nf_pack_equal(p, NF_PACK_ANY)) return true;
  return power_of_two(p.rows, 2, NF_PACK_MOST_ROWS) && power_of_two(p.k, 1, NF_PACK_MOST_K);
}

nf_status nf_type_check(const nf_type *t) {
  if (!in_range((int)t->dtype, NF_DTYPE_COUNT) || t->dtype == NF_NONE)
    return nf_error(NF_BAD_INPUT, "a type without a dtype");
  if (!nf_pack_is_valid(t->pack) || !in_range((int)t->cache, NF_CACHE_COUNT))
    return nf_error(NF_BAD_INPUT, "a type of an unknown packing order or cache group");
  if (!in_range(t->rank, NF_MAX_RANK + (t->cache == NF_NO_CACHE)))
    return nf_error(NF_BAD_INPUT, "a type of rank %d; at most %d, of a pool %d", t->rank, NF_MAX_RANK,
                    NF_MAX_RANK - 1);
  for (int i = 0; i < t->rank; i++) {
    if (!in_range((int)t->dim[i].sym, NF_SYM_COUNT) || t->dim[i].c < 0)
      return nf_error(NF_BAD_INPUT, "dimension %d of a type is negative or of an unknown size", i);
    if (t->padded[i] < t->dim[i].c)
      return nf_error(NF_BAD_INPUT, "dimension %d of a type is padded to less than its extent", i);
  }
  return nf_ok();
}

bool nf_type_rows(const nf_type *t, nf_extent *out) {
  nf_extent rows = NF_C(1);
  for (int i = 0; i + 1 < t->rank; i++) {
    nf_extent d = t->dim[i];
    if (rows.sym != NF_CONST && d.sym != NF_CONST) return false;
    if (!nf_mul_i64(rows.c, d.c, &rows.c)) return false;
    if (d.sym != NF_CONST) rows.sym = d.sym;
  }
  *out = rows;
  return true;
}

static nf_status type_error(const nf_type *t, const char *what) {
  return nf_error(NF_BAD_INPUT, "type %s: %s", nf_type_text_of(t).at, what);
}

// Extent i in memory at these sizes.
static bool padded_extent(const nf_type *t, const nf_sizes *at, int i, size_t *out) {
  int64_t n;
  if (!nf_mul_i64(t->padded[i], at->of[t->dim[i].sym], &n) || n < 0) return false;
  *out = (size_t)n;
  return true;
}

static bool plane_bytes(size_t rows, size_t cols, int bits, size_t *out) {
  size_t row = cols / 8 * (size_t)bits + cols % 8 * (size_t)bits / 8; // bits <= 64: cols / 8 * bits <= 8 cols
  if (cols > SIZE_MAX / 64) return false;
  return nf_mul_size(rows, row, out);
}

// Both planes of `rows` rows, of which each matrix has `matrix`; the scales begin at the next cache line.
static bool type_planes(const nf_type *t, size_t rows, size_t matrix, size_t cols, size_t *out) {
  const nf_dtype_info *info = nf_dtype_of(t->dtype);
  size_t codes, scales = 0;
  if (!plane_bytes(rows, cols, info->bits, &codes)) return false;
  if (info->scale != NF_NONE) {
    const size_t scale_rows = matrix ? rows / matrix * (size_t)nf_scale_rows(t->dtype, (int64_t)matrix) : 0;
    const size_t groups = (size_t)nf_scale_cols(t->dtype, (int64_t)cols);
    if (!plane_bytes(scale_rows, groups, nf_dtype_of(info->scale)->bits, &scales)) return false;
    if (!nf_add_size(codes, NF_CACHE_LINE - 1, &codes)) return false;
    codes -= codes % NF_CACHE_LINE;
  }
  return nf_add_size(codes, scales, out) && *out <= PTRDIFF_MAX;
}

nf_status nf_type_bytes(const nf_type *t, const nf_sizes *at, size_t *out) {
  const nf_dtype_info *info = nf_dtype_of(t->dtype);
  size_t rows = 1, matrix = 1, cols = 1, n;
  for (int i = 0; i < t->rank; i++) {
    if (!padded_extent(t, at, i, &n)) return type_error(t, "has an extent beyond 2^63");
    if (i + 1 == t->rank) {
      cols = n;
    } else if (!nf_mul_size(rows, n, &rows)) {
      return type_error(t, "has more than 2^64 rows");
    }
    if (i + 2 == t->rank) matrix = n;
  }
  if (info->bits < 8 && info->group_cols && cols % (size_t)info->group_cols)
    return type_error(t, "a padded row must be whole groups of columns that share a scale");
  if (cols % 8 * (size_t)info->bits % 8) return type_error(t, "a padded row must be whole bytes");
  if (!type_planes(t, rows, matrix, cols, out)) return type_error(t, "does not fit into memory");
  return nf_ok();
}
