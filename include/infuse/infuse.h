// SPDX-License-Identifier: Apache-2.0
// infuse: an LLM inference engine. This header is the library: runtime -> models -> sessions -> infuse_step.
//
// Objects: a runtime owns threads and devices; a model is loaded into a runtime; a session is one sequence of
// tokens in a model. Destroy in the reverse order. A runtime and what hangs on it belong to one thread at a
// time; different runtimes are independent. The library never prints, exits or installs signal handlers, and
// has no globals.
//
// Errors: a function that can fail returns NULL for success or an error that the caller frees. On an error
// nothing half-done is left behind and out parameters are untouched, unless a function says otherwise.
//
// Options: set `size` to sizeof the struct and leave what you do not care about zero; NULL means all
// defaults. A handle that is NULL is INFUSE_USAGE, or gives nothing where no error can be told.
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
  INFUSE_CANCELLED, // a callback asked to stop
  INFUSE_INTERNAL,  // a bug in infuse
} infuse_code;

typedef struct infuse_error infuse_error;
INFUSE_API infuse_code infuse_error_code(const infuse_error *e);    // NULL: INFUSE_OK
INFUSE_API const char *infuse_error_message(const infuse_error *e); // one line; lives as long as the error
INFUSE_API void infuse_error_free(infuse_error *e);                 // NULL is fine

INFUSE_API const char *infuse_version(void); // "0.1.0"

// ---- runtime ----

typedef enum infuse_level { INFUSE_ERROR, INFUSE_WARNING, INFUSE_INFO, INFUSE_DEBUG } infuse_level;

typedef struct infuse_runtime infuse_runtime;
typedef struct infuse_runtime_options {
  size_t size;
  const char *device; // "cpu" (default), "ref": float32 references, "null": computes nothing
  int threads;        // 0: one per usable core
  infuse_level log_level;
  void (*log)(void *user, infuse_level level, const char *line);
  // Progress of long work, `done` of `total`; returning false stops it (INFUSE_CANCELLED).
  bool (*progress)(void *user, const char *what, uint64_t done, uint64_t total);
  void *user;
  // A machine that is not here, to plan for: "gfx950", "sm_90", "zen4", …; NULL: the device's own. Models can
  // then be explained, or loaded on device "null", but not run (INFUSE_UNAVAILABLE). INFUSE_USAGE names the
  // nearest.
  const char *target;
} infuse_runtime_options;
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_runtime_create(const infuse_runtime_options *o,
                                                               infuse_runtime **out);
INFUSE_API void infuse_runtime_destroy(infuse_runtime *rt); // NULL is fine

// ---- models ----

typedef struct infuse_model infuse_model;
typedef struct infuse_model_options {
  size_t size;
  int64_t context;          // tokens a session may hold, as far as rope reaches; 0: 4096 or the model's limit
  int64_t sessions;         // sessions at the same time; 0: 1
  int64_t batch;            // tokens a step computes at most; 0: 64
  int64_t rows;             // rows of logits a step computes at most; 0: `sessions`
  uint64_t memory;          // bytes the model may use in all; 0: what the machine has
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
  int64_t snapshots; // recurrent states that are kept beside those of the sessions
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
} infuse_model_info;
INFUSE_API void infuse_model_describe(const infuse_model *m,
                                      infuse_model_info *out); // out->size set by the caller

// ---- text ----

// tokenizer.json of a checkpoint. Immutable: any number of threads may use one at the same time.
typedef struct infuse_tokenizer infuse_tokenizer;
// `path` is a tokenizer.json or a folder that has one.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_tokenizer_load(const char *path, infuse_tokenizer **out);
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
INFUSE_API void infuse_free(void *p); // NULL is fine

// ---- sessions ----

typedef struct infuse_session infuse_session;
enum { INFUSE_ALL_ROWS = -1 };

// Added to the logit of the last token of a sequence wherever the others stand before it. -INFINITY: the
// sequence never becomes whole (bad words; of one token: it never comes).
typedef struct infuse_logit_bias {
  const int32_t *token; // [n], n >= 1
  size_t n;
  float bias; // a finite number, or -INFINITY
} infuse_logit_bias;

