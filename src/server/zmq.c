// SPDX-License-Identifier: Apache-2.0
#include "server/zmq.h"
#include "base/library.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

nf_status nf_zmq_open(nf_zmq *z) {
  static const nf_symbol symbols[] = {{"zmq_ctx_new", offsetof(nf_zmq, ctx_new)},
                                      {"zmq_ctx_term", offsetof(nf_zmq, ctx_term)},
                                      {"zmq_socket", offsetof(nf_zmq, socket)},
                                      {"zmq_close", offsetof(nf_zmq, close)},
                                      {"zmq_setsockopt", offsetof(nf_zmq, setsockopt)},
                                      {"zmq_getsockopt", offsetof(nf_zmq, getsockopt)},
                                      {"zmq_bind", offsetof(nf_zmq, bind)},
                                      {"zmq_send", offsetof(nf_zmq, send)},
                                      {"zmq_recv", offsetof(nf_zmq, recv)},
                                      {"zmq_errno", offsetof(nf_zmq, error)},
                                      {"zmq_strerror", offsetof(nf_zmq, strerror)}};
  static const char file[] = "libzmq.so.5";
  z->library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (z->library == NULL)
    return nf_error(NF_UNAVAILABLE, "page events need %s (Debian: libzmq5): %s", file, dlerror());
  return nf_library_find(z->library, file, symbols, sizeof symbols / sizeof *symbols, z);
}

nf_status nf_zmq_bind(const nf_zmq *z, void *socket, const char *host, uint16_t port,
                      char endpoint[NF_ZMQ_ENDPOINT]) {
  char at[NF_ZMQ_ENDPOINT], number[8] = "*";
  size_t n = NF_ZMQ_ENDPOINT;
  const char *open = strchr(host, ':') != NULL ? "[" : "", *end = *open != 0 ? "]" : "";
  const int linger = 0, ipv6 = *open != 0; // libzmq leaves IPv6 out unless told
  if (port != 0) snprintf(number, sizeof number, "%u", port);
  const int written = snprintf(at, sizeof at, "tcp://%s%s%s:%s", open, host, end, number);
  if (written < 0 || (size_t)written >= sizeof at) return nf_error(NF_USAGE, "host is too long");
  if (socket != NULL && z->setsockopt(socket, NF_ZMQ_LINGER, &linger, sizeof linger) == 0 &&
      z->setsockopt(socket, NF_ZMQ_IPV6, &ipv6, sizeof ipv6) == 0 && z->bind(socket, at) == 0 &&
      z->getsockopt(socket, NF_ZMQ_LAST_ENDPOINT, endpoint, &n) == 0)
    return nf_ok();
  return nf_error(NF_UNAVAILABLE, "can't publish page events at %s: %s", at, z->strerror(z->error()));
}

void nf_zmq_number(uint64_t value, char out[NF_ZMQ_NUMBER]) {
  for (int i = 0; i < NF_ZMQ_NUMBER; i++) out[i] = (char)(value >> 8 * (NF_ZMQ_NUMBER - 1 - i));
}

uint64_t nf_zmq_number_of(const unsigned char in[NF_ZMQ_NUMBER]) {
  uint64_t value = 0;
  for (int i = 0; i < NF_ZMQ_NUMBER; i++) value = value << 8 | in[i];
  return value;
}
