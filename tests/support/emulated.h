// SPDX-License-Identifier: Apache-2.0
// A GPU's kernel as a row that runs here: its launches go to the emulator. One row at a time.
#pragma once
#include "kernels/contract/variant.h"

// A copy of a row whose entry is a module, which the checker and nf_variant_run take for a kernel of this
// processor. What the emulator finds is told by emulated_status: a run can't fail.
nf_variant emulated_row(const nf_variant *v);
// The first error since emulated_row, the caller's to free.
nf_status emulated_status(void);
