// SPDX-License-Identifier: Apache-2.0
// Loading into a sink: it gets every byte once, whatever the threads do; what is told first, stopping, errors
// of the sink, and how much memory it takes.
#include "base/memory.h"
#include "tensor/pack.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include "tests/support/alloc_fail.h"
#include "tests/support/folder.h"
#include "tests/support/weights.h"
#include <cmocka.h>

static const nf_sizes none = {{1, 0, 0, 0}};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static void refused(nf_status st, nf_code code, const char *want) {
  if (nf_status_code(st) != code || !strstr(nf_status_message(st), want))
    fail_msg("'%s' does not say '%s'", nf_status_message(st), want);
  nf_status_free(st);
}

// ---- a device whose memory is elsewhere: rooms are buffers of their own, which are copied at commit ----

typedef struct staging {
  unsigned char *data, *times; // how often each byte was committed
  atomic_int open, most_open, committed;
  int rooms; // that there are; 0: any number
  bool broken;
} staging;

static void *take(void *self, size_t at, size_t n) {
  staging *s = self;
  (void)at;
  const int open = ++s->open;
  if (s->rooms && open + s->committed > s->rooms) {
    s->open--;
    return NULL;
  }
  if (open > s->most_open) s->most_open = open;
  void *room = malloc(n);
  memset(room, 0x5a, n);
  return room;
}

static nf_status commit(void *self, void *room, size_t at, size_t n) {
  staging *s = self;
  memcpy(s->data + at, room, n);
  for (size_t i = at; i < at + n; i++) s->times[i]++;
  free(room);
  s->open--;
  s->committed++;
  return s->broken ? nf_error(NF_UNAVAILABLE, "the device is gone") : nf_ok();
}

static staging staging_of(const nf_value *v) {
  size_t n;
  ok(nf_type_bytes(&v->type, &none, &n));
  return (staging){.data = calloc(n, 1), .times = calloc(n, 1)};
}

static void end(staging *s) {
  assert_int_equal(s->open, 0);
  free(s->data);
  free(s->times);
}

static nf_status load(const nf_checkpoint *files, const nf_value *v, int threads, const nf_log *log,
                      staging *s) {
  nf_weight_loader l = {.files = files, .log = log, .total = 1000};
  const nf_weight_sink sink = {s, take, commit};
  ok(nf_threads_create(threads, &l.threads));
  const nf_status st = nf_weight_load(&l, v, 0, INT64_MAX, &sink);
  nf_weight_loader_deinit(&l);
  nf_threads_destroy(l.threads);
  return st;
}

// ---- files: 't', codes or values that are made up, and 's', their scales ----

typedef struct sample {
  char *dir;
  nf_checkpoint *files;
  nf_value weight;
} sample;

static sample sample_of(nf_dtype dtype, int64_t n, int64_t k, bool transposed) {
  sample s = {.dir = folder_create(), .weight = {.name = "w", .kind = NF_VALUE_WEIGHT}};
  s.weight.type = NF_TYPE(dtype, NF_C(n), NF_C(k));
  s.weight.recipe = (nf_recipe){"t", nf_is_quantised(dtype) ? "s" : NULL, .transposed = transposed};
  nf_weight_tensor tensor[2];
  nf_stored stored[2];
  nf_safetensors_writer w = {0};
  const size_t planes = (size_t)nf_weight_tensor_count(&s.weight);
  size_t bytes;
  ok(nf_type_bytes(&s.weight.type, &none, &bytes));
  void *data = nf_alloc_aligned(bytes);
  ok(load_weight(NULL, &s.weight, 0, data));
  const nf_tensor t = nf_tensor_of(&s.weight.type, &none, 0, data);
  for (size_t i = 0; i < planes; i++) {
    nf_weight_tensor_at(&s.weight, (int64_t)i, &tensor[i]);
    stored[i] = tensor[i].stored;
  }
  char *path = folder_path(s.dir, "model.safetensors");
  ok(nf_safetensors_create(path, stored, planes, &w));
  for (size_t i = 0; i < planes; i++) {
    size_t size = (size_t)nf_dtype_of(stored[i].dtype)->bits / 8;
    for (int d = 0; d < stored[i].rank; d++) size *= (size_t)stored[i].dim[d];
    ok(nf_safetensors_write(&w, i, 0, i ? t.scale : t.data, size));
  }
  ok(nf_safetensors_commit(&w));
  ok(nf_checkpoint_open(s.dir, NULL, &s.files));
  free(path);
  nf_free_aligned(data);
  return s;
}

