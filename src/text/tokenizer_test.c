// SPDX-License-Identifier: Apache-2.0
// Tests of the tokenizer: files that are wrong, texts that are wrong, flags, decoding, memory that runs out,
// time.
#include "base/file.h"
#include "base/memory.h"
#include "tests/support/alloc_fail.h"
#include "text/small_tokenizer.h"
#include "text/tokenizer.h"
#include "text/unicode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void check_ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static nf_status make(const small_tokenizer *s, nf_tokenizer **out) {
  nf_text json = {0};
  small_tokenizer_print(s, &json);
  assert_false(json.failed);
  nf_status st = nf_tokenizer_parse(json.at, json.n, "t.json", out);
  nf_text_deinit(&json);
  return st;
}

#define DEEP8 "[[[[[[[["
#define DEEP DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8
#define ADDED(members) "[{\"id\":300,\"content\":\"<|s|>\"" members "}]"

static const struct {
  small_tokenizer doc;
  const char *expect; // part of the message
} bad[] = {
    {{.merges = "[\"a b\",\"a c\"]"}, "merges[1]: model.vocab lacks the result"},
    {{.merges = "[\"a zz\"]"}, "merges[0]: \"zz\" is not a byte-level token"},
    {{.merges = "[\"ab\"]"}, "two tokens with one space"},
    {{.merges = "[\"a b c\"]"}, "two tokens with one space"},
    {{.merges = "[\"a  b\"]"}, "two tokens with one space"},
    {{.merges = "[[\"a\"]]"}, "expected ','"},
    {{.merges = "[[\"a\",\"b\",\"c\"]]"}, "expected ']'"},
    {{.merges = "[[\"a\",7]]"}, "expected '\"'"},
    {{.merges = "[[\"a\",\"\\u4e16\"]]"}, "not a byte-level token"},
    {{.merges = "[\"\"]"}, "two tokens with one space"},
    {{.merges = "[\" \"]"}, "\"\" is not a byte-level token"},
    {{.merges = "{}"}, "expected '['"},
    {{.merges = "null"}, "expected '['"},
    {{.merges = "[\"a b\",]"}, "expected '\"'"},
    {{.merges = "[" DEEP}, "inside each other"},
    {{.vocab = "{}"}, "no token for byte 0x00"},
    {{.vocab = "{\"a\":1}"}, "no token for byte 0x00"},
    {{.vocab = "[]"}, "expected '{'"},
    {{.more = ",\"zz\":7"}, "id 7 is used twice"},
    {{.more = ",\"ab\":270"}, "ids 256 and 270 have the same token"},
    {{.more = ",\"zz\":-1"}, "an integer from 0 to 4194303"},
    {{.more = ",\"zz\":4194304"}, "an integer from 0 to 4194303"},
    {{.more = ",\"zz\":99999999999999999999999"}, "an integer from 0 to"},
    {{.more = ",\"zz\":270.5"}, "expected '}'"},
    {{.more = ",\"zz\":0270"}, "an integer from 0 to"},
    {{.more = ",\"zz\""}, "expected ':'"},
    {{.more = ",\"zz\":null"}, "an integer from 0 to"},
    {{.more = ",\"\":270"}, "an empty token"},
    {{.more = ",\"\\ud800\":270"}, "half of a surrogate pair"},
    {{.more = ",\"\\udc00\":270"}, "half of a surrogate pair"},
    {{.more = ",\"\\u0000\":270"}, "NUL"},
    {{.more = ",\"\\q\":270"}, "unknown escape"},
    {{.more = ",\"\\u12g4\":270"}, "four hex digits"},
    {{.more = ",\"a\nb\":270"}, "control character"},
    {{.more = ",\"a\xff\":270"}, "invalid UTF-8"},
    {{.head = "\"model\":0,"}, "there already"},
    {{.head = "\"decoder\":null,"}, "there already"},
    {{.options = "\"vocab\":{},"}, "there already"},
    {{.options = "\"dropout\":0.5,"}, "dropout: 0.5 is not supported"},
    {{.options = "\"end_of_word_suffix\":\"</w>\","}, "end_of_word_suffix: \"</w>\" is not supported"},
    {{.options = "\"ignore_merges\":3,"}, "ignore_merges"},
    {{.type = "\"Unigram\""}, "\"Unigram\" is not supported; BPE is"},
    {{.type = "null"}, "model.type"},
    {{.added = "{}"}, "added_tokens"},
    {{.added = "[3]"}, "added_tokens"},
    {{.added = "[{\"content\":\"x\"}]"}, "id"},
    {{.added = "[{\"id\":300}]"}, "content"},
    {{.added = "[{\"id\":-4,\"content\":\"x\"}]"}, "id"},
    {{.added = "[{\"id\":4194304,\"content\":\"x\"}]"}, "id"},
    {{.added = ADDED(",\"lstrip\":\"yes\"")}, "lstrip"},
    {{.normalizer = "{\"type\":\"Lowercase\"}"}, "normalizer.type: \"Lowercase\" is not supported; NFC"},
    {{.normalizer = "{\"type\":\"Sequence\"}"}, "normalizer.normalizers"},
    {{.normalizer = "[]"}, "normalizer"},
    {{.pre_tokenizer = "null"}, "pre_tokenizer"},
    {{.pre_tokenizer = "{\"type\":\"Metaspace\"}"}, "\"Metaspace\" is not supported; Split and ByteLevel"},
    {{.pre_tokenizer = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}"},
     "add_prefix_space: true is not supported"},
    {{.pre_tokenizer = "{\"type\":\"Sequence\",\"pretokenizers\":[]}"}, "no ByteLevel"},
    {{.pre_tokenizer =
          "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},{\"type\":\"ByteLevel\"}]}"},
     "nothing may follow ByteLevel"},
    {{.pre_tokenizer = "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\"},\"behavior\":\"Removed\"}"},
     "behavior: \"Removed\" is not supported; Isolated is"},
    {{.pre_tokenizer = "{\"type\":\"Split\",\"pattern\":{},\"behavior\":\"Isolated\"}"},
     "either Regex or String"},
    {{.pre_tokenizer = SMALL_SPLIT("(")}, "Regex: broken pattern"},
    {{.pre_tokenizer = SMALL_SPLIT("a\\\\")}, "ends with a backslash"},
    {{.pre_tokenizer = SMALL_SPLIT("[a")}, "broken pattern"},
    {{.pre_tokenizer = SMALL_SPLIT("\\\\p{Nonsense}")}, "Regex: pattern: \\p{Nonsense}"},
    {{.pre_tokenizer = SMALL_SPLIT("")}, "1 to 65536 bytes"},
    {{.pre_tokenizer = SMALL_SPLIT("((((a{999}){999}){999}){999})")}, "broken pattern"},
    {{.post_processor = "{\"type\":\"BertProcessing\"}"}, "\"BertProcessing\" is not supported"},
    {{.post_processor = "{\"type\":\"TemplateProcessing\",\"single\":[],\"special_tokens\":{}}"},
     "no Sequence"},
    {{.post_processor = "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\"}}],"
                        "\"special_tokens\":{}}"},
     "\"x\" is missing"},
    {{.decoder = "null"}, "decoder"},
    {{.decoder = "{\"type\":\"WordPiece\"}"}, "\"WordPiece\" is not supported"},
    {{.tail = "x"}, "t.json"},
};

