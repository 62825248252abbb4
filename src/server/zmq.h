// SPDX-License-Identifier: Apache-2.0
// libzmq.so.5, as much as page events need of it: opened when they are asked for, by its stable C interface.
// The library stays open, as it may have threads that end later.
#pragma once
#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

enum { NF_ZMQ_ENDPOINT = 300, NF_ZMQ_NUMBER = 8 };
enum { NF_ZMQ_PUB = 1, NF_ZMQ_ROUTER = 6 }; // kinds of sockets
enum { NF_ZMQ_MORE = 2 };                   // a flag of send: further parts of the message follow
enum { NF_ZMQ_TERM = 156384765 };           // an error: the context has ended
enum {                                      // options of sockets
  NF_ZMQ_RCVMORE = 13,                      // int
  NF_ZMQ_LINGER = 17,                       // int, ms
  NF_ZMQ_MAXMSGSIZE = 22,                   // int64_t, bytes of a part; who sends more is hung up on
  NF_ZMQ_SNDTIMEO = 28,                     // int, ms
  NF_ZMQ_LAST_ENDPOINT = 32,
  NF_ZMQ_ROUTER_MANDATORY = 33, // int: who is slow is waited for, and who is gone is an error
  NF_ZMQ_IPV6 = 42              // int
};

typedef struct nf_zmq {
  void *library;
  void *(*ctx_new)(void);
  int (*ctx_term)(void *context);
  void *(*socket)(void *context, int kind);
  int (*close)(void *socket);
  int (*setsockopt)(void *socket, int option, const void *value, size_t n);
  int (*getsockopt)(void *socket, int option, void *value, size_t *n);
  int (*bind)(void *socket, const char *endpoint);
  int (*send)(void *socket, const void *data, size_t n, int flags);
  int (*recv)(void *socket, void *to, size_t n,
              int flags); // bytes of the part, of which n at most are stored
  int (*error)(void);
  const char *(*strerror)(int error);
} nf_zmq;

// NF_UNAVAILABLE: there is no such library.
nf_status nf_zmq_open(nf_zmq *z);
// A socket is there for others at tcp://host:port (0: any that is free) from here on; its endpoint. Options
// are set before. NULL, for want of memory, is an error here. NF_USAGE: host is too long; NF_UNAVAILABLE: the
// port can't be had.
nf_status nf_zmq_bind(const nf_zmq *z, void *socket, const char *host, uint16_t port,
                      char endpoint[NF_ZMQ_ENDPOINT]);
// Numbers of messages, as vLLM sends them: big endian.
void nf_zmq_number(uint64_t value, char out[NF_ZMQ_NUMBER]);
uint64_t nf_zmq_number_of(const unsigned char in[NF_ZMQ_NUMBER]);
