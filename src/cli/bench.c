// SPDX-License-Identifier: Apache-2.0
// infuse bench: its kinds, what each takes, the model, and where results go.
#include "cli/bench.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "report/doc.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct kind {
  const char *name;
  int (*measure)(cli_bench *b, json_t **out);
  void (*show)(const json_t *doc);
} kind;

// ---- kernels ----

// Takes a document over.
typedef struct taken {
  nf_json doc;
  nf_status st;
} taken;

static void take(void *user, const char *json, size_t n) {
  taken *t = user;
  t->st = nf_json_parse(json, n, "the document", &t->doc);
}

static int take_over(infuse_error *e, taken *t, json_t **out) {
  int code = cli_fail(e);
  if (code == 0) code = cli_fail(t->st.error);
  if (code == 0) *out = json_incref(t->doc.root);
  nf_json_deinit(&t->doc);
  return code;
}

static int bench_kernels(cli_bench *b, json_t **out) {
  const infuse_model_options mo = cli_model_options(b->o);
  const infuse_check_options co = {.size = sizeof co,
                                   .seed = b->o->seed > 0 ? (uint64_t)b->o->seed : 1,
                                   .bench = true,
                                   .dir = b->o->model,
                                   .model = &mo};
  taken t = {0};
  return take_over(infuse_check(b->rt, &co, take, &t), &t, out);
}

enum { LATENCY, THROUGHPUT, KERNELS, FUSIONS, SERVE, N_KINDS };
static const kind kinds[] = {[LATENCY] = {"latency", cli_bench_latency, cli_show_latency},
                             [THROUGHPUT] = {"throughput", cli_bench_throughput, cli_show_throughput},
                             [KERNELS] = {"kernels", bench_kernels, cli_show_kernels},
                             [FUSIONS] = {"fusions", cli_bench_fusions, cli_show_fusions},
                             [SERVE] = {"serve", cli_bench_serve, cli_show_serve}};

static const kind *find_kind(const char *name) {
  const char *names[N_KINDS];
  for (int i = 0; i < N_KINDS; i++) {
    names[i] = kinds[i].name;
    if (name != NULL && strcmp(name, names[i]) == 0) return &kinds[i];
  }
  const char *near = name != NULL ? nf_nearest(name, names, N_KINDS) : NULL;
  cli_usage("bench wants latency, throughput, kernels, fusions or serve%s%s%s%s%s",
            name != NULL ? ", not '" : "", name != NULL ? name : "", name != NULL ? "'" : "",
            near != NULL ? "; did you mean " : "", near != NULL ? near : "");
  return NULL;
}

// ---- options ----

typedef struct owned { // an option that only some kinds take
  const char *name;
  bool given;
  unsigned kinds; // bits
} owned;

