// SPDX-License-Identifier: Apache-2.0
// Benchmark rows: times and memory that have a bound, each with its ratio to it and an alarm at three times.
// Never a test: what a shared machine measures proves nothing. Run in the repository's root: build/bench/rows
#include "base/clock.h"
#include "base/memory.h"
#include "bench/measure.h"
#include "compile/compile.h"
#include "model/family.h"
#include "shard/shard.h"
#include <infuse/inspect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 15 };

static void print_row(const char *name, double value, const char *unit, double bound) {
  printf("%-52s %10.2f %-4s bound %8.1f  ratio %5.2f%s\n", name, value, unit, bound, value / bound,
         value > 3 * bound ? "  ALARM" : "");
}

// Median milliseconds of RUNS calls.
static double median_ms(void (*f)(const void *), const void *arg) {
  double ms[RUNS];
  for (int i = 0; i < RUNS; i++) {
    const double start = nf_now();
    f(arg);
    ms[i] = 1e3 * (nf_now() - start);
  }
  return median(ms, RUNS);
}

// ---- compiling ----

typedef struct job { // a graph of one rank, for a target
  nf_graph *graph;
  nf_hw hw;
  int64_t batch;
  nf_rules *rules;
} job;

// `layers` 0: as many as the config says.
static job job_of(const char *dir, int world, int64_t layers, const char *target) {
  const nf_build_options build = {.activation = NF_BF16, .page = 64};
  nf_config config;
  nf_graph *whole;
  job j = {.batch = 64};
  must(nf_config_load(dir, NULL, &config));
  for (int64_t i = config.layers; i < layers; i++) config.layer[i] = config.layer[i - config.layers];
  if (layers != 0) config.layers = layers;
  must(nf_model_build(&config, NULL, &build, &whole));
  must(nf_shard(whole, world, &j.graph));
  must(nf_hw_target(target, &j.hw));
  must(nf_rules_create(&j.rules));
  j.hw.world = world;
  nf_graph_destroy(whole);
  nf_config_deinit(&config);
  return j;
}

static void drop_job(job *j) {
  nf_graph_destroy(j->graph);
  nf_rules_destroy(j->rules);
}

// From the sharded graph to the plans, all rules.
static void compile(const void *arg) {
  const job *j = arg;
  const nf_sizes one = nf_sizes_of(1, 1, 1), most = nf_sizes_of(j->batch, 64, 64);
  const nf_compile_options o = {.plan = {.hw = j->hw, .max = most},
                                .least = one,
                                .at = one,
                                .mode = NF_FUSE_COST,
                                .known_rules = j->rules};
  nf_compiled c;
  must(nf_compile(j->graph, &o, &c));
  nf_compiled_deinit(&c);
}

static double compile_ms(const char *dir, int world, int64_t layers) {
  job j = job_of(dir, world, layers, "gfx950");
  const double ms = median_ms(compile, &j);
  drop_job(&j);
  return ms;
}

// Eight ranks, whose all_reduces are another kernel for small and for middling steps, and are not fused in
// large ones.
static void three_plans_row(void) {
  job j = job_of("configs/gpt-oss-120b", 8, 0, "sm_90");
  j.batch = 16384;
  print_row("compile gpt-oss-120b, 8 ranks, sm_90, 3 plans", median_ms(compile, &j), "ms", 25);
  drop_job(&j);
}

static void compile_rows(void) {
  print_row("compile gpt-oss-120b, 2 ranks, gfx950", compile_ms("configs/gpt-oss-120b", 2, 0), "ms", 30);
  print_row("compile qwen3-next-80b-a3b-fp8, gfx950", compile_ms("configs/qwen3-next-80b-a3b-fp8", 1, 0),
            "ms", 60);
  three_plans_row();
  const double few = compile_ms("configs/gpt-oss-120b", 2, 12);
  print_row("compile gpt-oss-120b with 96 layers, over that with 12",
            compile_ms("configs/gpt-oss-120b", 2, 96) / few, "x", 8);
}

// ---- loading and running ----

static void build_and_plan(const void *dir) {
  nf_config config;
  nf_graph *graph;
  nf_plan *plan;
  nf_plan_options o = {.max = nf_sizes_of(64, 1, 1)};
  const nf_build_options build = {.activation = NF_BF16, .page = 64};
  must(nf_config_load(dir, NULL, &config));
  must(nf_hw_detect(&o.hw));
  must(nf_model_build(&config, NULL, &build, &graph));
  must(nf_plan_create(graph, &o, &plan));
  nf_plan_destroy(plan);
  nf_graph_destroy(graph);
  nf_config_deinit(&config);
}

static void ignore(void *user, const char *json, size_t n) { (void)user, (void)json, (void)n; }

static void explain(const void *dir) {
  infuse_runtime *rt;
  must((nf_status){infuse_runtime_create(NULL, &rt)});
  must((nf_status){infuse_explain(rt, dir, NULL, NULL, ignore, NULL)});
  infuse_runtime_destroy(rt);
}

