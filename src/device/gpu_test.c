// SPDX-License-Identifier: Apache-2.0
// GPUs, on the drivers of tests/drivers: the suite of all devices, and what a driver that fails comes out as.
#include "base/sanitized.h"
#include "device/matmul.h"
#include "kernels/gpu/abi/rows.h"
#include "kernels/gpu/images.h"
#include "tests/drivers/fake.h"
#include "tests/drivers/reach.h"
#include "tests/support/conformance.h"
#include <dlfcn.h>
#include <elf.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

// double_it for a real GPU.
static const char ptx[] = ".version 8.0\n"
                          ".target sm_90\n"
                          ".address_size 64\n"
                          ".visible .entry double_it(.param .align 8 .b8 args[24]) {\n"
                          "  .reg .b32 %r<4>;\n"
                          "  .reg .b64 %a<6>;\n"
                          "  griddepcontrol.wait;\n"
                          "  mov.u32 %r1, %ctaid.x;\n"
                          "  mul.wide.u32 %a1, %r1, 4;\n"
                          "  ld.param.u64 %a2, [args];\n"
                          "  ld.param.u64 %a3, [args + 8];\n"
                          "  add.s64 %a4, %a2, %a1;\n"
                          "  add.s64 %a5, %a3, %a1;\n"
                          "  ld.global.u32 %r2, [%a4];\n"
                          "  shl.b32 %r3, %r2, 1;\n"
                          "  st.global.u32 [%a5], %r3;\n"
                          "  ret;\n"
                          "}\n";
// As much of a code object as the fake driver looks at.
static const struct {
  Elf64_Ehdr header;
  char symbol[16];
} object = {{.e_ident = ELFMAG, .e_shoff = sizeof object}, "double_it.kd"};

static nf_status make_cuda(nf_device **out) { return nf_device_cuda(0, out); }
static nf_status make_hip(nf_device **out) { return nf_device_hip(0, out); }

typedef struct maker {
  nf_conformer device;
  nf_status (*open)(int index, nf_device **out);
  const char *library;
  void (*fake)(const char *settings);
  long (*count)(const char *call);
} maker;
static maker makers[] = {
    {{"cuda", make_cuda, ptx, sizeof ptx - 1}, nf_device_cuda, "libcuda.so.1"},
    {{"hip", make_hip, &object, sizeof object}, nf_device_hip, "libamdhip64.so.6"},
};
static maker *tested;

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

// The text may have a %s for each maker's name of it: `cuda` or `hip`.
static void says(nf_status st, nf_code code, const char *cuda, const char *hip) {
  assert_string_equal(nf_status_message(st), tested == &makers[0] ? cuda : hip);
  assert_int_equal(nf_status_code(st), code);
  nf_status_free(st);
}

static void refuses(const char *settings, int index, const char *cuda, const char *hip) {
  nf_device *d;
  tested->fake(settings);
  says(tested->open(index, &d), NF_UNAVAILABLE, cuda, hip);
}

// ---- none to be had ----

static void unavailable(void **) {
  refuses("devices=0", 0, "cuInit: CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)",
          "hipInit: hipErrorNoDevice (no CUDA-capable device is detected)");
  refuses("devices=2", 2, "there is no GPU 2: this machine has 2, counted from 0",
          "there is no GPU 2: this machine has 2, counted from 0");
  refuses("devices=2", -1, "there is no GPU -1: this machine has 2, counted from 0",
          "there is no GPU -1: this machine has 2, counted from 0");
  refuses(tested == makers ? "version=11080" : "version=50731921", 0,
          "the driver is of CUDA 11.8; infuse needs 12.0 or later",
          "the driver is of HIP 5.7; infuse needs 6.0 or later");
  refuses("capability=86 architecture=gfx90a:sramecc+:xnack-", 0,
          "GPU 0 has compute capability 8.6; infuse needs 9.0 (Hopper) or later",
          "GPU 0 is a gfx90a; infuse has code for gfx942 and gfx950");
}

// ---- what it is ----

#define HOPPER (NF_GPU(SM_90) | NF_GPU(SM_90A))

