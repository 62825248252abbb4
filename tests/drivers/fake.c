// SPDX-License-Identifier: Apache-2.0
// A driver for GPUs that are not there, compiled twice: as libcuda.so.1 (FAKE_CUDA) and as libamdhip64.so.6
// (FAKE_HIP). It exports the calls that src/device/gpu_calls.h lists, checked against these lists, and
// nothing else but what tests steer it by (fake.h). Memory is the host's, streams do at once what they are
// given, a launch runs the kernel's host form (kernels.c). What a driver would refuse is refused: calls
// without a context, into a capture, of other handles.
#include "tests/drivers/fake.h"
#include "device/gpu_calls.h"
#include "tests/drivers/kernels.h"
#include "tests/drivers/memory.h"
#include "tests/drivers/reach.h"
#include <elf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#ifdef FAKE_HIP
enum { HIP = 1, LANES = 64 };
#else
enum { HIP = 0, LANES = 32 };
#endif
enum {
  INVALID = 1,
  INVALID_CONTEXT = 201,
  INVALID_IMAGE = 200,
  NO_BINARY = 209,
  INVALID_PTX = 218,
  LAUNCH_FAILED = 719,
  IN_CAPTURE = 900
};

// ---- settings, counts, faults ----

static struct {
  pthread_mutex_t lock;
  long devices, version, capability, multiprocessors, memory, peers; // settings
  char architecture[32], fail[32];
  long fail_at, fail_code, fail_seen, lost;
  long used; // bytes of device memory
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER};

typedef struct count {
  const char *name;
  long n;
} count;
#define COUNT_GPU(field, ...) {#field, 0},
static count counts[] = {NF_GPU_CALLS(COUNT_GPU){"copy", 0},
                         {"launch", 0},
                         {"module_load", 0},
                         {"context_set", 0},
                         {"device_set", 0},
                         {"function_set", 0},
                         {"programmatic", 0}};

static count *count_of(const char *name) {
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    if (strcmp(counts[i].name, name) == 0) return &counts[i];
  return NULL;
}

long fake_gpu_count(const char *call) {
  const count *c = count_of(call);
  return c != NULL ? c->n : -1;
}

static void set_defaults(void) {
  fake.devices = 4, fake.version = HIP ? 60300000 : 12080, fake.capability = 90,
  fake.multiprocessors = HIP ? 304 : 132, fake.memory = 1l << 33, fake.peers = 1;
  fake.fail[0] = 0, fake.fail_at = fake.fail_code = fake.fail_seen = fake.lost = 0;
  strcpy(fake.architecture, "gfx942:sramecc+:xnack-");
}

static void set_one(const char *word) {
  const struct {
    const char *format;
    long *at;
  } numbers[] = {{"devices=%ld", &fake.devices},       {"version=%ld", &fake.version},
                 {"capability=%ld", &fake.capability}, {"multiprocessors=%ld", &fake.multiprocessors},
                 {"memory=%ld", &fake.memory},         {"peers=%ld", &fake.peers}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (sscanf(word, numbers[i].format, numbers[i].at) == 1) return;
  if (sscanf(word, "architecture=%31s", fake.architecture) == 1) return;
  if (sscanf(word, "fail=%31[^:]:%ld:%ld", fake.fail, &fake.fail_at, &fake.fail_code) == 3) return;
  fprintf(stderr, "FAKE_GPU: '%s' is not known\n", word), abort();
}

void fake_gpu(const char *settings) {
  char text[256], *rest = text;
  pthread_mutex_lock(&fake.lock);
  set_defaults();
  snprintf(text, sizeof text, "%s", settings != NULL ? settings : "");
  for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) set_one(word);
  pthread_mutex_unlock(&fake.lock);
}

static tss_t failure; // text: what the emulator said of this thread's last kernel
static void keep_failure(const char *text) {
  free(tss_get(failure));
  if (tss_set(failure, strdup(text)) != thrd_success) abort();
}

