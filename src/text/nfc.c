// SPDX-License-Identifier: Apache-2.0
// Form C only where it can matter: text between two characters that never change nor join is copied as it is.
#include "text/nfc.h"
#include "text/unicode.h"
#include <stdlib.h>
#include <utf8proc.h>

// utf8proc sorts a row of marks in quadratic time.
enum { MARKS_MAX = 1024 };

// True only for characters that form C leaves alone and that never join the character before them. Rather
// false than wrong: letters with a decomposition, all marks and the conjoining jamo are false.
static bool is_inert(uint32_t c) {
  if (c < 0x300) return true;
  if ((c >= 0x4e00 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3)) return true;
  if (c >= 0x1100 && c <= 0x11ff) return false;
  const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)c);
  return p->combining_class == 0 && p->category != UTF8PROC_CATEGORY_MN &&
         p->category != UTF8PROC_CATEGORY_MC && p->category != UTF8PROC_CATEGORY_ME &&
         (p->decomp_seqindex == UINT16_MAX || p->decomp_type != 0);
}

// The first character of s at or after `from` that is not inert; *before is where the inert one before it
// begins.
static size_t next_active(nf_view s, size_t from, size_t *before) {
  *before = from;
  for (size_t at = from, n; at < s.n; at += n) {
    if ((unsigned char)s.at[at] < 0xcc) { // below U+0300
      n = (unsigned char)s.at[at] < 0x80 ? 1 : 2;
    } else if (!is_inert(nf_utf8_char(s.at + at, &n))) {
      return at;
    }
    *before = at;
  }
  return s.n;
}

// *marks: most combining marks in a row before the inert character that is found.
static size_t next_inert(nf_view s, size_t from, size_t *marks) {
  size_t row = 0;
  *marks = 0;
  for (size_t n; from < s.n; from += n) {
    uint32_t c = nf_utf8_char(s.at + from, &n);
    if (is_inert(c)) return from;
    row = utf8proc_get_property((utf8proc_int32_t)c)->combining_class ? row + 1 : 0;
    if (row > *marks) *marks = row;
  }
  return s.n;
}

static nf_status append_nfc(const char *s, size_t n, nf_text *out) {
  utf8proc_uint8_t *form = NULL;
  utf8proc_ssize_t size = utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &form,
                                       UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  if (size < 0) {
    free(form);
    return nf_error(size == UTF8PROC_ERROR_NOMEM ? NF_NO_MEMORY : NF_BAD_INPUT, "NFC: %s",
                    utf8proc_errmsg(size));
  }
  nf_text_append(out, (const char *)form, (size_t)size);
  free(form);
  return nf_ok();
}

nf_status nf_nfc(nf_view text, nf_text *buffer, nf_view *out) {
  size_t done = 0, before, active, marks;
  buffer->n = 0;
  while ((active = next_active(text, done, &before)) < text.n) {
    size_t end = next_inert(text, active, &marks);
    if (marks > MARKS_MAX)
      return nf_error(NF_BAD_INPUT, "text: more than %d combining marks in a row near byte %zu of a span",
                      MARKS_MAX, active);
    nf_text_append(buffer, text.at + done, before - done);
    NF_TRY(append_nfc(text.at + before, end - before, buffer));
    done = end;
  }
  if (done == 0) return *out = text, nf_ok();
  nf_text_append(buffer, text.at + done, text.n - done);
  *out = (nf_view){buffer->at, buffer->n};
  return nf_text_status(buffer);
}
