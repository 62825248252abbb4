// SPDX-License-Identifier: Apache-2.0
// Finding and making the cache folder.
#include "base/cache.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include <errno.h>
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