static void described(void **) {
  static const struct {
    const char *settings;
    uint64_t features;
    const char *figures;
  } rows[2][3] = {
      {{"memory=150000000000", HOPPER | NF_GPU(CUBLASLT), "h200"},
       {"memory=85000000000", HOPPER | NF_GPU(CUBLASLT), "sm_90"},
       {"memory=190000000000 capability=100", NF_GPU(SM_90) | NF_GPU(CUBLASLT), "sm_100"}},
      {{"memory=206000000000", NF_GPU(GFX942) | NF_GPU(HIPBLASLT), "gfx942"},
       {"memory=256000000000", NF_GPU(GFX942) | NF_GPU(HIPBLASLT), "mi325x"},
       {"memory=288000000000 architecture=gfx950:sramecc+", NF_GPU(GFX950) | NF_GPU(HIPBLASLT), "gfx950"}}};
  for (int i = 0; i < 3; i++) {
    nf_device *d;
    nf_hw hw, row;
    tested->fake(rows[tested - makers][i].settings);
    ok(tested->device.make(&d));
    ok(nf_device_describe(d, &hw));
    ok(nf_hw_target(rows[tested - makers][i].figures, &row));
    assert_string_equal(hw.name, tested == makers ? "NVIDIA Fake H200" : "AMD Fake MI300X");
    assert_int_equal(hw.backend, row.backend);
    assert_true(hw.features == rows[tested - makers][i].features);
    assert_true(hw.bandwidth == row.bandwidth && hw.launch == row.launch);
    assert_true(hw.multiprocessors > 100 && hw.target == NULL && hw.cores == 0);
    nf_buffer b;
    const uint64_t free = hw.memory;
    ok(nf_device_alloc(d, 1 << 20, &b));
    ok(nf_device_describe(d, &hw));
    assert_true(hw.memory <= free - (1 << 20));
    nf_device_free(d, &b);
    nf_device_destroy(d);
  }
}

// ---- a device with its module, and calls that fail ----

typedef struct bench {
  nf_device *d;
  nf_module *module;
  nf_buffer x, y;
  nf_doubled args;
  nf_launch launch;
} bench;

static void open_bench(bench *b, const char *settings) {
  *b = (bench){0};
  if (tested->fake != NULL) tested->fake(settings);
  ok(tested->device.make(&b->d));
  ok(nf_module_load(b->d, tested->device.image, tested->device.image_bytes, &b->module));
  ok(nf_module_function(b->module, "double_it", &b->launch.function));
  ok(nf_device_alloc(b->d, 4, &b->x));
  ok(nf_device_alloc(b->d, 4, &b->y));
  ok(nf_device_write(b->d, &b->x, 0, (int32_t[]){21}, 4));
  b->args = (nf_doubled){b->x.data, b->y.data, 1};
  b->launch.args = &b->args;
  b->launch.args_bytes = sizeof b->args;
  b->launch.grid = (nf_grid){{1, 1, 1}, {1, 1, 1}, 0};
}

static void close_bench(bench *b) {
  nf_device_free(b->d, &b->x);
  nf_device_free(b->d, &b->y);
  nf_module_unload(b->module);
  nf_device_destroy(b->d);
  if (tested->fake != NULL) tested->fake(NULL); // else it is a real one
}

// What was there before goes on.
static void out_of_memory(void **) {
  bench b;
  nf_buffer more;
  open_bench(&b, NULL);
  tested->fake("fail=alloc:2:2");
  ok(nf_device_alloc(b.d, 100, &more));
  nf_device_free(b.d, &more);
  says(nf_device_alloc(b.d, 100, &more), NF_NO_MEMORY,
       "device cuda, 100 bytes (8 in use): cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory)",
       "device hip, 100 bytes (8 in use): hipMalloc: hipErrorOutOfMemory (out of memory)");
  tested->fake("fail=alloc:1:2");
  says(nf_device_reserve_scratch(b.d, (nf_scratch_bytes){0, 100}), NF_NO_MEMORY,
       "100 bytes of scratch: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory)",
       "100 bytes of scratch: hipMalloc: hipErrorOutOfMemory (out of memory)");
  ok(nf_device_run(b.d, &b.launch, 1));
  close_bench(&b);
}

