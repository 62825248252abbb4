// SPDX-License-Identifier: Apache-2.0
// Options as a table: one row each, read by the parser and by the help.
#include "base/text.h"
#include "cli/cli.h"
#include <stdio.h>
#include <string.h>

typedef enum kind { TEXT, NUMBER, BYTES, SWITCH, LIST } kind;
typedef struct row {
  const char *name, *value; // "--last", "N"
  kind kind;
  size_t offset;
  int64_t lo, hi; // of a number
  unsigned commands;
  const char *what;
} row;
#define AT(field) offsetof(cli_options, field)
static const row rows[] = {
    {"-m", "DIR", TEXT, AT(model), 0, 0, CLI_MODEL, "checkpoint folder in Hugging Face form"},
    {"--tokens", "LIST", TEXT, AT(tokens), 0, 0, CLI_LOGITS, "token ids: 1,2,3 or @FILE"},
    {"-o", "FILE", TEXT, AT(output), 0, 0, CLI_LOGITS, "output file (safetensors)"},
    {"--last", "N", NUMBER, AT(last), 1, INT32_MAX, CLI_LOGITS, "only the last N positions"},
    {"--hidden", NULL, SWITCH, AT(hidden), 0, 0, CLI_LOGITS,
     "also hidden.L, the residual stream entering layer L"},
    {"--routes", "FILE", TEXT, AT(routes), 0, 0, CLI_LOGITS, "take the experts in \"routes\" of FILE"},
    {"--chunk", "N", NUMBER, AT(chunk), 1, 1 << 20, CLI_MODEL, "tokens computed at a time (64)"},
    {"--ctx", "N", NUMBER, AT(context), 1, 1 << 24, CLI_EXPLAIN, "tokens a session may hold"},
    {"--sessions", "N", NUMBER, AT(sessions), 1, 4096, CLI_EXPLAIN, "sessions at the same time (1)"},
    {"--layers", "N", NUMBER, AT(layers), 1, 4096, CLI_MODEL, "only the first N layers"},
    {"--load-format", "auto|dummy", TEXT, AT(load_format), 0, 0, CLI_MODEL,
     "dummy: random weights, nothing read"},
    {"--memory", "BYTES", BYTES, AT(memory), 1, INT64_MAX, CLI_MODEL, "most memory to use; 8G, 512M"},
    {"--force", "OP=KERNEL", LIST, AT(force), 0, 0, CLI_MODEL, "run OP with this kernel; may be repeated"},
    {"--all", NULL, SWITCH, AT(all), 0, 0, CLI_EXPLAIN | CLI_CHECK,
     "every layer, or every case, not just kinds"},
    {"--bench", NULL, SWITCH, AT(bench), 0, 0, CLI_CHECK, "time the kernels as well"},
    {"--seed", "N", NUMBER, AT(seed), 1, INT64_MAX, CLI_CHECK, "draw the same data again"},
    {"--json", NULL, SWITCH, AT(json), 0, 0, CLI_EXPLAIN | CLI_CHECK | CLI_DEVICES, "print JSON"},
    {"--device", "cpu|ref|null", TEXT, AT(device), 0, 0, CLI_ALL, "where to run (cpu)"},
    {"--threads", "N", NUMBER, AT(threads), 1, 4096, CLI_ALL, "threads (one per core)"},
    {"--quiet", NULL, SWITCH, AT(quiet), 0, 0, CLI_ALL, "no progress, no notes"},
    {"--log", "LEVEL", TEXT, AT(log), 0, 0, CLI_ALL, "error, warning, info or debug (warning)"},
    {"-h", NULL, SWITCH, AT(help), 0, 0, CLI_ALL, "this help"},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static const row *find(const char *name, unsigned command) {
  for (size_t i = 0; i < N_ROWS; i++)
    if (rows[i].commands & command && strcmp(rows[i].name, name) == 0) return &rows[i];
  return NULL;
}

const char *cli_nearest_option(const char *name, unsigned command) {
  const char *names[N_ROWS];
  size_t n = 0;
  for (size_t i = 0; i < N_ROWS; i++)
    if (rows[i].commands & command) names[n++] = rows[i].name;
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

static bool store_number(const row *r, const char *text, cli_options *out) {
  int64_t *to = (int64_t *)((char *)out + r->offset);
  const bool parsed = r->kind == BYTES ? parse_bytes(text, to) : nf_parse_i64(nf_view_of(text), to);
  if (parsed && *to >= r->lo && *to <= r->hi) return true;
  return cli_usage("%s: '%s' is not a number from %ld to %ld", r->name, text, (long)r->lo, (long)r->hi),
         false;
}

static bool store(const row *r, const char *text, cli_options *out) {
  switch (r->kind) {
  case SWITCH:
    *(bool *)((char *)out + r->offset) = true;
    return true;
  case TEXT:
    *(const char **)((char *)out + r->offset) = text;
    return true;
  case NUMBER:
  case BYTES:
    return store_number(r, text, out);
  case LIST:
    if (out->n_force == CLI_MAX_FORCE)
      return cli_usage("%s: more than %d times", r->name, CLI_MAX_FORCE), false;
    out->force[out->n_force++] = text;
    return true;
  }
  return false;
}

static bool unknown(const cli_command *c, const char *name) {
  const char *near = cli_nearest_option(name, c->bit);
  cli_usage("%s does not know '%s'%s%s%s; see: infuse %s -h", c->name, name,
            near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "",
            c->name);
  return false;
}

bool cli_parse(const cli_command *c, int argc, char **argv, cli_options *out) {
  for (int i = 0; i < argc; i++) {
    const char *name = strcmp(argv[i], "--help") == 0 ? "-h" : argv[i];
    if (name[0] != '-' && c->argument != NULL && out->argument == NULL) {
      out->argument = name;
      continue;
    }
    const row *r = find(name, c->bit);
    if (r == NULL) return unknown(c, name);
    if (r->kind != SWITCH && i + 1 == argc) return cli_usage("%s wants %s", r->name, r->value), false;
    if (!store(r, r->kind != SWITCH ? argv[++i] : NULL, out)) return false;
  }
  return true;
}

void cli_print_options(unsigned command) {
  for (size_t i = 0; i < N_ROWS; i++) {
    if (!(rows[i].commands & command)) continue;
    char left[48];
    snprintf(left, sizeof left, "%s %s", rows[i].name, rows[i].value != NULL ? rows[i].value : "");
    printf("  %-28s %s\n", left, rows[i].what);
  }
}
