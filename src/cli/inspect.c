// SPDX-License-Identifier: Apache-2.0
// infuse verify, check and devices, and lists of what an option's value can name: the library's documents,
// printed as JSON or as text.
#include "base/json.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "report/doc.h"
#include <stdio.h>
#include <string.h>

void cli_show(void *user, const char *json, size_t n) {
  cli_view *v = user;
  nf_json doc = {0};
  if (v->o->json) return cli_print_json(NULL, json, n);
  const nf_status st = nf_json_parse(json, n, "the document", &doc);
  v->code = nf_is_ok(st) ? v->show(doc.root, v->o) : cli_fail(st.error);
  nf_json_deinit(&doc);
}

int cli_shown(infuse_error *e, const cli_view *v) {
  const int code = cli_fail(e);
  return code != 0 ? code : v->code;
}

int cli_verify(const cli_options *o, infuse_runtime *rt) {
  if (o->model == NULL) return cli_usage("verify wants -m DIR");
  const infuse_model_options mo = cli_model_options(o);
  infuse_verify_options vo = {.size = sizeof vo, .seed = o->seed >= 0 ? (uint64_t)o->seed : 1};
  int32_t *tokens = NULL;
  int code = o->tokens != NULL ? cli_tokens(o->tokens, &tokens, &vo.n_tokens) : 0;
  vo.tokens = tokens;
  cli_view v = {o, cli_render_verify};
  if (code == 0) code = cli_shown(infuse_verify(rt, o->model, &mo, &vo, cli_show, &v), &v);
  nf_free(tokens);
  return code;
}

int cli_check(const cli_options *o, infuse_runtime *rt) {
  if (o->bench && o->model != NULL)
    return cli_usage("check -m compares; to time a model's kernels: infuse bench kernels -m %s", o->model);
  const infuse_model_options mo = cli_model_options(o);
  const infuse_check_options co = {.size = sizeof co,
                                   .op = o->argument,
                                   .seed = o->seed > 0 ? (uint64_t)o->seed : 0,
                                   .bench = o->bench,
                                   .dir = o->model,
                                   .model = &mo};
  cli_view v = {o, cli_render_check};
  return cli_shown(infuse_check(rt, &co, cli_show, &v), &v);
}

int cli_devices(const cli_options *o, infuse_runtime *rt) {
  cli_view v = {o, cli_render_devices};
  return cli_shown(infuse_devices(rt, cli_show, &v), &v);
}

// ---- names ----

static void print_row(const json_t *row) {
  const json_t *also = report_at(row, "also");
  nf_text t = {0};
  nf_text_printf(&t, also != NULL ? "%-16s" : "%-38s", report_text(row, "name"));
  if (report_at(row, "family") != NULL) report_fill(&t, row, " {family}");
  if (report_at(row, "what") != NULL) report_fill(&t, row, " {what}");
  report_names_of(&t, also, ", also ", ", ");
  puts(t.failed ? "?" : t.at);
  nf_text_deinit(&t);
}

static void print_kernels(const json_t *op) {
  REPORT_EACH(kernel, report_at(op, "kernels")) {
    printf("%s=%s%s\n", report_text(op, "name"), report_text(kernel, "name"),
           report_is(kernel, "declared") ? "  (declared, not written yet)" : "");
  }
}

// "linear=help" asks for those of linear.
static bool is_of(const json_t *op, const char *asked) {
  const char *name = report_text(op, "name");
  const size_t n = strlen(name);
  return asked == NULL || (strncmp(asked, name, n) == 0 && asked[n] == '=');
}

static int print_names(const json_t *doc, const cli_options *o) {
  const bool kernels = strcmp(o->names, "ops") == 0;
  size_t printed = 0;
  REPORT_EACH(row, report_at(doc, o->names)) {
    if (kernels && !is_of(row, o->names_of)) continue;
    (kernels ? print_kernels : print_row)(row);
    printed++;
  }
  return printed != 0 ? 0 : cli_usage("%s: no op is called so; --force help lists them all", o->names_of);
}

int cli_names(const cli_options *o, infuse_runtime *rt) {
  if (strchr(o->names, '|') != NULL) return printf("%s\n", o->names), 0;
  const cli_options text = {.names = o->names, .names_of = o->names_of}; // also with --json
  cli_view v = {&text, print_names};
  return cli_shown(infuse_names(rt, cli_show, &v), &v);
}
