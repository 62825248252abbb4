// SPDX-License-Identifier: Apache-2.0
// How fast weights are loaded: read from files that the system has cached, checked and packed, or made up;
// GB/s of what is written, beside the memcpy of as much memory. build/bench/weights [MEBIBYTES [THREADS]
// [cuda|hip]]; the files are made in $TMPDIR or /tmp. With a GPU plain weights alone, into memory and to it.
#include "checkpoint/weights.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/threads.h"
#include "bench/measure.h"
#include "engine/upload.h"
#include "tensor/pack.h"
#include <string.h>
#include <unistd.h>

enum { RUNS = 7, COLUMNS = 2880 };

typedef struct job {
  nf_weight_loader loader;
  nf_value weight;
  char *data;
  size_t bytes;
  nf_upload *upload; // NULL: into memory
  nf_buffer there;   // on the device
} job;

static void load(job *j) {
  const nf_weight_sink sink = j->upload ? nf_upload_sink(j->upload, &j->there) : nf_weight_memory(j->data);
  must(nf_weight_load(&j->loader, &j->weight, 0, INT64_MAX, &sink));
  if (j->upload) must(nf_queue_sync(j->upload->queue));
}

static void copy_part(const void *arg, int64_t part) {
  const job *j = arg;
  const size_t n = j->bytes / 32, at = (size_t)part * n;
  memcpy(j->data + j->bytes + at, j->data + at, n);
}
static void copy(job *j) { nf_threads_run(j->loader.threads, 16, copy_part, j); }

typedef struct rate { // GB/s: the best, and the median of those of processor time
  double best, cpu;
} rate;

static rate rate_of(void (*f)(job *), job *j, size_t bytes) {
  double seconds[RUNS], cpu[RUNS];
  f(j); // memory and the page cache are there
  for (int i = 0; i < RUNS; i++) {
    const double start = nf_now(), cpu_start = cpu_seconds();
    f(j);
    seconds[i] = nf_now() - start;
    cpu[i] = cpu_seconds() - cpu_start;
  }
  median(seconds, RUNS);
  return (rate){1e-9 * (double)bytes / seconds[0], 1e-9 * (double)bytes / median(cpu, RUNS)};
}

// Made-up weights of the type, as a file has them.
static void write_file(const nf_value *v, const char *dir) {
  char *path;
  nf_weight_tensor tensor[2];
  nf_stored stored[2];
  nf_weight_loader made_up = {0};
  nf_value plain = *v;
  nf_safetensors_writer w = {0};
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  size_t bytes;
  plain.type = nf_type_make(v->type.dtype, v->type.dim, (size_t)v->type.rank);
  must(nf_type_bytes(&plain.type, &none, &bytes));
  char *data = nf_alloc_aligned(bytes);
  const nf_weight_sink sink = nf_weight_memory(data);
  must(nf_weight_load(&made_up, &plain, 0, INT64_MAX, &sink));
  const nf_tensor t = nf_tensor_of(&plain.type, &none, 0, data);
  const int64_t n = nf_weight_tensor_count(&plain);
  for (int64_t i = 0; i < n; i++) {
    nf_weight_tensor_at(&plain, i, &tensor[i]);
    stored[i] = tensor[i].stored;
  }
  must(nf_path_join(dir, "model.safetensors", &path));
  must(nf_safetensors_create(path, stored, (size_t)n, &w));
  for (int64_t i = 0; i < n; i++) {
    size_t size = (size_t)nf_dtype_of(stored[i].dtype)->bits / 8;
    for (int d = 0; d < stored[i].rank; d++) size *= (size_t)stored[i].dim[d];
    must(nf_safetensors_write(&w, (size_t)i, 0, i ? t.scale : t.data, size));
  }
  must(nf_safetensors_commit(&w));
  nf_weight_loader_deinit(&made_up);
  nf_free_aligned(data);
  nf_free(path);
}

static job job_of(nf_threads *threads, nf_dtype dtype, nf_pack pack, int64_t mib, bool transposed,
                  const char *dir) {
  const int64_t rows = (mib << 20) / COLUMNS * 8 / nf_dtype_of(dtype)->bits / 128 * 128;
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  nf_type type = NF_TYPE(dtype, NF_C(rows), NF_C(COLUMNS));
  job j = {.loader.threads = threads, .weight = {.name = "w", .kind = NF_VALUE_WEIGHT, .type = type}};
  j.weight.recipe =
      (nf_recipe){.tensor = "t", .scales = nf_is_quantised(dtype) ? "s" : NULL, .transposed = transposed};
  write_file(&j.weight, dir);
  if (!nf_pack_is_plain(pack)) j.weight.type = nf_type_packed(type, pack);
  must(nf_type_bytes(&j.weight.type, &none, &j.bytes));
  j.data = nf_alloc_aligned(2 * j.bytes);
  return j;
}

