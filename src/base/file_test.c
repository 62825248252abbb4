// SPDX-License-Identifier: Apache-2.0
// Tests of files: reads to the byte, refusals that name the path, new files that appear whole or not at all.
#include "base/file.h"
#include "base/memory.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static char folder[] = "/tmp/infuse-file-XXXXXX";
static char path_buffer[4096];

static const char *in_folder(const char *name) {
  snprintf(path_buffer, sizeof path_buffer, "%s/%s", folder, name);
  return path_buffer;
}

static void check(nf_status st, nf_code code, const char *part) {
  assert_int_equal(nf_status_code(st), code);
  if (!strstr(nf_status_message(st), part)) fail_msg("'%s' lacks '%s'", nf_status_message(st), part);
  nf_status_free(st);
}

static void put(const char *name, const char *text) {
  FILE *f = fopen(in_folder(name), "w");
  assert_non_null(f);
  assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

static size_t entries(void) { // files in the folder; temporary ones count
  char command[4200], line[32];
  snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
  FILE *p = popen(command, "r");
  assert_non_null(p);
  assert_non_null(fgets(line, sizeof line, p));
  pclose(p);
  return strtoul(line, NULL, 10);
}

static void reads_exact_ranges(void **state) {
  (void)state;
  put("a", "0123456789");
  nf_file f;
  char out[16] = "";
  check(nf_file_open(in_folder("a"), &f), NF_OK, "");
  assert_int_equal(f.size, 10);
  check(nf_file_read(&f, 3, out, 4), NF_OK, "");
  assert_memory_equal(out, "3456", 5);
  check(nf_file_read(&f, 10, out, 0), NF_OK, "");
  check(nf_file_read(&f, 8, out, 4), NF_BAD_INPUT, "/a: ends at byte 10, but 4 bytes at 8 were wanted");
  check(nf_file_read(&f, 50, out, 1), NF_BAD_INPUT, "/a: ends at byte 10, but 1 bytes at 50 were wanted");
  check(nf_file_read(&f, UINT64_MAX, out, 2), NF_BAD_INPUT, "ends at byte 10");
  check(nf_file_read(&f, INT64_MAX, out, 2), NF_BAD_INPUT, "ends at byte 10");
  assert_int_equal(truncate(in_folder("a"), 5), 0);
  check(nf_file_read(&f, 3, out, 4), NF_BAD_INPUT, "ends at byte 5, but 4 bytes at 3");
  nf_file_close(&f);
  nf_file_close(&f);
  int in = open("/dev/null", O_RDONLY), was = dup(0); // closing a zeroed file must not close descriptor 0
  dup2(in, 0);
  nf_file_close(&(nf_file){0});
  nf_new_file_close(&(nf_new_file){0});
  assert_true(fcntl(0, F_GETFD) >= 0);
  if (was >= 0) dup2(was, 0), close(was);
  close(in);
}

static void refuses_what_is_no_file(void **state) {
  (void)state;
  nf_file f;
  check(nf_file_open(in_folder("missing"), &f), NF_BAD_INPUT, "/missing: can't open: No such file");
  check(nf_file_open(folder, &f), NF_BAD_INPUT, "is a directory, not a regular file");
  check(nf_file_open("/dev/zero", &f), NF_BAD_INPUT, "/dev/zero: is a device");
  assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
  check(nf_file_open(in_folder("fifo"), &f), NF_BAD_INPUT, "/fifo: is a device, pipe or socket");
  unlink(in_folder("fifo"));
  put("plain", "");
  check(nf_file_open(in_folder("plain/x"), &f), NF_BAD_INPUT, "Not a directory");
  check(nf_file_open(in_folder("new\nline"), &f), NF_BAD_INPUT, "new\\x0aline");
  assert_null(f.path);
}

static void loads_whole_files(void **state) {
  (void)state;
  char *text = NULL;
  size_t n = 99;
  put("b", "hello");
  check(nf_file_load(in_folder("b"), 5, &text, &n), NF_OK, "");
  assert_int_equal(n, 5);
  assert_string_equal(text, "hello");
  nf_free(text);
  check(nf_file_load(in_folder("b"), SIZE_MAX, &text, &n), NF_OK, "");
  nf_free(text);
  check(nf_file_load(in_folder("b"), 4, &text, &n), NF_BAD_INPUT, "/b: has more than 4 bytes");
  put("empty", "");
  check(nf_file_load(in_folder("empty"), 0, &text, &n), NF_OK, "");
  assert_true(n == 0 && text[0] == 0);
  nf_free(text);
  check(nf_file_load("/proc/self/status", 1 << 20, &text, &n), NF_OK, ""); // its size says 0
  assert_non_null(strstr(text, "\nVmHWM:"));
  assert_int_equal(strlen(text), n);
  nf_free(text);
}

static void joins_paths(void **state) {
  (void)state;
  static const char *const row[][3] = {
      {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
  for (size_t i = 0; i < 4; i++) {
    char *path;
    check(nf_path_join(row[i][0], row[i][1], &path), NF_OK, "");
    assert_string_equal(path, row[i][2]);
    nf_free(path);
  }
  assert_true(nf_path_exists(folder) && nf_path_is_dir(folder));
  put("c", "");
  assert_true(nf_path_exists(in_folder("c")) && !nf_path_is_dir(in_folder("c")));
  assert_false(nf_path_exists(in_folder("missing")) || nf_path_is_dir(in_folder("missing")));
}

static void new_file_appears_whole(void **state) {
  (void)state;
  put("d", "old");
  size_t before = entries();
  mode_t mask = umask(027);
  nf_new_file f;
  check(nf_new_file_create(in_folder("d"), &f), NF_OK, "");
  umask(mask);
  check(nf_new_file_write(&f, 3, "def", 3), NF_OK, "");
  check(nf_new_file_write(&f, 0, "abc", 3), NF_OK, "");
  check(nf_new_file_write(&f, UINT64_MAX, "abc", 3), NF_USAGE, "beyond any file");
  char *text;
  size_t n;
  check(nf_file_load(in_folder("d"), 100, &text, &n), NF_OK, "");
  assert_string_equal(text, "old");
  nf_free(text);
  assert_true(entries() <= before + 1); // no name, or another one
  check(nf_new_file_commit(&f), NF_OK, "");
  nf_new_file_close(&f);
  check(nf_file_load(in_folder("d"), 100, &text, &n), NF_OK, "");
  assert_string_equal(text, "abcdef");
  nf_free(text);
  assert_int_equal(entries(), before);
  struct stat s;
  assert_int_equal(stat(in_folder("d"), &s), 0);
  assert_int_equal(s.st_mode & 0777, 0640);
}

static void abandoned_files_leave_nothing(void **state) {
  (void)state;
  size_t before = entries();
  nf_new_file f;
  check(nf_new_file_create(in_folder("e"), &f), NF_OK, "");
  check(nf_new_file_write(&f, 0, "abc", 3), NF_OK, "");
  nf_new_file_close(&f);
  nf_new_file_close(&f);
  check(nf_new_file_create(in_folder("no/such"), &f), NF_BAD_INPUT, "/no/such: can't create: No such file");
  assert_int_equal(mkdir(in_folder("g"), 0700), 0);
  check(nf_new_file_create(in_folder("g"), &f), NF_BAD_INPUT, "/g: can't create: Is a directory");
  assert_int_equal(rmdir(in_folder("g")), 0);
  assert_int_equal(entries(), before);
}

// A link, a pipe or a device is written to, when the file is complete, and never replaced.
static void streams_are_written_to(void **state) {
  (void)state;
  put("h", "longer than what comes");
  assert_int_equal(symlink("h", in_folder("link")), 0);
  for (int i = 0; i < 2; i++) {
    nf_new_file f;
    check(nf_new_file_create(i == 0 ? in_folder("link") : "/dev/null", &f), NF_OK, "");
    check(nf_new_file_write(&f, 1, "yz", 2), NF_OK, "");
    check(nf_new_file_write(&f, 0, "x", 1), NF_OK, "");
    check(nf_new_file_commit(&f), NF_OK, "");
  }
  char *text;
  size_t n;
  check(nf_file_load(in_folder("h"), 100, &text, &n), NF_OK, "");
  assert_string_equal(text, "xyz");
  nf_free(text);
  struct stat s;
  assert_true(lstat(in_folder("link"), &s) == 0 && S_ISLNK(s.st_mode));
  assert_true(lstat("/dev/null", &s) == 0 && S_ISCHR(s.st_mode));
}

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  static const char *const names[] = {"a", "b", "c", "d", "plain", "empty"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(in_folder(names[i]));
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_exact_ranges),     cmocka_unit_test(refuses_what_is_no_file),
      cmocka_unit_test(loads_whole_files),      cmocka_unit_test(joins_paths),
      cmocka_unit_test(new_file_appears_whole), cmocka_unit_test(abandoned_files_leave_nothing),
      cmocka_unit_test(streams_are_written_to),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
