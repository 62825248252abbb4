// SPDX-License-Identifier: Apache-2.0
// Tests of constraints: what they allow and refuse, what does not compile, random walks that always end in
// what is valid, documents that are always allowed, and masks held against the texts of all tokens.
#include "base/threads.h"
#include "constrain/constraining.h"
#include "tests/support/chatting.h"
#include "tests/support/json_schema.h"
#include <stdio.h>
#include <time.h>

static nf_token_tree *tree;
static int32_t vocab;

static int load(void **) {
  load_tokenizer("models/infuse-oss/tokenizer.json");
  vocab = nf_tokenizer_vocab_size(tokenizer);
  check_ok(nf_token_tree_create(tokenizer, vocab, &tree));
  return 0;
}
static int unload_all(void **state) {
  nf_token_tree_destroy(tree);
  return unload(state);
}

static nf_constraint *make(nf_piece_kind kind, const char *text) {
  nf_constraint *c;
  const nf_status st = constrain_to(tree, kind, nf_view_of(text), &c);
  if (!nf_is_ok(st)) fail_msg("%s: %s", text, nf_status_message(st));
  return c;
}

typedef enum verdict { NO, BEGINS, WHOLE } verdict; // BEGINS: a text may, but this is not all of it
static verdict judge(nf_constraint *c, nf_view text) {
  nf_constrained x = {0};
  nf_next next;
  bool fits;
  nf_constrained_begin(&x, false);
  check_ok(nf_constrained_take(c, &x, text, &fits));
  check_ok(nf_constrained_next(c, &x, NULL, &next));
  nf_constrained_deinit(&x);
  return !fits ? NO : next.may_end ? WHOLE : BEGINS;
}

typedef struct sample {
  nf_piece_kind kind;
  const char *constraint, *whole, *begins, *no; // texts with a '|' between; NULL: none
} sample;

static void check_texts(nf_constraint *c, const sample *s, const char *texts, verdict expected) {
  while (texts != NULL) {
    const char *end = strchr(texts, '|');
    const nf_view text = {texts, end != NULL ? (size_t)(end - texts) : strlen(texts)};
    if (judge(c, text) != expected)
      fail_msg("%s: '%.*s' is judged %d, should be %d", s->constraint, (int)text.n, text.at, judge(c, text),
               expected);
    texts = end != NULL ? end + 1 : NULL;
  }
}

#define P(name, value) "<parameter=" name ">\n" value "\n</parameter>\n"

