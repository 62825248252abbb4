// SPDX-License-Identifier: Apache-2.0
// The emulator finds what is planted in planted.c, names it, and lets the right twins pass.
#include "base/sanitized.h"
#include "kernels/gpu/lane/emulator.h"
#include "kernels/gpu/lane/planted.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST = 1024 };

static void expect_ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}
static void expect_error(nf_status st, nf_code code, const char *says) {
  assert_int_equal(nf_status_code(st), code);
  if (!strstr(nf_status_message(st), says)) fail_msg("'%s' does not say '%s'", nf_status_message(st), says);
  nf_status_free(st);
}

typedef struct fixture {
  float in[MOST], out[8 * MOST];
  uint32_t bits[MOST], pack[2 * 4 * MOST];
} fixture;

static nf_status launch(const char *symbol, int lanes, int threads, uint32_t blocks, size_t shared, int wrong,
                        fixture *f, const nf_emulation *how) {
  const nf_emulated_kernel *k = nf_emulated_find(symbol, lanes);
  assert_non_null(k);
  for (int i = 0; i < MOST; i++) f->in[i] = (float)(i % 37) - 11.25f;
  for (int i = 0; i < 8 * MOST; i++) f->pack[i] = (uint32_t)i * 3;
  const nf_planted args = {f->in, f->out, f->bits, f->pack, wrong};
  const nf_grid grid = {{blocks, 1, 1}, {(uint32_t)threads, 1, 1}, shared};
  return nf_emulate(k, &grid, &args, sizeof args, how);
}

static fixture *fresh(void **state) {
  free(*state);
  return *state = calloc(1, sizeof(fixture));
}
static int drop(void **state) { return free(*state), 0; }

// What the message about the fault must name, with lanes of 128 in two blocks, in order.
static const struct plant {
  const char *symbol;
  size_t shared;
  const char *says[3];
} plants[] = {
    {"nf_planted_block_sync",
     512,
     {"lane 0, shared_get", "planted.c:", "was not written before in this block"}},
    {"nf_planted_lane_sync",
     512,
     {"shared_get at src/kernels/gpu/lane/planted.c:", "wrote it at", "with no barrier since"}},
    {"nf_planted_other_wave",
     512,
     {"shared byte", "no barrier since", "it at src/kernels/gpu/lane/planted.c:"}},
    {"nf_planted_overwrite", 512, {"shared_put", "read it at", "no barrier since"}},
    {"nf_planted_two_writers", 512, {"shared byte 0: lane 0 wrote it at", "no barrier since", "lane 9"}},
    {"nf_planted_outside", 512, {"lane 127", "4 bytes at 512 are outside of the block's 512", "planted.c:"}},
    {"nf_planted_unaligned", 512, {"lane 0", "16 bytes at 4 are not aligned", "shared_put"}},
    {"nf_planted_unwritten",
     512,
     {"lane 2", "shared byte 12 was not written before in this block", "shared_get"}},
    {"nf_planted_divergence", 0, {"lane_sync at", "lane_sum at", "all must come to the same"}},
    {"nf_planted_two_barriers", 0, {"block_sync at", "waits in block_sync at", "all must come to the same"}},
    {"nf_planted_early_end", 0, {"lane 7", "waits in block_sync at", "the end of the kernel"}},
    {"nf_planted_no_wait", 0, {"lane 3", "the end of the kernel", "without lane_wait()"}},
    {"nf_planted_two_waits", 0, {"lane_wait at", "for the second time", "after src/"}},
    {"nf_planted_early_store", 0, {"lane_store16 at", "before lane_wait()", "lane 0"}},
    {"nf_planted_copy", 2048, {"shared_get", "lane_copy_async16 at", "not waited for"}},
    {"nf_planted_uncommitted_copy", 2048, {"shared_get", "lane_copy_async16 at", "not waited for"}},
    {"nf_planted_unpublished_copy", 2048, {"shared_get", "wrote it at", "no barrier since"}},
    {"nf_planted_halves",
     256,
     {"lane 1, shared_get", "shared byte 0: lane 0 wrote it at", "no barrier since"}},
    {"nf_planted_bytes",
     128,
     {"lane 1, shared_get", "shared byte 0: lane 0 wrote it at", "no barrier since"}},
    {"nf_planted_room", 16, {"block_max at", "read it at", "no barrier since"}},
};

