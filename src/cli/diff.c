// SPDX-License-Identifier: Apache-2.0
// infuse explain --diff: reads two documents and shows what changed.
#include "base/json.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/explain/doc.h"
#include "cli/explain/explain.h"
#include <string.h>

enum { BAD_INPUT = 3 }; // the exit code

static nf_status check(const json_t *doc, const char *where) {
  static const char schema[] = "infuse.explain/2";
  const json_t *found = json_object_get(doc, "schema");
  if (!json_is_string(found)) return nf_error(NF_BAD_INPUT, "%s: has no schema, %s is wanted", where, schema);
  if (strcmp(json_string_value(found), schema) != 0)
    return nf_error(NF_BAD_INPUT, "%s: has schema %s, %s is wanted", where, json_string_value(found), schema);
  if (json_is_array(cli_at(doc, "plan.nodes")) && json_is_array(cli_at(doc, "fusion.sites"))) return nf_ok();
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

static nf_status show(const json_t *diff, const cli_options *o) {
  if (!o->json) return cli_diff_text(diff, o->all), nf_ok();
  char *json = json_dumps(diff, JSON_INDENT(1));
  if (json == NULL) return nf_error(NF_NO_MEMORY, "no memory to print a difference");
  cli_print_json(NULL, json, strlen(json));
  nf_free(json);
  return nf_ok();
}

int cli_explain_diff(const cli_options *o) {
  nf_json a = {0}, b = {0};
  json_t *diff = NULL;
  int code = load(o->diff.at[0], &a);
  if (code == 0) code = load(o->diff.at[1], &b);
  nf_status st = code == 0 ? cli_diff(a.root, b.root, &diff) : nf_ok();
  if (code == 0 && nf_is_ok(st)) st = show(diff, o);
  if (code == 0) code = cli_fail(st.error);
  if (code == 0 && !cli_is(diff, "ok")) code = 1;
  json_decref(diff);
  nf_json_deinit(&a);
  nf_json_deinit(&b);
  return code;
}
