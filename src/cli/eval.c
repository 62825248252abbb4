// SPDX-License-Identifier: Apache-2.0
// infuse eval: tasks, the models that are asked, bounds, and where results go.
#include "cli/eval/eval.h"
#include "base/file.h"
#include "cli/bar.h"
#include "cli/eval.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct side { // of --against
  cli_options o;
  char *words; // what its options point into
  infuse_runtime *rt;
} side;

typedef struct job {
  const cli_options *o;
  infuse_runtime *rt;
  eval e;
  side *side; // [e.n_others]
  nf_new_file samples;
  cli_bar bar;
} job;

static int no_memory(void) { return fprintf(stderr, "infuse: no memory for the evaluation\n"), 4; }

// ---- what is asked ----

static int check(const cli_options *o) {
  if (o->model == NULL) return cli_usage("eval wants -m DIR");
  if (o->task.n == 0) return cli_usage("eval wants --task FILE");
  if (cli_wants_chat(o) && o->raw)
    return cli_usage("--raw goes with neither --chat, --system, --think nor --effort");
  const bool bounds = o->max_kl >= 0 || o->min_top1 >= 0 || o->max_points >= 0 || o->min_p_value >= 0;
  if (o->against.n == 0 && (bounds || o->compare_tokens != 0))
    return cli_usage(
        "--compare-tokens, --max-kl, --min-top1, --max-points and --min-p-value go with --against");
  return 0;
}

static int load_tasks(job *j) {
  const cli_list *files = &j->o->task;
  j->e.task = nf_alloc(files->n, sizeof *j->e.task);
  if (j->e.task == NULL) return no_memory();
  for (size_t i = 0; i < files->n; i++) {
    const int code = cli_fail(
        eval_task_load(files->at[i], (size_t)j->o->limit, j->o->system, &j->e.task[j->e.n_tasks]).error);
    if (code != 0) return code;
    j->e.n_tasks++;
  }
  return 0;
}

// ---- the others' options ----

// Words between blanks.
static int split(const char *text, side *s) {
  static const cli_command against = {.name = "--against", .bit = CLI_AGAINST};
  char *words[CLI_MAX_LIST];
  int n = 0;
  s->words = strdup(text);
  if (s->words == NULL) return no_memory();
  for (char *rest = s->words, *word; (word = strsep(&rest, " \t")) != NULL;) {
    if (*word == '\0') continue;
    if (n == CLI_MAX_LIST) return cli_usage("--against: more than %d words", CLI_MAX_LIST);
    words[n++] = word;
  }
  return cli_parse(&against, n, words, &s->o) ? 0 : 2;
}

static int read_sides(job *j) {
  const cli_list *against = &j->o->against;
  j->side = nf_alloc(against->n, sizeof *j->side);
  j->e.other = nf_alloc(against->n, sizeof *j->e.other);
  if (j->side == NULL || j->e.other == NULL) return no_memory();
  j->e.n_others = against->n;
  for (size_t i = 0; i < against->n; i++) {
    j->e.other[i].name = against->at[i];
    const int code = split(against->at[i], &j->side[i]);
    if (code != 0) return code;
    if (j->side[i].o.names != NULL)
      return cli_usage("--against '%s' asks for help, which is the commands'", against->at[i]);
  }
  return 0;
}

// ---- models ----

enum { BATCH = 32, CHUNK = 512, ANSWER = 512, COMPARED = 20000 };

static bool wants_rows(const eval *e) {
  for (size_t t = 0; t < e->n_tasks; t++)
    for (size_t i = 0; i < e->task[t].n; i++)
      if (e->task[t].item[i].kind >= EVAL_CHOICES) return true;
  return e->n_others != 0;
}

static infuse_model_options model_options(const job *j, const cli_options *o, int64_t context) {
  infuse_model_options mo = cli_model_options(o);
  mo.context = context;
  mo.sessions = (int64_t)j->e.places;
  if (mo.batch == 0) mo.batch = mo.sessions > CHUNK ? mo.sessions : CHUNK;
  mo.rows = wants_rows(&j->e) && mo.batch > mo.sessions ? mo.batch : 0;
  return mo;
}

static int load_base(job *j) {
  const infuse_model_options mo = model_options(j, j->o, j->o->context);
  infuse_model_info info = {.size = sizeof info};
  const int code = cli_fail(infuse_model_load(j->rt, j->o->model, &mo, &j->e.m));
  if (code != 0) return code;
  infuse_model_describe(j->e.m, &info);
  j->e.context = (size_t)info.context;
  return 0;
}

