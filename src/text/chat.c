// SPDX-License-Identifier: Apache-2.0
// Which model family speaks which chat format.
#include "text/chat.h"
#include <string.h>

static const struct {
  const char *model_type;
  const nf_chat_format *format;
} families[] = {
    {"gpt_oss", &nf_harmony},
};

const nf_chat_format *nf_chat_format_of(const char *model_type) {
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    if (strcmp(families[i].model_type, model_type) == 0) return families[i].format;
  return NULL;
}
