// SPDX-License-Identifier: Apache-2.0
// The user's cache folder: what is kept there can be had again at a cost, and any of it may be missing.
#pragma once
#include "base/status.h"

// The folder `part` of it, made if it is not there: $INFUSE_CACHE_DIR/PART, else $XDG_CACHE_HOME/infuse/PART,
// else $HOME/.cache/infuse/PART. *out is freed by nf_free; NULL with OK: nothing is to be kept, as
// INFUSE_CACHE_DIR is set to nothing or no variable says where. An error: it can't be made.
nf_status nf_cache_folder(const char *part, char **out);
