// SPDX-License-Identifier: Apache-2.0
// The user's cache folder: what is kept there can be had again at a cost, and any of it may be missing.
#pragma once
#include "base/json.h"
#include "base/status.h"

// The folder `part` of it, made if it is not there: $INFUSE_CACHE_DIR/PART, else $XDG_CACHE_HOME/infuse/PART,
// else $HOME/.cache/infuse/PART. *out is freed by nf_free; NULL with OK: nothing is to be kept, as
// INFUSE_CACHE_DIR is set to nothing or no variable says where. An error: it can't be made.
nf_status nf_cache_folder(const char *part, char **out);

// The file of what is called so, FOLDER/NAME.json, freed by nf_free; NULL: out of memory.
char *nf_cache_path(const char *folder, const char *name);
// A name of any key, the same in every run: 16 digits. Two keys may share one, so a file repeats its key.
typedef struct nf_key_name {
  char at[17];
} nf_key_name;
nf_key_name nf_name_of_key(const char *key);
// Writes doc, which is stolen, whole or not at all; NULL is one that there was no memory for. `what` names
// it then: "no memory for timings".
nf_status nf_cache_save(const char *path, json_t *doc, const char *what);
