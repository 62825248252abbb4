// SPDX-License-Identifier: Apache-2.0
// The command line as it could be typed again, for pages that tell how they were made.
#include "base/text.h"
#include "cli/cli.h"
#include <string.h>

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";

static void write_word(nf_text *t, const char *word) {
  if (*word != '\0' && word[strspn(word, plain)] == '\0') return nf_text_printf(t, "%s", word);
  nf_text_printf(t, "'");
  for (; *word != '\0'; word++) nf_text_printf(t, *word == '\'' ? "'\\''" : "%c", *word);
  nf_text_printf(t, "'");
}

char *cli_command_line(int argc, char **argv) {
  nf_text t = {0};
  nf_text_printf(&t, "infuse");
  for (int i = 1; i < argc; i++) {
    nf_text_printf(&t, " ");
    write_word(&t, argv[i]);
  }
  if (!t.failed) return t.at;
  nf_text_deinit(&t);
  return NULL;
}
