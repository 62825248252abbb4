// SPDX-License-Identifier: Apache-2.0
// From a name of a library to a GPU that can be used, or to the one line that says why there is none; what
// its codes mean; and what is known of it.
#include "base/memory.h"
#include "device/blas.h"
#include <dlfcn.h>
#include <string.h>

// ---- codes ----

static const char *const symbols[NF_GPU_CALL_COUNT][2] = {
#define NF_GPU_CALL(field, cuda, hip, parameters) {#cuda, #hip},
#define NF_CUDA_CALL(field, symbol, parameters) {#symbol, NULL},
#define NF_HIP_CALL(field, symbol, parameters) {NULL, #symbol},
    NF_GPU_CALLS(NF_GPU_CALL) NF_CUDA_CALLS(NF_CUDA_CALL) NF_HIP_CALLS(NF_HIP_CALL)};

static const char *symbol_of(const nf_gpu *g, nf_gpu_call call) {
  return symbols[call][g->maker->backend == NF_BACKEND_HIP];
}

// What a code means to us; those of no row are a mistake of ours. Both makers count alike.
typedef struct meaning {
  int first, last;
  nf_code code;
  bool lost; // the device, or this process's part of it, answers nothing else from then on
} meaning;
static const meaning meanings[] = {
    {2, 2, NF_NO_MEMORY, false},       // out of memory
    {34, 36, NF_UNAVAILABLE, false},   // a stub of the library, too old a driver
    {46, 46, NF_UNAVAILABLE, true},    // somebody else has the device
    {100, 102, NF_UNAVAILABLE, false}, // no device
    {200, 200, NF_BAD_INPUT, false},   // an image that is none,
    {209, 209, NF_BAD_INPUT, false},   // or is of another device,
    {214, 214, NF_UNAVAILABLE, true},  // memory that has failed
    {217, 217, NF_UNAVAILABLE, false}, // peers that don't reach each other
    {218, 218, NF_BAD_INPUT, false},   // or has mistakes,
    {220, 220, NF_UNAVAILABLE, true},  // a link that has failed
    {221, 223, NF_BAD_INPUT, false},   // or is of another version
    {226, 226, NF_UNAVAILABLE, true},  // an error that was contained
    {500, 500, NF_BAD_INPUT, false},   // no such symbol
    {700, 700, NF_UNAVAILABLE, true},  // a kernel's access outside of memory
    {702, 702, NF_UNAVAILABLE, true},  // a kernel that did not end
    {709, 710, NF_UNAVAILABLE, true},  // a context that is gone; a kernel's assertion
    {714, 719, NF_UNAVAILABLE, true},  // a kernel's other ends
    {802, 810, NF_UNAVAILABLE, false}, // a system that is not set up for it
    {999, 999, NF_UNAVAILABLE, true},  // "unknown": nothing that can be relied on
};

static meaning meaning_of(int code) {
  for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
    if (code >= meanings[i].first && code <= meanings[i].last) return meanings[i];
  return (meaning){.code = NF_INTERNAL};
}

nf_status nf_gpu_status(nf_gpu *g, nf_gpu_call call, int code) {
  if (code == 0) return nf_ok();
  const meaning m = meaning_of(code);
  if (m.lost && g->lost == 0) g->lost = code, g->lost_in = call;
  const char *name = NULL, *text = NULL, *symbol = symbol_of(g, call);
  if (g->api.error_name(code, &name) != 0 || name == NULL) name = "a code that is not known";
  if (g->api.error_text(code, &text) != 0 || text == NULL) text = "no text";
  const char *version = strstr(symbol, "_v"); // of the symbol, which is not what people call it
  return nf_error(m.code, "%.*s: %s (%s)%s", (int)(version != NULL ? version - symbol : (long)strlen(symbol)),
                  symbol, name, text, m.lost ? "; this process can't use the device any more" : "");
}

// ---- the library ----

