// SPDX-License-Identifier: Apache-2.0
// Loading through the public interface: how much memory it takes at most, and what is told of tensors that
// are not used. The models are sparse files, so that large ones cost nothing.
#include "base/sanitized.h"
#include "tests/support/expect.h"
#include "tests/support/folder.h"
#include "tests/support/inventory.h"
#include "tests/support/rss.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS                                                                           \
  "\"quantization_config\":{\"quant_method\":\"fp8\",\"activation_scheme\":\"dynamic\"," \
  "\"weight_block_size\":[128,128]}"
#define ROWS                                                                                              \
  "\"quantization_config\":{\"quant_method\":\"compressed-tensors\",\"format\":\"float-quantized\","      \
  "\"ignore\":["                                                                                          \
  "\"lm_head\"],\"config_groups\":{\"g\":{\"targets\":[\"Linear\"],\"weights\":{\"num_bits\":8,\"type\":" \
  "\"float\",\"strategy\":\"channel\"},\"input_activations\":{\"num_bits\":8,\"type\":\"float\","         \
  "\"strategy\":"                                                                                         \
  "\"token\",\"dynamic\":true}}}}"
#define QWEN3                                                                                          \
  "{\"model_type\":\"qwen3\",\"num_hidden_layers\":3,\"hidden_size\":2048,\"intermediate_size\":6144," \
  "\"num_attention_heads\":16,\"num_key_value_heads\":4,\"head_dim\":128,\"vocab_size\":2048,\"rope_"  \
  "theta\":1e6,"
// Experts in stacks: each of their tensors is small.
#define NEXT                                                                                               \
  "{\"model_type\":\"qwen3_next\",\"num_hidden_layers\":4,\"hidden_size\":2048,\"moe_intermediate_size\":" \
  "1024,"                                                                                                  \
  "\"num_attention_heads\":16,\"num_key_value_heads\":2,\"head_dim\":128,\"vocab_size\":2048,\"rope_"      \
  "theta\":1e7,"                                                                                           \
  "\"partial_rotary_factor\":0.25,\"num_experts\":6,\"num_experts_per_tok\":2,"                            \
  "\"shared_expert_intermediate_size\":512,\"linear_num_key_heads\":4,\"linear_num_value_heads\":8,"       \
  "\"linear_key_head_dim\":128,\"linear_value_head_dim\":128,\"linear_conv_kernel_dim\":4,"

