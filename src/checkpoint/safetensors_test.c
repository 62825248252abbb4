// SPDX-License-Identifier: Apache-2.0
// The safetensors format: what is accepted, each rule that is refused, and writing.
#include "checkpoint/safetensors.h"
#include "tests/support/folder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static nf_status parse(const char *text, uint64_t data_bytes, nf_safetensors *out) {
  return nf_safetensors_parse(text, strlen(text), data_bytes, "f.safetensors", out);
}

static void every_dtype_has_its_size(void **state) {
  (void)state;
  static const char *const names[] = {"BOOL",        "U8",          "I8",   "F8_E4M3", "F8_E5M2", "F8_E8M0",
                                      "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F4",   "F6_E2M3", "F6_E3M2", "I16",
                                      "U16",         "F16",         "BF16", "I32",     "U32",     "F32",
                                      "C64",         "I64",         "U64",  "F64"};
  static const int bits[] = {8, 8, 8, 8, 8, 8, 8, 8, 4, 6, 6, 16, 16, 16, 16, 32, 32, 32, 64, 64, 64, 64};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char text[128]; // 8 elements have as many bytes as one has bits
    snprintf(text, sizeof text, "{\"x\":{\"dtype\":\"%s\",\"shape\":[2,4],\"data_offsets\":[0,%d]}}",
             names[i], bits[i]);
    nf_safetensors s;
    ok(parse(text, (uint64_t)bits[i], &s));
    assert_string_equal(s.tensor[0].kind, names[i]);
    assert_int_equal(s.tensor[0].bytes, bits[i]);
    if (s.tensor[0].dtype != NF_NONE) assert_int_equal(nf_dtype_of(s.tensor[0].dtype)->bits, bits[i]);
    nf_safetensors_close(&s);
  }
}

static void unusual_headers_are_legal(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t bytes;
    size_t n;
  } good[] = {
      {"{}", 0, 0},
      {"{}      ", 0, 0},
      {"{\"__metadata__\":{\"format\":\"pt\",\"a\":\"\"}}", 0, 0},
      {"{\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, 1},
      {"{\"e\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[0,0]}}", 0, 1},
      {"{\"e\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9223372036854775807,0],\"data_offsets\":[0,"
       "0]}}",
       0, 1},
      {"{\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[4,7]},\"e\":{\"dtype\":\"I64\",\"shape\":[0]"
       ","
       "\"data_offsets\":[4,4]},\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
       7, 3},
      {"{\"\\u00e4.\\ud83d\\ude00\":{\"data_offsets\":[0,1],\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1]}}",
       1, 1},
      {"{\"odd\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"unaligned\":{\"dtype\":\"F32\","
       "\"shape\":[1],\"data_offsets\":[1,5]}}",
       5, 2},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    nf_safetensors s;
    nf_status st = parse(good[i].text, good[i].bytes, &s);
    if (!nf_is_ok(st)) fail_msg("%s: %s", good[i].text, nf_status_message(st));
    assert_int_equal(s.n, good[i].n);
    for (size_t k = 1; k < s.n; k++) assert_true(s.tensor[k - 1].offset <= s.tensor[k].offset);
    nf_safetensors_close(&s);
    nf_safetensors_close(&s); // again is fine
  }
}

#define T(name, dtype, shape, offsets) \
  "\"" name "\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define ONE(dtype, shape, offsets) "{" T("x", dtype, shape, offsets) "}"