static nf_status load_library(nf_gpu *g) {
  const char *const *name = g->maker->libraries;
  for (; *name != NULL && g->library == NULL; name++) // drivers don't like to be unloaded
    g->library = dlopen(*name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (g->library == NULL)
    return nf_error(NF_UNAVAILABLE, "%s can't be loaded: no driver is installed here", *g->maker->libraries);
  return nf_ok();
}

static nf_status find_calls(nf_gpu *g) {
  for (int i = 0; i < NF_GPU_CALL_COUNT; i++) {
    const char *symbol = symbol_of(g, (nf_gpu_call)i);
    if (symbol == NULL) continue;
    g->api.at[i] = dlsym(g->library, symbol);
    if (g->api.at[i] == NULL)
      return nf_error(NF_UNAVAILABLE, "the driver has no %s: it is too old, infuse needs %s %d.%d or later",
                      symbol, g->maker->versions, g->maker->least / g->maker->major,
                      g->maker->least % g->maker->major / g->maker->minor);
  }
  return nf_ok();
}

// The version first: of an old driver calls are missing.
static nf_status check_version(nf_gpu *g) {
  const nf_gpu_maker *m = g->maker;
  int version = 0;
  g->api.driver_version = (int (*)(int *))dlsym(g->library, symbol_of(g, NF_GPU_driver_version));
  if (g->api.driver_version == NULL || g->api.driver_version(&version) != 0 || version >= m->least)
    return nf_ok(); // what is wrong otherwise is told by a call that says it better
  return nf_error(NF_UNAVAILABLE, "the driver is of %s %d.%d; infuse needs %d.%d or later", m->versions,
                  version / m->major, version % m->major / m->minor, m->least / m->major,
                  m->least % m->major / m->minor);
}

// ---- the device ----

static nf_status find_device(nf_gpu *g) {
  int count = 0;
  NF_TRY(NF_GPU_DO(g, init, 0));
  NF_TRY(NF_GPU_DO(g, device_count, &count));
  if (count == 0) return nf_error(NF_UNAVAILABLE, "the driver sees no GPU");
  if (g->index < 0 || g->index >= count)
    return nf_error(NF_UNAVAILABLE, "there is no GPU %d: this machine has %d, counted from 0", g->index,
                    count);
  return NF_GPU_DO(g, device_get, &g->device, g->index);
}

static nf_status open_device(nf_gpu *g) {
  nf_hw hw = {0};
  uint64_t silicon;
  NF_TRY(load_library(g));
  NF_TRY(check_version(g));
  NF_TRY(find_calls(g));
  NF_TRY(find_device(g));
  NF_TRY(g->maker->know(g, &hw, &silicon));
  if (g->maker->open != NULL) NF_TRY(g->maker->open(g));
  nf_status_free(nf_blas_open(g->maker->blas, &g->blas)); // it need not be there
  return nf_ok();
}

nf_status nf_gpu_open(const nf_gpu_maker *maker, int index, nf_gpu **out) {
  nf_gpu *g;
  NF_TRY(nf_make(&g, 1, sizeof *g, "a GPU"));
  *g = (nf_gpu){.maker = maker, .index = index};
  const nf_status st = open_device(g);
  if (nf_is_ok(st))
    *out = g;
  else
    nf_gpu_close(g);
  return st;
}

void nf_gpu_close(nf_gpu *g) {
  nf_blas_close(g->blas);
  if (g->context != NULL && g->maker->close != NULL) g->maker->close(g);
  if (g->library != NULL) dlclose(g->library);
  nf_free(g);
}

// ---- what is known ----

static double distance(uint64_t a, uint64_t b) { return a > b ? (double)(a - b) : (double)(b - a); }

// Of the rows of targets.def with the same silicon the one whose memory is nearest: an H100 and an H200 are
// told apart by nothing else. None: its figures stay unknown.
static void look_up(nf_hw *hw, uint64_t silicon, uint64_t memory) {
  nf_hw best = {0};
  const char *name;
  for (int i = 0; (name = nf_hw_target_name(i)) != NULL; i++) {
    nf_hw row;
    nf_status_free(nf_hw_target(name, &row)); // it is there
    if (row.backend == hw->backend && row.features == silicon &&
        (best.memory == 0 || distance(row.memory, memory) < distance(best.memory, memory)))
      best = row;
  }
  hw->bandwidth = best.bandwidth, hw->link = best.link, hw->links = best.links, hw->launch = best.launch;
  memcpy(hw->peak, best.peak, sizeof hw->peak);
}

nf_status nf_gpu_describe(nf_gpu *g, nf_hw *out) {
  nf_hw hw = {.backend = g->maker->backend};
  uint64_t silicon;
  size_t free, total, all;
  NF_TRY(g->maker->know(g, &hw, &silicon));
  NF_TRY(NF_GPU_DO(g, device_name, hw.name, sizeof hw.name, g->device));
  NF_TRY(NF_GPU_DO(g, device_memory, &all, g->device));
  NF_TRY(NF_GPU_DO(g, memory_info, &free, &total));
  hw.memory = free;
  look_up(&hw, silicon, all);
  hw.features |= nf_blas_feature(g->blas);
  *out = hw;
  return nf_ok();
}
