// SPDX-License-Identifier: Apache-2.0
// Inside the room: the calls of a GPU's driver that we use, as lists: X(field, symbol, parameters). Their
// types are ours, so that no SDK is needed to build; every handle and every device address is a pointer, and
// each call returns an int that is 0 when all is well. The tests' own drivers are made from the same lists.
#pragma once
#include <stddef.h>

// NVIDIA's driver API and AMD's HIP runtime have the same calls here, but for their names.
#define NF_GPU_CALLS(X)                                                                                   \
  X(init, cuInit, hipInit, (unsigned flags))                                                              \
  X(driver_version, cuDriverGetVersion, hipDriverGetVersion, (int *out))                                  \
  X(device_count, cuDeviceGetCount, hipGetDeviceCount, (int *out))                                        \
  X(device_get, cuDeviceGet, hipDeviceGet, (int *out, int index))                                         \
  X(device_name, cuDeviceGetName, hipDeviceGetName, (char *out, int bytes, int device))                   \
  X(device_memory, cuDeviceTotalMem_v2, hipDeviceTotalMem, (size_t * out, int device))                    \
  X(memory_info, cuMemGetInfo_v2, hipMemGetInfo, (size_t * free, size_t * total))                         \
  X(can_access_peer, cuDeviceCanAccessPeer, hipDeviceCanAccessPeer, (int *out, int device, int peer))     \
  X(error_name, cuGetErrorName, hipDrvGetErrorName, (int code, const char **out))                         \
  X(error_text, cuGetErrorString, hipDrvGetErrorString, (int code, const char **out))                     \
  X(alloc, cuMemAlloc_v2, hipMalloc, (void **out, size_t bytes))                                          \
  X(free, cuMemFree_v2, hipFree, (void *at))                                                              \
  X(alloc_host, cuMemHostAlloc, hipHostMalloc, (void **out, size_t bytes, unsigned flags))                \
  X(free_host, cuMemFreeHost, hipHostFree, (void *at))                                                    \
  X(host_address, cuMemHostGetDevicePointer_v2, hipHostGetDevicePointer,                                  \
    (void **out, void *host, unsigned flags))                                                             \
  X(alloc_managed, cuMemAllocManaged, hipMallocManaged, (void **out, size_t bytes, unsigned flags))       \
  X(fill, cuMemsetD8Async, hipMemsetD8Async, (void *at, unsigned char value, size_t bytes, void *stream)) \
  X(stream_create, cuStreamCreate, hipStreamCreateWithFlags, (void **out, unsigned flags))                \
  X(stream_destroy, cuStreamDestroy_v2, hipStreamDestroy, (void *stream))                                 \
  X(stream_sync, cuStreamSynchronize, hipStreamSynchronize, (void *stream))                               \
  X(stream_wait, cuStreamWaitEvent, hipStreamWaitEvent, (void *stream, void *event, unsigned flags))      \
  X(event_create, cuEventCreate, hipEventCreateWithFlags, (void **out, unsigned flags))                   \
  X(event_destroy, cuEventDestroy_v2, hipEventDestroy, (void *event))                                     \
  X(event_record, cuEventRecord, hipEventRecord, (void *event, void *stream))                             \
  X(event_query, cuEventQuery, hipEventQuery, (void *event))                                              \
  X(event_sync, cuEventSynchronize, hipEventSynchronize, (void *event))                                   \
  X(module_unload, cuModuleUnload, hipModuleUnload, (void *module))                                       \
  X(module_function, cuModuleGetFunction, hipModuleGetFunction,                                           \
    (void **out, void *module, const char *symbol))                                                       \
  X(capture_begin, cuStreamBeginCapture_v2, hipStreamBeginCapture, (void *stream, int mode))              \
  X(capture_end, cuStreamEndCapture, hipStreamEndCapture, (void *stream, void **graph))                   \
  X(graph_instantiate, cuGraphInstantiateWithFlags, hipGraphInstantiateWithFlags,                         \
    (void **out, void *graph, unsigned long long flags))                                                  \
  X(graph_destroy, cuGraphDestroy, hipGraphDestroy, (void *graph))                                        \
  X(exec_upload, cuGraphUpload, hipGraphUpload, (void *exec, void *stream))                               \
  X(exec_launch, cuGraphLaunch, hipGraphLaunch, (void *exec, void *stream))                               \
  X(exec_destroy, cuGraphExecDestroy, hipGraphExecDestroy, (void *exec))

