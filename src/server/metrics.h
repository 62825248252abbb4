// SPDX-License-Identifier: Apache-2.0
// The text of /metrics (Prometheus 0.0.4), under vLLM's names, so that its dashboards and routers work with
// it.
#pragma once
#include "base/text.h"
#include "schedule/counters.h"

typedef struct nf_metrics_facts {
  const char *model;   // the name under which it is served
  int64_t page_tokens; // of a page of its caches
  int64_t context;     // tokens that a request may have
  int32_t guesses;     // at a time, at most NF_MOST_GUESSES; 0: none are made
} nf_metrics_facts;

void nf_metrics_text(const nf_counters *c, const nf_metrics_facts *f, nf_text *out);
