// SPDX-License-Identifier: Apache-2.0
// Token ids from the command line or a file, and text from files; infuse tokenize and detokenize.
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TOKENS_FILE = 256 << 20 };

static bool separates(char c) { return c == ',' || isspace((unsigned char)c); }

// Brackets around the whole are taken away: what tokenize prints is a list.
static nf_view unbracket(nf_view list) {
  while (list.n != 0 && separates(list.at[list.n - 1])) list.n--;
  while (list.n != 0 && separates(*list.at)) list.at++, list.n--;
  const bool bracketed = list.n >= 2 && *list.at == '[' && list.at[list.n - 1] == ']';
  return bracketed ? (nf_view){list.at + 1, list.n - 2} : list;
}

static int parse(const char *text, const char *where, int32_t **out, size_t *out_n) {
  size_t cap = 0;
  const nf_view list = unbracket(nf_view_of(text));
  for (const char *at = list.at, *end = list.at + list.n; at < end;) {
    if (separates(*at)) {
      at++;
      continue;
    }
    size_t n = 0;
    while (at + n < end && !separates(at[n])) n++;
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
  const bool is_stdin = strcmp(text, "-") == 0 || strcmp(text, "@-") == 0;
  const char *where = is_stdin ? "standard input" : text[0] == '@' ? text + 1 : "--tokens";
  char *list = NULL;
  size_t n;
  *out = NULL;
  *out_n = 0;
  int code = cli_read_text(text, &list, &n);
  if (code == 0) code = parse(list, where, out, out_n);
  nf_free(list);
  return code;
}

static int read_stream(char **out, size_t *out_n) {
  nf_text text = {0};
  char piece[65536];
  nf_text_append(&text, "", 0);
  for (size_t n; (n = fread(piece, 1, sizeof piece, stdin)) != 0 && text.n <= MAX_TOKENS_FILE;)
    nf_text_append(&text, piece, n);
  *out = text.at;
  *out_n = text.n;
  if (text.n > MAX_TOKENS_FILE)
    return fprintf(stderr, "infuse: standard input: more than %d bytes\n", MAX_TOKENS_FILE), 3;
  return text.failed ? (fprintf(stderr, "infuse: no memory for standard input\n"), 4) : 0;
}

int cli_read(const char *path, char **out, size_t *out_n) {
  if (strcmp(path, "-") == 0) return read_stream(out, out_n);
  return cli_fail(nf_file_load(path, MAX_TOKENS_FILE, out, out_n).error);
}

int cli_read_text(const char *text, char **out, size_t *out_n) {
  if (strcmp(text, "-") == 0 || text[0] == '@') return cli_read(text + (text[0] == '@'), out, out_n);
  *out_n = strlen(text);
  *out = nf_alloc(*out_n + 1, 1);
  return *out != NULL ? (memcpy(*out, text, *out_n), 0)
                      : (fprintf(stderr, "infuse: no memory for a text\n"), 4);
}

// ---- commands ----

static int print_ids(const infuse_tokenizer *t, const char *text, size_t n, const cli_options *o) {
  const unsigned flags = (o->plain ? INFUSE_ENCODE_PLAIN : 0) | (o->bare ? INFUSE_ENCODE_BARE : 0);
  int32_t *ids;
  size_t n_ids;
  const int code = cli_fail(infuse_encode(t, text, n, flags, &ids, &n_ids));
  if (code != 0) return code;
  printf("[");
  for (size_t i = 0; i < n_ids; i++) printf("%s%d", i != 0 ? "," : "", ids[i]);
  printf("]\n");
  infuse_free(ids);
  return 0;
}

// The ids of what -p gives, else --file, else standard input.
static int tokenize(const infuse_tokenizer *t, const cli_options *o) {
  char *text = NULL;
  size_t n;
  if (o->prompt != NULL && o->file != NULL) return cli_usage("-p and --file are two texts; give one");
  int code = o->prompt != NULL ? cli_read_text(o->prompt, &text, &n)
                               : cli_read(o->file != NULL ? o->file : "-", &text, &n);
  if (code == 0) code = print_ids(t, text, n, o);
  nf_free(text);
  return code;
}

static int detokenize(const infuse_tokenizer *t, const cli_options *o) {
  int32_t *ids;
  char *text = NULL;
  size_t n, n_text = 0;
  int code = cli_tokens(o->tokens != NULL ? o->tokens : "-", &ids, &n);
  if (code == 0) code = cli_fail(infuse_decode(t, ids, n, &text, &n_text));
  if (code == 0) fwrite(text, 1, n_text, stdout);
  infuse_free(text);
  nf_free(ids);
  return code;
}

static int with_tokenizer(const cli_options *o, infuse_runtime *rt, const char *command,
                          int (*run)(const infuse_tokenizer *t, const cli_options *o)) {
  if (o->model == NULL) return cli_usage("%s wants -m DIR or tokenizer.json", command);
  infuse_tokenizer *t;
  int code = cli_fail(infuse_tokenizer_load_logged(rt, o->model, &t));
  if (code != 0) return code;
  code = run(t, o);
  infuse_tokenizer_destroy(t);
  return code;
}

int cli_tokenize(const cli_options *o, infuse_runtime *rt) {
  return with_tokenizer(o, rt, "tokenize", tokenize);
}

int cli_detokenize(const cli_options *o, infuse_runtime *rt) {
  return with_tokenizer(o, rt, "detokenize", detokenize);
}
