// SPDX-License-Identifier: Apache-2.0
// devices and measure: what is here to run on and what it does, as one JSON document. docs/explain.md has the
// schemas.
#include "engine/engine.h"
#include "engine/speed.h"
#include "hw/topology.h"
#include "kernels/gpu/images.h"
#include <string.h>

static json_t *features(uint64_t bits) {
  json_t *list = json_array();
  for (int i = 0; i < NF_FEATURE_BITS; i++)
    if (bits >> i & 1) nf_document_append(&list, json_string(nf_feature_name(i)));
  return list;
}

static json_t *roofline(const nf_hw *hw) {
  return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "bandwidth", hw->bandwidth,
                   nf_rate_name(NF_RATE_F32), hw->peak[NF_RATE_F32], nf_rate_name(NF_RATE_BF16),
                   hw->peak[NF_RATE_BF16], nf_rate_name(NF_RATE_8BIT), hw->peak[NF_RATE_8BIT], "link",
                   hw->link, "links", hw->links, "launch", hw->launch);
}

static json_t *facts(const char *device, const nf_hw *hw, int threads) {
  return json_pack("{s:s, s:s?, s:s, s:o, s:i, s:i, s:I, s:i, s:o}", "device", device, "target", hw->target,
                   "name", hw->name, "features", features(hw->features), "cores", hw->cores,
                   "multiprocessors", hw->multiprocessors, "memory", (json_int_t)hw->memory, "threads",
                   threads, "roofline", roofline(hw));
}

json_t *nf_target_document(const infuse_runtime *rt) {
  return facts(rt->options.device, &rt->hw, rt->threads != NULL ? nf_threads_count(rt->threads) : 0);
}

static json_t *caches(const nf_topology *t) {
  json_t *list = json_array();
  for (int i = 0; i < NF_CACHE_LEVELS; i++)
    nf_document_append(&list, json_pack("{s:i, s:I, s:i}", "level", i + 1, "bytes",
                                        (json_int_t)t->cache[i].bytes, "n", t->cache[i].n));
  return list;
}

// Null of a target that is not here.
static json_t *topology(const infuse_runtime *rt) {
  nf_topology t;
  const nf_status st = rt->hw.target == NULL ? nf_hw_topology(&t) : nf_error(NF_UNAVAILABLE, "not here");
  const bool told = nf_is_ok(st);
  nf_status_free(st);
  if (!told) return json_null();
  return json_pack("{s:i, s:i, s:i, s:i, s:o}", "packages", t.packages, "memory_nodes", t.memory_nodes,
                   "cores", t.cores, "cpus", t.cpus, "caches", caches(&t));
}

static json_t *speed(const nf_speed *s) {
  return json_pack("{s:f, s:f, s:f, s:f, s:f}", "bandwidth", s->bandwidth, "launch", s->launch,
                   nf_rate_name(NF_RATE_F32), s->peak[NF_RATE_F32], nf_rate_name(NF_RATE_BF16),
                   s->peak[NF_RATE_BF16], nf_rate_name(NF_RATE_8BIT), s->peak[NF_RATE_8BIT]);
}

static json_t *speeds(const nf_speeds *s) {
  return json_pack("{s:i, s:o, s:o}", "threads", s->threads, "one", speed(&s->one), "all", speed(&s->all));
}

static json_t *measured(infuse_runtime *rt) {
  nf_runtime_know_figures(rt);
  return rt->measured ? speeds(&rt->speeds) : json_null();
}

// ---- GPUs ----

static json_t *gpu_speed(const nf_gpu_speed *s) {
  return json_pack("{s:f, s:f}", "bandwidth", s->read, "copy", s->copy);
}

static nf_status measure_gpu(nf_device *d, const nf_hw *hw, nf_gpu_speed *out) {
  nf_image image;
  nf_module *module;
  NF_TRY(nf_gpu_image(hw, &image));
  NF_TRY(nf_module_load(d, image.data, image.bytes, &module));
  const nf_status st = nf_gpu_measure(d, module, out);
  nf_module_unload(module);
  return st;
}

