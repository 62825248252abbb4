// SPDX-License-Identifier: Apache-2.0
// Fuzzes model.safetensors.index.json beside two good shards, a.safetensors (tensors "a", "c") and
// b.safetensors
// ("b"). Adversarial cases: file names that lead out of the folder, tensors in the wrong shard, in none or
// missing, maps of other kinds, metadata of any kind.
#include "checkpoint/checkpoint.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/infuse-fuzz-XXXXXX";

static char *in_dir(const char *name) {
  char *path;
  nf_status st = nf_path_join(dir, name, &path);
  if (!nf_is_ok(st)) abort();
  return path;
}

static void clean_up(void) {
  static const char *const names[] = {"a.safetensors", "b.safetensors", "model.safetensors.index.json"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char *path = in_dir(names[i]);
    unlink(path);
    nf_free(path);
  }
  rmdir(dir);
}

static void shard(const char *file, const char *first, const char *second) {
  char *path = in_dir(file);
  const nf_stored t[] = {{.name = first, .dtype = NF_U8, .rank = 1, .dim = {1}},
                         {.name = second, .dtype = NF_U8, .rank = 1, .dim = {2}}};
  nf_safetensors_writer w;
  nf_status st = nf_safetensors_create(path, t, second ? 2 : 1, &w);
  if (nf_is_ok(st)) st = nf_safetensors_commit(&w);
  if (!nf_is_ok(st)) abort();
  nf_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static bool ready;
  if (!ready) {
    if (!mkdtemp(dir)) abort();
    atexit(clean_up);
    shard("a.safetensors", "a", "c");
    shard("b.safetensors", "b", NULL);
    ready = true;
  }
  char *path = in_dir("model.safetensors.index.json");
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || write(fd, data, n) != (ssize_t)n) abort();
  close(fd);
  nf_checkpoint *c = NULL;
  nf_status st = nf_checkpoint_open(dir, NULL, &c);
  if (nf_is_ok(st)) { // all of what the named shards have, each where it is
    const bool a = nf_checkpoint_find(c, "a"), b = nf_checkpoint_find(c, "b");
    if (nf_checkpoint_count(c) != (size_t)(2 * a + b) || nf_checkpoint_bytes(c) != (size_t)(3 * a + b))
      __builtin_trap();
  } else if (strchr(nf_status_message(st), '\n')) {
    __builtin_trap();
  }
  nf_status_free(st);
  nf_checkpoint_close(c);
  nf_free(path);
  return 0;
}