static int check_options(const cli_options *o, const kind *k) {
  enum { L = 1 << LATENCY, T = 1 << THROUGHPUT, F = 1 << FUSIONS, S = 1 << SERVE, MODEL = ~S };
  const owned options[] = {
      {"--input-len", o->input_len != NULL, L | T | S},
      {"--output-len", o->output_len != NULL, L | T | S},
      {"--batch-size", o->batch_size != 0, L},
      {"--num-iters", o->num_iters != 0, L | F},
      {"--num-iters-warmup", o->num_iters_warmup >= 0, L},
      {"--num-prompts", o->num_prompts != 0, T | S},
      {"--max-concurrency", o->max_concurrency != NULL, T | S},
      {"--base-url", o->base_url != NULL, S},
      {"--backend", o->backend != NULL, S},
      {"--endpoint", o->endpoint != NULL, S},
      {"--tokenizer", o->tokenizer != NULL, S},
      {"--served-model-name", o->served_name != NULL, S},
      {"--dataset-name", o->dataset_name != NULL, S},
      {"--dataset-path", o->dataset_path != NULL, S},
      {"--random-range-ratio", o->random_range_ratio >= 0, S},
      {"--random-prefix-len", o->random_prefix_len != 0, S},
      {"--request-rate", o->request_rate != NULL, S},
      {"--burstiness", o->burstiness >= 0, S},
      {"--num-warmups", o->num_warmups != 0, S},
      {"--ready-check-timeout-sec", o->ready_timeout != 0, S},
      {"--percentile-metrics", o->percentile_metrics != NULL, S},
      {"--metric-percentiles", o->metric_percentiles != NULL, S},
      {"--goodput", o->goodput.n != 0, S},
      {"--extra-body", o->extra_body != NULL, S},
      {"--save-result", o->save_result, S},
      {"--save-detailed", o->save_detailed, S},
      {"--result-dir", o->result_dir != NULL, S},
      {"--result-filename", o->result_filename != NULL, S},
      {"--label", o->label != NULL, S},
      {"--metadata", o->metadata.n != 0, S},
      {"--plot", o->plot != NULL, S},
      {"--temperature", o->temperature >= 0, S},
      {"--top-k", o->top_k >= 0, S},
      {"--top-p", o->top_p >= 0, S},
      {"--min-p", o->min_p >= 0, S},
      {"--repetition-penalty", o->repetition_penalty >= 0, S},
      {"--presence-penalty", !isnan(o->presence_penalty), S},
      {"--frequency-penalty", !isnan(o->frequency_penalty), S},
      {"--ignore-eos", o->ignore_eos, S},
      {"--chunk", o->chunk != 0, MODEL},
      {"--layers", o->layers != 0, MODEL},
      {"--load-format", o->load_format != NULL, MODEL},
      {"--act-quant", o->act_quant != NULL, MODEL},
      {"--memory", o->memory != 0, MODEL},
      {"--world", o->world != 0, MODEL},
      {"--force", o->force.n != 0, MODEL},
      {"--fuse", o->fuse != NULL, MODEL},
      {"--fuse-order", o->fuse_order.n != 0, MODEL},
      {"--rules", o->rules != NULL, MODEL},
      {"--device", o->device != NULL, MODEL},
      {"--target", o->target != NULL, MODEL},
      {"--figures", o->figures != NULL, MODEL},
      {"--tune", o->tune != NULL, MODEL},
  };
  if (o->model == NULL && k != &kinds[SERVE]) return cli_usage("bench %s wants -m DIR", k->name);
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (options[i].given && !(options[i].kinds & 1u << (k - kinds)))
      return cli_usage("bench %s does not take %s; see: infuse bench -h", k->name, options[i].name);
  return 0;
}

int cli_parse_numbers(const char *option, const char *text, double lo, double hi, size_t most,
                      cli_numbers *out) {
  out->n = 0;
  for (const char *at = text; at != NULL;) {
    const nf_view one = {at, strcspn(at, ",")};
    double value = (double)INFINITY;
    const bool infinite = isinf(hi) && nf_view_equal(one, NF_VIEW("inf"));
    if (out->n == most) return cli_usage("%s: more than %zu numbers", option, most);
    if (!infinite && (!nf_parse_f64(one, &value) || value < lo || value > hi))
      return cli_usage("%s: '%.*s' is not a number from %g to %g", option, (int)one.n, at, lo, hi);
    out->at[out->n++] = value;
    at = at[one.n] == ',' ? at + one.n + 1 : NULL;
  }
  return 0;
}

// "128", or "64:256" where a range is allowed.
static int parse_lengths(const char *option, const char *text, bool range, cli_lengths *out) {
  enum { MOST = 1 << 24 };
  if (text == NULL) return 0;
  const char *colon = range ? strchr(text, ':') : NULL;
  const nf_view lo = {text, colon != NULL ? (size_t)(colon - text) : strlen(text)};
  const nf_view hi = colon != NULL ? nf_view_of(colon + 1) : lo;
  if (nf_parse_i64(lo, &out->lo) && nf_parse_i64(hi, &out->hi) && out->lo >= 1 && out->lo <= out->hi &&
      out->hi <= MOST)
    return 0;
  return cli_usage("%s: '%s' is not %s from 1 to %d", option, text,
                   range ? "a number, or LO:HI with LO at most HI," : "a number", MOST);
}

