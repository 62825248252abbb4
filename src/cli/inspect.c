// SPDX-License-Identifier: Apache-2.0
// infuse verify, check and devices: ask the library for its document, print it as JSON or as text.
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/render.h"
#include <stdio.h>

typedef struct view { // what a sink needs to know
  const cli_options *o;
  void (*render)(const json_t *doc, bool all);
} view;

static void show(void *user, const char *json, size_t n) {
  const view *v = user;
  if (v->o->json) return cli_print_json(NULL, json, n);
  json_t *doc = json_loadb(json, n, 0, NULL);
  if (doc == NULL) fprintf(stderr, "infuse: no memory to print %zu bytes\n", n);
  if (doc != NULL) v->render(doc, v->o->all);
  json_decref(doc);
}

int cli_verify(const cli_options *o, infuse_runtime *rt) {
  if (o->model == NULL) return cli_usage("verify wants -m DIR");
  const infuse_model_options mo = cli_model_options(o);
  infuse_verify_options vo = {.size = sizeof vo, .seed = o->seed >= 0 ? (uint64_t)o->seed : 1};
  int32_t *tokens = NULL;
  int code = o->tokens != NULL ? cli_tokens(o->tokens, &tokens, &vo.n_tokens) : 0;
  vo.tokens = tokens;
  view v = {o, cli_render_verify};
  if (code == 0) code = cli_fail(infuse_verify(rt, o->model, &mo, &vo, show, &v));
  nf_free(tokens);
  return code;
}

int cli_check(const cli_options *o, infuse_runtime *rt) {
  const infuse_model_options mo = cli_model_options(o);
  const infuse_check_options co = {.size = sizeof co,
                                   .op = o->argument,
                                   .seed = o->seed > 0 ? (uint64_t)o->seed : 0,
                                   .bench = o->bench,
                                   .dir = o->model,
                                   .model = &mo};
  view v = {o, cli_render_check};
  return cli_fail(infuse_check(rt, &co, show, &v));
}

int cli_devices(const cli_options *o, infuse_runtime *rt) {
  view v = {o, cli_render_devices};
  return cli_fail(infuse_devices(rt, show, &v));
}
