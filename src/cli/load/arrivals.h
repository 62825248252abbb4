// SPDX-License-Identifier: Apache-2.0
// When requests are sent: gaps between them drawn from a gamma distribution, as vLLM's benchmark does. A
// burstiness of 1 is a Poisson process, less is burstier, more is more even.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Fills at[0..n), seconds from the start, ascending; all 0 where the rate (requests a second) is infinite.
// The drawn gaps are stretched so that all of them together last n / rate, and the rate is what was asked
// for.
void load_arrivals(uint64_t *random, double rate, double burstiness, double *at, size_t n);
