// SPDX-License-Identifier: Apache-2.0
// Unicode normalisation form C (a row of more than 1024 combining marks is refused), through utf8proc.
#pragma once
#include "base/status.h"
#include "base/text.h"

// Sets *out to text if that is in form C already, else to its form C, which is kept in *buffer (reused by the
// caller). text is valid UTF-8.
nf_status nf_nfc(nf_view text, nf_text *buffer, nf_view *out);
