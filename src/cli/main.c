// SPDX-License-Identifier: Apache-2.0
// infuse: the commands, and what happens before and after each.
#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "report/doc.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static const cli_command commands[] = {
    {"generate", CLI_GENERATE, "-m DIR -p TEXT", "text from a prompt", NULL, cli_generate},
    {"chat", CLI_CHAT, "-m DIR", "a conversation at the terminal", NULL, cli_chat},
    {"serve", CLI_SERVE, "-m DIR [--port N]", "a server with OpenAI's API", NULL, cli_serve},
    {"tokenize", CLI_TOKENIZE, "-m DIR|tokenizer.json", "token ids of a text, as a JSON array", NULL,
     cli_tokenize},
    {"detokenize", CLI_DETOKENIZE, "-m DIR|tokenizer.json --tokens LIST", "text of token ids", NULL,
     cli_detokenize},
    {"logits", CLI_LOGITS, "-m DIR --tokens LIST -o FILE", "logits of given tokens, as a safetensors file",
     NULL, cli_logits},
    {"explain", CLI_EXPLAIN, "-m DIR", "fusions and kernels: what was chosen and why not the rest; memory",
     NULL, cli_explain},
    {"verify", CLI_VERIFY, "-m DIR", "the plan against the reference, value by value", NULL, cli_verify},
    {"check", CLI_CHECK, "[OP] [-m DIR]", "every kernel against its reference, or those of a model", "OP",
     cli_check},
    {"tune", CLI_TUNE, "-m DIR|--list|--forget all", "kernels of a model measured here, and kept", NULL,
     cli_tune},
    {"bench", CLI_BENCH, "latency|throughput|kernels|fusions|serve -m DIR",
     "how fast a model runs: one batch, many requests, its kernels, what fusions gain; or a server", "KIND",
     cli_bench_run},
    {"eval", CLI_EVAL, "-m DIR --task FILE",
     "how well a model answers, and how far other options take it from that", NULL, cli_eval},
    {"devices", CLI_DEVICES, "", "what infuse can run on here", NULL, cli_devices},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands, INTERRUPTED = 130 };

// ---- messages ----

int cli_usage(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  fputs("infuse: ", stderr);
  vfprintf(stderr, fmt, args);
  fputc('\n', stderr);
  va_end(args);
  return 2;
}

int cli_fail(infuse_error *e) {
  static const int exits[] = {
      [INFUSE_OK] = 0,
      [INFUSE_CHECK_FAILED] = 1,
      [INFUSE_USAGE] = 2,
      [INFUSE_BAD_INPUT] = 3,
      [INFUSE_UNAVAILABLE] = 4,
      [INFUSE_NO_MEMORY] = 4,
      [INFUSE_CANCELLED] = INTERRUPTED,
      [INFUSE_INTERNAL] = 70,
  };
  if (e == NULL) return 0;
  const int code = exits[infuse_error_code(e)];
  fprintf(stderr, "infuse: %s\n", code == INTERRUPTED ? "interrupted" : infuse_error_message(e));
  infuse_error_free(e);
  return code;
}

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static void print_log(void *user, infuse_level level, const char *line) {
  (void)user;
  fprintf(stderr, "%s: %s\n", level_names[level], line);
}

// Of all runtimes: whether anybody sees progress, and when it was last shown.
static struct {
  bool shown;
  double last;
} progress;

static void print_progress(const char *what, uint64_t done, uint64_t total) {
  if (done == total)
    fputs("\r\033[K", stderr);
  else if (total != 0)
    fprintf(stderr, "\r%s: %3.0f%%", what, 100.0 * (double)done / (double)total);
  else
    fprintf(stderr, "\r%s: %llu", what, (unsigned long long)done);
}

// Also where nobody sees it: this is how long work hears of Ctrl-C.
static bool progressed(void *user, const char *what, uint64_t done, uint64_t total) {
  const double now = nf_now();
  (void)user;
  if (progress.shown && (done == total || now - progress.last > 0.1)) {
    print_progress(what, done, total);
    progress.last = now;
  }
  return cli_interrupted == 0;
}

void cli_print_json(void *user, const char *json, size_t n) {
  (void)user;
  fwrite(json, 1, n, stdout);
  fputc('\n', stdout);
}

// ---- what commands share ----

volatile sig_atomic_t cli_interrupted;

// The first Ctrl-C asks for an end, which progress and the loop over tokens hear; what has not heard it 0.3 s
// later, or hears a second one, is ended here. Files that are not complete have no name yet.
static void end_now(int signal) {
  (void)signal;
  _exit(INTERRUPTED);
}

static void interrupt(int signal) {
  if (cli_interrupted) end_now(signal);
  cli_interrupted = 1;
  setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 300000}, NULL);
}

static void catch_interrupts(void) {
  sigaction(SIGALRM, &(struct sigaction){.sa_handler = end_now}, NULL);
  sigaction(SIGINT, &(struct sigaction){.sa_handler = interrupt, .sa_flags = SA_RESTART}, NULL);
}

