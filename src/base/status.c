// SPDX-License-Identifier: Apache-2.0
// Errors: one allocation each, holding code and a text made safe for terminals and logs.
#include "base/status.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct infuse_error {
  nf_code code;
  const char *message; // stands behind the struct, or is a literal in a static error
};

// What is handed out when there is no memory for a text; never written, never freed.
static const struct infuse_error bare[] = {
    [NF_OK] = {NF_OK, "ok"},
    [NF_CHECK_FAILED] = {NF_CHECK_FAILED, "check failed"},
    [NF_USAGE] = {NF_USAGE, "wrong usage"},
    [NF_BAD_INPUT] = {NF_BAD_INPUT, "bad input"},
    [NF_UNAVAILABLE] = {NF_UNAVAILABLE, "unavailable"},
    [NF_NO_MEMORY] = {NF_NO_MEMORY, "out of memory"},
    [NF_CANCELLED] = {NF_CANCELLED, "cancelled"},
    [NF_INTERNAL] = {NF_INTERNAL, "internal error"},
};
#define CODES (sizeof bare / sizeof *bare)

static const struct infuse_error *bare_of(nf_code code) {
  return &bare[(size_t)code < CODES ? (size_t)code : NF_INTERNAL];
}

static bool is_bare(const struct infuse_error *e) { return e == bare_of(e->code); }

static nf_status build(nf_code code, const char *text) {
  size_t n = strlen(text) + 1;
  struct infuse_error *e = malloc(sizeof *e + n);
  if (e == NULL) return (nf_status){(struct infuse_error *)bare_of(code)};
  *e = (struct infuse_error){code, memcpy(e + 1, text, n)};
  return (nf_status){e};
}

nf_status nf_error(nf_code code, const char *fmt, ...) {
  char text[NF_LINE];
  va_list args;
  va_start(args, fmt);
  nf_line(text, fmt, args);
  va_end(args);
  return build(bare_of(code)->code, text);
}

nf_status nf_status_note(nf_status s, const char *fmt, ...) {
  if (nf_is_ok(s)) return s;
  char note[NF_LINE];
  va_list args;
  va_start(args, fmt);
  nf_line(note, fmt, args);
  va_end(args);
  nf_status noted = nf_error(s.error->code, "%s: %s", note, s.error->message);
  if (is_bare(noted.error)) return s;
  nf_status_free(s);
  return noted;
}

nf_status nf_status_join(nf_status first, nf_status second) {
  if (nf_is_ok(first)) return second;
  nf_status_free(second);
  return first;
}

nf_status nf_status_copy(nf_status s) { return nf_is_ok(s) ? s : build(s.error->code, s.error->message); }

nf_code nf_status_code(nf_status s) { return s.error != NULL ? s.error->code : NF_OK; }
const char *nf_status_message(nf_status s) { return s.error != NULL ? s.error->message : ""; }
const char *nf_code_name(nf_code code) { return bare_of(code)->message; }

void nf_status_free(nf_status s) {
  if (s.error != NULL && !is_bare(s.error)) free(s.error);
}
