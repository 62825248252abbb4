// SPDX-License-Identifier: Apache-2.0
// Inside the room: GPUs. gpu.c is their driver, over a table of calls that a maker's library provides; what
// only one maker has is in cuda.c and hip.c.
#pragma once
#include "device/driver.h"
#include "device/gpu_calls.h"

// Where a call stands in the table, and in the list of names.
typedef enum nf_gpu_call {
#define NF_GPU_CALL(field, ...) NF_GPU_##field,
#define NF_CUDA_CALL(field, ...) NF_CUDA_##field,
#define NF_HIP_CALL(field, ...) NF_HIP_##field,
  NF_GPU_CALLS(NF_GPU_CALL) NF_CUDA_CALLS(NF_CUDA_CALL) NF_HIP_CALLS(NF_HIP_CALL) NF_GPU_CALL_COUNT
#undef NF_GPU_CALL
#undef NF_CUDA_CALL
#undef NF_HIP_CALL
} nf_gpu_call;

// The calls; the other maker's are NULL.
typedef union nf_gpu_api {
  void *at[NF_GPU_CALL_COUNT];
  struct {
#define NF_GPU_CALL(field, cuda, hip, parameters) int(*field) parameters;
    NF_GPU_CALLS(NF_GPU_CALL)
#undef NF_GPU_CALL
#define NF_MAKER_CALL(field, symbol, parameters) int(*field) parameters;
    struct {
      NF_CUDA_CALLS(NF_MAKER_CALL)
    } cuda;
    struct {
      NF_HIP_CALLS(NF_MAKER_CALL)
    } hip;
#undef NF_MAKER_CALL
  };
} nf_gpu_api;

typedef struct nf_gpu nf_gpu;
typedef struct nf_blas nf_blas; // blas.h
typedef enum nf_blas_maker { NF_CUBLASLT, NF_HIPBLASLT, NF_BLAS_MAKERS } nf_blas_maker;

// What differs between the makers. Functions that can fail have made their status with nf_gpu_status.
typedef struct nf_gpu_maker {
  const char *const *libraries; // names to try, newest first, NULL behind the last
  nf_backend backend;
  nf_blas_maker blas;      // its library of products
  const char *versions;    // what versions of the driver are of: "CUDA"
  int least, major, minor; // the least version; a version is major * so much + minor * so much + …
  // What the device is, to out->features and multiprocessors; NF_UNAVAILABLE: none that we have code for. The
  // bits of its own silicon, by which its figures are looked up, go to *silicon.
  nf_status (*know)(nf_gpu *g, nf_hw *out, uint64_t *silicon);
  nf_status (*open)(nf_gpu *g);                      // makes what calls need: a context. NULL: nothing
  void (*close)(nf_gpu *g);                          // NULL: nothing to do
  int (*enter)(nf_gpu *g);                           // makes the device the calling thread's
  nf_gpu_call enters;                                // the call that it makes
  nf_status (*reach)(nf_gpu *g, const nf_gpu *peer); // its kernels may use the peer's memory from now on
  nf_status (*copy)(nf_gpu *g, void *to, const void *from, size_t bytes, void *stream);
  nf_status (*load)(nf_gpu *g, const void *image, size_t bytes, void **out);
  nf_status (*prepare)(nf_gpu *g, const void *function); // for launches. NULL: nothing to do
  // `behind`: a launch of the same list stands in front of it.
  nf_status (*launch)(nf_gpu *g, const nf_launch *l, void *stream, bool behind);
} nf_gpu_maker;
extern const nf_gpu_maker nf_cuda_maker, nf_hip_maker;

struct nf_gpu {
  const nf_gpu_maker *maker;
  void *library;
  nf_gpu_api api;
  int index, device; // which one: ours, and the driver's name of it
  void *context;     // CUDA's
  int shared_most;   // CUDA: bytes a block may have
  int capability;    // 90: 9.0
  // Scratch that was outgrown: captures that were made before point into it.
  void **outgrown;
  size_t n_outgrown, cap_outgrown;
  nf_blas *blas; // NULL where the library is not
  int lost;      // the code after which nothing works any more; 0: well
  nf_gpu_call lost_in;
};

// A code of the call as a status; remembers one that the device doesn't recover from.
nf_status nf_gpu_status(nf_gpu *g, nf_gpu_call call, int code);
// Calls, and the status.
#define NF_GPU_DO(g, field, ...) nf_gpu_status(g, NF_GPU_##field, (g)->api.field(__VA_ARGS__))
#define NF_CUDA_DO(g, field, ...) nf_gpu_status(g, NF_CUDA_##field, (g)->api.cuda.field(__VA_ARGS__))
#define NF_HIP_DO(g, field, ...) nf_gpu_status(g, NF_HIP_##field, (g)->api.hip.field(__VA_ARGS__))

// ---- gpu_open.c ----

// Loads the library and finds device `index`; *out is freed by nf_gpu_close. NF_UNAVAILABLE says what is
// missing.
nf_status nf_gpu_open(const nf_gpu_maker *maker, int index, nf_gpu **out);
void nf_gpu_close(nf_gpu *g);
nf_status nf_gpu_describe(nf_gpu *g, nf_hw *out);
