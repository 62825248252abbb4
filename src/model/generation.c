// SPDX-License-Identifier: Apache-2.0
// Reading generation_config.json as transformers reads it, spellings of "off" included.
#include "model/generation.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/keys.h"
#include <string.h>

enum { MAX_FILE = 1 << 20, MAX_COUNT = 1 << 24 };

// ---- what each key means ----

static const nf_key table[] = {
    {"do_sample temperature top_k top_p min_p repetition_penalty presence_penalty frequency_penalty "
     "no_repeat_ngram_size min_new_tokens suppress_tokens begin_suppress_tokens bad_words_ids sequence_bias "
     "stop_strings eos_token_id",
     NF_KEY_USED},
    // other ways to choose
    {"typical_p num_beams num_beam_groups guidance_scale encoder_repetition_penalty", NF_KEY_CHANGES, "1"},
    {"epsilon_cutoff eta_cutoff diversity_penalty penalty_alpha encoder_no_repeat_ngram_size", NF_KEY_CHANGES,
     "0"},
    {"top_h dola_layers forced_bos_token_id forced_eos_token_id exponential_decay_length_penalty "
     "watermarking_config",
     NF_KEY_CHANGES},
    {"constraints force_words_ids forced_decoder_ids", NF_KEY_CHANGES, "[]"},
    {"token_healing", NF_KEY_CHANGES, "false"},
    {"cache_implementation", NF_KEY_CHANGES,
     "dynamic static hybrid sliding_window offloaded offloaded_static dynamic_full"},
    // how long, which is the caller's to say, and how many
    {"max_new_tokens max_time", NF_KEY_CHANGES},
    {"max_length", NF_KEY_CHANGES, "20"},
    {"min_length", NF_KEY_CHANGES, "0"},
    {"num_return_sequences", NF_KEY_CHANGES, "1"},
    // of beams alone
    {"early_stopping length_penalty low_memory", NF_KEY_HARMLESS},
    // the same text in another way, or other things to return
    {"assistant_* num_assistant_* is_assistant prompt_lookup_num_tokens max_matching_ngram_size "
     "target_lookbehind speculation_type use_mtp prefill_chunk_size continuous_batching_config "
     "compile_config disable_compile cache_config max_cache_len use_cache return_* output_* "
     "remove_invalid_values renormalize_logits pad_token_id bos_token_id decoder_start_token_id "
     "transformers_version _*",
     NF_KEY_HARMLESS},
};
static const nf_keys known = NF_KEYS(table, NULL);

// ---- numbers ----

typedef struct reading {
  nf_json_at root;
  const nf_config *config;
  nf_generation_config *out;
  nf_text wrong; // messages about values that are not understood
} reading;

// Keeps the message and the default, unless memory is what failed.
static nf_status forgive(reading *r, nf_status st) {
  if (nf_is_ok(st) || nf_status_code(st) == NF_NO_MEMORY) return st;
  const char *text = nf_status_message(st), *where = r->root.doc->where;
  if (strncmp(text, where, strlen(where)) == 0) text += strlen(where) + 2;
  nf_text_printf(&r->wrong, "%s%s", r->wrong.n ? "; " : "", text);
  nf_status_free(st);
  return nf_text_status(&r->wrong);
}

#define AT(member) offsetof(nf_generation_config, member)
static const struct number {
  const char *key;
  double lo, hi;
  size_t at;
  bool whole; // an int32_t of 0 when the key is absent, else a float
} numbers[] = {{"temperature", 0, 1e6, AT(temperature)},
               {"top_p", 0, 1, AT(top_p)},
               {"min_p", 0, 1, AT(min_p)},
               {"repetition_penalty", 1e-3, 1e3, AT(repetition_penalty)},
               {"presence_penalty", -1e3, 1e3, AT(presence_penalty)},
               {"frequency_penalty", -1e3, 1e3, AT(frequency_penalty)},
               {"top_k", -1, NF_CONFIG_MAX_VOCAB, AT(top_k), true},
               {"no_repeat_ngram_size", 0, MAX_COUNT, AT(no_repeat_ngram), true},
               {"min_new_tokens", 0, MAX_COUNT, AT(min_new_tokens), true}};