// A lost device says by what, at once and for ever, and lets go of all it had.
static void lost(void **) {
  static const char cuda[] = "cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was "
                             "encountered); this process can't use the device any more",
                    hip[] = "hipStreamSynchronize: hipErrorIllegalAddress (an illegal memory access was "
                            "encountered); this process can't use the device any more";
  bench b;
  nf_buffer more;
  nf_event *e;
  nf_capture *c;
  nf_hw hw;
  open_bench(&b, NULL);
  ok(nf_event_create(b.d, &e));
  ok(nf_capture_create(b.d, &b.launch, 1, &c));
  tested->fake("fail=stream_sync:1:700");
  says(nf_device_run(b.d, &b.launch, 1), NF_UNAVAILABLE, cuda, hip);
  says(nf_device_run(b.d, &b.launch, 1), NF_UNAVAILABLE, cuda, hip);
  says(nf_device_replay(b.d, c), NF_UNAVAILABLE, cuda, hip);
  says(nf_device_describe(b.d, &hw), NF_UNAVAILABLE, cuda, hip);
  nf_status st = nf_device_alloc(b.d, 4, &more);
  assert_int_equal(nf_status_code(st), NF_UNAVAILABLE);
  assert_non_null(strstr(nf_status_message(st), tested == makers ? cuda : hip));
  nf_status_free(st);
  assert_true(nf_event_happened(e)); // who polls comes to an end
  nf_capture_destroy(c);
  nf_event_destroy(e);
  close_bench(&b);
}

static void refused_launch(void **) {
  bench b;
  nf_capture *c;
  open_bench(&b, "fail=launch:2:1");
  says(nf_device_run(b.d, (nf_launch[]){b.launch, b.launch, b.launch}, 3), NF_INTERNAL,
       "launch 2 of 3: cuLaunchKernelEx: CUDA_ERROR_INVALID_VALUE (invalid argument)",
       "launch 2 of 3: hipModuleLaunchKernel: hipErrorInvalidValue (invalid argument)");
  tested->fake("fail=launch:1:1");
  says(nf_capture_create(b.d, &b.launch, 1, &c), NF_INTERNAL,
       "launch 1 of 1: cuLaunchKernelEx: CUDA_ERROR_INVALID_VALUE (invalid argument)",
       "launch 1 of 1: hipModuleLaunchKernel: hipErrorInvalidValue (invalid argument)");
  ok(nf_device_run(b.d, &b.launch, 1)); // the stream is no longer captured
  ok(nf_capture_create(b.d, &b.launch, 1, &c));
  nf_capture_destroy(c);
  close_bench(&b);
}

static void modules(void **) {
  bench b;
  nf_module *m;
  open_bench(&b, NULL);
  says(nf_module_load(b.d, "nonsense", 8, &m), NF_BAD_INPUT,
       "cuModuleLoadDataEx: CUDA_ERROR_INVALID_PTX (a PTX JIT compilation failed): ptxas fatal : missing "
       ".version",
       "hipModuleLoadData: hipErrorInvalidImage (device kernel image is invalid)");
  const void *f;
  says(nf_module_function(b.module, "double", &f), NF_BAD_INPUT,
       "the module of device cuda has no function 'double'",
       "the module of device hip has no function 'double'");
  close_bench(&b);
}

// ---- running ----

// All launches but the first of a list may begin early; nothing is allocated or asked for on the way.
static void launches(void **) {
  bench b;
  nf_capture *c;
  open_bench(&b, NULL);
  nf_launch list[] = {b.launch, b.launch, b.launch, b.launch};
  list[0].grid.blocks[0] = list[2].grid.blocks[0] = 0;
  const long launched = tested->count("launch"), early = tested->count("programmatic");
  ok(nf_device_run(b.d, list, 4));
  assert_int_equal(tested->count("launch") - launched, 2);
  assert_int_equal(tested->count("programmatic") - early, tested == makers);
  ok(nf_capture_create(b.d, list, 4, &c));
  assert_int_equal(tested->count("launch") - launched, 4);
  static const char *const none[] = {"alloc", "alloc_host", "event_create", "graph_instantiate",
                                     "module_function"};
  long before[5];
  for (int i = 0; i < 5; i++) before[i] = tested->count(none[i]);
  ok(nf_device_replay(b.d, c));
  ok(nf_device_run(b.d, list, 4));
  for (int i = 0; i < 5; i++) assert_int_equal(tested->count(none[i]), before[i]);
  nf_capture_destroy(c);
  close_bench(&b);
}

