// SPDX-License-Identifier: Apache-2.0
// lane.h for NVIDIA and AMD, over clang's gpuintrin.h and, where that has nothing, one instruction each.
#pragma once
#include <gpuintrin.h>

#define SHARED __gpu_local
#define GPU_INLINE static inline __attribute__((always_inline, unused))

#if defined(__NVPTX__)
#define LANES 32
// PTX has no attribute for these in C: cmake/ptx_join.awk moves them from the body to the entry.
#define KERNEL_BOUNDS(threads, blocks_each) \
  __asm__ volatile("// @bounds " #threads " " #blocks_each ::: "memory")
#define KERNEL_ATTRIBUTES(threads)
#else
#define LANES 64
#define KERNEL_BOUNDS(threads, blocks_each)
#define KERNEL_ATTRIBUTES(threads) __attribute__((amdgpu_flat_work_group_size(LANES, threads)))
#endif

#define KERNEL(name, type, threads, blocks_each)                    \
  GPU_INLINE void name##_body(const type *a);                       \
  KERNEL_ATTRIBUTES(threads) __gpu_kernel void name(const type a);  \
  KERNEL_ATTRIBUTES(threads) __gpu_kernel void name(const type a) { \
    KERNEL_BOUNDS(threads, blocks_each);                            \
    name##_body(&a);                                                \
  }                                                                 \
  GPU_INLINE void name##_body(const type *a)

// ---- who ----

GPU_INLINE int lane_thread(void) { return (int)__gpu_thread_id_x(); }
GPU_INLINE int lane_threads(void) { return (int)__gpu_num_threads_x(); }
GPU_INLINE int lane_id(void) { return lane_thread() % LANES; }
GPU_INLINE int lane_wave(void) { return lane_thread() / LANES; }
GPU_INLINE int lane_waves(void) { return lane_threads() / LANES; }
GPU_INLINE int lane_block(void) { return (int)__gpu_block_id_x(); }
GPU_INLINE int lane_block_y(void) { return (int)__gpu_block_id_y(); }
GPU_INLINE int lane_block_z(void) { return (int)__gpu_block_id_z(); }
GPU_INLINE int lane_blocks(void) { return (int)__gpu_num_blocks_x(); }
GPU_INLINE int lane_blocks_y(void) { return (int)__gpu_num_blocks_y(); }

// ---- waves and blocks ----

#define WHOLE_WAVE (LANES == 64 ? ~0ull : 0xffffffffull)
GPU_INLINE uint32_t lane_shuffle(uint32_t v, int from) {
  return __gpu_shuffle_idx_u32(WHOLE_WAVE, (uint32_t)from, v, LANES);
}
GPU_INLINE float lane_shuffle_f32(float v, int from) {
  return __builtin_bit_cast(float, lane_shuffle(__builtin_bit_cast(uint32_t, v), from));
}
#if defined(__NVPTX__)
GPU_INLINE uint32_t lane_shuffle_xor(uint32_t v, int mask) {
  return (uint32_t)__nvvm_shfl_sync_bfly_i32(0xffffffff, (int)v, mask, 31);
}
#else
GPU_INLINE uint32_t lane_shuffle_xor(uint32_t v, int mask) { return lane_shuffle(v, lane_id() ^ mask); }
#endif
GPU_INLINE float lane_shuffle_xor_f32(float v, int mask) {
  return __builtin_bit_cast(float, lane_shuffle_xor(__builtin_bit_cast(uint32_t, v), mask));
}
GPU_INLINE uint64_t lane_ballot(bool b) { return __gpu_ballot(WHOLE_WAVE, b); }
GPU_INLINE void lane_sync(void) { __gpu_sync_lane(WHOLE_WAVE); }
GPU_INLINE void block_sync(void) { __gpu_sync_threads(); }

// ---- shared memory ----

#if defined(__NVPTX__)
extern SHARED u32x4 nf_gpu_shared[] __attribute__((aligned(1024)));
#else
extern SHARED u32x4 nf_gpu_shared[];
#endif
#define block_shared() ((SHARED void *)nf_gpu_shared)
#define shared_get(p) (*(p))
#define shared_put(p, ...) (*(p) = (__VA_ARGS__))

#if defined(__NVPTX__)
GPU_INLINE void lane_copy_async16(SHARED void *to, const void *from, bool valid) {
  __asm__ volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((uint32_t)(uintptr_t)to), "l"(from),
                   "r"(valid ? 16 : 0)
                   : "memory");
}
GPU_INLINE void lane_copy_commit(void) { __asm__ volatile("cp.async.commit_group;" ::: "memory"); }
#define lane_copy_wait(n) __asm__ volatile("cp.async.wait_group %0;" ::"n"(n) : "memory")
#else
GPU_INLINE void lane_copy_async16(SHARED void *to, const void *from, bool valid) {
  *(SHARED u32x4 *)to = valid ? *(const u32x4 *)from : (u32x4){0};
}
GPU_INLINE void lane_copy_commit(void) {}
#define lane_copy_wait(n) ((void)(n))
#endif

