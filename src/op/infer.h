// SPDX-License-Identifier: Apache-2.0
// Shape rules: nf_infer_<op> of every op. They stand in infer.c, infer_fused.c, infer_quantise.c and
// infer_blocks.c; infer.c's table finds them.
#pragma once
#include "op/op.h"

#define NF_OP(name, ...) nf_status nf_infer_##name(nf_op_desc *d);
#include "op/ops.def"