static void good(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

// A folder with this config and zeros for weights; *out has its tensors.
static char *write_model(const char *text, void (*add)(inventory *v), inventory *out) {
  char *dir = folder_create();
  nf_config config;
  folder_write_text(dir, "config.json", text);
  good(nf_config_load(dir, NULL, &config));
  *out = (inventory){0};
  inventory_collect(out, &config, NF_F32);
  if (add) add(out);
  inventory_write(out, 0, out->n, dir, "model.safetensors");
  nf_config_deinit(&config);
  return dir;
}

// ---- memory ----

// In a process of its own: the memory that loading took at most, -1 when something failed.
static int64_t peak_of_loading(const char *dir) {
  int end[2];
  int64_t peak = -1;
  assert_int_equal(pipe(end), 0);
  const pid_t child = fork();
  if (child == 0) {
    infuse_runtime *rt;
    infuse_model *m;
    const infuse_runtime_options ro = {.size = sizeof ro};
    const infuse_model_options mo = {.size = sizeof mo, .context = 64};
    nf_rss_restart();
    const int64_t before = nf_rss_now();
    infuse_error *e = infuse_runtime_create(&ro, &rt);
    if (!e) e = infuse_model_load(rt, dir, &mo, &m);
    if (e) fprintf(stderr, "%s\n", infuse_error_message(e));
    if (!e) peak = nf_rss_peak() - before;
    _exit(write(end[1], &peak, sizeof peak) != sizeof peak);
  }
  assert_int_equal(read(end[0], &peak, sizeof peak), sizeof peak);
  int status;
  waitpid(child, &status, 0);
  close(end[0]);
  close(end[1]);
  return peak;
}

static void expect_streaming(const char *name, const char *text) {
  inventory v;
  char *dir = write_model(text, NULL, &v);
  const int64_t peak = peak_of_loading(dir), most = (int64_t)v.bytes + (40 << 20);
  print_message("%s: %.1f MiB of weights; loading took %.1f, may take %.1f\n", name, (double)v.bytes / 0x1p20,
                (double)peak / 0x1p20, (double)most / 0x1p20);
  assert_true(v.bytes > 96 << 20); // else even two copies would pass
  assert_true(peak >= (int64_t)v.bytes && peak <= most);
  inventory_deinit(&v);
  folder_remove(dir);
}

static void loading_holds_the_weights_and_little_else(void **state) {
  (void)state;
  if (NF_SANITIZED) skip();
  expect_streaming("blocks", QWEN3 BLOCKS "}");
  expect_streaming("rows", QWEN3 ROWS "}");
  expect_streaming("stacks", NEXT BLOCKS "}");
}

// ---- a callback that stops it ----

static bool wait_for(void *user, const char *what, uint64_t done, uint64_t total) {
  (void)what;
  assert_true(done <= total);
  return --*(int *)user != 0;
}

// Nothing of it stays, and the runtime loads the same model the next time.
static void loading_can_be_stopped(void **state) {
  (void)state;
  int left;
  infuse_runtime *rt;
  infuse_model *m;
  const infuse_runtime_options ro = {.size = sizeof ro, .threads = 2, .progress = wait_for, .user = &left};
  ok(infuse_runtime_create(&ro, &rt));
  for (int dummy = 0; dummy < 2; dummy++)
    for (int world = 1; world < 3; world++)
      for (int at = 1; at < 40; at = 3 * at + 1) {
        const infuse_model_options mo = {.size = sizeof mo, .dummy = dummy, .world = world};
        left = at;
        refused(infuse_model_load(rt, "checkpoints/gpt-oss-small", &mo, &m), INFUSE_CANCELLED,
                "loading weights");
        left = 0; // never
        ok(infuse_model_load(rt, "checkpoints/gpt-oss-small", &mo, &m));
        infuse_model_destroy(m);
      }
  infuse_runtime_destroy(rt);
}

// ---- what is told ----

typedef struct lines {
  int n; // of those about multi-token prediction
  infuse_level level;
  char last[512];
} lines;

static void collect(void *user, infuse_level level, const char *line) {
  lines *l = user;
  if (!strstr(line, "multi-token")) return;
  l->n++;
  l->level = level;
  snprintf(l->last, sizeof l->last, "%s", line);
}

static void add_mtp(inventory *v) {
  inventory_add(v, "mtp.fc.weight", NF_BF16, 2, (const int64_t[]){8, 16});
  inventory_add(v, "mtp.norm.weight", NF_BF16, 1, (const int64_t[]){8});
  inventory_add(v, "mtp.layers.0.mlp.gate.weight", NF_F8E4M3, 2, (const int64_t[]){8, 8}); // whatever it is
}

static lines told_of(const char *text, void (*add)(inventory *v)) {
  inventory v;
  lines said = {0};
  infuse_runtime *rt;
  infuse_model *m;
  char *dir = write_model(text, add, &v);
  const infuse_runtime_options ro = {
      .size = sizeof ro, .log_level = INFUSE_DEBUG, .log = collect, .user = &said};
  const infuse_model_options mo = {.size = sizeof mo, .context = 64, .layers = 1};
  ok(infuse_runtime_create(&ro, &rt));
  ok(infuse_model_load(rt, dir, &mo, &m));
  infuse_model_destroy(m);
  infuse_runtime_destroy(rt);
  inventory_deinit(&v);
  folder_remove(dir);
  return said;
}

static void unused_tensors_are_told_once(void **state) {
  (void)state;
  const lines with = told_of(NEXT BLOCKS "}", add_mtp), without = told_of(NEXT BLOCKS "}", NULL);
  assert_int_equal(with.n, 1);
  assert_int_equal(with.level, INFUSE_INFO);
  assert_non_null(
      strstr(with.last, "model.safetensors: 3 tensors 'mtp.*' (multi-token prediction) are not used"));
  assert_int_equal(without.n, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loading_holds_the_weights_and_little_else),
      cmocka_unit_test(loading_can_be_stopped),
      cmocka_unit_test(unused_tensors_are_told_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