static int load_other(job *j, size_t i) {
  side *s = &j->side[i];
  const infuse_model_options mo = model_options(j, &s->o, (int64_t)j->e.context);
  const char *dir = s->o.model != NULL ? s->o.model : j->o->model;
  infuse_model_info base = {.size = sizeof base}, other = {.size = sizeof other};
  if (s->o.threads == 0) s->o.threads = j->o->threads;
  int code = cli_make_runtime(&s->o, &s->rt);
  if (code == 0) code = cli_fail(infuse_model_load(s->rt, dir, &mo, &j->e.other[i].m));
  if (code != 0) return code;
  infuse_model_describe(j->e.m, &base);
  infuse_model_describe(j->e.other[i].m, &other);
  if (base.vocab == other.vocab) return 0;
  return cli_usage("--against '%s': its vocabulary has %ld tokens, not %ld; logits can't be compared",
                   j->e.other[i].name, (long)other.vocab, (long)base.vocab);
}

static int load_models(job *j) {
  int code = load_base(j);
  for (size_t i = 0; i < j->e.n_others && code == 0; i++) code = load_other(j, i);
  return code;
}

// ---- running ----

static bool go_on(void *user, size_t done, size_t total) {
  job *j = user;
  cli_bar_show(&j->bar, j->o, "eval", done, total);
  return cli_interrupted == 0;
}

// The day of a prompt is always the same, so that figures are.
static void set_up(job *j) {
  const cli_options *o = j->o;
  j->e.places = o->batch != 0 ? (size_t)o->batch : BATCH;
  j->e.compare = o->compare_tokens != 0 ? (size_t)o->compare_tokens : COMPARED;
  j->e.samples = o->samples != NULL;
  j->e.go_on = go_on;
  j->e.user = j;
  j->e.asking = (eval_asking){.thinking = cli_thinking(o),
                              .effort = o->effort,
                              .date = "2026-01-01",
                              .max_tokens = o->count != 0 ? o->count : ANSWER};
}

static int run(job *j) {
  j->e.asking.raw = !cli_wants_chat(j->o) && (j->o->raw || infuse_model_chat_format(j->e.m) == NULL);
  const int code = cli_fail(eval_run(&j->e).error);
  cli_bar_show(&j->bar, j->o, "eval", 1, 1);
  return code;
}

// ---- results ----

static nf_status write_samples(job *j) {
  uint64_t at = 0;
  for (size_t i = 0; i < j->e.n_items; i++) {
    const json_t *sample = j->e.score[i].sample;
    char *text = sample != NULL ? json_dumps(sample, JSON_COMPACT) : NULL;
    if (sample == NULL) continue;
    if (text == NULL) return nf_error(NF_NO_MEMORY, "no memory for the samples");
    const size_t n = strlen(text);
    text[n] = '\n'; // in place of its NUL
    const nf_status st = nf_new_file_write(&j->samples, at, text, n + 1);
    free(text);
    NF_TRY(st);
    at += n + 1;
  }
  return nf_new_file_commit(&j->samples);
}

static json_t *settings(const job *j) {
  return json_pack("{s:s*, s:s, s:b, s:I, s:I, s:I}", "line", j->o->line, "model", j->o->model, "chat",
                   !j->e.asking.raw, "context", (json_int_t)j->e.context, "batch", (json_int_t)j->e.places,
                   "max_tokens", (json_int_t)j->e.asking.max_tokens);
}

static int deliver(job *j) {
  json_t *doc = eval_document(&j->e);
  doc = nf_json_whole(doc, nf_json_put(doc, "settings", settings(j)));
  char *text = doc != NULL ? json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  int code = text != NULL ? 0 : no_memory();
  if (code == 0 && j->o->json) cli_print_json(NULL, text, strlen(text));
  if (code == 0 && !j->o->json) cli_show_eval(doc);
  if (code == 0 && j->o->samples != NULL) code = cli_fail(write_samples(j).error);
  if (code == 0) code = cli_check_bounds(doc, j->o);
  free(text);
  json_decref(doc);
  return code;
}

static void clean_up(job *j) {
  for (size_t i = 0; i < j->e.n_others; i++) {
    infuse_model_destroy(j->e.other[i].m);
    infuse_runtime_destroy(j->side[i].rt);
    free(j->side[i].words);
  }
  eval_deinit(&j->e);
  infuse_model_destroy(j->e.m);
  for (size_t t = 0; t < j->e.n_tasks; t++) eval_task_deinit(&j->e.task[t]);
  nf_free(j->e.task);
  nf_free(j->e.other);
  nf_free(j->side);
  if (j->o->samples != NULL) nf_new_file_close(&j->samples);
}

int cli_eval(const cli_options *o, infuse_runtime *rt) {
  job j = {.o = o, .rt = rt};
  int code = check(o);
  if (code != 0) return code;
  if (o->samples != NULL) code = cli_fail(nf_new_file_create(o->samples, &j.samples).error);
  if (code != 0) return code;
  set_up(&j);
  code = load_tasks(&j);
  if (code == 0) code = read_sides(&j);
  if (code == 0) code = load_models(&j);
  if (code == 0) code = run(&j);
  if (code == 0) code = deliver(&j);
  clean_up(&j);
  return code;
}
