// SPDX-License-Identifier: Apache-2.0
// Replicas of published checkpoints: their true tensors, shards and names, with sparse files for the data.
// Counts and bytes are the published ones; what it takes to open them and to build their graphs is printed,
// never judged.
#include "base/clock.h"
#include "model/family.h"
#include "tests/support/folder.h"
#include "tests/support/inventory.h"
#include "tests/support/rss.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

typedef struct replica {
  const char *config;
  size_t tensors; // as published
  uint64_t bytes;
  nf_dtype scales;          // of FP8
  size_t shards, first, of; // files, the number of the first, and the count as their names tell it
  void (*add_others)(struct replica *r); // tensors that the graph does not use
  double bound_ms;                       // of opening
  char *dir;
  inventory has;
} replica;

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

// ---- what Qwen3-Next has beside its graph: one more layer, for multi-token prediction ----

static void add_plain(replica *r, const char *name, int64_t n, int64_t k) {
  inventory_add(&r->has, name, NF_BF16, k ? 2 : 1, (const int64_t[]){n, k});
}

static void add_block(replica *r, const char *module, int64_t n, int64_t k) {
  const int64_t blocks[] = {(n + 127) / 128, (k + 127) / 128};
  char name[128];
  snprintf(name, sizeof name, "%s.weight", module);
  inventory_add(&r->has, name, NF_F8E4M3, 2, (const int64_t[]){n, k});
  snprintf(name, sizeof name, "%s.weight_scale_inv", module);
  inventory_add(&r->has, name, r->scales, 2, blocks);
}

static void add_mtp_experts(replica *r) {
  static const char *const parts[] = {"gate_proj", "up_proj", "down_proj"};
  for (int e = 0; e <= 512; e++) {
    for (int i = 0; i < 3; i++) {
      char module[96];
      if (e == 512) // the shared one
        snprintf(module, sizeof module, "mtp.layers.0.mlp.shared_expert.%s", parts[i]);
      else
        snprintf(module, sizeof module, "mtp.layers.0.mlp.experts.%d.%s", e, parts[i]);
      add_block(r, module, i < 2 ? 512 : 2048, i < 2 ? 2048 : 512);
    }
  }
}

static void add_mtp(replica *r) {
  static const struct {
    const char *name;
    int64_t n, k;
  } plain[] = {{"fc.weight", 2048, 4096},
               {"norm.weight", 2048},
               {"pre_fc_norm_embedding.weight", 2048},
               {"pre_fc_norm_hidden.weight", 2048},
               {"layers.0.input_layernorm.weight", 2048},
               {"layers.0.post_attention_layernorm.weight", 2048},
               {"layers.0.self_attn.q_norm.weight", 256},
               {"layers.0.self_attn.k_norm.weight", 256},
               {"layers.0.mlp.gate.weight", 512, 2048},
               {"layers.0.mlp.shared_expert_gate.weight", 1, 2048}};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
    char name[96];
    snprintf(name, sizeof name, "mtp.%s", plain[i].name);
    add_plain(r, name, plain[i].n, plain[i].k);
  }
  add_block(r, "mtp.layers.0.self_attn.q_proj", 8192, 2048);
  add_block(r, "mtp.layers.0.self_attn.k_proj", 512, 2048);
  add_block(r, "mtp.layers.0.self_attn.v_proj", 512, 2048);
  add_block(r, "mtp.layers.0.self_attn.o_proj", 2048, 4096);
  add_mtp_experts(r);
}

// ---- writing one ----

static void file_of(const replica *r, size_t shard, char out[64]) {
  snprintf(out, 64, "model-%05zu-of-%05zu.safetensors", r->first + shard, r->of);
}

static size_t shard_of(const replica *r, size_t i) { return i * r->shards / r->has.n; }

static void write_shards(const replica *r) {
  for (size_t first = 0, shard = 0; shard < r->shards; shard++) {
    size_t n = 0;
    char file[64];
    while (first + n < r->has.n && shard_of(r, first + n) == shard) n++;
    file_of(r, shard, file);
    inventory_write(&r->has, first, n, r->dir, file);
    first += n;
  }
}

static void write_index(const replica *r) {
  char *path = folder_path(r->dir, "model.safetensors.index.json"), file[64];
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "{\"metadata\":{\"total_size\":%llu},\"weight_map\":{", (unsigned long long)r->has.bytes);
  for (size_t i = 0; i < r->has.n; i++) {
    file_of(r, shard_of(r, i), file);
    fprintf(f, "%s\"%s\":\"%s\"", i != 0 ? "," : "", r->has.tensor[i].name, file);
  }
  fprintf(f, "}}");
  assert_int_equal(fclose(f), 0);
  free(path);
}

static void write_replica(replica *r, const nf_config *config) {
  r->dir = folder_create();
  inventory_collect(&r->has, config, r->scales);
  if (r->add_others) r->add_others(r);
  write_shards(r);
  write_index(r);
  inventory_deinit(&r->has);
}

// ---- opening it ----

static void check(replica *r) {
  nf_config config;
  nf_checkpoint *c;
  nf_graph *g;
  ok(nf_config_load(r->config, NULL, &config));
  write_replica(r, &config);
  nf_rss_restart();
  const int64_t rss = nf_rss_now();
  const double start = nf_now();
  ok(nf_checkpoint_open(r->dir, NULL, &c));
  const double opened = nf_now();
  const int64_t peak = nf_rss_peak();
  const nf_build_options options = {.activation = NF_BF16, .page = 64};
  ok(nf_model_build(&config, c, &options, &g)); // every tensor is found and has its shape
  const double ms = 1e3 * (opened - start);
  print_message("%s: opened in %.1f ms (bound %g)%s, built in %.1f ms; at most %.1f MiB\n", r->config, ms,
                r->bound_ms, ms > 3 * r->bound_ms ? "  ALARM" : "", 1e3 * (nf_now() - opened),
                (double)(peak - rss) / 0x1p20);
  assert_int_equal(nf_checkpoint_count(c), r->tensors);
  assert_int_equal(nf_checkpoint_bytes(c), r->bytes);
  nf_graph_destroy(g);
  nf_config_deinit(&config);
  nf_checkpoint_close(c);
  folder_remove(r->dir);
}

static replica all[] = {
    {"configs/gpt-oss-20b", 459, 13761264768, .shards = 3, .of = 2, .bound_ms = 50}, // "of 2", as published
    {"configs/gpt-oss-120b", 687, 65248815744, .shards = 3, .of = 2, .bound_ms = 50},
    {"configs/qwen3-8b-fp8", 651, 9436551168, NF_BF16, 2, 1, 2, .bound_ms = 50},
    {"configs/qwen3-next-80b-a3b-fp8", 151479, 82032869120, NF_F32, 8, 1, 8, add_mtp, .bound_ms = 1500},
};

static void one(void **state) { check(*state); }

int main(void) {
  enum { N = sizeof all / sizeof *all };
  struct CMUnitTest tests[N];
  for (int i = 0; i < N; i++)
    tests[i] = (struct CMUnitTest){.name = all[i].config, .test_func = one, .initial_state = &all[i]};
  return cmocka_run_group_tests_name("replicas", tests, NULL, NULL);
}