static void texts_are_judged(void **) {
  static const sample samples[] = {
      {NF_PIECE_REGEX, "a+b?", "a|aa|aab", "", "b|ba|abb|c"},
      {NF_PIECE_REGEX, "^(?:yes|no)$", "yes|no", "y|n|ye", "x|yesno|Yes"},
      {NF_PIECE_REGEX, "[^a-y]{2}", "zz|\xc3\xa4z|\xf0\x9f\x98\x80\n", "\xc3|z\xf0\x9f",
       "za|zzz|\xc3z|\xff|\xed\xa0\x80"},
      {NF_PIECE_REGEX, "\\d{3}(-\\w+)*", "123|123-a_Z|123-a-b", "12|123-", "1234|a"},
      {NF_PIECE_REGEX, "(?<year>\\d\\d)\\.\\u0041\\x42", "20.AB", "20.A", "20xAB"},
      {NF_PIECE_REGEX, "[\\w-]+@[.]", "a-b@.", "a-b", "a+b@."},
      {NF_PIECE_REGEX, "(a|b)*?c{2,}", "cc|abccc", "c|ab", "ca|d"},
      {NF_PIECE_REGEX, "a{,3}", "a{,3}", "a{", "aa"},
      {NF_PIECE_REGEX, "\\p{Lu}\\P{L}", "A1|\xc3\x84-", "A", "a1|AB"},
      {NF_PIECE_REGEX, "[\\ud83d\\ude00-\\ud83d\\ude02]", "\xf0\x9f\x98\x81", "\xf0\x9f", "\xf0\x9f\x98\x83"},
      {NF_PIECE_REGEX, "(x{0,2}){0,3}", "|x|xxxxxx", NULL, "xxxxxxx"},
      {NF_PIECE_OBJECT, "", "{}|{\"a\":1}|{\"a\": [1, {\"b\":null}],\"c\":-1.5e+3}",
       "{|{\"a\":|{\"a\": ", "[|{ |{\"a\":  |{\"a\":01|{\"a\" |{\"\n"},
      {NF_PIECE_SCHEMA, "{\"type\":\"string\"}",
       "\"\"|\"a\\n\\u00e4\\\"\"|\"\xc3\xa4\"|\"\\ud83d\\ude00\"|\"\\uD834\\uDD1E\"",
       "\"|\"\\|\"\\u|\"\\ud83d|\"\\ud83d\\u|\"\xf0\x9f",
       "a|\"\\x|\"\\ude00|\"\\ud83da|\"\\ud83d\\n|\"\\ud83d\\u0|\"\x01|\"\xc3\"|\"\\u0000|\"\xed\xa0"},
      {NF_PIECE_SCHEMA, "{\"type\":\"integer\"}", "0|-0|7|-12|123456789012345678", "-",
       "01|1.|1e|1234567890123456789|+1"},
      {NF_PIECE_SCHEMA, "{\"type\":\"number\"}", "0|1.25|-1e5|1E+07|12.5e-3", "1.|1e|-|1e+", ".5|1e100|01"},
      {NF_PIECE_SCHEMA, "{\"type\":\"integer\",\"minimum\":-5,\"maximum\":123}", "0|-5|99|123|100", "-",
       "-6|124|-0|200|1000"},
      {NF_PIECE_SCHEMA, "{\"type\":\"number\",\"exclusiveMinimum\":0,\"maximum\":2.5}",
       "0.1|2.5|2.50|1|2|2.4999", "0|0.|0.00", "-|2.6|3|10|2.51"},
      {NF_PIECE_SCHEMA, "{\"type\":\"number\",\"minimum\":1e-3,\"maximum\":1e300}", "0.001|5|123456|0.01",
       "0|0.0", "-"},
      {NF_PIECE_SCHEMA, "{\"minimum\":3}", "3|30|3.5|17", "1", "2.|-1"},
      {NF_PIECE_SCHEMA,
       "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"null\"}},"
       "\"required\":[\"b\"],\"additionalProperties\":false}",
       "{\"b\":null}|{\"a\":1,\"b\": null}|{\"a\":1, \"b\":null}", "{|{\"a\":1|{\"a\":1,",
       "{}|{\"b\":null,|{\"a\":1}|{\"b\":1|{\"c"},
      {NF_PIECE_SCHEMA,
       "{\"properties\":{\"ab\":{\"type\":\"null\"}},\"additionalProperties\":{\"type\":\"boolean\"}}",
       "{}|{\"ab\":null}|{\"a\":true}|{\"abc\":false}|{\"ab\":null,\"x\":true,\"y\":false}|{\"\":true}|{"
       "\"b\\\"\":true}",
       "{\"ab|{\"ab\":", "{\"ab\":t|{\"a\":n|{\"a\":true,\"ab\"|{\"\\u0061"},
      {NF_PIECE_SCHEMA, "{\"items\":{\"type\":\"boolean\"},\"minItems\":1,\"maxItems\":3}",
       "[true]|[true,false]|[true, false,true]", "[|[true,", "[]|[true,true,true,|[ "},
      {NF_PIECE_SCHEMA, "{\"enum\":[\"a\",\"ab\",{\"x\":[1,2]},1.5,null]}",
       "\"a\"|\"ab\"|{\"x\": [1, 2]}|{\"x\":[1,2]}|1.5|null", "\"|{\"x\":[1,", "\"b|{}|1.50"},
      {NF_PIECE_SCHEMA, "{\"type\":\"string\",\"enum\":[\"a\",1]}", "\"a\"", NULL, "1"},
      {NF_PIECE_SCHEMA, "{\"type\":\"string\",\"maxLength\":2,\"minLength\":1}",
       "\"a\"|\"\xf0\x9f\x98\x80\\n\"|\"\\ud83d\\ude00b\"", "\"|\"a", "\"\"|\"abc"},
      {NF_PIECE_SCHEMA, "{\"pattern\":\"b\"}", "\"b\"|\"abc\"|\"\\nb\"", "\"|\"a|\"b", "\"a\"|b"},
      {NF_PIECE_SCHEMA, "{\"pattern\":\"^b|c$\",\"maxLength\":3}", "\"b\"|\"bxy\"|\"xyc\"", "\"xy",
       "\"xyz|\"bxyz|\"x\""},
      {NF_PIECE_SCHEMA, "{\"format\":\"date\"}", "\"2024-02-29\"|\"2023-12-31\"", "\"2023-02-2",
       "\"2023-02-29|\"2023-13|\"2023-04-31"},
      {NF_PIECE_SCHEMA, "{\"type\":\"string\",\"format\":\"unheard-of\"}", "\"x\"", NULL, "1"},
      {NF_PIECE_SCHEMA, "{\"allOf\":[{\"minimum\":2},{\"type\":\"integer\",\"maximum\":4}],\"minimum\":3}",
       "3|4", NULL, "2|5|3."},
      {NF_PIECE_SCHEMA, "{\"anyOf\":[{\"type\":\"null\"},{\"const\":{\"a\":true}}]}", "null|{\"a\":true}",
       "n", "{\"a\":f|t"},
      {NF_PIECE_SCHEMA,
       "{\"$ref\":\"#/definitions/t~1x/items\",\"definitions\":{\"t/x\":{\"items\":{\"type\":\"boolean\"}}}}",
       "true", "t", "1"},
      {NF_PIECE_SCHEMA,
       "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"integer\"}]}}",
       "[]|[[],1,[[2]]]", "[[", "[null"},
      {NF_PIECE_PARAMETERS,
       "{\"properties\":{\"s\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\",\"minimum\":3},\"e\":{"
       "\"enum\":["
       "\"x\",\"y z\"]}},\"required\":[\"s\"]}",
       P("s", "") "|" P("s", "a \"<b> </parameters>\n\n</para") P("n", "12") "|" P("s", "\xe4\xb8\x96<<")
           P("e", "y z"),
       "<parameter=s>\na\n</parameter>|<parameter=s>\n</para\n</parameter",
       P("s", "a\n</parameter>") "|" P("s", "a</function>") "|" P("s", "<parameter=n>") "|" P("n", "3") "|" P(
           "s", "") P("s", "") "|" P("s", "") P("n", "2") "|" P("s", "") P("e", "z") "|" P("s", "")
           P("x", "")},
      {NF_PIECE_PARAMETERS,
       "{\"properties\":{\"o\":{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/"
       "o\"}]},\"l\":{\"minLength\":2,"
       "\"maxLength\":3,\"type\":[\"string\",\"null\"]},\"d\":{\"format\":\"date\"},\"a\":{\"allOf\":[{"
       "\"const\":\"k\"}]}"
       "},\"$defs\":{\"o\":{\"properties\":{\"x\":{\"type\":\"boolean\"}},\"additionalProperties\":false}}}",
       "|" P("o", "null") "|" P("o", "{\"x\": true}") P("l", "\xe4\xb8\x96z<") "|" P("d", "2024-02-29")
           P("a", "k"),
       "<parameter=l>\nab",
       P("l", "a") "|" P("l", "abcd") "|" P("d", "2024") "|" P("a", "\"k\"") "|" P("o", "{\"y\"")},
      {NF_PIECE_PARAMETERS, "{}", "|" P("any_thing", "<b>") P("b", "1\n2"), "<parameter=a-b>\n",
       "<parameter=a b>|" P("", "")},
      {NF_PIECE_PARAMETERS, "{\"required\":[\"a\"]}", P("a", "x"), NULL, P("b", "x") "|<parameter=aa"},
      {NF_PIECE_PARAMETERS, "{\"additionalProperties\":false}", "", NULL, P("b", "x")},
      {NF_PIECE_PARAMETERS, "{\"required\":[\"a\",\"b\",\"a\"]}", P("a", "x") P("b", ""), P("a", "x"),
       P("a", "x") P("a", "x") "|" P("b", "x")},
      {NF_PIECE_PARAMETERS,
       "{\"required\":[\"e\",\"l\"],\"properties\":{\"e\":{\"anyOf\":[{\"enum\":[\"a\",\"b\"]},{\"type\":"
       "\"null\"}]},\"l\":{\"enum\":[\"a\",null]}}}",
       P("e", "a") P("l", "null") "|" P("e", "null") P("l", "a"), "<parameter=e>\nnul",
       P("e", "nil") "|" P("e", "None")},
      {NF_PIECE_PARAMETERS,
       "{\"required\":[\"n\",\"d\",\"l\",\"c\"],\"properties\":{\"n\":{\"type\":\"null\"},\"d\":{\"type\":["
       "\"string\",\"null\"],\"format\":\"date\"},\"l\":{\"type\":[\"null\",\"string\"],\"minLength\":6},"
       "\"c\":{\"const\":null}}}",
       P("n", "null") P("d", "null") P("l", "null") P("c", "null") "|" P("n", "null") P("d", "2024-02-29")
           P("l", "abcdef") P("c", "null"),
       P("n", "null"),
       P("n", "") "|" P("n", "null") P("d", "nil") "|" P("n", "null") P("d", "null") P("l", "abc")},
      {NF_PIECE_PARAMETERS,
       "{\"required\":[\"e\"],\"properties\":{\"e\":{\"type\":\"string\",\"enum\":[\"a\",null]},\"d\":{"
       "\"type\":"
       "\"string\",\"format\":\"date\"}}}",
       P("e", "a"), NULL, P("e", "null") "|" P("e", "a") P("d", "null")},
      {NF_PIECE_PARAMETERS,
       "{\"required\":[\"s\",\"e\"],\"properties\":{\"s\":{\"type\":\"str\",\"maxLength\":2},\"e\":{\"type\":"
       "\"enum\",\"enum\":[\"a\"]},\"t\":{\"type\":[\"text\",\"varchar\",\"char\"]}}}",
       P("s", "ab") P("e", "a") "|" P("s", "") P("e", "a") P("t", "x"), P("s", "a"),
       P("s", "abc") "|" P("e", "a")},
      {NF_PIECE_PARAMETERS,
       "{\"required\":[\"a\"],\"properties\":{\"a\":{\"$ref\":\"#/$defs/x~1y/anyOf/1\"}},\"$defs\":{\"x/y\":{"
       "\"anyOf\":[{},{\"type\":\"integer\"}]}}}",
       P("a", "12"), NULL, P("a", "x")},
      {NF_PIECE_PARAMETERS,
       "{\"properties\":{\"a\":{\"anyOf\":[{\"const\":\"x\"},{\"type\":\"integer\",\"enum\":[1],\"minimum\":"
       "0}]}}}",
       P("a", "x"), NULL, P("a", "1")},
  };
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    nf_constraint *c = make(samples[i].kind, samples[i].constraint);
    check_texts(c, &samples[i], samples[i].whole, WHOLE);
    if (samples[i].begins != NULL && samples[i].begins[0] != '\0')
      check_texts(c, &samples[i], samples[i].begins, BEGINS);
    check_texts(c, &samples[i], samples[i].no, NO);
    nf_constraint_release(c);
  }
}

