// SPDX-License-Identifier: Apache-2.0
// Kernels for the emulator's own tests. With `wrong` each has a fault, of the kind that it is named by;
// without, it is right.
#include "kernels/gpu/lane/planted.h"
#include "kernels/gpu/lane/lane.h"

INLINE SHARED float *floats(void) { return (SHARED float *)block_shared(); }
INLINE int beside(int by) { return (lane_thread() + by) % lane_threads(); }
INLINE int before(void) { return lane_thread() - (lane_thread() > 0); }

KERNEL(nf_planted_block_sync, nf_planted, 1024, 1) {
  lane_wait();
  shared_put(&floats()[lane_thread()], a->in[lane_thread()]);
  if (!a->wrong) block_sync();
  a->out[lane_thread()] = shared_get(&floats()[beside(LANES)]);
}

KERNEL(nf_planted_lane_sync, nf_planted, 1024, 1) {
  lane_wait();
  shared_put(&floats()[lane_thread()], a->in[lane_thread()]);
  if (a->wrong) (void)lane_shuffle(0, 0); // meets, but orders nothing
  if (!a->wrong) lane_sync();
  a->out[lane_thread()] = shared_get(&floats()[lane_thread() ^ 1]);
}

// lane_sync is enough within a wave only.
KERNEL(nf_planted_other_wave, nf_planted, 1024, 1) {
  lane_wait();
  shared_put(&floats()[lane_thread()], 0);
  block_sync();
  shared_put(&floats()[lane_thread()], a->in[lane_thread()]);
  if (!a->wrong) block_sync();
  lane_sync();
  a->out[lane_thread()] = shared_get(&floats()[beside(LANES)]);
}

KERNEL(nf_planted_overwrite, nf_planted, 1024, 1) {
  lane_wait();
  for (int i = 0; i < 2; i++) {
    shared_put(&floats()[lane_thread()], a->in[lane_thread()]);
    block_sync();
    a->out[lane_thread()] = shared_get(&floats()[beside(1)]);
    if (!a->wrong) block_sync();
  }
}

KERNEL(nf_planted_two_writers, nf_planted, 1024, 1) {
  lane_wait();
  if (lane_thread() == 0 || (a->wrong && lane_thread() == 9)) shared_put(&floats()[0], a->in[0]);
  block_sync();
  a->out[lane_thread()] = shared_get(&floats()[0]);
}

KERNEL(nf_planted_outside, nf_planted, 1024, 1) {
  lane_wait();
  shared_put(&floats()[lane_thread() + a->wrong], a->in[lane_thread()]);
}

KERNEL(nf_planted_unaligned, nf_planted, 1024, 1) {
  lane_wait();
  if (lane_thread() == 0) shared_put((SHARED u32x4 *)&floats()[a->wrong], (u32x4){0});
}

KERNEL(nf_planted_unwritten, nf_planted, 1024, 1) {
  lane_wait();
  if (!a->wrong || lane_thread() != 3) shared_put(&floats()[lane_thread()], a->in[lane_thread()]);
  block_sync();
  a->out[lane_thread()] = shared_get(&floats()[beside(1)]);
}

KERNEL(nf_planted_divergence, nf_planted, 1024, 1) {
  lane_wait();
  if (a->wrong && lane_thread() == 5) lane_sync();
  a->out[lane_thread()] = lane_sum(a->in[lane_thread()]);
}

KERNEL(nf_planted_two_barriers, nf_planted, 1024, 1) {
  lane_wait();
  if (a->wrong && lane_wave() == 1)
    block_sync();
  else
    block_sync();
}

KERNEL(nf_planted_early_end, nf_planted, 1024, 1) {
  lane_wait();
  if (a->wrong && lane_thread() == 7) return;
  block_sync();
}

KERNEL(nf_planted_no_wait, nf_planted, 1024, 1) {
  if (a->wrong && lane_thread() == 3) return;
  lane_wait();
}

KERNEL(nf_planted_two_waits, nf_planted, 1024, 1) {
  lane_wait();
  if (a->wrong) lane_wait();
}

KERNEL(nf_planted_early_store, nf_planted, 1024, 1) {
  if (!a->wrong) lane_wait();
  lane_store16(a->out + 4 * lane_thread(), lane_load16((const char *)a->pack + 16 * lane_thread()));
  if (a->wrong) lane_wait();
}

KERNEL(nf_planted_early_load, nf_planted, 1024, 1) {
  lane_prefetch(a->pack); // whenever it likes
  if (!a->wrong) lane_wait();
  const u32x4 v = lane_load16(a->pack);
  if (a->wrong) lane_wait();
  lane_store16(a->out + 4 * lane_thread(), v);
}

