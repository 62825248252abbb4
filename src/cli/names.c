// SPDX-License-Identifier: Apache-2.0
// Lists of what an option's value can name, for the value "help".
#include "cli/cli.h"
#include "cli/explain/doc.h"
#include <stdio.h>
#include <string.h>

static void print_row(const json_t *row) {
  const json_t *also = json_object_get(row, "also");
  printf(also != NULL ? "%-16s" : "%-38s", cli_text(row, "name"));
  if (json_object_get(row, "family") != NULL) printf(" %s", cli_text(row, "family"));
  if (json_object_get(row, "what") != NULL) printf(" %s", cli_text(row, "what"));
  for (size_t i = 0; i < json_array_size(also); i++)
    printf("%s%s", i == 0 ? ", also " : ", ", cli_name_at(also, i));
  printf("\n");
}

static void print_kernels(const json_t *op) {
  CLI_EACH(kernel, json_object_get(op, "kernels")) {
    printf("%s=%s%s\n", cli_text(op, "name"), cli_text(kernel, "name"),
           cli_is(kernel, "declared") ? "  (declared, not written yet)" : "");
  }
}

// "linear=help" asks for those of linear.
static bool is_of(const json_t *op, const char *asked) {
  const char *name = cli_text(op, "name");
  const size_t n = strlen(name);
  return asked == NULL || (strncmp(asked, name, n) == 0 && asked[n] == '=');
}

typedef struct view {
  const cli_options *o;
  size_t printed;
} view;

static void print_names(void *user, const char *json, size_t n) {
  view *v = user;
  const cli_options *o = v->o;
  json_t *doc = json_loadb(json, n, 0, NULL);
  const bool kernels = strcmp(o->names, "ops") == 0;
  CLI_EACH(row, json_object_get(doc, o->names)) {
    if (kernels && !is_of(row, o->names_of)) continue;
    (kernels ? print_kernels : print_row)(row);
    v->printed++;
  }
  json_decref(doc);
}

int cli_names(const cli_options *o, infuse_runtime *rt) {
  if (strchr(o->names, '|') != NULL) return printf("%s\n", o->names), 0;
  view v = {o, 0};
  const int code = cli_fail(infuse_names(rt, print_names, &v));
  if (code != 0 || v.printed != 0) return code;
  return cli_usage("%s: no op is called so; --force help lists them all", o->names_of);
}