// How the next token is drawn. All zeros is greedy. First the logits are changed, in this order: bias,
// repetition, frequency and presence penalty, and bans (no_repeat_ngram_size, min_tokens,
// begin_suppress_tokens); then one is drawn, filters applying in the order top_k, top_p, min_p on the
// distribution at `temperature`. Ties go to the lower id. Where nothing is left to draw the session fails.
// The text is all tokens that the session holds, the answer the last infuse_output.tokens of them.
typedef struct infuse_sampling {
  size_t size;       // 0: that of this struct as it is declared here
  float temperature; // 0: greedy, which obeys penalties, bias and bans too
  int32_t top_k;     // 0: off
  float top_p;       // 0 or 1: off
  float min_p;       // 0: off
  uint64_t seed;     // the same seed gives the same text, whatever else runs
  // The logit of each token of the text is divided by it if positive, else multiplied. 0 or 1: off.
  float repetition_penalty;
  float frequency_penalty;      // subtracted for each time that a token stands in the answer
  float presence_penalty;       // subtracted once from each token of the answer
  int32_t no_repeat_ngram_size; // no so many tokens stand twice in the text; 0: off
  int64_t min_tokens;           // no token that ends the answer comes before so many others
  const infuse_logit_bias *logit_bias;
  size_t n_logit_bias;
  const int32_t *begin_suppress_tokens; // never the first of the answer
  size_t n_begin_suppress_tokens;
} infuse_sampling;
// What generation_config.json asks for; greedy when it says nothing. Its lists live as long as the model.
INFUSE_API infuse_sampling infuse_model_sampling(const infuse_model *m);

// Whether the answers of a chat begin with thoughts (channel "analysis"). The default is to think if the
// model can. A model that always thinks refuses OFF, one that never does refuses ON: infuse_session_chat
// fails with INFUSE_USAGE.
typedef enum infuse_thinking {
  INFUSE_THINKING_DEFAULT,
  INFUSE_THINKING_ON,
  INFUSE_THINKING_OFF
} infuse_thinking;

typedef struct infuse_session_options {
  size_t size;
  int64_t rows; // logits are wanted of the last so many tokens of the queue; 0: 1; INFUSE_ALL_ROWS

  // A generating session draws a token whenever a step has emptied its queue, and puts it into the queue.
  bool generate;
  const infuse_sampling *sampling; // copied, lists too; NULL: infuse_model_sampling
  int64_t max_tokens;              // of an answer; 0: until the context is full
  bool ignore_eos;                 // the model's own stop tokens and strings are ordinary ones
  const int32_t *stop_tokens;      // [n_stop_tokens] more of them
  size_t n_stop_tokens;
  // Strings that end the answer and are not part of it; none: the model's own, unless ignore_eos. One lies in
  // one message, and never in thoughts unless stop_in_thoughts.
  const char *const *stop; // [n_stop]
  size_t n_stop;
  bool stop_in_thoughts;

  // Of chats (infuse/chat.h).
  infuse_thinking thinking;
  const char *effort; // of reasoning: "low", "medium", "high"; NULL: the format's default
  const char *date;   // today, "2025-06-28"; "": the prompt names none; NULL: the day of its creation (UTC)
  const char *tools;  // that the model may call: a JSON array in OpenAI's form; NULL: none

  bool unshared; // computes all its tokens itself; else it begins behind what some session of the model has
                 // computed of the same text, with the same results
} infuse_session_options;
INFUSE_API INFUSE_MUST_USE infuse_error *
infuse_session_create(infuse_model *m, const infuse_session_options *o, infuse_session **out);
INFUSE_API void infuse_session_destroy(infuse_session *s); // NULL is fine
// Another session that holds the same and goes on alike. It counts among the model's sessions and has had no
// step: no rows and no output yet. INFUSE_UNAVAILABLE: all sessions are in use.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_session_clone(const infuse_session *s, infuse_session **out);

