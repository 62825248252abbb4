// SPDX-License-Identifier: Apache-2.0
// How tests steer a fake driver: the two functions are looked up in the library (dlsym). Settings are words
// "key=value" between blanks; each call begins anew with the defaults, and the library itself with those of
// the variable FAKE_GPU.
//
//   devices=4 version=12080 capability=90 multiprocessors=132 memory=8589934592 peers=1
//   architecture=gfx942:sramecc+:xnack-
//   fail=CALL:N:CODE    the Nth call from now on of CALL (a field of gpu_calls.h) answers CODE; a code of a
//   lost
//                       device is what everything answers from then on
#pragma once
__attribute__((visibility("default"))) void fake_gpu(const char *settings); // NULL: the defaults
// Of the fake library of products: blocks of a kernel that is no module's (kernels.h) go into the stream. 0:
// well.
__attribute__((visibility("default"))) int fake_gpu_enqueue(void *stream, const char *symbol, unsigned blocks,
                                                            const void *args);
// Calls so far; "programmatic": launches with that attribute. -1: not counted.
__attribute__((visibility("default"))) long fake_gpu_count(const char *call);
