// SPDX-License-Identifier: Apache-2.0
// Programs that were compiled with other versions of the headers: a struct of theirs is smaller than the
// library's, or larger. Nothing is written behind it, and what only one of the two knows is zero.
#include "tests/support/expect.h"
#include <infuse/inspect.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static infuse_runtime *runtime;
static infuse_model *model;

// An infuse_output, say, of a size of its own, and what stands behind it.
typedef struct theirs {
  _Alignas(16) unsigned char at[256];
  size_t size;
} theirs;

static theirs of_size(size_t size) {
  theirs t = {.size = size};
  memset(t.at, 0xa5, sizeof t.at);
  return t;
}

// It holds the beginning of `whole`, zeros behind that, and nothing was written behind its end.
static void holds(const theirs *t, const void *whole, size_t n) {
  const size_t known = t->size < n ? t->size : n;
  assert_memory_equal(t->at, whole, known);
  for (size_t i = known; i < sizeof t->at; i++) assert_int_equal(t->at[i], i < t->size ? 0 : 0xa5);
}

static infuse_session *begin(const void *sampling) {
  const infuse_session_options o = {
      .size = sizeof o, .generate = true, .sampling = sampling, .max_tokens = 4, .ignore_eos = true};
  const int32_t prompt[] = {5, 6, 7};
  infuse_session *s;
  ok(infuse_session_create(model, &o, &s));
  ok(infuse_session_append(s, prompt, 3));
  ok(infuse_step(model, &s, 1));
  return s;
}

static const size_t sizes[] = {0, 8, 20, 24, 40, 64, 88, 200};
#define EACH_SIZE(i)                \
  size_t i = 0;                     \
  i < sizeof sizes / sizeof *sizes; \
  i++

// Bytes of an infuse_output that say nothing, which a compiler need not copy.
static const struct {
  size_t at, end;
} padding[] = {{offsetof(infuse_output, token) + sizeof(int32_t), offsetof(infuse_output, tokens)},
               {offsetof(infuse_output, finish) + sizeof(infuse_finish), offsetof(infuse_output, pieces)},
               {offsetof(infuse_output, in_answer) + 1, offsetof(infuse_output, drawn_in_answer)}};

static void copy_padding(theirs *t, const infuse_output *from) {
  for (size_t i = 0; i < sizeof padding / sizeof *padding; i++)
    for (size_t k = padding[i].at; k < padding[i].end && k < t->size; k++)
      t->at[k] = ((const unsigned char *)from)[k];
}

static void test_results(void **) {
  infuse_session *s = begin(NULL);
  const infuse_output output = infuse_session_output(s);
  const infuse_rows logits = infuse_session_logits(s);
  infuse_rows hidden;
  ok(infuse_session_hidden(s, 1, &hidden));
  assert_true(output.token >= 0 && output.tokens == 1 && logits.rows == 1 && hidden.rows == 3);
  for (EACH_SIZE(i)) {
    theirs t = of_size(sizes[i]);
    infuse_session_output_sized(s, (infuse_output *)t.at, t.size);
    copy_padding(&t, &output);
    holds(&t, &output, sizeof output);
    t = of_size(sizes[i]);
    infuse_session_logits_sized(s, (infuse_rows *)t.at, t.size);
    holds(&t, &logits, sizeof logits);
    t = of_size(sizes[i]);
    ok(infuse_session_hidden_sized(s, 1, (infuse_rows *)t.at, t.size));
    holds(&t, &hidden, sizeof hidden);
    t = of_size(sizes[i]);
    infuse_model_sampling_sized(model, (infuse_sampling *)t.at, t.size);
    infuse_sampling sampling = infuse_model_sampling(model);
    sampling.size = t.size;
    holds(&t, &sampling, sizeof sampling);
  }
  infuse_session_output_sized(s, NULL, 0);
  infuse_session_destroy(s);
}

static void test_description(void **) {
  infuse_model_info info = {.size = sizeof info};
  infuse_model_describe(model, &info);
  for (EACH_SIZE(i)) {
    if (sizes[i] < sizeof(size_t)) continue;
    theirs t = of_size(sizes[i]);
    memcpy(t.at, &t.size, sizeof t.size);
    infuse_model_describe(model, (infuse_model_info *)t.at);
    info.size = sizes[i];
    holds(&t, &info, sizeof info);
  }
}

