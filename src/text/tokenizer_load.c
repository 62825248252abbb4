// SPDX-License-Identifier: Apache-2.0
// The small part of a tokenizer.json: added tokens, normaliser, pre-tokeniser, post-processor, decoder, and
// the options of the model. Each kind that is known is a row; every other is refused by name.
#include "base/keys.h"
#include "text/tokenizer_internal.h"
#include <string.h>

static const char gpt2_pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

// A component of the pipeline: an object with a "type", or a Sequence of them under `list`.
typedef struct kind {
  const char *type;
  nf_status (*read)(nf_tokenizer *t, const nf_json_at *at);
} kind;
typedef struct part {
  const char *key, *list;
  const char *supported;
  bool needed;
  kind kinds[3];
} part;

// What every component may say; those that need another value of one of these say so themselves.
static const nf_key part_key[] = {
    {"type normalizers pretokenizers processors decoders pattern behavior invert add_prefix_space use_regex "
     "single special_tokens",
     NF_KEY_USED},
    {"pair trim_offsets", NF_KEY_HARMLESS},
};
static const nf_keys part_keys = NF_KEYS(part_key, NULL);

static nf_status read_part(nf_tokenizer *t, const nf_json_at *at, const part *p) {
  nf_view type;
  NF_TRY(nf_json_object(at));
  NF_TRY(nf_keys_refuse(at, &part_keys));
  nf_json_at type_at = nf_json_get(at, "type");
  NF_TRY(nf_json_string(&type_at, &type));
  for (size_t i = 0; i < 3 && p->kinds[i].type; i++)
    if (nf_view_equal(type, nf_view_of(p->kinds[i].type))) return p->kinds[i].read(t, at);
  if (!nf_view_equal(type, NF_VIEW("Sequence")))
    return nf_json_error(&type_at, "\"%.*s\" is not supported; %s is", (int)type.n, type.at, p->supported);
  nf_json_at list = nf_json_get(at, p->list);
  size_t n;
  NF_TRY(nf_json_array(&list, &n));
  for (size_t i = 0; i < n; i++) {
    nf_json_at item = nf_json_item(&list, i);
    NF_TRY(read_part(t, &item, p));
  }
  return nf_ok();
}

nf_status nf_tokenizer_read_flag(const nf_json_at *object, const char *key, bool standard, bool *out) {
  nf_json_at at = nf_json_get(object, key);
  *out = standard;
  return at.value ? nf_json_bool(&at, out) : nf_ok();
}

static nf_status require_false(const nf_json_at *object, const char *key) {
  bool value;
  NF_TRY(nf_tokenizer_read_flag(object, key, false, &value));
  nf_json_at at = nf_json_get(object, key);
  return value ? nf_json_error(&at, "true is not supported; false is") : nf_ok();
}

static nf_status require_string(const nf_json_at *object, const char *key, const char *want) {
  nf_json_at at = nf_json_get(object, key);
  nf_view text;
  NF_TRY(nf_json_string(&at, &text));
  if (nf_view_equal(text, nf_view_of(want))) return nf_ok();
  return nf_json_error(&at, "\"%.*s\" is not supported; %s is", (int)text.n, text.at, *want ? want : "none");
}

static nf_status accept(nf_tokenizer *, const nf_json_at *) { return nf_ok(); }

static nf_status read_nfc(nf_tokenizer *t, const nf_json_at *) { return t->nfc = true, nf_ok(); }

static nf_status add_split(nf_tokenizer *t, const nf_json_at *at, nf_view pattern, bool literal) {
  if (t->splits == NF_SPLITS_MAX) return nf_json_error(at, "more than %d stages", NF_SPLITS_MAX);
  nf_status st = nf_split_init(&t->split[t->splits], pattern, literal);
  if (nf_status_code(st) == NF_NO_MEMORY) return st;
  if (!nf_is_ok(st)) {
    nf_status named = nf_json_error(at, "%s", nf_status_message(st));
    nf_status_free(st);
    return named;
  }
  t->splits++;
  return nf_ok();
}

// The pieces must become bytes, once, at the end: what a Split would match behind that are other characters.
static nf_status check_stage(const nf_tokenizer *t, const nf_json_at *at) {
  return t->byte_level ? nf_json_error(at, "nothing may follow ByteLevel") : nf_ok();
}

static nf_status read_split(nf_tokenizer *t, const nf_json_at *at) {
  nf_view pattern;
  nf_json_at pattern_at = nf_json_get(at, "pattern");
  NF_TRY(check_stage(t, at));
  NF_TRY(require_string(at, "behavior", "Isolated"));
  NF_TRY(require_false(at, "invert"));
  NF_TRY(nf_json_object(&pattern_at));
  nf_json_at regex = nf_json_get(&pattern_at, "Regex"), string = nf_json_get(&pattern_at, "String");
  if (!regex.value == !string.value) return nf_json_error(&pattern_at, "expected either Regex or String");
  const nf_json_at *which = regex.value ? &regex : &string;
  NF_TRY(nf_json_string(which, &pattern));
  return add_split(t, which, pattern, which == &string);
}

static nf_status read_byte_level(nf_tokenizer *t, const nf_json_at *at) {
  bool use_regex;
  NF_TRY(check_stage(t, at));
  t->byte_level = true;
  NF_TRY(require_false(at, "add_prefix_space"));
  NF_TRY(nf_tokenizer_read_flag(at, "use_regex", true, &use_regex));
  return use_regex ? add_split(t, at, NF_VIEW(gpt2_pattern), false) : nf_ok();
}

