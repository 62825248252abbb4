// SPDX-License-Identifier: Apache-2.0
// infuse tune: kernels of a model measured on this machine; what is kept of it.
#include "cli/cli.h"
#include "report/doc.h"
#include "report/screen.h"
#include <stdio.h>
#include <string.h>

static const char *winner_of(const json_t *site) {
  const json_t *winner = report_at(site, "winner");
  return json_is_string(winner) ? json_string_value(winner) : "the reference";
}

static void print_candidate(const json_t *site, const json_t *c) {
  const char *name = report_text(c, "kernel");
  const json_t *estimate = json_object_get(json_object_get(site, "estimated_us"), name);
  nf_text t = {0};
  if (json_is_real(estimate)) nf_text_printf(&t, ", estimated %.4g", json_real_value(estimate));
  if (report_at(c, "refused") != NULL)
    report_wrapped(4, 8, "%s: refused, %s", name, report_text(c, "refused"));
  else
    report_wrapped(4, 8, "%s: %.4g µs ± %.2g%s%s%s", name, report_number(c, "us"), report_number(c, "spread"),
                   t.failed || t.n == 0 ? "" : t.at,
                   report_equal(site, "default", name) ? "; the default" : "",
                   strcmp(winner_of(site), name) == 0 ? "; chosen" : "");
  nf_text_deinit(&t);
}

static void print_site(const json_t *site) {
  report_say(0, 4, site, report_at(site, "name") != NULL ? "{name} {key}" : "{key}");
  REPORT_EACH(c, report_at(site, "candidates")) print_candidate(site, c);
  if (report_at(site, "why") != NULL) report_say(4, 8, site, "not measured: {why}");
  if (report_at(site, "candidates") == NULL && report_at(site, "why") == NULL)
    report_say(4, 8, site, "not measured yet; {default} by estimates");
}

// What is faster than by estimates, and what must not be used.
static bool remarkable(const json_t *site) {
  bool refused = report_at(site, "why") != NULL;
  REPORT_EACH(c, report_at(site, "candidates")) refused |= report_at(c, "refused") != NULL;
  return refused || (report_at(site, "winner") != NULL && !report_equal(site, "default", winner_of(site)));
}

static int render(const json_t *doc, const cli_options *o) {
  REPORT_EACH(site, report_at(doc, "sites")) {
    if (o->explain_op != NULL || remarkable(site)) print_site(site);
  }
  report_wrapped(
      0, 2,
      "tune: %.0f known before, %.0f measured, %.0f left to estimates, %.0f kernels refused; %.3f times "
      "as fast as by estimates (geometric mean of the ops), never slower by measurement",
      report_number(doc, "hits"), report_number(doc, "measured"), report_number(doc, "left"),
      report_number(doc, "refused"), report_number(doc, "gain"));
  if (!json_is_string(report_at(doc, "folder")))
    report_wrapped(0, 2, "nothing is kept: there is no cache folder");
  return 0;
}

static int render_list(const json_t *doc, const cli_options *o) {
  (void)o;
  REPORT_EACH(entry, report_at(doc, "entries")) print_site(entry);
  report_wrapped(0, 2, "%zu entries in %s", json_array_size(report_at(doc, "entries")),
                 json_is_string(report_at(doc, "folder")) ? report_text(doc, "folder") : "no folder");
  return 0;
}

static int forget(const cli_options *o, infuse_runtime *rt) {
  size_t removed = 0;
  const bool all = strcmp(o->forget, "all") == 0;
  const int code = cli_fail(infuse_tune_forget(rt, all ? NULL : o->forget, &removed));
  if (code == 0) printf("removed: %zu\n", removed);
  return code;
}

int cli_tune(const cli_options *o, infuse_runtime *rt) {
  const infuse_model_options mo = cli_model_options(o);
  const infuse_tune_options to = {
      .size = sizeof to, .seconds = o->explain_op != NULL ? -1 : (double)o->budget, .op = o->explain_op};
  cli_view v = {o, o->list ? render_list : render};
  if ((o->list || o->forget != NULL) + (o->model != NULL) + (o->list && o->forget != NULL) != 1)
    return cli_usage("tune wants one of -m DIR, --list and --forget");
  if (o->forget != NULL) return forget(o, rt);
  if (o->list) return cli_shown(infuse_tune_list(rt, cli_show, &v), &v);
  return cli_shown(infuse_tune(rt, o->model, &mo, &to, cli_show, &v), &v);
}
