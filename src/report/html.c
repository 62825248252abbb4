// SPDX-License-Identifier: Apache-2.0
#include "report/html.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void report_html_escape(nf_text *t, const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (strchr("<>&\"'", s[i]) != NULL)
      nf_text_printf(t, "&#%d;", s[i]);
    else
      nf_text_append(t, s + i, 1);
}

// One conversion at `spec`, which begins with '%'; gives its length.
static size_t convert(nf_text *t, const char *spec, va_list args) {
  const size_t n = strcspn(spec + 1, "sufd%") + 2;
  char one[16];
  snprintf(one, sizeof one, "%.*s", (int)n, spec);
  const char *s;
  switch (spec[n - 1]) {
  case 's':
    s = va_arg(args, const char *);
    report_html_escape(t, s, strlen(s));
    break;
  case 'u':
    nf_text_printf(t, "%zu", va_arg(args, size_t));
    break;
  case 'f':
    nf_text_printf(t, "%.*f", one[1] == '.' ? one[2] - '0' : 6, va_arg(args, double));
    break;
  case 'd':
    nf_text_printf(t, "%d", va_arg(args, int));
    break;
  default:
    nf_text_append(t, "%", 1);
  }
  return n;
}

void report_html(nf_text *t, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  while (*fmt != '\0') {
    const size_t plain = strcspn(fmt, "%");
    nf_text_append(t, fmt, plain);
    fmt += plain;
    if (*fmt != '\0') fmt += convert(t, fmt, args);
  }
  va_end(args);
}

void report_html_fill(nf_text *t, const json_t *object, const char *template) {
  report_fill_with(t, object, template, report_html_escape);
}

void report_html_name(nf_text *t, const char *name) {
  for (const char *s = name; *s != '\0'; s++) {
    report_html_escape(t, s, 1);
    if ((*s == '_' || *s == '.') && s[1] != '\0') nf_text_printf(t, "<wbr>");
  }
}
