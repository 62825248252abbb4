// SPDX-License-Identifier: Apache-2.0
// Token ids from the command line or a file, and text from files.
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TOKENS_FILE = 256 << 20 };

static bool separates(char c) { return c == ',' || isspace((unsigned char)c); }

static int parse(const char *text, const char *where, int32_t **out, size_t *out_n) {
  size_t cap = 0;
  for (const char *at = text; *at != '\0';) {
    if (separates(*at)) {
      at++;
      continue;
    }
    size_t n = 0;
    while (at[n] != '\0' && !separates(at[n])) n++;
    int64_t id;
    if (!nf_parse_i64((nf_view){at, n}, &id) || id < INT32_MIN || id > INT32_MAX)
      return fprintf(stderr, "infuse: %s: '%.*s' at byte %zu is no token id\n", where, (int)(n < 40 ? n : 40),
                     at, (size_t)(at - text)),
             3;
    if (!nf_grow(out, &cap, *out_n + 1, sizeof **out))
      return fprintf(stderr, "infuse: no memory for tokens\n"), 4;
    (*out)[(*out_n)++] = (int32_t)id;
    at += n;
  }
  return *out_n != 0 ? 0 : (fprintf(stderr, "infuse: %s: no token ids\n", where), 3);
}

int cli_tokens(const char *text, int32_t **out, size_t *out_n) {
  *out = NULL;
  *out_n = 0;
  char *file = NULL;
  if (text[0] == '@') {
    size_t n;
    const nf_status st = nf_file_load(text + 1, MAX_TOKENS_FILE, &file, &n);
    if (!nf_is_ok(st)) return cli_fail(st.error);
  }
  const int code = parse(file != NULL ? file : text, file != NULL ? text + 1 : "--tokens", out, out_n);
  nf_free(file);
  return code;
}

static int read_stream(char **out, size_t *out_n) {
  nf_text text = {0};
  char piece[65536];
  nf_text_append(&text, "", 0);
  for (size_t n; (n = fread(piece, 1, sizeof piece, stdin)) != 0 && text.n < MAX_TOKENS_FILE;)
    nf_text_append(&text, piece, n);
  if (text.failed) {
    nf_text_deinit(&text);
    return fprintf(stderr, "infuse: no memory for standard input\n"), 4;
  }
  *out = text.at;
  *out_n = text.n;
  return 0;
}

int cli_read(const char *path, char **out, size_t *out_n) {
  if (strcmp(path, "-") == 0) return read_stream(out, out_n);
  return cli_fail(nf_file_load(path, MAX_TOKENS_FILE, out, out_n).error);
}
