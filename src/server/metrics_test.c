// SPDX-License-Identifier: Apache-2.0
// Tests of /metrics' text, of what a server over a small model does not show.
#include "server/metrics.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static nf_tally tally;

static void has(const nf_text *t, const char *line) {
  if (strstr(t->at, line) == NULL) fail_msg("no '%s' in:\n%s", line, t->at);
}

static void guesses_are_told_by_their_places(void **state) {
  (void)state;
  nf_counters c;
  for (int i = 0; i < 3; i++) nf_tally_add(&tally, NF_COUNT_RIGHT_AT + i, 30 - 10 * (uint64_t)i);
  nf_tally_read(&tally, &c);
  for (int32_t guesses = 0; guesses <= 2; guesses += 2) {
    nf_text t = {0};
    nf_metrics_text(&c, &(nf_metrics_facts){.model = "m", .context = 512, .guesses = guesses}, &t);
    if (guesses != 0) {
      has(&t, "vllm:spec_decode_num_accepted_tokens_per_pos_total{model_name=\"m\",engine=\"0\",position="
              "\"0\"} 30\n");
      has(&t, "vllm:spec_decode_num_accepted_tokens_per_pos_total{model_name=\"m\",engine=\"0\",position="
              "\"1\"} 20\n");
    }
    assert_null(strstr(t.at, guesses != 0 ? "position=\"2\"" : "per_pos"));
    nf_text_deinit(&t);
  }
}

// Those of tokens end with what a request may have; answers of a request are few.
static void bounds_are_of_use(void **state) {
  (void)state;
  nf_counters c;
  nf_text t = {0};
  nf_tally_measure(&tally, NF_ANSWERS, 3);
  nf_tally_measure(&tally, NF_TOKENS_ASKED, 300);
  nf_tally_measure(&tally, NF_TOKENS_LONGEST, 40);
  nf_tally_read(&tally, &c);
  nf_metrics_text(&c, &(nf_metrics_facts){.model = "m", .context = 512}, &t);
  has(&t, "vllm:request_params_n_bucket{model_name=\"m\",engine=\"0\",le=\"5\"} 1\n");
  has(&t, "vllm:request_params_max_tokens_bucket{model_name=\"m\",engine=\"0\",le=\"200\"} 0\n");
  has(&t, "vllm:request_params_max_tokens_bucket{model_name=\"m\",engine=\"0\",le=\"500\"} 1\n");
  has(&t, "vllm:request_max_num_generation_tokens_sum{model_name=\"m\",engine=\"0\"} 40\n");
  assert_null(
      strstr(t.at, "vllm:request_params_max_tokens_bucket{model_name=\"m\",engine=\"0\",le=\"1000\"}"));
  nf_text_deinit(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(guesses_are_told_by_their_places),
      cmocka_unit_test(bounds_are_of_use),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