// NVIDIA's alone.
#define NF_CUDA_CALLS(X)                                                                \
  X(device_attribute, cuDeviceGetAttribute, (int *out, int attribute, int device))      \
  X(context_retain, cuDevicePrimaryCtxRetain, (void **out, int device))                 \
  X(context_release, cuDevicePrimaryCtxRelease_v2, (int device))                        \
  X(context_set, cuCtxSetCurrent, (void *context))                                      \
  X(context_peer, cuCtxEnablePeerAccess, (void *context, unsigned flags))               \
  X(copy, cuMemcpyAsync, (void *to, const void *from, size_t bytes, void *stream))      \
  X(module_load, cuModuleLoadDataEx,                                                    \
    (void **out, const void *image, unsigned n, const int *option, void **value))       \
  X(function_get, cuFuncGetAttribute, (int *out, int attribute, const void *function))  \
  X(function_set, cuFuncSetAttribute, (const void *function, int attribute, int value)) \
  X(launch, cuLaunchKernelEx,                                                           \
    (const struct nf_cuda_launch *launch, const void *function, void **parameters, void **extra))

// AMD's alone.
#define NF_HIP_CALLS(X)                                                                                  \
  X(properties, hipGetDevicePropertiesR0600, (struct nf_hip_properties * out, int device))               \
  X(device_set, hipSetDevice, (int device))                                                              \
  X(device_peer, hipDeviceEnablePeerAccess, (int peer, unsigned flags))                                  \
  X(copy, hipMemcpyAsync, (void *to, const void *from, size_t bytes, int kind, void *stream))            \
  X(module_load, hipModuleLoadData, (void **out, const void *image))                                     \
  X(launch, hipModuleLaunchKernel,                                                                       \
    (const void *function, unsigned bx, unsigned by, unsigned bz, unsigned tx, unsigned ty, unsigned tz, \
     unsigned shared, void *stream, void **parameters, void **extra))

// What cuLaunchKernelEx is given: CUlaunchConfig and CUlaunchAttribute.
typedef struct nf_cuda_attribute {
  int id, pad;
  union {
    int on;
    unsigned blocks[3];
    char room[64];
  } value;
} nf_cuda_attribute;
typedef struct nf_cuda_launch {
  unsigned blocks[3], threads[3], shared;
  void *stream;
  nf_cuda_attribute *attribute;
  unsigned attributes;
} nf_cuda_launch;

// What hipGetDevicePropertiesR0600 fills (hipDeviceProp_tR0600, whose layout ROCm 6 and later keep): the
// parts that we read.
typedef struct nf_hip_properties {
  char other_0[388];
  int multiprocessors;
  char other_1[768];
  char architecture[256]; // "gfx942:sramecc+:xnack-"
  char other_2[56];
} nf_hip_properties;

enum {
  NF_CUDA_MULTIPROCESSORS = 16, // of devices
  NF_CUDA_MAJOR = 75,
  NF_CUDA_MINOR = 76,
  NF_CUDA_SHARED_MOST = 97,
  NF_CUDA_FUNCTION_SHARED = 1, // of functions
  NF_CUDA_FUNCTION_DYNAMIC = 8,
  NF_CUDA_ERROR_LOG = 5, // of loading a module
  NF_CUDA_ERROR_LOG_BYTES = 6,
  NF_CUDA_CLUSTER = 4,      // of a launch: the blocks of a cluster
  NF_CUDA_PROGRAMMATIC = 6, // of a launch: it may begin before the one in front of it has ended
  NF_HIP_COPY_ANY = 4,      // the runtime sees from the addresses where they are
  // The same for both.
  NF_GPU_STREAM_ALONE = 1, // does not wait for the default stream
  NF_GPU_EVENT_PLAIN = 2,  // without a time
  NF_GPU_HOST_MAPPED = 3,  // pinned for all devices, and with an address there
  NF_GPU_ATTACH_GLOBAL = 1,
  NF_GPU_CAPTURE_THREAD = 1, // what other threads do meanwhile is not looked at
};

// Codes that mean the same for both.
enum {
  NF_GPU_NO_MEMORY = 2,
  NF_GPU_NO_DEVICE = 100,
  NF_GPU_NOT_FOUND = 500,
  NF_GPU_NOT_READY = 600,
  NF_GPU_PEER_ALREADY = 704,
};
