// SPDX-License-Identifier: Apache-2.0
// Hopper's products of a group of four waves (lane_thread() / WIDE_LANES): 64 rows of A with n columns of B
// (n a constant: a multiple of 16 up to 128, or 256), asynchronous, sums in float32 registers. Only where
// TILE_WIDE is 1: NVIDIA's sm_90a and the host; elsewhere kernels with a body of WIDE_ONLY(…) have none, and
// launch functions leave them out (nf_gpu_is_wide). All lanes of the group come to the same calls.
//
// A product is over WIDE_STEP bytes of k: 16 numbers of bf16 or f16, 32 of e4m3.
//
//   sums    float d[n / 2]: d[4 j + 2 i + c] is that of row wide_row(i), column wide_col(j) + c
//   wide_a  A in registers, 4 bytes of k each: r[i + 2 h] is of row wide_row(i), bytes wide_k(h) .. + 3
//   tiles   rows of WIDE_LINE bytes in shared memory: B's columns, or A's rows. 16 bytes of a row lie at pack
//           wide_place(row, pack). A tile begins at a multiple of 1,024 bytes, so does any of its eighth
//           rows.
//           Of bf16 B may lie with its k as rows, too: 16 of them, 64 columns in each, the next 64 columns a
//           tile `stride` bytes behind (a multiple of 1,024): wide_turned(p, stride).
//   wide_b  wide_tile(p) is a tile's first WIDE_STEP bytes, wide_step(b, s) those of step s, of 4
//
// What a lane has written into a tile (shared_put, or lane_copy_async16 after lane_copy_wait) it shows to
// products by wide_publish(), and to those of others by a barrier behind that. Then
//
//   wide_begin();                                   sums, and A in registers, are as they shall be
//   wide_mma_bf16(n, d, a, b, add);                 some, of any d; add false: begins at 0
//   wide_mma_bf16_tiles(n, d, a, b, add);           the same with A in shared memory
//   wide_mma_bf16_turned(n, d, a, b, add);          the same with B of wide_turned
//   wide_commit();                                  they are a set
//   wide_wait(sets, n, d);                          until at most `sets` (a constant) are on their way, of
//                                                   which d is none; before that nobody touches d, A's
//                                                   registers or the tiles
//
// Sums of e4m3 keep 13 bits behind the point of the largest addend in every product: who promises float32
// sums adds them up in registers of its own every 128 of k at the latest.
#pragma once
#include "kernels/gpu/tile/tile.h"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL) || (!defined(__NVPTX__) && LANES == 32)
#define TILE_WIDE 1
#define WIDE_ONLY(...) __VA_ARGS__
#else
#define TILE_WIDE 0
#define WIDE_ONLY(...)
#endif

// Before loops over a lane's sums.
#if defined(__NVPTX__)
#define WIDE_UNROLL _Pragma("GCC unroll 128")
#else
#define WIDE_UNROLL UNROLL
#endif

enum { WIDE_LANES = 128, WIDE_ROWS = 64, WIDE_STEP = 32, WIDE_LINE = 128, WIDE_ALIGN = 1024 };
typedef struct wide_a {
  uint32_t r[4];
} wide_a;
typedef struct wide_b {
  uint64_t at;
} wide_b;

INLINE int wide_row(int i) { return lane_wave() % 4 * 16 + lane_id() / 4 + 8 * i; }
INLINE int wide_col(int j) { return 8 * j + lane_id() % 4 * 2; }
INLINE int wide_k(int h) { return 16 * h + lane_id() % 4 * 4; }
INLINE int wide_place(int row, int pack) { return row * (WIDE_LINE / 16) + (pack ^ (row & 7)); }

