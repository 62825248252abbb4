// SPDX-License-Identifier: Apache-2.0
// Server-sent events: bytes to lines, lines to fields, fields to events.
#include "cli/load/sse.h"
#include <string.h>

enum { MOST = 16 << 20 }; // bytes of an event

static void clear(nf_text *t) { t->n = 0; }

static void dispatch(load_sse *s, void (*heard)(void *user, const load_event *e), void *user) {
  const load_event e = {.name = nf_text_view(&s->name), .data = nf_text_view(&s->data)};
  if (s->has_data) heard(user, &e);
  clear(&s->name);
  clear(&s->data);
  s->has_data = false;
}

static bool is(nf_view field, const char *name) { return nf_view_equal(field, nf_view_of(name)); }

static void take_field(load_sse *s, nf_view line) {
  const char *colon = memchr(line.at, ':', line.n);
  const nf_view field = {line.at, colon != NULL ? (size_t)(colon - line.at) : line.n};
  nf_view value = {line.at + line.n, 0};
  if (colon != NULL) value = (nf_view){colon + 1, line.n - field.n - 1};
  if (value.n != 0 && *value.at == ' ') value = (nf_view){value.at + 1, value.n - 1};
  if (is(field, "event")) {
    clear(&s->name);
    nf_text_append(&s->name, value.at, value.n);
  } else if (is(field, "data")) {
    if (s->has_data) nf_text_append(&s->data, "\n", 1);
    nf_text_append(&s->data, value.at, value.n);
    s->has_data = true;
  }
}

static void end_line(load_sse *s, void (*heard)(void *user, const load_event *e), void *user) {
  static const char bom[] = "\xEF\xBB\xBF";
  nf_view line = nf_text_view(&s->line);
  if (!s->begun && line.n >= 3 && memcmp(line.at, bom, 3) == 0) line = (nf_view){line.at + 3, line.n - 3};
  s->begun = true;
  if (line.n == 0)
    dispatch(s, heard, user);
  else
    take_field(s, line);
  clear(&s->line);
}

static size_t to_line_end(const char *at, size_t n) {
  size_t i = 0;
  while (i < n && at[i] != '\n' && at[i] != '\r') i++;
  return i;
}

static nf_status check(const load_sse *s) {
  NF_TRY(nf_text_status(&s->line));
  NF_TRY(nf_text_status(&s->data));
  NF_TRY(nf_text_status(&s->name));
  if (s->line.n > MOST || s->data.n > MOST)
    return nf_error(NF_BAD_INPUT, "an event of the stream is larger than %d MiB", MOST >> 20);
  return nf_ok();
}

nf_status load_sse_feed(load_sse *s, const char *at, size_t n, void (*heard)(void *user, const load_event *e),
                        void *user) {
  for (const char *end = at + n; at < end;) {
    const bool rest_of_crlf = s->after_cr && *at == '\n';
    s->after_cr = false;
    if (rest_of_crlf && ++at == end) break;
    const size_t length = to_line_end(at, (size_t)(end - at));
    nf_text_append(&s->line, at, length);
    at += length;
    NF_TRY(check(s));
    if (at == end) break;
    s->after_cr = *at++ == '\r';
    end_line(s, heard, user);
    NF_TRY(check(s));
  }
  return nf_ok();
}

void load_sse_deinit(load_sse *s) {
  nf_text_deinit(&s->line);
  nf_text_deinit(&s->name);
  nf_text_deinit(&s->data);
  *s = (load_sse){0};
}