// More shared memory than a kernel has unasked.
static void shared_memory(void **) {
  bench b;
  open_bench(&b, NULL);
  b.launch.grid.shared = tested == makers ? 227 << 10 : 64 << 10;
  ok(nf_device_run(b.d, &b.launch, 1));
  b.launch.grid.shared++;
  nf_status st = nf_device_run(b.d, &b.launch, 1);
  assert_int_equal(nf_status_code(st), NF_INTERNAL);
  nf_status_free(st);
  close_bench(&b);
}

static void scratch(void **) {
  bench b;
  open_bench(&b, NULL);
  assert_null(nf_device_counters(b.d));
  assert_null(nf_device_scratch(b.d));
  ok(nf_device_reserve_scratch(b.d, (nf_scratch_bytes){0, 0}));
  assert_non_null(nf_device_counters(b.d));
  ok(nf_device_reserve_scratch(b.d, (nf_scratch_bytes){7, 1000}));
  uint32_t counters[NF_DEVICE_COUNTERS / 4];
  const nf_buffer there = {.data = nf_device_counters(b.d), .bytes = sizeof counters};
  ok(nf_device_read(b.d, &there, 0, counters, sizeof counters));
  for (size_t i = 0; i < NF_DEVICE_COUNTERS / 4; i++) assert_int_equal(counters[i], 0);
  const void *at = nf_device_scratch(b.d);
  ok(nf_device_reserve_scratch(b.d, (nf_scratch_bytes){7, 900})); // there is more
  assert_ptr_equal(nf_device_scratch(b.d), at);
  close_bench(&b);
}

// The fake's memory is as far away as a GPU's: what should be a copy faults.
static void out_of_reach(void **) {
  bench b;
  if (NF_ASAN) skip();
  open_bench(&b, NULL);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL);
    _exit(*(volatile const int *)b.x.data == 21);
  }
  int how;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_true(WIFSIGNALED(how));
  ok(nf_device_run(b.d, &b.launch, 1));
  close_bench(&b);
}

static void peers(void **) {
  nf_device *d, *peer;
  tested->fake("devices=2");
  ok(tested->open(1, &d));
  says(nf_device_peer(d, 2, 1, &peer), NF_UNAVAILABLE,
       "cuda: 2 ranks want a GPU each, from GPU 1 on; this machine has 2",
       "hip: 2 ranks want a GPU each, from GPU 1 on; this machine has 2");
  nf_device_destroy(d);
  ok(tested->open(0, &d));
  tested->fake("peers=0");
  says(nf_device_peer(d, 2, 1, &peer), NF_UNAVAILABLE, "GPU 1 can't reach the memory of GPU 0",
       "GPU 1 can't reach the memory of GPU 0");
  nf_device_destroy(d);
  tested->fake(NULL);
}

// What a run has in flight when its device is the calling thread's no longer.
static void *run_there(void *arg) {
  bench *b = arg;
  static nf_status st;
  st = nf_device_run(b->d, &b->launch, 1);
  return &st;
}
static void another_thread(void **) {
  bench b;
  pthread_t t;
  void *st;
  open_bench(&b, NULL);
  assert_int_equal(pthread_create(&t, NULL, run_there, &b), 0);
  pthread_join(t, &st);
  ok(*(nf_status *)st);
  close_bench(&b);
}