static nf_status read_special(nf_tokenizer *t, const nf_json_at *at, const nf_json_at *piece, nf_ids *out) {
  nf_json_at specials = nf_json_get(at, "special_tokens"), name_at = nf_json_get(piece, "id");
  nf_view name;
  size_t n;
  NF_TRY(nf_json_string(&name_at, &name));
  nf_json_at special = nf_json_get(&specials, name.at);
  if (!special.value) return nf_json_error(&specials, "\"%.*s\" is missing", (int)name.n, name.at);
  nf_json_at ids = nf_json_get(&special, "ids");
  NF_TRY(nf_json_array(&ids, &n));
  for (size_t i = 0; i < n; i++) {
    nf_json_at item = nf_json_item(&ids, i);
    int64_t id;
    NF_TRY(nf_json_i64(&item, 0, (int64_t)t->vocab.n - 1, &id));
    NF_TRY(nf_ids_push(out, (int32_t)id));
  }
  return nf_ok();
}

static nf_status read_template(nf_tokenizer *t, const nf_json_at *at) {
  nf_json_at single = nf_json_get(at, "single"), specials = nf_json_get(at, "special_tokens");
  size_t n;
  bool behind = false;
  NF_TRY(nf_json_array(&single, &n));
  NF_TRY(nf_json_object(&specials));
  for (size_t i = 0; i < n; i++) {
    nf_json_at item = nf_json_item(&single, i);
    NF_TRY(nf_json_object(&item));
    nf_json_at special = nf_json_get(&item, "SpecialToken"), sequence = nf_json_get(&item, "Sequence");
    if (special.value) {
      NF_TRY(read_special(t, at, &special, behind ? &t->behind : &t->before));
    } else if (sequence.value && !behind) {
      behind = true;
    } else {
      return nf_json_error(&item, "expected SpecialToken, or Sequence once");
    }
  }
  return behind ? nf_ok() : nf_json_error(&single, "it has no Sequence");
}

static const part parts[] = {
    {"normalizer", "normalizers", "NFC, or none,", false, {{"NFC", read_nfc}}},
    {"pre_tokenizer",
     "pretokenizers",
     "Split and ByteLevel",
     true,
     {{"Split", read_split}, {"ByteLevel", read_byte_level}}},
    {"post_processor",
     "processors",
     "ByteLevel and TemplateProcessing",
     false,
     {{"ByteLevel", accept}, {"TemplateProcessing", read_template}}},
    {"decoder", "decoders", "ByteLevel", true, {{"ByteLevel", accept}}},
};

static nf_status read_pipeline(nf_tokenizer *t, const nf_json_at *root) {
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    nf_json_at at = nf_json_get(root, parts[i].key);
    if (at.value || parts[i].needed) NF_TRY(read_part(t, &at, &parts[i]));
  }
  nf_json_at pre = nf_json_get(root, "pre_tokenizer");
  return t->byte_level ? nf_ok()
                       : nf_json_error(&pre, "it has no ByteLevel; only byte-level BPE is supported");
}

// Every byte has a token, so nothing is ever unknown or falls back to bytes.
static const nf_key model_key[] = {
    {"type vocab merges ignore_merges dropout continuing_subword_prefix end_of_word_suffix", NF_KEY_USED},
    {"unk_token fuse_unk byte_fallback", NF_KEY_HARMLESS},
};
static const nf_keys model_keys = NF_KEYS(model_key, NULL);

nf_status nf_tokenizer_check_type(const nf_json *doc) {
  nf_json_at root = nf_json_root(doc), model = nf_json_get(&root, "model");
  NF_TRY(nf_json_object(&root));
  return require_string(&model, "type", "BPE");
}

// Options of the model that must have their usual value.
static nf_status read_model(nf_tokenizer *t, const nf_json_at *root) {
  static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
  nf_json_at model = nf_json_get(root, "model"), dropout = nf_json_get(&model, "dropout");
  double rate = 0;
  NF_TRY(nf_keys_refuse(&model, &model_keys));
  for (int i = 0; i < 2; i++)
    if (nf_json_get(&model, affixes[i]).value) NF_TRY(require_string(&model, affixes[i], ""));
  if (dropout.value) NF_TRY(nf_json_f64(&dropout, 0, 1, &rate));
  if (rate > 0) return nf_json_error(&dropout, "%g is not supported; none is", rate);
  return nf_tokenizer_read_flag(&model, "ignore_merges", false, &t->ignore_merges);
}

static const nf_key root_key[] = {
    {"model added_tokens normalizer pre_tokenizer post_processor decoder truncation padding", NF_KEY_USED},
    {"version", NF_KEY_HARMLESS},
};
static const nf_keys root_keys = NF_KEYS(root_key, NULL);

// They make batches of training data even; here they would cut or lengthen what somebody wrote.
static void tell_batching(const nf_json_at *root) {
  static const char *const key[] = {"truncation", "padding"};
  for (int i = 0; i < 2; i++) {
    nf_json_at at = nf_json_get(root, key[i]);
    if (at.value) nf_json_log(&at, NF_LOG_INFO, "not obeyed: texts are neither cut nor filled up");
  }
}

nf_status nf_tokenizer_read_rest(nf_tokenizer *t, const nf_json *doc) {
  nf_json_at root = nf_json_root(doc);
  NF_TRY(nf_keys_refuse(&root, &root_keys));
  tell_batching(&root);
  NF_TRY(read_model(t, &root));
  NF_TRY(nf_tokenizer_read_added(t, &root));
  NF_TRY(read_pipeline(t, &root));
  return nf_tokenizer_finish_added(t);
}
