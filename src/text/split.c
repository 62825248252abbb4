// SPDX-License-Identifier: Apache-2.0
// Running split patterns. Step limits start small and grow tenfold, so that the whole text has one budget
// though PCRE2 only limits single matches.
#include "text/split.h"
#include "text/unicode.h"
#include <string.h>

enum { FIRST_LIMIT = 1000, STEPS_PER_BYTE = 64, HEAP_LIMIT_KIB = 64 << 10, PATTERN_MAX = 1 << 16 };
static const uint64_t STEPS_AT_LEAST = 1 << 22;

static nf_status compile(nf_view pattern, uint32_t options, pcre2_code **out) {
  int code;
  PCRE2_SIZE at;
  *out = pcre2_compile((PCRE2_SPTR)pattern.at, pattern.n, options, &code, &at, NULL);
  if (*out) return nf_ok();
  PCRE2_UCHAR text[160];
  pcre2_get_error_message(code, text, sizeof text);
  return nf_error(code == PCRE2_ERROR_HEAP_FAILED || code == PCRE2_ERROR_NOMEMORY ? NF_NO_MEMORY
                                                                                  : NF_BAD_INPUT,
                  "broken pattern: %s (near character %zu)", (char *)text, (size_t)at);
}

// Refusals of the JIT leave the interpreter, which gives the same matches. So it does for atomic groups, into
// whose other alternatives the JIT of PCRE2 10.42 goes back.
static nf_status compile_fast(const nf_text *pattern, bool atomic, pcre2_code **out) {
  NF_TRY(compile((nf_view){pattern->at, pattern->n},
                 PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, out));
  int rc = atomic ? 0 : pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE);
  return rc == PCRE2_ERROR_NOMEMORY ? nf_error(NF_NO_MEMORY, "no memory for a compiled pattern") : nf_ok();
}

nf_status nf_split_init(nf_split *s, nf_view pattern, bool literal) {
  nf_text lean = {0}, newer = {0};
  nf_status st = nf_ok();
  *s = (nf_split){0};
  if (pattern.n == 0 || pattern.n > PATTERN_MAX)
    return nf_error(NF_BAD_INPUT, "a pattern must have 1 to %d bytes", PATTERN_MAX);
  if (literal) return compile(pattern, PCRE2_UTF | PCRE2_LITERAL, &s->code);
  bool atomic = memmem(pattern.at, pattern.n, "(?>", 3);
  NF_GOTO(nf_split_translate(pattern, true, &lean));
  NF_GOTO(compile_fast(&lean, atomic, &s->code));
  NF_GOTO(nf_split_translate(pattern, false, &newer));
  if (newer.n != lean.n) st = compile_fast(&newer, atomic, &s->newer);
fail:
  nf_text_deinit(&lean);
  nf_text_deinit(&newer);
  if (!nf_is_ok(st)) nf_split_deinit(s);
  return st;
}

void nf_split_deinit(nf_split *s) {
  pcre2_code_free(s->code);
  pcre2_code_free(s->newer);
  *s = (nf_split){0};
}

nf_status nf_split_work_init(nf_split_work *w, size_t stages, size_t text_n) {
  *w = (nf_split_work){.budget = STEPS_AT_LEAST + STEPS_PER_BYTE * (uint64_t)text_n};
  bool ok = (w->context = pcre2_match_context_create(NULL)) != NULL;
  ok = ok && (w->stack = pcre2_jit_stack_create(32 << 10, 8 << 20, NULL)) != NULL;
  for (size_t i = 0; ok && i < stages; i++) ok = (w->match[i] = pcre2_match_data_create(1, NULL)) != NULL;
  if (!ok) {
    nf_split_work_deinit(w);
    return nf_error(NF_NO_MEMORY, "no memory for matching");
  }
  pcre2_jit_stack_assign(w->context, NULL, w->stack);
  pcre2_set_heap_limit(w->context, HEAP_LIMIT_KIB);
  return nf_ok();
}

void nf_split_work_deinit(nf_split_work *w) {
  for (size_t i = 0; i < NF_SPLITS_MAX; i++) pcre2_match_data_free(w->match[i]);
  pcre2_jit_stack_free(w->stack);
  pcre2_match_context_free(w->context);
  *w = (nf_split_work){0};
}

typedef struct run {
  const nf_split *s;
  size_t stages;
  nf_split_work *w;
  bool newer; // the text has characters that PCRE2 may not know
  nf_split_emit emit;
  void *user;
} run;

// One match at or after `from`; *found false if there is none.
static nf_status match(const run *r, size_t stage, nf_view text, size_t from, bool *found) {
  uint32_t limit = FIRST_LIMIT;
  const nf_split *s = &r->s[stage];
  const pcre2_code *code = r->newer && s->newer ? s->newer : s->code;
  for (;;) {
    pcre2_set_match_limit(r->w->context, limit);
    int rc = pcre2_match(code, (PCRE2_SPTR)text.at, text.n, from, PCRE2_NO_UTF_CHECK, r->w->match[stage],
                         r->w->context);
    *found = rc >= 0;
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH) return nf_ok();
    if (rc == PCRE2_ERROR_NOMEMORY) return nf_error(NF_NO_MEMORY, "no memory for matching");
    if (rc != PCRE2_ERROR_MATCHLIMIT || limit > r->w->budget) break;
    r->w->budget -= limit;
    limit *= 10;
  }
  return nf_error(NF_BAD_INPUT,
                  "the tokenizer's split pattern needs too many steps at byte %zu of a span of %zu", from,
                  text.n);
}

static nf_status run_stage(const run *r, size_t stage, nf_view text) {
  if (stage == r->stages) return r->emit(r->user, text);
  size_t done = 0, from = 0;
  bool found = true;
  while (from <= text.n) {
    NF_TRY(match(r, stage, text, from, &found));
    if (!found) break;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(r->w->match[stage]);
    size_t start = at[0], end = at[1];
    if (start < done || end < start)
      return nf_error(NF_BAD_INPUT, "a split pattern matches backwards at byte %zu", from);
    if (done < start) NF_TRY(run_stage(r, stage + 1, (nf_view){text.at + done, start - done}));
    if (start < end) NF_TRY(run_stage(r, stage + 1, (nf_view){text.at + start, end - start}));
    done = from = end;
    if (start == end) // an empty match cuts, and the search goes on behind the next character
      do from++;
      while (from < text.n && ((unsigned char)text.at[from] & 0xc0) == 0x80);
  }
  return done < text.n ? run_stage(r, stage + 1, (nf_view){text.at + done, text.n - done}) : nf_ok();
}

nf_status nf_split_run(const nf_split *s, size_t stages, nf_split_work *w, nf_view text, nf_split_emit emit,
                       void *user) {
  run r = {s, stages, w, nf_has_new_chars(text), emit, user};
  return run_stage(&r, 0, text);
}
