// SPDX-License-Identifier: Apache-2.0
// AMD's GPUs, through the HIP runtime: what HIP has otherwise than CUDA.
//
// HSA, on which HIP stands, would be one library less, but it has neither streams nor graphs: packets,
// signals, kernel arguments and the order of copies would be ours to write, without a GPU to try them on. HIP
// has CUDA's calls under other names, so that nearly all of what runs here is what runs there.
#include "device/gpu.h"
#include <string.h>

// The name changes with the major version; what we call has not changed since 6.
static const char *const libraries[] = {"libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so", NULL};

// Code objects are made for exactly these.
static const struct {
  const char *name;
  uint64_t feature;
} architectures[] = {{"gfx942", NF_GPU(GFX942)}, {"gfx950", NF_GPU(GFX950)}};

static nf_status hip_know(nf_gpu *g, nf_hw *out, uint64_t *silicon) {
  nf_hip_properties p = {0};
  NF_TRY(NF_HIP_DO(g, properties, &p, g->device));
  const int n = (int)strcspn(p.architecture, ":"); // behind it are modes
  for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++) {
    if (strlen(architectures[i].name) != (size_t)n || memcmp(architectures[i].name, p.architecture, n) != 0)
      continue;
    out->multiprocessors = p.multiprocessors;
    *silicon = out->features = architectures[i].feature;
    return nf_ok();
  }
  return nf_error(NF_UNAVAILABLE, "GPU %d is a %.*s; infuse has code for gfx942 and gfx950", g->index, n,
                  p.architecture);
}

static int hip_enter(nf_gpu *g) { return g->api.hip.device_set(g->device); }

static nf_status hip_reach(nf_gpu *g, const nf_gpu *peer) {
  const int code = g->api.hip.device_peer(peer->device, 0);
  return nf_gpu_status(g, NF_HIP_device_peer, code == NF_GPU_PEER_ALREADY ? 0 : code);
}

static nf_status hip_copy(nf_gpu *g, void *to, const void *from, size_t bytes, void *stream) {
  return NF_HIP_DO(g, copy, to, from, bytes, NF_HIP_COPY_ANY, stream);
}

static nf_status hip_load(nf_gpu *g, const void *image, size_t, void **out) {
  return NF_HIP_DO(g, module_load, out, image);
}

// Kernels have one parameter, a struct.
static nf_status hip_launch(nf_gpu *g, const nf_launch *l, void *stream, bool) {
  const nf_grid *grid = &l->grid;
  void *args = (void *)l->args;
  return NF_HIP_DO(g, launch, l->function, grid->blocks[0], grid->blocks[1], grid->blocks[2],
                   grid->threads[0], grid->threads[1], grid->threads[2], (unsigned)grid->shared, stream,
                   &args, NULL);
}

const nf_gpu_maker nf_hip_maker = {.libraries = libraries,
                                   .backend = NF_BACKEND_HIP,
                                   .blas = NF_HIPBLASLT,
                                   .versions = "HIP",
                                   .least = 60000000,
                                   .major = 10000000,
                                   .minor = 100000,
                                   .know = hip_know,
                                   .enter = hip_enter,
                                   .enters = NF_HIP_device_set,
                                   .reach = hip_reach,
                                   .copy = hip_copy,
                                   .load = hip_load,
                                   .launch = hip_launch};
