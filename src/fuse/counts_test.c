// SPDX-License-Identifier: Apache-2.0
// What is fused in real models, counted: configs of models, estimates for targets and for this processor.
#include "model/family.h"
#include "select/select.h"
#include "tests/support/fusing.h"

// The estimate of the kernel that would run.
static bool estimate(void *user, const nf_op_desc *d, const nf_sizes *at, nf_op_cost *out, nf_text *why) {
  const nf_select_options o = {.least = *at, .most = *at};
  return nf_select_cost(user, &o, d, at, out, why);
}

static void fuse_model(const char *dir, const char *target, int64_t tokens, nf_fuse_report **out) {
  const nf_build_options build = {.activation = NF_BF16, .page = 64};
  nf_config config;
  nf_graph *g, *fused;
  nf_hw hw;
  ok(target ? nf_hw_target(target, &hw) : nf_hw_detect(&hw));
  ok(nf_config_load(dir, NULL, &config));
  ok(nf_model_build(&config, NULL, &build, &g));
  const nf_fuse_options o = {.at = nf_sizes_of(tokens, tokens, tokens), .costs = {estimate, &hw}};
  ok(nf_fuse(rules, g, &o, &fused, out));
  nf_graph_destroy(fused);
  nf_graph_destroy(g);
  nf_config_deinit(&config);
}

// Qwen3-Next FP8, 48 layers, 12 of them with attention: both norms of each layer; the gated norms of the 36
// others; the attention's gate and the shared expert's act; the share of the shared expert; experts; heads;
// as one linear the attention's three, the shared expert's gate and up, and its gate with the router. Qwen3:
// both norms of each layer, acts, heads, and the linears that feed them. GPT-OSS has no FP8: all sums with
// their norms but the last.
static const struct {
  const char *dir;
  size_t norm_quantise, gated_norm_quantise, act_quantise, act, add_rms_norm, experts, heads, merges;
} models[] = {
    {"configs/qwen3-next-80b-a3b-fp8", 96, 36, 60, 48, 0, 48, 12, 108},
    {"configs/qwen3-8b-fp8", 72, 0, 36, 0, 0, 0, 36, 72},
    {"configs/qwen3-32b-fp8-dynamic", 128, 0, 64, 0, 0, 0, 64, 128},
    {"configs/qwen3-0.6b", 0, 0, 0, 28, 55, 0, 28, 56},
    {"configs/gpt-oss-120b", 0, 0, 0, 0, 71, 36, 36, 36},
};

static void counts(void **state) {
  (void)state;
  static const char *const targets[] = {"gfx942", "gfx950", "sm_90", NULL};
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    for (int t = 0; t < 4; t++)
      for (int64_t tokens = 1; tokens <= 64; tokens *= 8) {
        nf_fuse_report *r;
        fuse_model(models[i].dir, targets[t], tokens, &r);
        assert_int_equal(chosen(r, "norm_quantise"), models[i].norm_quantise);
        assert_int_equal(chosen(r, "gated_norm_quantise"), models[i].gated_norm_quantise);
        assert_int_equal(chosen(r, "act_quantise"), models[i].act_quantise);
        assert_int_equal(chosen(r, "act"), models[i].act);
        assert_int_equal(chosen(r, "add_rms_norm"), models[i].add_rms_norm);
        assert_int_equal(chosen(r, "experts"), models[i].experts);
        assert_int_equal(chosen(r, "qk_norm_rope_write"), models[i].heads);
        assert_int_equal(chosen(r, "merge_linears"), models[i].merges);
        assert_true(r->after_us < r->before_us);
        nf_fuse_report_destroy(r);
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(counts)};
  return cmocka_run_group_tests(tests, rules_set_up, rules_tear_down);
}
