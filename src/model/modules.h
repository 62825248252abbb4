// SPDX-License-Identifier: Apache-2.0
// Lists of modules ("model.layers.0.mlp.up_proj") as writers of quantised checkpoints spell them: names,
// classes and patterns, each entry with a number of its own. Private to the room.
#pragma once
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"

typedef enum nf_spelling {
  NF_SPELLING_COMPRESSED,   // a name, the class "Linear", or behind "re:" an expression, open at its end
  NF_SPELLING_TRANSFORMERS, // a name or expression, of the module, of one that it is in, or of the name's end
  NF_SPELLING_GLOB,         // a name, or one with * ? [..] of Python's fnmatch
} nf_spelling;

typedef struct nf_modules { // zeroed: empty
  nf_map names;             // -> the entry's number
  struct nf_expression *expression;
  size_t n, cap;
  uint32_t all; // 1 + the number of class "Linear", which all modules are that anybody asks for; 0: not there
  bool within;  // names stand for the modules in them and for ends of names too
} nf_modules;

// Adds the strings of `list` (absent: none), each with `number`. Texts are copied into `arena`, which must
// outlive `out`. Of expressions that match one module the first counts; those of compressed-tensors are
// ordered by their text, as there. NF_BAD_INPUT: no list of strings, too long a list, or what is no
// expression of Python's.
nf_status nf_modules_read(const nf_json_at *list, nf_spelling spelling, uint32_t number, nf_arena *arena,
                          nf_modules *out);
// The same for one entry; `at` says where it stands.
nf_status nf_modules_add(const nf_json_at *at, const char *entry, nf_spelling spelling, uint32_t number,
                         nf_arena *arena, nf_modules *out);
void nf_modules_deinit(nf_modules *m);
// Whether `module` is in the list, and the number of the entry that says so: names before expressions before
// the class. NF_BAD_INPUT: an expression needs too many steps for this name.
nf_status nf_modules_find(const nf_modules *m, const char *module, bool *out_found, uint32_t *out_number);
