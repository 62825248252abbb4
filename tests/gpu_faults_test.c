// SPDX-License-Identifier: Apache-2.0
// A GPU that fails under a model, on the drivers of tests/drivers: what can't begin says why, a step that
// fails can be done again, a lost device says so for ever and takes nothing else with it, and memory that
// does not suffice is told by part.
#include "base/json.h"
#include "engine/engine.h"
#include "tests/drivers/fake.h"
#include "tests/support/folder.h"
#include "tests/support/sessions.h"
#include "tune/tune.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct gpu {
  const char *device, *library;
  void (*fake)(const char *settings);
  long (*count)(const char *call);
} gpu;
static gpu gpus[] = {{"cuda", "libcuda.so.1", NULL, NULL}, {"hip", "libamdhip64.so.6", NULL, NULL}};
static const gpu *tested, *other;

static const char *const dir = "checkpoints/qwen3-tiny";
static const char any_more[] = "this process can't use the device any more";

static const char *named(const char *cuda, const char *hip) { return tested == gpus ? cuda : hip; }

static infuse_error *create_on(const gpu *g, infuse_runtime **out) {
  const infuse_runtime_options o = {.size = sizeof o, .device = g->device, .threads = 1};
  return infuse_runtime_create(&o, out);
}

static infuse_runtime *runtime_on(const gpu *g) {
  infuse_runtime *rt;
  ok(create_on(g, &rt));
  return rt;
}

// A model on a GPU, and a session that has drawn its first token there.
typedef struct running {
  infuse_runtime *rt;
  infuse_model *m;
  infuse_session *s;
} running;

static running run_on(const gpu *g) {
  running r = {.rt = runtime_on(g)};
  r.m = load(r.rt, dir);
  r.s = begin(r.m, prompt, 20);
  ok(infuse_step(r.m, &r.s, 1));
  return r;
}

static void end(running *r) {
  infuse_session_destroy(r->s);
  infuse_model_destroy(r->m);
  infuse_runtime_destroy(r->rt);
}

// ---- what can't begin ----

static void cannot_begin(void **) {
  infuse_runtime *rt;
  tested->fake(named("version=11080", "version=50731921"));
  refused(create_on(tested, &rt), INFUSE_UNAVAILABLE, "the driver is of");
  // Of a GPU that the machine code is not of, so that the driver has one chance.
  tested->fake(named("capability=100 fail=module_load:1:218", "fail=module_load:1:200"));
  refused(create_on(tested, &rt), INFUSE_UNAVAILABLE, "does not take our kernels");
  tested->fake("fail=module_load:1:2");
  refused(create_on(tested, &rt), INFUSE_NO_MEMORY, named("cuModuleLoadDataEx", "hipModuleLoadData"));
  tested->fake("fail=module_load:1:719");
  refused(create_on(tested, &rt), INFUSE_UNAVAILABLE, any_more);
  tested->fake(NULL);
}

// Machine code that the driver does not take, spoilt or of another driver's time, is made anew of the PTX.
static void spoilt_machine_code(void **) {
  int32_t drawn[2][DRAWN];
  if (tested != gpus) return;
  for (int i = 0; i < 2; i++) {
    tested->fake(i == 0 ? NULL : "fail=module_load:1:200");
    running r = run_on(tested);
    assert_int_equal(draw(r.m, r.s, drawn[i]), DRAWN - 1);
    end(&r);
  }
  assert_memory_equal(drawn[0], drawn[1], (DRAWN - 1) * sizeof **drawn);
  tested->fake(NULL);
}

// ---- steps that fail ----

// The session is where it was, and draws what one draws that nothing happened to.
static void failing_step(void **) {
  static const struct {
    const char *settings;
    infuse_code code;
    const char *cuda, *hip;
    bool makes_graph; // the step's: a size that was there before has one
  } faults[] = {{"fail=exec_launch:1:1", INFUSE_INTERNAL, "cuGraphLaunch: CUDA_ERROR_INVALID_VALUE",
                 "hipGraphLaunch: hipErrorInvalidValue", false},
                {"fail=graph_instantiate:1:2", INFUSE_NO_MEMORY,
                 "cuGraphInstantiateWithFlags: CUDA_ERROR_OUT_OF_MEMORY",
                 "hipGraphInstantiateWithFlags: hipErrorOutOfMemory", true},
                {"fail=exec_upload:1:2", INFUSE_NO_MEMORY, "cuGraphUpload: CUDA_ERROR_OUT_OF_MEMORY",
                 "hipGraphUpload: hipErrorOutOfMemory", true},
                {"fail=copy:1:1", INFUSE_INTERNAL, "cuMemcpyAsync: CUDA_ERROR_INVALID_VALUE",
                 "hipMemcpyAsync: hipErrorInvalidValue", false}};
  int32_t want[DRAWN], got[DRAWN];
  running well = run_on(tested);
  const size_t n = draw(well.m, well.s, want);
  end(&well);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    running r = run_on(tested);
    if (!faults[i].makes_graph) { // it is made by another
      infuse_session *first = begin(r.m, prompt, 20);
      draw(r.m, first, got);
      infuse_session_destroy(first);
    }
    tested->fake(faults[i].settings);
    refused(infuse_step(r.m, &r.s, 1), faults[i].code, named(faults[i].cuda, faults[i].hip));
    tested->fake(NULL);
    assert_int_equal(draw(r.m, r.s, got), n);
    assert_memory_equal(got, want, n * sizeof *got);
    end(&r);
  }
}

