// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/index.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_INDEX = 100000000, MAX_FILE_NAME = 255 };

static bool is_plain_name(nf_view s) {
  if (s.n == 0 || s.n > MAX_FILE_NAME || memchr(s.at, '/', s.n) || memchr(s.at, '\\', s.n)) return false;
  return !nf_view_equal(s, NF_VIEW(".")) && !nf_view_equal(s, NF_VIEW(".."));
}

static nf_status add_shard(nf_index *x, const nf_json_at *entry) {
  nf_view file;
  NF_TRY(nf_json_string(entry, &file));
  if (!is_plain_name(file))
    return nf_json_error(entry, "is \"%.*s\", should be the plain name of a file in the same folder",
                         (int)(file.n < 300 ? file.n : 300), file.at);
  bool added;
  NF_TRY(nf_map_add(&x->numbers, file.at, file.n, 0, &added));
  if (added) x->shard[x->n++] = file.at;
  return nf_ok();
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

nf_status nf_index_read(const char *path, nf_index *x) {
  *x = (nf_index){0};
  NF_TRY(nf_json_load(path, MAX_INDEX, &x->doc));
  const nf_json_at root = nf_json_root(&x->doc), map = nf_json_get(&root, "weight_map");
  NF_TRY(nf_json_object(&root));
  NF_TRY(nf_json_object(&map));
  x->weight_map = map.value;
  const size_t entries = json_object_size(map.value);
  if (entries == 0) return nf_json_error(&map, "is empty, should name the file of each tensor");
  x->shard = nf_alloc(entries, sizeof *x->shard);
  if (!x->shard) return nf_error(NF_NO_MEMORY, "%s: no memory for the checkpoint's tables", path);
  const char *tensor;
  json_t *file;
  json_object_foreach(map.value, tensor, file) {
    const nf_json_at entry = {.doc = &x->doc, .value = file, .parent = &map, .key = tensor};
    NF_TRY(add_shard(x, &entry));
  }
  qsort(x->shard, x->n, sizeof *x->shard, by_name);
  return nf_ok();
}

void nf_index_deinit(nf_index *x) {
  nf_json_deinit(&x->doc);
  nf_map_deinit(&x->numbers);
  nf_free(x->shard);
  *x = (nf_index){0};
}

const char *nf_index_file(const nf_index *x, const char *tensor) {
  return json_string_value(json_object_get(x->weight_map, tensor));
}
