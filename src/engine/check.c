// SPDX-License-Identifier: Apache-2.0
// infuse_check: the checker's rows as one document.
#include "check/check.h"
#include "base/clock.h"
#include "engine/document.h"
#include "engine/engine.h"
#include <sys/random.h>

typedef struct collected {
  json_t *rows; // NULL: memory ran out
} collected;

static void collect(void *user, const nf_check_row *r) {
  collected *c = user;
  if (c->rows == NULL || json_array_append_new(c->rows, nf_check_row_json(r)) == 0) return;
  json_decref(c->rows);
  c->rows = NULL;
}

static uint64_t draw_seed(void) {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) seed = (uint64_t)(nf_now() * 1e9);
  return seed >> 1; // jansson's integers are signed
}

static nf_status check(infuse_runtime *rt, const infuse_check_options *o, infuse_sink sink, void *user) {
  NF_TRY(nf_runtime_check_runs(rt));
  if (rt->threads == NULL)
    return nf_error(NF_USAGE, "device %s runs no kernels to check; use cpu or ref",
                    nf_device_name(rt->device));
  collected c = {.rows = json_array()};
  const uint64_t seed = o->seed != 0 ? o->seed : draw_seed();
  const nf_check_options own = {.op = o->op,
                                .seed = seed,
                                .threads = rt->threads,
                                .log = &rt->log,
                                .bench = o->bench,
                                .row = collect,
                                .user = &c};
  const nf_status st = nf_check_run(&rt->hw, &own);
  if (!nf_is_ok(st) && nf_status_code(st) != NF_CHECK_FAILED) {
    json_decref(c.rows);
    return st;
  }
  json_t *doc = c.rows == NULL ? NULL
                               : json_pack("{s:s, s:I, s:o}", "schema", "infuse.check/1", "seed",
                                           (json_int_t)seed, "rows", c.rows);
  return nf_status_join(nf_document_deliver(nf_document_judge(doc), sink, user), st);
}

infuse_error *infuse_check(infuse_runtime *rt, const infuse_check_options *o, infuse_sink sink, void *user) {
  infuse_check_options options = {0};
  nf_status st = NF_GIVEN({"runtime", rt != NULL}, {"sink", sink != NULL});
  if (nf_is_ok(st)) st = nf_options_copy(&options, sizeof options, o, "infuse_check_options");
  if (nf_is_ok(st)) st = check(rt, &options, sink, user);
  return st.error;
}
