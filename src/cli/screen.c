// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// https://no-color.org
static bool decorated(void) {
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

void cli_heading(const char *fmt, ...) {
  const bool bold = decorated();
  va_list args;
  va_start(args, fmt);
  fputs(bold ? "\n\033[1m" : "\n", stdout);
  vprintf(fmt, args);
  fputs(bold ? "\033[0m\n" : "\n", stdout);
  va_end(args);
}

// Characters of s[0..n), each taken for one column.
static int columns(const char *s, size_t n) {
  int count = 0;
  for (size_t i = 0; i < n; i++) count += ((unsigned char)s[i] & 0xC0) != 0x80;
  return count;
}

// A name from a file may hold what would steer the terminal.
static void print_safely(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const unsigned char c = (unsigned char)s[i];
    putchar(c < ' ' || c == 0x7F ? '?' : c);
  }
}

static void print_words(const char *s, int indent, int hang) {
  int at = printf("%*s", indent, "");
  for (bool first = true; *s != '\0'; first = false) {
    const size_t n = strcspn(s, " ");
    const int wide = columns(s, n);
    if (!first && at + 1 + wide > CLI_COLUMNS)
      at = printf("\n%*s", hang, "") - 1;
    else if (!first)
      at += printf(" ");
    print_safely(s, n);
    at += wide;
    s += n + (s[n] == ' ');
  }
  printf("\n");
}

void cli_wrapped(int indent, int hang, const char *fmt, ...) {
  char *line = NULL;
  va_list args;
  va_start(args, fmt);
  if (vasprintf(&line, fmt, args) < 0) line = NULL;
  va_end(args);
  print_words(line != NULL ? line : "no memory for this line", indent, hang);
  free(line);
}