static void first_token(const void *dir) {
  infuse_runtime *rt;
  infuse_model *m;
  infuse_session *s;
  const int32_t prompt[] = {1, 2, 3, 4, 5, 6, 7, 8};
  const infuse_session_options o = {.size = sizeof o, .generate = true};
  must((nf_status){infuse_runtime_create(NULL, &rt)});
  must((nf_status){infuse_model_load(rt, dir, NULL, &m)});
  must((nf_status){infuse_session_create(m, &o, &s)});
  must((nf_status){infuse_session_append(s, prompt, 8)});
  must((nf_status){infuse_step(m, &s, 1)});
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  infuse_runtime_destroy(rt);
}

static void open_files(const void *dir) {
  nf_checkpoint *c;
  must(nf_checkpoint_open(dir, NULL, &c));
  nf_checkpoint_close(c);
}

// Peak memory of a process that loads `dir` and computes a step, over what the bound allows, in MiB.
static void memory_row(const char *dir, const char *file) {
  const pid_t child = fork();
  if (child == 0) {
    first_token(dir);
    _exit(0);
  }
  struct rusage usage;
  int status;
  nf_file f;
  if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) exit(3);
  must(nf_file_open(file, &f));
  const double mib = 1 << 20, caches = 8; // 4096 tokens of the small model's layers
  print_row("peak memory, load and one step of gpt-oss-small", (double)usage.ru_maxrss / 1024, "MiB",
            1.15 * (double)f.size / mib + caches + 64);
  nf_file_close(&f);
}

// ---- host work ----

enum { STEPS = 600 };

// Median microseconds of steps that compute nothing: a token of each session, or up to four tokens of a
// number of sessions that varies from step to step.
typedef infuse_error *(*step_fn)(infuse_model *m, infuse_session *const *s, size_t n);
static double host_us(const char *dir, int64_t sessions, int64_t context, bool vary, step_fn step) {
  const infuse_runtime_options r = {.size = sizeof r, .device = "null"};
  const infuse_model_options o = {.size = sizeof o,
                                  .dummy = true,
                                  .sessions = sessions,
                                  .context = context,
                                  .batch = 4 * sessions,
                                  .memory = 1ull << 50};
  infuse_runtime *rt;
  infuse_model *m;
  infuse_session *s[256];
  double us[STEPS];
  must((nf_status){infuse_runtime_create(&r, &rt)});
  must((nf_status){infuse_model_load(rt, dir, &o, &m)});
  for (int i = 0; i < sessions; i++) must((nf_status){infuse_session_create(m, NULL, &s[i])});
  for (int i = 0; i < STEPS; i++) {
    const int64_t n = vary ? 1 + i % sessions : sessions;
    for (int k = 0; k < n; k++)
      must((nf_status){
          infuse_session_append(s[k], (const int32_t[]){1, 2, 3, 4}, vary ? 1 + (size_t)(i + k) % 4 : 1)});
    const double start = nf_now();
    must((nf_status){step(m, s, (size_t)n)});
    us[i] = 1e6 * (nf_now() - start);
  }
  for (int i = 0; i < sessions; i++) infuse_session_destroy(s[i]);
  infuse_model_destroy(m);
  infuse_runtime_destroy(rt);
  return median(us, STEPS);
}

static infuse_error *begin_and_wait(infuse_model *m, infuse_session *const *s, size_t n) {
  infuse_error *e = infuse_step_begin(m, s, n);
  return e != NULL ? e : infuse_step_wait(m);
}

static void host_rows(void) {
  const char *dir = "configs/gpt-oss-120b";
  print_row("host work of a step, gpt-oss-120b, equal sizes", host_us(dir, 8, 0, false, infuse_step), "µs",
            11);
  print_row("host work of a step, gpt-oss-120b, sizes vary", host_us(dir, 8, 0, true, infuse_step), "µs", 15);
  print_row("the same with 256 sessions of 131,072 tokens", host_us(dir, 256, 131072, false, infuse_step),
            "µs", 40);
  print_row("the first of these, begun and waited for", host_us(dir, 8, 0, false, begin_and_wait), "µs", 100);
}

int main(void) {
  print_row("build and plan gpt-oss-120b", median_ms(build_and_plan, "configs/gpt-oss-120b"), "ms", 50);
  compile_rows();
  print_row("explain gpt-oss-120b, no weights", median_ms(explain, "configs/gpt-oss-120b"), "ms", 1000);
  print_row("open checkpoints/gpt-oss-tiny, 79 tensors", median_ms(open_files, "checkpoints/gpt-oss-tiny"),
            "ms", 50);
  print_row("start to first token, checkpoints/gpt-oss-small",
            median_ms(first_token, "checkpoints/gpt-oss-small"), "ms", 150);
  host_rows();
  memory_row("checkpoints/gpt-oss-small", "checkpoints/gpt-oss-small/model.safetensors");
  return 0;
}