// The library's own module, and a kernel of it: 1 + 2 in bf16.
static void own_kernels(void **) {
  enum { PACKS = 300, N = 8 * PACKS };
  bench b;
  nf_hw hw;
  nf_image image;
  nf_module *m;
  nf_buffer x[3];
  uint16_t v[N];
  open_bench(&b, NULL);
  ok(nf_device_describe(b.d, &hw));
  nf_status st = nf_gpu_image(&hw, &image);
  if (nf_is_ok(st)) st = nf_module_load(b.d, image.data, image.bytes, &m);
  if (nf_status_code(st) == NF_UNAVAILABLE) { // built without kernels
    nf_status_free(st);
    close_bench(&b);
    skip();
  }
  ok(st);
  ok(nf_module_function(m, "nf_add_bf16", &b.launch.function));
  for (int i = 0; i < 3; i++) {
    for (int k = 0; k < N; k++) v[k] = i == 0 ? 0x3f80 : 0x4000;
    ok(nf_device_alloc(b.d, sizeof v, &x[i]));
    ok(nf_device_write(b.d, &x[i], 0, v, sizeof v));
  }
  nf_gpu_add args = {.rows = 1, .packs = PACKS};
  nf_gpu_rows *const rows[] = {&args.a, &args.b, &args.y};
  for (int i = 0; i < 3; i++) *rows[i] = (nf_gpu_rows){x[i].data, sizeof v, 1, 0};
  b.launch.args = &args;
  b.launch.args_bytes = sizeof args;
  b.launch.grid = (nf_grid){{2, 1, 1}, {256, 1, 1}, 0};
  ok(nf_device_run(b.d, &b.launch, 1));
  ok(nf_device_read(b.d, &x[2], 0, v, sizeof v));
  for (int k = 0; k < N; k++) assert_int_equal(v[k], 0x4040);
  for (int i = 0; i < 3; i++) nf_device_free(b.d, &x[i]);
  nf_module_unload(m);
  close_bench(&b);
}

// Machine code where it suits, text where it does not: on a GPU of another kind, or an older driver.
static void forms_of_a_module(void **) {
  static const struct {
    const char *settings;
    long loads;
  } rows[] = {{"capability=90", 1}, {"capability=100", 1}, {"fail=module_load:1:209", 2}};
  bench b;
  if (tested != makers) skip();
  for (int i = 0; i < 3; i++) {
    nf_hw hw;
    nf_image image;
    nf_module *m;
    open_bench(&b, i < 2 ? rows[i].settings : NULL);
    ok(nf_device_describe(b.d, &hw));
    nf_status st = nf_gpu_image(&hw, &image);
    const bool both = nf_is_ok(st) && strlen(image.data) + 64 < image.bytes;
    nf_status_free(st);
    tested->fake(rows[i].settings);
    const long before = tested->count("module_load");
    if (both) {
      ok(nf_module_load(b.d, image.data, image.bytes, &m));
      ok(nf_module_function(m, "nf_add_bf16", &b.launch.function));
      assert_int_equal(tested->count("module_load") - before, rows[i].loads);
      nf_module_unload(m);
    }
    close_bench(&b);
  }
}

// One product of the library's, in a graph.
static void products(void **) {
  bench b;
  nf_capture *c;
  const nf_matmul wanted = {
      .tokens = 1, .n = 1, .k = 2, .x_stride = 2, .w_stride = 2, .y_stride = 1, .y_f32 = true};
  open_bench(&b, NULL);
  nf_matmul m = wanted;
  m.x = m.w = b.x.data, m.y = b.y.data, m.workspace = b.y.data, m.workspace_bytes = 4;
  b.launch =
      (nf_launch){.args = &m, .args_bytes = sizeof m, .is_matmul = true, .grid = {{1, 1, 1}, {1, 1, 1}, 0}};
  ok(nf_module_function(b.module, NF_MATMUL, &b.launch.function));
  ok(nf_capture_create(b.d, &b.launch, 1, &c));
  const uint32_t x = 0x40003fc0; // 1.5 and 2
  float y = 0;
  ok(nf_device_write(b.d, &b.x, 0, &x, 4));
  ok(nf_device_replay(b.d, c));
  ok(nf_device_read(b.d, &b.y, 0, &y, 4));
  assert_true(y == 1.5f * 1.5f + 2 * 2);
  nf_capture_destroy(c);
  m.fp8 = true;
  says(nf_device_run(b.d, &b.launch, 1), NF_UNAVAILABLE,
       "launch 1 of 1: choose of cuBLASLt answers 15: it has no such product (1 tokens, 1 x 2)",
       "launch 1 of 1: choose of hipBLASLt answers 7: it has no such product (1 tokens, 1 x 2)");
  close_bench(&b);
}

