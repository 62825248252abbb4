// SPDX-License-Identifier: Apache-2.0
// infuse tokenize and detokenize.
#include "base/memory.h"
#include "cli/cli.h"
#include <stdio.h>
#include <string.h>

static int print_ids(const infuse_tokenizer *t, const char *text, size_t n, unsigned flags) {
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
  const unsigned flags = (o->plain ? INFUSE_ENCODE_PLAIN : 0) | (o->bare ? INFUSE_ENCODE_BARE : 0);
  if (o->prompt != NULL && o->file != NULL) return cli_usage("-p and --file are two texts; give one");
  if (o->prompt != NULL && strcmp(o->prompt, "-") != 0 && o->prompt[0] != '@')
    return print_ids(t, o->prompt, strlen(o->prompt), flags);
  const char *file = o->prompt != NULL ? o->prompt + (o->prompt[0] == '@') : o->file != NULL ? o->file : "-";
  char *text = NULL;
  size_t n;
  int code = cli_read(file, &text, &n);
  if (code == 0) code = print_ids(t, text, n, flags);
  nf_free(text);
  return code;
}

int cli_tokenize(const cli_options *o, infuse_runtime *rt) {
  if (o->model == NULL) return cli_usage("tokenize wants -m DIR or tokenizer.json");
  infuse_tokenizer *t;
  int code = cli_fail(infuse_tokenizer_load_logged(rt, o->model, &t));
  if (code != 0) return code;
  code = tokenize(t, o);
  infuse_tokenizer_destroy(t);
  return code;
}

static int print_text(const infuse_tokenizer *t, const char *list) {
  int32_t *ids;
  char *text = NULL;
  size_t n, n_text = 0;
  int code = cli_tokens(list, &ids, &n);
  if (code == 0) code = cli_fail(infuse_decode(t, ids, n, &text, &n_text));
  if (code == 0) fwrite(text, 1, n_text, stdout);
  infuse_free(text);
  nf_free(ids);
  return code;
}

int cli_detokenize(const cli_options *o, infuse_runtime *rt) {
  if (o->model == NULL) return cli_usage("detokenize wants -m DIR or tokenizer.json");
  infuse_tokenizer *t;
  int code = cli_fail(infuse_tokenizer_load_logged(rt, o->model, &t));
  if (code != 0) return code;
  code = print_text(t, o->tokens != NULL ? o->tokens : "-");
  infuse_tokenizer_destroy(t);
  return code;
}