static const struct {
  const char *text;
  uint64_t bytes;
  const char *want; // in the message, which always names the file
} bad[] = {
    {"", 0, "begin with '{'"},
    {" {}", 0, "begin with '{'"},
    {"[]", 0, "begin with '{'"},
    {"{", 0, "byte 1"},
    {"{}x", 0, "behind the end"},
    {"{\"x\":", 0, "ends where a value"},
    {"{" T("x", "\"U8\"", "[1]", "[0,1]") "," T("x", "\"U8\"", "[1]", "[1,2]") "}", 2, "there already"},
    {"{\"a\\u0000b\":{}}", 0, "byte"},
    {"{\"a\xff\":{}}", 0, "byte"},
    {"{\"a\\ud800\":{}}", 0, "byte"},
    {"{\"__metadata__\":[]}", 0, "__metadata__: should be an object"},
    {"{\"__metadata__\":{\"n\":3}}", 0, "__metadata__.n: is 3, should be a string"},
    {"{\"x\":7}", 0, "tensor 'x': should be an object"},
    {"{\"x\":{}}", 0, "tensor 'x': dtype is missing"},
    {ONE("\"F128\"", "[1]", "[0,16]"), 16, "tensor 'x': dtype is \"F128\", should be"},
    {ONE("32", "[1]", "[0,4]"), 4, "tensor 'x': dtype is 32"},
    {ONE("\"U8\"", "1", "[0,1]"), 1, "tensor 'x': shape is 1, should be an array"},
    {ONE("\"U8\"", "[-1]", "[0,1]"), 1, "shape[0] is -1, should be an integer from 0"},
    {ONE("\"U8\"", "[1,2.0]", "[0,2]"), 2, "shape[1] is 2.0, should be an integer"},
    {ONE("\"U8\"", "[9223372036854775808]", "[0,2]"), 2, "shape[0] is 9.2"},
    {ONE("\"U8\"", "[null]", "[0,2]"), 2, "shape[0] is null"},
    {ONE("\"U8\"", "[\"1\"]", "[0,1]"), 1, "shape[0] is \"1\""},
    {ONE("\"U8\"", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "has 9 dimensions, should have at most 8"},
    {ONE("\"U8\"", "[4294967296,4294967296]", "[0,1]"), 1, "overflows"},
    {ONE("\"F64\"", "[2305843009213693952]", "[0,1]"), 1, "overflows"},
    {ONE("\"F4\"", "[3]", "[0,1]"), 1, "12 bits of F4 are no whole number of bytes"},
    {ONE("\"U8\"", "[1]", "7"), 1, "data_offsets is 7, should be two integers"},
    {ONE("\"U8\"", "[1]", "[0]"), 1, "data_offsets is [0]"},
    {ONE("\"U8\"", "[1]", "[0,1,2]"), 1, "data_offsets is [0,1,2]"},
    {ONE("\"U8\"", "[1]", "[0,1.0]"), 1, "data_offsets is [0,1.0]"},
    {ONE("\"U8\"", "[1]", "[-1,0]"), 1, "data_offsets is [-1,0]"},
    {ONE("\"U8\"", "[1]", "[0,1e400]"), 1, "number beyond"},
    {ONE("\"U8\"", "[1]", "[1,0]"), 1, "[1,0] end before they begin"},
    {ONE("\"F32\"", "[2]", "[0,4]"), 4, "hold 4 bytes, its shape and dtype F32 need 8"},
    {ONE("\"F32\"", "[2]", "[0,8]"), 7, "ends at byte"},
    {ONE("\"U8\"", "[1]", "[0,1]"), 2, "but its tensors end at byte"},
    {"{}", 1, "but its tensors end at byte"},
    {ONE("\"U8\"", "[1]", "[1,2]"), 2, "the bytes between belong to no tensor"},
    {"{" T("a", "\"U8\"", "[2]", "[0,2]") "," T("b", "\"U8\"", "[2]", "[3,5]") "}", 5,
     "tensor 'b' begins at"},
    {"{" T("a", "\"U8\"", "[2]", "[0,2]") "," T("b", "\"U8\"", "[2]", "[1,3]") "}", 3, "inside tensor 'a'"},
    {"{" T("a", "\"U8\"", "[2]", "[0,2]") "," T("b", "\"U8\"", "[2]", "[0,2]") "}", 2, "inside tensor 'a'"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"z\":1}}", 1, "unknown key 'z'"},
};

static void every_rule_is_enforced(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    nf_safetensors s;
    nf_status st = parse(bad[i].text, bad[i].bytes, &s);
    const char *got = nf_status_message(st);
    if (nf_status_code(st) != NF_BAD_INPUT || !strstr(got, "f.safetensors") || !strstr(got, bad[i].want))
      fail_msg("%s: got '%s', wanted '%s'", bad[i].text, got, bad[i].want);
    nf_status_free(st);
  }
}

static void names_have_a_limit(void **state) {
  (void)state;
  for (int n = 4096; n <= 4097; n++) {
    char text[5000];
    memset(text, 'n', sizeof text);
    memcpy(text, "{\"", 2);
    strcpy(text + 2 + n, "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}");
    nf_safetensors s;
    nf_status st = parse(text, 1, &s);
    assert_int_equal(nf_status_code(st), n == 4096 ? NF_OK : NF_BAD_INPUT);
    if (n == 4097) assert_non_null(strstr(nf_status_message(st), "4097 bytes, should have at most 4096"));
    nf_status_free(st);
    nf_safetensors_close(&s);
  }
}

