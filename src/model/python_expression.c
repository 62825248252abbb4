// SPDX-License-Identifier: Apache-2.0
// Python's regular expressions and file name patterns in PCRE2's spelling. Most of it is the same; what only
// one of them knows, or both read differently, is written otherwise or refused.
#include "model/modules.h"
#include <ctype.h>
#include <string.h>

static nf_status no_python(const nf_json_at *at, const char *all, const char *what, size_t n) {
  return nf_json_error(at, "'re:%.100s' has '%.*s', which is nothing in a regular expression of Python's",
                       all, (int)n, what);
}

static bool hex(const char *s, int n) {
  while (n > 0 && isxdigit((unsigned char)*s)) s++, n--;
  return n == 0;
}

// From the backslash on; *length is what was read.
static bool escape(const char *from, size_t *length, nf_text *out) {
  const char c = from[1];
  *length = c ? 2 : 1;
  if (c == 'Z' || c == 'v') {
    nf_text_printf(out, "%s", c == 'Z' ? "\\z" : "\\x0b");
  } else if (c == 'u' && hex(from + 2, 4)) {
    nf_text_printf(out, "\\x{%.4s}", from + 2);
    *length = 6;
  } else if (c == 'x' ? !hex(from + 2, 2) : isalpha((unsigned char)c) && !strchr("dDwWsSbBAnrtfa", c)) {
    return false;
  } else {
    nf_text_append(out, from, *length);
  }
  return true;
}

// Whether "(?" goes on as Python's groups do: PCRE2 has calls, branch resets and other names besides.
static bool is_group(const char *s) {
  if (*s == 'P') return s[1] == '<' || s[1] == '=';
  if (*s == '<') return s[1] == '=' || s[1] == '!';
  if (*s == '-') return islower((unsigned char)s[1]);
  return *s && strchr(":=!#>(imsxaLu", *s);
}

// A class from its '[' to its ']' or the end: "[" means itself in there, and so does a "]" at once.
static nf_status set(const nf_json_at *at, const char *all, const char **from, nf_text *out) {
  const char *s = *from + 1;
  nf_text_append(out, "[", 1);
  if (*s == '^') nf_text_append(out, s++, 1);
  for (bool first = true; *s && (first || *s != ']'); first = false) {
    size_t n = 1;
    if (*s == '[' || (first && *s == ']')) {
      nf_text_printf(out, "\\%c", *s);
    } else if (*s != '\\') {
      nf_text_append(out, s, 1);
    } else if (!escape(s, &n, out)) {
      return no_python(at, all, s, 2);
    }
    s += n;
  }
  if (*s) nf_text_append(out, s++, 1);
  *from = s;
  return nf_ok();
}

nf_status nf_python_expression(const nf_json_at *at, const char *from, nf_text *out) {
  for (const char *s = from; *s;) {
    size_t n = 1;
    if (*s == '[') {
      NF_TRY(set(at, from, &s, out));
      continue;
    }
    if (*s == '\\') {
      if (!escape(s, &n, out)) return no_python(at, from, s, 2);
    } else if (*s == '(' && (s[1] == '*' || (s[1] == '?' && !is_group(s + 2)))) {
      return no_python(at, from, s, s[1] == '?' && s[2] ? 3 : 2);
    } else if (*s == '{' && s[1] == ',' && isdigit((unsigned char)s[2])) {
      nf_text_append(out, "{0", 2); // "at most": PCRE2 before 10.43 takes it for itself
    } else {
      nf_text_append(out, s, 1);
    }
    s += n;
  }
  return nf_text_status(out);
}

// A class of fnmatch from its '[' on: its length, 0 when it has no end and is a bracket only.
static size_t class_length(const char *s) {
  size_t n = 1 + (s[1] == '!');
  if (s[n] == ']') n++;
  const char *end = strchr(s + n, ']');
  return end ? (size_t)(end - s) + 1 : 0;
}

void nf_python_fnmatch(const char *from, nf_text *out) {
  for (const char *s = from; *s; s++) {
    const size_t n = *s == '[' ? class_length(s) : 0;
    if (*s == '*' || *s == '?') {
      nf_text_printf(out, *s == '*' ? ".*" : ".");
    } else if (n) {
      nf_text_printf(out, s[1] == '!' ? "[^" : "[");
      for (size_t i = 1 + (s[1] == '!'); i + 1 < n; i++)
        nf_text_printf(out, strchr("\\[]^", s[i]) ? "\\%c" : "%c", s[i]);
      nf_text_append(out, "]", 1);
      s += n - 1;
    } else {
      nf_text_printf(out, isalnum((unsigned char)*s) || *s == '_' || (unsigned char)*s > 127 ? "%c" : "\\%c",
                     *s);
    }
  }
  nf_text_append(out, "\\z", 2);
}
