// SPDX-License-Identifier: Apache-2.0
// Runtimes: options, log, threads and the device, from a table of the devices there are, or a target that is
// not.
#include "base/cores.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "kernels/gpu/images.h"
#include <stdio.h>
#include <string.h>

typedef struct device_row {
  const char *name;
  nf_backend backend;
  nf_dtype activation;
  nf_fuse_mode fuse;
  bool computes; // needs threads: to run kernels, or to load weights and draw tokens
  nf_status (*make)(nf_threads *threads, nf_device **out);
} device_row;
static nf_status make_null(nf_threads *, nf_device **out) { return nf_device_null(out); }
static nf_status make_cuda(nf_threads *, nf_device **out) { return nf_device_cuda(0, out); }
static nf_status make_hip(nf_threads *, nf_device **out) { return nf_device_hip(0, out); }
// The references are a graph as it is said, in float32.
static const device_row devices[] = {
    {"cpu", NF_BACKEND_CPU, NF_BF16, NF_FUSE_COST, true, nf_device_host},
    {"ref", NF_BACKEND_REF, NF_F32, NF_FUSE_OFF, true, nf_device_host},
    {"cuda", NF_BACKEND_CUDA, NF_BF16, NF_FUSE_COST, true, make_cuda},
    {"hip", NF_BACKEND_HIP, NF_BF16, NF_FUSE_COST, true, make_hip},
    {"null", NF_BACKEND_CPU, NF_BF16, NF_FUSE_COST, false, make_null},
};
enum { N_DEVICES = sizeof devices / sizeof *devices };

static void forward_log(void *user, nf_level level, const char *line) {
  const infuse_runtime_options *o = user;
  o->log(o->user, (infuse_level)level, line);
}

static bool forward_progress(void *user, const char *what, uint64_t done, uint64_t total) {
  const infuse_runtime_options *o = user;
  return o->progress(o->user, what, done, total);
}

static nf_status find_device(const char *name, const device_row **out) {
  const char *names[N_DEVICES];
  for (int i = 0; i < N_DEVICES; i++) {
    names[i] = devices[i].name;
    if (strcmp(name, devices[i].name) == 0) return *out = &devices[i], nf_ok();
  }
  const char *near = nf_nearest(name, names, N_DEVICES);
  return nf_error(NF_USAGE, "unknown device '%s'%s%s; there are cpu, cuda, hip, ref and null", name,
                  near != NULL ? ", did you mean " : "", near != NULL ? near : "");
}

// A target's kernels run on nothing that is here; the null device stands in for it.
static nf_status init_target(infuse_runtime *rt, const device_row *row, bool device_given) {
  NF_TRY(nf_hw_target(rt->options.target, &rt->hw));
  rt->options.target = rt->hw.target;
  if (rt->options.cpu != NULL) NF_TRY(nf_hw_mask(&rt->hw, rt->options.cpu));
  if (device_given && row->computes)
    return nf_error(NF_UNAVAILABLE,
                    "target %s is not here for device %s to run: leave out the device, or give null",
                    rt->options.target, row->name);
  rt->plans_only = !device_given;
  if (rt->plans_only) rt->options.device = nf_backend_name(rt->hw.backend);
  return nf_device_null(&rt->device);
}

nf_status nf_runtime_check_idle(const infuse_runtime *rt) {
  if (rt->in_flight == NULL) return nf_ok();
  return nf_error(NF_USAGE, "a step of this runtime was begun; infuse_step_wait comes first");
}

nf_status nf_runtime_check_runs(const infuse_runtime *rt) {
  if (!rt->plans_only) return nf_runtime_check_idle(rt);
  return nf_error(NF_UNAVAILABLE,
                  "target %s (%s) is not here: it can be planned for (explain, or device null), not run on",
                  rt->options.target, rt->hw.name);
}

nf_runner nf_runtime_runner(const infuse_runtime *rt) {
  return (nf_runner){.threads = rt->threads,
                     .device = rt->module != NULL ? rt->device : NULL,
                     .module = rt->module,
                     .hw = &rt->hw};
}

static nf_status create_threads(infuse_runtime *rt) {
  NF_TRY(nf_threads_create(rt->options.threads, &rt->threads));
  const nf_cores_allowed a = nf_allowed_cores();
  const int n = nf_threads_count(rt->threads), usable = nf_cores_of(&a);
  char quota[64] = "";
  if (a.quota > 0) snprintf(quota, sizeof quota, " (a quota leaves %.4g CPUs' time)", a.quota);
  if (n > usable)
    nf_log_print(&rt->log, NF_LOG_WARNING, "%d threads share %d core%s%s: they wait for each other's turns",
                 n, usable, usable == 1 ? "" : "s", quota);
  return nf_ok();
}

