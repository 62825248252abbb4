// SPDX-License-Identifier: Apache-2.0
// A file for each processor, set of features and number of threads: JSON with its key inside.
#include "hw/figures.h"
#include "base/cache.h"
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include <string.h>

enum { MEASUREMENT = 1, MOST_BYTES = 1 << 16 }; // MEASUREMENT goes up when what is measured changes

char *nf_figures_key(const nf_hw *hw, int threads) {
  nf_text t = {0};
  nf_text_printf(&t, "measurement %d; %s; %d threads of %d cores;", MEASUREMENT, hw->name, threads,
                 hw->cores);
  for (int i = 0; i < NF_CPU_FEATURE_COUNT; i++)
    if (hw->features >> i & 1) nf_text_printf(&t, " %s", nf_cpu_feature_name(i));
  if (!t.failed) return t.at;
  nf_text_deinit(&t);
  return NULL;
}

// ---- a file ----

static json_t *speed_to_json(const nf_speed *s) {
  json_t *o = json_object();
  bool ok =
      nf_json_put(o, "bandwidth", json_real(s->bandwidth)) && nf_json_put(o, "launch", json_real(s->launch));
  for (int r = 0; r < NF_RATE_COUNT; r++)
    ok &= nf_json_put(o, nf_rate_name((nf_rate)r), json_real(s->peak[r]));
  return nf_json_whole(o, ok);
}

static nf_status save(const char *path, const char *key, const nf_speeds *s) {
  return nf_cache_save(path,
                       json_pack("{s:s, s:i, s:o, s:o}", "key", key, "threads", s->threads, "one",
                                 speed_to_json(&s->one), "all", speed_to_json(&s->all)),
                       "figures");
}

static nf_status read_speed(const nf_json_at *root, const char *name, nf_speed *out) {
  const nf_json_at at = nf_json_get(root, name);
  NF_TRY(nf_json_object(&at));
  const nf_json_at bandwidth = nf_json_get(&at, "bandwidth"), launch = nf_json_get(&at, "launch");
  NF_TRY(nf_json_f64(&bandwidth, 0, 1e15, &out->bandwidth));
  NF_TRY(nf_json_f64(&launch, 0, 1, &out->launch));
  for (int r = 0; r < NF_RATE_COUNT; r++) {
    const nf_json_at peak = nf_json_get(&at, nf_rate_name((nf_rate)r));
    NF_TRY(nf_json_f64(&peak, 0, 1e18, &out->peak[r]));
  }
  return nf_ok();
}

static nf_status read_speeds(const nf_json *j, const char *key, nf_speeds *out) {
  const nf_json_at root = nf_json_root(j);
  NF_TRY(nf_json_object(&root));
  const nf_json_at its_key = nf_json_get(&root, "key"), threads = nf_json_get(&root, "threads");
  nf_view found;
  int64_t n;
  NF_TRY(nf_json_string(&its_key, &found));
  if (!nf_view_equal(found, nf_view_of(key))) return nf_json_error(&its_key, "it is not '%s'", key);
  NF_TRY(nf_json_i64(&threads, 1, INT32_MAX, &n));
  out->threads = (int)n;
  NF_TRY(read_speed(&root, "one", &out->one));
  return read_speed(&root, "all", &out->all);
}

nf_status nf_figures_parse(const char *text, size_t n, const char *where, const char *key, nf_speeds *out) {
  nf_json j = {0};
  nf_speeds s;
  NF_TRY(nf_json_parse(text, n, where, &j));
  const nf_status st = read_speeds(&j, key, &s);
  if (nf_is_ok(st)) *out = s;
  nf_json_deinit(&j);
  return st;
}

static nf_status load(const char *path, const char *key, nf_speeds *out) {
  char *text;
  size_t n;
  NF_TRY(nf_file_load(path, MOST_BYTES, &text, &n));
  const nf_status st = nf_figures_parse(text, n, path, key, out);
  nf_free(text);
  return st;
}

// ---- looked up, or measured ----

static void warn(const nf_log *log, nf_status st, const char *what) {
  if (!nf_is_ok(st)) nf_log_print(log, NF_LOG_WARNING, "%s: %s", what, nf_status_message(st));
  nf_status_free(st);
}

// Of a machine that others had, when it was measured.
static bool was_busy(const nf_speeds *kept, const nf_speeds *now) {
  static const double much = 0.7;
  return kept->all.bandwidth < much * now->all.bandwidth ||
         kept->all.peak[NF_RATE_F32] < much * now->all.peak[NF_RATE_F32];
}

static void tell_if_busy(const nf_speeds *kept, const nf_speeds *now, const nf_log *log) {
  if (!was_busy(kept, now)) return;
  nf_log_print(
      log, NF_LOG_WARNING,
      "what was measured before was of a busy machine: %.3g GB/s and %.3g GFLOP/s, now %.3g and %.3g",
      kept->all.bandwidth / 1e9, kept->all.peak[NF_RATE_F32] / 1e9, now->all.bandwidth / 1e9,
      now->all.peak[NF_RATE_F32] / 1e9);
}

// One warning of each run: that of the file, or that of the folder.
static void look_up(const nf_hw *hw, nf_threads *threads, const char *path, const char *key, bool anew,
                    const nf_log *log, nf_speeds *out) {
  nf_status st = nf_ok();
  bool known = false;
  if (nf_path_exists(path)) {
    st = load(path, key, out);
    known = nf_is_ok(st);
    if (known && !anew) return;
  }
  const nf_speeds kept = *out;
  *out = nf_hw_measure(hw->features, threads);
  if (known) tell_if_busy(&kept, out, log);
  if (out->all.bandwidth > 0) st = nf_status_join(st, save(path, key, out));
  warn(log, st, "what this machine does was measured again");
}

bool nf_hw_figures(const nf_hw *hw, nf_threads *threads, bool anew, const nf_log *log, nf_speeds *out) {
  char *folder;
  const nf_status st = nf_cache_folder("host", &folder);
  if (nf_is_ok(st) && folder == NULL) return false;
  char *key = nf_figures_key(hw, nf_threads_count(threads));
  char *path = folder != NULL && key != NULL ? nf_cache_path(folder, nf_name_of_key(key).at) : NULL;
  if (path != NULL)
    look_up(hw, threads, path, key, anew, log, out);
  else
    *out = nf_hw_measure(hw->features, threads);
  warn(log, st, "what this machine does is measured each time");
  nf_free(path);
  nf_free(key);
  nf_free(folder);
  return true;
}

void nf_hw_use(nf_hw *hw, const nf_speeds *s) {
  const double f32 = s->all.peak[NF_RATE_F32];
  if (s->all.bandwidth > 0) hw->bandwidth = hw->link = hw->links = s->all.bandwidth;
  if (s->all.launch > 0) hw->launch = s->all.launch;
  for (int r = 0; r < NF_RATE_COUNT && f32 > 0; r++)
    hw->peak[r] = s->all.peak[r] > 0
                      ? s->all.peak[r]
                      : f32 * nf_cpu_rate(hw->features, (nf_rate)r) / nf_cpu_rate(hw->features, NF_RATE_F32);
}