// What it is, and where figures are not only stated what it was just measured to do; null: it could not be.
static nf_status describe_gpu(infuse_runtime *rt, nf_device *d, json_t **out) {
  nf_hw hw;
  nf_gpu_speed speed;
  NF_TRY(nf_device_describe(d, &hw));
  nf_status st = nf_error(NF_UNAVAILABLE, "stated");
  if (strcmp(rt->options.figures, "stated") != 0) {
    nf_status_free(st);
    st = measure_gpu(d, &hw, &speed);
    if (!nf_is_ok(st))
      nf_log_print(&rt->log, NF_LOG_WARNING, "%s is not measured: %s", hw.name, nf_status_message(st));
  }
  *out = facts(nf_device_name(d), &hw, 0);
  if (*out != NULL) json_object_set_new(*out, "measured", nf_is_ok(st) ? gpu_speed(&speed) : json_null());
  nf_status_free(st);
  return nf_ok();
}

// All of one maker's, or why there are none.
static void list_gpus(infuse_runtime *rt, const char *name, nf_status (*make)(int, nf_device **),
                      json_t **here, json_t **missing) {
  for (int i = 0;; i++) {
    nf_device *d = NULL;
    json_t *one = NULL;
    nf_status st = make(i, &d);
    if (nf_is_ok(st)) st = describe_gpu(rt, d, &one);
    nf_device_destroy(d);
    if (nf_is_ok(st)) {
      nf_document_append(here, one);
      continue;
    }
    if (i == 0)
      nf_document_append(missing, json_pack("{s:s, s:s}", "device", name, "reason", nf_status_message(st)));
    nf_status_free(st);
    return;
  }
}

// ---- documents ----

static bool is_gpu(const infuse_runtime *rt) { return rt->module != NULL; }

static nf_status measure_now(infuse_runtime *rt, json_t **out) {
  *out = json_null();
  if (is_gpu(rt)) {
    nf_gpu_speed s;
    NF_TRY(nf_gpu_measure(rt->device, rt->module, &s));
    *out = json_pack("{s:o}", "all", gpu_speed(&s));
  } else if (rt->threads != NULL && rt->hw.backend == NF_BACKEND_CPU && rt->hw.target == NULL) {
    const nf_speeds s = nf_hw_measure(rt->hw.features, rt->threads);
    *out = speeds(&s);
  }
  return nf_ok();
}

infuse_error *infuse_measure(infuse_runtime *rt, infuse_sink sink, void *user) {
  json_t *now;
  NF_TELL(NF_GIVEN({"runtime", rt != NULL}, {"sink", sink != NULL}));
  NF_TELL(nf_runtime_check_idle(rt));
  NF_TELL(measure_now(rt, &now));
  json_t *doc = json_pack("{s:s, s:o}", "schema", "infuse.measure/1", "measured", now);
  return nf_document_deliver(doc, sink, user).error;
}

infuse_error *infuse_devices(infuse_runtime *rt, infuse_sink sink, void *user) {
  NF_TELL(NF_GIVEN({"runtime", rt != NULL}, {"sink", sink != NULL}));
  json_t *figures = measured(rt); // which the target's roofline is made of
  json_t *here = json_array(), *missing = json_array();
  if (!is_gpu(rt)) nf_document_append(&here, nf_target_document(rt));
  list_gpus(rt, "cuda", nf_device_cuda, &here, &missing);
  list_gpus(rt, "hip", nf_device_hip, &here, &missing);
  json_t *doc = json_pack("{s:s, s:o, s:o, s:o, s:o}", "schema", "infuse.devices/1", "devices", here,
                          "topology", topology(rt), "measured", figures, "unavailable", missing);
  return nf_document_deliver(doc, sink, user).error;
}
