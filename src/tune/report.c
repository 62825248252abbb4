// SPDX-License-Identifier: Apache-2.0
// What a tuner knows, as a document.
#include "base/json.h"
#include "tune/entry.h"
#include "tune/site.h"
#include <math.h>
#include <string.h>

// What the default takes over what the choice takes; 0: one of them was refused, or nothing is known.
static double gain_of(const nf_site_tuned *s) {
  const nf_tune_entry *e = &s->e;
  if (!s->known || e->winner < 0 || *e->of[e->by_default].why != '\0') return 0;
  return e->winner == e->by_default ? 1 : e->of[e->by_default].us / e->of[e->winner].us;
}

static json_t *estimates(const nf_tuner *t, const nf_site_tuned *s) {
  const nf_sizes step = nf_site_step(&s->at);
  json_t *o = json_object();
  bool ok = true;
  for (int i = 0; i < s->e.n; i++)
    ok &= nf_json_put(o, s->e.of[i].v->name, json_real(nf_cost_us(t->hw, &s->d, &step, s->e.of[i].v)));
  return nf_json_whole(o, ok);
}

static json_t *unknown(const nf_site_tuned *s) {
  return json_pack("{s:s, s:s}", "key", s->key, "default", s->e.of[s->e.by_default].v->name);
}

static json_t *site_json(const nf_tuner *t, const nf_site_tuned *s) {
  json_t *o = s->known ? nf_tune_entry_json(s->key, &s->e) : unknown(s);
  bool ok = nf_json_put(o, "op", json_string(nf_op_of(s->d.op)->name));
  ok &= nf_json_put(o, "from", json_string(s->hit ? "store" : s->known ? "measured" : "nowhere"));
  ok &= nf_json_put(o, "estimated_us", estimates(t, s));
  if (gain_of(s) > 0) ok &= nf_json_put(o, "gain", json_real(gain_of(s)));
  if (*s->why != '\0') ok &= nf_json_put(o, "why", json_string(s->why));
  return nf_json_whole(o, ok);
}

static bool asked(const nf_site_tuned *s, const char *op) {
  return op == NULL || strcmp(op, nf_op_of(s->d.op)->name) == 0;
}

typedef struct sums {
  json_int_t hits, measured, left, refused;
  double log_gain;
  int gains;
} sums;

static void add(sums *a, const nf_site_tuned *s) {
  a->hits += s->hit;
  a->measured += s->known && !s->hit;
  a->left += !s->known;
  for (int i = 0; s->known && i < s->e.n; i++) a->refused += *s->e.of[i].why != '\0';
  if (gain_of(s) > 0) a->log_gain += log(gain_of(s)), a->gains++;
}

json_t *nf_tuner_report(const nf_tuner *t, const char *op) {
  sums a = {0};
  json_t *sites = json_array();
  bool ok = true;
  for (size_t i = 0; i < t->n_sites; i++) {
    if (!asked(t->site[i], op)) continue;
    add(&a, t->site[i]);
    ok &= nf_json_push(sites, site_json(t, t->site[i]));
  }
  return json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I, s:I, s:f, s:o}", "schema", "infuse.tune/1", "folder",
                   t->store.folder, "hits", a.hits, "misses", a.measured + a.left, "measured", a.measured,
                   "left", a.left, "refused", a.refused, "gain",
                   a.gains != 0 ? exp(a.log_gain / a.gains) : 1., "sites", nf_json_whole(sites, ok));
}
