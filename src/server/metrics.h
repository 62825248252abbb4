// SPDX-License-Identifier: Apache-2.0
// The text of /metrics (Prometheus 0.0.4), under vLLM's names, so that its dashboards and routers work with
// it.
#pragma once
#include "base/text.h"
#include "schedule/counters.h"

// model: the name under which it is served.
void nf_metrics_text(const nf_counters *c, const char *model, nf_text *out);
