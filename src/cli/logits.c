// SPDX-License-Identifier: Apache-2.0
// infuse logits: a teacher-forced run into a file.
#include "base/memory.h"
#include "cli/cli.h"
#include <string.h>
#include <unistd.h>

static infuse_error *write_file(const cli_options *o, infuse_runtime *rt, const int32_t *tokens, size_t n) {
  infuse_model_options mo = cli_model_options(o);
  mo.context = (int64_t)n;
  mo.batch = o->chunk != 0 ? o->chunk : 64;
  mo.rows = o->last != 0 && o->last < mo.batch ? o->last : mo.batch;
  mo.keep_hidden = o->hidden;
  mo.forced_experts = o->routes != NULL;
  infuse_model *m;
  infuse_error *e = infuse_model_load(rt, o->model, &mo, &m);
  if (e != NULL) return e;
  const infuse_logits_options lo = {
      .size = sizeof lo, .last = (size_t)o->last, .hidden = o->hidden, .routes = o->routes};
  e = infuse_write_logits(m, tokens, n, &lo, o->output);
  infuse_model_destroy(m);
  return e;
}

int cli_logits(const cli_options *o, infuse_runtime *rt) {
  if (o->model == NULL) return cli_usage("logits wants -m DIR");
  if (o->tokens == NULL) return cli_usage("logits wants --tokens LIST or @FILE");
  if (o->output == NULL) return cli_usage("logits wants -o FILE.safetensors, or - for standard output");
  if (strcmp(o->output, "-") == 0 && isatty(STDOUT_FILENO))
    return cli_usage("standard output is a terminal: give -o FILE.safetensors, or a pipe behind -o -");
  int32_t *tokens;
  size_t n;
  int code = cli_tokens(o->tokens, &tokens, &n);
  if (code == 0) code = cli_fail(write_file(o, rt, tokens, n));
  nf_free(tokens);
  return code;
}
