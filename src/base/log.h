// SPDX-License-Identifier: Apache-2.0
// Log and progress: the library never prints; it calls what its owner gave it. A zeroed nf_log is silent.
#pragma once
#include "base/status.h"

typedef enum nf_level { NF_LOG_ERROR, NF_LOG_WARNING, NF_LOG_INFO, NF_LOG_DEBUG } nf_level;

typedef struct nf_log {
  nf_level level; // messages above it are dropped before they are formatted
  void (*write)(void *user, nf_level level,
                const char *line); // one line, no newline; may be called by any thread
  // Progress of a long job: done of total units. Returns false to stop the job (NF_CANCELLED). May be NULL.
  bool (*progress)(void *user, const char *what, uint64_t done, uint64_t total);
  void *user;
} nf_log;

void nf_log_print(const nf_log *log, nf_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
nf_status nf_log_progress(const nf_log *log, const char *what, uint64_t done, uint64_t total);

// A job that several functions advance; it belongs to one thread.
typedef struct nf_progress {
  const nf_log *log; // NULL: nobody watches
  const char *what;
  uint64_t done, total; // done is told as at most total; total 0: not known
} nf_progress;
nf_status nf_progress_add(nf_progress *p, uint64_t n); // n more are done; NF_CANCELLED