static void sample_end(sample *s) {
  nf_checkpoint_close(s->files);
  folder_remove(s->dir);
}

// Bytes [at, at + n) of tensor t in the file become `byte`.
static void spoil(const sample *s, const char *tensor, uint64_t at, size_t n, int byte) {
  char *path = folder_path(s->dir, "model.safetensors"), bytes[8];
  FILE *f = fopen(path, "r+");
  memset(bytes, byte, sizeof bytes);
  fseek(f, (long)(nf_checkpoint_find(s->files, tensor)->offset + at), SEEK_SET);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  fclose(f);
  free(path);
}

// ---- tests ----

static const struct {
  nf_dtype dtype;
  nf_pack pack;
  int64_t n, k;
  bool transposed;
} weights[] = {
    {NF_BF16, {0, 0}, 700, 800},     {NF_BF16, {16, 1}, 777, 800},        {NF_BF16, {16, 2}, 777, 801},
    {NF_F32, {32, 1}, 500, 300},     {NF_F16, {16, 1}, 3000, 3001, true}, {NF_F32, {0, 0}, 3000, 1500, true},
    {NF_MXFP4, {16, 1}, 2500, 608},  {NF_MXFP4, {0, 0}, 2500, 608},       {NF_FP8_ROW, {16, 1}, 1500, 611},
    {NF_FP8_ROW, {0, 0}, 1500, 611}, {NF_FP8_BLOCK, {16, 4}, 1500, 1000}};

static void loads_alike(const nf_checkpoint *files, const nf_value *v) {
  staging one = staging_of(v);
  ok(load(files, v, 1, NULL, &one));
  size_t n;
  ok(nf_type_bytes(&v->type, &none, &n));
  const nf_tensor t = nf_tensor_of(&v->type, &none, 0, one.data);
  const size_t scales = t.scale ? (size_t)((unsigned char *)t.scale - one.data) : n;
  for (size_t i = 0; i < n; i++) // but for what is between codes and scales
    if (one.times[i] != 1 && !(i < scales && i + NF_CACHE_LINE > scales && one.times[i] == 0))
      fail_msg("byte %zu of %zu is committed %d times", i, n, one.times[i]);
  assert_int_equal(one.most_open, 1);
  for (int threads = 2; threads < 5; threads += 2) {
    staging many = staging_of(v);
    ok(load(files, v, threads, NULL, &many));
    assert_memory_equal(many.data, one.data, n);
    assert_memory_equal(many.times, one.times, n);
    assert_true(many.most_open <= threads);
    end(&many);
  }
  end(&one);
}

static void every_byte_comes_once(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
    sample s = sample_of(weights[i].dtype, weights[i].n, weights[i].k, weights[i].transposed);
    if (!nf_pack_is_plain(weights[i].pack)) s.weight.type = nf_type_packed(s.weight.type, weights[i].pack);
    loads_alike(s.files, &s.weight);
    loads_alike(NULL, &s.weight);
    sample_end(&s);
  }
}

// Elements that are no number in the last, the first and a middle block, and a scale: that of the first
// block.
static void the_first_error_is_told(void **state) {
  (void)state;
  sample s = sample_of(NF_FP8_ROW, 4000, 1000, false);
  s.weight.type = nf_type_packed(s.weight.type, NF_PACK_N16);
  spoil(&s, "s", 0, 4, 0xff);
  for (int k = 0; k < 3; k++) {
    static const int64_t rows[] = {3999, 2000, 700};
    char want[64];
    spoil(&s, "t", (uint64_t)rows[k] * 1000 + 7, 1, 0x7f);
    snprintf(want, sizeof want, "tensor 't': element %ld (", (long)rows[k] * 1000 + 7);
    for (int run = 0; run < 20; run++) {
      staging to = staging_of(&s.weight);
      refused(load(s.files, &s.weight, 1 + run % 4, NULL, &to), NF_BAD_INPUT, want);
      end(&to);
    }
  }
  sample_end(&s);
}

static void a_file_that_was_cut_short(void **state) {
  (void)state;
  sample s = sample_of(NF_BF16, 4000, 500, false);
  char *path = folder_path(s.dir, "model.safetensors");
  assert_int_equal(truncate(path, 2000000), 0);
  staging to = staging_of(&s.weight);
  refused(load(s.files, &s.weight, 3, NULL, &to), NF_BAD_INPUT, "tensor 't': ");
  end(&to);
  free(path);
  sample_end(&s);
}

