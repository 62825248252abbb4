// SPDX-License-Identifier: Apache-2.0
// Which model family speaks which chat format, and whether it thinks.
#include "text/chat.h"
#include <string.h>

static const struct {
  const char *model_type;
  const nf_chat_format *format;
} families[] = {
    {"gpt_oss", &nf_harmony},
    {"qwen3", &nf_chatml},
    {"qwen3_next", &nf_chatml},
};

const nf_chat_format *nf_chat_format_of(const char *model_type) {
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    if (strcmp(families[i].model_type, model_type) == 0) return families[i].format;
  return NULL;
}

nf_status nf_chat_thinks(nf_thinking kind, nf_think wish, bool *out) {
  if (kind == NF_THINKING_NEVER && wish == NF_THINK_ON)
    return nf_error(NF_USAGE, "thinking is asked for, but the model never thinks; leave it at the default");
  if (kind == NF_THINKING_ALWAYS && wish == NF_THINK_OFF)
    return nf_error(NF_USAGE,
                    "no thinking is asked for, but the model always thinks; leave it at the default");
  *out = kind == NF_THINKING_HYBRID ? wish != NF_THINK_OFF : kind == NF_THINKING_ALWAYS;
  return nf_ok();
}
