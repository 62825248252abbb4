// SPDX-License-Identifier: Apache-2.0
// The compiled kernels of each GPU, as bytes of this library.
#include "kernels/gpu/images.h"

#if defined(NF_GPU_IMAGES)
#define IMAGE(name, ...)                                                                              \
  __asm__(".section .rodata\n.balign 64\nnf_gpu_image_" #name ":\n" __VA_ARGS__ "nf_gpu_image_" #name \
          "_end:\n"                                                                                   \
          ".previous\n");                                                                             \
  extern const char nf_gpu_image_##name[], nf_gpu_image_##name##_end[];
#define BYTES_OF(file) ".incbin \"" NF_GPU_IMAGES "/" file "\"\n"
// PTX is text and ends with a zero; what is behind it: nf_module_load.
IMAGE(sm_90a, BYTES_OF("sm_90a.ptx") ".byte 0\n.balign 64\n" BYTES_OF("sm_90a.cubin"))
IMAGE(sm_90, BYTES_OF("sm_90.ptx") ".byte 0\n")
IMAGE(gfx942, BYTES_OF("gfx942.co"))
IMAGE(gfx950, BYTES_OF("gfx950.co"))
#undef BYTES_OF
#undef IMAGE

// What has two features loads the first.
static const struct {
  uint64_t feature;
  const char *begin, *end;
} images[] = {
#define IMAGE(id, name) {NF_GPU(id), nf_gpu_image_##name, nf_gpu_image_##name##_end},
    IMAGE(SM_90A, sm_90a) IMAGE(SM_90, sm_90) IMAGE(GFX942, gfx942) IMAGE(GFX950, gfx950)};

nf_status nf_gpu_image(const nf_hw *hw, nf_image *out) {
  for (size_t i = 0; i < sizeof images / sizeof *images; i++)
    if (hw->features & images[i].feature)
      return *out = (nf_image){images[i].begin, (size_t)(images[i].end - images[i].begin)}, nf_ok();
  return nf_error(NF_UNAVAILABLE, "no kernels were built for %s", hw->name);
}
#else
nf_status nf_gpu_image(const nf_hw *hw, nf_image *out) {
  return (void)out, nf_error(NF_UNAVAILABLE, "this library was built without kernels for %s (INFUSE_GPU=OFF)",
                             nf_backend_name(hw->backend));
}
#endif
