// SPDX-License-Identifier: Apache-2.0
// Opening a checkpoint folder: its one file, or the shards of its index. Shards may be symbolic links out of
// the folder (download caches lay them out so); it is the names in the index that must not lead out.
#include "checkpoint/checkpoint.h"
#include "base/json.h"
#include "base/memory.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INDEX = 100000000, MAX_FILE_NAME = 255 };

struct nf_checkpoint {
  char *where; // path of the index, or of the only file
  nf_json index;
  json_t *weight_map; // of the index: the file that each tensor should be in; NULL: there is no index
  const char **file;  // [n_files] which it names, in their order; or the only one
  size_t n_files;
  nf_map files;      // those of the index
  nf_status *failed; // [n_files] of shards that can't be opened
  nf_safetensors *shard;
  size_t n_shards;          // opened
  const nf_stored **tensor; // [n] of all shards, each name once
  size_t n;
  nf_map names; // into tensor
  uint64_t bytes;
};

static nf_status no_memory(const char *where) {
  return nf_error(NF_NO_MEMORY, "%s: no memory for the checkpoint's tables", where);
}

// ---- the index ----

static bool is_plain_name(nf_view s) {
  if (s.n == 0 || s.n > MAX_FILE_NAME || memchr(s.at, '/', s.n) || memchr(s.at, '\\', s.n)) return false;
  return !nf_view_equal(s, NF_VIEW(".")) && !nf_view_equal(s, NF_VIEW(".."));
}

