// SPDX-License-Identifier: Apache-2.0
// infuse bench fusions: each fusion of a model alone, and all of them, beside none, by steps of one token to
// those of --chunk. Every round loads the model anew for each choice, in turns, as weights lie as fusions
// want them and large models don't fit beside each other.
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/bench.h"
#include "report/doc.h"
#include "report/screen.h"
#include <stdio.h>
#include <string.h>

enum { MOST_CHOICES = 32, MOST_SIZES = 16, PAST = 1024, DECODED = 32, LEAST_STEPS = 2, MOST_STEPS = 64 };
static const double enough = 0.1; // seconds of a size

typedef struct choice {
  const char *name; // of the rule; "off", "all"
  char rules[96];
  double sites;
  cli_series us[MOST_SIZES]; // of a step, the median of each round
} choice;

typedef struct fusions {
  cli_bench *b;
  infuse_model_options mo;
  json_t *plans; // of all fusions, whose names choices have
  int64_t tokens[MOST_SIZES];
  int n_sizes, n;
  choice of[MOST_CHOICES];
} fusions;

// ---- what there is to compare ----

static choice *find(fusions *f, const char *rule) {
  for (int i = 1; i < f->n; i++)
    if (strcmp(f->of[i].name, rule) == 0) return &f->of[i];
  if (f->n == MOST_CHOICES - 1) return NULL;
  choice *c = &f->of[f->n++];
  c->name = rule;
  snprintf(c->rules, sizeof c->rules, "-all,+%s", rule);
  return c;
}

// Rules that some plan chooses, with the places in the plan that has most.
static void list_choices(fusions *f) {
  f->of[f->n++].name = "off";
  REPORT_EACH(plan, report_at(f->plans, "plans")) {
    for (int i = 0; i < f->n; i++) f->of[i].us[0].room = 0;
    REPORT_EACH(fusion, report_at(plan, "fusions")) {
      choice *c = find(f, report_text(fusion, "rule"));
      if (c != NULL && ++c->us[0].room > c->sites) c->sites = (double)c->us[0].room;
    }
  }
  for (int i = 0; i < f->n; i++) f->of[i].us[0].room = 0;
  f->of[f->n++].name = "all";
}

// One token, and from the largest step down by fours.
static void list_sizes(fusions *f) {
  f->tokens[f->n_sizes++] = 1;
  for (int64_t t = f->mo.batch; t > 1 && f->n_sizes < MOST_SIZES; t /= 4) {
    memmove(&f->tokens[2], &f->tokens[1], (size_t)(f->n_sizes - 1) * sizeof *f->tokens);
    f->tokens[1] = t;
    f->n_sizes++;
  }
}

// ---- one model ----

static int begin(const fusions *f, int64_t in, int64_t out, infuse_session **s) {
  const infuse_sampling greedy = {.size = sizeof greedy};
  const infuse_session_options so = {.size = sizeof so,
                                     .generate = true,
                                     .sampling = &greedy,
                                     .max_tokens = out,
                                     .ignore_eos = true,
                                     .unshared = true};
  const int code = cli_fail(infuse_session_create(f->b->m, &so, s));
  return code == 0 ? cli_append_random(f->b, *s, in) : code;
}

static int timed_step(const fusions *f, infuse_session *s, cli_series *us) {
  const double start = nf_now();
  const int code = cli_fail(infuse_step(f->b->m, &s, 1));
  cli_series_add(us, 1e6 * (nf_now() - start));
  return code;
}

// Tokens one by one behind a prompt.
static int decode(const fusions *f, cli_series *us) {
  infuse_session *s = NULL;
  cli_series prompt = {0};
  const int64_t past = f->mo.context - DECODED;
  int code = begin(f, past, DECODED, &s);
  while (code == 0 && infuse_session_output(s).tokens == 0) code = timed_step(f, s, &prompt);
  for (int i = 1; i < DECODED && code == 0; i++) code = timed_step(f, s, us);
  cli_series_deinit(&prompt);
  infuse_session_destroy(s);
  return code;
}

// Prompts of one step; the first makes its graph.
static int prefill(const fusions *f, int64_t tokens, cli_series *us) {
  const double end = nf_now() + enough;
  int code = 0;
  cli_series first = {0};
  for (int i = 0; code == 0 && (i <= LEAST_STEPS || (i < MOST_STEPS && nf_now() < end)); i++) {
    infuse_session *s = NULL;
    code = begin(f, tokens, 1, &s);
    if (code == 0) code = timed_step(f, s, i == 0 ? &first : us);
    infuse_session_destroy(s);
  }
  cli_series_deinit(&first);
  return code;
}

static int measure_sizes(const fusions *f, choice *c) {
  int code = 0;
  for (int i = 0; i < f->n_sizes && code == 0 && !cli_interrupted; i++) {
    cli_series us = {0};
    code = f->tokens[i] == 1 ? decode(f, &us) : prefill(f, f->tokens[i], &us);
    cli_sort(&us);
    cli_series_add(&c->us[i], cli_percentile(&us, 50));
    cli_series_deinit(&us);
  }
  return code;
}