static void bad_files_are_refused(void **) {
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    nf_tokenizer *t = NULL;
    nf_status st = make(&bad[i].doc, &t);
    if (nf_is_ok(st)) fail_msg("case %zu (\"%s\") was accepted", i, bad[i].expect);
    assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
    const char *message = nf_status_message(st);
    if (!strstr(message, bad[i].expect) || !strstr(message, "t.json") || strchr(message, '\n'))
      fail_msg("case %zu: expected \"%s\", got \"%s\"", i, bad[i].expect, message);
    nf_status_free(st);
  }
}

static void expect_ids(const nf_tokenizer *t, const char *text, unsigned flags, const char *expected) {
  nf_ids ids = {0};
  nf_text got = {0};
  check_ok(nf_encode(t, nf_view_of(text), flags, &ids));
  for (size_t i = 0; i < ids.n; i++) nf_text_printf(&got, i ? " %d" : "%d", ids.at[i]);
  assert_string_equal(got.n ? got.at : "", expected);
  nf_text_deinit(&got);
  nf_ids_deinit(&ids);
}

static void remember(void *user, nf_level, const char *line) { nf_text_printf(user, "%s\n", line); }

// What asks for something that is not done blocks nothing, and is told.
static void what_is_not_obeyed_is_told(void **) {
  nf_text json = {0}, said = {0};
  nf_tokenizer *t;
  char path[] = "/tmp/tokenizer-XXXXXX";
  int file = mkstemp(path);
  small_tokenizer_print(
      &(small_tokenizer){
          .head = "\"truncation\":{\"max_length\":1},\"padding\":{},\"later\":1,\"version\":\"1.0\",",
          .added = "["
                   "{\"id\":300,\"content\":\"<x>\",\"rank\":2}]",
          .options = "\"unk_token\":\"x\",\"byte_fallback\":true,"},
      &json);
  assert_int_equal(write(file, json.at, json.n), json.n);
  close(file);
  const nf_log log = {.level = NF_LOG_INFO, .write = remember, .user = &said};
  check_ok(nf_tokenizer_load_logged(path, &log, &t));
  unlink(path);
  expect_ids(t, "abcd<x>", 0, "258 260"); // longer than max_length
  static const char *const lines[] = {"truncation: not obeyed", "padding: not obeyed", "later: is not known",
                                      "added_tokens[0].rank: is not known",
                                      "300 is not obeyed: the token has id 260"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (!strstr(said.at, lines[i])) fail_msg("'%s' is not in: %s", lines[i], said.at);
  assert_null(strstr(said.at, "version"));
  assert_null(strstr(said.at, "unk_token"));
  nf_text_deinit(&json);
  nf_text_deinit(&said);
  nf_tokenizer_destroy(t);
}

static void cut_files_are_refused(void **) {
  nf_text json = {0};
  small_tokenizer_print(&(small_tokenizer){.merges = "[]"}, &json);
  for (size_t n = 0; n < json.n; n += n < 300 || n + 300 > json.n ? 1 : 37) {
    nf_tokenizer *t = NULL;
    nf_status st = nf_tokenizer_parse(json.at, n, "t.json", &t);
    assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
    nf_status_free(st);
  }
  nf_text_deinit(&json);
}

static void encodes(void **) {
  nf_tokenizer *t;
  check_ok(make(&(small_tokenizer){0}, &t));
  expect_ids(t, "", 0, "");
  expect_ids(t, "abcd", 0, "258");
  expect_ids(t, "abc d", 0, "256 99 32 100");
  expect_ids(t, "ab ac a", 0, "256 259 99 259"); // ByteLevel without use_regex: the GPT-2 pattern
  expect_ids(t, "ab<|s|>cd", 0, "256 260 257");
  expect_ids(t, "<|s|>", NF_ENCODE_PLAIN, "60 124 115 124 62");
  assert_int_equal(nf_tokenizer_vocab_size(t), 261);
  assert_true(nf_token_is_special(t, 260));
  assert_false(nf_token_is_special(t, 256) || nf_token_is_special(t, -1) || nf_token_is_special(t, 261));
  int32_t id;
  assert_true(nf_token_id(t, NF_VIEW("<|s|>"), &id) && id == 260);
  assert_true(nf_token_id(t, NF_VIEW(" a"), &id) && id == 259);
  assert_false(nf_token_id(t, NF_VIEW("nope"), &id));
  assert_true(nf_view_equal(nf_token_bytes(t, 258), NF_VIEW("abcd")));
  static const int32_t without_text[] = {-1, 261, 301, INT32_MAX, INT32_MIN};
  for (int i = 0; i < 5; i++) assert_int_equal(nf_token_bytes(t, without_text[i]).n, 0);
  nf_ids ids = {0};
  check_ok(nf_encode(t, (nf_view){"a\0b", 3}, 0, &ids));
  assert_int_equal(ids.n, 3);
  nf_ids_deinit(&ids);
  nf_tokenizer_destroy(t);
}

static void options_are_obeyed(void **) {
  nf_tokenizer *t;
  check_ok(make(&(small_tokenizer){.options = "\"ignore_merges\":true,", .more = ",\"xyz\":260"}, &t));
  expect_ids(t, "xyz", 0, "260");
  expect_ids(t, "xyzz", 0, "120 121 122 122");
  nf_tokenizer_destroy(t);
  check_ok(make(&(small_tokenizer){.pre_tokenizer = SMALL_SPLIT("b|x*"), .more = ",\"\\u4e16\":260"}, &t));
  expect_ids(t, "ab", 0, "97 98");
  expect_ids(t, "\xe4\xb8\x96", 0, "228 184 150"); // a token outside the byte alphabet is never a piece
  assert_true(nf_view_equal(nf_token_bytes(t, 260), NF_VIEW("\xe4\xb8\x96")));
  nf_tokenizer_destroy(t);
  check_ok(make(
      &(small_tokenizer){
          .post_processor =
              "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},"
              "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<|s|>\"}},"
              "{\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"e\"}}],\"special_tokens\":"
              "{\"<|s|>\":{\"ids\":[260]},\"e\":{\"ids\":[1,2]}}}]}"},
      &t));
  expect_ids(t, "ab", NF_ENCODE_TEMPLATE, "260 256 1 2");
  expect_ids(t, "ab", 0, "256");
  nf_tokenizer_destroy(t);
}

#define TOKEN(id, content, flags) "{\"id\":" #id ",\"content\":\"" content "\"" flags "}"
#define ZZ ",\"zz\":262" // leaves a gap: 261 entries, the largest id 262

// Ids and flags as tokenizers 0.23.3 gives them, which obeys no "id".
static void added_tokens_are_those_of_tokenizers(void **) {
  static const struct {
    const char *added, *more, *text, *expected;
  } cases[] = {
      {TOKEN(300, "<x>", ) "," TOKEN(301, "<y>", ), "", "<x><y>", "260 261"}, // a gap
      {TOKEN(261, "<y>", ) "," TOKEN(260, "<x>", ), "", "<x><y>", "261 260"}, // counted as they come
      {TOKEN(256, "<x>", ), "", "<x>ab", "260 256"},                          // an id that is used
      {TOKEN(300, "<x>", ) "," TOKEN(300, "<y>", ), "", "<x><y>", "260 261"},
      {TOKEN(300, "ab", ), "", "abcd", "256 257"},               // in the vocabulary already
      {TOKEN(300, "<x y>", ), ",\"<x y>\":260", "<x y>", "260"}, // under a name that is no bytes
      {TOKEN(300, "\\u0120a", ), "", "\u0120a a", "259 259"},    // by its spelling
      {TOKEN(262, "<x>", ) "," TOKEN(263, "<y>", ), ZZ, "<x><y>zz", "261 262 122 122"},
      {TOKEN(300, "<x>", ) "," TOKEN(301, "<y>", ) "," TOKEN(302, "<z>", ), ",\"ac\":261,\"ad\":262",
       "<x><y><z>", "262 263 264"}, // behind two entries
      {TOKEN(260, "", ) "," TOKEN(261, "<x>", ), "", "<x>", "260"},
      {TOKEN(260, "<x>", ) "," TOKEN(261, "<x>", ",\"lstrip\":true") "," TOKEN(262, "<y>", ), "", " <x><y>",
       "260 261"},
      {TOKEN(260, "e\\u0301x", ",\"normalized\":true"), "", "e\u0301x|\u00e9x", "260 124 260"},
      {TOKEN(260, "e\\u0301x", ",\"normalized\":true") "," TOKEN(261, "\u00e9x", ",\"normalized\":true"), "",
       "e\u0301x|\u00e9x", "260 124 260"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nf_tokenizer *t;
    nf_text added = {0};
    nf_text_printf(&added, "[%s]", cases[i].added);
    check_ok(
        make(&(small_tokenizer){.added = added.at, .more = cases[i].more, .normalizer = "{\"type\":\"NFC\"}"},
             &t));
    expect_ids(t, cases[i].text, 0, cases[i].expected);
    nf_text_deinit(&added);
    nf_tokenizer_destroy(t);
  }
}

// White space between two tokens goes to one of them, and never what a token before has taken.
static void stripping_ends_at_the_token_before(void **) {
  static const struct {
    const char *text, *expected;
  } cases[] = {
      {"<l> <l>", "260 260"},
      {"<l><l>", "260 260"},
      {"<r> <l>", "261 260"},
      {"<r> \n <r> <l>", "261 261 260"},
      {"<s> <l>", "262 260"},
      {"<l> <s>", "260 32 262"},
      {"a <l> a", "97 260 259"},
      {"a <r> a", "97 32 261 97"},
      {"<space > <l>", "263 260"},
      {"<space ><l>", "263 260"}, // its own blank is not for others
      {"<r> <space >", "261 263"},
      {"a<w> <l>b", "97 60 119 62 260 98"},
      {" <w> <l>", "32 264 260"},
      {"<w>  <w><l>", "264 32 32 264 260"},
      {" <l>", "260"},
      {"<r> ", "261"},
      {"<b>  <b>", "265 265"},
      {" <b> a <b>", "265 97 265"},
      {"\t <l>\t <l>\t", "260 260 9"},
      {"<end >  <l>", "266 260"},
      {"<end >  <end ><l>", "266 266 260"},
  };
  nf_tokenizer *t;
  check_ok(make(
      &(small_tokenizer){
          .added =
              "[" TOKEN(260, "<l>", ",\"lstrip\":true") "," TOKEN(261, "<r>", ",\"rstrip\":true") "," TOKEN(262, "<s>", ) "," TOKEN(
                  263,
                  "<space >", ) "," TOKEN(264, "<w>",
                                          ",\"single_word\":true") "," TOKEN(265, "<b>",
                                                                             ",\"lstrip\":true,\"rstrip\":"
                                                                             "true") "," TOKEN(266, "<end >",
                                                                                               ",\"rstrip\":"
                                                                                               "true,"
                                                                                               "\"lstrip\":"
                                                                                               "true") "," TOKEN(267,
                                                                                                                 "c ", ) "]"},
      &t));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_ids(t, cases[i].text, 0, cases[i].expected);
  expect_ids(t, "c  <l>", 0, "267 260"); // one that ends in white space
  expect_ids(t, "c <l>", 0, "267 260");
  nf_tokenizer_destroy(t);
}

static void invalid_text_is_refused(void **) {
  static const struct {
    const char *text, *expect;
  } texts[] = {{"ab\xff", "byte 2"},
               {"\xc3", "byte 0"},
               {"a\xed\xa0\x80", "byte 1"},
               {"\xc0\xaf", "byte 0"},
               {"\xf4\x90\x80\x80", "byte 0"}};
  nf_tokenizer *t;
  check_ok(make(&(small_tokenizer){0}, &t));
  nf_ids ids = {0};
  check_ok(nf_encode(t, NF_VIEW("ab"), 0, &ids));
  for (int i = 0; i < 5; i++) {
    nf_status st = nf_encode(t, nf_view_of(texts[i].text), 0, &ids);
    assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
    assert_non_null(strstr(nf_status_message(st), texts[i].expect));
    nf_status_free(st);
    assert_int_equal(ids.n, 1);
  }
  nf_ids_deinit(&ids);
  nf_tokenizer_destroy(t);
}

// Patterns that backtrack without end must fail, and soon.
static void hostile_patterns_end(void **) {
  static const char *const patterns[] = {SMALL_SPLIT("(a+)+[bc]"), SMALL_SPLIT("(a|a)*[bc]"),
                                         SMALL_SPLIT("(?:a|aa)+[bc]"), SMALL_SPLIT("(?:a{2,3}|a)+[bc]"),
                                         SMALL_SPLIT("(?:(a)\\\\1|a)+[bc]")};
  char text[3001];
  memset(text, 'a', 3000);
  text[3000] = 0;
  for (int i = 0; i < 5; i++) {
    nf_tokenizer *t;
    nf_ids ids = {0};
    check_ok(make(&(small_tokenizer){.pre_tokenizer = patterns[i]}, &t));
    nf_status st = nf_encode(t, nf_view_of(text), 0, &ids);
    if (nf_status_code(st) != NF_BAD_INPUT) fail_msg("pattern %d: %s", i, nf_status_message(st));
    assert_non_null(strstr(nf_status_message(st), "too many steps"));
    nf_status_free(st);
    assert_int_equal(ids.n, 0);
    check_ok(nf_encode(t, NF_VIEW("xyz"), 0, &ids)); // the tokenizer is still good
    nf_ids_deinit(&ids);
    nf_tokenizer_destroy(t);
  }
}

static void expect_form(const char *text, const char *expected) {
  nf_text buffer = {0};
  nf_view form;
  check_ok(nf_nfc(nf_view_of(text), &buffer, &form));
  if (!nf_view_equal(form, nf_view_of(expected))) fail_msg("%s became %.*s", text, (int)form.n, form.at);
  nf_text_deinit(&buffer);
}

// Values of tokenizers 0.23.3, whose normalisation has Unicode 9.
static void form_c_is_that_of_unicode_9(void **) {
  static const char *const same[] = {
      "e\u1df9\u0301",        // a mark of Unicode 10 stands between
      "a\u0345\u08d3",        // and is not sorted
      "\u0e81\u0eba\u0eb8",   // Unicode 12
      "\U00011935\U00011930", // nothing is composed of these
      "\U000105d2\u0307",     // nor of these of Unicode 16
      "a\u0897\u0323",
  };
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) expect_form(same[i], same[i]);
  expect_form("e\u0323\u0301", "\u1eb9\u0301");
  expect_form("e\u0301\u0323\u1df9\u0301", "\u1eb9\u0301\u1df9\u0301");
  expect_form("\u1df9e\u0301", "\u1df9\u00e9");
  expect_form("\u1100\u1161\u11a8x\u0301", "\uac01x\u0301");
}

// A million marks in the wrong order take a moment, not a day.
static void rows_of_marks_take_linear_time(void **) {
  enum { PAIRS = 500000 };
  nf_text text = {0}, buffer = {0};
  nf_view form;
  nf_text_append(&text, "x", 1);
  for (int i = 0; i < PAIRS; i++) nf_text_append(&text, "\u0301\u0323", 4);
  check_ok(nf_nfc((nf_view){text.at, text.n}, &buffer, &form));
  assert_int_equal(form.n, text.n);
  for (size_t i = 0; i < 2 * PAIRS; i++)
    assert_memory_equal(form.at + 1 + 2 * i, i < PAIRS ? "\u0323" : "\u0301", 2);
  nf_text_deinit(&text);
  nf_text_deinit(&buffer);
}

static void expect_decoded(const char *const *parts, size_t n, const char *expected) {
  nf_decoder d = {0};
  nf_text out = {0};
  for (size_t i = 0; i < n; i++) {
    nf_decoder_bytes(&d, nf_view_of(parts[i]), &out);
    assert_int_equal(nf_utf8_check(out.at ? out.at : "", out.n), out.n);
  }
  nf_decoder_end(&d, &out);
  assert_string_equal(out.n ? out.at : "", expected);
  nf_text_deinit(&out);
}

#define BAD "\xef\xbf\xbd"
static void decoding_holds_back_and_replaces(void **) {
  static const struct {
    const char *parts[4], *expected;
  } cases[] = {
      {{"a", "\xf0", "\x9f\x98", "\x80"}, "a\xf0\x9f\x98\x80"},
      {{"\xe4\xb8", "x", "", ""}, BAD "x"},
      {{"\xf0\x9f", "\xf0\x9f\x98\x80", "", ""}, BAD "\xf0\x9f\x98\x80"},
      {{"\xff", "\xfe", "\x80", "a"}, BAD BAD BAD "a"},
      {{"\xed", "\xa0", "\x80", ""}, BAD BAD BAD}, // a surrogate
      {{"\xc0\xaf", "", "", ""}, BAD BAD},         // an overlong slash
      {{"\xe0\x80", "", "", ""}, BAD BAD},
      {{"\xf4\x90", "", "", ""}, BAD BAD},
      {{"ok\xe4\xb8", "", "", ""}, "ok" BAD},
      {{"", "", "", ""}, ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_decoded(cases[i].parts, 4, cases[i].expected);
}

// Long pieces go another way than short ones; both must merge the same. A piece of single letters in known
// order tells.
static void long_pieces_equal_short_ones(void **) {
  nf_tokenizer *t;
  check_ok(make(&(small_tokenizer){.pre_tokenizer = SMALL_SPLIT("[a-z]+")}, &t));
  char text[401];
  uint32_t random = 7;
  for (int i = 0; i < 400; i++) text[i] = "abcd"[(random = random * 1664525 + 1013904223) >> 30];
  for (size_t n = 20; n <= 400; n += 19) {
    nf_ids whole = {0}, parts = {0};
    check_ok(nf_encode(t, (nf_view){text, n}, 0, &whole));
    for (size_t at = 0; at < n;) { // by hand: the longest of abcd, ab, cd
      size_t take = n - at >= 4 && memcmp(text + at, "abcd", 4) == 0                              ? 4
                    : n - at >= 2 && (!memcmp(text + at, "ab", 2) || !memcmp(text + at, "cd", 2)) ? 2
                                                                                                  : 1;
      int32_t id = take == 4 ? 258 : take == 1 ? text[at] : text[at] == 'a' ? 256 : 257;
      check_ok(nf_ids_push(&parts, id));
      at += take;
    }
    assert_int_equal(whole.n, parts.n);
    assert_memory_equal(whole.at, parts.at, parts.n * sizeof *parts.at);
    nf_ids_deinit(&whole);
    nf_ids_deinit(&parts);
  }
  nf_tokenizer_destroy(t);
}

static nf_status load_and_encode(const nf_text *json, const char *text) {
  nf_tokenizer *t;
  nf_ids ids = {0};
  NF_TRY(nf_tokenizer_parse(json->at, json->n, "t.json", &t));
  nf_status st = nf_encode(t, nf_view_of(text), 0, &ids);
  nf_ids_deinit(&ids);
  nf_tokenizer_destroy(t);
  return st;
}

// Every allocation of loading and encoding fails once: a clean error each time, nothing leaked.
static void memory_runs_out(void **) {
  if (!nf_alloc_fail_available()) skip();
  nf_text json = {0};
  small_tokenizer_print(
      &(small_tokenizer){.normalizer = "{\"type\":\"NFC\"}", .pre_tokenizer = SMALL_SPLIT("[a-z]+|\\\\s+")},
      &json);
  const char *text = "abcd<|s|> e\xcc\x81 abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd xx";
  check_ok(load_and_encode(&json, text)); // what libraries keep for good is allocated here
  for (uint64_t n = 1;; n++) {
    int64_t live = nf_alloc_live();
    nf_alloc_fail_at(n, true);
    nf_status st = load_and_encode(&json, text);
    bool done = nf_alloc_count() < n;
    nf_alloc_fail_at(0, false);
    nf_code code = nf_status_code(st);
    nf_status_free(st);
    if (nf_alloc_live() != live)
      fail_msg("allocation %d: %d blocks live, %d before", (int)n, (int)nf_alloc_live(), (int)live);
    if (done) {
      assert_int_equal(code, NF_OK);
      assert_true(n > 20);
      break;
    }
    if (code != NF_NO_MEMORY) fail_msg("allocation %d: %s", (int)n, nf_code_name(code));
  }
  nf_text_deinit(&json);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_files_are_refused),
      cmocka_unit_test(what_is_not_obeyed_is_told),
      cmocka_unit_test(cut_files_are_refused),
      cmocka_unit_test(encodes),
      cmocka_unit_test(options_are_obeyed),
      cmocka_unit_test(added_tokens_are_those_of_tokenizers),
      cmocka_unit_test(stripping_ends_at_the_token_before),
      cmocka_unit_test(invalid_text_is_refused),
      cmocka_unit_test(hostile_patterns_end),
      cmocka_unit_test(decoding_holds_back_and_replaces),
      cmocka_unit_test(long_pieces_equal_short_ones),
      cmocka_unit_test(form_c_is_that_of_unicode_9),
      cmocka_unit_test(rows_of_marks_take_linear_time),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
