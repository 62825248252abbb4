// SPDX-License-Identifier: Apache-2.0
// What becomes of the cache's pages, told to routers that send a request to where its text has been seen:
// published over ZeroMQ in msgpack, as vLLM's servers do. libzmq.so.5 is opened when this is asked for.
#pragma once
#include "base/text.h"
#include <infuse/infuse.h>

typedef struct nf_events nf_events;

typedef struct nf_events_options {
  const char *host, *model; // an address; the name under which the model is served
  uint16_t port;            // of the host; 0: any that is free
  bool replay;              // who has missed some may ask for them (server/replay.h), at
  uint16_t replay_port;     // of the host; 0: any that is free
  double whole_replay;      // seconds that an answer to them may take; 0: as replay.h says
} nf_events_options;

// NF_UNAVAILABLE: there is no libzmq.so.5, or a port can't be had.
nf_status nf_events_start(const nf_events_options *o, nf_events **out);
void nf_events_stop(nf_events *e);                  // NULL is fine
const char *nf_events_endpoint(const nf_events *e); // "tcp://127.0.0.1:5557"
const char *nf_events_replay(const nf_events *e);   // the same; NULL: there is none
const char *nf_events_topic(const nf_events *e);    // "kv@127.0.0.1:5557@model"
// An nf_events as `user`. By one thread at a time; who does not listen, or too slowly, misses it.
void nf_events_tell(void *events, const infuse_page_event *e);

// The message: [seconds since 1970, [event], 0]. Appends.
void nf_events_pack(const infuse_page_event *e, double now, nf_text *out);
