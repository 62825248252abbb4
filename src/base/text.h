// SPDX-License-Identifier: Apache-2.0
// Text: a growing string, views, and numbers from text.
#pragma once
#include "base/status.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nf_view { // borrowed bytes, not NUL-terminated
  const char *at;
  size_t n;
} nf_view;
#define NF_VIEW(literal) ((nf_view){(literal), sizeof(literal) - 1})
nf_view nf_view_of(const char *s); // NULL is empty
bool nf_view_equal(nf_view a, nf_view b);
bool nf_view_begins(nf_view v, nf_view with);
bool nf_view_ends(nf_view v, nf_view with);
bool nf_glob(const char *pattern, const char *s); // '*' matches any run; a blank ends the pattern

// A growing string. Out of memory is remembered in `failed` and later appends do nothing, so callers check
// once.
typedef struct nf_text {
  char *at; // NUL-terminated once anything was appended
  size_t n, cap;
  bool failed;
} nf_text;
void nf_text_append(nf_text *t, const char *s, size_t n);
void nf_text_printf(nf_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
nf_status nf_text_status(const nf_text *t); // NF_NO_MEMORY if any append failed
void nf_text_deinit(nf_text *t);
static inline nf_view nf_text_view(const nf_text *t) { return (nf_view){t->at, t->n}; }

// Whole-string decimal numbers; false on anything else (sign rules of strtoll, no spaces, no overflow, no
// "inf" or "nan"). Independent of the locale. A float has at most 400 characters.
bool nf_parse_i64(nf_view s, int64_t *out);
bool nf_parse_f64(nf_view s, double *out);

// The name in names[0..n) nearest to s by edit distance, or NULL when none is near (> a third of its length).
const char *nf_nearest(const char *s, const char *const *names, size_t n);

// First byte of the first invalid UTF-8 sequence, or n when all is valid (RFC 3629: no surrogates, no
// overlongs).
size_t nf_utf8_check(const char *s, size_t n);
// Length (1 to 4) of the valid UTF-8 sequence that s[0..n) starts with, 0 when it starts with none. n >= 1.
int nf_utf8_length(const char *s, size_t n);

// printf to one line that is safe for terminals and logs: control characters and bytes that are not UTF-8
// become \xNN, a text that does not fit is cut between characters and ends in an ellipsis.
#define NF_LINE 1025
void nf_line(char out[NF_LINE], const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