static void pieces_follow_one_another(void **) {
  const nf_view names[] = {NF_VIEW("get"), NF_VIEW("getAll"), NF_VIEW("put")};
  const nf_piece call[] = {{NF_PIECE_TEXT, NF_VIEW("<call "), NULL, 0, {0}},
                           {NF_PIECE_CHOICE, {0}, names, 3, {0}},
                           {NF_PIECE_TEXT, NF_VIEW(">"), NULL, 0, {0}},
                           {NF_PIECE_SCHEMA,
                            NF_VIEW("{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"integer\"}},"
                                    "\"required\":[\"k\"],\"additionalProperties\":false}"),
                            NULL, 0},
                           {NF_PIECE_TEXT, NF_VIEW("</call>"), NULL, 0, {0}}},
                 text[] = {{NF_PIECE_REGEX, NF_VIEW("[a-z]+"), NULL, 0, {0}}};
  const nf_piece_sequence either[] = {{call, 5}, {text, 1}};
  nf_constraint *c;
  check_ok(nf_constraint_create(tree, &(nf_outline){.part = either, .n_parts = 2}, &c));
  const sample s = {.constraint = "call"};
  check_texts(c, &s, "<call getAll>{\"k\":3}</call>|abc|<call put>{\"k\": -3}</call>", WHOLE);
  check_texts(c, &s, "<call get|<call put>{\"k\":3}", BEGINS);
  check_texts(c, &s, "<call x|<call put>{}|<call put>{\"k\":3}</call> |A", NO);
  nf_constraint_release(c);
}

// What stands in front, several parts, and an end; bytes that no text has stand for what a client means.
static void outlines_hold_the_whole_text(void **) {
  const nf_piece thought[] = {{.kind = NF_PIECE_TEXT, .text = NF_VIEW("\xf5")},
                              {.kind = NF_PIECE_REGEX, .text = NF_VIEW("[\\s\\S]*")},
                              {.kind = NF_PIECE_TEXT, .text = NF_VIEW("\xf6")}},
                 number[] = {{.kind = NF_PIECE_REGEX, .text = NF_VIEW("[0-9]+")}};
  const nf_piece_sequence opening = {thought, 3}, part = {number, 1};
  nf_outline o = {.opening = &opening,
                  .n_openings = 1,
                  .part = &part,
                  .n_parts = 1,
                  .between = NF_VIEW(","),
                  .closing = NF_VIEW("!")};
  static const struct {
    bool must_open, again, several;
    const char *whole, *begins, *no;
  } row[] = {
      {false, false, true,
       "1!|\xf5\xf6"
       "1,22!|\xf5 a\n\xc3\xa4\xf6"
       "1!",
       "\xf5|\xf5 a|1|1,|\xf5\xf6", "\xf6|!|\xf5\xf6\xf5|,|\xf5\xf5"},
      {true, false, false,
       "\xf5x\xf6"
       "1!",
       "\xf5x\xf6",
       "1|\xf5x\xf6"
       "1,"},
      {false, true, false,
       "1!|\xf5\xf6\xf5x\xf6"
       "1!",
       "\xf5\xf6\xf5",
       "\xf5\xf6"
       "1\xf5"},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    const sample s = {.constraint = "outline"};
    nf_constraint *c;
    o.must_open = row[i].must_open, o.opens_again = row[i].again;
    o.between = row[i].several ? NF_VIEW(",") : (nf_view){0};
    check_ok(nf_constraint_create(tree, &o, &c));
    check_texts(c, &s, row[i].whole, WHOLE);
    check_texts(c, &s, row[i].begins, BEGINS);
    check_texts(c, &s, row[i].no, NO);
    nf_constraint_release(c);
  }
}

