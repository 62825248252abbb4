// SPDX-License-Identifier: Apache-2.0
// infuse: an LLM inference engine. This header is the library: runtime -> models -> sessions -> infuse_step;
// it brings infuse/session.h and infuse/chat.h along.
//
// Objects: a runtime owns threads and devices; a model is loaded into a runtime; a session is one sequence of
// tokens in a model. Destroy in the reverse order. A runtime and what hangs on it belong to one thread at a
// time, but for infuse_step_cancel; different runtimes are independent. The library never prints, exits or
// installs signal handlers, and has no globals.
//
// Errors: a function that can fail returns NULL for success or an error that the caller frees. On an error
// nothing half-done is left behind and out parameters are untouched, unless a function says otherwise.
//
// Options: set `size` to sizeof the struct and leave what you do not care about zero; NULL means all
// defaults. A handle that is NULL is INFUSE_USAGE, or gives nothing where no error can be told.
//
// Structs grow at their end. What a program was compiled with goes on working: options have their size
// inside; results and messages are told it by functions called ..._sized, around which the plain names are
// inline. Elements of other lists keep their size, in part by room that is reserved.
#ifndef INFUSE_INFUSE_H
#define INFUSE_INFUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define INFUSE_API __attribute__((visibility("default")))
#define INFUSE_MUST_USE __attribute__((warn_unused_result))
#else
#define INFUSE_API
#define INFUSE_MUST_USE
#endif

// ---- errors ----

typedef enum infuse_code {
  INFUSE_OK = 0,
  INFUSE_CHECK_FAILED, // a check ran and its answer is no
  INFUSE_USAGE,        // the caller's arguments are wrong
  INFUSE_BAD_INPUT,    // a file, prompt or token is wrong, or of a kind that is not supported
  INFUSE_UNAVAILABLE,  // a device or other resource is missing, or too small
  INFUSE_NO_MEMORY,
  INFUSE_CANCELLED, // a callback, or infuse_step_cancel, asked to stop
  INFUSE_INTERNAL,  // a bug in infuse
} infuse_code;

typedef struct infuse_error infuse_error;
INFUSE_API infuse_code infuse_error_code(const infuse_error *e);    // NULL: INFUSE_OK
INFUSE_API const char *infuse_error_message(const infuse_error *e); // one line; lives as long as the error
INFUSE_API infuse_error *infuse_error_copy(const infuse_error *e);  // NULL: NULL
INFUSE_API void infuse_error_free(infuse_error *e);                 // NULL is fine

INFUSE_API const char *infuse_version(void); // "0.1.0"

// ---- runtime ----

typedef enum infuse_level { INFUSE_ERROR, INFUSE_WARNING, INFUSE_INFO, INFUSE_DEBUG } infuse_level;

typedef struct infuse_runtime infuse_runtime;
typedef struct infuse_runtime_options {
  size_t size;
  // "cpu" (default), "cuda", "hip": a GPU of NVIDIA's or AMD's, "ref": float32 references, "null": computes
  // nothing
  const char *device;
  int threads; // 0: one per usable core
  infuse_level log_level;
  void (*log)(void *user, infuse_level level, const char *line);
  // Progress of long work, `done` of `total`; returning false stops it (INFUSE_CANCELLED).
  bool (*progress)(void *user, const char *what, uint64_t done, uint64_t total);
  void *user;
  // A machine that is not here, to plan for: "gfx950", "sm_90", "zen4", …; NULL: the device's own. Models can
  // then be explained, or loaded on device "null", but not run (INFUSE_UNAVAILABLE). INFUSE_USAGE names the
  // nearest.
  const char *target;
  // A step that infuse_step_begin has begun is computed: infuse_step_wait has only to collect it. Called by a
  // thread of the model's, or within infuse_step_begin; must not call the library.
  void (*computed)(void *user);
  // Kernels use no more of the CPU than these features: "avx2", "avx512,avx512_vnni", "-amx_bf16", "none";
  // NULL: all it has. A name stands for all that it builds on; infuse_names lists them. INFUSE_USAGE.
  const char *cpu;
  // What the host's memory and units are taken to do where costs are compared: "measured", once for each
  // machine, in about 0.1 s of the first load, and kept in the user's cache folder (docs/performance.md),
  // "anew", measured now in place of what was kept, or "stated", the same on all machines that have the same
  // features and cores. NULL: measured.
  const char *figures;
  // Which kernels are chosen by what they were measured to take (docs/tuning.md). "cached": where that was
  // kept in the user's cache folder; "online": loading a model measures what is missing there, for
  // tune_seconds at most, before its first step; "off": by estimates alone. NULL: cached. Models of one rank
  // on device "cpu".
  const char *tune;
  double tune_seconds; // 0: 60
} infuse_runtime_options;
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_runtime_create(const infuse_runtime_options *o,
                                                               infuse_runtime **out);
