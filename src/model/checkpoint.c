// SPDX-License-Identifier: Apache-2.0
// Opening a checkpoint folder: the index, its shards, and that both agree. Shards may be symbolic links out
// of the folder (download caches lay them out so); it is the names in the index that must not lead out.
#include "model/checkpoint.h"
#include "base/json.h"
#include <dirent.h>
#include <string.h>

#define INDEX "model.safetensors.index.json"
#define SINGLE "model.safetensors"
enum { MAX_INDEX = 100000000, MAX_FILE_NAME = 255 };

struct nf_checkpoint {
  char *where; // path of the index, or of the only file
  nf_safetensors *shard;
  size_t n_shards;
  const nf_stored **tensor; // of all shards
  size_t n;
  nf_map names; // into tensor
  uint64_t bytes;
};

typedef struct shard_index { // model.safetensors.index.json while the shards are opened
  nf_json doc;
  json_t *weight_map;
  nf_map numbers;     // file name -> shard
  const char **shard; // file names
  const char **user;  // for each shard, the first tensor that needs it
  size_t n;
} shard_index;

static nf_status no_memory(const char *where) {
  return nf_error(NF_NO_MEMORY, "%s: no memory for the checkpoint's tables", where);
}

static bool is_plain_name(nf_view s) {
  if (s.n == 0 || s.n > MAX_FILE_NAME || memchr(s.at, '/', s.n) || memchr(s.at, '\\', s.n)) return false;
  return !nf_view_equal(s, NF_VIEW(".")) && !nf_view_equal(s, NF_VIEW(".."));
}

static nf_status number_shard(shard_index *x, const nf_json_at *entry) {
  nf_view file;
  NF_TRY(nf_json_string(entry, &file));
  if (!is_plain_name(file))
    return nf_json_error(entry, "is \"%.*s\", should be the plain name of a file in the same folder",
                         (int)(file.n < 300 ? file.n : 300), file.at);
  bool added;
  NF_TRY(nf_map_add(&x->numbers, file.at, file.n, (uint32_t)x->n, &added));
  if (!added) return nf_ok();
  x->shard[x->n] = file.at;
  x->user[x->n++] = entry->key;
  return nf_ok();
}

static nf_status read_index(const char *path, shard_index *x) {
  NF_TRY(nf_json_load(path, MAX_INDEX, &x->doc));
  const nf_json_at root = nf_json_root(&x->doc), map = nf_json_get(&root, "weight_map");
  NF_TRY(nf_json_object(&root));
  NF_TRY(nf_json_object(&map));
  x->weight_map = map.value;
  const size_t entries = json_object_size(map.value);
  if (entries == 0) return nf_json_error(&map, "is empty, should name the file of each tensor");
  x->shard = nf_alloc(entries, sizeof *x->shard);
  x->user = nf_alloc(entries, sizeof *x->user);
  if (!x->shard || !x->user) return no_memory(path);
  const char *tensor;
  json_t *file;
  json_object_foreach(map.value, tensor, file) {
    const nf_json_at entry = {.doc = &x->doc, .value = file, .parent = &map, .key = tensor};
    NF_TRY(number_shard(x, &entry));
  }
  return nf_ok();
}

static void index_deinit(shard_index *x) {
  nf_json_deinit(&x->doc);
  nf_map_deinit(&x->numbers);
  nf_free(x->shard);
  nf_free(x->user);
}

static nf_status open_shard(nf_checkpoint *c, const char *dir, const char *name) {
  char *path;
  NF_TRY(nf_path_join(dir, name, &path));
  nf_status st = nf_safetensors_open(path, &c->shard[c->n_shards]);
  nf_free(path);
  if (nf_is_ok(st)) c->n_shards++;
  return st;
}

static nf_status open_shards(nf_checkpoint *c, const char *dir, const shard_index *x) {
  c->shard = nf_alloc(x->n, sizeof *c->shard);
  if (!c->shard) return no_memory(c->where);
  for (size_t i = 0; i < x->n; i++)
    NF_TRY(open_shard(c, dir, x->shard[i]), "%s: tensor '%s'", c->where, x->user[i]);
  return nf_ok();
}

static nf_status open_single(nf_checkpoint *c, const char *dir) {
  c->shard = nf_alloc(1, sizeof *c->shard);
  return c->shard ? open_shard(c, dir, SINGLE) : no_memory(c->where);
}

static nf_status list_tensors(nf_checkpoint *c) {
  size_t n = 0;
  for (size_t s = 0; s < c->n_shards; s++) n += c->shard[s].n;
  c->tensor = nf_alloc(n, sizeof *c->tensor);
  if (!c->tensor) return no_memory(c->where);
  NF_TRY(nf_map_reserve(&c->names, n));
  for (size_t s = 0; s < c->n_shards; s++) {
    for (size_t i = 0; i < c->shard[s].n; i++) {
      nf_stored *t = &c->shard[s].tensor[i];
      t->file = (uint32_t)s;
      c->bytes += t->bytes; // can't overflow: each is inside a file
      NF_TRY(nf_map_add(&c->names, t->name, strlen(t->name), (uint32_t)c->n, NULL));
      c->tensor[c->n++] = t;
    }
  }
  return nf_ok();
}

