// SPDX-License-Identifier: Apache-2.0
// Reading calls of functions whose arguments are parameters: their text becomes JSON as it comes.
#include "text/xml.h"
#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 256, BLANK_MAX = 64 }; // of what is looked at again with every piece of text

// ---- tags ----

enum { FUNCTION, FUNCTION_END, PARAMETER, PARAMETER_END, CALL, CALL_END, TAGS };
#define SET(tag) (1u << (tag))

#define MARK_CALL "\xfa"
#define MARK_CALL_END "\xfb"
_Static_assert(NF_MARK_BYTE + NF_CHATML_CALL == 0xfa && NF_MARK_BYTE + NF_CHATML_CALL_END == 0xfb,
               "marks as they are spelled above");
static const char *const spelling[TAGS] = {
    "<function=", "</function>", "<parameter=", "</parameter>", MARK_CALL, MARK_CALL_END};
// What comes behind a tag that is none of a value's text, but for the end of all.
static const unsigned follows[TAGS] = {[PARAMETER_END] = SET(PARAMETER) | SET(FUNCTION_END) | SET(CALL_END) |
                                                         SET(FUNCTION) | SET(CALL),
                                       [FUNCTION_END] = SET(FUNCTION) | SET(CALL) | SET(CALL_END),
                                       [CALL_END] = SET(CALL)};

enum { NONE = -1, MAYBE = -2 };

