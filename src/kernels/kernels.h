// SPDX-License-Identifier: Apache-2.0
// Prototypes of all kernels, from the list.
#pragma once
#include "kernels/contract/variant.h"

#define NF_VARIANT(op, name, ...) NF_KERNEL_PROTOTYPES(op, name)
#define NF_BY_ROW(op, name, ...) void nf_##name(const nf_##op##_args *a, int64_t r);
#define NF_SCRATCHED(op, name, ...) NF_SCRATCHED_PROTOTYPES(op, name)
#define NF_ROUNDS(op, name, ...) NF_ROUNDS_PROTOTYPES(op, name)
#define NF_MODULE(op, name, function, ...) extern const nf_module_kernel nf_gpu_##function;
#include "kernels/kernels.def"