// ---- clusters ----

#if defined(__NVPTX__)
GPU_INLINE void cluster_arrive(void) { __asm__ volatile("barrier.cluster.arrive.release;" ::: "memory"); }
GPU_INLINE void cluster_wait(void) { __asm__ volatile("barrier.cluster.wait.acquire;" ::: "memory"); }
GPU_INLINE void cluster_put16(SHARED u32x4 *p, int rank, u32x4 v) {
  __asm__ volatile("{.reg .b32 at; mapa.shared::cluster.u32 at, %0, %1;"
                   "st.shared::cluster.v4.b32 [at], {%2, %3, %4, %5};}" ::"r"((uint32_t)(uintptr_t)p),
                   "r"(rank), "r"(v[0]), "r"(v[1]), "r"(v[2]), "r"(v[3])
                   : "memory");
}
#else // no launch has any
GPU_INLINE void cluster_arrive(void) {}
GPU_INLINE void cluster_wait(void) {}
GPU_INLINE void cluster_put16(SHARED u32x4 *p, int rank, u32x4 v) { (void)rank, *p = v; }
#endif

// ---- global memory ----

GPU_INLINE u32x4 lane_load16(const void *p) { return *(const u32x4 *)p; }
GPU_INLINE void lane_store16(void *p, u32x4 v) { *(u32x4 *)p = v; }
#if defined(__NVPTX__)
GPU_INLINE u32x4 lane_load16_once(const void *p) {
  uint32_t a, b, c, d;
  __asm__ volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0, %1, %2, %3}, [%4];"
                   : "=r"(a), "=r"(b), "=r"(c), "=r"(d)
                   : "l"(p));
  return (u32x4){a, b, c, d};
}
GPU_INLINE void lane_prefetch(const void *p) { __asm__ volatile("prefetch.global.L2 [%0];" ::"l"(p)); }
#else
GPU_INLINE void lane_prefetch(const void *p) { (void)p; }
GPU_INLINE u32x4 lane_load16_once(const void *p) { return __builtin_nontemporal_load((const u32x4 *)p); }
#endif
GPU_INLINE uint32_t lane_atomic_add(uint32_t *p, uint32_t v) {
  return __scoped_atomic_fetch_add(p, v, __ATOMIC_RELAXED, __MEMORY_SCOPE_DEVICE);
}
#if defined(__NVPTX__)
// clang makes a fence for the whole system of one for the device.
GPU_INLINE void lane_fence(void) { __asm__ volatile("fence.acq_rel.gpu;" ::: "memory"); }
#else
GPU_INLINE void lane_fence(void) { __scoped_atomic_thread_fence(__ATOMIC_ACQ_REL, __MEMORY_SCOPE_DEVICE); }
#endif

// ---- launches ----

#if defined(__NVPTX__)
GPU_INLINE void lane_wait(void) { __asm__ volatile("griddepcontrol.wait;" ::: "memory"); }
GPU_INLINE void lane_release(void) { __asm__ volatile("griddepcontrol.launch_dependents;" ::: "memory"); }
#else // kernels of a queue run one behind the other
GPU_INLINE void lane_wait(void) {}
GPU_INLINE void lane_release(void) {}
#endif

// ---- numbers ----