static nf_status read_number(reading *r, const struct number *n) {
  void *to = (char *)r->out + n->at;
  int64_t count;
  double value;
  const nf_status st = n->whole
                           ? nf_config_i64_or(&r->root, n->key, (int64_t)n->lo, (int64_t)n->hi, 0, &count)
                           : nf_config_f64_or(&r->root, n->key, n->lo, n->hi, (double)*(float *)to, &value);
  if (nf_is_ok(st) && n->whole) *(int32_t *)to = (int32_t)nf_max(0, count); // top_k -1 is off
  if (nf_is_ok(st) && !n->whole) *(float *)to = (float)value;
  return forgive(r, st);
}

// ---- lists ----

static nf_status no_memory(const nf_json_at *at) {
  return nf_error(NF_NO_MEMORY, "%s: no memory for its lists", at->doc->where);
}

static nf_status make(reading *r, const nf_json_at *list, size_t size, size_t *out_n, void *out) {
  NF_TRY(nf_json_array(list, out_n));
  void *at = nf_arena_alloc(&r->out->arena, *out_n, size);
  if (!at) return no_memory(list);
  memcpy(out, &at, sizeof at);
  return nf_ok();
}

static nf_status read_ids(reading *r, const nf_json_at *list, nf_id_list *out) {
  nf_id_list ids;
  NF_TRY(make(r, list, sizeof *ids.id, &ids.n, &ids.id));
  for (size_t i = 0; i < ids.n; i++) {
    const nf_json_at item = nf_json_item(list, i);
    int64_t id;
    NF_TRY(nf_json_i64(&item, 0, r->config->vocab - 1, &id));
    ids.id[i] = (int32_t)id;
  }
  return *out = ids, nf_ok();
}

static nf_status read_sequence(reading *r, const nf_json_at *list, nf_id_list *out) {
  NF_TRY(read_ids(r, list, out));
  return out->n ? nf_ok() : nf_json_error(list, "is empty, should have at least one id");
}

static nf_status read_suppress(reading *r, const nf_json_at *at) {
  return read_ids(r, at, &r->out->suppress);
}
static nf_status read_begin_suppress(reading *r, const nf_json_at *at) {
  return read_ids(r, at, &r->out->begin_suppress);
}

static bool is_stop_token(const nf_generation_config *g, const nf_id_list *ids) {
  for (int i = 0; i < g->n_eos; i++)
    if (ids->n == 1 && ids->id[0] == g->eos[i]) return true;
  return false;
}

static nf_status read_bad_words(reading *r, const nf_json_at *at) {
  nf_id_list *words = NULL;
  size_t n, kept = 0;
  NF_TRY(make(r, at, sizeof *words, &n, &words));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(at, i);
    NF_TRY(read_sequence(r, &item, &words[kept]));
    kept += !is_stop_token(r->out, &words[kept]);
  }
  r->out->bad_words = words;
  r->out->n_bad_words = kept;
  return nf_ok();
}

// [[[1, 2], -3.5], ...]
static nf_status read_bias(reading *r, const nf_json_at *at) {
  nf_id_bias *bias = NULL;
  size_t n, two;
  NF_TRY(make(r, at, sizeof *bias, &n, &bias));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at pair = nf_json_item(at, i), ids = nf_json_item(&pair, 0), value = nf_json_item(&pair, 1);
    double number;
    NF_TRY(nf_json_array(&pair, &two));
    NF_TRY(read_sequence(r, &ids, &bias[i].ids));
    NF_TRY(nf_json_f64(&value, -1e30, 1e30, &number));
    bias[i].bias = (float)number;
  }
  r->out->bias = bias;
  r->out->n_bias = n;
  return nf_ok();
}

static nf_status read_stop(reading *r, const nf_json_at *at, const char **out) {
  nf_view text;
  NF_TRY(nf_json_string(at, &text));
  if (text.n == 0) return nf_json_error(at, "is empty, should be a string that ends the text");
  *out = nf_arena_copy(&r->out->arena, text.at, text.n);
  return *out ? nf_ok() : no_memory(at);
}

static nf_status read_stops(reading *r, const nf_json_at *at) { // a string, or a list of them
  const bool one = json_is_string(at->value);
  const char **stop = NULL;
  size_t n = 1;
  if (!one) NF_TRY(make(r, at, sizeof *stop, &n, &stop));
  if (one && !(stop = nf_arena_alloc(&r->out->arena, 1, sizeof *stop))) return no_memory(at);
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = one ? *at : nf_json_item(at, i);
    NF_TRY(read_stop(r, &item, &stop[i]));
  }
  r->out->stop = stop;
  r->out->n_stop = n;
  return nf_ok();
}

