// SPDX-License-Identifier: Apache-2.0
// The command line: commands, their options, and what they share. A client of <infuse/*.h> like any other
// program.
#pragma once
#include <infuse/inspect.h>
#include <jansson.h>
#include <signal.h>
#include <stdint.h>

enum { CLI_MAX_LIST = 64 };
typedef struct cli_list { // of an option that may be repeated
  const char *at[CLI_MAX_LIST];
  size_t n;
} cli_list;

// Every option of every command. Which command takes which is in the table of options.c.
typedef struct cli_options {
  const char *model, *tokens, *output, *routes, *device, *target, *log, *load_format, *argument, *prompt,
      *system, *think, *tools, *effort, *act_quant, *cpu, *figures, *tune, *forget, *explain_op, *fuse,
      *rules, *json_schema, *regex, *range, *file, *html, *input_len, *output_len, *output_json, *samples,
      *host, *api_key, *served_name, *base_url, *backend, *endpoint, *tokenizer, *dataset_name, *dataset_path,
      *request_rate, *max_concurrency, *percentile_metrics, *metric_percentiles, *extra_body, *result_dir,
      *result_filename, *label, *plot;
  int64_t threads, last, context, chunk, layers, memory, sessions, cache_tokens, snapshots, world, seed,
      count, top_k, no_repeat_ngram, min_tokens, budget, batch_size, num_iters, num_iters_warmup, num_prompts,
      num_warmups, random_prefix_len, ready_timeout, limit, batch, compare_tokens, port, kv_events,
      kv_events_replay, max_queue, speculate;
  double temperature, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty, max_kl, min_top1,
      max_points, min_p_value, burstiness, random_range_ratio;
  bool hidden, json, list, brief, quiet, all, bench, help, chat, raw, ignore_eos, plain, bare, stream,
      stop_in_thoughts, json_object, save_result, save_detailed;
  cli_list force, stop, choice, logit_bias, fuse_order, diff, task, against, goodput, metadata;
  const char
      *names; // "help" was given for an option's value: the part of infuse_names's document, or "a|b|c"
  const char *names_of; // and for which op: "linear=help", or NULL
  const char *line;     // the command line as it could be typed again, or NULL
} cli_options;

// Bits of the commands that take an option.
enum {
  CLI_LOGITS = 1 << 0,
  CLI_EXPLAIN = 1 << 1,
  CLI_CHECK = 1 << 2,
  CLI_DEVICES = 1 << 3,
  CLI_GENERATE = 1 << 4,
  CLI_TOKENIZE = 1 << 5,
  CLI_DETOKENIZE = 1 << 6,
  CLI_VERIFY = 1 << 7,
  CLI_TUNE = 1 << 8,
  CLI_BENCH = 1 << 9,
  CLI_EVAL = 1 << 10,
  CLI_AGAINST = 1 << 11, // no command: what --against of eval takes
  CLI_SERVE = 1 << 12,
  CLI_CHAT = 1 << 13,
  CLI_SET = 1 << 14, // no command: what /set of chat takes
  CLI_ANSWER = CLI_GENERATE | CLI_CHAT | CLI_SET,
  CLI_MODEL = CLI_LOGITS | CLI_EXPLAIN | CLI_GENERATE | CLI_VERIFY | CLI_TUNE | CLI_BENCH | CLI_EVAL |
              CLI_AGAINST | CLI_SERVE | CLI_CHAT, // load or plan a model
  CLI_ALL = ~CLI_SET,
};

typedef struct cli_command {
  const char *name;
  unsigned bit;
  const char *usage, *what; // "-m DIR [options]"; one line
  const char *argument;     // name of the one positional argument, or NULL
  int (*run)(const cli_options *o, infuse_runtime *rt);
} cli_command;

// Parses argv behind the command's name. false: an error line was printed (exit 2).
bool cli_parse(const cli_command *c, int argc, char **argv, cli_options *out);
// The same on top of what *out holds, also after an error in part.
bool cli_parse_more(const cli_command *c, int argc, char **argv, cli_options *out);
void cli_print_options(unsigned command); // to stdout

// Prints the error as one line on stderr, frees it, and gives the exit code: 1 failed check, 2 usage, 3 bad
// input, 4 missing device or resource, 130 interrupted.
int cli_fail(infuse_error *e);
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2))); // prints the line; 2

infuse_model_options cli_model_options(const cli_options *o);
int cli_make_runtime(const cli_options *o,
                     infuse_runtime **out); // tells of its log and progress; the exit code
bool cli_wants_chat(const cli_options *o);  // some option makes sense in a chat only
infuse_thinking cli_thinking(const cli_options *o);
// Numbers between commas and white space, as they are or in brackets ("1,2,3", "[1, 2]"); of a file for
// "@FILE", of standard input for "-". *out is freed by the caller. 0, or the exit code.
int cli_tokens(const char *text, int32_t **out, size_t *out_n);

// A sink that prints the document and a newline.
void cli_print_json(void *user, const char *json, size_t n);

// All of a file, or of standard input for "-". *out is NULL before; the caller frees it, also after an error.
// 0, or the exit code.
int cli_read(const char *path, char **out, size_t *out_n);
// The same of what an option gives: the text itself, or "@FILE", or "-".
int cli_read_text(const char *text, char **out, size_t *out_n);
extern volatile sig_atomic_t cli_interrupted; // Ctrl-C came

// A document of the library that is shown. cli_show is its sink: with --json it prints the document, else it
// hands it to `show`, whose exit code cli_shown gives unless the library failed.
typedef struct cli_view {
  const cli_options *o;
  int (*show)(const json_t *doc, const cli_options *o);
  int code;
} cli_view;
void cli_show(void *user, const char *json, size_t n);
int cli_shown(infuse_error *e, const cli_view *v);

// Each prints one document to stdout and gives 0. They read documents that this very program made, so a
// missing key is a bug and prints as "?".
int cli_render_verify(const json_t *doc, const cli_options *o);
int cli_render_check(const json_t *doc, const cli_options *o);
int cli_render_devices(const json_t *doc, const cli_options *o);

int cli_names(const cli_options *o, infuse_runtime *rt); // lists o->names

int cli_generate(const cli_options *o, infuse_runtime *rt);
int cli_chat(const cli_options *o, infuse_runtime *rt);
int cli_tokenize(const cli_options *o, infuse_runtime *rt);
int cli_detokenize(const cli_options *o, infuse_runtime *rt);
int cli_logits(const cli_options *o, infuse_runtime *rt);
int cli_explain(const cli_options *o, infuse_runtime *rt);
int cli_verify(const cli_options *o, infuse_runtime *rt);
int cli_check(const cli_options *o, infuse_runtime *rt);
int cli_bench_run(const cli_options *o, infuse_runtime *rt);
int cli_eval(const cli_options *o, infuse_runtime *rt);
int cli_devices(const cli_options *o, infuse_runtime *rt);
int cli_serve(const cli_options *o, infuse_runtime *rt);
int cli_tune(const cli_options *o, infuse_runtime *rt);
