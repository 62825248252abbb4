// SPDX-License-Identifier: Apache-2.0
// What memory a fake driver has given out: where kernels may go. Any thread.
#pragma once
#include "kernels/gpu/lane/emulator.h"

// `written`: by the process, so that kernels may read it before earlier ones have ended.
void fake_memory_add(const void *at, size_t bytes, bool written);
void fake_memory_remove(const void *at);
void fake_memory_written(const void *to); // somebody copied into the memory that this lies in

// All memory as the emulator's `legal`, and what nobody has written as its `late`. The caller frees
// how->legal; false: no memory.
bool fake_memory_ranges(nf_emulation *how);