KERNEL(nf_planted_illegal_load, nf_planted, 1024, 1) {
  lane_wait();
  const int at = lane_thread() + a->wrong * lane_threads();
  lane_store16(a->out + 4 * lane_thread(), lane_load16((const char *)a->pack + 16 * at));
}

KERNEL(nf_planted_outside_global, nf_planted, 1024, 1) {
  lane_wait();
  a->out[lane_thread() + a->wrong] = 1;
}

INLINE void copy_mine(const nf_planted *a) {
  SHARED u32x4 *to = block_shared();
  lane_copy_async16(&to[lane_thread()], (const char *)a->pack + 16 * lane_thread(), true);
}
INLINE void give(const nf_planted *a, int from) {
  const u32x4 v = shared_get(&((SHARED u32x4 *)block_shared())[from]);
  lane_store16(a->out + 4 * lane_thread(), v);
}

KERNEL(nf_planted_copy, nf_planted, 1024, 1) { // one group too few is waited for
  lane_wait();
  copy_mine(a);
  lane_copy_commit();
  lane_copy_wait(a->wrong);
  block_sync();
  give(a, beside(1));
}

KERNEL(nf_planted_uncommitted_copy, nf_planted, 1024, 1) {
  lane_wait();
  copy_mine(a);
  if (!a->wrong) lane_copy_commit();
  lane_copy_wait(0);
  block_sync();
  give(a, lane_thread());
}

KERNEL(nf_planted_unpublished_copy, nf_planted, 1024, 1) {
  lane_wait();
  copy_mine(a);
  lane_copy_commit();
  if (a->wrong) block_sync();
  lane_copy_wait(0);
  if (!a->wrong) block_sync();
  give(a, lane_threads() - 1);
}

typedef struct three {
  uint32_t of[3];
} three;

KERNEL(nf_planted_structs, nf_planted, 1024, 1) {
  lane_wait();
  SHARED three *t = block_shared();
  shared_put(&t[lane_thread()], ((three){{1, 2, (uint32_t)lane_thread()}}));
  if (!a->wrong) block_sync();
  a->out[lane_thread()] = (float)shared_get(&t[before()]).of[2];
}

KERNEL(nf_planted_halves, nf_planted, 1024, 1) {
  lane_wait();
  SHARED uint16_t *half = block_shared();
  shared_put(&half[lane_thread()], f32_to_bf16(a->in[lane_thread()]));
  if (!a->wrong) block_sync();
  a->out[lane_thread()] = bf16_to_f32(shared_get(&half[before()]));
}

KERNEL(nf_planted_bytes, nf_planted, 1024, 1) {
  lane_wait();
  SHARED uint8_t *byte = block_shared();
  shared_put(&byte[lane_thread()], (uint8_t)lane_thread());
  if (!a->wrong) block_sync();
  a->out[lane_thread()] = shared_get(&byte[before()]);
}

KERNEL(nf_planted_room, nf_planted, 1024, 1) { // two sums in the same room
  lane_wait();
  const float sum = block_sum(a->in[lane_thread()], floats());
  if (!a->wrong) block_sync();
  a->out[lane_thread()] = sum + block_max(a->in[lane_thread()], floats());
}

// ---- right ones ----

KERNEL(nf_planted_collectives, nf_planted, 1024, 1) {
  lane_wait();
  const float v = a->in[lane_thread()];
  float *out = a->out + 8 * lane_thread();
  out[0] = lane_sum(v);
  out[1] = lane_max(v);
  out[2] = lane_sum_of(v, 8);
  out[3] = lane_max_of(v, 4);
  out[4] = lane_shuffle_f32(v, (lane_id() + 5) % LANES);
  out[5] = lane_shuffle_xor_f32(v, LANES / 2);
  out[6] = (float)lane_block();
  out[7] = (float)lane_threads();
  const uint64_t odd = lane_ballot(lane_id() % 2 == 1);
  a->bits[lane_thread()] = (uint32_t)(odd >> (LANES - 32));
}

// So many collectives that their time matters.
KERNEL(nf_planted_busy, nf_planted, 1024, 1) {
  lane_wait();
  float v = a->in[lane_thread()];
  for (int i = 0; i < 40; i++) {
    shared_put(&floats()[lane_thread()], lane_sum(v) / LANES);
    block_sync();
    v = shared_get(&floats()[beside(1)]);
    block_sync();
  }
  a->out[lane_thread()] = v;
}

KERNEL(nf_planted_order, nf_planted, 1024, 1) { // which block came when
  lane_wait();
  if (lane_thread() == 0) a->out[lane_block()] = (float)lane_atomic_add(a->bits, 1);
}
