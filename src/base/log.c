// SPDX-License-Identifier: Apache-2.0
// Log lines and progress, handed to the owner's callbacks.
#include "base/log.h"
#include "base/text.h"
#include <stdarg.h>

void nf_log_print(const nf_log *log, nf_level level, const char *fmt, ...) {
  if (log->write == NULL || level > log->level) return;
  char line[NF_LINE];
  va_list args;
  va_start(args, fmt);
  nf_line(line, fmt, args);
  va_end(args);
  log->write(log->user, level, line);
}

nf_status nf_log_progress(const nf_log *log, const char *what, uint64_t done, uint64_t total) {
  if (log->progress == NULL || log->progress(log->user, what, done, total)) return nf_ok();
  return nf_error(NF_CANCELLED, "%s: stopped by the caller", what);
}

nf_status nf_progress_add(nf_progress *p, uint64_t n) {
  p->done += n;
  if (p->log == NULL) return nf_ok();
  return nf_log_progress(p->log, p->what, p->total && p->done > p->total ? p->total : p->done, p->total);
}
