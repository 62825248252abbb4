// SPDX-License-Identifier: Apache-2.0
// Temporary folders.
#include "folder.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

char *folder_create(void) {
  const char *base = getenv("TMPDIR");
  char *dir;
  if (asprintf(&dir, "%s/infuse-test-XXXXXX", base && *base ? base : "/tmp") < 0) fail_msg("no memory");
  if (!mkdtemp(dir)) fail_msg("can't make %s", dir);
  return dir;
}

void folder_remove(char *dir) {
  DIR *d = dir ? opendir(dir) : NULL;
  for (const struct dirent *e; d && (e = readdir(d));) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    char *path = folder_path(dir, e->d_name);
    if (unlink(path) != 0) folder_remove(strdup(path));
    free(path);
  }
  if (d) closedir(d);
  if (d && rmdir(dir) != 0) print_error("can't remove %s\n", dir);
  free(dir);
}

char *folder_path(const char *dir, const char *name) {
  char *path;
  if (asprintf(&path, "%s/%s", dir, name) < 0) fail_msg("no memory");
  return path;
}

void folder_write(const char *dir, const char *name, const void *data, size_t n) {
  char *path = folder_path(dir, name);
  unlink(path); // a link must not be written through
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(data, 1, n, f) != n || fclose(f) != 0) fail_msg("can't write %s", path);
  free(path);
}

void folder_write_text(const char *dir, const char *name, const char *text) {
  folder_write(dir, name, text, strlen(text));
}

char *folder_read(const char *path, size_t *out_n) {
  FILE *f = fopen(path, "rb");
  if (!f || fseek(f, 0, SEEK_END) != 0) fail_msg("can't read %s", path);
  const long n = ftell(f);
  char *text = calloc((size_t)n + 1, 1);
  rewind(f);
  if (!text || fread(text, 1, (size_t)n, f) != (size_t)n) fail_msg("can't read %s", path);
  fclose(f);
  *out_n = (size_t)n;
  return text;
}

void folder_link(const char *dir, const char *name, const char *target) {
  char *path = folder_path(dir, name), *full = realpath(target, NULL);
  if (!full || symlink(full, path) != 0) fail_msg("can't link %s to %s", path, target);
  free(full);
  free(path);
}

bool folder_has(const char *dir, const char *name) {
  char *path = folder_path(dir, name);
  const bool is = access(path, F_OK) == 0;
  free(path);
  return is;
}
