// SPDX-License-Identifier: Apache-2.0
// infuse: sessions. A session is one sequence of tokens in a model; infuse_step computes those of many.
#ifndef INFUSE_SESSION_H
#define INFUSE_SESSION_H

#include <infuse/infuse.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { INFUSE_ALL_ROWS = -1, INFUSE_TOP_LOGPROBS = 20, INFUSE_GUESSES = 16 };

// Added to the logit of the last token of a sequence wherever the others stand before it. -INFINITY: the
// sequence never becomes whole (bad words; of one token: it never comes). This struct does not grow.
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
  size_t size;       // 0: as far as n_begin_suppress_tokens
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
// The numbers above that have bounds: floats outside of them are INFUSE_USAGE. [*n], the same for all models.
// This struct does not grow.
typedef struct infuse_sampling_bound {
  const char *name; // of the field
  size_t at;        // its offset
  float least, most;
} infuse_sampling_bound;
INFUSE_API const infuse_sampling_bound *infuse_sampling_bounds(size_t *n);
// What generation_config.json asks for; greedy when it says nothing. Its lists live as long as the model.
INFUSE_API void infuse_model_sampling_sized(const infuse_model *m, infuse_sampling *out, size_t size);
static inline infuse_sampling infuse_model_sampling(const infuse_model *m) {
  infuse_sampling out;
  infuse_model_sampling_sized(m, &out, sizeof out);
  return out;
}

// Whether the answers of a chat begin with thoughts (channel "analysis"). The default is to think if the
// model can, but where its chat template does so only when told to. A model that always thinks refuses OFF,
// one that never does refuses ON: infuse_session_chat fails with INFUSE_USAGE.
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
  // Strings that end the answer, the one that is whole first, and are not part of it; none: the model's own,
  // unless ignore_eos. One lies in one message, and never in thoughts unless stop_in_thoughts.
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

  // What a generated text must be, of a chat its messages of channel "final": thoughts and calls are free.
  // At most one of these, and none: anything (docs/constrained-output.md). INFUSE_BAD_INPUT: it does not
  // compile, or no text could be so. Where nothing but the end may follow the answer has ended (INFUSE_STOP).
  const char *json_schema;    // JSON that a JSON Schema allows
  const char *regex;          // what a regular expression matches, from the first character to the last
  const char *const *choices; // [n_choices] one of these
  size_t n_choices;
  bool json_object; // any JSON object

  // Of chats with tools: what must be called. The answer is then thoughts and calls, whose arguments are JSON
  // that the tool's "parameters" allow; json_schema and its like do not apply. Where neither is told, this is
  // so of calls of tools that are "strict". INFUSE_USAGE: there is no such tool.
  bool must_call;   // one of them, or several
  const char *call; // the one of this name, once; NULL: not told
  bool one_call;    // the answer ends with its first call

  // How many tokens are guessed at a time, at most INFUSE_GUESSES, by what stood behind the last ones before;
  // 0: none. Those that are drawn come in one step, and the text is the same: for texts that repeat what they
  // hold already. It guesses where the step has no prompt to compute, and room for as many tokens and rows,
  // and rests where guesses are mostly wrong; never with hidden states or told experts. INFUSE_USAGE: the
  // model has recurrent layers, and was loaded with room for fewer.
  int32_t guesses;

  // infuse_session_logprobs tells what each row says of the token behind it, and beside it the likeliest
  // top_logprobs tokens, at most INFUSE_TOP_LOGPROBS. Takes time; the text stays the same.
  bool logprobs;
  int32_t top_logprobs;
} infuse_session_options;
INFUSE_API INFUSE_MUST_USE infuse_error *
infuse_session_create(infuse_model *m, const infuse_session_options *o, infuse_session **out);
INFUSE_API void infuse_session_destroy(infuse_session *s); // NULL is fine
// Another session that holds the same and goes on alike; what was computed is shared, not copied. It counts
// among the model's sessions and has had no step: no rows and no output yet. INFUSE_UNAVAILABLE: all sessions
// are in use.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_session_clone(const infuse_session *s, infuse_session **out);