// How a library that is too old is told.
static void old_products(void **) {
  bench b;
  if (tested != makers) skip();
  setenv("FAKE_CUBLASLT_VERSION", "120800", 1);
  nf_hw hw;
  open_bench(&b, NULL);
  ok(nf_device_describe(b.d, &hw));
  assert_true(hw.features == HOPPER);
  says(nf_module_function(b.module, NF_MATMUL, &b.launch.function), NF_UNAVAILABLE,
       "libcublasLt.so.13 or .12 can't be loaded, or is older than 12.9", NULL);
  close_bench(&b);
  unsetenv("FAKE_CUBLASLT_VERSION");
}

static int test(maker *m) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unavailable),  cmocka_unit_test(described),         cmocka_unit_test(out_of_memory),
      cmocka_unit_test(lost),         cmocka_unit_test(modules),           cmocka_unit_test(refused_launch),
      cmocka_unit_test(launches),     cmocka_unit_test(scratch),           cmocka_unit_test(shared_memory),
      cmocka_unit_test(peers),        cmocka_unit_test(out_of_reach),      cmocka_unit_test(another_thread),
      cmocka_unit_test(own_kernels),  cmocka_unit_test(forms_of_a_module), cmocka_unit_test(products),
      cmocka_unit_test(old_products),
  };
  void *library = dlopen(m->library, RTLD_NOW);
  if (library != NULL) m->fake = dlsym(library, "fake_gpu"), m->count = dlsym(library, "fake_gpu_count");
  if (m->fake == NULL) return fprintf(stderr, "%s is not the one of tests/drivers\n", m->library), 1;
  tested = m;
  const int failed = nf_conformance(&m->device);
  return failed + cmocka_run_group_tests_name(m->device.name, tests, NULL, NULL);
}

// ---- the GPU that is here ----

enum { SKIPPED = 77 };
static bool is_alone(const nf_device *d) {
  nf_device *peer = NULL;
  nf_status st = nf_device_peer(d, 2, 1, &peer);
  const bool alone = !nf_is_ok(st);
  nf_status_free(st);
  nf_device_destroy(peer);
  return alone;
}

// A graph that was not used for a while does what it did.
static void after_idleness(void **) {
  bench b;
  nf_capture *c;
  open_bench(&b, NULL);
  ok(nf_capture_create(b.d, (nf_launch[]){b.launch, b.launch}, 2, &c));
  for (int32_t i = 0, y; i < 2; i++) {
    const int32_t x = 100 + i;
    ok(nf_device_write(b.d, &b.x, 0, &x, 4));
    ok(nf_device_replay(b.d, c));
    ok(nf_device_read(b.d, &b.y, 0, &y, 4));
    assert_int_equal(y, 2 * x);
    if (i == 0) sleep(30);
  }
  nf_capture_destroy(c);
  close_bench(&b);
}

// Of AMD's the suite's module would have to be a code object, which an assembler makes.
static int test_hardware(bool idle) {
  nf_device *d;
  tested = &makers[0];
  nf_status st = make_cuda(&d);
  if (!nf_is_ok(st)) {
    printf("skipped: %s\n", nf_status_message(st));
    nf_status_free(st);
    return SKIPPED;
  }
  tested->device.alone = is_alone(d);
  nf_device_destroy(d);
  static const struct CMUnitTest at_once[] = {cmocka_unit_test(own_kernels)},
                                 later[] = {cmocka_unit_test(after_idleness)};
  if (idle) return cmocka_run_group_tests_name("idle", later, NULL, NULL);
  return nf_conformance(&tested->device) + cmocka_run_group_tests_name("own kernels", at_once, NULL, NULL);
}

int main(int argc, char **argv) {
  if (argc == 2) return test_hardware(strcmp(argv[1], "idle") == 0);
  return test(&makers[0]) + test(&makers[1]);
}
