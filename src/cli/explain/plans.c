// SPDX-License-Identifier: Apache-2.0
// The plans of other ranges of tokens: what they do otherwise than the one that is told in full.
#include "base/text.h"
#include "cli/explain/doc.h"
#include "cli/explain/explain.h"
#include <stdio.h>

// What differs, counted: {"text": times}, in the order in which it comes.
static void count(json_t *counts, const char *text) {
  const json_int_t n = json_integer_value(json_object_get(counts, text));
  json_object_set_new(counts, text, json_integer(n + 1));
}

static void write_counts(json_t *counts, const char *what, nf_text *t) {
  const char *text, *separator = what;
  json_t *n;
  json_object_foreach(counts, text, n) {
    nf_text_printf(t, "%s%lldx %s", separator, (long long)json_integer_value(n), text);
    separator = ", ";
  }
  json_decref(counts);
}

static void write_kernels(const json_t *plan, const json_t *main, nf_text *t) {
  json_t *index = cli_by_name(json_object_get(main, "nodes")), *counts = json_object();
  CLI_EACH(node, json_object_get(plan, "nodes")) {
    const json_t *other = json_object_get(index, cli_text(node, "name"));
    char pair[256];
    if (other == NULL || !cli_equal(other, "op", cli_text(node, "op")) ||
        cli_equal(other, "kernel", cli_text(node, "kernel")))
      continue;
    snprintf(pair, sizeof pair, "%s for %s", cli_text(node, "kernel"), cli_text(other, "kernel"));
    count(counts, pair);
  }
  write_counts(counts, "; kernels: ", t);
  json_decref(index);
}

static bool has(const json_t *fusions, const json_t *f) {
  CLI_EACH(other, fusions) {
    if (json_equal(other, f)) return true;
  }
  return false;
}

// Fusions of a that b does not have.
static void write_fusions(const json_t *a, const json_t *b, const char *what, nf_text *t) {
  json_t *counts = json_object();
  CLI_EACH(f, json_object_get(a, "fusions")) {
    if (!has(json_object_get(b, "fusions"), f)) count(counts, cli_text(f, "rule"));
  }
  write_counts(counts, what, t);
}

static const json_t *main_of(const json_t *doc) {
  CLI_EACH(plan, json_object_get(doc, "plans")) {
    if (json_equal(json_object_get(doc, "range"), json_object_get(plan, "range"))) return plan;
  }
  return NULL;
}

char *cli_other_plan(const json_t *doc, size_t i, bool costs) {
  const json_t *main = main_of(doc), *plan = json_array_get(json_object_get(doc, "plans"), i),
               *range = json_object_get(plan, "range");
  nf_text t = {0};
  if (main == NULL || plan == main) return NULL;
  nf_text_printf(&t, "%.0f to %.0f tokens", cli_number(range, "lo"), cli_number(range, "hi"));
  if (costs)
    nf_text_printf(&t, ", %.1f µs at %.0f, %.0f launches", cli_number(plan, "us"), cli_number(range, "at"),
                   cli_number(plan, "launches"));
  write_kernels(plan, main, &t);
  write_fusions(plan, main, "; with ", &t);
  write_fusions(main, plan, "; without ", &t);
  return cli_taken(&t);
}
