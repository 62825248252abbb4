// SPDX-License-Identifier: Apache-2.0
// Kernels that only read ("nf_memory_read") or copy ("nf_memory_copy"), of no op: what a GPU's memory gives
// is measured with them. Ranges are aligned to 16 bytes and do not overlap; reading writes nothing, or now
// and then the first 16 bytes at `to`.
#pragma once
#include "kernels/contract/variant.h" // nf_grid
#include "kernels/gpu/abi/memory.h"

nf_grid nf_gpu_read_grid(int64_t packs);
nf_grid nf_gpu_copy_grid(int64_t packs);
