// SPDX-License-Identifier: Apache-2.0
// Options as a table: one row each, read by the parser and by the help.
#include "base/text.h"
#include "cli/cli.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum kind { TEXT, CHOICE, NUMBER, REAL, BYTES, SWITCH, LIST, NAMES, PAIR } kind;
typedef struct row {
  const char *name, *value; // "--last", "N"; of a CHOICE "a|b|c", all that it may be
  kind kind;
  size_t offset;
  unsigned commands;
  const char *what;
  int64_t lo, hi;    // of a number
  const char *other; // another spelling of the name
  const char *names; // what "help" lists: a part of infuse_names's document
} row;
#define AT(field) offsetof(cli_options, field)
static const row rows[] = {
    {"-m", "DIR", TEXT, AT(model), CLI_MODEL | CLI_TOKENIZE | CLI_DETOKENIZE | CLI_CHECK,
     "checkpoint folder in Hugging Face form", .other = "--model"},
    {"--tokens", "LIST", TEXT, AT(tokens), CLI_LOGITS | CLI_GENERATE | CLI_DETOKENIZE | CLI_VERIFY,
     "token ids: 1,2,3 or [1,2,3]; @FILE, or - for standard input"},
    {"-o", "FILE", TEXT, AT(output), CLI_LOGITS, "output file (safetensors); - is standard output",
     .other = "--output"},
    {"--last", "N", NUMBER, AT(last), CLI_LOGITS, "only the last N positions", 1, INT32_MAX},
    {"--hidden", NULL, SWITCH, AT(hidden), CLI_LOGITS, "also hidden.L, the residual stream entering layer L"},
    {"--routes", "FILE", TEXT, AT(routes), CLI_LOGITS, "take the experts in \"routes\" of FILE"},
    {"--chunk", "N", NUMBER, AT(chunk), CLI_MODEL, "tokens computed at a time (64; eval: 512; serve: 256)", 1,
     1 << 20},
    {"--ctx", "N", NUMBER, AT(context),
     CLI_TUNE | CLI_EXPLAIN | CLI_GENERATE | CLI_CHAT | CLI_EVAL | CLI_SERVE,
     "tokens a session may hold (4096)", 1, 1 << 24},
    {"--range", "LO:HI", TEXT, AT(range), CLI_EXPLAIN, "steps of so many tokens (all)"},
    {"--sessions", "N", NUMBER, AT(sessions), CLI_TUNE | CLI_EXPLAIN | CLI_SERVE,
     "sessions at the same time (1; serve: 16)", 1, 4096},
    {"--cache-tokens", "N", NUMBER, AT(cache_tokens), CLI_TUNE | CLI_EXPLAIN | CLI_SERVE,
     "tokens that caches have room for, of all sessions together (sessions * ctx)", 1, INT64_MAX},
    {"--snapshots", "N", NUMBER, AT(snapshots), CLI_TUNE | CLI_EXPLAIN | CLI_SERVE,
     "ends of prompts that caches remember besides (0; serve: 16)", 1, 1 << 20},
    {"--layers", "N", NUMBER, AT(layers), CLI_MODEL, "only the first N layers", 1, 4096},
    {"--load-format", "auto|dummy", CHOICE, AT(load_format), CLI_MODEL,
     "dummy: random weights, nothing read"},
    {"--act-quant", "on|off", CHOICE, AT(act_quant), CLI_MODEL | CLI_CHECK,
     "off: activations in front of FP8 weights stay as they are"},
    {"--memory", "BYTES", BYTES, AT(memory), CLI_MODEL, "most memory to use; 8G, 512M", 1, INT64_MAX},
    {"--world", "N", NUMBER, AT(world), CLI_MODEL | CLI_CHECK, "ranks that share the model (1)", 1, 64},
    {"--force", "OP=KERNEL", LIST, AT(force), CLI_MODEL | CLI_CHECK,
     "run OP with this kernel; may be repeated; help lists", .names = "ops"},
    {"--fuse", "cost|ordered|off", CHOICE, AT(fuse), CLI_MODEL, "how fusions are chosen (cost; ref: off)"},
    {"--fuse-order", "A,B,C", NAMES, AT(fuse_order), CLI_MODEL,
     "rules or families, the first takes what it can (ordered); help lists", .names = "rules"},
    {"--rules", "-A,+B", TEXT, AT(rules), CLI_MODEL | CLI_CHECK,
     "without rule A, with B; all is every rule; help lists", .names = "rules"},
    {"-p", "TEXT", TEXT, AT(prompt), CLI_GENERATE | CLI_TOKENIZE,
     "the prompt, or the text; @FILE reads a file, - standard input", .other = "--prompt"},
    {"-n", "N", NUMBER, AT(count), CLI_ANSWER | CLI_EVAL,
     "at most N new tokens (until the context is full; eval: 512)", 1, 1 << 24, .other = "--max-tokens"},
    {"--chat", NULL, SWITCH, AT(chat), CLI_GENERATE | CLI_EVAL,
     "the prompt is a message (if the model knows chats)"},
    {"--raw", NULL, SWITCH, AT(raw), CLI_GENERATE | CLI_EVAL, "the prompt is text to go on with"},
    {"--system", "TEXT", TEXT, AT(system), CLI_ANSWER | CLI_EVAL, "instructions in front of a chat"},
    {"--think", "on|off", CHOICE, AT(think), CLI_ANSWER | CLI_EVAL,
     "with or without thoughts (on, if the model can)"},
    {"--effort", "low|medium|high", CHOICE, AT(effort), CLI_ANSWER | CLI_EVAL,
     "how much to reason (medium, if the format says it)"},
    {"--tools", "FILE", TEXT, AT(tools), CLI_GENERATE, "functions to call: a JSON array in OpenAI's form"},
    {"--json-schema", "SCHEMA", TEXT, AT(json_schema), CLI_ANSWER,
     "the answer is JSON of this schema; @FILE reads a file, - standard input"},
    {"--json-object", NULL, SWITCH, AT(json_object), CLI_ANSWER, "the answer is a JSON object"},
    {"--regex", "R", TEXT, AT(regex), CLI_ANSWER, "the answer is what this regular expression matches"},
    {"--choice", "TEXT", LIST, AT(choice), CLI_ANSWER, "the answer is TEXT, or another choice"},
    {"--stop", "TEXT", LIST, AT(stop), CLI_ANSWER, "end before TEXT; may be repeated"},
    {"--stop-in-thoughts", NULL, SWITCH, AT(stop_in_thoughts), CLI_ANSWER, "stop strings end thoughts too"},
    {"--temperature", "T", REAL, AT(temperature), CLI_ANSWER | CLI_BENCH,
     "0 is greedy (generation_config.json)", 0, 1000000},
    {"--top-k", "K", NUMBER, AT(top_k), CLI_ANSWER | CLI_BENCH, "only the K likeliest tokens; 0 is off", 0,
     1 << 22},
    {"--top-p", "P", REAL, AT(top_p), CLI_ANSWER | CLI_BENCH,
     "only the likeliest tokens that reach P together", 0, 1},
    {"--min-p", "P", REAL, AT(min_p), CLI_ANSWER | CLI_BENCH, "only tokens P times as likely as the best", 0,
     1},
    {"--repetition-penalty", "R", REAL, AT(repetition_penalty), CLI_ANSWER | CLI_BENCH,
     "what stands in the text becomes less likely; 1 is off", 0, 1000},
    {"--presence-penalty", "A", REAL, AT(presence_penalty), CLI_ANSWER | CLI_BENCH,
     "taken from logits of tokens in the answer", -1000, 1000},
    {"--frequency-penalty", "A", REAL, AT(frequency_penalty), CLI_ANSWER | CLI_BENCH,
     "the same for each time that they stand there", -1000, 1000},
    {"--no-repeat-ngram", "N", NUMBER, AT(no_repeat_ngram), CLI_ANSWER,
     "no N tokens stand twice in the text; 0 is off", 0, 1 << 24},
    {"--min-tokens", "N", NUMBER, AT(min_tokens), CLI_ANSWER, "no stop token before N others", 0, 1 << 24},
    {"--logit-bias", "ID:VALUE,...", NAMES, AT(logit_bias), CLI_ANSWER, "added to logits of tokens"},
    {"--speculate", "N", NUMBER, AT(speculate), CLI_EXPLAIN | CLI_GENERATE | CLI_CHAT | CLI_SERVE,
     "guess N tokens at a time by what the text holds already (0: none)", 0, INFUSE_GUESSES},
    {"--ignore-eos", NULL, SWITCH, AT(ignore_eos), CLI_ANSWER | CLI_BENCH,
     "do not stop at the model's stop tokens"},
    {"--plain", NULL, SWITCH, AT(plain), CLI_TOKENIZE, "special-token spellings are ordinary text"},
    {"--bare", NULL, SWITCH, AT(bare), CLI_TOKENIZE, "without what the tokenizer puts around a text (a BOS)"},
    {"--file", "FILE", TEXT, AT(file), CLI_TOKENIZE, "text to tokenize; - is standard input (default)"},
    {"--all", NULL, SWITCH, AT(all), CLI_EXPLAIN | CLI_CHECK | CLI_VERIFY,
     "every layer, or every case, not just kinds"},
    {"--brief", NULL, SWITCH, AT(brief), CLI_EXPLAIN, "what was decided, a line each, no costs"},
    {"--html", "FILE", TEXT, AT(html), CLI_EXPLAIN,
     "write a page with drawings instead; - is standard output"},
    {"--diff", "A.json B.json", PAIR, AT(diff), CLI_EXPLAIN,
     "what changed from A to B; exit 1 when a fusion was lost"},
    {"--input-len", "N|LO:HI", TEXT, AT(input_len), CLI_BENCH,
     "tokens of each prompt (128); throughput and serve take a range", .other = "--random-input-len"},
    {"--output-len", "N|LO:HI", TEXT, AT(output_len), CLI_BENCH, "tokens of each answer (32; serve: 128)",
     .other = "--random-output-len"},
    {"--batch-size", "N", NUMBER, AT(batch_size), CLI_BENCH, "latency: sequences side by side (1)", 1, 4096},
    {"--num-iters", "N", NUMBER, AT(num_iters), CLI_BENCH,
     "latency: batches that are measured (5); fusions: rounds (2)", 1, 100000},
    {"--num-iters-warmup", "N", NUMBER, AT(num_iters_warmup), CLI_BENCH, "latency: batches before them (1)",
     0, 100000},
    {"--num-prompts", "N", NUMBER, AT(num_prompts), CLI_BENCH, "requests (throughput: 16; serve: 64)", 1,
     1 << 20},
    {"--max-concurrency", "N,...", TEXT, AT(max_concurrency), CLI_BENCH,
     "requests at the same time (throughput: 8; serve: any); serve takes several, a point each"},
    {"--output-json", "FILE", TEXT, AT(output_json), CLI_BENCH, "write the results to FILE as well"},
    {"--base-url", "URL", TEXT, AT(base_url), CLI_BENCH,
     "serve: where the server is (http://127.0.0.1:8000); OPENAI_API_KEY is its key"},
    {"--backend", "openai|openai-chat|vllm", CHOICE, AT(backend), CLI_BENCH,
     "serve: completions, or chats (openai)"},
    {"--endpoint", "PATH", TEXT, AT(endpoint), CLI_BENCH,
     "serve: path of completions or chats (/v1/completions; openai-chat: /v1/chat/completions)"},
    {"--tokenizer", "DIR", TEXT, AT(tokenizer), CLI_BENCH,
     "serve: the model's folder or tokenizer.json (-m, the server's root if it is here, its /tokenize)"},
    {"--dataset-name", "random|sharegpt|custom", CHOICE, AT(dataset_name), CLI_BENCH,
     "serve: drawn tokens, conversations, or lines of {\"prompt\": ...} (random)"},
    {"--dataset-path", "FILE", TEXT, AT(dataset_path), CLI_BENCH, "serve: where they are"},
    {"--random-range-ratio", "R", REAL, AT(random_range_ratio), CLI_BENCH,
     "serve: lengths from 1 - R to 1 + R times those given (0)", 0, 1},
    {"--random-prefix-len", "N", NUMBER, AT(random_prefix_len), CLI_BENCH,
     "serve: tokens that all drawn prompts begin with, besides (0)", 0, 1 << 24},
    {"--request-rate", "R,...", TEXT, AT(request_rate), CLI_BENCH,
     "serve: requests sent a second; several: a point each (inf)"},
    {"--burstiness", "B", REAL, AT(burstiness), CLI_BENCH,
     "serve: 1 sends as a Poisson process, less in bursts, more evenly (1)", 0, 1000000},
    {"--num-warmups", "N", NUMBER, AT(num_warmups), CLI_BENCH, "serve: requests before those that count (0)",
     0, 1 << 20},
    {"--ready-check-timeout-sec", "N", NUMBER, AT(ready_timeout), CLI_BENCH,
     "serve: seconds to wait for the server to be there (0)", 0, 86400},
    {"--percentile-metrics", "A,B", TEXT, AT(percentile_metrics), CLI_BENCH,
     "serve: times in the text, of ttft, tpot, itl and e2el (ttft,tpot,itl)"},
    {"--metric-percentiles", "P,...", TEXT, AT(metric_percentiles), CLI_BENCH, "serve: of all times (99)"},
    {"--goodput", "KEY:MS,...", NAMES, AT(goodput), CLI_BENCH,
     "serve: count requests within limits of ttft, tpot, e2el"},
    {"--extra-body", "JSON", TEXT, AT(extra_body), CLI_BENCH, "serve: more fields of every request"},
    {"--save-result", NULL, SWITCH, AT(save_result), CLI_BENCH, "serve: write a file for each point"},
    {"--save-detailed", NULL, SWITCH, AT(save_detailed), CLI_BENCH,
     "serve: with what was measured of each request"},
    {"--result-dir", "DIR", TEXT, AT(result_dir), CLI_BENCH, "serve: folder of those files (.)"},
    {"--result-filename", "FILE", TEXT, AT(result_filename), CLI_BENCH,
     "serve: one file of this name instead"},
    {"--label", "TEXT", TEXT, AT(label), CLI_BENCH, "serve: begins the files' names (the backend)"},
    {"--metadata", "KEY=VALUE", LIST, AT(metadata), CLI_BENCH, "serve: stands in the document"},
    {"--plot", "FILE", TEXT, AT(plot), CLI_BENCH, "serve: draw throughput against latency (SVG)"},
    {"--task", "FILE", LIST, AT(task), CLI_EVAL,
     "questions with answers (.jsonl), or a text; may be repeated"},
    {"--limit", "N", NUMBER, AT(limit), CLI_EVAL, "only the first N items of each file", 1, INT32_MAX},
    {"--batch", "N", NUMBER, AT(batch), CLI_EVAL, "sequences at the same time (32)", 1, 4096},
    {"--samples", "FILE", TEXT, AT(samples), CLI_EVAL, "write each answer to FILE, a line of JSON each"},
    {"--against", "OPTIONS", LIST, AT(against), CLI_EVAL,
     "compare with a model with these options, such as '--fuse off'; may be repeated"},
    {"--compare-tokens", "N", NUMBER, AT(compare_tokens), CLI_EVAL,
     "tokens whose logits are compared, of all files together (20000)", 1, INT32_MAX},
    {"--max-kl", "X", REAL, AT(max_kl), CLI_EVAL, "exit 1 where the mean KL to the other is above X", 0,
     1000000},
    {"--min-top1", "PERCENT", REAL, AT(min_top1), CLI_EVAL,
     "exit 1 where fewer most likely tokens are the same", 0, 100},
    {"--max-points", "X", REAL, AT(max_points), CLI_EVAL,
     "exit 1 where the scores are more than X points apart", 0, 100},
    {"--min-p-value", "P", REAL, AT(min_p_value), CLI_EVAL,
     "exit 1 where McNemar's test says that the scores differ: p below P", 0, 1},
    {"--host", "ADDRESS", TEXT, AT(host), CLI_SERVE,
     "where to listen (127.0.0.1); 0.0.0.0 and :: are everywhere"},
    {"--port", "N", NUMBER, AT(port), CLI_SERVE, "port (8000); 0: any that is free", 0, 65535},
    {"--kv-events", "PORT", NUMBER, AT(kv_events), CLI_SERVE,
     "where to tell routers what is in the caches, by ZeroMQ; 0: any that is free (not)", 0, 65535},
    {"--kv-events-replay", "PORT", NUMBER, AT(kv_events_replay), CLI_SERVE,
     "where routers ask for what they have missed of that; 0: any that is free (not)", 0, 65535},
    {"--api-key", "KEY", TEXT, AT(api_key), CLI_SERVE,
     "what clients must know, all but /health; INFUSE_API_KEY is not seen by ps (none)"},
    {"--served-model-name", "NAME", TEXT, AT(served_name), CLI_SERVE | CLI_BENCH,
     "what clients call the model (the folder's name; bench: the first that the server has)"},
    {"--max-queue", "N", NUMBER, AT(max_queue), CLI_SERVE,
     "requests that may wait; more are refused, 429 (1024)", 1, 1 << 20},
    {"--bench", NULL, SWITCH, AT(bench), CLI_CHECK, "time the kernels as well"},
    {"--seed", "N", NUMBER, AT(seed), CLI_CHECK | CLI_ANSWER | CLI_VERIFY | CLI_BENCH, "draw the same again",
     0, INT64_MAX},
    {"--json", NULL, SWITCH, AT(json),
     CLI_TUNE | CLI_EXPLAIN | CLI_CHECK | CLI_DEVICES | CLI_GENERATE | CLI_VERIFY | CLI_BENCH | CLI_EVAL,
     "print JSON"},
    {"--stream", NULL, SWITCH, AT(stream), CLI_GENERATE, "print JSON, a line for each piece as it comes"},
    {"--device", "cpu|cuda|hip|ref|null", CHOICE, AT(device), CLI_ALL, "where to run (cpu)"},
    {"--target", "T", TEXT, AT(target), CLI_MODEL,
     "plan for a machine that is not here: h100, mi355x, zen5; help lists", .names = "targets"},
    {"--cpu", "MASK", TEXT, AT(cpu), CLI_ALL,
     "use no more of the CPU than avx2, or avx512,avx512_vnni, or -amx_bf16 (all); help lists",
     .names = "cpu"},
    {"--figures", "measured|anew|stated", CHOICE, AT(figures), CLI_MODEL | CLI_DEVICES,
     "what costs are estimated by: this machine measured once, now, or stated by its features (measured)"},
    {"--tune", "online|cached|off", CHOICE, AT(tune), CLI_MODEL & ~CLI_TUNE,
     "kernels by measured times: what is missing measured at loading, what is kept, or none (cached)"},
    {"--budget", "S", NUMBER, AT(budget), CLI_TUNE, "seconds to measure for (until all is known)", 1,
     1000000},
    {"--explain", "OP", TEXT, AT(explain_op), CLI_TUNE, "what is known of an op's kernels; measures nothing"},
    {"--list", NULL, SWITCH, AT(list), CLI_TUNE, "what is kept for this machine"},
    {"--forget", "all|ENTRY", TEXT, AT(forget), CLI_TUNE, "remove it, or one entry that --list names"},
    {"--threads", "N", NUMBER, AT(threads), CLI_ALL, "threads (one per core)", 1, 4096},
    {"--quiet", NULL, SWITCH, AT(quiet), CLI_ALL, "no progress, no notes"},
    {"--log", "error|warning|info|debug", CHOICE, AT(log), CLI_ALL, "what is told (warning)"},
    {"-h", NULL, SWITCH, AT(help), CLI_ALL, "this help", .other = "--help"},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static const row *find(const char *name, unsigned command) {
  for (size_t i = 0; i < N_ROWS; i++)
    if (rows[i].commands & command &&
        (strcmp(rows[i].name, name) == 0 || (rows[i].other != NULL && strcmp(rows[i].other, name) == 0)))
      return &rows[i];
  return NULL;
}

static const char *nearest_option(const char *name, unsigned command) {
  const char *names[2 * N_ROWS];
  size_t n = 0;
  for (size_t i = 0; i < N_ROWS; i++) {
    if (!(rows[i].commands & command)) continue;
    names[n++] = rows[i].name;
    if (rows[i].other != NULL) names[n++] = rows[i].other;
  }
  return nf_nearest(name, names, n);
}

// 8G, 512M, 4096K or plain bytes.
static bool parse_bytes(const char *text, int64_t *out) {
  static const char suffixes[] = "KMGT";
  size_t n = strlen(text);
  const char *suffix = n > 1 ? strchr(suffixes, text[n - 1]) : NULL;
  const int shift = suffix != NULL ? 10 * (int)(suffix - suffixes + 1) : 0;
  int64_t value;
  if (!nf_parse_i64((nf_view){text, suffix != NULL ? n - 1 : n}, &value)) return false;
  return !__builtin_mul_overflow(value, (int64_t)1 << shift, out);
}

static bool out_of_range(const row *r, const char *text) {
  return cli_usage("%s: '%s' is not a number from %ld to %ld", r->name, text, (long)r->lo, (long)r->hi),
         false;
}

static bool store_number(const row *r, const char *text, int64_t *to) {
  const bool parsed = r->kind == BYTES ? parse_bytes(text, to) : nf_parse_i64(nf_view_of(text), to);
  return (parsed && *to >= r->lo && *to <= r->hi) || out_of_range(r, text);
}

static bool store_real(const row *r, const char *text, double *to) {
  const bool parsed = nf_parse_f64(nf_view_of(text), to);
  return (parsed && *to >= (double)r->lo && *to <= (double)r->hi) || out_of_range(r, text);
}

// One of the words in "a|b|c".
static bool store_choice(const row *r, const char *text, const char **to) {
  char words[64];
  const char *names[8];
  size_t n = 0;
  snprintf(words, sizeof words, "%s", r->value);
  for (char *rest = words; rest != NULL && n < 8;) names[n++] = strsep(&rest, "|");
  *to = text;
  for (size_t i = 0; i < n; i++)
    if (strcmp(names[i], text) == 0) return true;
  const char *near = nf_nearest(text, names, n);
  return cli_usage("%s: '%s' is none of %s%s%s", r->name, text, r->value,
                   near != NULL ? "; did you mean " : "", near != NULL ? near : ""),
         false;
}

// "help", or of what has a name for each op "OP=help".
static bool asks_for_names(const row *r, const char *text, cli_options *out) {
  const char *equals = strchr(text, '=');
  if (r->names == NULL && r->kind != CHOICE) return false;
  if (strcmp(r->kind == LIST && equals != NULL ? equals + 1 : text, "help") != 0) return false;
  out->names = r->names != NULL ? r->names : r->value;
  out->names_of = r->kind == LIST && equals != NULL ? text : NULL;
  return true;
}

static bool store_in_list(const row *r, const char *text, cli_list *list) {
  if (list->n == CLI_MAX_LIST) return cli_usage("%s: more than %d times", r->name, CLI_MAX_LIST), false;
  list->at[list->n++] = text;
  return true;
}

// Names between commas. The text is argv's, which is ours to cut.
static bool store_names(const row *r, char *text, cli_list *list) {
  for (char *rest = text, *name; (name = strsep(&rest, ",")) != NULL;)
    if (!store_in_list(r, name, list)) return false;
  return true;
}

static bool store(const row *r, char *text, cli_options *out) {
  void *to = (char *)out + r->offset;
  if (text != NULL && asks_for_names(r, text, out)) return true;
  switch (r->kind) {
  case SWITCH:
    return *(bool *)to = true;
  case TEXT:
    return *(const char **)to = text, true;
  case CHOICE:
    return store_choice(r, text, to);
  case NUMBER:
  case BYTES:
    return store_number(r, text, to);
  case REAL:
    return store_real(r, text, to);
  case NAMES:
    return store_names(r, text, to);
  case LIST:
  case PAIR:
    return store_in_list(r, text, to);
  }
  return false;
}

static bool unknown(const cli_command *c, const char *name) {
  const char *near = nearest_option(name, c->bit);
  cli_usage("%s does not know '%s'%s%s%s; see: infuse %s -h", c->name, name,
            near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "",
            c->name);
  return false;
}

static int values_of(const row *r) { return r->kind == SWITCH ? 0 : r->kind == PAIR ? 2 : 1; }

// --name=value is cut in two; the text is argv's. NULL: it is one.
static char *cut_value(char *arg) {
  char *value = strncmp(arg, "--", 2) == 0 ? strchr(arg, '=') : NULL;
  if (value != NULL) *value++ = '\0';
  return value;
}

static bool store_option(const row *r, char *inlined, int *i, int argc, char **argv, cli_options *out) {
  const int wanted = values_of(r);
  if (inlined != NULL && wanted != 1) return cli_usage("%s takes no '='", r->name), false;
  if (inlined != NULL) return store(r, inlined, out);
  if (*i + wanted >= argc) return cli_usage("%s wants %s", r->name, r->value), false;
  if (wanted == 0) return store(r, NULL, out);
  for (int k = 0; k < wanted; k++)
    if (!store(r, argv[++*i], out)) return false;
  return true;
}

bool cli_parse(const cli_command *c, int argc, char **argv, cli_options *out) {
  *out = (cli_options){.temperature = -1, // -1 and NaN: not given
                       .top_k = -1,
                       .top_p = -1,
                       .min_p = -1,
                       .seed = -1,
                       .repetition_penalty = -1,
                       .presence_penalty = NAN,
                       .frequency_penalty = NAN,
                       .no_repeat_ngram = -1,
                       .min_tokens = -1,
                       .max_kl = -1,
                       .min_top1 = -1,
                       .max_points = -1,
                       .min_p_value = -1,
                       .num_iters_warmup = -1,
                       .burstiness = -1,
                       .random_range_ratio = -1,
                       .port = -1,
                       .kv_events = -1,
                       .kv_events_replay = -1};
  return cli_parse_more(c, argc, argv, out);
}

bool cli_parse_more(const cli_command *c, int argc, char **argv, cli_options *out) {
  for (int i = 0; i < argc; i++) {
    const char *name = argv[i];
    if (name[0] != '-' && c->argument != NULL && out->argument == NULL) {
      out->argument = name;
      continue;
    }
    char *inlined = cut_value(argv[i]);
    const row *r = find(name, c->bit);
    if (r == NULL) return unknown(c, name);
    if (!store_option(r, inlined, &i, argc, argv, out)) return false;
  }
  return true;
}

void cli_print_options(unsigned command) {
  for (size_t i = 0; i < N_ROWS; i++) {
    if (!(rows[i].commands & command)) continue;
    const row *r = &rows[i];
    char left[64];
    snprintf(left, sizeof left, "%s%s%s%s%s", r->name, r->other != NULL ? ", " : "",
             r->other != NULL ? r->other : "", r->value != NULL ? " " : "", r->value != NULL ? r->value : "");
    printf("  %-30s  %s\n", left, r->what);
  }
}