static nf_constraint *get_choice(nf_constraints *all, const char *text) {
  const nf_view choice = nf_view_of(text);
  const nf_piece p = {.kind = NF_PIECE_CHOICE, .choice = &choice, .n_choices = 1};
  nf_constraint *c;
  check_ok(
      nf_constraints_get(all, tree, &(nf_outline){.part = &(nf_piece_sequence){&p, 1}, .n_parts = 1}, &c));
  return c;
}

// Equal ones are one; those used longest ago go, but for their users.
static void equal_constraints_are_made_once(void **) {
  nf_constraints all = {0};
  nf_constraint *first = get_choice(&all, "first"), *other;
  char text[16];
  for (int i = 0; i < 3; i++) {
    other = get_choice(&all, "first");
    assert_ptr_equal(other, first);
    nf_constraint_release(other);
  }
  assert_int_equal(all.made, 1);
  for (int i = 0; i < NF_CONSTRAINTS_KEPT; i++) {
    snprintf(text, sizeof text, "other %d", i);
    nf_constraint_release(get_choice(&all, text));
  }
  assert_int_equal(all.made, 1 + NF_CONSTRAINTS_KEPT);
  const sample s = {.constraint = "choice"};
  check_texts(first, &s, "first", WHOLE);
  nf_constraint_release(first);
  snprintf(text, sizeof text, "other %d", 1);
  nf_constraint_release(get_choice(&all, text));
  assert_int_equal(all.made, 1 + NF_CONSTRAINTS_KEPT);
  nf_constraint_release(get_choice(&all, "first"));
  assert_int_equal(all.made, 2 + NF_CONSTRAINTS_KEPT);
  nf_constraints_deinit(&all);
}