static int measure_choice(fusions *f, choice *c) {
  infuse_model_options mo = f->mo;
  mo.fuse = strcmp(c->name, "off") == 0 ? "off" : mo.fuse;
  if (c->rules[0] != 0) mo.rules = c->rules;
  int code = cli_fail(infuse_model_load(f->b->rt, f->b->o->model, &mo, &f->b->m));
  if (code != 0) return code;
  code = measure_sizes(f, c);
  infuse_model_destroy(f->b->m);
  f->b->m = NULL;
  cli_bar_show(&f->b->bar, f->b->o, "fusions", ++f->b->done, f->b->total);
  return code;
}

// ---- the document ----

static json_t *row_of(const fusions *f, const choice *c) {
  json_t *us = json_array(), *rate = json_array(), *of_off = json_array();
  bool ok = true;
  for (int i = 0; i < f->n_sizes; i++) {
    cli_series off = f->of[0].us[i], own = c->us[i];
    const double step = cli_percentile(&own, 50);
    ok &= nf_json_push(us, json_real(step)) &&
          nf_json_push(rate, json_real(1e6 * (double)f->tokens[i] / step)) &&
          nf_json_push(of_off, json_real(cli_percentile(&off, 50) / step));
  }
  json_t *row = json_pack("{s:s, s:f, s:o, s:o, s:o}", "fusion", c->name, "sites", c->sites, "step_us", us,
                          "tokens_per_second", rate, "times_off", of_off);
  return nf_json_whole(row, ok);
}

static json_t *document(fusions *f, int64_t rounds) {
  json_t *tokens = json_array(), *rows = json_array();
  bool ok = true;
  for (int i = 0; i < f->n_sizes; i++) ok &= nf_json_push(tokens, json_integer(f->tokens[i]));
  for (int k = 0; k < f->n; k++)
    for (int i = 0; i < f->n_sizes; i++) cli_sort(&f->of[k].us[i]);
  for (int k = 0; k < f->n; k++) ok &= nf_json_push(rows, row_of(f, &f->of[k]));
  return nf_json_whole(json_pack("{s:s, s:I, s:I, s:o, s:o}", "schema", "infuse.bench.fusions/1", "rounds",
                                 (json_int_t)rounds, "context", (json_int_t)(f->mo.context - DECODED),
                                 "tokens", tokens, "rows", rows),
                       ok);
}

// ---- all ----

static int measure(fusions *f, int64_t rounds) {
  int code = 0;
  f->b->total = (size_t)(rounds * f->n);
  for (int64_t r = 0; r < rounds; r++)
    for (int i = 0; i < f->n && code == 0 && !cli_interrupted; i++)
      code = measure_choice(f, &f->of[r % 2 == 0 ? i : f->n - 1 - i]);
  return code == 0 && cli_interrupted ? 130 : code;
}

int cli_bench_fusions(cli_bench *b, json_t **out) {
  fusions *f = nf_alloc(1, sizeof *f);
  if (f == NULL) return fprintf(stderr, "infuse: no memory for the fusions\n"), 4;
  const int64_t rounds = b->o->num_iters != 0 ? b->o->num_iters : 2;
  f->b = b;
  f->mo = cli_model_options(b->o);
  if (f->mo.batch == 0) f->mo.batch = 64;
  f->mo.context = (f->mo.batch > PAST ? f->mo.batch : PAST) + DECODED;
  f->mo.sessions = 1;
  int code = cli_bench_explain(b, &f->mo, NULL, &f->plans);
  if (code == 0) {
    list_choices(f);
    list_sizes(f);
    b->vocab = (int64_t)report_number(f->plans, "model.vocab");
    code = measure(f, rounds);
  }
  if (code == 0) *out = document(f, rounds);
  for (int k = 0; k < f->n; k++)
    for (int i = 0; i < f->n_sizes; i++) cli_series_deinit(&f->of[k].us[i]);
  json_decref(f->plans);
  nf_free(f);
  return code;
}

void cli_show_fusions(const json_t *doc) {
  const json_t *tokens = report_at(doc, "tokens");
  for (size_t i = 0; i < json_array_size(tokens); i++) {
    const double n = json_number_value(json_array_get(tokens, i));
    report_heading("a step of %.0f token%s", n, n == 1 ? "" : "s");
    printf("%-36s %6s %12s %12s %12s %9s\n", "fusion", "places", "us a step", "us a token", "tokens/s",
           "times off");
    REPORT_EACH(row, report_at(doc, "rows")) {
      const double us = json_number_value(json_array_get(report_at(row, "step_us"), i));
      printf("%-36s %6.0f %12.1f %12.2f %12.1f %9.3f\n", report_text(row, "fusion"),
             report_number(row, "sites"), us, us / n,
             json_number_value(json_array_get(report_at(row, "tokens_per_second"), i)),
             json_number_value(json_array_get(report_at(row, "times_off"), i)));
    }
  }
}
