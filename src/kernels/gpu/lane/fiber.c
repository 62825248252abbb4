// SPDX-License-Identifier: Apache-2.0
#include "kernels/gpu/lane/fiber.h"
#include "base/sanitized.h"
#include <sanitizer/asan_interface.h> // says nothing in builds without
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <threads.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(begin, end) ((void)(begin), (void)(end))
#endif

#if NF_ASAN
#include <sanitizer/common_interface_defs.h>
enum { STACK_BYTES = 512 << 10 };
#else
enum { STACK_BYTES = 128 << 10 };
#define __sanitizer_start_switch_fiber(fake, bottom, bytes) ((void)(fake), (void)(bottom), (void)(bytes))
#define __sanitizer_finish_switch_fiber(fake, bottom, bytes) ((void)(fake), (void)(bottom), (void)(bytes))
#endif
#if NF_TSAN
#include <sanitizer/tsan_interface.h>
#else
#define __tsan_get_current_fiber() NULL
#define __tsan_create_fiber(flags) NULL
#define __tsan_destroy_fiber(fiber) ((void)(fiber))
#define __tsan_switch_to_fiber(fiber, flags) ((void)(fiber))
#endif
enum { PAGE = 64 << 10 }; // of any processor

// Keeps what a call must keep on the stack, the stack pointer in *save, and goes on where `to` was saved.
void nf_fiber_swap(void **save, void *to);
#if defined(__x86_64__)
enum { FRAME = 8, FRAME_RETURN = 6 }; // words; which of them is where it goes on
__asm__(".text\n.globl nf_fiber_swap\n.hidden nf_fiber_swap\n.type nf_fiber_swap, @function\n"
        "nf_fiber_swap:\n"
        "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
        "  movq %rsp, (%rdi)\n  movq %rsi, %rsp\n"
        "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
        "  ret\n.size nf_fiber_swap, . - nf_fiber_swap\n");
#elif defined(__aarch64__)
enum { FRAME = 20, FRAME_RETURN = 11 };
__asm__(".text\n.globl nf_fiber_swap\n.hidden nf_fiber_swap\n.type nf_fiber_swap, @function\n"
        "nf_fiber_swap:\n"
        "  sub sp, sp, #160\n"
        "  stp x19, x20, [sp]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n"
        "  stp x25, x26, [sp, #48]\n  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
        "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n"
        "  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
        "  mov x9, sp\n  str x9, [x0]\n  mov sp, x1\n"
        "  ldp x19, x20, [sp]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n"
        "  ldp x25, x26, [sp, #48]\n  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
        "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n"
        "  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
        "  add sp, sp, #160\n  ret\n.size nf_fiber_swap, . - nf_fiber_swap\n");
#else
#error "fibers: a switch of stacks is written for x86-64 and aarch64"
#endif

struct nf_stacks {
  char *at;
};

static size_t stride(void) { return STACK_BYTES + PAGE; }

nf_stacks *nf_stacks_create(int count) {
  nf_stacks *s = malloc(sizeof *s);
  const size_t bytes = (size_t)count * stride();
  void *at = s ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
               : MAP_FAILED;
  if (at == MAP_FAILED) return free(s), NULL;
  s->at = at;
  for (int i = 0; i < count; i++) {
    char *stack = s->at + (size_t)i * stride();
    (void)mprotect(stack, PAGE, PROT_NONE); // without it an overflow is not noticed, that is all
    VALGRIND_STACK_REGISTER(stack + PAGE, stack + stride());
  }
  return s;
}

static thread_local nf_fiber *previous, *current; // of the last switch

static void arrived(void) {
  __sanitizer_finish_switch_fiber(current->fake, &previous->bottom, &previous->bytes);
}

static void begin(void) {
  arrived();
  current->entry();
}

void nf_fiber_start(nf_fiber *f, nf_stacks *stacks, int i, void (*entry)(void)) {
  char *bottom = stacks->at + (size_t)i * stride() + PAGE;
  char *top = bottom + STACK_BYTES, *left = f->sp; // where frames stood that nobody returned from
  if (left >= bottom && left < top) ASAN_UNPOISON_MEMORY_REGION(left, (size_t)(top - left));
  // Stacks that began at the same place of a page would share a few lines of the cache.
  void **frame = (void **)(top - i % 32 * 320) - FRAME;
  memset(frame, 0, FRAME * sizeof *frame);
  frame[FRAME_RETURN] = (void *)(uintptr_t)begin;
  *f = (nf_fiber){frame, entry, NULL, __tsan_create_fiber(0), bottom, STACK_BYTES};
}

void nf_fiber_of_thread(nf_fiber *f) { *f = (nf_fiber){.history = __tsan_get_current_fiber()}; }

void nf_fiber_end(nf_fiber *f) { __tsan_destroy_fiber(f->history); }

void nf_fiber_switch(nf_fiber *from, nf_fiber *to) {
  previous = from, current = to;
  __sanitizer_start_switch_fiber(&from->fake, to->bottom, to->bytes);
  __tsan_switch_to_fiber(to->history, 0);
  nf_fiber_swap(&from->sp, to->sp);
  arrived();
}

void nf_fiber_leave(nf_fiber *from, nf_fiber *to) {
  previous = from, current = to;
  from->fake = NULL;
  __sanitizer_start_switch_fiber(NULL, to->bottom, to->bytes);
  __tsan_switch_to_fiber(to->history, 0);
  nf_fiber_swap(&from->sp, to->sp);
  __builtin_unreachable();
}
