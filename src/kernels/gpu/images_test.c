// SPDX-License-Identifier: Apache-2.0
// The compiled kernels against the rows that launch them, where no GPU is: every symbol is in the image of
// each architecture, and takes as many bytes of arguments as the launch function fills.
#include "kernels/gpu/images.h"
#include "kernels/kernels.h"
#include "select/select.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const void *find(const nf_image *in, const void *from, const char *what, size_t n) {
  const char *end = (const char *)in->data + in->bytes;
  return memmem(from, (size_t)(end - (const char *)from), what, n);
}

// PTX: ".entry NAME(" and then ".param .align 8 .b8 NAME_param_0[BYTES]".
static long ptx_arguments(const nf_image *in, const char *symbol) {
  char what[128];
  snprintf(what, sizeof what, " %s_param_0[", symbol);
  const char *at = find(in, in->data, what, strlen(what));
  return at != NULL ? strtol(at + strlen(what), NULL, 10) : -1;
}

// A string and a small number as MessagePack has them, in which a code object's notes are.
static size_t packed_string(const char *s, char *out) {
  const size_t n = strlen(s);
  size_t at = 0;
  if (n > 31) out[at++] = (char)0xd9;
  out[at++] = (char)(n > 31 ? n : 0xa0 | n);
  memcpy(out + at, s, n);
  return at + n;
}

static long packed_number(const unsigned char *at) {
  return *at < 0x80 ? *at : *at == 0xcc ? at[1] : *at == 0xcd ? at[1] << 8 | at[2] : -1;
}

// The number that stands under `key` before the kernel's name: keys are in the order of the alphabet.
static long note(const nf_image *in, const char *symbol, const char *key) {
  char name[160], wanted[64];
  size_t n = packed_string(".name", name);
  n += packed_string(symbol, name + n);
  const size_t k = packed_string(key, wanted);
  const char *end = find(in, in->data, name, n), *last = NULL;
  if (end == NULL) return -1;
  for (const char *at = in->data; (at = find(in, at, wanted, k)) != NULL && at < end; at += k) last = at + k;
  return last != NULL ? packed_number((const unsigned char *)last) : -1;
}

static long explicit_arguments(const nf_image *in, const char *symbol, nf_backend backend, size_t packed) {
  if (backend == NF_BACKEND_CUDA) return ptx_arguments(in, symbol);
  const long all = note(in, symbol, ".kernarg_segment_size"); // and what the runtime adds, 256 bytes
  return all == (long)packed || all == (long)(packed + 7) / 8 * 8 + 256 ? (long)packed : all;
}

static void check_kernel(const nf_image *in, const nf_variant *v, const char *target) {
  const nf_module_kernel *k = v->entry.module;
  assert_true(k->stages >= 1 && k->stages <= NF_MAX_STAGES && k->launch != NULL);
  for (int i = 0; i < k->stages; i++) {
    const long bytes = explicit_arguments(in, k->symbol[i], v->backend, k->packed[i]);
    if (bytes != (long)k->packed[i])
      fail_msg("%s, stage %d of %s: %s takes %ld bytes of arguments, its launch fills %zu", target, i,
               v->name, k->symbol[i], bytes, k->packed[i]);
  }
}

static void kernels_are_as_launched(void **state) {
  (void)state;
  static const char *const targets[] = {"sm_90", "gfx942", "gfx950"};
  size_t n;
  const nf_variant *all = nf_variants(&n);
  for (size_t t = 0; t < 3; t++) {
    nf_hw hw;
    nf_image in;
    assert_true(nf_is_ok(nf_hw_target(targets[t], &hw)));
    nf_status st = nf_gpu_image(&hw, &in);
    if (!nf_is_ok(st)) { // built without
      assert_non_null(strstr(nf_status_message(st), "INFUSE_GPU=OFF"));
      nf_status_free(st);
      skip();
    }
    size_t checked = 0;
    for (size_t i = 0; i < n; i++)
      if (all[i].entry.kind == NF_ENTRY_MODULE && all[i].backend == hw.backend &&
          !(all[i].need & ~hw.features))
        check_kernel(&in, &all[i], targets[t]), checked++;
    assert_true(checked > 0);
  }
}

static void others_have_no_image(void **state) {
  (void)state;
  nf_image in;
  nf_status st = nf_gpu_image(&(nf_hw){.name = "an abacus"}, &in);
  assert_int_equal(nf_status_code(st), NF_UNAVAILABLE);
  nf_status_free(st);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(kernels_are_as_launched),
                                     cmocka_unit_test(others_have_no_image)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
