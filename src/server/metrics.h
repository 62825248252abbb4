// SPDX-License-Identifier: Apache-2.0
// The text of /metrics (Prometheus 0.0.4), under vLLM's names, so that its dashboards and routers work with
// it.
#pragma once
#include "base/text.h"
#include "schedule/counters.h"

// model: the name under which it is served; page_tokens: of a page of its caches.
void nf_metrics_text(const nf_counters *c, const char *model, int64_t page_tokens, nf_text *out);