static void row(nf_threads *threads, nf_dtype dtype, nf_pack pack, int64_t mib, bool transposed,
                const char *dir) {
  job j = job_of(threads, dtype, pack, mib, transposed, dir);
  nf_checkpoint *files;
  const rate floor = rate_of(copy, &j, j.bytes / 2), made = rate_of(load, &j, j.bytes);
  must(nf_checkpoint_open(dir, NULL, &files));
  j.loader.files = files;
  const rate read = rate_of(load, &j, j.bytes);
  printf("%-8s %-6s%-11s %4zu MiB  read %5.2f (%5.2f)  made up %5.2f (%5.2f)  memcpy %5.2f (%5.2f) GB/s\n",
         nf_dtype_of(dtype)->name, nf_pack_name(pack).at, transposed ? " transposed" : "", j.bytes >> 20,
         read.best, read.cpu, made.best, made.cpu, floor.best, floor.cpu);
  nf_checkpoint_close(files);
  nf_weight_loader_deinit(&j.loader);
  nf_free_aligned(j.data);
}

// From the page cache and made up, into memory and to the device; the first time there with the pinned
// pieces' making.
static void device_row(nf_threads *threads, nf_device *d, nf_dtype dtype, int64_t mib, const char *dir) {
  job j = job_of(threads, dtype, NF_PACK_PLAIN, mib, false, dir);
  nf_checkpoint *files;
  nf_upload upload = {0};
  must(nf_checkpoint_open(dir, NULL, &files));
  must(nf_device_alloc(d, j.bytes, &j.there));
  printf("%-8s %4zu MiB", nf_dtype_of(dtype)->name, j.bytes >> 20);
  for (int made = 0; made < 2; made++) {
    j.loader.files = made ? NULL : files;
    j.upload = NULL;
    const rate memory = rate_of(load, &j, j.bytes);
    must(nf_upload_init(&upload, d, j.bytes));
    j.upload = &upload;
    const double start = nf_now();
    load(&j);
    const double first = 1e-9 * (double)j.bytes / (nf_now() - start);
    const rate there = rate_of(load, &j, j.bytes);
    must(nf_upload_finish(&upload));
    upload = (nf_upload){0};
    printf("  %s: memory %5.2f, device %5.2f (%.2f; first %5.2f) GB/s", made ? "made up" : "read",
           memory.best, there.best, there.best / memory.best, first);
  }
  printf("\n");
  nf_checkpoint_close(files);
  nf_device_free(d, &j.there);
  nf_weight_loader_deinit(&j.loader);
  nf_free_aligned(j.data);
}

static void rows(nf_threads *threads, int64_t mib, const char *dir) {
  row(threads, NF_BF16, NF_PACK(16, 1), mib, false, dir);
  row(threads, NF_BF16, NF_PACK(16, 2), mib, false, dir);
  row(threads, NF_BF16, NF_PACK_PLAIN, mib, false, dir);
  row(threads, NF_BF16, NF_PACK(16, 1), mib, true, dir);
  row(threads, NF_FP8_BLOCK, NF_PACK(16, 1), mib, false, dir);
  row(threads, NF_FP8_ROW, NF_PACK(16, 1), mib, false, dir);
  row(threads, NF_MXFP4, NF_PACK(16, 1), mib, false, dir);
}

static void device_rows(nf_threads *threads, const char *device, int64_t mib, const char *dir) {
  nf_device *d;
  must(strcmp(device, "hip") == 0 ? nf_device_hip(0, &d) : nf_device_cuda(0, &d));
  device_row(threads, d, NF_BF16, mib, dir);
  device_row(threads, d, NF_FP8_BLOCK, mib, dir);
  device_row(threads, d, NF_MXFP4, mib, dir);
  nf_device_destroy(d);
}

int main(int argc, char **argv) {
  const char *tmp = getenv("TMPDIR");
  const int64_t mib = argc > 1 ? atoi(argv[1]) : 512;
  char dir[256], file[300];
  nf_threads *threads;
  must(nf_threads_create(argc > 2 ? atoi(argv[2]) : 2, &threads));
  snprintf(dir, sizeof dir, "%s/infuse-bench-XXXXXX", tmp ? tmp : "/tmp");
  if (!mkdtemp(dir)) return 3;
  if (argc > 3)
    device_rows(threads, argv[3], mib, dir);
  else
    rows(threads, mib, dir);
  snprintf(file, sizeof file, "%s/model.safetensors", dir);
  unlink(file);
  rmdir(dir);
  nf_threads_destroy(threads);
  return 0;
}