static void what_does_not_compile_is_told(void **) {
  static const struct {
    nf_piece_kind kind;
    const char *text, *message;
  } cases[] = {
      {NF_PIECE_REGEX, "a(?=b)", "regex: byte 1: a look-ahead (?=…) is not supported"},
      {NF_PIECE_REGEX, "(a)\\1", "regex: byte 3: a reference to a group is no regular expression"},
      {NF_PIECE_REGEX, "a(b", "regex: byte 1: a group without its )"},
      {NF_PIECE_REGEX, "a)", "regex: byte 1: a ) without its group"},
      {NF_PIECE_REGEX, "[a", "regex: byte 0: a class of characters without its ]"},
      {NF_PIECE_REGEX, "[b-a]", "regex: byte 1: a range of characters that ends before it begins"},
      {NF_PIECE_REGEX, "*", "regex: byte 0: a repetition of nothing"},
      {NF_PIECE_REGEX, "a{20000}", "regex: byte 1: a repetition of more than 10000 times"},
      {NF_PIECE_REGEX, "((a{1,1000}){1,1000}){1,1000}",
       "regex: needs more than 65536 states; smaller counts or patterns fit"},
      {NF_PIECE_REGEX, "\\bword", "regex: byte 0: a word boundary (\\b, \\B) is not supported"},
      {NF_PIECE_REGEX, "a^b", "regex: byte 1: an anchor within a pattern is not supported"},
      {NF_PIECE_REGEX, "(?i)a", "regex: byte 0: flags in a group are not supported"},
      {NF_PIECE_REGEX, "\\p{Greek}", "\\p of a name that is not known"},
      {NF_PIECE_REGEX, "a\xff", "regex: byte 1: invalid UTF-8"},
      {NF_PIECE_REGEX, "[^\\s\\S]", "the constraint allows no text at all"},
      {NF_PIECE_SCHEMA, "{", "schema: line 1, column 2"},
      {NF_PIECE_SCHEMA, "3", "schema: is a number, should be a schema (an object, true or false)"},
      {NF_PIECE_SCHEMA, "false", "the constraint allows no text at all"},
      {NF_PIECE_SCHEMA, "{\"type\":\"text\"}", "schema: type: is 'text', should be one of: object"},
      {NF_PIECE_SCHEMA, "{\"properties\":{\"a\":{\"pattern\":\"(\"}}}",
       "schema: properties.a.pattern: byte 0: a group without its )"},
      {NF_PIECE_SCHEMA, "{\"properties\":{\"a\":{\"multipleOf\":2}}}",
       "schema: properties.a.multipleOf: is not supported"},
      {NF_PIECE_SCHEMA, "{\"not\":{}}", "schema: not: is not supported"},
      {NF_PIECE_SCHEMA, "{\"$ref\":\"#/$defs/a\"}", "schema: $ref: there is no such place in the schema"},
      {NF_PIECE_SCHEMA, "{\"$ref\":\"http://x\"}", "schema: $ref: is not a place in this schema"},
      {NF_PIECE_SCHEMA, "{\"items\":{\"$ref\":\"#/$defs/a\"},\"$defs\":{\"a\":{\"type\":3}}}",
       "schema: #/$defs/a.type: is"},
      {NF_PIECE_SCHEMA, "{\"allOf\":[{\"pattern\":\"a\"},{\"pattern\":\"b\"}]}",
       "schema: allOf[1]: two of pattern can't be merged into one"},
      {NF_PIECE_SCHEMA, "{\"$ref\":\"#\"}", "the constraint allows no text at all"},
      {NF_PIECE_SCHEMA, "{\"allOf\":[{\"$ref\":\"#\"}]}", "inside each other"},
      {NF_PIECE_SCHEMA, "{\"required\":[\"a\"],\"additionalProperties\":false}",
       "the constraint allows no text at all"},
      {NF_PIECE_SCHEMA, "{\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}",
       "the constraint allows no text at all"},
      {NF_PIECE_SCHEMA, "{\"enum\":[1,2],\"minimum\":2}",
       "schema: enum or const beside other words than type is not"},
      {NF_PIECE_SCHEMA, "{\"minLength\":99999}",
       "schema: minLength: is 99999, should be an integer from 0 to 16384"},
      {NF_PIECE_SCHEMA, "{\"pattern\":\"^a{5000}$\",\"maxLength\":9000}", "needs more than 65536 states"},
      {NF_PIECE_SCHEMA, "{\"minimum\":\"1\"}", "schema: minimum: is a string, should be a number"},
      {NF_PIECE_SCHEMA, "{\"minItems\":-1}", "schema: minItems: is -1, should be an integer from 0 to 4096"},
      {NF_PIECE_SCHEMA, "{\"maxLength\":-1}", "schema: maxLength: is -1, should be an integer of 0 or more"},
      {NF_PIECE_SCHEMA, "{\"maxItems\":1.5}",
       "schema: maxItems: is 1.5, should be an integer from 0 to 4096"},
      {NF_PIECE_SCHEMA, "{\"minLength\":3,\"maxLength\":2}",
       "no text at all: a minimum is above its maximum"},
      {NF_PIECE_SCHEMA, "{\"items\":{\"oneOf\":[]}}",
       "schema: items.oneOf: is empty, should hold a schema or more"},
      {NF_PIECE_SCHEMA, "{\"anyOf\":7}", "schema: anyOf: is a number, should be an array"},
      {NF_PIECE_SCHEMA, "{\"type\":\"integer\",\"multipleOf\":0}",
       "schema: multipleOf: is 0, should be a number above 0"},
      {NF_PIECE_SCHEMA, "{\"multipleOf\":null}", "schema: multipleOf: is null, should be a number above 0"},
      {NF_PIECE_SCHEMA, "{\"multipleOf\":-2.5}", "schema: multipleOf: is -2.5, should be a number above 0"},
      {NF_PIECE_PARAMETERS, "[]", "schema: is an array, should be an object"},
      {NF_PIECE_PARAMETERS, "{\"anyOf\":[{}]}",
       "schema: only properties, required and additionalProperties are"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a\":{\"pattern\":\"b\"}}}",
       "schema: properties.a.pattern: is not supported for a text without quotes"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a\":{\"enum\":[\"x</parameter>\"]}}}",
       "schema: properties.a.enum: a text without quotes can't hold </parameter>"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a\":{\"minLength\":600}}}",
       "schema: properties.a: a text without quotes can be held to a length of at most 512"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a\":{\"allOf\":[{},{\"minLength\":1}]}}}",
       "schema: properties.a.allOf: is not supported for a text without quotes"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/properties/a\"}]}}}",
       "inside each other"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a>\":{}}}", "schema: properties.a>: a name with < or >"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a\":{\"not\":{}}}}",
       "schema: properties.a.not: is not supported"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a\":{\"type\":3}}}",
       "schema: properties.a.type: is a number"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a\":{\"type\":[\"string\",3]}}}",
       "schema: properties.a.type[1]: is a number"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a\":{\"type\":[\"string\",\"strin\"]}}}",
       "schema: properties.a.type[1]: is 'strin', should be one of: object array"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a\":{\"anyOf\":[]}}}",
       "schema: properties.a.anyOf: is empty, should hold a schema or more"},
      {NF_PIECE_PARAMETERS, "{\"required\":[\"a\",3]}", "schema: required[1]: is a number"},
      {NF_PIECE_PARAMETERS, "{\"properties\":{\"a\":{\"enum\":[]}},\"required\":[\"a\"]}",
       "the constraint allows no text at all"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nf_constraint *c;
    nf_status st = constrain_to(tree, cases[i].kind, nf_view_of(cases[i].text), &c);
    if (nf_status_code(st) != NF_BAD_INPUT || strstr(nf_status_message(st), cases[i].message) == NULL)
      fail_msg("%s: '%s', should be '%s'", cases[i].text, nf_status_message(st), cases[i].message);
    nf_status_free(st);
  }
}

// ---- walks ----

enum { WORDS = 512, TOKENS = 60 };

// Goes on where the bytes of the text may end soonest: shortest tokens of closing characters first.
static int32_t nearest_end(const uint64_t *bits, uint64_t *seed) {
  static const char *const first[] = {"\"", "}", "]", "0", "1", "a", "n", "l", "u", "e", "t", "r", "-", "2"};
  int32_t id;
  for (size_t i = 0; i < sizeof first / sizeof *first; i++)
    if (draw_number(seed, 4) != 0 && nf_token_id(tokenizer, nf_view_of(first[i]), &id) &&
        bit_is_set(bits, id))
      return id;
  return draw_token(bits, vocab, seed);
}

// A walk of random tokens; false: it was given up, as it did not end by itself.
static bool walk(nf_constraint *c, uint64_t *seed, nf_text *out) {
  nf_constrained x = {0};
  nf_next next;
  uint64_t bits[WORDS];
  bool fits, ended = false;
  nf_constrained_begin(&x, false);
  for (int i = 0; i < 20 * TOKENS && !ended; i++) {
    check_ok(nf_constrained_next(c, &x, bits, &next));
    const int32_t id = i < TOKENS ? draw_token(bits, vocab, seed) : nearest_end(bits, seed);
    if (next.must_end != (id < 0)) fail_msg("'%s': must_end %d, token %d", x.text.at, next.must_end, id);
    if (next.must_end && !next.may_end) fail_msg("'%s' is a dead end", x.text.at);
    ended = next.may_end && (id < 0 || i > TOKENS || draw_number(seed, 4) == 0);
    if (ended || id < 0) break;
    check_ok(nf_constrained_take(c, &x, nf_token_bytes(tokenizer, id), &fits));
    if (!fits) fail_msg("token %d is allowed, but does not fit", id);
  }
  out->n = 0;
  nf_text_append(out, x.text.at, x.text.n);
  nf_text_append(out, "", 0);
  nf_constrained_deinit(&x);
  return ended;
}

static uint64_t fresh_seed(void) { return (uint64_t)time(NULL) * 2654435761u + 1; }

static void walks_end_in_what_is_valid(void **) {
  uint64_t seed = fresh_seed();
  nf_text text = {0};
  for (size_t i = 0; i < N_SAMPLE_SCHEMAS; i++) {
    nf_constraint *c = make(NF_PIECE_SCHEMA, sample_schemas[i]);
    int whole = 0;
    for (int k = 0; k < 60; k++) {
      const uint64_t start = seed;
      if (!walk(c, &seed, &text)) continue;
      whole++;
      if (!schema_valid_text(sample_schemas[i], text.at, text.n))
        fail_msg("seed %lu: %s: '%s' is not valid", (unsigned long)start, sample_schemas[i], text.at);
    }
    if (whole < 20) fail_msg("%s: only %d walks came to an end", sample_schemas[i], whole);
    nf_constraint_release(c);
  }
  nf_text_deinit(&text);
}

static void walks_match_their_regex(void **) {
  static const char *const patterns[] = {"[a-f]{2,5}-(?:x|yz)+",   "(\\d{1,3}\\.){3}\\d{1,3}",
                                         "([^\\n\"]|\\\\.){1,40}", "(a*b*){0,4}c",
                                         "\\w+( \\w+){0,6}[.!?]",  "(ab|a|bc|c)+d?"};
  uint64_t seed = fresh_seed();
  nf_text text = {0};
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    nf_constraint *c = make(NF_PIECE_REGEX, patterns[i]);
    char whole[64];
    snprintf(whole, sizeof whole, "^(?:%s)$", patterns[i]);
    for (int k = 0; k < 100; k++)
      if (walk(c, &seed, &text) && !schema_matches(whole, text.at, text.n))
        fail_msg("%s: '%s' does not match", patterns[i], text.at);
    nf_constraint_release(c);
  }
  nf_text_deinit(&text);
}

