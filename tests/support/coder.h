// SPDX-License-Identifier: Apache-2.0
// A small model as if it had been trained on Qwen3-Coder's form of tools: its files, and a chat template of
// which only the words matter.
#pragma once
#include "tests/support/folder.h"
#include <stdlib.h>

static inline char *coder_folder(const char *model) { // ended by folder_remove
  static const char *const files[] = {"config.json", "generation_config.json", "model.safetensors",
                                      "tokenizer.json"};
  char *dir = folder_create();
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char *at = folder_path(model, files[i]);
    folder_link(dir, files[i], at);
    free(at);
  }
  folder_write_text(dir, "chat_template.jinja",
                    "{{ '# Tools\\n\\n<tools>\\n<function>\\n<parameters>' }}{{ '<tool_call>\\n<function=' }}"
                    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}");
  return dir;
}
