// SPDX-License-Identifier: Apache-2.0
// Reading rows and scales of a weight from checkpoint tensors, in whichever form these have them. Private to
// the room.
#pragma once
#include "checkpoint/checkpoint.h"
#include "checkpoint/weights.h"
#include "checkpoint/weights_rows.h"

// For v, which joins no others; all are borrowed, padding may be NULL. Memory: NF_WEIGHT_PIECE or a row, and
// for what is stored transposed NF_WEIGHT_SLAB, or as many columns as rows are asked for at once.
typedef struct nf_weight_reader nf_weight_reader;
nf_status nf_weight_reader_create(const nf_checkpoint *files, const nf_value *v,
                                  const nf_weight_padding *padding, nf_weight_reader **out);
void nf_weight_reader_destroy(nf_weight_reader *r);
nf_weight_source nf_weight_reader_source(nf_weight_reader *r);
enum { NF_WEIGHT_SLAB = 64 << 20 };
