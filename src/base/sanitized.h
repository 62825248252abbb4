// SPDX-License-Identifier: Apache-2.0
// Which sanitizers this build has, for what must be told of them (fibers), does not work beside them (a heap
// of one's own) or takes too long under them.
#pragma once

#if defined(__has_feature)
#define NF_HAS_FEATURE(f) __has_feature(f)
#else
#define NF_HAS_FEATURE(f) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || NF_HAS_FEATURE(address_sanitizer)
#define NF_ASAN 1
#else
#define NF_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__) || NF_HAS_FEATURE(thread_sanitizer)
#define NF_TSAN 1
#else
#define NF_TSAN 0
#endif
#define NF_SANITIZED (NF_ASAN || NF_TSAN)