// Of those that run in this process.
static int read_sessions(cli_bench *b, const kind *k) {
  enum { CONCURRENCY = 8, PROMPTS = 16, MOST = 4096 };
  const cli_options *o = b->o;
  cli_numbers most = {{CONCURRENCY}, 1};
  if (k == &kinds[SERVE]) return 0;
  const int code = o->max_concurrency != NULL
                       ? cli_parse_numbers("--max-concurrency", o->max_concurrency, 1, MOST, 1, &most)
                       : 0;
  const int64_t n = o->num_prompts != 0 ? o->num_prompts : PROMPTS;
  b->sessions = (int64_t)most.at[0] < n ? (int64_t)most.at[0] : n;
  if (k == &kinds[LATENCY]) b->sessions = o->batch_size != 0 ? o->batch_size : 1;
  return code;
}

static int read_options(cli_bench *b, const kind *k) {
  const cli_options *o = b->o;
  const bool range = k == &kinds[THROUGHPUT] || k == &kinds[SERVE];
  b->in = (cli_lengths){128, 128};
  b->out = (cli_lengths){32, 32};
  b->random = o->seed > 0 ? (uint64_t)o->seed : 0;
  int code = check_options(o, k);
  if (code == 0) code = read_sessions(b, k);
  if (code == 0) code = parse_lengths("--input-len", o->input_len, range, &b->in);
  if (code == 0) code = parse_lengths("--output-len", o->output_len, range, &b->out);
  return code;
}

// ---- what a step reads ----

static int no_memory(void) { return fprintf(stderr, "infuse: no memory for the document\n"), 4; }

static bool reads_weights(const json_t *node, const json_t *weights) {
  REPORT_EACH(operand, report_at(node, "operands")) {
    if (json_object_get(weights, json_string_value(operand)) != NULL) return true;
  }
  return false;
}

// "bf16@n16[5120,2880]": its dtype joins the list, unless it is there or of a vector.
static bool add_type(json_t *types, const char *type) {
  const size_t n = strcspn(type, "@[");
  if (strchr(type, ',') == NULL) return true;
  REPORT_EACH(t, types) {
    if (json_string_length(t) == n && strncmp(json_string_value(t), type, n) == 0) return true;
  }
  return nf_json_push(types, json_stringn(type, n));
}

// Bytes that the nodes which read weights move in a step, as the cost model counts them, and the weights'
// dtypes.
static bool put_weights(json_t *doc, const json_t *plan) {
  json_t *by_name = report_by_name(report_at(plan, "weights")), *types = json_array();
  const double seconds = report_number(doc, "decode_step_ms") * 1e-3;
  double bytes = 0;
  bool ok = by_name != NULL && types != NULL;
  REPORT_EACH(w, report_at(plan, "weights")) ok = ok && add_type(types, report_text(w, "type"));
  REPORT_EACH(node, report_at(plan, "plan.nodes")) {
    if (reads_weights(node, by_name)) bytes += report_number(node, "bytes");
  }
  json_decref(by_name);
  ok = nf_json_put(doc, "weight_types", types) && ok;
  return ok && nf_json_put(doc, "weight_mb_per_step", json_real(bytes * 1e-6)) &&
         nf_json_put(doc, "weight_gb_s", json_real(seconds > 0 ? bytes / seconds * 1e-9 : 0));
}

// What memory reads now, GB/s; 0: not measured.
static int measure_reads(const cli_bench *b, double *best) {
  taken t = {0};
  json_t *doc = NULL;
  const int code = take_over(infuse_measure(b->rt, take, &t), &t, &doc);
  const double now = 1e-9 * report_number(doc, "measured.all.bandwidth");
  *best = now > *best ? now : *best;
  json_decref(doc);
  return code;
}