#if TILE_WIDE && defined(__NVPTX__)
// Rows of 128 bytes whose packs change places by the low bits of the row, 8 rows every 1,024 bytes.
INLINE wide_b wide_tile(const SHARED void *p) {
  return (wide_b){((uint32_t)(uintptr_t)p >> 4 & 0x3fff) | 1ull << 16 | 64ull << 32 | 1ull << 62};
}
INLINE wide_b wide_step(wide_b b, int step) { return (wide_b){b.at + (uint64_t)(step * (WIDE_STEP / 16))}; }
INLINE wide_b wide_turned(const SHARED void *p, int stride) {
  return (wide_b){(wide_tile(p).at & ~(0x3fffull << 16)) | (uint64_t)(stride / 16) << 16};
}
INLINE void wide_publish(void) { __asm__ volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
INLINE void wide_begin(void) { __asm__ volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
INLINE void wide_commit(void) { __asm__ volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
INLINE void wide_done(int n, float *d) {
  WIDE_UNROLL for (int i = 0; i < n / 2; i++) __asm__ volatile("" : "+f"(d[i])::"memory");
}
#define wide_wait(sets, n, d)                                                     \
  do {                                                                            \
    __asm__ volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(sets) : "memory"); \
    wide_done(n, d);                                                              \
  } while (0)

// Operands of the instruction: its sums are the first.
#define WIDE_D8(i)                                                                            \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
      "+f"(d[i + 6]), "+f"(d[i + 7])
#define WIDE_D16(i) WIDE_D8(i), WIDE_D8(i + 8)
#define WIDE_D32(i) WIDE_D16(i), WIDE_D16(i + 16)
#define WIDE_D24(i) WIDE_D16(i), WIDE_D8(i + 16)
#define WIDE_D40(i) WIDE_D32(i), WIDE_D8(i + 32)
#define WIDE_D56(i) WIDE_D48(i), WIDE_D8(i + 48)
#define WIDE_D48(i) WIDE_D32(i), WIDE_D16(i + 32)
#define WIDE_D64(i) WIDE_D32(i), WIDE_D32(i + 32)
#define WIDE_D128(i) WIDE_D64(i), WIDE_D64(i + 64)
#define WIDE_TEN(t) \
  ",%" #t "0,%" #t "1,%" #t "2,%" #t "3,%" #t "4,%" #t "5,%" #t "6,%" #t "7,%" #t "8,%" #t "9"
#define WIDE_T8 "%0,%1,%2,%3,%4,%5,%6,%7"
#define WIDE_T16 WIDE_T8 ",%8,%9,%10,%11,%12,%13,%14,%15"
#define WIDE_T30 WIDE_T8 ",%8,%9" WIDE_TEN(1) WIDE_TEN(2)
#define WIDE_T32 WIDE_T30 ",%30,%31"
#define WIDE_T24 WIDE_T8 ",%8,%9" WIDE_TEN(1) ",%20,%21,%22,%23"
#define WIDE_T40 WIDE_T30 WIDE_TEN(3)
#define WIDE_T56 WIDE_T30 WIDE_TEN(3) WIDE_TEN(4) ",%50,%51,%52,%53,%54,%55"
#define WIDE_T48 WIDE_T30 WIDE_TEN(3) ",%40,%41,%42,%43,%44,%45,%46,%47"
#define WIDE_T60 WIDE_T30 WIDE_TEN(3) WIDE_TEN(4) WIDE_TEN(5)
#define WIDE_T64 WIDE_T60 ",%60,%61,%62,%63"
#define WIDE_T120 WIDE_T60 WIDE_TEN(6) WIDE_TEN(7) WIDE_TEN(8) WIDE_TEN(9) WIDE_TEN(10) WIDE_TEN(11)
#define WIDE_T128 WIDE_T120 ",%120,%121,%122,%123,%124,%125,%126,%127"

#define WIDE_CASE(n, sums, type, a_text, end, ...)                                                           \
  case n:                                                                                                    \
    __asm__ volatile("{.reg .pred p; setp.ne.b32 p, %[add], 0;"                                              \
                     "wgmma.mma_async.sync.aligned.m64n" #n type "{" WIDE_T##sums "}, " a_text               \
                                                                                  ", %[b], p, 1, 1" end ";}" \
                     : WIDE_D##sums(0)                                                                       \
                     : __VA_ARGS__, [b] "l"(b.at), [add] "r"((int)add));                                     \
    return;
#define WIDE_MMA(name, a_type, ...)                                            \
  INLINE void wide_mma_##name(int n, float *d, a_type a, wide_b b, bool add) { \
    switch (n) {                                                               \
      WIDE_CASE(16, 8, __VA_ARGS__)                                            \
      WIDE_CASE(32, 16, __VA_ARGS__)                                           \
      WIDE_CASE(48, 24, __VA_ARGS__)                                           \
      WIDE_CASE(64, 32, __VA_ARGS__)                                           \
      WIDE_CASE(80, 40, __VA_ARGS__)                                           \
      WIDE_CASE(96, 48, __VA_ARGS__)                                           \
      WIDE_CASE(112, 56, __VA_ARGS__)                                          \
      WIDE_CASE(128, 64, __VA_ARGS__)                                          \
      WIDE_CASE(256, 128, __VA_ARGS__)                                         \
    }                                                                          \
  }
#define WIDE_MMA_OF(name, type, turned_b, turned)                                            \
  WIDE_MMA(name, wide_a, type, "{%[a0], %[a1], %[a2], %[a3]}",                               \
           turned_b, [a0] "r"(a.r[0]), [a1] "r"(a.r[1]), [a2] "r"(a.r[2]), [a3] "r"(a.r[3])) \
  WIDE_MMA(name##_tiles, wide_b, type, "%[a]", turned, [a] "l"(a.at))
WIDE_MMA_OF(bf16, "k16.f32.bf16.bf16 ", ", 0", ", 0, 0")
WIDE_MMA(bf16_turned, wide_a, "k16.f32.bf16.bf16 ", "{%[a0], %[a1], %[a2], %[a3]}",
         ", 1", [a0] "r"(a.r[0]), [a1] "r"(a.r[1]), [a2] "r"(a.r[2]), [a3] "r"(a.r[3]))
WIDE_MMA_OF(f16, "k16.f32.f16.f16 ", ", 0", ", 0, 0")
WIDE_MMA_OF(e4m3, "k32.f32.e4m3.e4m3 ", "", "")
#elif TILE_WIDE
#include "kernels/gpu/tile/wide_host.h"
#endif