static void a_sink_that_fails(void **state) {
  (void)state;
  const nf_value v = {.name = "w", .type = NF_TYPE(NF_BF16, NF_C(4000), NF_C(500)), .kind = NF_VALUE_WEIGHT};
  staging all = staging_of(&v), full = staging_of(&v), gone = staging_of(&v);
  ok(load(NULL, &v, 3, NULL, &all));
  full.rooms = 5, gone.broken = true;
  refused(load(NULL, &v, 3, NULL, &full), NF_NO_MEMORY, "no memory to hand on");
  refused(load(NULL, &v, 3, NULL, &gone), NF_UNAVAILABLE, "the device is gone");
  // One for each thread that had begun, and what threads took of the first one's share before it began.
  assert_true(gone.committed < all.committed / 2);
  end(&all);
  end(&full);
  end(&gone);
}

typedef struct patience {
  int left;
  uint64_t done;
} patience;

static bool watch(void *user, const char *what, uint64_t done, uint64_t total) {
  patience *p = user;
  assert_string_equal(what, "loading weights");
  assert_true(done >= p->done && total == 1000);
  p->done = done;
  return --p->left != 0;
}

// In the middle of a weight, and the next time from the beginning.
static void stopping(void **state) {
  (void)state;
  const nf_value v = {.name = "w", .type = NF_TYPE(NF_BF16, NF_C(16000), NF_C(500)), .kind = NF_VALUE_WEIGHT};
  for (int threads = 1; threads < 4; threads++) {
    patience p = {.left = 3};
    const nf_log log = {.progress = watch, .user = &p};
    staging part = staging_of(&v), all = staging_of(&v);
    refused(load(NULL, &v, threads, &log, &part), NF_CANCELLED, "stopped by the caller");
    assert_true(part.committed >= 3 && part.committed < 62 && p.left == 0);
    p = (patience){0};
    ok(load(NULL, &v, threads, &log, &all));
    assert_true(p.left < 0);
    end(&part);
    end(&all);
  }
}

// A piece or a strip for each thread, of a weight of 48 MB.
static void memory_is_bounded(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  sample s = sample_of(NF_BF16, 8192, 3000, false);
  s.weight.type = nf_type_packed(s.weight.type, NF_PACK_N16);
  size_t n;
  ok(nf_type_bytes(&s.weight.type, &none, &n));
  void *data = nf_alloc_aligned(n);
  nf_weight_loader l = {.files = s.files};
  const nf_weight_sink sink = nf_weight_memory(data);
  ok(nf_threads_create(3, &l.threads));
  nf_alloc_fail_at(0, false);
  const int64_t before = nf_alloc_live_bytes();
  ok(nf_weight_load(&l, &s.weight, 0, INT64_MAX, &sink));
  if (nf_alloc_peak_bytes() - before > 3 * (5 << 18))
    fail_msg("%ld bytes beside the weight", (long)(nf_alloc_peak_bytes() - before));
  nf_weight_loader_deinit(&l);
  assert_int_equal(nf_alloc_live_bytes(), before);
  nf_threads_destroy(l.threads);
  nf_free_aligned(data);
  sample_end(&s);
}

// Whatever allocation fails, it is an error that leaks nothing.
static void memory_may_be_out(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  sample s = sample_of(NF_F32, 300, 200, true);
  void *data = nf_alloc_aligned(300 * 200 * sizeof(float));
  const int64_t before = nf_alloc_live();
  nf_status st;
  for (uint64_t at = 1; at == 1 || !nf_is_ok(st); at++) {
    if (at > 1) nf_status_free(st);
    nf_alloc_fail_at(at, false);
    st = load_weight(s.files, &s.weight, 0, data);
    nf_alloc_fail_at(0, false);
    if (!nf_is_ok(st)) assert_int_equal(nf_status_code(st), NF_NO_MEMORY);
  }
  assert_int_equal(nf_alloc_live(), before);
  nf_free_aligned(data);
  sample_end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_byte_comes_once),
                                     cmocka_unit_test(the_first_error_is_told),
                                     cmocka_unit_test(a_file_that_was_cut_short),
                                     cmocka_unit_test(a_sink_that_fails),
                                     cmocka_unit_test(stopping),
                                     cmocka_unit_test(memory_is_bounded),
                                     cmocka_unit_test(memory_may_be_out)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