// Puts tokens into the session's queue; infuse_step computes them. A session that had finished goes on: the
// token drawn last, which no step has computed, comes first; n may be 0 then. INFUSE_BAD_INPUT: an id outside
// the vocabulary. INFUSE_UNAVAILABLE: the context is full. Either way nothing was added and the session stays
// usable.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_session_append(infuse_session *s, const int32_t *tokens,
                                                               size_t n);
// The same with the experts each token takes: routes [layers][n][experts_per_token], best first.
INFUSE_API INFUSE_MUST_USE infuse_error *
infuse_session_append_routed(infuse_session *s, const int32_t *tokens, size_t n, const int32_t *routes);
INFUSE_API size_t infuse_session_pending(const infuse_session *s);  // tokens in the queue
INFUSE_API size_t infuse_session_position(const infuse_session *s); // tokens computed
// All *n tokens that the session holds: computed, queued, and the one drawn last. Valid until the next call
// that changes the session.
INFUSE_API const int32_t *infuse_session_tokens(const infuse_session *s, size_t *n);
// Cuts the session back to its first n tokens. What the caches can't go back to (a recurrent state, a window
// that has moved on) is computed again with the next append: the position is then 0, and results are those of
// a new session in any case. A session that was drawing has finished (INFUSE_STOP) until something is
// appended. INFUSE_USAGE: it holds fewer.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_session_truncate(infuse_session *s, size_t n);

// Gives the session's share of the caches to others. It keeps its tokens, and the next step that is given it
// computes again what has gone; the position is 0 until then.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_session_suspend(infuse_session *s);

// Computes up to `batch` queued tokens of these sessions, all of one model, together. The only place that
// computes. Sessions keep what did not fit in their queue: call until nothing is pending. n may be 0.
// INFUSE_USAGE: a session that generates has nothing to go on from.
//
// A session may fail by itself: logits that were asked for, or are to be drawn from, are not finite
// (INFUSE_BAD_INPUT, naming the first layer where it began; finding that computes the session's tokens again
// and takes as much memory as the activations), or its sampling leaves no token to draw. It has then ended:
// nothing is pending, it has no rows, and only infuse_session_destroy takes it. The step is whole for all
// others and gives the first such error; later steps go on without it.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_step(infuse_model *m, infuse_session *const *sessions,
                                                     size_t n);
// What ended the session; NULL: nothing did. The session's own, and lives as long.
INFUSE_API const infuse_error *infuse_session_error(const infuse_session *s);

typedef enum infuse_finish {
  INFUSE_RUNNING,
  INFUSE_STOP,         // the model ended its text, or a stop token or string came
  INFUSE_LENGTH,       // max_tokens
  INFUSE_CONTEXT_FULL, // no room for another token
  INFUSE_FAILED        // by infuse_session_error
} infuse_finish;

// What the last step added to the text of a generating session: whole characters only (bytes that may become
// one, or the beginning of a stop string, are held back). Valid until the session's next step.
typedef struct infuse_output {
  const char *text; // of all pieces; NUL-terminated, n bytes
  size_t n;
  const char *channel; // of a chat's last message: "analysis", "commentary", "final"; "" before the first;
                       // NULL: no chat
  int32_t token;       // that was drawn, -1: none in this step
  size_t tokens;       // drawn so far
  infuse_finish finish;
  const struct infuse_piece *pieces; // [n_pieces] the same by messages (infuse/chat.h)
  size_t n_pieces;
} infuse_output;
INFUSE_API infuse_output infuse_session_output(const infuse_session *s);

// What the last step computed for this session: `rows` rows of `vocab` (logits) or `hidden` floats, the first
// of them of token `first`. Valid until the model's next step. rows 0 and data NULL when the step had none.
typedef struct infuse_rows {
  const float *data;
  size_t rows, width;
  size_t first;
} infuse_rows;
INFUSE_API infuse_rows infuse_session_logits(const infuse_session *s);
// The residual stream entering layer `layer` (all tokens of the step), or for `layer` = layers after the
// final norm (the rows that have logits). Needs keep_hidden. Valid until the next call for this model.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_session_hidden(const infuse_session *s, int64_t layer,
                                                               infuse_rows *out);

#ifdef __cplusplus
}
#endif

#include <infuse/chat.h>
#endif