static void expect_names(const char *message, const struct plant *p, int lanes) {
  char place[80];
  snprintf(place, sizeof place, "kernel %s, waves of %d, block 0,0,0, lane", p->symbol, lanes);
  bool all = strstr(message, place) != NULL;
  for (int i = 0; i < 3; i++) all &= strstr(message, p->says[i]) != NULL;
  if (!all)
    fail_msg("%s should be named with '%s', '%s', '%s': %s", p->symbol, p->says[0], p->says[1], p->says[2],
             message);
}

static void find_planted(void **state, int lanes, uint64_t seed) {
  for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
    const struct plant *p = &plants[i];
    const nf_emulation how = {.seed = seed};
    nf_status st = launch(p->symbol, lanes, 128, 2, p->shared, 1, fresh(state), &how);
    if (seed == 0)
      expect_names(nf_status_message(st), p, lanes);
    else if (nf_status_code(st) != NF_CHECK_FAILED)
      fail_msg("%s passes with seed %d", p->symbol, (int)seed);
    nf_status_free(st);
    expect_ok(launch(p->symbol, lanes, 128, 2, p->shared, 0, fresh(state), &how));
  }
}

static void test_planted_faults_are_found_and_named(void **state) {
  find_planted(state, 32, 0);
  find_planted(state, 64, 0);
}

static void test_planted_faults_are_found_in_any_order(void **state) {
  for (uint64_t seed = 1; seed <= 6; seed++) find_planted(state, seed % 2 ? 32 : 64, seed);
}

static void check_collectives(void **state, int lanes, int threads) {
  fixture *f = fresh(state);
  expect_ok(launch("nf_planted_collectives", lanes, threads, 1, 0, 0, f, NULL));
  for (int i = 0; i < threads; i++) {
    const float *out = f->out + 8 * i, *wave = f->in + i / lanes * lanes;
    float tree[64], most = wave[0];
    memcpy(tree, wave, sizeof(float) * (size_t)lanes);
    for (int half = lanes / 2; half > 0; half /= 2)
      for (int k = 0; k < half; k++) tree[k] += tree[k + half];
    for (int k = 1; k < lanes; k++) most = fmaxf(most, wave[k]);
    assert_true(out[0] == tree[0] && out[1] == most);
    float eight = 0, four = -INFINITY;
    for (int k = 0; k < 8; k++) eight += f->in[i / 8 * 8 + k];
    for (int k = 0; k < 4; k++) four = fmaxf(four, f->in[i / 4 * 4 + k]);
    assert_true(out[2] == eight && out[3] == four);
    assert_true(out[4] == wave[(i % lanes + 5) % lanes] && out[5] == wave[i % lanes ^ lanes / 2]);
    assert_true(out[6] == 0 && out[7] == (float)threads && f->bits[i] == 0xaaaaaaaa);
  }
}

static void test_collectives_of_a_wave(void **state) {
  check_collectives(state, 32, 32);
  check_collectives(state, 64, 64);
  check_collectives(state, 32, 1024);
  check_collectives(state, 64, 1024);
}

static void check_tiles(void **state, int lanes, int cols) {
  fixture *f = fresh(state);
  expect_ok(launch("nf_planted_tiles", lanes, lanes, 1, 0, 0, f, NULL));
  for (int r = 0; r < 16; r++)
    for (int c = 0; c < cols; c++) { // quarters below 26: bf16 has them, and float32 their sums
      float sum = 0;
      for (int k = 0; k < 16; k++) sum += f->in[r * 16 + k] * f->in[256 + c * 16 + k];
      assert_true(f->out[r * cols + c] == 1 + 2 * sum);
    }
}

static void test_products_of_tiles(void **state) {
  check_tiles(state, 32, 8);
  check_tiles(state, 64, 16);
}

static float wide_number(const fixture *f, int row, int k) { return f->in[(row * 64 + k * 3) % 1024]; }

static void test_products_of_four_waves(void **state) {
  fixture *f = fresh(state);
  expect_ok(launch("nf_planted_wide", 32, 128, 1, 80 * 128, 0, f, NULL));
  for (int r = 0; r < 64; r++)
    for (int c = 0; c < 16; c++) {
      float sum = 0;
      for (int k = 0; k < 64; k++) sum += wide_number(f, r, k) * wide_number(f, 64 + c, k);
      assert_true(f->out[r * 16 + c] == 1 + sum && f->out[1024 + r * 16 + c] == sum);
    }
  expect_ok(launch("nf_planted_wide_turned", 32, 128, 1, 32 * 128, 0, f, NULL));
  for (int r = 0; r < 64; r++)
    for (int c = 0; c < 16; c++) {
      float sum = 0;
      for (int k = 0; k < 16; k++) sum += wide_number(f, r, k) * wide_number(f, c % 8 + c / 8 * 64, k);
      assert_true(f->out[r * 16 + c] == sum);
    }
  expect_ok(launch("nf_planted_wide_fp8", 32, 128, 1, 16 * 128, 0, f, NULL));
  for (int i = 0; i < 1024; i++) assert_true(f->out[i] == (i % 2 ? 1 : 1 + 0x1p-13f));
}

