// SPDX-License-Identifier: Apache-2.0
// What came of an evaluation, as a document.
#include "cli/eval/eval.h"
#include <math.h>

eval_figures eval_figures_of(const eval *e, size_t task) {
  eval_figures f = {0};
  for (size_t t = 0; t < e->n_tasks; t++) {
    if (t != task && task != e->n_tasks) continue;
    for (size_t i = 0; i < e->task[t].n; i++) {
      const eval_item *item = &e->task[t].item[i];
      eval_figures_add(&f, item, &e->score[item->index]);
    }
    eval_mean_join(&f.text, &e->text[t]);
  }
  return f;
}

// ---- tasks ----

static json_t *rate(const eval_mean *m) {
  return json_pack("{s:f, s:f, s:I}", "value", m->mean, "stderr", eval_mean_error(m), "n", (json_int_t)m->n);
}

static bool put_rate(json_t *doc, const char *key, const eval_mean *m) {
  return m->n == 0 || nf_json_put(doc, key, rate(m));
}

// The error of a perplexity is that of its logarithm, to first order.
static json_t *text(const eval_figures *f) {
  const eval_mean *m = &f->text;
  const double perplexity = exp(m->mean), nats = m->mean * (double)m->n;
  return json_pack("{s:I, s:I, s:f, s:f, s:f, s:f}", "tokens", (json_int_t)m->n, "bytes",
                   (json_int_t)f->bytes, "log_likelihood", -nats, "perplexity", perplexity,
                   "perplexity_stderr", perplexity * eval_mean_error(m), "bits_per_byte",
                   nats / log(2) / (double)f->bytes);
}

static bool put_figures(json_t *doc, const eval_figures *f) {
  return put_rate(doc, "exact_match", &f->exact) && put_rate(doc, "valid_call", &f->valid) &&
         put_rate(doc, "exact_call", &f->call) && put_rate(doc, "acc", &f->choice) &&
         put_rate(doc, "acc_norm", &f->choice_by_byte) &&
         (f->text.n == 0 || nf_json_put(doc, "text", text(f))) &&
         (f->exact.n + f->call.n == 0 || nf_json_put(doc, "cut", json_integer((json_int_t)f->cut)));
}

static json_t *task_document(const eval *e, size_t task) {
  json_t *doc = json_object();
  const eval_figures f = eval_figures_of(e, task);
  const bool all = task == e->n_tasks;
  return nf_json_whole(
      doc, (all || nf_json_put(doc, "file", json_string(e->task[task].file))) &&
               nf_json_put(doc, "items", json_integer((json_int_t)(all ? e->n_items : e->task[task].n))) &&
               put_figures(doc, &f));
}

static json_t *tasks(const eval *e) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t t = 0; ok && t < e->n_tasks; t++) ok = nf_json_push(list, task_document(e, t));
  return nf_json_whole(list, ok);
}

// ---- others ----

typedef struct pairs { // items that are right or wrong
  size_t n, base, other, only_base, only_other;
} pairs;

static pairs count_pairs(const eval *e, const eval_other *o) {
  pairs p = {0};
  for (size_t t = 0; t < e->n_tasks; t++)
    for (size_t i = 0; i < e->task[t].n; i++) {
      const eval_item *item = &e->task[t].item[i];
      if (!eval_is_scored(item)) continue;
      const bool base = e->score[item->index].right, other = o->score[item->index].right;
      p.n++;
      p.base += base;
      p.other += other;
      p.only_base += base && !other;
      p.only_other += other && !base;
    }
  return p;
}

static json_t *paired(const pairs *p) {
  const double points = 100 * ((double)p->other - (double)p->base) / (double)p->n;
  return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "n", (json_int_t)p->n, "base", (json_int_t)p->base,
                   "other", (json_int_t)p->other, "only_base", (json_int_t)p->only_base, "only_other",
                   (json_int_t)p->only_other, "points", points, "p",
                   eval_mcnemar(p->only_base, p->only_other));
}

static json_t *other(const eval *e, const eval_other *o) {
  const pairs p = count_pairs(e, o);
  json_t *doc = json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f}", "options", o->name, "tokens",
                          (json_int_t)o->kl.n, "kl", o->kl.mean, "kl_stderr", eval_mean_error(&o->kl),
                          "kl_max", o->kl.most, "top1", o->top.mean, "top1_stderr", eval_mean_error(&o->top));
  return nf_json_whole(doc, p.n == 0 || nf_json_put(doc, "paired", paired(&p)));
}

static json_t *others(const eval *e) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; ok && i < e->n_others; i++) ok = nf_json_push(list, other(e, &e->other[i]));
  return nf_json_whole(list, ok);
}

// ---- all ----

static json_t *speed(const eval *e) {
  return json_pack("{s:I, s:I, s:f, s:f}", "tokens", (json_int_t)e->tokens, "drawn", (json_int_t)e->drawn,
                   "seconds", e->seconds, "tokens_per_second",
                   e->seconds > 0 ? (double)e->tokens / e->seconds : 0);
}

json_t *eval_document(const eval *e) {
  json_t *doc = json_pack("{s:s}", "schema", "infuse.eval/1");
  return nf_json_whole(doc, nf_json_put(doc, "tasks", tasks(e)) &&
                                nf_json_put(doc, "total", task_document(e, e->n_tasks)) &&
                                nf_json_put(doc, "against", others(e)) && nf_json_put(doc, "base", speed(e)));
}