// Every token that a mask has fits, and every other does not.
static void masks_are_exact(void **) {
  uint64_t seed = fresh_seed(), bits[WORDS];
  for (size_t i = 0; i < N_SAMPLE_SCHEMAS; i++) {
    nf_constraint *c = make(NF_PIECE_SCHEMA, sample_schemas[i]);
    nf_constrained x = {0}, copy = {0};
    nf_next next;
    bool fits;
    nf_constrained_begin(&x, false);
    for (int k = 0; k < 12; k++) {
      check_ok(nf_constrained_next(c, &x, bits, &next));
      for (int32_t id = 0; id < vocab; id++) {
        check_ok(nf_constrained_copy(&copy, &x));
        check_ok(nf_constrained_take(c, &copy, nf_token_bytes(tokenizer, id), &fits));
        if (nf_token_is_added(tokenizer, id)) fits = false;
        if (fits != bit_is_set(bits, id))
          fail_msg("%s: behind '%s' token %d fits %d", sample_schemas[i], x.text.at != NULL ? x.text.at : "",
                   id, fits);
      }
      const int32_t id = k < 8 ? nearest_end(bits, &seed) : draw_token(bits, vocab, &seed);
      if (id < 0) break;
      check_ok(nf_constrained_take(c, &x, nf_token_bytes(tokenizer, id), &fits));
    }
    nf_constrained_deinit(&x);
    nf_constrained_deinit(&copy);
    nf_constraint_release(c);
  }
}

// Documents that are written as constraints write them, tokenised as a model would.
static void documents_are_allowed(void **) {
  static const char *const texts[] = {
      "{\"name\":\"J\xc3\xb6rg \\\"M\\\"\",\"age\":42,\"email\":\"a.b@example.org\"}",
      "{\"name\": \"x\", \"age\": 0}",
  };
  nf_constraint *c = make(NF_PIECE_SCHEMA, sample_schemas[3]), *any = make(NF_PIECE_SCHEMA, "{}");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    nf_ids ids = {0};
    nf_constrained x = {0};
    nf_next next;
    uint64_t bits[WORDS];
    bool fits;
    assert_int_equal(judge(any, nf_view_of(texts[i])), WHOLE);
    check_ok(nf_encode(tokenizer, nf_view_of(texts[i]), NF_ENCODE_PLAIN, &ids));
    for (size_t k = 0; k < ids.n; k++) {
      check_ok(nf_constrained_next(c, &x, bits, &next));
      if (!bit_is_set(bits, ids.at[k]))
        fail_msg("'%s': token %zu is not allowed behind '%s'", texts[i], k, x.text.at);
      check_ok(nf_constrained_take(c, &x, nf_token_bytes(tokenizer, ids.at[k]), &fits));
    }
    check_ok(nf_constrained_next(c, &x, bits, &next));
    assert_true(next.may_end && next.must_end);
    nf_constrained_deinit(&x);
    nf_ids_deinit(&ids);
  }
  nf_constraint_release(c);
  nf_constraint_release(any);
}

// A document that the schema allows, drawn at random and written as constraints write it; false: of one that
// this does not know how to draw.
static bool draw(const json_t *root, const json_t *s, int depth, uint64_t *seed, nf_text *out);

static void draw_string(uint64_t *seed, size_t least, size_t most, nf_text *out) {
  static const char *const characters[] = {
      "a", "Z", " ",  "7", "\xc3\xa4", "\xf0\x9f\x98\x80", "\\n", "\\\"", "\\\\", "\\u00e9", "\\ud83d\\ude00",
      "/", "{", "\\t"};
  const size_t n = least + draw_number(seed, (uint32_t)(most - least + 1));
  nf_text_printf(out, "\"");
  for (size_t i = 0; i < n; i++)
    nf_text_printf(out, "%s", characters[draw_number(seed, sizeof characters / sizeof *characters)]);
  nf_text_printf(out, "\"");
}