static void test_faults_around_products_of_four_waves(void **state) {
  static const char *const says[] = {"has not called wide_publish since", "when the product of line",
                                     "without wide_begin()", "was not waited for"};
  for (int wrong = 1; wrong <= 4; wrong++)
    expect_error(launch("nf_planted_wide", 32, 128, 1, 80 * 128, wrong, fresh(state), NULL), NF_CHECK_FAILED,
                 says[wrong - 1]);
  expect_error(launch("nf_planted_wide", 32, 64, 1, 80 * 128, 0, fresh(state), NULL), NF_CHECK_FAILED,
               "not made of groups of 128");
}

static void test_many_collectives(void **state) {
  fixture *f = fresh(state);
  expect_ok(launch("nf_planted_busy", 32, 256, 64, 1024, 0, f, NULL));
  float mean[8] = {0}; // after 40 rounds they have gone once around, nearly all the same
  for (int i = 0; i < 256; i++) mean[i / 32] += f->in[i] / 32;
  for (int i = 0; i < 256; i++) assert_true(isfinite(f->out[i]) && fabsf(f->out[i] - mean[1]) < 10);
}

static void *emulate_on_a_thread(void *arg) {
  fixture *f = calloc(1, sizeof *f);
  const int *thread = arg, lanes = *thread % 2 ? 32 : 64;
  for (int i = 0; i < 20 && f; i++) {
    nf_status st = launch("nf_planted_busy", lanes, 64 * (1 + *thread), 1, 1024, 0, f, NULL);
    nf_status wrong = launch("nf_planted_lane_sync", lanes, 128, 1, 512, 1, f, NULL);
    const bool ok = nf_is_ok(st) && strstr(nf_status_message(wrong), "with no barrier since");
    nf_status_free(st);
    nf_status_free(wrong);
    if (!ok) return free(f), NULL;
  }
  return free(f), arg;
}

static void test_several_threads_at_once(void **state) {
  (void)state;
  pthread_t t[4];
  int number[4];
  void *right;
  for (int i = 0; i < 4; i++) {
    number[i] = i;
    assert_int_equal(pthread_create(&t[i], NULL, emulate_on_a_thread, &number[i]), 0);
  }
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(t[i], &right), 0);
    assert_ptr_equal(right, &number[i]);
  }
}

static void test_blocks_come_in_any_order(void **state) {
  for (uint64_t seed = 0; seed < 4; seed++) {
    fixture *f = fresh(state);
    const nf_emulation how = {.seed = seed};
    expect_ok(launch("nf_planted_order", 32, 64, 100, 0, 0, f, &how));
    bool in_order = true, seen[100] = {false};
    for (int i = 0; i < 100; i++) {
      in_order &= f->out[i] == (float)i;
      seen[(int)f->out[i]] = true;
    }
    for (int i = 0; i < 100; i++) assert_true(seen[i]);
    assert_true(in_order == (seed == 0));
  }
}

static void test_accesses_outside_of_the_ranges(void **state) {
  fixture *f = fresh(state);
  const nf_emulated_range ranges[] = {{f->out, sizeof f->out}, {f->pack, sizeof f->pack / 2}};
  const nf_emulation how = {.legal = ranges, .legals = 2};
  expect_ok(launch("nf_planted_illegal_load", 32, 1024, 1, 0, 0, f, &how));
  expect_error(launch("nf_planted_illegal_load", 32, 1024, 1, 0, 1, f, &how), NF_CHECK_FAILED,
               "are in no memory that the kernel was given");
}

static void test_loads_of_what_is_late(void **state) {
  fixture *f = fresh(state);
  const nf_emulated_range late = {f->pack, 4};
  const nf_emulation how = {.late = &late, .lates = 1};
  expect_ok(launch("nf_planted_early_load", 64, 128, 2, 0, 0, f, &how));
  expect_error(launch("nf_planted_early_load", 64, 128, 2, 0, 1, f, &how), NF_CHECK_FAILED,
               "before lane_wait(): an earlier kernel may still write there");
}

