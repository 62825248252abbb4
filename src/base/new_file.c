// SPDX-License-Identifier: Apache-2.0
// New files: written apart, and put in their place when they are complete.
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- where it is written ----

// Not mkstemp: it makes files of mode 0600, and the umask can be asked only by changing it for the process.
static int open_named(const char *path, int unused) {
  (void)unused;
  return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

// Gives the file without a name one. It is reached through /proc: without a privilege there is no other way.
static int link_named(const char *path, int fd) {
  char self[40];
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

// make(name, fd) for names beside `path` until one is new; what it gave, or < 0 with errno.
static int with_temp(const char *path, int (*make)(const char *temp, int fd), int fd, char **temp) {
  static _Atomic uint32_t serial;
  for (int attempt = 0; attempt < 100; attempt++) {
    uint32_t noise = 0;
    (void)!getrandom(&noise, sizeof noise, GRND_NONBLOCK); // process and serial number do where this fails
    nf_text t = {0};
    nf_text_printf(&t, "%s.%x-%x-%08x.tmp", path, (unsigned)getpid(), atomic_fetch_add(&serial, 1), noise);
    const int made = t.failed ? -1 : make(t.at, fd), why = t.failed ? ENOMEM : errno;
    if (made >= 0) return *temp = t.at, made;
    nf_text_deinit(&t);
    errno = why;
    if (why != EEXIST) break;
  }
  return -1;
}

// A file without a name in the folder of `path`; < 0 where there is no such thing, or no way to name it
// later.
static int open_unnamed(const char *path) {
  if (!nf_path_exists("/proc/self/fd")) return -1;
  const char *slash = strrchr(path, '/');
  char dir[PATH_MAX] = ".";
  const size_t n = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
  if (n >= sizeof dir) return -1;
  if (slash != NULL) memcpy(dir, path, n);
  return open(dir, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
}

// Where streams wait: a file without a name in the folder for temporary files.
static int open_scratch(void) {
  const char *dir = getenv("TMPDIR");
  char name[PATH_MAX];
  snprintf(name, sizeof name, "%s/infuse-XXXXXX", dir != NULL && *dir != '\0' ? dir : "/tmp");
  const int fd = mkostemp(name, O_CLOEXEC);
  if (fd >= 0) unlink(name);
  return fd;
}

// The descriptor to write to where `path` can't be replaced: standard output, or what is there and no regular
// file. -1: it can. -2: neither.
static int open_stream(const char *path) {
  struct stat s;
  int fd;
  if (strcmp(path, "-") == 0)
    fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  else if (lstat(path, &s) != 0 || S_ISREG(s.st_mode))
    return -1;
  else
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
  return fd >= 0 ? fd : -2;
}

static bool open_new(nf_new_file *f) {
  f->stream = open_stream(f->path);
  if (f->stream == -2) return false;
  f->fd = f->stream >= 0 ? open_scratch() : open_unnamed(f->path);
  if (f->fd < 0 && f->stream < 0) f->fd = with_temp(f->path, open_named, -1, &f->temp);
  return f->fd >= 0;
}

nf_status nf_new_file_create(const char *path, nf_new_file *out) {
  nf_new_file f = {.fd = -1, .stream = -1, .path = strdup(path)};
  *out = (nf_new_file){.fd = -1, .stream = -1};
  if (f.path == NULL) return nf_error(NF_NO_MEMORY, "%s: no memory for the path", path);
  if (open_new(&f)) return *out = f, nf_ok();
  const nf_status st = nf_file_error(path, "can't create");
  nf_new_file_close(&f);
  return st;
}

// ---- what is written ----

nf_status nf_new_file_write(nf_new_file *f, uint64_t offset, const void *data, size_t n) {
  uint64_t end;
  if (__builtin_add_overflow(offset, n, &end) || end > INT64_MAX)
    return nf_error(NF_USAGE, "%s: %zu bytes at %llu is beyond any file", f->path, n,
                    (unsigned long long)offset);
  for (size_t done = 0; done < n;) {
    ssize_t r = pwrite(f->fd, (const char *)data + done, n - done, (off_t)(offset + done));
    if (r > 0)
      done += (size_t)r;
    else if (r == 0 || errno != EINTR)
      return nf_file_error(f->path, "can't write");
  }
  return nf_ok();
}

static bool write_all(int fd, const char *data, size_t n) {
  while (n != 0) {
    const ssize_t r = write(fd, data, n);
    if (r < 0 && errno != EINTR) return false;
    if (r > 0) data += r, n -= (size_t)r;
  }
  return true;
}

// ---- putting it in place ----

static nf_status copy_to_stream(const nf_new_file *f) {
  char piece[65536];
  ssize_t n;
  if (strcmp(f->path, "-") != 0)
    (void)!ftruncate(f->stream, 0); // of a link's file; nothing else has a length
  for (off_t at = 0; (n = pread(f->fd, piece, sizeof piece, at)) != 0; at += n > 0 ? n : 0)
    if ((n < 0 && errno != EINTR) || (n > 0 && !write_all(f->stream, piece, (size_t)n)))
      return nf_file_error(f->path, "can't write");
  return nf_ok();
}

static nf_status put_in_place(nf_new_file *f) {
  if (f->stream >= 0) return copy_to_stream(f);
  if (fsync(f->fd) != 0) return nf_file_error(f->path, "can't write");
  if (f->temp == NULL && with_temp(f->path, link_named, f->fd, &f->temp) < 0)
    return nf_file_error(f->path, "can't name the new file");
  if (rename(f->temp, f->path) != 0) return nf_file_error(f->path, "can't put the new file in place");
  nf_free(f->temp);
  f->temp = NULL; // what close would remove is no longer there
  return nf_ok();
}

nf_status nf_new_file_commit(nf_new_file *f) {
  const nf_status st = put_in_place(f);
  nf_new_file_close(f);
  return st;
}

void nf_new_file_close(nf_new_file *f) {
  if (f->path != NULL && f->fd >= 0) close(f->fd);
  if (f->path != NULL && f->stream >= 0) close(f->stream);
  if (f->temp != NULL) unlink(f->temp);
  nf_free(f->temp);
  nf_free(f->path);
  *f = (nf_new_file){.fd = -1, .stream = -1};
}