void nf_runtime_know_figures(infuse_runtime *rt) {
  if (rt->figures_known || rt->threads == NULL || rt->hw.backend != NF_BACKEND_CPU) return;
  rt->figures_known = true;
  if (strcmp(rt->options.figures, "stated") == 0) return;
  const bool anew = strcmp(rt->options.figures, "anew") == 0;
  rt->measured = nf_hw_figures(&rt->hw, rt->threads, anew, &rt->log, &rt->speeds);
  if (rt->measured) nf_hw_use(&rt->hw, &rt->speeds);
}

nf_status nf_runtime_know_memory(infuse_runtime *rt) {
  if (rt->module == NULL) return nf_ok();
  nf_hw now;
  NF_TRY(nf_device_describe(rt->device, &now));
  return rt->hw.memory = now.memory, nf_ok();
}

static nf_status check_figures(infuse_runtime_options *o) {
  static const char *const known[] = {"measured", "anew", "stated"};
  const char *asked = o->figures != NULL ? o->figures : known[0];
  for (int i = 0; i < 3; i++)
    if (strcmp(asked, known[i]) == 0) return o->figures = known[i], nf_ok(); // the caller's may go
  return nf_error(NF_USAGE, "figures '%s' are not known; there are measured, anew and stated", asked);
}

// What the GPU is, and its kernels.
static nf_status open_gpu(infuse_runtime *rt) {
  nf_image image;
  NF_TRY(nf_device_describe(rt->device, &rt->hw));
  NF_TRY(nf_gpu_image(&rt->hw, &image));
  nf_status st = nf_module_load(rt->device, image.data, image.bytes, &rt->module);
  if (nf_status_code(st) != NF_BAD_INPUT) return st;
  const nf_status why =
      nf_error(NF_UNAVAILABLE, "device %s does not take our kernels: %s", rt->options.device,
               nf_status_message(st)); // which nobody gave us
  nf_status_free(st);
  return why;
}

static nf_status init(infuse_runtime *rt) {
  const infuse_runtime_options *o = &rt->options;
  if (o->threads < 0 || o->threads > 4096)
    return nf_error(NF_USAGE, "%d threads: give 1 to 4096, or 0 for one per core", o->threads);
  NF_TRY(check_figures(&rt->options));
  NF_TRY(nf_check_tune(&rt->options));
  NF_TRY(nf_rules_create(&rt->rules));
  const device_row *row = NULL;
  const bool device_given = o->device != NULL;
  NF_TRY(find_device(device_given ? o->device : "cpu", &row));
  rt->options.device = row->name;
  rt->activation = row->activation;
  rt->fuse = row->fuse;
  rt->log = (nf_log){.level = (nf_level)o->log_level,
                     .write = o->log != NULL ? forward_log : NULL,
                     .progress = o->progress != NULL ? forward_progress : NULL,
                     .user = &rt->options};
  if (o->target != NULL) return init_target(rt, row, device_given);
  NF_TRY(nf_hw_detect(&rt->hw));
  if (o->cpu != NULL) NF_TRY(nf_hw_mask(&rt->hw, o->cpu));
  rt->hw.backend = row->backend;
  if (row->computes) NF_TRY(create_threads(rt));
  NF_TRY(row->make(rt->threads, &rt->device), "device %s", row->name);
  return row->backend == NF_BACKEND_CUDA || row->backend == NF_BACKEND_HIP ? open_gpu(rt) : nf_ok();
}

infuse_error *infuse_runtime_create(const infuse_runtime_options *o, infuse_runtime **out) {
  infuse_runtime *rt;
  NF_TELL(NF_GIVEN({"result", out != NULL}));
  NF_TELL(nf_make(&rt, 1, sizeof *rt, "a runtime"));
  nf_status st = NF_OPTIONS(infuse_runtime_options, user, &rt->options, o);
  if (nf_is_ok(st)) st = init(rt);
  if (!nf_is_ok(st)) {
    infuse_runtime_destroy(rt);
    return st.error;
  }
  rt->computed = rt->options.computed, rt->computed_user = rt->options.user;
  *out = rt;
  return NULL;
}

infuse_error *infuse_runtime_on_computed(infuse_runtime *rt, void (*computed)(void *user), void *user) {
  NF_TELL(NF_GIVEN({"runtime", rt != NULL}));
  NF_TELL(nf_runtime_check_idle(rt));
  rt->computed = computed != NULL ? computed : rt->options.computed;
  rt->computed_user = computed != NULL ? user : rt->options.user;
  return NULL;
}

void infuse_runtime_destroy(infuse_runtime *rt) {
  if (rt == NULL) return;
  nf_tuner_destroy(rt->tuner);
  nf_rules_destroy(rt->rules);
  nf_module_unload(rt->module);
  nf_device_destroy(rt->device);
  nf_threads_destroy(rt->threads);
  nf_free(rt);
}
