// SPDX-License-Identifier: Apache-2.0
// How long a model takes to load from files that the system has cached, and how much memory at most: of a
// sparse checkpoint of a config's shapes, beside what reading memory does in the same run. The share of that
// counts each byte twice, as it is read once and written once. build/bench/load CONFIG LAYERS [THREADS]; the
// checkpoint is made in $TMPDIR or /tmp.
#include "base/clock.h"
#include "base/json.h"
#include "bench/measure.h"
#include "tests/support/folder.h"
#include "tests/support/inventory.h"
#include <infuse/inspect.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 5 };

static void write_checkpoint(const char *config, int64_t layers, const char *dir) {
  nf_config c;
  inventory has = {0};
  char *from = folder_path(config, "config.json"), *to = folder_path(dir, "config.json"), *text;
  size_t n;
  nf_new_file f;
  must(nf_config_load(config, NULL, &c));
  c.layers = layers;
  inventory_collect(&has, &c, NF_BF16);
  inventory_write(&has, 0, has.n, dir, "model.safetensors");
  must(nf_file_load(from, 1 << 20, &text, &n));
  must(nf_new_file_create(to, &f));
  must(nf_new_file_write(&f, 0, text, n));
  must(nf_new_file_commit(&f));
  nf_free(text);
  free(from);
  free(to);
  inventory_deinit(&has);
  nf_config_deinit(&c);
}

typedef struct load { // of a process
  double seconds, cpu;
  uint64_t weights, rest; // bytes
} load;

static load load_model(const char *dir, int64_t layers, int threads) {
  const infuse_runtime_options r = {.size = sizeof r, .threads = threads, .figures = "stated", .tune = "off"};
  const infuse_model_options o = {.size = sizeof o, .layers = layers, .context = 1024};
  infuse_model_info info = {.size = sizeof info};
  infuse_runtime *rt;
  infuse_model *m;
  must((nf_status){infuse_runtime_create(&r, &rt)});
  const double start = nf_now(), cpu = cpu_seconds();
  must((nf_status){infuse_model_load(rt, dir, &o, &m)});
  load l = {.seconds = nf_now() - start, .cpu = cpu_seconds() - cpu};
  infuse_model_describe(m, &info);
  l.weights = info.weight_bytes;
  l.rest = info.cache_bytes + info.activation_bytes;
  infuse_model_destroy(m);
  infuse_runtime_destroy(rt);
  return l;
}

// In a process of its own, whose peak is the load's.
static load one_load(const char *dir, int64_t layers, int threads, double *peak) {
  int ends[2], status;
  struct rusage usage;
  load l;
  if (pipe(ends) != 0) exit(3);
  const pid_t child = fork();
  if (child == 0) {
    l = load_model(dir, layers, threads);
    _exit(write(ends[1], &l, sizeof l) == sizeof l ? 0 : 3);
  }
  if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0 ||
      read(ends[0], &l, sizeof l) != sizeof l)
    exit(3);
  close(ends[0]);
  close(ends[1]);
  *peak = 1024.0 * (double)usage.ru_maxrss;
  return l;
}

static void take_rate(void *user, const char *json, size_t n) {
  nf_json doc;
  must(nf_json_parse(json, n, "measured", &doc));
  json_unpack(doc.root, "{s:{s:{s:F}}}", "measured", "all", "bandwidth", user);
  nf_json_deinit(&doc);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  const int64_t layers = atoi(argv[2]);
  const int threads = argc > 3 ? atoi(argv[3]) : 0;
  const infuse_runtime_options r = {.size = sizeof r, .threads = threads};
  infuse_runtime *rt;
  double seconds[RUNS], cpu[RUNS], peak, read_rate = 0;
  char *dir = folder_create();
  load l;
  write_checkpoint(argv[1], layers, dir);
  one_load(dir, layers, threads, &peak); // the files are cached
  for (int i = 0; i < RUNS; i++) {
    l = one_load(dir, layers, threads, &peak);
    seconds[i] = l.seconds, cpu[i] = l.cpu;
  }
  must((nf_status){infuse_runtime_create(&r, &rt)});
  must((nf_status){infuse_measure(rt, take_rate, &read_rate)});
  infuse_runtime_destroy(rt);
  median(seconds, RUNS);
  const double gb = 1e-9 * (double)l.weights, bound = 1.05 * (double)l.weights + (double)l.rest;
  printf("%s, %ld layers: %.2f GB, best %.2f GB/s, a processor %.2f, share of read %.2f\n", argv[1],
         (long)layers, gb, gb / seconds[0], gb / median(cpu, RUNS), 2e9 * gb / seconds[0] / read_rate);
  printf("  peak %.0f MiB, bound %.0f, ratio %.3f; beyond the weights %.0f MiB\n", peak / 0x1p20,
         bound / 0x1p20, peak / bound, (peak - (double)l.weights) / 0x1p20);
  folder_remove(dir);
  return 0;
}