static bool put_reads(json_t *doc, double reads) {
  const double weights = report_number(doc, "weight_gb_s");
  return reads <= 0 || weights <= 0 ||
         (nf_json_put(doc, "read_gb_s", json_real(reads)) &&
          nf_json_put(doc, "read_share", json_real(weights / reads)));
}

int cli_bench_explain(const cli_bench *b, const infuse_model_options *mo, const infuse_explain_options *eo,
                      json_t **out) {
  taken t = {0};
  return take_over(infuse_explain(b->rt, b->o->model, mo, eo, take, &t), &t, out);
}

static int add_weights(const cli_bench *b, const infuse_model_options *mo, json_t *doc) {
  const infuse_explain_options eo = {.size = sizeof eo, .range_lo = b->sessions, .range_hi = b->sessions};
  json_t *plan = NULL;
  int code = cli_bench_explain(b, mo, &eo, &plan);
  if (code == 0 && !put_weights(doc, plan)) code = no_memory();
  json_decref(plan);
  return code;
}

// ---- all ----

static infuse_model_options model_options(const cli_bench *b) {
  infuse_model_options mo = cli_model_options(b->o);
  mo.context = b->in.hi + b->out.hi;
  mo.sessions = b->sessions;
  if (mo.batch == 0 && b->sessions > 64) mo.batch = b->sessions;
  return mo;
}

static int measure(cli_bench *b, const kind *k, json_t **out) {
  if (k != &kinds[LATENCY] && k != &kinds[THROUGHPUT])
    return k->measure(b, out); // others load it themselves, or none
  const infuse_model_options mo = model_options(b);
  infuse_model_info info = {.size = sizeof info};
  const bool fits = mo.batch == 0 || mo.batch >= b->sessions; // a step has room for all of them
  const bool reads = k == &kinds[LATENCY] && fits;
  double best = 0;
  int code = reads ? measure_reads(b, &best) : 0;
  if (code == 0) code = cli_fail(infuse_model_load(b->rt, b->o->model, &mo, &b->m));
  if (code != 0) return code;
  infuse_model_describe(b->m, &info);
  b->vocab = info.vocab;
  code = k->measure(b, out);
  infuse_model_destroy(b->m);
  if (code != 0 || *out == NULL || !reads) return code;
  code = measure_reads(b, &best);
  if (code == 0) code = add_weights(b, &mo, *out);
  return code == 0 && !put_reads(*out, best) ? no_memory() : code;
}

static nf_status write_all(nf_new_file *f, const char *text) {
  NF_TRY(nf_new_file_write(f, 0, text, strlen(text)));
  return nf_new_file_commit(f);
}

// To the file if there is one, and to standard output: as JSON, or as text.
static int deliver(const cli_options *o, const kind *k, const json_t *doc, nf_new_file *f) {
  char *text = doc != NULL ? json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  if (text == NULL) return no_memory();
  if (o->json)
    cli_print_json(NULL, text, strlen(text));
  else
    k->show(doc);
  const int code = o->output_json != NULL ? cli_fail(write_all(f, text).error) : 0;
  free(text);
  return code;
}

int cli_bench_run(const cli_options *o, infuse_runtime *rt) {
  cli_bench b = {.o = o, .rt = rt};
  const kind *k = find_kind(o->argument);
  nf_new_file f = {0};
  json_t *doc = NULL;
  int code = k != NULL ? read_options(&b, k) : 2;
  if (code != 0) return code;
  if (o->output_json != NULL) code = cli_fail(nf_new_file_create(o->output_json, &f).error);
  if (code != 0) return code;
  code = measure(&b, k, &doc);
  if (code == 0) code = deliver(o, k, doc, &f);
  if (o->output_json != NULL) nf_new_file_close(&f);
  json_decref(doc);
  return code != 0 ? code : b.code;
}
