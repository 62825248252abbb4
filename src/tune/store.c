// SPDX-License-Identifier: Apache-2.0
// Keys, and the files of an environment's folder.
#include "tune/store.h"
#include "base/cache.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "graph/graph.h"
#include "hw/figures.h"
#include "tune/entry.h"
#include "tune/kernels_hash.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 16 };

// ---- keys ----

static char *taken(nf_text *t) {
  if (!t->failed) return t->at;
  nf_text_deinit(t);
  return NULL;
}

char *nf_tune_key(const nf_op_desc *d, const nf_sizes *at) {
  const nf_op_info *info = nf_op_of(d->op);
  nf_text t = {0};
  nf_text_printf(&t, "%s(", info->name);
  for (int i = 0; i < info->n_in; i++)
    nf_text_printf(&t, "%s%s", i > 0 ? ", " : "",
                   d->in[i].dtype != NF_NONE ? nf_type_text_of(&d->in[i]).at : "_");
  nf_text_printf(&t, ")");
  for (int i = 0; i < info->n_attr; i++) {
    nf_text_printf(&t, " ");
    nf_attr_print(d->op, i, &d->attr, &t);
  }
  for (int s = NF_CONST + 1; s < NF_SYM_COUNT; s++)
    if (at->of[s] != 0)
      nf_text_printf(&t, "; %s %ld to %ld", nf_sym_name((nf_sym)s), (long)(at->of[s] / 2 + 1),
                     (long)at->of[s]);
  return taken(&t);
}

char *nf_tune_environment(const nf_hw *hw, int threads) {
  static const int level[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
  nf_text text = {0};
  char *host = nf_figures_key(hw, threads);
  nf_text_printf(&text, "infuse %s; kernels %s; compiler %s; caches", INFUSE_VERSION, NF_KERNELS_HASH,
                 __VERSION__);
  for (int i = 0; i < 3; i++) nf_text_printf(&text, " %ld", sysconf(level[i])); // 0 or -1: not told
  nf_text_printf(&text, "; %s", host != NULL ? host : "");
  text.failed |= host == NULL;
  nf_free(host);
  return taken(&text);
}

static char *path_of_key(const nf_tune_store *s, const char *key) {
  return nf_cache_path(s->folder, nf_name_of_key(key).at);
}

// ---- files ----

// Frees st.
static void warn(nf_tune_store *s, nf_status st, const char *what) {
  if (!nf_is_ok(st) && !s->warned)
    nf_log_print(s->log, NF_LOG_WARNING, "%s: %s", what, nf_status_message(st));
  s->warned |= !nf_is_ok(st);
  nf_status_free(st);
}

static nf_status load(const nf_tune_store *s, const char *path, const char *key, nf_tune_entry *out,
                      char **found_key) {
  char *text;
  size_t n;
  NF_TRY(nf_file_load(path, MOST_BYTES, &text, &n));
  const nf_status st = nf_tune_entry_parse(text, n, path, key, s->list, s->n, out, found_key);
  nf_free(text);
  return st;
}

bool nf_tune_store_find(nf_tune_store *s, const char *key, nf_tune_entry *out) {
  char *path = s->folder != NULL ? path_of_key(s, key) : NULL;
  bool found = path != NULL && nf_path_exists(path);
  if (found) {
    const nf_status st = load(s, path, key, out, NULL);
    found = nf_is_ok(st);
    warn(s, st, "what was measured of kernels is not used");
  }
  nf_free(path);
  return found;
}

void nf_tune_store_keep(nf_tune_store *s, const char *key, const nf_tune_entry *e) {
  char *path = s->folder != NULL ? path_of_key(s, key) : NULL;
  if (path != NULL)
    warn(s, nf_cache_save(path, nf_tune_entry_json(key, e), "timings"),
         "what is measured of kernels is not kept");
  nf_free(path);
}

static void describe(nf_tune_store *s, const char *environment) {
  char *path = nf_cache_path(s->folder, "environment");
  if (path != NULL && !nf_path_exists(path))
    warn(s, nf_cache_save(path, json_pack("{s:s}", "environment", environment), "timings"),
         "what is measured of kernels is not kept");
  nf_free(path);
}

nf_status nf_tune_store_open(const nf_hw *hw, int threads, const nf_log *log, const nf_variant *list,
                             size_t n, nf_tune_store *out) {
  char *environment = nf_tune_environment(hw, threads), part[32];
  *out = (nf_tune_store){.log = log, .list = list, .n = n};
  if (environment == NULL) return nf_error(NF_NO_MEMORY, "no memory for timings");
  snprintf(part, sizeof part, "tune/%s", nf_name_of_key(environment).at);
  warn(out, nf_cache_folder(part, &out->folder), "what is measured of kernels is not kept");
  if (out->folder != NULL) describe(out, environment);
  nf_free(environment);
  return nf_ok();
}

void nf_tune_store_close(nf_tune_store *s) {
  nf_free(s->folder);
  *s = (nf_tune_store){0};
}

// ---- all of them ----

static int is_entry(const struct dirent *d) {
  return strlen(d->d_name) == 16 + 5 && strspn(d->d_name, "0123456789abcdef") == 16 &&
         strcmp(d->d_name + 16, ".json") == 0;
}

static nf_status visit_file(nf_tune_store *s, char *name, nf_tune_visit visit, void *user) {
  nf_tune_entry e;
  char *key = NULL;
  name[16] = '\0';
  char *path = nf_cache_path(s->folder, name);
  if (path == NULL) return nf_error(NF_NO_MEMORY, "no memory for timings");
  const nf_status st = load(s, path, NULL, &e, &key);
  if (nf_is_ok(st)) visit(user, name, key, &e);
  warn(s, st, "what was measured of kernels is not used");
  nf_free(key);
  nf_free(path);
  return nf_ok();
}

nf_status nf_tune_store_each(nf_tune_store *s, nf_tune_visit visit, void *user) {
  struct dirent **file = NULL;
  nf_status st = nf_ok();
  const int n = s->folder != NULL ? scandir(s->folder, &file, is_entry, alphasort) : 0;
  if (n < 0) return nf_file_error(s->folder, "reading the folder");
  for (int i = 0; i < n; i++) {
    if (nf_is_ok(st)) st = visit_file(s, file[i]->d_name, visit, user);
    free(file[i]);
  }
  free(file);
  return st;
}

static nf_status forget_file(const nf_tune_store *s, const char *file, size_t *removed) {
  char *path;
  NF_TRY(nf_path_join(s->folder, file, &path));
  const nf_status st = unlink(path) == 0 || errno == ENOENT ? nf_ok() : nf_file_error(path, "removing it");
  *removed += nf_is_ok(st);
  nf_free(path);
  return st;
}

nf_status nf_tune_store_forget(nf_tune_store *s, const char *name, size_t *removed) {
  struct dirent **file = NULL;
  nf_status st = nf_ok();
  *removed = 0;
  const int n = s->folder != NULL ? scandir(s->folder, &file, is_entry, alphasort) : 0;
  if (n < 0) return nf_file_error(s->folder, "reading the folder");
  for (int i = 0; i < n; i++) {
    const bool asked = name == NULL || (strlen(name) == 16 && strncmp(name, file[i]->d_name, 16) == 0);
    if (nf_is_ok(st) && asked) st = forget_file(s, file[i]->d_name, removed);
    free(file[i]);
  }
  free(file);
  if (nf_is_ok(st) && name != NULL && *removed == 0)
    st = nf_error(NF_USAGE, "no entry is called '%s'; infuse tune --list names them", name);
  return st;
}