INFUSE_API void infuse_runtime_destroy(infuse_runtime *rt); // NULL is fine
// Another .computed, with a user of its own, for who begins steps in a runtime that somebody else has made;
// NULL: that of the options again. INFUSE_USAGE while a step that was begun has not been waited for.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_runtime_on_computed(infuse_runtime *rt,
                                                                    void (*computed)(void *user), void *user);

// ---- models ----

typedef struct infuse_model infuse_model;
typedef struct infuse_session infuse_session; // infuse/session.h
typedef struct infuse_model_options {
  size_t size;
  int64_t context;          // tokens a session may hold, as far as rope reaches; 0: 4096 or the model's limit
  int64_t sessions;         // sessions at the same time; 0: 1
  int64_t batch;            // tokens a step computes at most; 0: 64
  int64_t rows;             // rows of logits a step computes at most; 0: `sessions`
  uint64_t memory;          // bytes the model may use in all; 0: what the machine has and cgroups allow
  int64_t layers;           // only the first so many; 0: all. For experiments.
  bool dummy;               // random weights of the config's shapes; no weight file is read
  bool keep_hidden;         // infuse_session_hidden works
  bool forced_experts;      // infuse_session_append_routed works, and every token must say its experts
  bool plain_activations;   // activations in front of FP8 weights are not quantised
  const char *const *force; // [n_force] "op=kernel"
  size_t n_force;
  const char *fuse; // "cost" (default; "off" on device ref), "ordered", "off"
  const char *const
      *fuse_order; // [n_fuse_order] of "ordered": rules or families, the first takes what it can
  size_t n_fuse_order;
  const char *rules; // "-a,+b": rules or families taken out and put back; NULL: all
  int64_t world;     // ranks that share the model, 1 to 64; 0: 1. The runtime's threads are dealt out to them
  int64_t
      cache_tokens;  // whose keys and values there is room for, of all sessions together, at least `context`;
                     // 0: sessions * context. With less, sessions may have to wait for each other
  int64_t snapshots; // ends of prompts to go on from: so many recurrent states and sliding windows are kept
                     // beside those of the sessions
  int64_t guesses; // that a session may make at a time (its own .guesses) where layers are recurrent, at most
                   // INFUSE_GUESSES: each takes room for a state, in every session. Others need none
} infuse_model_options;

// Loads a checkpoint folder in Hugging Face form. The memory plan is made, logged and checked before anything
// large is allocated.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_model_load(infuse_runtime *rt, const char *dir,
                                                           const infuse_model_options *o, infuse_model **out);
INFUSE_API void infuse_model_destroy(infuse_model *m); // NULL is fine

typedef struct infuse_model_info {
  size_t size;
  const char *family; // "gpt_oss"; lives as long as the model
  int64_t layers, hidden, vocab;
  int64_t experts, experts_per_token; // 0: dense
  int64_t context;                    // tokens a session may hold
  uint64_t weight_bytes, cache_bytes, activation_bytes;
  int64_t sessions, batch, rows; // of a step, at most: sessions, tokens, and rows of logits
} infuse_model_info;
INFUSE_API void infuse_model_describe(const infuse_model *m,
                                      infuse_model_info *out); // out->size set by the caller

