// SPDX-License-Identifier: Apache-2.0
// NVIDIA's GPUs, through the driver's own library: what CUDA has otherwise than HIP.
#include "base/checked.h"
#include "base/memory.h"
#include "device/gpu.h"
#include <string.h>

// Not libcuda.so, which where an SDK is installed may be a stub to link with.
static const char *const libraries[] = {"libcuda.so.1", NULL};

// Our code is PTX for capability 9.0, once with what only that chip has (sm_90a) and once without, of which
// the driver makes machine code for later ones too (and keeps that in a cache of its own: CUDA_CACHE_PATH).
// So all of them have the feature of what they run, sm_90, and of what they are only their figures.
static nf_status cuda_know(nf_gpu *g, nf_hw *out, uint64_t *silicon) {
  int major, minor;
  NF_TRY(NF_CUDA_DO(g, device_attribute, &major, NF_CUDA_MAJOR, g->device));
  NF_TRY(NF_CUDA_DO(g, device_attribute, &minor, NF_CUDA_MINOR, g->device));
  NF_TRY(NF_CUDA_DO(g, device_attribute, &out->multiprocessors, NF_CUDA_MULTIPROCESSORS, g->device));
  NF_TRY(NF_CUDA_DO(g, device_attribute, &g->shared_most, NF_CUDA_SHARED_MOST, g->device));
  if (major < 9)
    return nf_error(NF_UNAVAILABLE, "GPU %d has compute capability %d.%d; infuse needs 9.0 (Hopper) or later",
                    g->index, major, minor);
  g->capability = 10 * major + minor;
  const uint64_t hopper = NF_GPU(SM_90) | NF_GPU(SM_90A);
  out->features = major == 9 ? hopper : NF_GPU(SM_90);
  *silicon = major == 9 ? hopper : NF_GPU(SM_100);
  return nf_ok();
}

static int cuda_enter(nf_gpu *g) { return g->api.cuda.context_set(g->context); }

static nf_status cuda_open(nf_gpu *g) {
  NF_TRY(NF_CUDA_DO(g, context_retain, &g->context, g->device));
  return nf_gpu_status(g, NF_CUDA_context_set, cuda_enter(g));
}

static void cuda_close(nf_gpu *g) { g->api.cuda.context_release(g->device); }

static nf_status cuda_reach(nf_gpu *g, const nf_gpu *peer) {
  const int code = g->api.cuda.context_peer(peer->context, 0);
  return nf_gpu_status(g, NF_CUDA_context_peer, code == NF_GPU_PEER_ALREADY ? 0 : code);
}

// Host and devices share one space of addresses: the driver sees where each is.
static nf_status cuda_copy(nf_gpu *g, void *to, const void *from, size_t bytes, void *stream) {
  return NF_CUDA_DO(g, copy, to, from, bytes, stream);
}

// PTX up to a 0 byte, or machine code, which says itself how long it is. What the driver's compiler has
// against PTX begins with what is wrong.
static nf_status load_one(nf_gpu *g, const char *image, void **out) {
  static const int options[] = {NF_CUDA_ERROR_LOG, NF_CUDA_ERROR_LOG_BYTES};
  char log[1024] = "";
  void *values[] = {log, (void *)sizeof log};
  nf_status st = NF_CUDA_DO(g, module_load, out, image, 2, options, values);
  if (nf_is_ok(st) || *log == 0) return st;
  log[strcspn(log, "\n")] = 0;
  const nf_status told =
      nf_error(nf_status_code(st), "%s: %.*s", nf_status_message(st), (int)sizeof log, log);
  nf_status_free(st);
  return told;
}

// Machine code behind the text, which stands at a multiple of 64 bytes; NULL: none, or of another GPU than
// this.
static const char *machine_code(const nf_gpu *g, const char *image, size_t bytes) {
  const size_t text = strnlen(image, bytes), at = (size_t)nf_round_up((int64_t)text + 1, 64);
  return g->capability == 90 && at < bytes ? image + at : NULL;
}

// Of a driver that is older than what made the machine code, the compiler is asked after all.
static nf_status load_image(nf_gpu *g, const char *image, size_t bytes, void **out) {
  const char *code = machine_code(g, image, bytes);
  if (code != NULL) {
    const nf_status st = load_one(g, code, out);
    if (nf_status_code(st) != NF_BAD_INPUT) return st;
    nf_status_free(st);
  }
  return load_one(g, image, out);
}

static nf_status cuda_load(nf_gpu *g, const void *image, size_t bytes, void **out) {
  char *copy = bytes < SIZE_MAX / 2 ? nf_alloc_aligned(bytes + 1) : NULL;
  if (copy == NULL) return nf_error(NF_NO_MEMORY, "no memory for a module's %zu bytes", bytes);
  memcpy(copy, image, bytes);
  copy[bytes] = 0;
  const nf_status st = load_image(g, copy, bytes, out);
  nf_free_aligned(copy);
  return st;
}

// A block may have as much shared memory as there is; without this, 48 KiB.
static nf_status cuda_prepare(nf_gpu *g, const void *function) {
  int fixed;
  NF_TRY(NF_CUDA_DO(g, function_get, &fixed, NF_CUDA_FUNCTION_SHARED, function));
  return NF_CUDA_DO(g, function_set, function, NF_CUDA_FUNCTION_DYNAMIC, g->shared_most - fixed);
}

// Kernels have one parameter, a struct. One behind another may begin before that has ended, and waits where
// it needs to (lane_wait).
static nf_status cuda_launch(nf_gpu *g, const nf_launch *l, void *stream, bool behind) {
  const nf_grid *grid = &l->grid;
  nf_cuda_attribute attribute[2] = {{.id = NF_CUDA_PROGRAMMATIC, .value.on = 1}};
  unsigned attributes = behind;
  if (grid->cluster > 1)
    attribute[attributes++] =
        (nf_cuda_attribute){.id = NF_CUDA_CLUSTER, .value.blocks = {1, grid->cluster, 1}};
  const nf_cuda_launch launch = {
      .blocks = {grid->blocks[0], grid->blocks[1], grid->blocks[2]},
      .threads = {grid->threads[0], grid->threads[1], grid->threads[2]},
      .shared = (unsigned)grid->shared,
      .stream = stream,
      .attribute = attributes > 0 ? attribute : NULL,
      .attributes = attributes,
  };
  void *args = (void *)l->args;
  return NF_CUDA_DO(g, launch, &launch, l->function, &args, NULL);
}

// Version 12.0: the first that takes our PTX.
const nf_gpu_maker nf_cuda_maker = {.libraries = libraries,
                                    .backend = NF_BACKEND_CUDA,
                                    .blas = NF_CUBLASLT,
                                    .versions = "CUDA",
                                    .least = 12000,
                                    .major = 1000,
                                    .minor = 10,
                                    .know = cuda_know,
                                    .open = cuda_open,
                                    .close = cuda_close,
                                    .enter = cuda_enter,
                                    .enters = NF_CUDA_context_set,
                                    .reach = cuda_reach,
                                    .copy = cuda_copy,
                                    .load = cuda_load,
                                    .prepare = cuda_prepare,
                                    .launch = cuda_launch};
