// SPDX-License-Identifier: Apache-2.0
// A long load on a server: requests of mixed lengths, chats and wrong ones among them, clients that hang up
// in mid-stream or before the first byte, /health asked all the while; then many streams open at once. At the
// end nothing may be left: no request running or waiting, no page in use, no memory grown.
//   usage: soak [-n REQUESTS] [-c CONCURRENCY] [-s STREAMS] INFUSE MODEL [OPTIONS OF SERVE]
// Exit 1 when something is left, or an answer was not what it had to be. Times are told, not judged.
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "cli/load/client.h"
#include "cli/load/reply.h"
#include "cli/series.h"
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLES = 20, MOST_PROMPT = 120, MOST_OUTPUT = 24, JUDGED = 10000 };
static const double most_growth =
    0.01; // of memory, from the first fifth of at least JUDGED requests to the end

// ---- the server ----

typedef struct server {
  pid_t pid;
  char url[64];
  double started; // seconds from exec to listening
} server;

static void read_url(server *s, int from) {
  char line[128];
  FILE *f = fdopen(from, "r");
  if (f == NULL || fgets(line, sizeof line, f) == NULL || sscanf(line, "listening at %63s", s->url) != 1) {
    fprintf(stderr, "soak: the server does not listen\n");
    exit(1);
  }
}

static void start_server(server *s, char **argv, int argc) {
  char *line[64] = {argv[0], "serve", "-m", argv[1], "--port", "0"};
  int n = 6, pipes[2];
  for (int i = 2; i < argc && n < 63; i++) line[n++] = argv[i];
  if (pipe(pipes) != 0) exit(4);
  const double begun = nf_now();
  s->pid = fork();
  if (s->pid == 0) {
    dup2(pipes[1], 1);
    close(pipes[0]);
    execv(argv[0], line);
    _exit(127);
  }
  close(pipes[1]);
  read_url(s, pipes[0]);
  s->started = nf_now() - begun;
}

