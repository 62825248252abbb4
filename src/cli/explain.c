// SPDX-License-Identifier: Apache-2.0
// infuse explain: which form is wanted, and of what; the difference of two documents.
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "report/report.h"
#include <string.h>
#include <time.h>

enum { BAD_INPUT = 3 }; // the exit code

// ---- one model ----

static nf_status write_page(const cli_options *o, const json_t *doc) {
  char date[16] = "";
  struct tm tm;
  const time_t now = time(NULL);
  if (gmtime_r(&now, &tm) == NULL || strftime(date, sizeof date, "%Y-%m-%d", &tm) == 0) date[0] = '\0';
  const report_page page = {o->model, o->line, infuse_version(), date[0] != '\0' ? date : NULL};
  return report_save_page(doc, &page, o->html);
}

static int show(const json_t *doc, const cli_options *o) {
  if (o->html != NULL) return cli_fail(write_page(o, doc).error);
  if (o->brief)
    report_print_brief(doc);
  else
    report_print(doc, o->all);
  return 0;
}

static bool parse_range(const char *text, infuse_explain_options *out) {
  const char *colon = strchr(text, ':');
  return colon != NULL && nf_parse_i64((nf_view){text, (size_t)(colon - text)}, &out->range_lo) &&
         nf_parse_i64(nf_view_of(colon + 1), &out->range_hi);
}

static int explain(const cli_options *o, infuse_runtime *rt) {
  const infuse_model_options mo = cli_model_options(o);
  infuse_explain_options eo = {.size = sizeof eo};
  if (o->range != NULL && !parse_range(o->range, &eo))
    return cli_usage("--range: '%s' is not LO:HI", o->range);
  cli_view v = {o, show};
  return cli_shown(infuse_explain(rt, o->model, &mo, &eo, cli_show, &v), &v);
}

// ---- two documents ----

static nf_status check(const json_t *doc, const char *where) {
  static const char schema[] = "infuse.explain/2";
  const json_t *found = json_object_get(doc, "schema");
  if (!json_is_string(found)) return nf_error(NF_BAD_INPUT, "%s: has no schema, %s is wanted", where, schema);
  if (strcmp(json_string_value(found), schema) != 0)
    return nf_error(NF_BAD_INPUT, "%s: has schema %s, %s is wanted", where, json_string_value(found), schema);
  if (json_is_array(report_at(doc, "plan.nodes")) && json_is_array(report_at(doc, "fusion.sites")))
    return nf_ok();
  return nf_error(NF_BAD_INPUT, "%s: has no plan.nodes or no fusion.sites, which %s has", where, schema);
}

// A whole document of explain. 0, or the exit code; anything else is wrong usage: --diff was given the wrong
// file.
static int load(const char *path, nf_json *out) {
  const char *where = strcmp(path, "-") == 0 ? "standard input" : path;
  char *text = NULL;
  size_t n;
  int code = cli_read(path, &text, &n);
  nf_status st = code == 0 ? nf_json_parse(text, n, where, out) : nf_ok();
  if (code == 0 && nf_is_ok(st)) st = check(out->root, where);
  nf_free(text);
  if (code == 0) code = cli_fail(st.error);
  return code == BAD_INPUT ? 2 : code;
}

static nf_status show_diff(const json_t *diff, const cli_options *o) {
  if (!o->json) return report_diff_text(diff, o->all), nf_ok();
  char *json = json_dumps(diff, JSON_INDENT(1));
  if (json == NULL) return nf_error(NF_NO_MEMORY, "no memory to print a difference");
  cli_print_json(NULL, json, strlen(json));
  nf_free(json);
  return nf_ok();
}

static int explain_diff(const cli_options *o) {
  nf_json a = {0}, b = {0};
  json_t *diff = NULL;
  int code = load(o->diff.at[0], &a);
  if (code == 0) code = load(o->diff.at[1], &b);
  nf_status st = code == 0 ? report_diff(a.root, b.root, &diff) : nf_ok();
  if (code == 0 && nf_is_ok(st)) st = show_diff(diff, o);
  if (code == 0) code = cli_fail(st.error);
  if (code == 0 && !report_is(diff, "ok")) code = 1;
  json_decref(diff);
  nf_json_deinit(&a);
  nf_json_deinit(&b);
  return code;
}

// ---- all ----

// Two forms at once, or a model and documents. 0 or 2.
static int contradicts(const cli_options *o) {
  if (o->json && o->html != NULL) return cli_usage("--json and --html: one form at a time");
  if (o->brief && (o->json || o->html != NULL || o->all))
    return cli_usage("--brief goes without --json, --html and --all");
  if (o->diff.n == 0)
    return o->model != NULL ? 0 : cli_usage("explain wants -m DIR, or --diff A.json B.json");
  if (o->diff.n > 2) return cli_usage("--diff: only two documents can be compared");
  if (strcmp(o->diff.at[0], "-") == 0 && strcmp(o->diff.at[1], "-") == 0)
    return cli_usage("--diff: only one of the documents can be standard input");
  if (o->model != NULL) return cli_usage("--diff compares two documents and takes no -m");
  if (o->html != NULL) return cli_usage("--html draws one plan and does not go with --diff");
  return o->brief ? cli_usage("--brief tells of one plan and does not go with --diff") : 0;
}

int cli_explain(const cli_options *o, infuse_runtime *rt) {
  const int code = contradicts(o);
  if (code != 0) return code;
  return o->diff.n != 0 ? explain_diff(o) : explain(o, rt);
}