static void test_launches_that_cannot_be(void **state) {
  fixture *f = fresh(state);
  expect_error(launch("nf_planted_room", 64, 96, 1, 64, 0, f, NULL), NF_USAGE, "whole waves of 64");
  expect_error(launch("nf_planted_room", 32, 2048, 1, 64, 0, f, NULL), NF_USAGE, "at most 1024");
  assert_null(nf_emulated_find("nf_planted_room", 16));
  assert_null(nf_emulated_find("nf_planted_roo", 32));
}

#if NF_ASAN
// 0: as it should be; 1: the sanitizer ended the child.
static int run_in_child(const char *symbol, const nf_planted *args, const nf_emulation *how) {
  int status;
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(3);
    const nf_grid grid = {{1, 1, 1}, {64, 1, 1}, 0};
    nf_status st = nf_emulate(nf_emulated_find(symbol, 32), &grid, args, sizeof *args, how);
    _exit(nf_is_ok(st) ? 0 : 3);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 3);
  return WEXITSTATUS(status) != 0;
}

static void test_the_sanitizer_finds_stores_outside(void **state) {
  nf_planted args = {.out = *state = calloc(64, sizeof(float))};
  for (args.wrong = 0; args.wrong < 2; args.wrong++)
    assert_int_equal(run_in_child("nf_planted_outside_global", &args, NULL), args.wrong);
}
#endif

// ---- clusters ----

static nf_status launch_clusters(fixture *f, uint64_t seed, int wrong, nf_grid grid) {
  const nf_planted args = {f->in, f->out, f->bits, f->pack, wrong};
  for (int i = 0; i < MOST; i++) f->in[i] = (float)i;
  return nf_emulate(nf_emulated_find("nf_planted_cluster", 32), &grid, &args, sizeof args,
                    &(nf_emulation){.seed = seed});
}
static const nf_grid two_clusters = {
    .blocks = {2, 4, 1}, .threads = {64, 1, 1}, .shared = 1024, .cluster = 4};

static void test_blocks_of_a_cluster_give_to_each_other(void **state) {
  for (uint64_t seed = 0; seed < 20; seed++) {
    fixture *f = fresh(state);
    expect_ok(launch_clusters(f, seed, 0, two_clusters));
    for (int i = 0; i < 8 * 64; i++) assert_true(f->out[i] == (float)(i % 64) + (float)((i / 128 + 3) % 4));
  }
}

static void test_faults_of_clusters_are_named(void **state) {
  static const char *const says[] = {"before a cluster_wait: block",
                                     "with no cluster_wait since cluster_put16",
                                     "some blocks of a cluster have ended",
                                     "with no barrier since",
                                     "without cluster_arrive()",
                                     "block 4 of a cluster of 4"};
  for (int wrong = 1; wrong <= 6; wrong++)
    for (uint64_t seed = 0; seed < 8; seed++)
      expect_error(launch_clusters(fresh(state), seed, wrong, two_clusters), NF_CHECK_FAILED,
                   says[wrong - 1]);
}

static void test_clusters_are_whole(void **state) {
  nf_grid grid = two_clusters;
  grid.blocks[1] = 6;
  expect_error(launch_clusters(fresh(state), 0, 0, grid), NF_USAGE, "clusters of 4 of 6 blocks");
  grid.blocks[1] = grid.cluster = 16;
  expect_error(launch_clusters(fresh(state), 0, 0, grid), NF_USAGE, "up to 8");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(test_blocks_of_a_cluster_give_to_each_other, drop),
    cmocka_unit_test_teardown(test_faults_of_clusters_are_named, drop),
    cmocka_unit_test_teardown(test_clusters_are_whole, drop),
    cmocka_unit_test_teardown(test_planted_faults_are_found_and_named, drop),
    cmocka_unit_test_teardown(test_planted_faults_are_found_in_any_order, drop),
    cmocka_unit_test_teardown(test_collectives_of_a_wave, drop),
    cmocka_unit_test_teardown(test_products_of_tiles, drop),
    cmocka_unit_test_teardown(test_products_of_four_waves, drop),
    cmocka_unit_test_teardown(test_faults_around_products_of_four_waves, drop),
    cmocka_unit_test_teardown(test_many_collectives, drop),
    cmocka_unit_test(test_several_threads_at_once),
    cmocka_unit_test_teardown(test_blocks_come_in_any_order, drop),
    cmocka_unit_test_teardown(test_accesses_outside_of_the_ranges, drop),
    cmocka_unit_test_teardown(test_loads_of_what_is_late, drop),
    cmocka_unit_test_teardown(test_launches_that_cannot_be, drop),
#if NF_ASAN
    cmocka_unit_test_teardown(test_the_sanitizer_finds_stores_outside, drop),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
