// SPDX-License-Identifier: Apache-2.0
// Replays a corpus through a fuzz target without libFuzzer, so that every compiler and every machine runs
// what fuzzing once found: the empty input, then each file of the folder given as the only argument, by name.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int not_hidden(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int replay(const char *folder, const char *name) {
  char path[4096];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path) return 1;
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    return 1;
  }
  // An allocation of exactly the input's size lets ASan see a read past its end.
  fseek(file, 0, SEEK_END);
  size_t size = (size_t)ftell(file);
  rewind(file);
  uint8_t *data = malloc(size ? size : 1);
  int failed = !data || fread(data, 1, size, file) != size;
  if (failed)
    fprintf(stderr, "%s: cannot be read\n", path);
  else
    LLVMFuzzerTestOneInput(data, size);
  free(data);
  fclose(file);
  return failed;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
  struct dirent **entries;
  int count = scandir(argv[1], &entries, not_hidden, alphasort);
  if (count < 0) {
    perror(argv[1]);
    return 1;
  }
  int failed = 0;
  for (int i = 0; i < count; i++) {
    failed |= replay(argv[1], entries[i]->d_name);
    free(entries[i]);
  }
  free(entries);
  printf("%d inputs replayed\n", count + 1);
  return failed;
}
