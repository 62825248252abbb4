// SPDX-License-Identifier: Apache-2.0
// Finding and making the cache folder, and the files there.
#include "base/cache.h"
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// XDG's rules: an empty variable is none, and a relative path is ignored.
static const char *folder_of(const char *variable) {
  const char *at = getenv(variable);
  return at != NULL && *at == '/' ? at : NULL;
}

static void append_root(nf_text *t) {
  const char *own = getenv("INFUSE_CACHE_DIR"), *xdg = folder_of("XDG_CACHE_HOME"), *home = folder_of("HOME");
  if (own != NULL)
    nf_text_printf(t, "%s", own);
  else if (xdg != NULL)
    nf_text_printf(t, "%s/infuse", xdg);
  else if (home != NULL)
    nf_text_printf(t, "%s/.cache/infuse", home);
}

static nf_status make_all(char *path) {
  for (char *at = path + 1;; at++) {
    at = strchr(at, '/');
    if (at != NULL) *at = '\0';
    const bool made = mkdir(path, 0700) == 0 || errno == EEXIST || nf_path_is_dir(path);
    const nf_status st = made ? nf_ok() : nf_file_error(path, "mkdir");
    if (at == NULL || !made) return st;
    *at = '/';
  }
  return nf_ok();
}

nf_status nf_cache_folder(const char *part, char **out) {
  nf_text t = {0};
  *out = NULL;
  append_root(&t);
  const bool kept = t.n != 0;
  if (kept) nf_text_printf(&t, "/%s", part);
  nf_status st = nf_text_status(&t);
  if (nf_is_ok(st) && kept) st = make_all(t.at);
  if (nf_is_ok(st) && kept)
    *out = t.at;
  else
    nf_text_deinit(&t);
  return st;
}

char *nf_cache_path(const char *folder, const char *name) {
  nf_text t = {0};
  nf_text_printf(&t, "%s/%s.json", folder, name);
  if (!t.failed) return t.at;
  nf_text_deinit(&t);
  return NULL;
}

nf_key_name nf_name_of_key(const char *key) {
  static const uint64_t seed[2] = {0};
  nf_key_name name;
  snprintf(name.at, sizeof name.at, "%016lx", (unsigned long)nf_hash(key, strlen(key), seed));
  return name;
}

nf_status nf_cache_save(const char *path, json_t *doc, const char *what) {
  char *text = doc != NULL ? json_dumps(doc, JSON_INDENT(1)) : NULL;
  nf_new_file f = {0};
  nf_status st =
      text != NULL ? nf_new_file_create(path, &f) : nf_error(NF_NO_MEMORY, "no memory for %s", what);
  if (nf_is_ok(st)) {
    st = nf_new_file_write(&f, 0, text, strlen(text));
    if (nf_is_ok(st)) st = nf_new_file_commit(&f);
    nf_new_file_close(&f);
  }
  free(text);
  json_decref(doc);
  return st;
}