static bool draw_object(const json_t *root, const json_t *s, int depth, uint64_t *seed, nf_text *out) {
  const json_t *required = json_object_get(s, "required");
  const char *name;
  json_t *one;
  bool ok = true, first = true;
  nf_text_printf(out, "{");
  json_object_foreach(json_object_get(s, "properties"), name, one) {
    bool wanted = depth < 6 && draw_number(seed, 2) != 0;
    for (size_t i = 0; i < json_array_size(required); i++)
      wanted |= strcmp(json_string_value(json_array_get(required, i)), name) == 0;
    if (!wanted) continue;
    nf_text key = {0};
    for (const char *c = name; *c != '\0'; c++) nf_text_printf(&key, *c == '"' ? "\\%c" : "%c", *c);
    nf_text_printf(out, "%s\"%s\":%s",
                   first                  ? ""
                   : draw_number(seed, 2) ? ", "
                                          : ",",
                   key.at, draw_number(seed, 2) ? " " : "");
    nf_text_deinit(&key);
    ok = ok && draw(root, one, depth + 1, seed, out);
    first = false;
  }
  nf_text_printf(out, "}");
  return ok && json_array_size(required) <= json_object_size(json_object_get(s, "properties"));
}

static bool draw_array(const json_t *root, const json_t *s, int depth, uint64_t *seed, nf_text *out) {
  const size_t prefix = json_array_size(json_object_get(s, "prefixItems")),
               least = (size_t)schema_number(s, "minItems", 0),
               most = json_is_false(json_object_get(s, "items")) ? prefix
                                                                 : (size_t)schema_number(s, "maxItems", 5);
  const size_t n = depth > 5 ? least : least + draw_number(seed, (uint32_t)(most - least + 1));
  bool ok = true;
  nf_text_printf(out, "[");
  for (size_t i = 0; i < n; i++) {
    const json_t *one =
        i < prefix ? json_array_get(json_object_get(s, "prefixItems"), i) : json_object_get(s, "items");
    nf_text_printf(out, "%s", i == 0 ? "" : draw_number(seed, 2) ? ", " : ",");
    ok = ok && draw(root, one, depth + 1, seed, out);
  }
  nf_text_printf(out, "]");
  return ok;
}

static bool draw_number_within(const json_t *s, bool integer, uint64_t *seed, nf_text *out) {
  const bool open_lo = json_object_get(s, "exclusiveMinimum") != NULL,
             open_hi = json_object_get(s, "exclusiveMaximum") != NULL;
  const double lo = schema_number(s, open_lo ? "exclusiveMinimum" : "minimum", -2000),
               hi = schema_number(s, open_hi ? "exclusiveMaximum" : "maximum", lo + 4000);
  double x = lo + (hi - lo) * draw_number(seed, 1001) / 1000;
  if (integer) x = (double)(long)x;
  if (x < lo || x > hi || (open_lo && x == lo) || (open_hi && x == hi) || (x == 0 && lo < 0))
    x = (lo + hi) / 2;
  if (integer) x = (double)(long)x;
  char text[64];
  snprintf(text, sizeof text, integer ? "%.0f" : "%.6f", x);
  nf_text_printf(out, "%s", strcmp(text, "-0") == 0 ? "0" : text);
  return true;
}

static bool draw_any(uint64_t *seed, nf_text *out) {
  static const char *const values[] = {"null", "[]", "{\"a\": [1, {}]}", "\"\"", "-0.5e-07", "false"};
  nf_text_printf(out, "%s", values[draw_number(seed, 6)]);
  return true;
}

static bool draw_constant(const json_t *value, nf_text *out) {
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  nf_text_printf(out, "%s", text);
  free(text);
  return true;
}

static bool draw(const json_t *root, const json_t *s, int depth, uint64_t *seed, nf_text *out) {
  const json_t *ref = json_object_get(s, "$ref"), *any = json_object_get(s, "anyOf"),
               *list = json_object_get(s, "enum"), *type = json_object_get(s, "type");
  static const char *const unknown[] = {"allOf", "oneOf", "pattern", "format", "additionalProperties"};
  for (size_t i = 0; i < 5; i++)
    if (json_object_get(s, unknown[i]) != NULL && !json_is_false(json_object_get(s, unknown[i])))
      return false;
  if (ref != NULL) return draw(root, schema_target(root, json_string_value(ref)), depth, seed, out);
  if (any != NULL) {
    size_t i = draw_number(seed, (uint32_t)json_array_size(any));
    while (depth > 4 && json_object_get(json_array_get(any, i), "$ref") != NULL)
      i = (i + 1) % json_array_size(any);
    return draw(root, json_array_get(any, i), depth + 1, seed, out);
  }
  if (list != NULL)
    return draw_constant(json_array_get(list, draw_number(seed, (uint32_t)json_array_size(list))), out);
  if (json_object_get(s, "const") != NULL) return draw_constant(json_object_get(s, "const"), out);
  if (json_is_array(type)) type = json_array_get(type, 0);
  const char *name = json_string_value(type);
  if (name == NULL) return draw_any(seed, out);
  if (strcmp(name, "object") == 0) return draw_object(root, s, depth, seed, out);
  if (strcmp(name, "array") == 0) return draw_array(root, s, depth, seed, out);
  if (strcmp(name, "integer") == 0 || strcmp(name, "number") == 0)
    return draw_number_within(s, name[0] == 'i', seed, out);
  if (strcmp(name, "string") == 0)
    return draw_string(seed, (size_t)schema_number(s, "minLength", 0),
                       (size_t)schema_number(s, "maxLength", 12), out),
           true;
  nf_text_printf(out, "%s", strcmp(name, "null") == 0 ? "null" : draw_number(seed, 2) ? "true" : "false");
  return true;
}

