// SPDX-License-Identifier: Apache-2.0
// A piece of an answer, as a session would tell it.
#pragma once
#include <infuse/infuse.h>
#include <string.h>

static inline infuse_piece piece(const char *channel, const char *recipient, const char *text, bool begins) {
  return (infuse_piece){.begins = begins,
                        .role = "assistant",
                        .name = "",
                        .channel = channel,
                        .recipient = recipient,
                        .content_type = "",
                        .text = text,
                        .n = strlen(text)};
}
