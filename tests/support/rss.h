// SPDX-License-Identifier: Apache-2.0
// How much memory this process holds, as the system counts it.
#pragma once
#include <stdint.h>

// Bytes that are resident now, and the most that were since the last nf_rss_restart (since the process began
// where that is not allowed). -1: the system does not say.
int64_t nf_rss_now(void);
int64_t nf_rss_peak(void);
void nf_rss_restart(void);
