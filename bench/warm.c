// SPDX-License-Identifier: Apache-2.0
// What a start finds of measured kernels: a folder of 5,000 entries, opened, and those read that a large
// model's plans ask for. Bound: 5 ms. Never a test. build/bench/warm; removes the entries from the folder
// that it makes in /tmp.
#include "base/memory.h"
#include "bench/measure.h"
#include "tune/store.h"
#include <string.h>
#include <unistd.h>

enum { ENTRIES = 5000, ASKED = 164, ROUNDS = 25 }; // asked: as gpt-oss-20b's plans do
static const double bound_ms = 5, alarm_at = 3;

static double start_ms(const nf_hw *hw, const nf_variant *list, size_t n, char **key) {
  const double begin = cpu_seconds();
  const nf_log log = {0};
  nf_tune_store s;
  must(nf_tune_store_open(hw, 2, &log, list, n, &s));
  for (int i = 0; i < ASKED; i++) {
    nf_tune_entry e;
    if (!nf_tune_store_find(&s, key[i * (ENTRIES / ASKED)], &e)) exit(3);
  }
  nf_tune_store_close(&s);
  return 1e3 * (cpu_seconds() - begin);
}

// Keys as those of ops: a line of types and sizes.
static void fill(nf_tune_store *s, nf_tune_entry *e, char **key) {
  for (int i = 0; i < ENTRIES; i++) {
    nf_text t = {0};
    nf_text_printf(&t, "linear x bf16[T,%d] w bf16[4096,%d] out bf16 at T %d", 64 * i, 64 * i, 1 << i % 7);
    must(nf_text_status(&t));
    key[i] = t.at;
    nf_tune_store_keep(s, key[i], e);
  }
}

int main(void) {
  static char *key[ENTRIES];
  char folder[] = "/tmp/infuse-warm-XXXXXX";
  size_t n, removed;
  const nf_variant *list = nf_variants(&n);
  nf_tune_entry e = {.n = 2, .date = "2026-01-01", .of = {{.us = 20, .spread = 1}, {.us = 10, .spread = 1}}};
  const nf_log log = {0};
  double ms[ROUNDS];
  nf_hw hw;
  nf_tune_store s;
  for (size_t i = 0, k = 0; i < n && k < 2; i++)
    if (list[i].op == NF_OP_linear && list[i].backend == NF_BACKEND_CPU) e.of[k++].v = &list[i];
  e.winner = 1;
  if (mkdtemp(folder) == NULL || setenv("INFUSE_CACHE_DIR", folder, 1) != 0) return 3;
  must(nf_hw_detect(&hw));
  must(nf_tune_store_open(&hw, 2, &log, list, n, &s));
  fill(&s, &e, key);
  for (int i = 0; i < ROUNDS; i++) ms[i] = start_ms(&hw, list, n, key);
  const double took = median(ms, ROUNDS);
  printf("a start that reads %d of %d entries: %.2f ms of processor time (bound %g)%s\n", ASKED, ENTRIES,
         took, bound_ms, took > alarm_at * bound_ms ? "  ALARM" : "");
  must(nf_tune_store_forget(&s, NULL, &removed));
  nf_tune_store_close(&s);
  for (int i = 0; i < ENTRIES; i++) nf_free(key[i]);
  return removed == ENTRIES ? 0 : 3;
}