static void test_caches(void **) {
  infuse_session *s = begin(NULL);
  infuse_caches caches = {.size = sizeof caches};
  infuse_model_caches(model, &caches);
  assert_true(caches.page_tokens == 64 && caches.pages_in_use == 1 && caches.pages >= 1);
  for (EACH_SIZE(i)) {
    if (sizes[i] < sizeof(size_t)) continue;
    theirs t = of_size(sizes[i]);
    memcpy(t.at, &t.size, sizeof t.size);
    infuse_model_caches(model, (infuse_caches *)t.at);
    caches.size = sizes[i];
    holds(&t, &caches, sizeof caches);
  }
  infuse_session_destroy(s);
}

static void draws(const void *sampling, int32_t token) {
  infuse_session *s = begin(sampling);
  assert_int_equal(infuse_session_output(s).token, token);
  infuse_session_destroy(s);
}

// Settings of an older program, of a newer one that uses nothing new, and of one that says no size.
static void test_sampling(void **) {
  struct newer {
    infuse_sampling all;
    size_t unknown[4];
  } newer = {.all = {.size = sizeof newer, .temperature = 2, .seed = 4}};
  struct older {
    size_t size;
    float temperature;
    int32_t top_k;
    float top_p, min_p;
    uint64_t seed;
  } older = {.size = sizeof older, .temperature = 2, .seed = 4};
  const infuse_sampling plain = {.temperature = 2, .seed = 4};
  infuse_session *s = begin(&plain);
  const int32_t token = infuse_session_output(s).token;
  infuse_session_destroy(s);
  draws(&newer, token);
  draws(&older, token);
  newer.unknown[3] = 1;
  const infuse_session_options o = {.size = sizeof o, .generate = true, .sampling = &newer.all};
  refused(infuse_session_create(model, &o, &s), INFUSE_USAGE, "is set, but this library knows only");
}

// A size that no version of the struct has or will have: nothing is read by it.
static void test_wrong_sizes(void **) {
  static const size_t wrong[] = {8, 12, 4097, SIZE_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const infuse_runtime_options r = {.size = wrong[i]};
    const infuse_model_options o = {.size = wrong[i]};
    const infuse_session_options so = {.size = wrong[i]};
    const infuse_sampling sampling = {.size = wrong[i]};
    const infuse_session_options draws = {.size = sizeof draws, .generate = true, .sampling = &sampling};
    infuse_runtime *rt;
    infuse_model *m;
    infuse_session *s;
    char text[32];
    snprintf(text, sizeof text, "of %zu bytes: set .size", wrong[i]);
    refused(infuse_runtime_create(&r, &rt), INFUSE_USAGE, text);
    refused(infuse_model_load(runtime, "checkpoints/qwen3-tiny", &o, &m), INFUSE_USAGE, text);
    refused(infuse_session_create(model, &so, &s), INFUSE_USAGE, text);
    refused(infuse_session_create(model, &draws, &s), INFUSE_USAGE, text);
  }
}

static void test_lists_keep_their_sizes(void **) {
  assert_int_equal(sizeof(infuse_piece), 96);
  assert_int_equal(sizeof(infuse_call), 48);
  assert_int_equal(sizeof(infuse_logit_bias), 24);
}

static void find_null(void *found, const char *json, size_t) {
  *(bool *)found = strstr(json, "\"measured\":null") != NULL;
}

// Words of options are read while the runtime is created, and may go then.
static void test_words_may_go(void **) {
  char figures[] = "stated", folder[] = "/tmp/infuse-abi-XXXXXX";
  assert_non_null(mkdtemp(folder));
  assert_int_equal(setenv("INFUSE_CACHE_DIR", folder, 1),
                   0); // a folder, so that figures are measured if asked
  const infuse_runtime_options o = {.size = sizeof o, .figures = figures};
  infuse_runtime *rt;
  ok(infuse_runtime_create(&o, &rt));
  memset(figures, 'x', sizeof figures - 1);
  bool stated = false;
  ok(infuse_devices(rt, find_null, &stated));
  infuse_runtime_destroy(rt);
  assert_true(stated);
  assert_int_equal(setenv("INFUSE_CACHE_DIR", "", 1), 0);
  assert_int_equal(rmdir(folder), 0);
}

static int set_up(void **) {
  const infuse_model_options o = {.size = sizeof o, .context = 64, .keep_hidden = true};
  return infuse_runtime_create(NULL, &runtime) != NULL ||
         infuse_model_load(runtime, "checkpoints/qwen3-tiny", &o, &model) != NULL;
}

static int tear_down(void **) {
  infuse_model_destroy(model);
  infuse_runtime_destroy(runtime);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_results),     cmocka_unit_test(test_description),
      cmocka_unit_test(test_caches),      cmocka_unit_test(test_sampling),
      cmocka_unit_test(test_wrong_sizes), cmocka_unit_test(test_lists_keep_their_sizes),
      cmocka_unit_test(test_words_may_go)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