[[gnu::constructor]] static void begin(void) {
  if (tss_create(&failure, free) != thrd_success) abort();
  fake_gpu(getenv("FAKE_GPU"));
}
[[gnu::destructor]] static void end(void) {
  free(tss_get(failure));
  tss_delete(failure);
}

// Codes after which a driver answers nothing else.
static bool is_lost(long code) {
  return code == 46 || code == 214 || code == 999 || (code >= 700 && code < 720);
}

static _Thread_local int current = -1; // the device whose context this thread has
static _Thread_local bool capturing;   // this thread captures a stream

static int enter(const char *name) {
  pthread_mutex_lock(&fake.lock);
  count *c = count_of(name);
  if (c != NULL) c->n++;
  long code = fake.lost;
  if (code == 0 && strcmp(name, fake.fail) == 0 && ++fake.fail_seen == fake.fail_at) code = fake.fail_code;
  if (is_lost(code)) fake.lost = code;
  pthread_mutex_unlock(&fake.lock);
  return (int)code;
}

// How a call begins: with the fault that was asked for, and for most with a context.
#define ENTER(field)                 \
  do {                               \
    const int code_ = enter(#field); \
    if (code_ != 0) return code_;    \
  } while (0)
#define ENTER_CONTEXT(field)                 \
  do {                                       \
    ENTER(field);                            \
    if (current < 0) return INVALID_CONTEXT; \
  } while (0)
// Of calls that give something back, which a lost device's driver does all the same.
#define ENTER_TO_FREE(field)       \
  const int code_ = enter(#field); \
  if (current < 0) return INVALID_CONTEXT;
// No driver takes these from a thread that captures.
#define ENTER_NO_CAPTURE(field)       \
  do {                                \
    ENTER_CONTEXT(field);             \
    if (capturing) return IN_CAPTURE; \
  } while (0)

// ---- devices ----

static int fake_init(unsigned) {
  ENTER(init);
  return fake.devices == 0 ? NF_GPU_NO_DEVICE : 0;
}
static int fake_driver_version(int *out) { return *out = (int)fake.version, 0; }
static int fake_device_count(int *out) {
  ENTER(device_count);
  return *out = (int)fake.devices, 0;
}
static int fake_device_get(int *out, int index) {
  ENTER(device_get);
  return *out = index, index < 0 || index >= fake.devices ? 101 : 0;
}
static int fake_device_name(char *out, int bytes, int) {
  ENTER(device_name);
  return snprintf(out, (size_t)bytes, HIP ? "AMD Fake MI300X" : "NVIDIA Fake H200"), 0;
}
static int fake_device_memory(size_t *out, int) {
  ENTER(device_memory);
  return *out = (size_t)fake.memory, 0;
}
static int fake_memory_info(size_t *free, size_t *total) {
  ENTER_CONTEXT(memory_info);
  return *total = (size_t)fake.memory, *free = (size_t)(fake.memory - fake.used), 0;
}
static int fake_can_access_peer(int *out, int device, int peer) {
  ENTER(can_access_peer);
  return *out = fake.peers != 0 && device != peer, 0;
}

static int named(int code, const char **out, bool text) {
  static const struct {
    int code;
    const char *cuda, *hip, *text;
  } names[] = {
      {1, "CUDA_ERROR_INVALID_VALUE", "hipErrorInvalidValue", "invalid argument"},
      {2, "CUDA_ERROR_OUT_OF_MEMORY", "hipErrorOutOfMemory", "out of memory"},
      {100, "CUDA_ERROR_NO_DEVICE", "hipErrorNoDevice", "no CUDA-capable device is detected"},
      {200, "CUDA_ERROR_INVALID_IMAGE", "hipErrorInvalidImage", "device kernel image is invalid"},
      {201, "CUDA_ERROR_INVALID_CONTEXT", "hipErrorInvalidContext", "invalid device context"},
      {218, "CUDA_ERROR_INVALID_PTX", "hipErrorInvalidKernelFile", "a PTX JIT compilation failed"},
      {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "hipErrorIllegalAddress",
       "an illegal memory access was encountered"},
      {719, "CUDA_ERROR_LAUNCH_FAILED", "hipErrorLaunchFailure", "unspecified launch failure"},
      {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "hipErrorStreamCaptureUnsupported", "in a capture"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].code == code) return *out = text ? names[i].text : HIP ? names[i].hip : names[i].cuda, 0;
  return *out = NULL, INVALID;
}
static int fake_error_name(int code, const char **out) { return named(code, out, false); }
static int fake_error_text(int code, const char **out) {
  const char *said = tss_get(failure);
  if (code == LAUNCH_FAILED && said != NULL) return *out = said, 0;
  return named(code, out, true);
}

// ---- memory ----

// Nobody says that memory is zero.
static void spoil(void *at, size_t bytes) { memset(at, 0xa5, bytes < 1 << 20 ? bytes : 1 << 20); }

static bool has(size_t bytes) { return bytes <= (size_t)(fake.memory - fake.used); }

static int fake_alloc(void **out, size_t bytes) {
  ENTER_NO_CAPTURE(alloc);
  if (bytes == 0) return INVALID;
  *out = has(bytes) ? fake_reach_take(bytes) : NULL;
  if (*out == NULL) return NF_GPU_NO_MEMORY;
  __atomic_add_fetch(&fake.used, (long)bytes, __ATOMIC_RELAXED);
  fake_reach_enter();
  spoil(*out, bytes);
  fake_reach_leave();
  return fake_memory_add(*out, bytes, false), 0;
}
static int fake_free(void *at) {
  ENTER_TO_FREE(free)
  fake_memory_remove(at);
  const size_t bytes = fake_reach_give(at);
  __atomic_sub_fetch(&fake.used, (long)bytes, __ATOMIC_RELAXED);
  if (bytes == 0) free(at); // which was managed
  return code_;
}

// What the process may use too.
static int take(void **out, size_t bytes) {
  if (bytes == 0) return INVALID;
  *out = has(bytes) ? aligned_alloc(256, (bytes + 255) / 256 * 256) : NULL;
  if (*out == NULL) return NF_GPU_NO_MEMORY;
  spoil(*out, bytes);
  return fake_memory_add(*out, bytes, true), 0;
}
static int fake_alloc_host(void **out, size_t bytes, unsigned flags) {
  ENTER_NO_CAPTURE(alloc_host);
  return flags != NF_GPU_HOST_MAPPED ? INVALID : take(out, bytes);
}
static int fake_free_host(void *at) {
  ENTER_TO_FREE(free_host)
  fake_memory_remove(at);
  return free(at), code_;
}
static int fake_host_address(void **out, void *host, unsigned) {
  ENTER_CONTEXT(host_address);
  return *out = host, 0;
}
static int fake_alloc_managed(void **out, size_t bytes, unsigned flags) {
  ENTER_NO_CAPTURE(alloc_managed);
  return flags != NF_GPU_ATTACH_GLOBAL ? INVALID : take(out, bytes);
}

// ---- streams, events, graphs ----

typedef struct function {
  fake_kernel kernel;
  size_t shared_most; // of a block
  struct function *next;
} function;
typedef struct call {
  const function *function;
  nf_grid grid;
  void *args;
} call;
typedef struct graph {
  call *call;
  size_t n;
} graph;
typedef struct stream {
  graph *captured; // NULL: things are done
} stream;

static int fake_stream_create(void **out, unsigned flags) {
  ENTER_CONTEXT(stream_create);
  return *out = calloc(1, sizeof(stream)), flags == NF_GPU_STREAM_ALONE ? 0 : INVALID;
}
static int fake_stream_destroy(void *s) {
  ENTER_TO_FREE(stream_destroy)
  return free(s), code_;
}
static int fake_stream_sync(void *s) {
  ENTER_CONTEXT(stream_sync);
  return ((stream *)s)->captured != NULL ? IN_CAPTURE : 0;
}
static int fake_stream_wait(void *, void *event, unsigned) {
  ENTER_CONTEXT(stream_wait);
  return event == NULL ? INVALID : 0;
}
static int fake_fill(void *at, unsigned char value, size_t bytes, void *) {
  ENTER_NO_CAPTURE(fill);
  fake_reach_enter();
  memset(at, value, bytes);
  return fake_reach_leave(), 0;
}
static int copy(void *to, const void *from, size_t bytes, const stream *s) {
  if (s->captured != NULL) return IN_CAPTURE;
  fake_memory_written(to);
  fake_reach_enter();
  memmove(to, from, bytes);
  return fake_reach_leave(), 0;
}

static int fake_event_create(void **out, unsigned flags) {
  ENTER_CONTEXT(event_create);
  return *out = malloc(1), flags == NF_GPU_EVENT_PLAIN ? 0 : INVALID;
}
static int fake_event_destroy(void *event) {
  ENTER_TO_FREE(event_destroy)
  return free(event), code_;
}
static int fake_event_record(void *event, void *) {
  ENTER_NO_CAPTURE(event_record);
  return event == NULL ? INVALID : 0;
}
static int fake_event_query(void *event) {
  ENTER_NO_CAPTURE(event_query);
  return event == NULL ? INVALID : 0;
}

static int fake_event_sync(void *event) {
  ENTER_NO_CAPTURE(event_sync);
  return event == NULL ? INVALID : 0;
}

static int fake_capture_begin(void *s, int mode) {
  ENTER_NO_CAPTURE(capture_begin);
  ((stream *)s)->captured = calloc(1, sizeof(graph));
  return capturing = true, mode == NF_GPU_CAPTURE_THREAD ? 0 : INVALID;
}
static int fake_capture_end(void *s, void **out) {
  ENTER_CONTEXT(capture_end);
  *out = ((stream *)s)->captured;
  ((stream *)s)->captured = NULL;
  return capturing = false, *out != NULL ? 0 : INVALID;
}

static int run(const function *f, const nf_grid *grid, const void *args) {
  fake_reach_enter();
  const nf_status st = fake_kernel_run(&f->kernel, grid, args);
  fake_reach_leave();
  if (nf_is_ok(st)) return 0;
  keep_failure(nf_status_message(st));
  nf_status_free(st);
  return (int)(fake.lost = LAUNCH_FAILED);
}

static void drop(graph *g) {
  for (size_t i = 0; i < g->n; i++) free(g->call[i].args);
  free(g->call);
  free(g);
}
static bool append(graph *g, const function *f, const nf_grid *grid, const void *args) {
  call *more = realloc(g->call, (g->n + 1) * sizeof *more);
  void *kept = malloc(f->kernel.args_bytes);
  if (more == NULL || kept == NULL) return false;
  g->call = more;
  more[g->n++] = (call){f, *grid, memcpy(kept, args, f->kernel.args_bytes)};
  return true;
}
static int fake_graph_instantiate(void **out, void *of, unsigned long long) {
  ENTER_NO_CAPTURE(graph_instantiate);
  graph *to = calloc(1, sizeof *to), *from = of;
  for (size_t i = 0; i < from->n; i++)
    if (!append(to, from->call[i].function, &from->call[i].grid, from->call[i].args)) return NF_GPU_NO_MEMORY;
  return *out = to, 0;
}
static int fake_graph_destroy(void *g) {
  ENTER_TO_FREE(graph_destroy)
  return drop(g), code_;
}
static int fake_exec_upload(void *, void *) {
  ENTER_NO_CAPTURE(exec_upload);
  return 0;
}
static int fake_exec_launch(void *exec, void *) {
  ENTER_NO_CAPTURE(exec_launch);
  const graph *g = exec;
  for (size_t i = 0; i < g->n; i++) {
    const int code = run(g->call[i].function, &g->call[i].grid, g->call[i].args);
    if (code != 0) return code;
  }
  return 0;
}
static int fake_exec_destroy(void *exec) {
  ENTER_TO_FREE(exec_destroy)
  return drop(exec), code_;
}

// ---- modules and launches ----

typedef struct module {
  char *image;
  size_t bytes;
  function *functions;
} module;

static bool is_elf(const void *image) { return memcmp(image, ELFMAG, SELFMAG) == 0; }

// Machine code is an ELF file, whose sections and segments are listed at its end; PTX is text.
static size_t size_of(const void *image) {
  const Elf64_Ehdr *e = image;
  if (!is_elf(image)) return strlen(image) + 1;
  const size_t sections = e->e_shoff + (size_t)e->e_shnum * e->e_shentsize,
               segments = e->e_phoff + (size_t)e->e_phnum * e->e_phentsize;
  return sections > segments ? sections : segments;
}

static int keep(void **out, const void *image) {
  module *m = malloc(sizeof *m);
  const size_t bytes = size_of(image);
  *m = (module){malloc(bytes), bytes, NULL};
  memcpy(m->image, image, bytes);
  return *out = m, 0;
}
static int fake_module_unload(void *of) {
  ENTER_TO_FREE(module_unload)
  module *m = of;
  for (function *f; (f = m->functions) != NULL; free(f)) m->functions = f->next;
  free(m->image);
  return free(m), code_;
}

// The entry of the image, then the host form of the same name: both must be there.
static int fake_module_function(void **out, void *of, const char *symbol) {
  ENTER_CONTEXT(module_function);
  module *m = of;
  char entry[256];
  const bool elf = is_elf(m->image); // names end with a 0 byte there
  const int n = snprintf(entry, sizeof entry, HIP ? "%s.kd" : elf ? ".text.%s" : ".entry %s(", symbol) + elf;
  if (memmem(m->image, m->bytes, entry, (size_t)n) == NULL) return NF_GPU_NOT_FOUND;
  function *f = calloc(1, sizeof *f);
  *f = (function){.shared_most = HIP ? 64 << 10 : 48 << 10, .next = m->functions};
  m->functions = f;
  if (fake_kernel_find(symbol, LANES, &f->kernel)) return *out = f, 0;
  fprintf(stderr, "fake driver: '%s' has no host form\n", symbol);
  return NF_GPU_NOT_FOUND;
}

static int launch(const function *f, const nf_grid *grid, const stream *s, void **parameters) {
  if (f == NULL || parameters == NULL || grid->blocks[0] == 0 || grid->threads[0] == 0) return INVALID;
  if (grid->shared > f->shared_most) return INVALID;
  if (s->captured == NULL) return run(f, grid, *parameters);
  return append(s->captured, f, grid, *parameters) ? 0 : NF_GPU_NO_MEMORY;
}

int fake_gpu_enqueue(void *s, const char *symbol, unsigned blocks, const void *args) {
  static function f;
  if (!fake_kernel_find(symbol, LANES, &f.kernel)) return NF_GPU_NOT_FOUND;
  return launch(&f, &(nf_grid){{blocks, 1, 1}, {1, 1, 1}, 0}, s, (void *[]){(void *)args});
}

// ---- what only one of them has ----

#ifdef FAKE_HIP
static int fake_properties(nf_hip_properties *out, int) {
  ENTER(properties);
  *out = (nf_hip_properties){.multiprocessors = (int)fake.multiprocessors};
  return strcpy(out->architecture, fake.architecture), 0;
}
static int fake_device_set(int device) {
  ENTER(device_set);
  return current = device, 0;
}
static int fake_device_peer(int peer, unsigned) {
  ENTER_CONTEXT(device_peer);
  return peer == current ? INVALID : 0;
}
static int fake_copy(void *to, const void *from, size_t bytes, int kind, void *s) {
  ENTER_CONTEXT(copy);
  return kind != NF_HIP_COPY_ANY ? INVALID : copy(to, from, bytes, s);
}
static int fake_module_load(void **out, const void *image) {
  ENTER_CONTEXT(module_load);
  return is_elf(image) ? keep(out, image) : INVALID_IMAGE;
}
static int fake_launch(const void *function, unsigned bx, unsigned by, unsigned bz, unsigned tx, unsigned ty,
                       unsigned tz, unsigned shared, void *s, void **parameters, void **) {
  ENTER_CONTEXT(launch);
  return launch(function, &(nf_grid){{bx, by, bz}, {tx, ty, tz}, shared}, s, parameters);
}
#define EXPORT_ALL NF_GPU_CALLS(EXPORT_GPU) NF_HIP_CALLS(EXPORT)
#define EXPORT_GPU(field, cuda, hip, parameters) EXPORT(field, hip, parameters)
#else
static int fake_device_attribute(int *out, int attribute, int) {
  ENTER(device_attribute);
  const int values[][2] = {{NF_CUDA_MAJOR, (int)fake.capability / 10},
                           {NF_CUDA_MINOR, (int)fake.capability % 10},
                           {NF_CUDA_MULTIPROCESSORS, (int)fake.multiprocessors},
                           {NF_CUDA_SHARED_MOST, 227 << 10}};
  for (int i = 0; i < 4; i++)
    if (values[i][0] == attribute) return *out = values[i][1], 0;
  return INVALID;
}
static char contexts[64]; // the address of each device's context
static int fake_context_retain(void **out, int device) {
  ENTER(context_retain);
  return *out = &contexts[device], 0;
}
static int fake_context_release(int) { return 0; }
static int fake_context_set(void *context) {
  ENTER(context_set);
  return current = (int)((char *)context - contexts), 0;
}
static int fake_context_peer(void *context, unsigned) {
  ENTER_CONTEXT(context_peer);
  return context == &contexts[current] ? INVALID : 0;
}
static int fake_copy(void *to, const void *from, size_t bytes, void *s) {
  ENTER_CONTEXT(copy);
  return copy(to, from, bytes, s);
}
static int fake_module_load(void **out, const void *image, unsigned n, const int *option, void **value) {
  ENTER_CONTEXT(module_load);
  if (is_elf(image)) return fake.capability == 90 ? keep(out, image) : NO_BINARY;
  if (strstr(image, ".version") != NULL) return keep(out, image);
  if (n == 2 && option[0] == NF_CUDA_ERROR_LOG)
    snprintf(value[0], (size_t)value[1], "ptxas fatal : missing .version\nptxas fatal : aborted");
  return INVALID_PTX;
}
static int fake_function_get(int *out, int attribute, const void *) {
  ENTER_CONTEXT(function_get);
  return *out = 0, attribute == NF_CUDA_FUNCTION_SHARED ? 0 : INVALID;
}
static int fake_function_set(const void *function, int attribute, int value) {
  ENTER_CONTEXT(function_set);
  if (attribute != NF_CUDA_FUNCTION_DYNAMIC || value > 227 << 10) return INVALID;
  return ((struct function *)function)->shared_most = (size_t)value, 0;
}
static int fake_launch(const nf_cuda_launch *l, const void *function, void **parameters, void **) {
  ENTER_CONTEXT(launch);
  nf_grid grid = {.blocks = {l->blocks[0], l->blocks[1], l->blocks[2]},
                  .threads = {l->threads[0], l->threads[1], l->threads[2]},
                  .shared = l->shared};
  for (unsigned i = 0; i < l->attributes; i++) {
    const nf_cuda_attribute *a = &l->attribute[i];
    if (a->id == NF_CUDA_PROGRAMMATIC && a->value.on) count_of("programmatic")->n++;
    if (a->id != NF_CUDA_CLUSTER) continue;
    grid.cluster = a->value.blocks[1];
    if (a->value.blocks[0] != 1 || a->value.blocks[2] != 1 || grid.cluster < 1 || grid.cluster > 8 ||
        grid.blocks[1] % grid.cluster != 0)
      return INVALID;
  }
  return launch(function, &grid, l->stream, parameters);
}
#define EXPORT_ALL NF_GPU_CALLS(EXPORT_GPU) NF_CUDA_CALLS(EXPORT)
#define EXPORT_GPU(field, cuda, hip, parameters) EXPORT(field, cuda, parameters)
#endif

#define EXPORT(field, symbol, parameters) \
  extern int symbol parameters __attribute__((alias("fake_" #field), visibility("default")));
EXPORT_ALL
