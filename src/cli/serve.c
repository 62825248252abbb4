// SPDX-License-Identifier: Apache-2.0
// infuse serve: a model behind OpenAI's API, until a signal ends it.
#include "cli/cli.h"
#include "server/server.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { PORT = 8000, SESSIONS = 16, CHUNK = 256, ROWS = 64, SNAPSHOTS = 16 };
static const double grace = 30; // seconds that answers have to come to their end

// The first signal lets answers come to their end, a second one does not.
static int signals = -1; // an eventfd, as handlers may write to it
static volatile sig_atomic_t seen;

static void note_signal(int signal) {
  const uint64_t one = 1;
  const int error = errno;
  (void)signal;
  if (seen++ != 0) _exit(130);
  if (write(signals, &one, sizeof one) != sizeof one) _exit(130);
  errno = error;
}

static int wait_for_signal(void) {
  uint64_t n;
  while (read(signals, &n, sizeof n) < 0)
    if (errno != EINTR) return cli_usage("can't wait for signals");
  return 0;
}

static int catch_signals(void) {
  const struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
  signals = eventfd(0, EFD_CLOEXEC);
  if (signals < 0 || sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
    return cli_usage("can't wait for signals");
  return 0;
}

// What a server wants where nothing is said.
static infuse_model_options model_options(const cli_options *o) {
  infuse_model_options mo = cli_model_options(o);
  if (mo.sessions == 0) mo.sessions = SESSIONS;
  if (mo.batch == 0) mo.batch = CHUNK;
  mo.rows = mo.sessions > ROWS ? mo.sessions : ROWS; // for logprobs of prompts
  if (mo.rows > mo.batch) mo.rows = mo.batch;
  if (mo.snapshots == 0) mo.snapshots = SNAPSHOTS;
  return mo;
}

// NULL: clients need none. An empty one is a mistake, as nothing can be known that is not there.
static int read_key(const cli_options *o, const char **out) {
  const char *from_environment = getenv("INFUSE_API_KEY");
  *out = o->api_key != NULL ? o->api_key : from_environment;
  if (*out == NULL || **out != 0) return 0;
  return o->api_key != NULL ? cli_usage("--api-key: the key is empty; leave it out to serve without one")
                            : cli_usage("INFUSE_API_KEY: the key is empty; unset it to serve without one");
}

static int run(const cli_options *o, const char *key, infuse_runtime *rt, infuse_model *m,
               const infuse_model_options *mo) {
  const nf_server_options so = {.rt = rt,
                                .model = m,
                                .loaded = mo,
                                .dir = o->model,
                                .name = o->served_name,
                                .host = o->host,
                                .key = key,
                                .port = (uint16_t)(o->port >= 0 ? o->port : PORT),
                                .events = o->kv_events >= 0,
                                .events_port = (uint16_t)(o->kv_events >= 0 ? o->kv_events : 0),
                                .replay = o->kv_events_replay >= 0,
                                .replay_port = (uint16_t)(o->kv_events_replay >= 0 ? o->kv_events_replay : 0),
                                .queue = (size_t)o->max_queue,
                                .guesses = (int32_t)o->speculate};
  nf_server *s;
  int code = catch_signals();
  if (code == 0) code = cli_fail(nf_server_start(&so, &s).error);
  if (code != 0) return code;
  const char *host = o->host != NULL ? o->host : "127.0.0.1";
  if (!o->quiet) printf("listening at http://%s:%u\n", host, nf_server_port(s));
  fflush(stdout);
  code = wait_for_signal();
  nf_server_stop(s, grace);
  return code;
}

int cli_serve(const cli_options *o, infuse_runtime *rt) {
  const infuse_model_options mo = model_options(o);
  infuse_model *m = NULL;
  const char *key;
  if (o->model == NULL) return cli_usage("serve wants -m DIR");
  if (o->kv_events_replay >= 0 && o->kv_events < 0)
    return cli_usage("--kv-events-replay sends again what --kv-events PORT has published: give that too");
  int code = read_key(o, &key);
  if (code == 0) code = cli_fail(infuse_model_load(rt, o->model, &mo, &m));
  if (code == 0) code = run(o, key, rt, m, &mo);
  infuse_model_destroy(m);
  return code;
}
