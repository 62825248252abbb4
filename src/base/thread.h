// SPDX-License-Identifier: Apache-2.0
// A thread of the library's own.
#pragma once
#include <pthread.h>

// All signals are blocked in it: those of the process are for its own threads. 0, or the error, as
// pthread_create has it; whoever calls joins it.
int nf_thread_start(pthread_t *out, void *(*run)(void *user), void *user);
