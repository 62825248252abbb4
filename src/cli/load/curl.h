// SPDX-License-Identifier: Apache-2.0
// libcurl, opened when it is first used: with what it stands on it is twenty libraries, which would cost
// every other command their loading.
#pragma once
#include "base/status.h"
#include <curl/curl.h>

// What is used of it, of the types that its header gives.
#define LOAD_CURL(F)     \
  F(global_init)         \
  F(easy_init)           \
  F(easy_cleanup)        \
  F(easy_reset)          \
  F(easy_setopt)         \
  F(easy_getinfo)        \
  F(easy_strerror)       \
  F(multi_init)          \
  F(multi_cleanup)       \
  F(multi_setopt)        \
  F(multi_add_handle)    \
  F(multi_remove_handle) \
  F(multi_assign)        \
  F(multi_info_read)     \
  F(multi_socket_action) \
  F(multi_strerror)      \
  F(slist_append)        \
  F(slist_free_all)

typedef struct load_curl {
#define LOAD_CURL_MEMBER(name) typeof(curl_##name) *name;
  LOAD_CURL(LOAD_CURL_MEMBER)
#undef LOAD_CURL_MEMBER
} load_curl;

// NF_UNAVAILABLE: it is not installed. It stays open.
nf_status load_curl_open(load_curl *out);