// The slots of the model's caches: pages of keys and values, and recurrent states. One is in use while a
// session refers to it; what others hold can still be found by who has the same text. 0 of what the model has
// no layers for.
typedef struct infuse_caches {
  size_t size;
  int64_t page_tokens;                     // of a page
  int64_t pages, pages_in_use;             // of layers that see all of a text
  int64_t sliding_pages, sliding_in_use;   // of layers that see a window
  int64_t recurrent_states, states_in_use; // of layers that keep a state
} infuse_caches;
INFUSE_API void infuse_model_caches(const infuse_model *m, infuse_caches *out); // out->size as above

// A page of layers that see all of a text is full, and is found from here on by who has the same text; or it
// is found no more.
typedef struct infuse_page_event {
  uint64_t page, before; // names: its own, and that of the page in front of it, 0: there is none
  const int32_t *tokens; // [n] its own; NULL: it is found no more
  size_t n;
  const void *reserved[4];
} infuse_page_event;
// Told within calls that compute, or change sessions, by their thread; must not call the library. NULL:
// nobody is told any more.
INFUSE_API void infuse_model_on_pages(infuse_model *m, void (*told)(void *user, const infuse_page_event *e),
                                      void *user);

// ---- text ----

// tokenizer.json of a checkpoint. Immutable: any number of threads may use one at the same time.
typedef struct infuse_tokenizer infuse_tokenizer;
// `path` is a tokenizer.json or a folder that has one.
// What it does not obey is told to the log of `rt`; NULL: to nobody.
INFUSE_API INFUSE_MUST_USE infuse_error *
infuse_tokenizer_load_logged(const infuse_runtime *rt, const char *path, infuse_tokenizer **out);
static inline INFUSE_MUST_USE infuse_error *infuse_tokenizer_load(const char *path, infuse_tokenizer **out) {
  return infuse_tokenizer_load_logged(NULL, path, out);
}
INFUSE_API void infuse_tokenizer_destroy(infuse_tokenizer *t); // NULL is fine
// The model's own, or NULL when its folder has none that loads: encoding and decoding then say so
// (INFUSE_BAD_INPUT). Lives as long as the model.
INFUSE_API const infuse_tokenizer *infuse_model_tokenizer(const infuse_model *m);
// Why that is NULL (INFUSE_BAD_INPUT with the file and what is wrong in it, which loading told as a warning);
// no error when there is one.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_model_check_text(const infuse_model *m);

// How infuse_encode reads a text; flags are added up, 0 is what Hugging Face's tokenizers do.
enum {
  INFUSE_ENCODE_PLAIN = 1, // spellings of special tokens are ordinary text; for everything that a user wrote
  INFUSE_ENCODE_BARE = 2,  // without the tokens that the tokenizer itself puts around a text, often a BOS
};
// Ids of n bytes of UTF-8 (else INFUSE_BAD_INPUT with the byte). The text is never cut nor padded, whatever
// tokenizer.json says. *ids is freed by infuse_free.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_encode(const infuse_tokenizer *t, const char *text, size_t n,
                                                       unsigned flags, int32_t **ids, size_t *n_ids);
// Text of ids, NUL-terminated; bytes that are no UTF-8 become U+FFFD. An id that stands for no token is
// INFUSE_BAD_INPUT with its index. Freed by infuse_free.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_decode(const infuse_tokenizer *t, const int32_t *ids,
                                                       size_t n_ids, char **text, size_t *n);
// The n bytes that an id stands for: part of a text, not always whole characters; of a mark its name. NULL
// and n 0: it stands for no token. They live as long as the tokenizer.
INFUSE_API const char *infuse_token_bytes(const infuse_tokenizer *t, int32_t id, size_t *n);
INFUSE_API void infuse_free(void *p); // NULL is fine

#ifdef __cplusplus
}
#endif

#include <infuse/session.h>

#include <infuse/chat.h>
#endif
