// SPDX-License-Identifier: Apache-2.0
// Monotonic time in seconds, and the process's peak memory.
#pragma once
#include <stdint.h>
double nf_now(void);
uint64_t nf_peak_rss(void); // bytes; 0 where the system does not tell