#if defined(__NVPTX__)
GPU_INLINE float lane_exp2(float x) { return __nvvm_ex2_approx_ftz_f(x); }
GPU_INLINE float lane_log2(float x) { return __nvvm_lg2_approx_ftz_f(x); }
GPU_INLINE float lane_rcp(float x) { return __nvvm_rcp_approx_ftz_f(x); }
GPU_INLINE float lane_rsqrt(float x) { return __nvvm_rsqrt_approx_ftz_f(x); }
GPU_INLINE float lane_sqrt(float x) { return __nvvm_sqrt_rn_f(x); }
GPU_INLINE uint32_t f32x2_to_bf16x2(float lo, float hi) {
  uint32_t r;
  __asm__("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
  return r;
}
GPU_INLINE uint16_t f32_to_bf16(float x) { return (uint16_t)f32x2_to_bf16x2(x, 0); }
GPU_INLINE uint16_t f32_to_e4m3x2(float lo, float hi) {
  uint16_t r;
  __asm__("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(r) : "f"(hi), "f"(lo));
  return r;
}
GPU_INLINE uint8_t f32_to_e4m3(float x) { return (uint8_t)f32_to_e4m3x2(x, 0); }
// Two codes as two f16.
GPU_INLINE uint32_t e4m3x2_to_f16x2(uint16_t x) {
  uint32_t r;
  __asm__("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(r) : "h"(x));
  return r;
}
#else
GPU_INLINE float lane_exp2(float x) { return __builtin_amdgcn_exp2f(x); }
GPU_INLINE float lane_log2(float x) { return __builtin_amdgcn_logf(x); }
GPU_INLINE float lane_rcp(float x) { return __builtin_amdgcn_rcpf(x); }
GPU_INLINE float lane_rsqrt(float x) { return __builtin_amdgcn_rsqf(x); }
GPU_INLINE float lane_sqrt(float x) { return __builtin_sqrtf(x); }
GPU_INLINE uint16_t f32_to_bf16(float x) { return __builtin_bit_cast(uint16_t, (__bf16)x); }
GPU_INLINE uint32_t f32x2_to_bf16x2(float lo, float hi) {
  return f32_to_bf16(lo) | (uint32_t)f32_to_bf16(hi) << 16;
}
typedef _Float16 f16x2 __attribute__((vector_size(4)));
// gfx942's own conversions are of another FP8, with one more of bias. A NaN among weights is refused when
// they are loaded, and comes out as 480 here.
GPU_INLINE uint32_t e4m3x2_to_f16x2(uint16_t x) {
  const uint32_t wide = (x & 0xffu) | (uint32_t)(x & 0xff00) << 8;
  const uint32_t bits = (wide & 0x00800080u) << 8 | (wide & 0x007f007fu) << 7;
  return __builtin_bit_cast(uint32_t, __builtin_bit_cast(f16x2, bits) * (f16x2){256, 256});
}
GPU_INLINE uint8_t f32_to_e4m3(float x) {
  const uint32_t u = __builtin_bit_cast(uint32_t, x), sign = u >> 24 & 0x80;
  const float m = __builtin_fabsf(x);
  if (m != m) return (uint8_t)(sign | 0x7f);
  if (m >= 464) return (uint8_t)(sign | 0x7e);
  if (m < 0x1p-6f) return (uint8_t)(sign | (uint32_t)__builtin_rintf(m * 0x1p9f)); // steps of 2^-9
  const uint32_t v = __builtin_bit_cast(uint32_t, m), odd = v >> 20 & 1;
  const uint32_t code = ((v + 0x7ffff + odd) >> 20) - (120u << 3);
  return (uint8_t)(sign | (code > 0x7e ? 0x7e : code));
}
GPU_INLINE uint16_t f32_to_e4m3x2(float lo, float hi) {
  return (uint16_t)(f32_to_e4m3(lo) | f32_to_e4m3(hi) << 8);
}
#endif
GPU_INLINE float f16_to_f32(uint16_t x) { return (float)__builtin_bit_cast(_Float16, x); }
GPU_INLINE uint16_t f32_to_f16(float x) { return __builtin_bit_cast(uint16_t, (_Float16)x); }
GPU_INLINE float e4m3_to_f32(uint8_t x) { return f16_to_f32((uint16_t)e4m3x2_to_f16x2(x)); }
