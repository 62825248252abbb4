// SPDX-License-Identifier: Apache-2.0
// A progress bar on a terminal.
#include "cli/bar.h"
#include "base/clock.h"
#include <stdio.h>
#include <unistd.h>

static void draw(const cli_bar *b, const char *what, double part) {
  enum { WIDTH = 30 };
  const int full = (int)(WIDTH * part);
  fprintf(stderr, "\r%s [%.*s%*s] %3.0f%%", what, full, "==============================", WIDTH - full, "",
          100 * part);
  if (part > 0) fprintf(stderr, ", %.0f s left\033[K", (b->last - b->begun) * (1 - part) / part);
}

void cli_bar_show(cli_bar *b, const cli_options *o, const char *what, size_t done, size_t total) {
  const double now = nf_now();
  if (o->quiet || !isatty(STDERR_FILENO)) return;
  if (b->begun == 0) b->begun = b->last = now;
  if (done >= total)
    fputs("\r\033[K", stderr);
  else if (now - b->last > 0.1) {
    b->last = now;
    draw(b, what, (double)done / (double)total);
  }
}