// Puts tokens into the session's queue; infuse_step computes them. A session that had finished goes on: the
// token drawn last, which no step has computed, comes first; n may be 0 then. INFUSE_BAD_INPUT: an id outside
// the vocabulary. INFUSE_UNAVAILABLE: the context is full. Either way nothing was added and the session stays
// usable. What the model has left in its caches of a text that begins alike, of this session or another, is
// not computed again, but for the rows that are wanted: the position is then behind it.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_session_append(infuse_session *s, const int32_t *tokens,
                                                               size_t n);
// The same with the experts each token takes: routes [layers][n][experts_per_token], best first.
INFUSE_API INFUSE_MUST_USE infuse_error *
infuse_session_append_routed(infuse_session *s, const int32_t *tokens, size_t n, const int32_t *routes);
INFUSE_API size_t infuse_session_pending(const infuse_session *s);  // tokens in the queue
INFUSE_API size_t infuse_session_position(const infuse_session *s); // tokens computed
// How many tokens it has found in the caches instead of computing them, in its whole life: what was given
// back and found again counts again.
INFUSE_API size_t infuse_session_cached(const infuse_session *s);
// All *n tokens that the session holds: computed, queued, and the one drawn last. Valid until the next call
// that changes the session.
INFUSE_API const int32_t *infuse_session_tokens(const infuse_session *s, size_t *n);
// Cuts the session back to its first n tokens. What the caches can't go back to (a recurrent state, a window
// that has moved on) is computed again with the next append, from the end of the last page of 64 tokens at
// which they still are: the position is then there. Results are those of a new session in any case. A session
// that was drawing has finished (INFUSE_STOP) until something is appended. INFUSE_USAGE: it holds fewer.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_session_truncate(infuse_session *s, size_t n);

// Gives the session's share of the caches to others. It keeps its tokens, and the next step that is given it
// computes again what has gone; the position is 0 until then.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_session_suspend(infuse_session *s);

// ---- steps ----

// Computes up to `batch` queued tokens of these sessions, all of one model, together. The only place that
// computes. Sessions keep what did not fit in their queue: call until nothing is pending. n may be 0.
//
// An error is that of the whole step: wrong use (INFUSE_USAGE; also where a session that generates has
// nothing to go on from), INFUSE_CANCELLED, no session can go on for want of cache pages
// (INFUSE_UNAVAILABLE), a device that fails. Tokens, queues and outputs are then as before and the step can
// be done again; only rows are gone, and a recurrent state that the step may have changed: that session's
// position is 0, and its tokens are computed again with the next step.
//
// What concerns one session alone is told by infuse_session_status and is no error of the step: it is whole
// for all others. A session may fail by itself: logits that were asked for, or are to be drawn from, are not
// finite (INFUSE_BAD_INPUT, naming the first layer where it began; finding that computes the session's tokens
// again and takes as much memory as the activations), or its sampling leaves no token to draw (INFUSE_USAGE).
// It has then ended: nothing is pending, it has no rows, and only infuse_session_destroy takes it.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_step(infuse_model *m, infuse_session *const *sessions,
                                                     size_t n);
// The same without waiting: the step computes on threads of the model's own while the caller does other
// things. Until infuse_step_wait has been called
//  - no other step is begun, and no model loaded or checked, in this runtime (INFUSE_USAGE);
//  - its sessions can be looked at, and are as they were, with the text of the step before; calls that would
//    change them are INFUSE_USAGE, infuse_session_destroy waits for the step. Rows are gone;
//  - other sessions can be changed in any way.
// An error is one of those above that is known already; nothing has then begun.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_step_begin(infuse_model *m, infuse_session *const *sessions,
                                                           size_t n);
// Whether infuse_step_wait would return at once, but for what it does with the tokens. The runtime's option
// .computed tells when.
INFUSE_API bool infuse_step_poll(infuse_model *m);
// Waits for the step that was begun, if there is one: its tokens become text, and its error is returned.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_step_wait(infuse_model *m);
// Ends the step that computes now, if there is one and it is not computed already, with INFUSE_CANCELLED. May
// be called by any thread, and by a signal's handler, as long as the model is there.
INFUSE_API void infuse_step_cancel(infuse_model *m);

