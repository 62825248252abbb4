// SPDX-License-Identifier: Apache-2.0
// Prototypes of all kernels, from the list.
#pragma once
#include "kernels/contract/variant.h"

#define NF_VARIANT(op, name, ...) NF_KERNEL_PROTOTYPES(op, name)
#define NF_SCRATCHED(op, name, ...) NF_SCRATCHED_PROTOTYPES(op, name)
#include "kernels/kernels.def"
