// SPDX-License-Identifier: Apache-2.0
// tie_word_embeddings against the files: a head that is stored and is not the embedding is used, as
// transformers does.
#include "base/checked.h"
#include "base/memory.h"
#include "model/parts.h"
#include <string.h>

enum { PIECE = 4 << 20 };

static nf_status compare(const nf_checkpoint *files, const nf_stored *a, const nf_stored *b, char *piece,
                         bool *out) {
  for (uint64_t at = 0; *out && at < a->bytes; at += PIECE) {
    const size_t n = (size_t)(a->bytes - at < PIECE ? a->bytes - at : PIECE);
    NF_TRY(nf_checkpoint_read(files, a, at, piece, n));
    NF_TRY(nf_checkpoint_read(files, b, at, piece + PIECE, n));
    *out = memcmp(piece, piece + PIECE, n) == 0;
  }
  return nf_ok();
}

static nf_status are_equal(const nf_checkpoint *files, const nf_stored *a, const nf_stored *b, bool *out) {
  *out = a->dtype == b->dtype && a->rank == b->rank && memcmp(a->dim, b->dim, sizeof a->dim) == 0;
  char *piece = nf_alloc(2, PIECE);
  if (!piece) return nf_error(NF_NO_MEMORY, "no memory to compare the head with the embedding");
  const nf_status st = compare(files, a, b, piece, out);
  nf_free(piece);
  return st;
}

nf_status nf_model_settle(nf_config *c, const nf_checkpoint *files, const nf_log *log) {
  if (!files || !c->tied) return nf_ok();
  const nf_stored *head = nf_checkpoint_find(files, NF_HEAD),
                  *table = nf_checkpoint_find(files, NF_EMBEDDING);
  if (!head || !table) return nf_ok();
  NF_TRY(are_equal(files, head, table, &c->tied));
  if (!c->tied && log)
    nf_log_print(log, NF_LOG_WARNING,
                 "%s: '" NF_HEAD "' is not '" NF_EMBEDDING
                 "', though tie_word_embeddings is true: the head that is "
                 "stored is used",
                 nf_checkpoint_file(files, head));
  return nf_ok();
}
