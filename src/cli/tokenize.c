// SPDX-License-Identifier: Apache-2.0
// infuse tokenize and detokenize.
#include "base/memory.h"
#include "cli/cli.h"
#include <stdio.h>

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
