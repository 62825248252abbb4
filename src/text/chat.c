// SPDX-License-Identifier: Apache-2.0
// The chat formats by name, and whether a model thinks.
#include "text/chat.h"
#include <string.h>

static const nf_chat_format *const formats[] = {&nf_harmony, &nf_chatml};

const nf_chat_format *nf_chat_format_of(const char *name) {
  for (size_t i = 0; name != NULL && i < sizeof formats / sizeof *formats; i++)
    if (strcmp(formats[i]->name, name) == 0) return formats[i];
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
