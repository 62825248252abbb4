// SPDX-License-Identifier: Apache-2.0
#include "report/screen.h"
#include "report/doc.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

// https://no-color.org
static bool decorated(void) {
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

// What COLUMNS asks for, or else what the terminal has; 0: neither says.
static int64_t asked_width(void) {
  const char *columns = getenv("COLUMNS");
  struct winsize w;
  int64_t n;
  if (columns != NULL && nf_parse_i64(nf_view_of(columns), &n) && n > 0) return n;
  return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}

size_t report_screen_width(void) {
  const int64_t n = asked_width();
  return n <= 0 ? SIZE_MAX : n < REPORT_NARROWEST ? REPORT_NARROWEST : (size_t)n;
}

// Characters of s[0..n), each taken for one column.
static size_t columns(const char *s, size_t n) {
  size_t count = 0;
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

// Behind `count` characters of s.
static const char *skip(const char *s, size_t count) {
  while (*s != '\0' && count-- > 0) do
      s++;
    while (((unsigned char)*s & 0xC0) == 0x80);
  return s;
}

// Broken where the screen ends when it is longer than a line. Gives the column behind it.
static size_t print_word(const char *s, size_t n, int hang, size_t at) {
  const size_t most = report_screen_width();
  while (at < most && columns(s, n) > most - at) {
    const size_t part = (size_t)(skip(s, most - at) - s);
    print_safely(s, part);
    at = (size_t)printf("\n%*s", hang, "") - 1;
    s += part;
    n -= part;
  }
  print_safely(s, n);
  return at + columns(s, n);
}

static void print_words(const char *s, int indent, int hang) {
  const size_t most = report_screen_width();
  size_t at = (size_t)printf("%*s", indent, "");
  for (bool first = true; *s != '\0'; first = false) {
    const size_t n = strcspn(s, " ");
    const size_t wide = columns(s, n);
    if (!first && at + 1 + wide > most)
      at = (size_t)printf("\n%*s", hang, "") - 1;
    else if (!first)
      at += (size_t)printf(" ");
    at = print_word(s, n, hang, at);
    s += n + (s[n] == ' ');
  }
}

static void print_formatted(int indent, int hang, const char *fmt, va_list args) {
  char *line = NULL;
  if (vasprintf(&line, fmt, args) < 0) line = NULL;
  print_words(line != NULL ? line : "no memory for this line", indent, hang);
  free(line);
}

void report_heading(const char *fmt, ...) {
  const bool bold = decorated();
  va_list args;
  fputs(bold ? "\n\033[1m" : "\n", stdout);
  va_start(args, fmt);
  print_formatted(0, 2, fmt, args);
  va_end(args);
  fputs(bold ? "\033[0m\n" : "\n", stdout);
}

void report_wrapped(int indent, int hang, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  print_formatted(indent, hang, fmt, args);
  va_end(args);
  printf("\n");
}

void report_line(int indent, int hang, nf_text *t) {
  print_words(t->failed || t->at == NULL ? "no memory for this line" : t->at, indent, hang);
  printf("\n");
  nf_text_deinit(t);
}

void report_say(int indent, int hang, const json_t *object, const char *template) {
  nf_text line = {0};
  report_fill(&line, object, template);
  report_line(indent, hang, &line);
}

// ---- tables ----

void report_fit_names(int *width, int n, int others) {
  const size_t most = report_screen_width();
  int all = 0;
  for (int i = 0; i < n; i++) all += width[i];
  if (most == SIZE_MAX || (size_t)(all + others) <= most) return;
  const int room = (int)most > others ? (int)most - others : 0;
  for (int i = 0; i < n; i++) {
    const int share = width[i] * room / all;
    width[i] = share > 8 ? share : 8;
  }
}

// Gives how many columns it took.
static size_t print_name(const char *s, size_t most) {
  const size_t n = columns(s, strlen(s));
  if (n <= most || most < 3 || report_screen_width() == SIZE_MAX) return print_safely(s, strlen(s)), n;
  const size_t head = (most - 1) / 2, tail = most - 1 - head;
  print_safely(s, (size_t)(skip(s, head) - s));
  fputs("…", stdout);
  s = skip(s, n - tail);
  print_safely(s, strlen(s));
  return most;
}

void report_name(const char *s, int width) {
  const size_t n = print_name(s, (size_t)width);
  if (n < (size_t)width) printf("%*s", (int)((size_t)width - n), "");
}

void report_two_names(const char *a, int a_width, const char *b, int b_width, int others) {
  int width[] = {a_width, b_width};
  report_fit_names(width, 2, others);
  report_name(a, width[0]);
  printf(" ");
  report_name(b, width[1]);
}

void report_last_name(const char *s, int width) {
  print_name(s, (size_t)width);
  printf("\n");
}
