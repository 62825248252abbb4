// SPDX-License-Identifier: Apache-2.0
// Unicode normalisation form C as Hugging Face's tokenizers has it: that of Unicode 9, so that characters
// assigned since are neither sorted nor joined.
#pragma once
#include "base/status.h"
#include "base/text.h"

// Sets *out to text if that is in form C already, else to its form C, which is kept in *buffer (reused by the
// caller). text is valid UTF-8. Time and memory grow with its size.
nf_status nf_nfc(nf_view text, nf_text *buffer, nf_view *out);
