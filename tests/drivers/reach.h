// SPDX-License-Identifier: Apache-2.0
// Memory of the fake devices: the process's, but out of its reach unless a kernel or a copy runs, as a GPU's
// is. Who reads a device's address in between faults at once. With AddressSanitizer it is plain memory, whose
// ends are watched instead.
#pragma once
#include <stddef.h>

void *fake_reach_take(size_t bytes); // aligned to 256, contents undefined; NULL: there is no more
size_t fake_reach_give(void *at);    // gives it back: its bytes; 0: it is none of these
// All devices' memory is within reach until as many `leave`. Any thread.
void fake_reach_enter(void);
void fake_reach_leave(void);
