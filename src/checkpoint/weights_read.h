// SPDX-License-Identifier: Apache-2.0
// Loading a weight from checkpoint tensors, in whichever form these have it, or made up. Private to the room.
#pragma once
#include "checkpoint/weights.h"
#include "checkpoint/weights_rows.h"
#include <pthread.h>

// Of what several blocks tell, that of the first block: the same whatever the threads do.
typedef struct nf_first {
  _Atomic int64_t block; // INT64_MAX: nothing was told
  nf_status st;
  pthread_mutex_t lock;
} nf_first;
void nf_first_init(nf_first *f);
void nf_first_keep(nf_first *f, int64_t block, nf_status st); // takes st; OK: nothing
nf_status nf_first_deinit(nf_first *f);                       // what was kept, the caller's from here on

// Puts v, whose i-th joined weight (or itself) comes from from[i], into the sink, over the threads.
nf_status nf_weight_put(nf_weight_loader *l, const nf_value *v, int rank, const nf_weight_source *from,
                        const nf_weight_sink *sink);
// The two ways of nf_weight_load.
nf_status nf_weight_read(nf_weight_loader *l, const nf_value *v, int rank, int64_t padding,
                         const nf_weight_sink *sink);
nf_status nf_weight_make(nf_weight_loader *l, const nf_value *v, int rank, const nf_weight_sink *sink);
