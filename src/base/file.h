// SPDX-License-Identifier: Apache-2.0
// Files: read-only random access that survives a file cut short meanwhile, whole small files, and new files
// that appear complete or not at all.
//
// Codes: a path that leads nowhere or to the wrong kind of file is NF_BAD_INPUT; what the system refuses
// (permission, space, I/O, descriptors) is NF_UNAVAILABLE. Messages begin with the path.
#pragma once
#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

// A regular file opened for reading. Thread-safe: reads carry their offset.
typedef struct nf_file {
  int fd;
  uint64_t size; // when it was opened
  char *path;    // owned
} nf_file;
nf_status nf_file_open(const char *path, nf_file *out); // directories, pipes and devices are refused
// Reads exactly n bytes at offset. A file that ends earlier is NF_BAD_INPUT and names path and byte.
nf_status nf_file_read(const nf_file *f, uint64_t offset, void *out, size_t n);
void nf_file_close(nf_file *f); // a zeroed or closed file is fine

// The whole of a file of at most max bytes, NUL-terminated; *out is freed by nf_free. Larger: NF_BAD_INPUT.
// Reads to the end whatever size the system tells, so /proc and /sys work.
nf_status nf_file_load(const char *path, size_t max, char **out, size_t *out_n);
nf_status nf_path_join(const char *dir, const char *name, char **out); // freed by nf_free
bool nf_path_exists(const char *path);
bool nf_path_is_dir(const char *path);

// Raises how many files, sockets among them, this process may have open as far as it may: how many that are,
// INT_MAX at most.
int nf_file_raise_limit(void);

// The error of a system call that failed with errno: "path: what: No such file or directory".
nf_status nf_file_error(const char *path, const char *what);

// A new file (new_file.c) that replaces the target at commit. Until then it has no name where the file system
// can do that (so that nothing is left behind however the process ends), else a temporary one beside the
// target. What is there and no regular file (a pipe, a device, a link to a file) is not replaced but written
// to at commit; "-" is standard output. Close without commit removes it. Thread-compatible.
typedef struct nf_new_file {
  int fd;
  int stream;        // what is written to at commit; -1: the new file takes the target's name
  char *path, *temp; // temp NULL: it has no name
} nf_new_file;
nf_status nf_new_file_create(const char *path, nf_new_file *out);
nf_status nf_new_file_write(nf_new_file *f, uint64_t offset, const void *data, size_t n);
nf_status nf_new_file_commit(nf_new_file *f); // closes
void nf_new_file_close(nf_new_file *f);