static const nf_stored mixed[] = {
    {.name = "bytes", .dtype = NF_U8, .rank = 1, .dim = {3}},
    {.name = "quote\" and \xc3\xa4", .dtype = NF_F32, .rank = 2, .dim = {2, 3}},
    {.name = "scalar", .dtype = NF_I64, .rank = 0},
    {.name = "none", .dtype = NF_BF16, .rank = 2, .dim = {0, 7}},
    {.name = "half", .dtype = NF_F16, .rank = 1, .dim = {5}},
};
enum { MIXED = sizeof mixed / sizeof *mixed };

static void what_is_written_reads_back(void **state) {
  (void)state;
  char *dir = folder_create(), *path = folder_path(dir, "w.safetensors");
  nf_safetensors_writer w;
  ok(nf_safetensors_create(path, mixed, MIXED, &w));
  static const float values[6] = {1, -2, 3.5f, 4, 5, 6};
  const int64_t scalar = -7;
  ok(nf_safetensors_write(&w, 1, 8, values + 2, 16)); // pieces in any order
  ok(nf_safetensors_write(&w, 1, 0, values, 8));
  ok(nf_safetensors_write(&w, 2, 0, &scalar, 8));
  ok(nf_safetensors_write(&w, 0, 0, "abc", 3));
  nf_status st = nf_safetensors_write(&w, 0, 2, "cd", 2);
  assert_int_equal(nf_status_code(st), NF_INTERNAL);
  nf_status_free(st);
  assert_false(folder_has(dir, "w.safetensors")); // not before commit
  ok(nf_safetensors_commit(&w));
  nf_safetensors_abandon(&w);

  nf_safetensors s;
  ok(nf_safetensors_open(path, &s));
  assert_int_equal(s.n, MIXED);
  int seen = 0;
  for (size_t i = 0; i < s.n; i++) {
    const nf_stored *t = &s.tensor[i];
    const int bits = nf_dtype_of(t->dtype)->bits;
    assert_int_equal(t->offset % (uint64_t)(bits / 8), 0);
    for (int k = 0; k < MIXED; k++) {
      if (strcmp(mixed[k].name, t->name) != 0) continue;
      seen++;
      assert_int_equal(t->dtype, mixed[k].dtype);
      assert_int_equal(t->rank, mixed[k].rank);
      assert_memory_equal(t->dim, mixed[k].dim, sizeof t->dim);
      char data[24];
      ok(nf_file_read(&s.file, t->offset, data, t->bytes));
      if (k == 0) assert_memory_equal(data, "abc", 3);
      if (k == 1) assert_memory_equal(data, values, sizeof values);
      if (k == 2) assert_memory_equal(data, &scalar, 8);
      if (k == 4) assert_memory_equal(data, "\0\0\0\0\0\0\0\0\0\0", 10); // never written: zeros
    }
  }
  assert_int_equal(seen, MIXED);
  nf_safetensors_close(&s);
  free(path);
  folder_remove(dir);
}

static void a_writer_refuses_nonsense(void **state) {
  (void)state;
  char *dir = folder_create(), *path = folder_path(dir, "w.safetensors");
  static const nf_stored wrong[][2] = {
      {{.name = "a", .dtype = NF_U8}, {.name = "a", .dtype = NF_U8}},
      {{.name = "a", .dtype = NF_U8}, {.name = "__metadata__", .dtype = NF_U8}},
      {{.name = "a", .dtype = NF_U8}, {.name = "b", .dtype = NF_MXFP4}},
      {{.name = "a", .dtype = NF_U8}, {.name = "b", .dtype = NF_NONE}},
      {{.name = "a", .dtype = NF_U8}, {.name = "b", .dtype = NF_U8, .rank = 1, .dim = {-1}}},
      {{.name = "a", .dtype = NF_U8}, {.name = "b", .dtype = NF_F32, .rank = 2, .dim = {1l << 31, 1l << 31}}},
      {{.name = "a", .dtype = NF_U8}, {.name = "b", .dtype = NF_U8, .rank = 9}},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    nf_safetensors_writer w;
    nf_status st = nf_safetensors_create(path, wrong[i], 2, &w);
    assert_int_equal(nf_status_code(st), NF_USAGE);
    nf_status_free(st);
    nf_safetensors_abandon(&w);
  }
  nf_safetensors_writer w;
  ok(nf_safetensors_create(path, mixed, MIXED, &w));
  nf_safetensors_abandon(&w);
  assert_int_equal(rmdir(dir), 0); // nothing was left behind
  free(path);
  free(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_dtype_has_its_size),   cmocka_unit_test(unusual_headers_are_legal),
      cmocka_unit_test(every_rule_is_enforced),     cmocka_unit_test(names_have_a_limit),
      cmocka_unit_test(what_is_written_reads_back), cmocka_unit_test(a_writer_refuses_nonsense),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