static const struct list {
  const char *key;
  nf_status (*read)(reading *r, const nf_json_at *at);
} lists[] = {{"suppress_tokens", read_suppress},
             {"begin_suppress_tokens", read_begin_suppress},
             {"bad_words_ids", read_bad_words},
             {"sequence_bias", read_bias},
             {"stop_strings", read_stops}};

// ---- all ----

static void add_eos(nf_generation_config *g, int32_t id) {
  for (int i = 0; i < g->n_eos; i++)
    if (g->eos[i] == id) return;
  g->eos[g->n_eos++] = id;
}

static nf_generation_config greedy(const nf_config *c) {
  nf_generation_config g = {.top_p = 1, .repetition_penalty = 1};
  for (int i = 0; i < c->n_eos; i++) add_eos(&g, c->eos[i]);
  return g;
}

static nf_status read_eos(reading *r) {
  nf_config own = {.vocab = r->config->vocab};
  const nf_status st = nf_config_eos(&r->root, &own);
  for (int i = 0; i < own.n_eos && nf_is_ok(st); i++) add_eos(r->out, own.eos[i]);
  return forgive(r, st);
}

// Without do_sample the filters of sampling count for nothing, whatever they say; penalties do.
static nf_status read_sampling(reading *r) {
  nf_generation_config *g = r->out;
  bool sample = false;
  NF_TRY(forgive(r, nf_config_bool_or(&r->root, "do_sample", false, &sample)));
  g->temperature = 1;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) NF_TRY(read_number(r, &numbers[i]));
  if (g->top_p == 0) g->top_p = 1e-9f; // the best alone, as transformers takes it
  if (sample) return nf_ok();
  g->temperature = g->min_p = 0;
  g->top_k = 0;
  g->top_p = 1;
  return nf_ok();
}

static nf_status read_all(reading *r) {
  NF_TRY(read_eos(r));
  NF_TRY(read_sampling(r));
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    const nf_json_at at = nf_json_get(&r->root, lists[i].key);
    if (at.value) NF_TRY(forgive(r, lists[i].read(r, &at)));
  }
  return nf_ok();
}

static nf_status remark(const reading *r, const nf_text *undone) {
  nf_text *to = &r->out->remark;
  if (undone->n || r->wrong.n) nf_text_printf(to, "%s: ", r->root.doc->where);
  if (undone->n) nf_text_printf(to, "not supported and left out: %s", undone->at);
  if (r->wrong.n) nf_text_printf(to, "%snot understood and left out: %s", undone->n ? "; " : "", r->wrong.at);
  return nf_status_join(nf_text_status(to), nf_text_status(undone));
}

nf_status nf_generation_parse(const nf_json *doc, const nf_config *c, nf_generation_config *out) {
  *out = greedy(c);
  reading r = {.root = nf_json_root(doc), .config = c, .out = out};
  nf_text undone = {0};
  nf_status st = forgive(&r, nf_json_object(&r.root));
  if (nf_is_ok(st)) st = read_all(&r);
  nf_keys_list(&r.root, &known, &undone);
  if (nf_is_ok(st)) st = remark(&r, &undone);
  nf_text_deinit(&undone);
  nf_text_deinit(&r.wrong);
  if (!nf_is_ok(st)) nf_generation_config_deinit(out);
  return st;
}

// A file that can't be read leaves the defaults, and a remark.
static nf_status load(const char *path, const nf_config *c, const nf_log *log, nf_generation_config *out) {
  nf_json doc = {0};
  nf_status st = nf_json_load(path, MAX_FILE, &doc);
  doc.log = log;
  if (nf_is_ok(st))
    st = nf_generation_parse(&doc, c, out);
  else if (nf_status_code(st) != NF_NO_MEMORY) {
    nf_text_printf(&out->remark, "%s; it is left out", nf_status_message(st));
    nf_status_free(st);
    st = nf_text_status(&out->remark);
  }
  nf_json_deinit(&doc);
  return st;
}

nf_status nf_generation_load(const char *dir, const nf_config *c, const nf_log *log,
                             nf_generation_config *out) {
  char *path = NULL;
  *out = greedy(c);
  NF_TRY(nf_path_join(dir, "generation_config.json", &path));
  const nf_status st = nf_path_exists(path) ? load(path, c, log, out) : nf_ok();
  nf_free(path);
  return st;
}

void nf_generation_config_deinit(nf_generation_config *g) {
  nf_text_deinit(&g->remark);
  nf_arena_deinit(&g->arena);
  *g = (nf_generation_config){0};
}