infuse_model_options cli_model_options(const cli_options *o) {
  return (infuse_model_options){.size = sizeof(infuse_model_options),
                                .context = o->context,
                                .sessions = o->sessions,
                                .cache_tokens = o->cache_tokens,
                                .snapshots = o->snapshots,
                                .guesses = o->speculate,
                                .batch = o->chunk,
                                .memory = (uint64_t)o->memory,
                                .layers = o->layers,
                                .world = o->world,
                                .plain_activations = o->act_quant != NULL && strcmp(o->act_quant, "off") == 0,
                                .dummy = o->load_format != NULL && strcmp(o->load_format, "dummy") == 0,
                                .force = o->force.at,
                                .n_force = o->force.n,
                                .fuse = o->fuse,
                                .fuse_order = o->fuse_order.at,
                                .n_fuse_order = o->fuse_order.n,
                                .rules = o->rules};
}

static infuse_level level_of(const char *name) {
  for (int i = 0; name != NULL && i < 4; i++)
    if (strcmp(name, level_names[i]) == 0) return (infuse_level)i;
  return INFUSE_WARNING;
}

int cli_make_runtime(const cli_options *o, infuse_runtime **out) {
  const infuse_runtime_options ro = {.size = sizeof ro,
                                     .device = o->device,
                                     .target = o->target,
                                     .cpu = o->cpu,
                                     .figures = o->figures,
                                     .tune = o->tune,
                                     .threads = (int)o->threads,
                                     .log_level = level_of(o->log),
                                     .log = print_log,
                                     .progress = progressed};
  return cli_fail(infuse_runtime_create(&ro, out));
}

// ---- help ----

static int print_help(void) {
  printf("infuse %s: an LLM inference engine\n\nusage: infuse COMMAND [options]\n\n", infuse_version());
  for (int i = 0; i < N_COMMANDS; i++) printf("  %-10s %s\n", commands[i].name, commands[i].what);
  printf(
      "\ninfuse help COMMAND, or infuse COMMAND -h, shows a command's options; infuse --version its version\n"
      "exit: 0 success, 1 a check failed, 2 wrong usage, 3 bad input, 4 a missing device or resource,\n"
      "      130 interrupted\n");
  return 0;
}

static int print_command_help(const cli_command *c) {
  printf("usage: infuse %s%s%s [options]\n\n%s\n\n", c->name, c->usage[0] != '\0' ? " " : "", c->usage,
         c->what);
  cli_print_options(c->bit);
  return 0;
}

static const cli_command *find_command(const char *name) {
  const char *names[N_COMMANDS];
  for (int i = 0; i < N_COMMANDS; i++) {
    names[i] = commands[i].name;
    if (strcmp(name, names[i]) == 0) return &commands[i];
  }
  const char *near = nf_nearest(name, names, N_COMMANDS);
  cli_usage("'%s' is no command%s%s; see: infuse help", name, near != NULL ? "; did you mean " : "",
            near != NULL ? near : "");
  return NULL;
}

static int run(const cli_command *c, const cli_options *o) {
  infuse_runtime *rt = NULL;
  progress.shown = !o->quiet && isatty(2);
  catch_interrupts();
  int code = cli_make_runtime(o, &rt);
  if (code == 0) code = (o->names != NULL ? cli_names : c->run)(o, rt);
  infuse_runtime_destroy(rt);
  return code == 0 && cli_interrupted ? INTERRUPTED : code;
}

static int help(const char *name) {
  const cli_command *c = name != NULL ? find_command(name) : NULL;
  if (name == NULL) return print_help();
  return c != NULL ? print_command_help(c) : 2;
}

// The words as a shell takes them, for pages that tell how they were made; before cli_parse, which cuts them.
static void write_word(nf_text *t, const char *word) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
  if (*word != '\0' && word[strspn(word, plain)] == '\0') return nf_text_printf(t, "%s", word);
  nf_text_printf(t, "'");
  for (; *word != '\0'; word++) nf_text_printf(t, *word == '\'' ? "'\\''" : "%c", *word);
  nf_text_printf(t, "'");
}

static char *command_line(int argc, char **argv) {
  nf_text t = {0};
  nf_text_printf(&t, "infuse");
  for (int i = 1; i < argc; i++) {
    nf_text_printf(&t, " ");
    write_word(&t, argv[i]);
  }
  return report_taken(&t);
}

static int run_line(int argc, char **argv) {
  if (argc < 2) return print_help(), 2;
  static const char *const helps[] = {"help", "-h", "--help"};
  for (int i = 0; i < 3; i++)
    if (strcmp(argv[1], helps[i]) == 0) return help(argv[2]);
  if (strcmp(argv[1], "--version") == 0) return printf("infuse %s\n", infuse_version()), 0;
  const cli_command *c = find_command(argv[1]);
  char *line = command_line(argc, argv);
  cli_options o;
  int code = 2;
  if (c != NULL && cli_parse(c, argc - 2, argv + 2, &o)) {
    o.line = line;
    code = o.help ? print_command_help(c) : run(c, &o);
  }
  free(line);
  return code;
}

// What was written as it came may have failed long before the last of it.
int main(int argc, char **argv) {
  const int code = run_line(argc, argv);
  if ((fflush(stdout) == 0 && !ferror(stdout)) || code != 0) return code;
  return cli_usage("writing to standard output failed"), 4;
}
