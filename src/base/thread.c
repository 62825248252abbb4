// SPDX-License-Identifier: Apache-2.0
#include "base/thread.h"
#include <signal.h>

int nf_thread_start(pthread_t *out, void *(*run)(void *user), void *user) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const int e = pthread_create(out, NULL, run, user);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return e;
}
