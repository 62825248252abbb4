// SPDX-License-Identifier: Apache-2.0
// infuse explain: which form is wanted, and of what.
#include "cli/explain/explain.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include <string.h>
#include <time.h>

typedef struct explaining {
  const cli_options *o;
  nf_status st; // of what the sink did
} explaining;

static nf_status write_page(const cli_options *o, const json_t *doc) {
  char date[16] = "";
  struct tm tm;
  const time_t now = time(NULL);
  if (gmtime_r(&now, &tm) == NULL || strftime(date, sizeof date, "%Y-%m-%d", &tm) == 0) date[0] = '\0';
  const cli_page page = {o->model, o->line, infuse_version(), date[0] != '\0' ? date : NULL};
  return cli_explain_html(doc, &page, o->html);
}

static nf_status show(const cli_options *o, const json_t *doc) {
  if (o->html != NULL) return write_page(o, doc);
  if (o->brief)
    cli_explain_brief(doc);
  else
    cli_explain_text(doc, o->all);
  return nf_ok();
}

static void receive(void *user, const char *json, size_t n) {
  explaining *e = user;
  nf_json doc = {0};
  if (e->o->json) return cli_print_json(NULL, json, n);
  e->st = nf_json_parse(json, n, "the document of explain", &doc);
  if (nf_is_ok(e->st)) e->st = show(e->o, doc.root);
  nf_json_deinit(&doc);
}

static bool parse_range(const char *text, infuse_explain_options *out) {
  const char *colon = strchr(text, ':');
  return colon != NULL && nf_parse_i64((nf_view){text, (size_t)(colon - text)}, &out->range_lo) &&
         nf_parse_i64(nf_view_of(colon + 1), &out->range_hi);
}

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

static int explain(const cli_options *o, infuse_runtime *rt) {
  const infuse_model_options mo = cli_model_options(o);
  infuse_explain_options eo = {.size = sizeof eo};
  if (o->range != NULL && !parse_range(o->range, &eo))
    return cli_usage("--range: '%s' is not LO:HI", o->range);
  explaining e = {o, nf_ok()};
  const int code = cli_fail(infuse_explain(rt, o->model, &mo, &eo, receive, &e));
  const int shown = cli_fail(e.st.error);
  return code != 0 ? code : shown;
}

int cli_explain(const cli_options *o, infuse_runtime *rt) {
  const int code = contradicts(o);
  if (code != 0) return code;
  return o->diff.n != 0 ? cli_explain_diff(o) : explain(o, rt);
}