// Where it is lost: as the step is begun, as what is expected behind it is put there, or while it is waited
// for.
static void lost_device(void **) {
  static const char *const ways[] = {"fail=copy:1:999", "fail=exec_launch:1:719", "fail=event_record:1:719",
                                     "fail=copy:2:719", "fail=copy:3:719",        "fail=event_sync:1:700"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    running r = run_on(tested), beside = run_on(other), again;
    infuse_model *more, *on_cpu = load(runtime[1], dir);
    infuse_session *s = begin(on_cpu, prompt, 20);
    int32_t drawn[DRAWN];
    const infuse_model_options o = {.size = sizeof o};
    tested->fake(ways[i]);
    for (int k = 0; k < 2; k++) refused(infuse_step(r.m, &r.s, 1), INFUSE_UNAVAILABLE, any_more);
    refused(infuse_model_load(r.rt, dir, &o, &more), INFUSE_UNAVAILABLE, any_more);
    assert_int_equal(draw(on_cpu, s, drawn), DRAWN); // unharmed
    assert_int_equal(draw(beside.m, beside.s, drawn), DRAWN - 1);
    infuse_session_destroy(s);
    infuse_model_destroy(on_cpu);
    end(&r);
    end(&beside);
    tested->fake(NULL);
    again = run_on(tested); // as in a new process
    end(&again);
  }
}

// A step that was begun: whoever waits for it is told, and the session is where it was.
static void lost_behind_the_caller(void **) {
  static const char *const ways[] = {"fail=exec_launch:1:719", "fail=event_sync:1:700"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    running r = run_on(tested);
    const size_t position = infuse_session_position(r.s);
    tested->fake(ways[i]);
    ok(infuse_step_begin(r.m, &r.s, 1));
    refused(infuse_step_wait(r.m), INFUSE_UNAVAILABLE, any_more);
    assert_int_equal(infuse_session_position(r.s), position);
    assert_int_equal(infuse_session_pending(r.s), 1);
    infuse_session_destroy(r.s);
    r.s = begin(r.m, prompt, 5); // which needs no device
    refused(infuse_step(r.m, &r.s, 1), INFUSE_UNAVAILABLE, any_more);
    end(&r);
    tested->fake(NULL);
  }
}

// As weights are brought there: the driver's words, not those of who found no room.
static void lost_while_loading(void **) {
  static const char *const calls[] = {"event_create", "alloc_host", "copy", "event_record"};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    char settings[64];
    infuse_model *m;
    const infuse_model_options o = {.size = sizeof o};
    infuse_runtime *rt = runtime_on(tested);
    snprintf(settings, sizeof settings, "fail=%s:1:719", calls[i]);
    tested->fake(settings);
    refused(infuse_model_load(rt, dir, &o, &m), INFUSE_UNAVAILABLE, any_more);
    infuse_runtime_destroy(rt);
    tested->fake(NULL);
  }
}

// ---- memory ----

static void lists_parts(infuse_error *e) {
  static const char *const parts[] = {"weights", "caches", "activations", "tables", "scratch", "captures"};
  assert_non_null(e);
  assert_int_equal(infuse_error_code(e), INFUSE_UNAVAILABLE);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    assert_non_null(strstr(infuse_error_message(e), parts[i]));
  infuse_error_free(e);
}

static void too_little_memory(void **) {
  infuse_model *m, *second;
  const infuse_model_options o = {.size = sizeof o};
  tested->fake("memory=4000000");
  infuse_runtime *rt = runtime_on(tested);
  lists_parts(infuse_model_load(rt, dir, &o, &m));
  infuse_runtime_destroy(rt);
  // One fits, and a second one beside it does not: what the first has is not free.
  tested->fake("memory=20000000");
  rt = runtime_on(tested);
  ok(infuse_model_load(rt, dir, &o, &m));
  lists_parts(infuse_model_load(rt, dir, &o, &second));
  infuse_model_destroy(m);
  ok(infuse_model_load(rt, dir, &o, &m));
  infuse_model_destroy(m);
  infuse_runtime_destroy(rt);
  tested->fake(NULL);
}

// It was counted, and somebody else was faster: on the device, or with what can be pinned. The next load is
// well.
static void memory_that_is_gone(void **) {
  static const char *const faults[] = {"fail=alloc:3:2", "fail=alloc_host:1:2", "fail=alloc_host:4:2"};
  infuse_model *m;
  const infuse_model_options o = {.size = sizeof o};
  infuse_runtime *rt = runtime_on(tested);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    tested->fake(faults[i]);
    refused(infuse_model_load(rt, dir, &o, &m), INFUSE_NO_MEMORY,
            named("CUDA_ERROR_OUT_OF_MEMORY", "hipErrorOutOfMemory"));
    ok(infuse_model_load(rt, dir, &o, &m));
    infuse_model_destroy(m);
  }
  infuse_runtime_destroy(rt);
  tested->fake(NULL);
}

