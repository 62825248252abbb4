// SPDX-License-Identifier: Apache-2.0
// The tuner of a runtime, models that are tuned when they are loaded, and infuse_tune.
#include "tune/tune.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "tune/entry.h"
#include <math.h>
#include <string.h>

// Plans that were chosen by new timings may ask for more: joined ranges are of other sizes.
enum { PASSES = 3, ONLINE_S = 60 };

// ---- the runtime's ----

static bool mode_is(const infuse_runtime_options *o, const char *name) { return strcmp(o->tune, name) == 0; }

nf_status nf_check_tune(infuse_runtime_options *o) {
  static const char *const modes[] = {"cached", "online", "off"};
  const char *asked = o->tune != NULL ? o->tune : modes[0];
  o->tune = NULL;
  for (int i = 0; i < 3; i++)
    if (strcmp(asked, modes[i]) == 0) o->tune = modes[i]; // the caller's may go
  if (o->tune == NULL)
    return nf_error(NF_USAGE, "tune '%s' is not known; there are online, cached and off", asked);
  if (o->tune_seconds >= 0 && o->tune_seconds <= 1e6) return nf_ok();
  return nf_error(NF_USAGE, "tune_seconds is %g; it must lie between 0 and 1000000", o->tune_seconds);
}

static bool can_tune(const infuse_runtime *rt) {
  const bool runs = rt->module != NULL || (rt->threads != NULL && rt->hw.backend == NF_BACKEND_CPU);
  return runs && !mode_is(&rt->options, "off");
}

static nf_status make_tuner(infuse_runtime *rt) {
  if (rt->tuner != NULL) return nf_ok();
  const nf_runner on = nf_runtime_runner(rt);
  const int threads = on.device == NULL ? nf_threads_count(rt->threads) : 0;
  return nf_tuner_create(&rt->hw, threads, &on, &rt->log, &rt->tuner);
}

// Without a folder nothing is known before it is measured.
nf_status nf_runtime_timings(infuse_runtime *rt, int64_t world, nf_timings **out) {
  *out = rt->timings;
  if (rt->timings != NULL || world > 1 || !can_tune(rt)) return nf_ok();
  NF_TRY(make_tuner(rt));
  if (nf_tuner_store(rt->tuner)->folder != NULL || mode_is(&rt->options, "online"))
    *out = nf_tuner_timings(rt->tuner);
  return nf_ok();
}

// ---- a model ----

// As long as there are seconds left and plans ask for what is not known.
static nf_status tune(infuse_model *m, const nf_compile_options *o, double seconds) {
  const double end = nf_now() + seconds;
  size_t measured = 1;
  for (int pass = 0; pass < PASSES && measured != 0 && nf_now() < end; pass++) {
    NF_TRY(nf_tuner_run(m->rt->tuner, end - nf_now(), &measured));
    if (measured == 0) return nf_ok();
    nf_compiled_deinit(&m->compiled);
    NF_TRY(nf_model_compile(m, o));
  }
  return nf_ok();
}

nf_status nf_model_tune(infuse_model *m, const nf_compile_options *o) {
  const infuse_runtime *rt = m->rt;
  const double seconds = rt->options.tune_seconds;
  if (!mode_is(&rt->options, "online") || rt->tuner == NULL || o->plan.select.timings == NULL) return nf_ok();
  return tune(m, o, seconds > 0 ? seconds : ONLINE_S);
}

// ---- infuse_tune ----

static nf_status tune_folder(infuse_runtime *rt, const char *dir, const infuse_model_options *mo,
                             const infuse_tune_options *o) {
  infuse_model *m = NULL;
  nf_compile_options c;
  nf_status st;
  NF_GOTO(nf_model_open_plan(rt, dir, mo, NULL, &m));
  if (m->options.world > 1)
    NF_GOTO(nf_error(NF_USAGE, "plans of %ld ranks are not tuned", (long)m->options.world));
  NF_GOTO(nf_model_compile_options(m, &c));
  c.plan.select.timings = nf_tuner_timings(rt->tuner);
  NF_GOTO(nf_model_compile(m, &c));
  st = o->seconds < 0 ? nf_ok() : tune(m, &c, o->seconds > 0 ? o->seconds : INFINITY);
fail:
  infuse_model_destroy(m);
  return st;
}

static nf_status check_tunes(infuse_runtime *rt) {
  NF_TRY(nf_runtime_check_runs(rt));
  if (can_tune(rt) && rt->timings == NULL) return make_tuner(rt);
  return nf_error(NF_UNAVAILABLE, "device %s with tune %s has no kernels to choose from by measuring",
                  rt->options.device, rt->options.tune);
}

static nf_status check_op(const char *op) {
  nf_op found;
  return op != NULL ? nf_op_find(nf_view_of(op), &found) : nf_ok();
}

infuse_error *infuse_tune(infuse_runtime *rt, const char *dir, const infuse_model_options *mo,
                          const infuse_tune_options *o, infuse_sink sink, void *user) {
  infuse_tune_options options = {0};
  NF_TELL(NF_GIVEN({"runtime", rt != NULL}, {"folder", dir != NULL}, {"sink", sink != NULL}));
  NF_TELL(NF_OPTIONS(infuse_tune_options, op, &options, o));
  NF_TELL(check_op(options.op));
  nf_runtime_know_figures(rt);
  NF_TELL(check_tunes(rt));
  NF_TELL(tune_folder(rt, dir, mo, &options));
  return nf_document_deliver(nf_tuner_report(rt->tuner, options.op), sink, user).error;
}

// ---- what is kept ----

static void add_entry(void *list, const char *name, const char *key, const nf_tune_entry *e) {
  json_t *o = nf_tune_entry_json(key, e);
  nf_document_append(list, nf_json_whole(o, nf_json_put(o, "name", json_string(name))));
}

static nf_status list(infuse_runtime *rt, infuse_sink sink, void *user) {
  nf_runtime_know_figures(rt);
  NF_TRY(check_tunes(rt));
  nf_tune_store *s = nf_tuner_store(rt->tuner);
  json_t *entries = json_array();
  const nf_status st = nf_tune_store_each(s, add_entry, &entries);
  json_t *doc =
      json_pack("{s:s, s:s?, s:o}", "schema", "infuse.tune_list/1", "folder", s->folder, "entries", entries);
  if (nf_is_ok(st)) return nf_document_deliver(doc, sink, user);
  json_decref(doc);
  return st;
}

infuse_error *infuse_tune_list(infuse_runtime *rt, infuse_sink sink, void *user) {
  NF_TELL(NF_GIVEN({"runtime", rt != NULL}, {"sink", sink != NULL}));
  return list(rt, sink, user).error;
}

infuse_error *infuse_tune_forget(infuse_runtime *rt, const char *entry, size_t *removed) {
  NF_TELL(NF_GIVEN({"runtime", rt != NULL}, {"result", removed != NULL}));
  nf_runtime_know_figures(rt);
  NF_TELL(check_tunes(rt));
  return nf_tune_store_forget(nf_tuner_store(rt->tuner), entry, removed).error;
}