static double resident_mib(const server *s) {
  char path[64];
  long pages = 0;
  snprintf(path, sizeof path, "/proc/%d/statm", (int)s->pid);
  FILE *f = fopen(path, "r");
  if (f == NULL || fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
  if (f != NULL) fclose(f);
  return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static int descriptors(const server *s) {
  char command[64];
  int n = -1;
  snprintf(command, sizeof command, "ls /proc/%d/fd | wc -l", (int)s->pid);
  FILE *f = popen(command, "r");
  if (f != NULL && fscanf(f, "%d", &n) != 1) n = -1;
  if (f != NULL) pclose(f);
  return n;
}

// ---- requests ----

typedef enum kind { STREAM, WHOLE, CHAT, WRONG, HANGS_UP, NEVER_LISTENS, N_KINDS } kind;
static const char *const kind_names[] = {"streams",        "whole answers",         "chats",
                                         "wrong requests", "hung up in mid-stream", "gone before the answer"};
static const int weights[N_KINDS] = {45, 15, 10, 5, 15, 10}; // of 100

typedef struct soak soak;
typedef struct slot { // a client
  load_call call;
  load_sse sse;
  load_reply reply;
  char *body;
  kind kind;
  size_t patience; // events with text until it hangs up
  double leaves;   // NEVER_LISTENS: when
  bool busy;
  soak *of;
} slot;

struct soak {
  server server;
  load_client *client;
  slot *slot;
  size_t n_slots, requests, started, ended, kinds[N_KINDS], wrong, open, most_open;
  uint64_t random;
  load_call health;
  double asked; // when /health was
  bool asking;
  cli_series healths; // seconds
  double resident[SAMPLES + 1];
  int sampled;
  bool all_streams; // only streams, and nobody hangs up
};

static kind draw_kind(soak *s) {
  int64_t at = nf_random_between(&s->random, 0, 99);
  int k = 0;
  while (at >= weights[k]) at -= weights[k++];
  return s->all_streams ? STREAM : (kind)k;
}

static char *draw_body(soak *s, const slot *c) {
  nf_text t = {0};
  const int64_t in = nf_random_between(&s->random, 1, MOST_PROMPT);
  const int64_t out = nf_random_between(&s->random, 1, MOST_OUTPUT);
  if (c->kind == CHAT)
    nf_text_printf(&t, "{\"messages\":[{\"role\":\"user\",\"content\":\"What is %d + %d?\"}],", (int)in,
                   (int)out);
  else
    nf_text_printf(&t, "{\"ignore_eos\":true,\"prompt\":[%d", (int)nf_random_between(&s->random, 0, 255));
  for (int64_t i = 1; i < in && c->kind != CHAT; i++)
    nf_text_printf(&t, ",%d", (int)nf_random_between(&s->random, 0, 255));
  nf_text_printf(&t, "%s\"max_tokens\":%d,\"temperature\":%d,\"stream\":%s}", c->kind == CHAT ? "" : "],",
                 c->kind == WRONG ? -1 : (int)out, (int)(out % 2), c->kind == WHOLE ? "false" : "true");
  return t.failed ? NULL : t.at;
}

static void take_event(void *user, const load_event *e) { load_reply_hear(&((slot *)user)->reply, e); }

static bool hear(load_call *call, const char *at, size_t n) {
  slot *c = call->user;
  nf_status st = load_sse_feed(&c->sse, at, n, take_event, c);
  const bool fine = nf_is_ok(st);
  nf_status_free(st);
  return fine && (c->kind != HANGS_UP || c->reply.texts < c->patience);
}

static void leave(slot *c) {
  nf_status_free(c->call.error);
  load_sse_deinit(&c->sse);
  load_reply_deinit(&c->reply);
  nf_text_deinit(&c->call.kept);
  free(c->body);
  c->busy = false;
  c->of->open--;
  c->of->ended++;
}

// What each kind has to come to. Who hangs up may have had the whole answer before.
static void judge(slot *c) {
  const bool whole = nf_is_ok(c->call.error);
  bool right = whole && c->call.status == (c->kind == WRONG ? 400 : 200);
  if (c->kind == HANGS_UP) right = c->call.status == 200;
  if (right && whole && (c->kind == STREAM || c->kind == CHAT)) {
    nf_status st = load_reply_end(&c->reply);
    right = nf_is_ok(st);
    nf_status_free(st);
  }
  if (right) return;
  c->of->wrong++;
  fprintf(stderr, "soak: %s: status %d, %s%.*s\n", kind_names[c->kind], c->call.status,
          nf_status_message(c->call.error), (int)(c->call.kept.n < 200 ? c->call.kept.n : 200),
          c->call.kept.n != 0 ? c->call.kept.at : "");
}

static void end(load_call *call) {
  judge(call->user);
  leave(call->user);
}

static nf_status begin(soak *s, slot *c) {
  *c = (slot){.kind = draw_kind(s), .busy = true, .of = s};
  c->body = draw_body(s, c);
  if (c->body == NULL) return nf_error(NF_NO_MEMORY, "no memory for a request");
  c->patience = (size_t)nf_random_between(&s->random, 1, 6);
  c->leaves = c->kind == NEVER_LISTENS ? nf_now() + 0.02 * nf_random_unit(&s->random) : (double)INFINITY;
  c->call = (load_call){.path = c->kind == CHAT ? "/v1/chat/completions" : "/v1/completions",
                        .body = nf_view_of(c->body),
                        .wants_stream = c->kind != WHOLE,
                        .heard = hear,
                        .ended = end,
                        .user = c};
  load_reply_init(&c->reply);
  s->kinds[c->kind]++;
  s->started++;
  if (++s->open > s->most_open) s->most_open = s->open;
  return load_client_start(s->client, &c->call);
}

// ---- health, and memory ----

static void note_health(load_call *call) {
  soak *s = call->user;
  s->asking = false;
  s->wrong += call->status != 200;
  nf_status_free(call->error);
  cli_series_add(&s->healths, nf_now() - s->asked);
}

static nf_status ask_health(soak *s) {
  if (s->asking || nf_now() < s->asked + 0.02) return nf_ok();
  nf_text_deinit(&s->health.kept);
  s->health = (load_call){.path = "/health", .ended = note_health, .user = s};
  s->asked = nf_now();
  s->asking = true;
  return load_client_start(s->client, &s->health);
}

static void sample_memory(soak *s) {
  if (s->sampled == SAMPLES || s->ended * SAMPLES < (size_t)(s->sampled + 1) * s->requests) return;
  while (s->sampled < SAMPLES && s->ended * SAMPLES >= (size_t)(s->sampled + 1) * s->requests)
    s->resident[++s->sampled] = resident_mib(&s->server);
  if (isatty(STDERR_FILENO)) fprintf(stderr, "\r%zu requests, %.1f MiB", s->ended, s->resident[s->sampled]);
}

// ---- running ----

static nf_status turn(soak *s) {
  const double now = nf_now();
  for (size_t i = 0; i < s->n_slots; i++) {
    slot *c = &s->slot[i];
    if (c->busy && c->leaves < now) {
      load_client_drop(s->client, &c->call);
      leave(c);
    }
    if (!c->busy && s->started < s->requests) NF_TRY(begin(s, c));
  }
  NF_TRY(ask_health(s));
  sample_memory(s);
  return load_client_turn(s->client, now + 0.01);
}

static nf_status run(soak *s, size_t requests, size_t concurrency) {
  s->requests = requests;
  s->n_slots = concurrency;
  s->started = s->ended = s->most_open = 0;
  NF_TRY(nf_make(&s->slot, concurrency, sizeof *s->slot, "clients"));
  nf_status st = nf_ok();
  while (nf_is_ok(st) && (s->ended < requests || s->asking)) st = turn(s);
  sample_memory(s);
  nf_free(s->slot);
  return st;
}

// ---- what is left ----

static nf_status metric(soak *s, const char *name, double *out) {
  load_call call = {.path = "/metrics"};
  nf_status st = load_client_ask(s->client, &call);
  char wanted[64];
  snprintf(wanted, sizeof wanted, "\nvllm:%s{", name);
  const char *at = nf_is_ok(st) ? strstr(call.kept.at, wanted) : NULL;
  if (at != NULL) at = strchr(at, '}');
  if (nf_is_ok(st) && at == NULL) st = nf_error(NF_BAD_INPUT, "/metrics has no %s", name);
  if (nf_is_ok(st)) *out = strtod(at + 1, NULL);
  nf_text_deinit(&call.kept);
  return st;
}

// Clients that are gone are noticed within a step or two.
static nf_status count_left(soak *s, double left[3]) {
  static const char *const names[] = {"num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"};
  const double until = nf_now() + 10;
  do {
    for (int i = 0; i < 3; i++) NF_TRY(metric(s, names[i], &left[i]));
  } while (left[0] + left[1] + left[2] > 0 && nf_now() < until && usleep(50000) == 0);
  return nf_ok();
}

static void show_load(soak *s, double seconds) {
  printf("%zu requests in %.1f s, %.0f a second, %zu open at once:", s->ended, seconds,
         (double)s->ended / seconds, s->most_open);
  for (int k = 0; k < N_KINDS; k++)
    if (s->kinds[k] != 0) printf(" %zu %s;", s->kinds[k], kind_names[k]);
  cli_sort(&s->healths);
  printf("\n/health: %zu times, median %.2f ms, p99 %.2f, most %.2f\n", s->healths.n,
         1e3 * cli_percentile(&s->healths, 50), 1e3 * cli_percentile(&s->healths, 99),
         1e3 * cli_percentile(&s->healths, 100));
  s->healths.n = 0;
}

// True: it is flat, or there were too few requests to say.
static bool show_memory(const soak *s, size_t requests) {
  double most = 0;
  const double early = s->resident[SAMPLES / 5];
  for (int i = SAMPLES / 5; i <= SAMPLES; i++) most = fmax(most, s->resident[i]);
  printf("resident, MiB, each twentieth of them:");
  for (int i = 0; i <= SAMPLES; i++) printf(" %.1f", s->resident[i]);
  printf("\nfrom the first fifth on at most %+.2f %%\n", 100 * (most / early - 1));
  return requests < JUDGED || most <= (1 + most_growth) * early;
}

static nf_status soak_server(soak *s, size_t requests, size_t concurrency, size_t streams, bool *fine) {
  double left[3], begun = nf_now();
  const int before = descriptors(&s->server);
  s->resident[0] = resident_mib(&s->server);
  NF_TRY(run(s, requests, concurrency));
  show_load(s, nf_now() - begun);
  *fine = show_memory(s, requests);
  memset(s->kinds, 0, sizeof s->kinds);
  s->all_streams = true;
  begun = nf_now();
  NF_TRY(run(s, streams, streams));
  show_load(s, nf_now() - begun);
  NF_TRY(count_left(s, left));
  printf("left: %.0f running, %.0f waiting, %.4g of the pages in use; %zu wrong answers\n", left[0], left[1],
         left[2], s->wrong);
  *fine = *fine && left[0] + left[1] + left[2] == 0 && s->wrong == 0 && s->most_open == streams;
  load_client_destroy(s->client);
  s->client = NULL;
  usleep(200000);
  const int after = descriptors(&s->server);
  printf("descriptors of the server: %d before, %d after its clients are gone\n", before, after);
  *fine = *fine && after <= before + 2; // what was opened once
  return nf_ok();
}

static bool stop_server(const server *s) {
  int status = -1;
  kill(s->pid, SIGINT);
  waitpid(s->pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv) {
  size_t requests = 100000, concurrency = 64, streams = 1000;
  bool fine = false;
  for (int o; (o = getopt(argc, argv, "+n:c:s:")) != -1;) {
    size_t *const to = o == 'n' ? &requests : o == 'c' ? &concurrency : o == 's' ? &streams : NULL;
    if (to == NULL) return 2;
    *to = strtoul(optarg, NULL, 10);
  }
  if (argc - optind < 2) return fprintf(stderr, "usage: soak [-n N] [-c N] [-s N] INFUSE MODEL\n"), 2;
  static soak s = {.random = 1};
  start_server(&s.server, argv + optind, argc - optind);
  printf("listening %.0f ms after its start\n", 1e3 * s.server.started);
  const load_client_options co = {.base = s.server.url};
  nf_status st = load_client_create(&co, &s.client);
  if (nf_is_ok(st)) st = soak_server(&s, requests, concurrency, streams, &fine);
  if (!nf_is_ok(st)) fprintf(stderr, "soak: %s\n", nf_status_message(st));
  fine = fine && nf_is_ok(st);
  nf_status_free(st);
  if (!stop_server(&s.server)) fine = false, fprintf(stderr, "soak: the server ended badly\n");
  load_client_destroy(s.client);
  cli_series_deinit(&s.healths);
  nf_text_deinit(&s.health.kept);
  return fine ? 0 : 1;
}