// Of each graph the launches that are in it, of a prompt's and of a token's: 3 KiB each.
static void graphs_are_counted(void **) {
  infuse_runtime *rt = runtime_on(tested);
  infuse_model *m = load(rt, dir);
  infuse_session *s = begin(m, prompt, 20);
  uint64_t all = 0;
  for (int i = 0; i < 2; i++) {
    const long before = tested->count("launch");
    ok(infuse_step(m, &s, 1));
    const size_t bytes = nf_plan_capture_bytes(m->plan, &m->flight.bucket);
    assert_true(bytes > 0);
    assert_int_equal(bytes, (tested->count("launch") - before) * 3 << 10);
    all += bytes;
  }
  assert_true(m->budget.of[NF_CAPTURES] >= all);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  infuse_runtime_destroy(rt);
}

// ---- what was measured ----

static int warnings;
static void count_warnings(void *, infuse_level level, const char *line) {
  if (level == INFUSE_WARNING && strstr(line, "is not used") != NULL) warnings++;
}

static void keep_site(void *user, const char *json, size_t n) {
  nf_json doc;
  assert_int_equal(nf_status_code(nf_json_parse(json, n, "the document", &doc)), NF_OK);
  const json_t *site = json_array_get(json_object_get(doc.root, "sites"), 0);
  size_t n_list;
  const nf_variant *list = nf_variants(&n_list);
  nf_tune_entry e = {.n = 1, .date = "2026-11-29"};
  for (size_t i = 0; i < n_list; i++)
    if (strcmp(list[i].name, json_string_value(json_object_get(site, "default"))) == 0)
      e.of[0] = (nf_tuned){.v = &list[i], .us = 1, .spread = .1};
  nf_tune_store_keep(user, json_string_value(json_object_get(site, "key")), &e);
  nf_json_deinit(&doc);
}

static void spoil(void *folder, const char *name, const char *, const nf_tune_entry *) {
  char file[64];
  snprintf(file, sizeof file, "%s.json", name);
  folder_write_text(folder, file, "{\"schema\": 1, \xff");
}

// Of a kept time that is spoilt a line is told, and the plan goes by estimates.
static void spoilt_times(void **) {
  char *cache = folder_create();
  infuse_runtime *rt;
  infuse_model *m;
  int32_t drawn[2][DRAWN];
  setenv("INFUSE_CACHE_DIR", cache, 1);
  const infuse_runtime_options o = {.size = sizeof o,
                                    .device = tested->device,
                                    .threads = 1,
                                    .log_level = INFUSE_WARNING,
                                    .log = count_warnings};
  const infuse_tune_options told = {.size = sizeof told, .seconds = -1};
  for (int i = 0; i < 2; i++) {
    ok(infuse_runtime_create(&o, &rt));
    warnings = 0;
    m = load(rt, dir);
    assert_int_equal(warnings, i);
    infuse_session *s = begin(m, prompt, 20);
    assert_int_equal(draw(m, s, drawn[i]), DRAWN);
    infuse_session_destroy(s);
    infuse_model_destroy(m);
    nf_tune_store *store = nf_tuner_store(rt->tuner);
    const infuse_model_options mo = {.size = sizeof mo, .context = MANY, .sessions = 3, .batch = 64};
    if (i == 0) ok(infuse_tune(rt, dir, &mo, &told, keep_site, store));
    assert_int_equal(nf_status_code(nf_tune_store_each(store, spoil, store->folder)), NF_OK);
    infuse_runtime_destroy(rt);
  }
  assert_memory_equal(drawn[0], drawn[1], sizeof *drawn);
  setenv("INFUSE_CACHE_DIR", "", 1);
  char command[300];
  snprintf(command, sizeof command, "rm -rf '%s'/*", cache);
  assert_int_equal(system(command), 0);
  folder_remove(cache);
}

static int find(gpu *g) {
  void *library = dlopen(g->library, RTLD_NOW);
  g->fake = library != NULL ? dlsym(library, "fake_gpu") : NULL;
  g->count = library != NULL ? dlsym(library, "fake_gpu_count") : NULL;
  if (g->fake != NULL && g->count != NULL) return 0;
  return fprintf(stderr, "%s is not the one of tests/drivers\n", g->library), 1;
}

static int test(int i) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cannot_begin),           cmocka_unit_test(spoilt_machine_code),
      cmocka_unit_test(failing_step),           cmocka_unit_test(lost_device),
      cmocka_unit_test(lost_behind_the_caller), cmocka_unit_test(lost_while_loading),
      cmocka_unit_test(too_little_memory),      cmocka_unit_test(memory_that_is_gone),
      cmocka_unit_test(graphs_are_counted),     cmocka_unit_test(spoilt_times)};
  tested = &gpus[i], other = &gpus[1 - i];
  return cmocka_run_group_tests_name(tested->device, tests, set_up, tear_down);
}

int main(void) { return find(&gpus[0]) || find(&gpus[1]) ? 1 : test(0) + test(1); }