// The tag of the set with which v begins; MAYBE: v is the beginning of one.
static int tag_at(nf_view v, unsigned set) {
  for (int i = 0; i < TAGS; i++) {
    const nf_view tag = nf_view_of(spelling[i]);
    if (!(set & SET(i))) continue;
    if (nf_view_begins(v, tag)) return i;
    if (nf_view_begins(tag, v)) return MAYBE;
  }
  return NONE;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static size_t blanks(nf_view v) {
  size_t n = 0;
  while (n < v.n && is_blank(v.at[n])) n++;
  return n;
}

static nf_view behind(nf_view v, size_t n) { return (nf_view){v.at + n, v.n - n}; }

// The name that v, which begins with such a tag, has up to its ">".
static nf_begins name_at(nf_view v, int tag, nf_view *name, size_t *used) {
  const nf_view rest = behind(v, strlen(spelling[tag]));
  size_t n = 0;
  while (n < rest.n && n <= NAME_MAX_BYTES && (uint8_t)rest.at[n] < NF_MARK_BYTE &&
         strchr("<>\n", rest.at[n]) == NULL)
    n++;
  if (n == rest.n && n <= NAME_MAX_BYTES) return NF_BEGINS_MAYBE;
  if (n == 0 || n > NAME_MAX_BYTES || rest.at[n] != '>') return NF_BEGINS_NOT;
  *name = (nf_view){rest.at, n};
  *used = strlen(spelling[tag]) + n + 1;
  return NF_BEGINS;
}

nf_begins nf_xml_begins(nf_view text, nf_view *name, size_t *used) {
  const size_t blank = blanks(text);
  const nf_view v = behind(text, blank);
  const int tag = tag_at(v, SET(FUNCTION));
  if (tag == NONE || blank > BLANK_MAX) return NF_BEGINS_NOT;
  const nf_begins begins = tag == MAYBE ? NF_BEGINS_MAYBE : name_at(v, FUNCTION, name, used);
  if (begins == NF_BEGINS) *used += blank;
  return begins;
}

// ---- what is told ----

void nf_xml_begin(nf_xml_call *x, const nf_chat_marks *marks, const json_t *parameters) {
  x->parameters = parameters;
  x->marks = marks;
  x->out.n = x->stray.n = x->names.n = x->seen = 0;
  x->done = x->odd = x->in_value = false;
  nf_text_append(&x->out, "{", 1);
  nf_text_append(&x->names, "\n", 1);
}

void nf_xml_deinit(nf_xml_call *x) {
  nf_text_deinit(&x->out);
  nf_text_deinit(&x->stray);
  nf_text_deinit(&x->names);
}

// Appends v, in which marks are spelled.
static void spell(const nf_xml_call *x, nf_view v, nf_text *out) {
  for (size_t i = 0; i < v.n; i++) {
    const int mark = (uint8_t)v.at[i] - NF_MARK_BYTE;
    const nf_view s = mark >= 0 ? nf_view_of(x->marks->spelling[mark]) : (nf_view){&v.at[i], 1};
    nf_text_append(out, s.at, s.n);
  }
}

static void add_stray(nf_xml_call *x, nf_view v) {
  spell(x, v, &x->stray);
  x->odd = true;
}

static bool is_given(const nf_xml_call *x, nf_view name) {
  const char *at = x->names.at;
  for (nf_view rest = nf_text_view(&x->names); (at = memmem(rest.at, rest.n, name.at, name.n)) != NULL;) {
    if (at[-1] == '\n' && at[name.n] == '\n') return true;
    rest = (nf_view){at + 1, rest.n - (size_t)(at + 1 - rest.at)};
  }
  return false;
}

static void begin_value(nf_xml_call *x, nf_view name) {
  x->again = is_given(x, name);
  x->kind = nf_parameter_kind(x->parameters, name);
  x->in_value = x->front = x->line = true;
  x->begun = false;
  x->seen = 0;
  x->odd |= x->again || (x->parameters != NULL && nf_parameter_declared(x->parameters, name) == NULL);
  if (x->again) return;
  if (x->names.n > 1) nf_text_append(&x->out, ", ", 2);
  nf_text_append(&x->out, "\"", 1);
  nf_json_put_text(&x->out, name);
  nf_text_append(&x->out, "\": ", 3);
  nf_text_append(&x->names, name.at, name.n);
  nf_text_append(&x->names, "\n", 1);
}

static void add_text(nf_xml_call *x, nf_view v) {
  nf_text spelled = {0};
  if (x->again) return add_stray(x, v);
  if (!x->begun) nf_text_append(&x->out, "\"", 1);
  x->begun = true;
  spell(x, v, &spelled);
  nf_json_put_text(&x->out, nf_text_view(&spelled));
  x->out.failed |= spelled.failed;
  nf_text_deinit(&spelled);
}

// A word of JSON in any case, and Python's None, which templates write too; NULL: it is no such.
static const char *word_of(nf_view v) {
  static const char *const words[][2] = {
      {"null", "null"}, {"none", "null"}, {"true", "true"}, {"false", "false"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (v.n == strlen(words[i][0]) && strncasecmp(v.at, words[i][0], v.n) == 0) return words[i][1];
  return NULL;
}

static bool is_null(nf_view v) {
  const char *word = word_of(v);
  return word != NULL && word[0] == 'n';
}

static nf_view trim(nf_view v) {
  for (; v.n != 0 && is_blank(v.at[0]); v = behind(v, 1)) {
  }
  while (v.n != 0 && is_blank(v.at[v.n - 1])) v.n--;
  return v;
}

// What does not parse is text.
static nf_status add_json(nf_xml_call *x, nf_view all) {
  const nf_view json = trim(all);
  nf_json doc;
  const char *word = word_of(json);
  if (word != NULL) return nf_text_append(&x->out, word, strlen(word)), nf_ok();
  const nf_status st = nf_json_parse_nul(json.n != 0 ? json.at : "", json.n, "value", &doc);
  if (nf_is_ok(st)) {
    nf_json_deinit(&doc);
    return nf_text_append(&x->out, json.at, json.n), nf_ok();
  }
  if (nf_status_code(st) != NF_BAD_INPUT) return st;
  nf_status_free(st);
  x->odd = true;
  add_text(x, all);
  return nf_ok();
}

// The rest of a value, all of it where it is JSON.
static nf_status end_value(nf_xml_call *x, nf_view rest) {
  nf_status st = nf_ok();
  nf_text json = {0};
  x->in_value = false;
  x->seen = 0;
  if (x->again) return add_stray(x, rest), nf_ok();
  if (x->kind == NF_VALUE_JSON) {
    spell(x, rest, &json);
    st = nf_text_status(&json);
    if (nf_is_ok(st)) st = add_json(x, nf_text_view(&json));
    nf_text_deinit(&json);
  } else if (x->kind == NF_VALUE_TEXT_OR_NULL && !x->begun && is_null(rest)) {
    nf_text_append(&x->out, "null", 4);
  } else {
    add_text(x, rest);
  }
  if (x->begun) nf_text_append(&x->out, "\"", 1);
  return st;
}

static void end_function(nf_xml_call *x) {
  nf_text_append(&x->out, "}", 1);
  x->done = true;
}

// ---- values ----

typedef enum verdict { TEXT, WAIT, END } verdict;

// Whether a line with a parameter that is to come ends the value, whose own end was forgotten.
static verdict judge_parameter(const nf_xml_call *x, nf_view v, bool begins_line) {
  nf_view name;
  size_t used;
  if (!begins_line) return TEXT;
  const nf_begins begins = name_at(v, PARAMETER, &name, &used);
  if (begins == NF_BEGINS_MAYBE) return WAIT;
  if (begins == NF_BEGINS_NOT || nf_parameter_declared(x->parameters, name) == NULL) return TEXT;
  return is_given(x, name) ? TEXT : END;
}

static verdict judge(const nf_xml_call *x, nf_view v, bool begins_line) {
  const int tag = tag_at(v, SET(PARAMETER) | SET(PARAMETER_END) | SET(FUNCTION_END) | SET(CALL_END));
  if (tag == MAYBE) return WAIT;
  if (tag == NONE) return TEXT;
  if (tag == PARAMETER) return judge_parameter(x, v, begins_line);
  nf_view rest = behind(v, strlen(spelling[tag]));
  const size_t blank = blanks(rest);
  rest = behind(rest, blank);
  if (blank > BLANK_MAX) return TEXT;
  if (rest.n == 0) return WAIT;
  const int next = tag_at(rest, follows[tag]);
  return next == MAYBE ? WAIT : next == NONE ? TEXT : END;
}

// Where the model had no more to say a tag that nothing follows ends the value, and the beginning of one is
// text. Where it was cut neither is known.
static verdict judge_last(const nf_xml_call *x, nf_view v, bool begins_line, nf_xml_more more) {
  const verdict said = judge(x, v, begins_line);
  const int tag = tag_at(v, SET(PARAMETER_END) | SET(FUNCTION_END) | SET(CALL_END));
  if (said != WAIT || more != NF_XML_ENDED) return said;
  const size_t n = tag >= 0 ? strlen(spelling[tag]) : 0;
  return tag >= 0 && n + blanks(behind(v, n)) == v.n ? END : TEXT;
}

// How many bytes of v are the value's for sure. END: all of them, and there it ends.
static verdict find_end(nf_xml_call *x, nf_view v, nf_xml_more more, size_t *out) {
  verdict said = WAIT;
  size_t i = x->seen;
  for (; i < v.n; i++) {
    const uint8_t c = (uint8_t)v.at[i];
    if (c != '<' && c < NF_MARK_BYTE) continue;
    const bool line = i != 0 ? v.at[i - 1] == '\n' : x->line;
    said = judge_last(x, behind(v, i), line, more);
    if (said != TEXT) break;
  }
  x->seen = *out = i;
  if (i == v.n) said = WAIT;
  return said;
}

// Tells what is known of a text.
static void take_text(nf_xml_call *x, nf_view v, size_t n, size_t *used) {
  const bool may_be_null = x->kind == NF_VALUE_TEXT_OR_NULL && !x->begun && n <= 4 &&
                           (strncasecmp(v.at, "null", n) == 0 || strncasecmp(v.at, "none", n) == 0);
  if (n == 0 || x->kind == NF_VALUE_JSON || may_be_null) return;
  add_text(x, (nf_view){v.at, n});
  x->line = v.at[n - 1] == '\n';
  x->seen -= n;
  *used = n;
}

static nf_status read_value(nf_xml_call *x, nf_view v, nf_xml_more more, size_t *used) {
  size_t n;
  if (x->front && v.n == 0 && more == NF_XML_MORE) return nf_ok();
  const bool front = x->front && v.n != 0 && v.at[0] == '\n';
  x->front = false;
  if (front) return *used = 1, nf_ok();
  const bool ends = find_end(x, v, more, &n) == END || more == NF_XML_ENDED;
  const size_t end = n - (n != 0 && v.at[n - 1] == '\n'); // the line end in front of a tag is not the value's
  if (!ends) {
    take_text(x, v, end, used);
    if (more == NF_XML_CUT) *used = v.n, x->seen = 0;
    return nf_ok();
  }
  const nf_view close = nf_view_of(spelling[PARAMETER_END]);
  const bool closed = nf_view_begins(behind(v, n), close);
  x->odd |= !closed;
  *used = n + (closed ? close.n : 0);
  return end_value(x, (nf_view){v.at, end});
}

// ---- between values ----

// Text that is no tag, up to where one may begin.
static void skip(nf_xml_call *x, nf_view v, size_t *used) {
  size_t n = 1;
  while (n < v.n && v.at[n] != '<' && (uint8_t)v.at[n] < NF_MARK_BYTE) n++;
  add_stray(x, (nf_view){v.at, n});
  *used = n;
}

static void read_parameter(nf_xml_call *x, nf_view v, nf_xml_more more, size_t *used) {
  nf_view name;
  const nf_begins begins = name_at(v, PARAMETER, &name, used);
  if (begins == NF_BEGINS) return begin_value(x, name);
  if (begins == NF_BEGINS_NOT || more == NF_XML_ENDED) return skip(x, v, used);
  if (more == NF_XML_CUT) *used = v.n;
}

// A function whose end is missing ends where the next one begins, and where the call does.
static void read_between(nf_xml_call *x, nf_view v, nf_xml_more more, size_t *used) {
  *used = blanks(v);
  if (*used != 0 || (v.n == 0 && more != NF_XML_ENDED)) return;
  const int tag = tag_at(v, v.n != 0 ? SET(TAGS) - 1 : 0);
  if (tag == PARAMETER) return read_parameter(x, v, more, used);
  if (tag == MAYBE && more == NF_XML_CUT) *used = v.n;
  if (tag == MAYBE && more != NF_XML_ENDED) return;
  if (tag == MAYBE || (tag == NONE && v.n != 0)) return skip(x, v, used);
  const bool is_end = tag == FUNCTION_END;
  x->odd |= !is_end;
  if (is_end || tag == PARAMETER_END) *used = strlen(spelling[tag]);
  if (tag != PARAMETER_END) end_function(x);
}

nf_status nf_xml_read(nf_xml_call *x, nf_view text, nf_xml_more more, size_t *used) {
  bool goes_on = true;
  for (*used = 0; goes_on && !x->done;) {
    const bool was = x->in_value;
    size_t n = 0;
    if (was)
      NF_TRY(read_value(x, behind(text, *used), more, &n));
    else
      read_between(x, behind(text, *used), more, &n);
    *used += n;
    goes_on = n != 0 || was != x->in_value;
  }
  NF_TRY(nf_text_status(&x->names));
  NF_TRY(nf_text_status(&x->stray));
  return nf_text_status(&x->out);
}
