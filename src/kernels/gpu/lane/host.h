// SPDX-License-Identifier: Apache-2.0
// lane.h for the host: what emulator.h runs. Every use that lanes must agree about, and every access to
// shared memory, knows its place in the source.
//
// A kernel is compiled with -DNF_LANES=32 and with -DNF_LANES=64, and found by its symbol (nf_emulated_find).
#pragma once
#include "kernels/gpu/lane/emulator.h"
#include "tensor/scalar.h"
#include <math.h>
#include <threads.h>

#ifndef NF_LANES // no kernel: what runs them
#define NF_LANES 32
#endif
#define LANES NF_LANES
#define SHARED
#define HOST_INLINE static inline __attribute__((always_inline, unused))

#define LANE_PASTE_(a, b) a##_host##b
#define LANE_PASTE(a, b) LANE_PASTE_(a, b)
// Pointers to all kernels that are linked stand in one section, where nf_emulated_find looks.
#define KERNEL(name, type, most, blocks_each)                                                           \
  static void name##_body(const type *a);                                                               \
  static void name##_run(const void *a) { name##_body(a); }                                             \
  const nf_emulated_kernel LANE_PASTE(name, NF_LANES) = {#name, LANES, most, sizeof(type), name##_run}; \
  static const nf_emulated_kernel *const name##_entry __attribute__((used, section("nf_emulated"))) =   \
      &LANE_PASTE(name, NF_LANES);                                                                      \
  static void name##_body([[maybe_unused]] const type *a)

typedef struct nf_lane_site {
  const char *what, *file;
  int line;
} nf_lane_site;
// Ends the grid: this lane does not come back.
_Noreturn void nf_lane_fail(const nf_lane_site *site, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
#define LANE_SITE(call)                                           \
  ({                                                              \
    static const nf_lane_site site_ = {call, __FILE__, __LINE__}; \
    &site_;                                                       \
  })

// ---- who ----

typedef struct nf_lane_block {
  int threads, at[3], blocks[3];
} nf_lane_block;
typedef struct nf_lane_who { // the lane that runs
  int thread;
  const nf_lane_block *block;
} nf_lane_who;
extern thread_local const nf_lane_who *nf_lane_me;

HOST_INLINE int lane_thread(void) { return nf_lane_me->thread; }
HOST_INLINE int lane_threads(void) { return nf_lane_me->block->threads; }
HOST_INLINE int lane_id(void) { return lane_thread() % LANES; }
HOST_INLINE int lane_wave(void) { return lane_thread() / LANES; }
HOST_INLINE int lane_waves(void) { return lane_threads() / LANES; }
HOST_INLINE int lane_block(void) { return nf_lane_me->block->at[0]; }
HOST_INLINE int lane_block_y(void) { return nf_lane_me->block->at[1]; }
HOST_INLINE int lane_block_z(void) { return nf_lane_me->block->at[2]; }
HOST_INLINE int lane_blocks(void) { return nf_lane_me->block->blocks[0]; }
HOST_INLINE int lane_blocks_y(void) { return nf_lane_me->block->blocks[1]; }

// ---- waves and blocks ----

uint32_t nf_lane_shuffle(const nf_lane_site *site, uint32_t v, int from);
uint32_t nf_lane_shuffle_xor(const nf_lane_site *site, uint32_t v, int mask);
uint64_t nf_lane_ballot(const nf_lane_site *site, bool b);
void nf_lane_sync(const nf_lane_site *site);
void nf_block_sync(const nf_lane_site *site);
#define lane_shuffle(v, from) nf_lane_shuffle(LANE_SITE("lane_shuffle"), v, from)
#define lane_shuffle_xor(v, mask) nf_lane_shuffle_xor(LANE_SITE("lane_shuffle_xor"), v, mask)
#define lane_shuffle_f32(v, from) \
  nf_of_bits(nf_lane_shuffle(LANE_SITE("lane_shuffle_f32"), nf_bits_of(v), from))
#define lane_shuffle_xor_f32(v, mask) \
  nf_of_bits(nf_lane_shuffle_xor(LANE_SITE("lane_shuffle_xor_f32"), nf_bits_of(v), mask))
// Of lane.h's sums and maxima over groups of n lanes: one meeting, in the order of the shuffles.
float nf_lane_sum_of(const nf_lane_site *site, float v, int n);
float nf_lane_max_of(const nf_lane_site *site, float v, int n);
#define lane_sum_of(v, n) nf_lane_sum_of(LANE_SITE("lane_sum_of"), v, n)
#define lane_max_of(v, n) nf_lane_max_of(LANE_SITE("lane_max_of"), v, n)
#define lane_ballot(b) nf_lane_ballot(LANE_SITE("lane_ballot"), b)
#define lane_sync() nf_lane_sync(LANE_SITE("lane_sync"))
#define block_sync() nf_block_sync(LANE_SITE("block_sync"))

// A collective of the wave that is made of several, or of accesses to shared memory: errors name the place of
// the call.
const nf_lane_site *nf_lane_enter(const nf_lane_site *site);
void nf_lane_return(const nf_lane_site *outer);
#define LANE_CALL(f, ...)                                      \
  ({                                                           \
    const nf_lane_site *outer_ = nf_lane_enter(LANE_SITE(#f)); \
    __auto_type result_ = f(__VA_ARGS__);                      \
    nf_lane_return(outer_);                                    \
    result_;                                                   \
  })

// A product of tiles: lanes fill in what they have, meet, and read.
typedef struct nf_lane_tiles {
  float a[16][16], b[16][16]; // rows by k, columns by k
} nf_lane_tiles;
nf_lane_tiles *nf_lane_tiles_mine(void); // of the wave's next meeting
void nf_lane_tiles_meet(const nf_lane_site *site);

// A product of tiles of four waves, and those that are on their way: see tile/wide_host.h.
typedef struct nf_lane_wide {
  float a[64][32], b[256][32]; // rows by k, columns by k
} nf_lane_wide;
nf_lane_wide *nf_lane_wide_mine(void); // of the group's next meeting
// The lane's d, of n / 2, is on its way: inverted, and zeros at first unless `add`.
void nf_lane_wide_begin(const nf_lane_site *site, int n, float *d, bool add);
void nf_lane_wide_meet(const nf_lane_site *site);
void nf_lane_wide_fence(void);
void nf_lane_wide_publish(void);
void nf_lane_wide_commit(void);
void nf_lane_wide_wait(const nf_lane_site *site, int sets);
HOST_INLINE float nf_inverted(float x) { return nf_of_bits(~nf_bits_of(x)); }

// ---- shared memory ----

void *nf_block_shared(void);
void nf_shared_read(const nf_lane_site *site, const void *p, size_t bytes);
void nf_shared_write(const nf_lane_site *site, const void *p, size_t bytes);
void nf_shared_read_wide(const nf_lane_site *site, const void *p); // 16 bytes, by a product that goes on
void nf_lane_copy_async16(const nf_lane_site *site, void *to, const void *from, bool valid);
void nf_lane_copy_commit(void);
void nf_lane_copy_wait(const nf_lane_site *site, int n);
#define block_shared() nf_block_shared()
#define shared_get(p)                                          \
  ({                                                           \
    __auto_type at_ = (p);                                     \
    nf_shared_read(LANE_SITE("shared_get"), at_, sizeof *at_); \
    *at_;                                                      \
  })
#define shared_put(p, ...)                                      \
  do {                                                          \
    __auto_type at_ = (p);                                      \
    const __typeof__(*at_) value_ = (__VA_ARGS__);              \
    nf_shared_write(LANE_SITE("shared_put"), at_, sizeof *at_); \
    *at_ = value_;                                              \
  } while (0)
#define lane_copy_async16(to, from, valid) \
  nf_lane_copy_async16(LANE_SITE("lane_copy_async16"), to, from, valid)
#define lane_copy_commit() nf_lane_copy_commit()
#define lane_copy_wait(n) nf_lane_copy_wait(LANE_SITE("lane_copy_wait"), n)

// ---- clusters ----

void nf_cluster_arrive(const nf_lane_site *site);
void nf_cluster_wait(const nf_lane_site *site);
void *nf_cluster_place(const nf_lane_site *site, const void *p, int rank); // of the other block, checked
#define cluster_arrive() nf_cluster_arrive(LANE_SITE("cluster_arrive"))
#define cluster_wait() nf_cluster_wait(LANE_SITE("cluster_wait"))
#define cluster_put16(p, rank, ...)                                           \
  do {                                                                        \
    const u32x4 value_ = (__VA_ARGS__);                                       \
    *(u32x4 *)nf_cluster_place(LANE_SITE("cluster_put16"), p, rank) = value_; \
  } while (0)

// ---- global memory ----

const void *nf_lane_loaded(const nf_lane_site *site, const void *p); // p, checked
void *nf_lane_stored(const nf_lane_site *site, void *p);
void nf_lane_prefetch(const nf_lane_site *site, const void *p); // checked
uint32_t nf_lane_atomic_add(const nf_lane_site *site, uint32_t *p, uint32_t v);
#define lane_load16(p) (*(const u32x4 *)nf_lane_loaded(LANE_SITE("lane_load16"), p))
#define lane_load16_once(p) (*(const u32x4 *)nf_lane_loaded(LANE_SITE("lane_load16_once"), p))
#define lane_prefetch(p) nf_lane_prefetch(LANE_SITE("lane_prefetch"), p)
#define lane_store16(p, ...)                                         \
  do {                                                               \
    const u32x4 value_ = (__VA_ARGS__);                              \
    *(u32x4 *)nf_lane_stored(LANE_SITE("lane_store16"), p) = value_; \
  } while (0)
#define lane_atomic_add(p, v) nf_lane_atomic_add(LANE_SITE("lane_atomic_add"), p, v)
HOST_INLINE void lane_fence(void) { __atomic_thread_fence(__ATOMIC_ACQ_REL); }

// ---- launches ----

void nf_lane_wait(const nf_lane_site *site);
#define lane_wait() nf_lane_wait(LANE_SITE("lane_wait"))
HOST_INLINE void lane_release(void) {}

// ---- numbers ----

HOST_INLINE float lane_exp2(float x) { return exp2f(x); }
HOST_INLINE float lane_log2(float x) { return log2f(x); }
HOST_INLINE float lane_rcp(float x) { return 1 / x; }
HOST_INLINE float lane_rsqrt(float x) { return 1 / sqrtf(x); }
HOST_INLINE float lane_sqrt(float x) { return sqrtf(x); }
HOST_INLINE uint16_t f32_to_bf16(float x) { return nf_bf16_encode(x); }
HOST_INLINE uint32_t f32x2_to_bf16x2(float lo, float hi) {
  return nf_bf16_encode(lo) | (uint32_t)nf_bf16_encode(hi) << 16;
}
HOST_INLINE float f16_to_f32(uint16_t x) { return nf_f16_decode(x); }
HOST_INLINE uint16_t f32_to_f16(float x) { return nf_f16_encode(x); }
HOST_INLINE float e4m3_to_f32(uint8_t x) { return nf_e4m3_decode(x); }
HOST_INLINE uint32_t e4m3x2_to_f16x2(uint16_t x) {
  return nf_f16_encode(nf_e4m3_decode((uint8_t)x)) |
         (uint32_t)nf_f16_encode(nf_e4m3_decode((uint8_t)(x >> 8))) << 16;
}
HOST_INLINE uint8_t f32_to_e4m3(float x) { return nf_e4m3_encode(x); }
HOST_INLINE uint16_t f32_to_e4m3x2(float lo, float hi) {
  return (uint16_t)(nf_e4m3_encode(lo) | nf_e4m3_encode(hi) << 8);
}
