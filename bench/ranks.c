// SPDX-License-Identifier: Apache-2.0
// What ranks cost: a barrier, and a decoding step of a hand-made model cut for more and more of them. Rounds
// of all worlds are interleaved. Never a test. Run in the repository's root: build/bench/ranks [rounds]
#include "base/clock.h"
#include "base/cores.h"
#include "bench/measure.h"
#include "tests/support/team.h"
#include <stdio.h>
#include <stdlib.h>

enum { WORLDS = 4, MOST_ROUNDS = 1000 };
static const int worlds[WORLDS] = {1, 2, 3, 4};

static void print_row(const char *what, int world, double *x, int n, const char *unit) {
  const double middle = median(x, n);
  printf("%-44s world %d: best %9.2f  median %9.2f %s\n", what, world, x[0], middle, unit);
}

// ---- barriers ----

enum { BARRIERS = 1000 };

static nf_status meet(void *user, int rank) {
  for (int i = 0; i < BARRIERS; i++) NF_TRY(nf_ranks_barrier(user, rank));
  return nf_ok();
}

static nf_status nothing(void *user, int rank) { return (void)user, (void)rank, nf_ok(); }

static void barriers(int rounds) {
  static double us[WORLDS][MOST_ROUNDS], run_us[WORLDS][MOST_ROUNDS];
  nf_ranks *ranks[WORLDS];
  for (int w = 0; w < WORLDS; w++) {
    must(nf_ranks_create(worlds[w], 1, &ranks[w]));
    must(nf_ranks_start(ranks[w]));
  }
  for (int i = 0; i < rounds; i++)
    for (int w = 0; w < WORLDS; w++) {
      const double start = nf_now();
      must(nf_ranks_run(ranks[w], meet, ranks[w]));
      const double middle = nf_now();
      must(nf_ranks_run(ranks[w], nothing, NULL));
      us[w][i] = 1e6 * (middle - start) / BARRIERS;
      run_us[w][i] = 1e6 * (nf_now() - middle);
    }
  for (int w = 0; w < WORLDS; w++) {
    nf_ranks_destroy(ranks[w]);
    print_row("a barrier", worlds[w], us[w], rounds, "us");
    print_row("a run that does nothing", worlds[w], run_us[w], rounds, "us");
  }
}

// ---- steps ----

enum { STEPS = 20, ROWS = WORLDS + 1 }; // the last row: one rank with one thread

static double steps_us(team *t) {
  const int32_t token = 7;
  const double start = nf_now();
  for (int i = 0; i < STEPS; i++) must(team_step(t, &token, 1));
  return 1e6 * (nf_now() - start) / STEPS;
}

static void steps(const char *what, const team_shape *shape, int rounds) {
  static double us[ROWS][MOST_ROUNDS];
  static team t[ROWS];
  nf_hw hw;
  must(nf_hw_detect(&hw));
  for (int w = 0; w < ROWS; w++) {
    const int world = w < WORLDS ? worlds[w] : 1, each = w < WORLDS ? nf_cores() / world : 1;
    must(team_init(&t[w], shape, world, each > 1 ? each : 1, &hw));
    steps_us(&t[w]);
  }
  for (int i = 0; i < rounds; i++)
    for (int w = 0; w < ROWS; w++) us[w][i] = steps_us(&t[w]);
  for (int w = 0; w < ROWS; w++) {
    char name[80];
    snprintf(name, sizeof name, "%s%s", what, w < WORLDS ? "" : ", 1 thread");
    print_row(name, t[w].world, us[w], rounds, "us");
    team_deinit(&t[w]);
  }
}

int main(int argc, char **argv) {
  const int asked = argc > 1 ? atoi(argv[1]) : 100;
  const int rounds = asked < 1 ? 1 : asked > MOST_ROUNDS ? MOST_ROUNDS : asked;
  // Attention's and the experts' linears of checkpoints/gpt-oss-small, and of a model whose layers take their
  // time.
  const team_shape small = {.hidden = 192,
                            .vocab = 4096,
                            .blocks = 8,
                            .inner = {192, 384},
                            .dtype = NF_BF16,
                            .fused = true,
                            .batch = 1};
  const team_shape larger = {.hidden = 1536,
                             .vocab = 4096,
                             .blocks = 8,
                             .inner = {1536, 3072},
                             .dtype = NF_BF16,
                             .fused = true,
                             .batch = 1};
  barriers(rounds);
  steps("a step of gpt-oss-small's shapes", &small, rounds);
  steps("a step of hidden 1536, 8 blocks", &larger, rounds);
  return 0;
}
