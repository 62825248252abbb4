// SPDX-License-Identifier: Apache-2.0
// The page at /: files of page/, which are bytes of this program, and the plan of the model as a page. The
// files hold no data, so no key is asked for them.
#include "base/json.h"
#include "report/report.h"
#include "server/server_state.h"
#include <infuse/inspect.h>
#include <string.h>

#define FILE_OF(id, file)                                                                                \
  __asm__(".section .rodata\nnf_page_" #id ":\n.incbin \"" NF_PAGE "/" file "\"\nnf_page_" #id "_end:\n" \
          ".previous\n");                                                                                \
  extern const char nf_page_##id[], nf_page_##id##_end[];
FILE_OF(index, "index.html")
FILE_OF(style, "page.css")
FILE_OF(main, "main.js")
FILE_OF(api, "api.js")
FILE_OF(chat, "chat.js")
FILE_OF(figures, "figures.js")
FILE_OF(plot, "plot.js")
FILE_OF(plan, "plan.js")
FILE_OF(requests, "requests.js")
FILE_OF(icon, "icon.svg")
#undef FILE_OF

static const char html[] = "text/html; charset=utf-8", script[] = "text/javascript; charset=utf-8";
static const struct {
  const char *name, *type, *begin, *end;
} files[] = {
#define FILE_OF(id, name, type) {name, type, nf_page_##id, nf_page_##id##_end},
    FILE_OF(index, "", html)                              //
    FILE_OF(style, "page.css", "text/css; charset=utf-8") //
    FILE_OF(main, "main.js", script)                      //
    FILE_OF(api, "api.js", script)                        //
    FILE_OF(chat, "chat.js", script)                      //
    FILE_OF(figures, "figures.js", script)                //
    FILE_OF(plot, "plot.js", script)                      //
    FILE_OF(plan, "plan.js", script)                      //
    FILE_OF(requests, "requests.js", script)              //
    FILE_OF(icon, "icon.svg", "image/svg+xml")};

void nf_serve_page(void *server, nf_call *c) {
  const char *name = nf_call_rest(c);
  (void)server;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (strcmp(files[i].name, name) == 0) {
      nf_call_answer(c, 200, files[i].type, files[i].begin, (size_t)(files[i].end - files[i].begin), 0);
      return;
    }
  nf_serve_problem(c, NF_PROBLEM_PATH, NULL, NULL);
}

void nf_serve_plan(void *server, nf_call *c) {
  const nf_server *s = server;
  if (s->plan.n == 0) return nf_serve_problem(c, NF_PROBLEM_INTERNAL, nf_status_message(s->no_plan), NULL);
  nf_call_answer(c, 200, html, s->plan.at, s->plan.n, 0);
}

typedef struct drawing {
  const nf_server *s;
  nf_text *out;
  nf_status st;
} drawing;

static void draw(void *user, const char *json, size_t n) {
  drawing *d = user;
  const report_page page = {.model = d->s->name, .version = infuse_version()};
  nf_json doc = {0};
  d->st = nf_json_parse(json, n, "the plan", &doc);
  if (nf_is_ok(d->st)) d->st = report_write_page(doc.root, &page, d->out);
  nf_json_deinit(&doc);
}

nf_status nf_server_plan(const nf_server *s, nf_text *out) {
  drawing d = {s, out, nf_ok()};
  const infuse_explain_options eo = {.size = sizeof eo};
  infuse_error *e = infuse_explain(s->options.rt, s->options.dir, s->options.loaded, &eo, draw, &d);
  if (e != NULL) d.st = nf_error(NF_INTERNAL, "there is no plan to show: %s", infuse_error_message(e));
  infuse_error_free(e);
  if (!nf_is_ok(d.st)) nf_text_deinit(out);
  return d.st;
}
