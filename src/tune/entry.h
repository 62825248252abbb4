// SPDX-License-Identifier: Apache-2.0
// An entry of the store as JSON.
#pragma once
#include "tune/store.h"
#include <jansson.h>

json_t *nf_tune_entry_json(const char *key, const nf_tune_entry *e); // NULL: no memory

// A file's text: NF_BAD_INPUT where it is not whole, contradicts itself, names a kernel that is not in
// list[0..n_list), or is of another key unless key is NULL. *found_key is freed by nf_free; NULL: not wanted.
nf_status nf_tune_entry_parse(const char *text, size_t n, const char *where, const char *key,
                              const nf_variant *list, size_t n_list, nf_tune_entry *out, char **found_key);