// Every tensor of the files is mapped to the file that has it.
static nf_status check_files(const nf_checkpoint *c, const shard_index *x) {
  for (size_t i = 0; i < c->n; i++) {
    const nf_stored *t = c->tensor[i];
    const char *mapped = json_string_value(json_object_get(x->weight_map, t->name));
    if (!mapped)
      return nf_error(NF_BAD_INPUT, "%s: tensor '%s' is not in the weight_map of " INDEX,
                      nf_checkpoint_file(c, t), t->name);
    if (strcmp(mapped, x->shard[t->file]) != 0)
      return nf_error(NF_BAD_INPUT, "%s: has tensor '%s', which " INDEX " says is in '%s'",
                      nf_checkpoint_file(c, t), t->name, mapped);
  }
  return nf_ok();
}

// Every mapped tensor is there; that it is in its own file was checked before.
static nf_status check_map(const nf_checkpoint *c, const shard_index *x) {
  const char *tensor;
  json_t *file;
  json_object_foreach(x->weight_map, tensor, file) {
    if (!nf_checkpoint_find(c, tensor))
      return nf_error(NF_BAD_INPUT, "%s: weight_map.%s: is not in '%s', should be there", c->where, tensor,
                      json_string_value(file));
  }
  return nf_ok();
}

static nf_status check_total(const nf_checkpoint *c, const shard_index *x, const nf_log *log) {
  const nf_json_at root = nf_json_root(&x->doc), metadata = nf_json_get(&root, "metadata");
  if (!metadata.value) return nf_ok();
  NF_TRY(nf_json_object(&metadata));
  const json_t *total = json_object_get(metadata.value, "total_size");
  if (total && json_number_value(total) != (double)c->bytes)
    nf_log_print(log, NF_LOG_WARNING, "%s: metadata.total_size is %.15g, the tensors have %llu bytes",
                 c->where, json_number_value(total), (unsigned long long)c->bytes);
  return nf_ok();
}

// Files of the folder that the index does not name are left alone; a debug line says so.
static void log_extra_files(const nf_checkpoint *c, const char *dir, const shard_index *x,
                            const nf_log *log) {
  if (log->level < NF_LOG_DEBUG) return;
  DIR *d = opendir(dir);
  for (const struct dirent *e; d && (e = readdir(d));) {
    uint32_t ignored;
    if (nf_glob("*.safetensors", e->d_name) &&
        !nf_map_find(&x->numbers, e->d_name, strlen(e->d_name), &ignored))
      nf_log_print(log, NF_LOG_DEBUG, "%s: does not name %s, which is not read", c->where, e->d_name);
  }
  if (d) closedir(d);
}

static nf_status open_indexed(nf_checkpoint *c, const char *dir, shard_index *x, const nf_log *log) {
  NF_TRY(read_index(c->where, x));
  NF_TRY(open_shards(c, dir, x));
  NF_TRY(list_tensors(c));
  NF_TRY(check_files(c, x));
  NF_TRY(check_map(c, x));
  NF_TRY(check_total(c, x, log));
  log_extra_files(c, dir, x, log);
  return nf_ok();
}

static nf_status find_where(const char *dir, char **out, bool *out_indexed) {
  if (!nf_path_is_dir(dir))
    return nf_error(NF_BAD_INPUT, "%s: is not a folder, should be one with " INDEX " or " SINGLE, dir);
  static const char *const name[] = {SINGLE, INDEX};
  for (int indexed = 1; indexed >= 0; indexed--) {
    NF_TRY(nf_path_join(dir, name[indexed], out));
    *out_indexed = indexed;
    if (nf_path_exists(*out)) return nf_ok();
    nf_free(*out);
    *out = NULL;
  }
  return nf_error(NF_BAD_INPUT, "%s: has neither " INDEX " nor " SINGLE, dir);
}

nf_status nf_checkpoint_open(const char *dir, const nf_log *log, nf_checkpoint **out) {
  static const nf_log silent;
  if (!log) log = &silent;
  nf_checkpoint *c = nf_alloc(1, sizeof *c);
  if (!c) return no_memory(dir);
  bool indexed = false;
  nf_status st = find_where(dir, &c->where, &indexed);
  if (nf_is_ok(st) && indexed) {
    shard_index x = {0};
    st = open_indexed(c, dir, &x, log);
    index_deinit(&x);
  } else if (nf_is_ok(st)) {
    st = open_single(c, dir);
    if (nf_is_ok(st)) st = list_tensors(c);
  }
  if (nf_is_ok(st))
    *out = c;
  else
    nf_checkpoint_close(c);
  return st;
}

void nf_checkpoint_close(nf_checkpoint *c) {
  if (!c) return;
  for (size_t i = 0; i < c->n_shards; i++) nf_safetensors_close(&c->shard[i]);
  nf_map_deinit(&c->names);
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
