// SPDX-License-Identifier: Apache-2.0
// The last messages of page events once more, for who has missed some: asked by ZeroMQ's ROUTER, as of vLLM's
// servers. A request is an empty part and a number of 8 bytes; answers are an empty part, a message's number
// and the message, for all that are kept from that number on, and at the end number -1 without a message. It
// has a thread of its own. One answer is made at a time, so who reads slowly has an end without that.
#pragma once
#include "base/text.h"
#include "server/zmq.h"

enum { NF_REPLAY_KEPT = 10000 }; // messages, the newest

typedef struct nf_replay nf_replay;

typedef struct nf_replay_options {
  const char *host; // an address
  uint16_t port;    // of the host; 0: any that is free
  double whole;     // seconds after which an answer that its reader is too slow for is broken off; 0: 5
} nf_replay_options;

// At tcp://host:port. `z` and `context` outlive it. NF_UNAVAILABLE: the port can't be had.
nf_status nf_replay_start(const nf_zmq *z, void *context, const nf_replay_options *o, nf_replay **out);
const char *nf_replay_endpoint(const nf_replay *r);
// The next message, counted from 0; an empty one is never answered. By one thread at a time; waits for no
// client.
void nf_replay_keep(nf_replay *r, nf_view message);
// Behind the end of the context, or while it is awaited by another thread: its thread ends then. NULL is
// fine.
void nf_replay_join(nf_replay *r);
