// SPDX-License-Identifier: Apache-2.0
// Finding numbers that are none, in bits as files hold them.
#pragma once
#include "tensor/dtype.h"

// The index of the first infinity or NaN of x[0..n), or n. `dtype`: F32, BF16, F16, F8E4M3, or E8M0 as the
// scale of E2M1 codes, which must not take 6 beyond float32: at most 2^125. Others have none. x is aligned.
int64_t nf_first_not_finite(nf_dtype dtype, const void *x, int64_t n);