static nf_status add_file(nf_checkpoint *c, const nf_json_at *entry) {
  nf_view file;
  bool added;
  NF_TRY(nf_json_string(entry, &file));
  if (!is_plain_name(file))
    return nf_json_error(entry, "is \"%.*s\", should be the plain name of a file in the same folder",
                         (int)(file.n < 300 ? file.n : 300), file.at);
  NF_TRY(nf_map_add(&c->files, file.at, file.n, 0, &added));
  if (added) c->file[c->n_files++] = file.at;
  return nf_ok();
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static nf_status read_index(nf_checkpoint *c) {
  NF_TRY(nf_json_load(c->where, MAX_INDEX, &c->index));
  const nf_json_at root = nf_json_root(&c->index), map = nf_json_get(&root, "weight_map");
  NF_TRY(nf_json_object(&root));
  NF_TRY(nf_json_object(&map));
  c->weight_map = map.value;
  const size_t entries = json_object_size(map.value);
  if (entries == 0) return nf_json_error(&map, "is empty, should name the file of each tensor");
  if (!(c->file = nf_alloc(entries, sizeof *c->file))) return no_memory(c->where);
  const char *tensor;
  json_t *file;
  json_object_foreach(map.value, tensor, file) {
    const nf_json_at entry = {.doc = &c->index, .value = file, .parent = &map, .key = tensor};
    NF_TRY(add_file(c, &entry));
  }
  qsort(c->file, c->n_files, sizeof *c->file, by_name);
  return nf_ok();
}

// The file that the index has for a tensor, or NULL.
static const char *mapped_file(const nf_checkpoint *c, const char *tensor) {
  return json_string_value(json_object_get(c->weight_map, tensor));
}

static nf_status name_single(nf_checkpoint *c) {
  if (!(c->file = nf_alloc(1, sizeof *c->file))) return no_memory(c->where);
  c->file[c->n_files++] = NF_SINGLE;
  return nf_ok();
}

// ---- shards ----

static nf_status open_shard(nf_checkpoint *c, const char *dir, const char *name) {
  char *path;
  NF_TRY(nf_path_join(dir, name, &path));
  nf_status st = nf_safetensors_open(path, &c->shard[c->n_shards]);
  nf_free(path);
  if (nf_is_ok(st)) c->n_shards++;
  return st;
}

// What can't be opened is kept for those who ask for its tensors.
static nf_status open_shards(nf_checkpoint *c, const char *dir, const nf_log *log) {
  c->shard = nf_alloc(c->n_files, sizeof *c->shard);
  c->failed = nf_alloc(c->n_files, sizeof *c->failed);
  if (!c->shard || !c->failed) return no_memory(c->where);
  for (size_t i = 0; i < c->n_files; i++) {
    const nf_status st = open_shard(c, dir, c->file[i]);
    if (nf_status_code(st) == NF_NO_MEMORY || (!c->weight_map && !nf_is_ok(st))) return st;
    c->failed[i] = st;
    if (!nf_is_ok(st)) nf_log_print(log, NF_LOG_INFO, "%s: %s", c->where, nf_status_message(st));
  }
  return nf_ok();
}

// A tensor of two shards is that of the last.
static nf_status add_tensor(nf_checkpoint *c, const nf_stored *t, const nf_log *log) {
  bool added;
  uint32_t at;
  NF_TRY(nf_map_add(&c->names, t->name, strlen(t->name), (uint32_t)c->n, &added));
  if (added) {
    c->tensor[c->n++] = t;
    return nf_ok();
  }
  (void)nf_map_find(&c->names, t->name, strlen(t->name), &at); // it is there
  nf_log_print(log, NF_LOG_WARNING,
               "%s: has tensor '%s' too, which counts, not that of %s, as in transformers",
               nf_checkpoint_file(c, t), t->name, nf_checkpoint_file(c, c->tensor[at]));
  c->tensor[at] = t;
  return nf_ok();
}

static nf_status list_tensors(nf_checkpoint *c, const nf_log *log) {
  size_t n = 0;
  for (size_t s = 0; s < c->n_shards; s++) n += c->shard[s].n;
  c->tensor = nf_alloc(n, sizeof *c->tensor);
  if (!c->tensor) return no_memory(c->where);
  NF_TRY(nf_map_reserve(&c->names, n));
  for (size_t s = 0; s < c->n_shards; s++) {
    for (size_t i = 0; i < c->shard[s].n; i++) {
      nf_stored *t = &c->shard[s].tensor[i];
      t->file = (uint32_t)s;
      NF_TRY(add_tensor(c, t, log));
    }
  }
  for (size_t i = 0; i < c->n; i++) c->bytes += c->tensor[i]->bytes; // can't overflow: each is inside a file
  return nf_ok();
}

static const char *base_name(const char *path) { return strrchr(path, '/') + 1; } // of a file in the folder

// Tensors that the index has elsewhere or not at all are taken; the first of either is told.
static void tell_strays(const nf_checkpoint *c, const nf_log *log) {
  size_t elsewhere = 0, unnamed = 0;
  for (size_t i = 0; i < c->n; i++) {
    const nf_stored *t = c->tensor[i];
    const char *file = nf_checkpoint_file(c, t), *mapped = mapped_file(c, t->name);
    if (!mapped && !unnamed++)
      nf_log_print(log, NF_LOG_INFO, "%s: tensor '%s' is not in " NF_INDEX, file, t->name);
    if (mapped && strcmp(mapped, base_name(file)) != 0 && !elsewhere++)
      nf_log_print(log, NF_LOG_WARNING, "%s: has tensor '%s', which " NF_INDEX " says is in '%s'", file,
                   t->name, mapped);
  }
}

static void check_total(const nf_checkpoint *c, const nf_log *log) {
  const nf_json_at root = nf_json_root(&c->index), metadata = nf_json_get(&root, "metadata");
  const json_t *total = json_object_get(metadata.value, "total_size");
  if (c->n_shards == c->n_files && total && json_number_value(total) != (double)c->bytes)
    nf_log_print(log, NF_LOG_WARNING, "%s: metadata.total_size is %.15g, the tensors have %llu bytes",
                 c->where, json_number_value(total), (unsigned long long)c->bytes);
}

// Files of the folder that the index does not name are left alone; a debug line says so.
static void log_extra_files(const nf_checkpoint *c, const char *dir, const nf_log *log) {
  if (log->level < NF_LOG_DEBUG) return;
  DIR *d = opendir(dir);
  for (const struct dirent *e; d && (e = readdir(d));) {
    uint32_t ignored;
    if (nf_glob("*.safetensors", e->d_name) &&
        !nf_map_find(&c->files, e->d_name, strlen(e->d_name), &ignored))
      nf_log_print(log, NF_LOG_DEBUG, "%s: does not name %s, which is not read", c->where, e->d_name);
  }
  if (d) closedir(d);
}

// Its path, NULL where there is none.
static nf_status find_file(const char *dir, const char *name, char **out) {
  NF_TRY(nf_path_join(dir, name, out));
  if (nf_path_exists(*out)) return nf_ok();
  nf_free(*out);
  *out = NULL;
  return nf_ok();
}

static nf_status find_where(const char *dir, const nf_log *log, char **out, bool *out_indexed) {
  char *index = NULL;
  NF_TRY(nf_checkpoint_folder(dir));
  NF_TRY(find_file(dir, NF_SINGLE, out));
  NF_TRY(find_file(dir, NF_INDEX, &index));
  *out_indexed = !*out;
  if (*out && index)
    nf_log_print(log, NF_LOG_WARNING,
                 "%s: is not read; there is " NF_SINGLE ", which counts, as in transformers", index);
  if (*out)
    nf_free(index);
  else
    *out = index;
  return *out ? nf_ok() : nf_checkpoint_no_weights(dir);
}

static nf_status open_all(nf_checkpoint *c, const char *dir, const nf_log *log) {
  bool indexed;
  NF_TRY(find_where(dir, log, &c->where, &indexed));
  NF_TRY(indexed ? read_index(c) : name_single(c));
  NF_TRY(open_shards(c, dir, log));
  NF_TRY(list_tensors(c, log));
  if (!indexed) return nf_ok();
  tell_strays(c, log);
  check_total(c, log);
  log_extra_files(c, dir, log);
  return nf_ok();
}

nf_status nf_checkpoint_open(const char *dir, const nf_log *log, nf_checkpoint **out) {
  static const nf_log silent;
  if (!log) log = &silent;
  nf_checkpoint *c = nf_alloc(1, sizeof *c);
  if (!c) return no_memory(dir);
  const nf_status st = open_all(c, dir, log);
  if (nf_is_ok(st))
    *out = c;
  else
    nf_checkpoint_close(c);
  return st;
}

void nf_checkpoint_close(nf_checkpoint *c) {
  if (!c) return;
  for (size_t i = 0; i < c->n_shards; i++) nf_safetensors_close(&c->shard[i]);
  for (size_t i = 0; c->failed && i < c->n_files; i++) nf_status_free(c->failed[i]);
  nf_map_deinit(&c->names);
  nf_map_deinit(&c->files);
  nf_json_deinit(&c->index);
  nf_free(c->file);
  nf_free(c->failed);
  nf_free(c->shard);
  nf_free(c->tensor);
  nf_free(c->where);
  nf_free(c);
}

size_t nf_checkpoint_count(const nf_checkpoint *c) { return c->n; }
size_t nf_checkpoint_count_named(const nf_checkpoint *c, const char *prefix) {
  size_t n = 0;
  for (size_t i = 0; i < c->n; i++) n += strncmp(c->tensor[i]->name, prefix, strlen(prefix)) == 0;
  return n;
}
uint64_t nf_checkpoint_bytes(const nf_checkpoint *c) { return c->bytes; }
const char *nf_checkpoint_where(const nf_checkpoint *c) { return c->where; }
const nf_stored *nf_checkpoint_find(const nf_checkpoint *c, const char *name) {
  uint32_t i;
  return nf_map_find(&c->names, name, strlen(name), &i) ? c->tensor[i] : NULL;
}

nf_status nf_checkpoint_missing(const nf_checkpoint *c, const char *name, const char *right) {
  const char *file = mapped_file(c, name), *why = "";
  for (size_t i = 0; file && i < c->n_files; i++)
    if (strcmp(c->file[i], file) == 0) why = nf_status_message(c->failed[i]);
  if (*why)
    return nf_error(NF_BAD_INPUT, "%s: has no tensor '%s'%s; it should be in %s", c->where, name, right, why);
  if (file)
    return nf_error(NF_BAD_INPUT, "%s: has no tensor '%s'%s; it is not in '%s', should be there", c->where,
                    name, right, file);
  return nf_error(NF_BAD_INPUT, "%s: has no tensor '%s'%s", c->where, name, right);
}

const char *nf_checkpoint_file(const nf_checkpoint *c, const nf_stored *t) {
  return c->shard[t->file].file.path;
}

nf_status nf_checkpoint_read(const nf_checkpoint *c, const nf_stored *t, uint64_t at, void *out, size_t n) {
  if (at > t->bytes || n > t->bytes - at)
    return nf_error(NF_INTERNAL, "%s: tensor '%s' has %llu bytes, not %zu from %llu",
                    nf_checkpoint_file(c, t), t->name, (unsigned long long)t->bytes, n,
                    (unsigned long long)at);
  NF_TRY(nf_file_read(&c->shard[t->file].file, t->offset + at, out, n), "tensor '%s'", t->name);
  return nf_ok();
}
