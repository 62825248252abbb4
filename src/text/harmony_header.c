// SPDX-License-Identifier: Apache-2.0
// What a harmony header says. A well-formed one is [role[:name]] [to=recipient] <|channel|>channel
// [to=recipient] [<|constrain|>][content type] <|message|>. Models repeat marks, forget them, or name things
// in odd places, so every word is taken for what it can best be, and what can't be anything is odd.
#include "base/keys.h"
#include "text/chat_format.h"
#include <string.h>

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_mark(char c) { return c == NF_HEADER_CHANNEL || c == NF_HEADER_CONSTRAIN; }

static nf_view behind(nf_view v, size_t n) { return (nf_view){v.at + n, v.n - n}; }

// ---- names ----

// Those that a model knows, and which wins where a header names several: an answer must be found.
static int rank_of(nf_view channel) { // 0: unknown, -1: none
  if (nf_has_word("analysis commentary", channel)) return 1;
  return nf_has_word("final", channel) ? 2 : channel.n ? 0 : -1;
}

// Length of the known channel's name that the word begins with; 0: it does with none.
static size_t known_channel(nf_view word) {
  const char *known = "analysis commentary final";
  for (nf_view name; nf_next_word(&known, &name);)
    if (nf_view_begins(word, name)) return name.n;
  return 0;
}

static bool is_type(nf_view word) {
  return nf_has_word("json code text", word) || memchr(word.at, '/', word.n);
}

// A name that only tools have.
static bool is_tool(nf_view word) {
  return nf_view_begins(word, NF_VIEW("functions.")) || nf_view_begins(word, NF_VIEW("browser.")) ||
         nf_view_begins(word, NF_VIEW("container.")) || nf_view_equal(word, NF_VIEW("python"));
}

// ---- words ----

typedef struct parse {
  bool closed;    // <|message|> stands behind it; else the first word without a place begins the content
  bool need_role; // the prompt has not given it
  bool marked;    // it has a channel mark, so it is a header
  enum { ANY, ROLE, CHANNEL, TYPE, RECIPIENT } expect;
  nf_chat_event *out;
} parse;

// What is taken of the word from its beginning; less than all of it: the rest, or all, has no place.

static size_t take_channel(parse *p, nf_view word) {
  const size_t known = known_channel(word);
  if (known && !p->closed) word.n = known;
  if (p->out->channel.n) p->out->odd = true;
  if (rank_of(word) > rank_of(p->out->channel)) p->out->channel = word;
  p->need_role = false;
  return word.n;
}

static size_t take_role(parse *p, nf_view word) {
  const char *colon = memchr(word.at, ':', word.n);
  const nf_view role = {word.at, colon ? (size_t)(colon - word.at) : word.n};
  if (rank_of(word) > 0) return p->out->odd = true, take_channel(p, word);
  if (!p->closed && !p->marked && !nf_has_word("assistant user system developer tool", role)) return 0;
  p->out->role = role;
  if (colon) p->out->name = behind(word, role.n + 1);
  p->need_role = false;
  return word.n;
}

// "assistant" once more, or grown together with the channel; 0: it is neither.
static size_t take_assistant(parse *p, nf_view word) {
  const nf_view assistant = NF_VIEW("assistant");
  if (!nf_view_begins(word, assistant) || (!p->closed && p->out->channel.n)) return 0;
  const nf_view rest = behind(word, assistant.n);
  if (rest.n && !known_channel(rest)) return 0;
  p->out->odd = p->out->odd || rest.n || !p->need_role;
  p->need_role = false;
  return assistant.n + (rest.n ? take_channel(p, rest) : 0);
}

// Whether a tool is called without "to=". Thoughts and commentary go to nobody, so who is named there is
// called.
static bool is_called(const parse *p, nf_view word) {
  const int rank = rank_of(p->out->channel);
  if (p->out->recipient.n || rank > 1) return false;
  if (p->closed && rank == 1 && !is_type(word)) return true;
  return (p->closed || p->marked) && is_tool(word);
}

// A word without anything that says what it is.
static size_t take_bare(parse *p, nf_view word) {
  if (is_called(p, word)) return p->out->odd = true, p->out->recipient = word, word.n;
  if (!p->closed && !(p->out->recipient.n && is_type(word))) return 0;
  if (p->out->content_type.n || p->out->constrained) return 0;
  return p->out->content_type = word, word.n;
}

static size_t take_word(parse *p, nf_view word) {
  const nf_view to = NF_VIEW("to=");
  size_t n;
  if (nf_view_begins(word, to)) {
    p->out->recipient = behind(word, to.n);
    if (word.n == to.n) p->expect = RECIPIENT;
    return word.n;
  }
  const int expect = p->expect;
  p->expect = ANY;
  if (word.at[0] == '{' || word.at[0] == '<') return 0;
  if (expect == CHANNEL) return take_channel(p, word);
  if (expect == RECIPIENT) return p->out->odd = true, p->out->recipient = word, word.n;
  if (expect == TYPE) return p->out->content_type = word, word.n;
  if ((n = take_assistant(p, word)) != 0) return n;
  return p->need_role ? take_role(p, word) : take_bare(p, word);
}

static void take_mark(parse *p, char mark) {
  if (mark == NF_HEADER_CONSTRAIN) {
    p->out->odd = p->out->odd || p->out->constrained;
    p->out->constrained = true;
    p->expect = TYPE;
    return;
  }
  p->out->odd = p->out->odd || p->out->channel.n;
  p->expect = CHANNEL;
}

// Marks, and brackets of content that was not announced, end a word.
static nf_view word_at(nf_view header, size_t at) {
  size_t i = at + 1;
  while (i < header.n && !is_space(header.at[i]) && !is_mark(header.at[i]) && header.at[i] != '<' &&
         header.at[i] != '{')
    i++;
  return (nf_view){header.at + at, i - at};
}

size_t nf_harmony_parse_header(nf_view header, bool closed, bool role_given, nf_chat_event *out) {
  *out = (nf_chat_event){.role = NF_VIEW("assistant"), .odd = !closed};
  parse p = {.closed = closed, .need_role = !role_given, .out = out};
  p.marked = header.n && memchr(header.at, NF_HEADER_CHANNEL, header.n) != NULL;
  bool taken = false;
  for (size_t at = 0; at < header.n; taken = taken || !is_space(header.at[at - 1])) {
    if (is_space(header.at[at])) {
      at++;
    } else if (is_mark(header.at[at])) {
      take_mark(&p, header.at[at++]);
    } else {
      const nf_view word = word_at(header, at);
      const size_t n = take_word(&p, word);
      out->odd = out->odd || n < word.n;
      if (n < word.n && !closed) return taken || n ? at + n : 0;
      at += word.n;
    }
  }
  return header.n;
}
