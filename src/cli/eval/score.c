// SPDX-License-Identifier: Apache-2.0
// What a model's sequences come to.
#include "cli/eval/score.h"
#include <math.h>
#include <string.h>

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for a score"); }

void eval_score_deinit(eval_score *s) {
  nf_free(s->likelihood);
  json_decref(s->sample);
  *s = (eval_score){0};
}

bool eval_is_scored(const eval_item *item) { return item->kind != EVAL_TEXT; }

// ---- answers ----

static json_t *text_of(const nf_text *t) { return json_stringn(t->n != 0 ? t->at : "", t->n); }

static json_t *calls_of(const eval_reply *r) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; ok && i < r->n_calls; i++)
    ok = nf_json_push(list, json_pack("{s:o, s:o}", "name", text_of(&r->call[i].name), "arguments",
                                      text_of(&r->call[i].arguments)));
  return nf_json_whole(list, ok);
}

static json_t *sample_of(const eval_item *item, const char *kind) {
  return json_pack("{s:s, s:I, s:s}", "file", item->file, "line", (json_int_t)item->line, "kind", kind);
}

static nf_status keep_reply(eval_score *s, const eval_sequence *q, const char *kind, json_t *wanted) {
  json_t *doc = sample_of(q->item, kind);
  bool ok = nf_json_put(doc, "wanted", wanted) && nf_json_put(doc, "right", json_boolean(s->right)) &&
            nf_json_put(doc, "cut", json_boolean(s->cut)) &&
            nf_json_put(doc, "thoughts", text_of(&q->reply.thoughts)) &&
            nf_json_put(doc, "content", text_of(&q->reply.content)) &&
            nf_json_put(doc, "calls", calls_of(&q->reply)) &&
            nf_json_put(doc, "tokens", json_integer((json_int_t)(q->n - q->context)));
  s->sample = nf_json_whole(doc, ok);
  return s->sample != NULL ? nf_ok() : no_memory();
}

static nf_status score_exact(eval_score *s, const eval_sequence *q, bool sample) {
  const nf_view got = eval_final_answer(nf_text_view(&q->reply.content));
  s->right = nf_view_equal(got, eval_bare(nf_view_of(q->item->answer)));
  if (!sample) return nf_ok();
  NF_TRY(keep_reply(s, q, "exact", json_string(q->item->answer)));
  return nf_json_put(s->sample, "answer", json_stringn(got.n != 0 ? got.at : "", got.n)) ? nf_ok()
                                                                                         : no_memory();
}

static nf_status score_call(eval_score *s, const eval_sequence *q, bool sample) {
  const eval_item *item = q->item;
  eval_judged judged;
  NF_TRY(eval_judge_call(&q->reply, item->functions, item->name, item->arguments, &judged));
  s->right = judged.exact;
  s->also = judged.valid;
  if (!sample) return nf_ok();
  NF_TRY(keep_reply(s, q, "call",
                    json_pack("{s:s, s:O}", "name", item->name, "arguments", (json_t *)item->arguments)));
  return nf_json_put(s->sample, "valid", json_boolean(s->also)) ? nf_ok() : no_memory();
}

// ---- choices ----

size_t eval_choice_bytes(const eval_item *item, size_t choice) {
  return json_string_length(json_array_get(item->choices, choice));
}

// The first of the likeliest.
static size_t best(const eval_score *s, const eval_item *item, bool by_byte) {
  size_t at = 0;
  double most = -INFINITY;
  for (size_t i = 0; i < json_array_size(item->choices); i++) {
    const double value = s->likelihood[i] / (by_byte ? (double)eval_choice_bytes(item, i) : 1);
    if (value > most) at = i, most = value;
  }
  return at;
}

static nf_status keep_choices(eval_score *s, const eval_item *item) {
  json_t *list = json_array(), *doc = sample_of(item, "choices");
  bool ok = true;
  for (size_t i = 0; ok && i < json_array_size(item->choices); i++)
    ok = nf_json_push(list, json_real(s->likelihood[i]));
  ok &= nf_json_put(doc, "log_likelihoods", list);
  ok = ok && nf_json_put(doc, "wanted", json_integer((json_int_t)item->right)) &&
       nf_json_put(doc, "right", json_boolean(s->right)) &&
       nf_json_put(doc, "right_by_byte", json_boolean(s->also));
  s->sample = nf_json_whole(doc, ok);
  return ok ? nf_ok() : no_memory();
}

static nf_status score_choice(eval_score *s, const eval_sequence *q, bool sample) {
  const eval_item *item = q->item;
  const size_t n = json_array_size(item->choices);
  if (s->likelihood == NULL) NF_TRY(nf_make(&s->likelihood, n, sizeof *s->likelihood, "choices"));
  s->likelihood[q->part] = q->log_likelihood;
  if (s->ended < n) return nf_ok();
  s->right = best(s, item, false) == item->right;
  s->also = best(s, item, true) == item->right;
  return sample ? keep_choices(s, item) : nf_ok();
}

static nf_status score_text(eval_score *s, const eval_sequence *q, bool sample) {
  return (void)s, (void)q, (void)sample, nf_ok();
}

// ---- all ----

nf_status eval_score_add(eval_score *s, const eval_sequence *q, bool sample) {
  static nf_status (*const score[EVAL_KINDS])(eval_score * s, const eval_sequence *q,
                                              bool sample) = {[EVAL_EXACT] = score_exact,
                                                              [EVAL_CALL] = score_call,
                                                              [EVAL_CHOICES] = score_choice,
                                                              [EVAL_TEXT] = score_text};
  s->ended++;
  s->cut = q->draws && (q->finish == INFUSE_LENGTH || q->finish == INFUSE_CONTEXT_FULL);
  return score[q->item->kind](s, q, sample);
}

void eval_figures_add(eval_figures *f, const eval_item *item, const eval_score *s) {
  f->cut += s->cut;
  switch (item->kind) {
  case EVAL_EXACT:
    eval_mean_add(&f->exact, s->right);
    break;
  case EVAL_CALL:
    eval_mean_add(&f->call, s->right);
    eval_mean_add(&f->valid, s->also);
    break;
  case EVAL_CHOICES:
    eval_mean_add(&f->choice, s->right);
    eval_mean_add(&f->choice_by_byte, s->also);
    break;
  case EVAL_TEXT:
  case EVAL_KINDS:
    f->bytes += item->text.n;
  }
}