static void check_tokens(nf_constraint *c, const char *schema, const nf_text *text) {
  nf_ids ids = {0};
  nf_constrained x = {0};
  nf_next next;
  uint64_t bits[WORDS];
  bool fits;
  check_ok(nf_encode(tokenizer, nf_text_view(text), NF_ENCODE_PLAIN, &ids));
  for (size_t k = 0; k < ids.n; k++) {
    check_ok(nf_constrained_next(c, &x, bits, &next));
    if (!bit_is_set(bits, ids.at[k])) fail_msg("%s: '%s': token %zu is not allowed", schema, text->at, k);
    check_ok(nf_constrained_take(c, &x, nf_token_bytes(tokenizer, ids.at[k]), &fits));
  }
  check_ok(nf_constrained_next(c, &x, NULL, &next));
  if (!next.may_end) fail_msg("%s: '%s' may not end", schema, text->at);
  nf_constrained_deinit(&x);
  nf_ids_deinit(&ids);
}

static void drawn_documents_are_allowed(void **) {
  uint64_t seed = fresh_seed();
  nf_text text = {0};
  int known = 0;
  for (size_t i = 0; i < N_SAMPLE_SCHEMAS; i++) {
    json_error_t error;
    nf_constraint *c = make(NF_PIECE_SCHEMA, sample_schemas[i]);
    json_t *s = json_loads(sample_schemas[i], JSON_DECODE_ANY, &error);
    for (int k = 0; k < 100; k++) {
      text.n = 0;
      if (!draw(s, s, 0, &seed, &text)) break;
      known++;
      check_tokens(c, sample_schemas[i], &text);
    }
    json_decref(s);
    nf_constraint_release(c);
  }
  assert_true(known > 500);
  nf_text_deinit(&text);
}

static void newlines_may_come_first(void **) {
  nf_constraint *c = make(NF_PIECE_REGEX, "ab");
  for (int blank = 0; blank < 2; blank++) {
    nf_constrained x = {0};
    bool fits;
    nf_constrained_begin(&x, blank != 0);
    check_ok(nf_constrained_take(c, &x, NF_VIEW("\n\n"), &fits));
    assert_int_equal(fits, blank);
    check_ok(nf_constrained_take(c, &x, NF_VIEW("ab"), &fits));
    assert_true(fits);
    nf_constrained_deinit(&x);
  }
  nf_constraint_release(c);
}

// Texts of several threads under one constraint are what they are alone.
typedef struct shared_walk {
  nf_constraint *c;
  nf_text text[8];
} shared_walk;

static void walk_one(const void *arg, int64_t block) {
  const shared_walk *w = arg;
  uint64_t seed = 1000 + (uint64_t)block;
  walk(w->c, &seed, (nf_text *)&w->text[block]);
}

static void threads_share_a_constraint(void **) {
  nf_threads *threads;
  shared_walk w = {.c = make(NF_PIECE_SCHEMA, sample_schemas[3])};
  check_ok(nf_threads_create(4, &threads));
  nf_threads_run(threads, 8, walk_one, &w);
  nf_threads_destroy(threads);
  for (uint64_t i = 0; i < 8; i++) {
    nf_constraint *alone = make(NF_PIECE_SCHEMA, sample_schemas[3]);
    nf_text text = {0};
    uint64_t seed = 1000 + i;
    walk(alone, &seed, &text);
    assert_string_equal(text.at, w.text[i].at);
    nf_text_deinit(&text);
    nf_text_deinit(&w.text[i]);
    nf_constraint_release(alone);
  }
  nf_constraint_release(w.c);
}

// What is too ambiguous to be followed ends in an error in bounded time.
static void ambiguity_is_bounded(void **) {
  nf_constraint *c;
  nf_constrained x = {0};
  nf_next next;
  uint64_t bits[WORDS];
  check_ok(constrain_to(tree, NF_PIECE_REGEX, NF_VIEW("(([ab]{0,60}){0,60}x){0,5}y"), &c));
  const nf_status st = nf_constrained_next(c, &x, bits, &next);
  if (!nf_is_ok(st)) assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  nf_status_free(st);
  nf_constrained_deinit(&x);
  nf_constraint_release(c);
}

static nf_status use(const void *schema) {
  nf_constraint *c = NULL;
  nf_constrained x = {0};
  nf_next next;
  uint64_t bits[WORDS];
  bool fits;
  nf_status st;
  NF_GOTO(constrain_to(tree, NF_PIECE_SCHEMA, nf_view_of(schema), &c));
  NF_GOTO(nf_constrained_next(c, &x, bits, &next));
  NF_GOTO(nf_constrained_take(c, &x, NF_VIEW("{\"a\": "), &fits));
  NF_GOTO(nf_constrained_next(c, &x, bits, &next));
fail:
  nf_constrained_deinit(&x);
  nf_constraint_release(c);
  return st;
}

static void memory_runs_out(void **) {
  if (!nf_alloc_fail_available()) skip();
  runs_out_of_memory(
      use,
      "{\"type\":\"object\",\"properties\":{\"a\":{\"anyOf\":[{\"type\":\"string\",\"pattern\":\"^[a-c]x?$\","
      "\"maxLength\":3},{\"allOf\":[{\"minimum\":3},{\"type\":\"integer\"}]},{\"enum\":[\"u\",[1]]},"
      "{\"$ref\":\"#\"}]}}}",
      false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(texts_are_judged),
      cmocka_unit_test(pieces_follow_one_another),
      cmocka_unit_test(outlines_hold_the_whole_text),
      cmocka_unit_test(equal_constraints_are_made_once),
      cmocka_unit_test(what_does_not_compile_is_told),
      cmocka_unit_test(walks_end_in_what_is_valid),
      cmocka_unit_test(walks_match_their_regex),
      cmocka_unit_test(masks_are_exact),
      cmocka_unit_test(documents_are_allowed),
      cmocka_unit_test(drawn_documents_are_allowed),
      cmocka_unit_test(newlines_may_come_first),
      cmocka_unit_test(threads_share_a_constraint),
      cmocka_unit_test(ambiguity_is_bounded),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests(tests, load, unload_all);
}