// What came of a session in the last step that named it.
typedef enum infuse_status {
  INFUSE_STATUS_IDLE,      // nothing: nothing was pending, the step ended with an error, or there was none
                           // (but for NO_PAGES and FAILED, which are told of a step with an error too)
  INFUSE_STATUS_COMPUTING, // the step is still going on
  INFUSE_STATUS_COMPUTED,  // tokens of it were computed, or the first of them
  INFUSE_STATUS_NO_ROOM,   // its tokens wait: the step was full
  INFUSE_STATUS_NO_PAGES,  // its tokens wait for cache pages that other sessions hold
  INFUSE_STATUS_FAILED,    // it has ended, in this step or an earlier one, by infuse_session_error
} infuse_status;
INFUSE_API infuse_status infuse_session_status(const infuse_session *s);
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
  int32_t token;       // that was drawn, -1: none in this step. Of several the last
  size_t tokens;       // drawn so far
  infuse_finish finish;
  const struct infuse_piece *pieces; // [n_pieces] the same by messages (infuse/chat.h)
  size_t n_pieces;
  const int32_t *drawn;    // [n_drawn] all tokens of this step: several where guesses were right
  size_t n_drawn, guessed; // guessed: tokens that were computed in the hope that they are drawn
  bool in_answer; // the token is text of the answer itself: of a chat, of its message "final", and no mark
  uint32_t drawn_in_answer; // bit i: the same of drawn[i]
} infuse_output;
INFUSE_API void infuse_session_output_sized(const infuse_session *s, infuse_output *out, size_t size);
static inline infuse_output infuse_session_output(const infuse_session *s) {
  infuse_output out;
  infuse_session_output_sized(s, &out, sizeof out);
  return out;
}

// What the last step computed for this session: `rows` rows of `vocab` (logits) or `hidden` floats, the first
// of them of token `first`. Valid until the model's next step. rows 0 and data NULL when the step had none.
typedef struct infuse_rows {
  const float *data;
  size_t rows, width;
  size_t first;
} infuse_rows;
INFUSE_API void infuse_session_logits_sized(const infuse_session *s, infuse_rows *out, size_t size);
static inline infuse_rows infuse_session_logits(const infuse_session *s) {
  infuse_rows out;
  infuse_session_logits_sized(s, &out, sizeof out);
  return out;
}

// A token and the row of logits before it, as the model gives them: without bias, penalties, bans,
// temperature, or what a constraint forbids. This struct does not grow.
typedef struct infuse_logprob {
  int32_t token;
  int32_t rank;  // 1 + how many tokens are likelier
  float logprob; // the natural logarithm of its probability; -INFINITY: it never comes
} infuse_logprob;
// What the last step's rows say of the tokens behind them: of the prompt's, and of the one that was drawn.
// Nothing is told of the row of a session's last token where none was drawn. Needs .logprobs. Valid until the
// session's next step, n 0 and data NULL when there is nothing.
typedef struct infuse_logprobs {
  const infuse_logprob *data; // [n][width] the token that stands there, then the likeliest, best first
  size_t n, width;            // width: 1 + top_logprobs, or the vocabulary where that is less
  size_t first;               // where the first one stands in infuse_session_tokens
} infuse_logprobs;
INFUSE_API void infuse_session_logprobs_sized(const infuse_session *s, infuse_logprobs *out, size_t size);
static inline infuse_logprobs infuse_session_logprobs(const infuse_session *s) {
  infuse_logprobs out;
  infuse_session_logprobs_sized(s, &out, sizeof out);
  return out;
}

// The residual stream entering layer `layer` (all tokens of the step), or for `layer` = layers after the
// final norm (the rows that have logits). Needs keep_hidden. Valid until the next call for this model.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_session_hidden_sized(const infuse_session *s, int64_t layer,
                                                                     infuse_rows *out, size_t size);
static inline INFUSE_MUST_USE infuse_error *infuse_session_hidden(const infuse_session *s, int64_t layer,
                                                                  infuse_rows *out) {
  return infuse_session_hidden_sized(s, layer, out, out != NULL ? sizeof *out : 0);
}

#ifdef __cplusplus
}
#endif
#endif
