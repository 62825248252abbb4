// SPDX-License-Identifier: Apache-2.0
// Counts the process's heap allocations and makes the n-th fail. Only for test executables that link it; does
// nothing under a sanitizer, which owns the heap itself. Thread-safe.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool nf_alloc_fail_available(void);
// The n-th allocation from now on (1 = the next) returns NULL; with `for_good` every later one too. 0 =
// never.
void nf_alloc_fail_at(uint64_t n, bool for_good);
uint64_t nf_alloc_count(void);     // allocations since nf_alloc_fail_at was last called
int64_t nf_alloc_live(void);       // blocks not freed
int64_t nf_alloc_live_bytes(void); // as the heap rounds them
int64_t nf_alloc_peak_bytes(void); // most live bytes since nf_alloc_fail_at was last called
