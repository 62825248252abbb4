// SPDX-License-Identifier: Apache-2.0
// What is known of the server and its model, for clients, routers and those who watch over it. Nothing here
// waits: it was read when the server began, or is counted.
#include "server/metrics.h"
#include "server/replay.h"
#include "server/server_state.h"

void nf_serve_health(void *server, nf_call *c) {
  nf_server *s = server;
  if (s->stops) return nf_serve_problem(c, NF_PROBLEM_UNAVAILABLE, "the server stops", NULL);
  nf_serve_json(c, json_object());
}

void nf_serve_version(void *server, nf_call *c) {
  (void)server;
  nf_serve_json(c, json_pack("{s:s}", "version", infuse_version()));
}

void nf_serve_metrics(void *server, nf_call *c) {
  const nf_server *s = server;
  nf_counters n;
  nf_text text = {0};
  nf_scheduler_read(s->scheduler, &n);
  nf_metrics_text(&n, &(nf_metrics_facts){s->name, s->page_tokens, s->info.context, s->options.guesses},
                  &text);
  if (text.failed)
    nf_serve_problem(c, NF_PROBLEM_INTERNAL, NULL, NULL);
  else
    nf_call_answer(c, 200, "text/plain; version=0.0.4; charset=utf-8", text.at, text.n, 0);
  nf_text_deinit(&text);
}

// ---- load ----

void nf_serve_load(void *server, nf_call *c) {
  const nf_server *s = server;
  nf_counters n;
  nf_scheduler_read(s->scheduler, &n);
  nf_serve_json(c, json_pack("{s:I}", "server_load", (json_int_t)(n.waiting + n.running)));
}

// One number for vllm-router, which reads "load"; the rest are SGLang's names.
void nf_serve_get_load(void *server, nf_call *c) {
  const nf_server *s = server;
  nf_counters n;
  nf_scheduler_read(s->scheduler, &n);
  nf_serve_json(c, json_pack("{s:I,s:i,s:I,s:I,s:I}", "load", (json_int_t)(n.waiting + n.running), "dp_rank",
                             0, "num_reqs", (json_int_t)(n.waiting + n.running), "num_waiting_reqs",
                             (json_int_t)n.waiting, "num_tokens",
                             (json_int_t)(n.pages_in_use * (uint64_t)s->page_tokens)));
}

// Where page events are published, by the rank among servers that share requests, as vllm-router reads it:
// without a version of their form it listens to none and says nothing.
void nf_serve_event_sources(void *server, nf_call *c) {
  const nf_server *s = server;
  if (s->events == NULL) return nf_serve_json(c, json_object());
  const char *replay = nf_events_replay(s->events);
  nf_serve_json(c,
                json_pack("{s:{s:s,s:s,s:s,s:s?,s:s,s:i,s:i,s:b}}", "0", "publisher", "zmq", "endpoint",
                          nf_events_endpoint(s->events), "topic", nf_events_topic(s->events),
                          "replay_endpoint", replay, "encoding", "msgpack", "schema_version", 1,
                          "buffer_steps", replay != NULL ? NF_REPLAY_KEPT : 0, "enable_kv_cache_events", 1));
}

// ---- the model ----

static json_t *model_of(const nf_server *s) {
  return json_pack("{s:s,s:s,s:I,s:s,s:s,s:I}", "id", s->name, "object", "model", "created",
                   (json_int_t)s->created, "owned_by", "infuse", "root", s->options.dir, "max_model_len",
                   (json_int_t)s->info.context);
}

void nf_serve_models(void *server, nf_call *c) {
  nf_serve_json(c, json_pack("{s:s,s:[o]}", "object", "list", "data", model_of(server)));
}

void nf_serve_model(void *server, nf_call *c) {
  if (!nf_server_is_model(server, nf_call_rest(c))) return nf_serve_no_model(server, c);
  nf_serve_json(c, model_of(server));
}

void nf_serve_tokenizer_info(void *server, nf_call *c) {
  const nf_server *s = server;
  if (!nf_is_ok(s->no_tokenizer_info)) return nf_serve_status(c, nf_status_copy(s->no_tokenizer_info));
  nf_serve_json(c, json_incref(s->tokenizer_info));
}

// As SGLang names it, for its router.
void nf_serve_model_info(void *server, nf_call *c) {
  const nf_server *s = server;
  nf_serve_json(c, json_pack("{s:s,s:s,s:s,s:b,s:s}", "model_path", s->options.dir, "tokenizer_path",
                             s->options.dir, "served_model_name", s->name, "is_generation", true,
                             "model_type", s->info.family));
}

// vLLM's names within vllm_config, of what its router reads, and SGLang's beside it.
void nf_serve_server_info(void *server, nf_call *c) {
  const nf_server *s = server;
  const char *dir = s->options.dir;
  json_t *model = json_pack("{s:s,s:s,s:I}", "model", dir, "served_model_name", s->name, "max_model_len",
                            (json_int_t)s->info.context);
  json_t *cache = json_pack("{s:I,s:I}", "block_size", (json_int_t)s->page_tokens, "num_gpu_blocks",
                            (json_int_t)s->pages);
  json_t *scheduler = json_pack("{s:I,s:I}", "max_num_seqs", (json_int_t)s->info.sessions,
                                "max_num_batched_tokens", (json_int_t)s->info.batch);
  json_t *config =
      json_pack("{s:o,s:o,s:o}", "model_config", model, "cache_config", cache, "scheduler_config", scheduler);
  nf_serve_json(c, json_pack("{s:o,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I}", "vllm_config", config, "version",
                             infuse_version(), "model_path", dir, "tokenizer_path", dir, "served_model_name",
                             s->name, "block_size", (json_int_t)s->page_tokens, "max_total_num_tokens",
                             (json_int_t)(s->pages * s->page_tokens), "max_running_requests",
                             (json_int_t)s->info.sessions, "context_length", (json_int_t)s->info.context));
}
