// SPDX-License-Identifier: Apache-2.0
// Reading and writing files with the system calls, so that every short read and every refusal is seen.
#include "base/file.h"
#include "base/checked.h"
#include "base/memory.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static nf_code code_of(int e) {
  switch (e) {
  case ENOENT:
  case ENOTDIR:
  case EISDIR:
  case ELOOP:
  case ENAMETOOLONG:
    return NF_BAD_INPUT;
  case ENOMEM:
    return NF_NO_MEMORY;
  default:
    return NF_UNAVAILABLE;
  }
}

nf_status nf_file_error(const char *path, const char *what) {
  const int e = errno;
  return nf_error(code_of(e), "%s: %s: %s", path, what, strerrordesc_np(e));
}

static nf_status no_memory(const char *path) {
  return nf_error(NF_NO_MEMORY, "%s: no memory for the path", path);
}

nf_status nf_file_open(const char *path, nf_file *out) {
  *out = (nf_file){.fd = -1};
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); // a pipe must not hang here
  if (fd < 0) return nf_file_error(path, "can't open");
  struct stat s;
  nf_status st = nf_ok();
  nf_file f = {.fd = fd};
  if (fstat(fd, &s) != 0)
    st = nf_file_error(path, "can't stat");
  else if (!S_ISREG(s.st_mode))
    st = nf_error(NF_BAD_INPUT, "%s: is a %s, not a regular file", path,
                  S_ISDIR(s.st_mode) ? "directory" : "device, pipe or socket");
  else if ((f.path = strdup(path)) == NULL)
    st = no_memory(path);
  if (!nf_is_ok(st)) return close(fd), st;
  f.size = (uint64_t)s.st_size;
  *out = f;
  return nf_ok();
}

// Reads until n bytes are there or the file ends.
static nf_status read_some(const nf_file *f, uint64_t offset, char *out, size_t n, size_t *out_got) {
  size_t got = 0;
  while (got < n) {
    ssize_t r = pread(f->fd, out + got, n - got, (off_t)(offset + got));
    if (r == 0) break;
    if (r > 0)
      got += (size_t)r;
    else if (errno != EINTR)
      return nf_file_error(f->path, "can't read");
  }
  *out_got = got;
  return nf_ok();
}

static uint64_t size_now(const nf_file *f) {
  struct stat s;
  return fstat(f->fd, &s) == 0 ? (uint64_t)s.st_size : f->size;
}

nf_status nf_file_read(const nf_file *f, uint64_t offset, void *out, size_t n) {
  uint64_t end;
  size_t got = 0;
  bool fits = !__builtin_add_overflow(offset, n, &end) && end <= INT64_MAX;
  if (fits) NF_TRY(read_some(f, offset, out, n, &got));
  if (fits && got == n) return nf_ok();
  return nf_error(NF_BAD_INPUT, "%s: ends at byte %llu, but %zu bytes at %llu were wanted", f->path,
                  (unsigned long long)(got ? offset + got : size_now(f)), n, (unsigned long long)offset);
}

void nf_file_close(nf_file *f) {
  if (f->path != NULL) close(f->fd);
  nf_free(f->path);
  *f = (nf_file){.fd = -1};
}

static nf_status load(const nf_file *f, size_t max, char **text, size_t *out_n) {
  size_t cap = 0, n = 0, got = 0;
  do {
    size_t want = n ? n + n / 2 : (size_t)nf_min((int64_t)f->size, (int64_t)(max & INT64_MAX));
    if (!nf_grow(text, &cap, want + 2, 1))
      return nf_error(NF_NO_MEMORY, "%s: no memory to load its %zu bytes", f->path, want);
    NF_TRY(read_some(f, n, *text + n, cap - 1 - n, &got));
    n += got;
    if (n > max)
      return nf_error(NF_BAD_INPUT, "%s: has more than %zu bytes, the most it may have", f->path, max);
  } while (n == cap - 1);
  (*text)[n] = 0;
  *out_n = n;
  return nf_ok();
}

nf_status nf_file_load(const char *path, size_t max, char **out, size_t *out_n) {
  nf_file f;
  NF_TRY(nf_file_open(path, &f));
  char *text = NULL;
  nf_status st = load(&f, max, &text, out_n);
  if (nf_is_ok(st))
    *out = text;
  else
    nf_free(text);
  nf_file_close(&f);
  return st;
}

nf_status nf_path_join(const char *dir, const char *name, char **out) {
  size_t n = strlen(dir);
  nf_text t = {0};
  nf_text_printf(&t, "%s%s%s", dir, n == 0 || dir[n - 1] == '/' ? "" : "/", name);
  if (t.failed) return nf_text_deinit(&t), no_memory(name);
  *out = t.at;
  return nf_ok();
}

bool nf_path_exists(const char *path) {
  struct stat s;
  return stat(path, &s) == 0;
}

bool nf_path_is_dir(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

int nf_file_raise_limit(void) {
  struct rlimit l = {0};
  getrlimit(RLIMIT_NOFILE, &l);
  const struct rlimit raised = {l.rlim_max, l.rlim_max};
  const bool may = l.rlim_cur == l.rlim_max || setrlimit(RLIMIT_NOFILE, &raised) == 0;
  const rlim_t most = may ? l.rlim_max : l.rlim_cur;
  return most < INT_MAX ? (int)most : INT_MAX;
}
