// SPDX-License-Identifier: Apache-2.0
// Inside the room: what the public handles are.
#pragma once
#include "base/log.h"
#include "base/threads.h"
#include "compile/compile.h"
#include "device/device.h"
#include "engine/generate.h"
#include "engine/kv.h"
#include "engine/logprobs.h"
#include "engine/sampler.h"
#include "engine/step.h"
#include "engine/tables.h"
#include "hw/figures.h"
#include "model/family.h"
#include "model/generation.h"
#include "plan/plan.h"
#include "tune/tune.h"
#include <infuse/inspect.h>

enum {
  NF_PAGE = 64, // tokens per KV page: a multiple of it ends every reusable prefix
  NF_MOST_CACHE_TOKENS = INT32_MAX / NF_PAGE * NF_PAGE // places of tokens are int32 in the step's tables
};

struct infuse_runtime {
  nf_log log;
  infuse_runtime_options options; // `device` points into the device table, `target` into the targets
  nf_threads *threads;
  nf_device *device;
  nf_module *module;            // a GPU's kernels; NULL: the device is none
  nf_hw hw;                     // facts that selection sees for this device, or for the target
  nf_speeds speeds;             // of the threads, where `measured`
  bool figures_known, measured; // figures_known: it was looked whether
  nf_dtype activation;
  nf_fuse_mode fuse;            // unless a model's options say another
  nf_rules *rules;              // of all models
  nf_tuner *tuner;              // of plans of one rank, made when one is compiled first; NULL: none
  nf_timings *timings;          // borrowed; read when a model is loaded. NULL: nothing was measured
  bool plans_only;              // for a target that is not here, and nobody asked for the null device
  void (*computed)(void *user); // NULL: nobody is told
  void *computed_user;
  struct infuse_model *in_flight; // whose step was begun and not waited for; NULL: none
};
// Puts measured figures of the host into `hw`, where these are wanted; once, before a cost is asked for.
void nf_runtime_know_figures(infuse_runtime *rt);
// What is free of a GPU's memory now, into `hw`: other models have theirs by then, other processes too.
nf_status nf_runtime_know_memory(infuse_runtime *rt);
// tune.c. The timings that a model of `world` ranks is planned by; NULL: none.
nf_status nf_runtime_timings(infuse_runtime *rt, int64_t world, nf_timings **out);
nf_status nf_check_tune(infuse_runtime_options *o); // NF_USAGE; its names are then the library's
// Measures what the model's plans asked for and is not known, where that is wanted, and compiles them again.
nf_status nf_model_tune(infuse_model *m, const nf_compile_options *o);
// What runs its kernels where they are checked and measured.
nf_runner nf_runtime_runner(const infuse_runtime *rt);
// NF_UNAVAILABLE when the runtime can only plan.
nf_status nf_runtime_check_runs(const infuse_runtime *rt);
// NF_USAGE while a step that was begun has the devices.
nf_status nf_runtime_check_idle(const infuse_runtime *rt);

// A model's memory, in bytes, before anything is allocated.
typedef enum nf_part {
  NF_WEIGHTS,
  NF_CACHES,
  NF_ACTIVATIONS,
  NF_TABLES,
  NF_SCRATCH,  // of kernels and of drawing, and results on the host
  NF_CAPTURES, // at most: of steps of all sizes
  NF_PARTS
} nf_part;
extern const char *const nf_part_names[NF_PARTS];
typedef struct nf_budget {
  uint64_t of[NF_PARTS]; // of all ranks, and of the host beside them
  uint64_t rank;         // all of one rank
} nf_budget;

// What that is held against. GPUs: each rank has one of its own. Else ranks share the machine.
typedef enum nf_memory_of { NF_MEMORY_MACHINE, NF_MEMORY_RANK, NF_MEMORY_OPTION } nf_memory_of;
typedef struct nf_fit {
  uint64_t total;       // bytes of all
  uint64_t need, limit; // those that count, and what there is
  nf_memory_of of;      // OPTION: infuse_model_options.memory, which is of all ranks
  bool fits;
} nf_fit;
typedef struct nf_would_fit { // each alone, the rest as it is; 0: that alone does not help
  int64_t context, sessions, world;
} nf_would_fit;

// What each rank has for itself.
typedef struct nf_rank {
  nf_device *device;
  nf_plan **plans;   // [compiled.n]
  nf_buffer *buffer; // [compiled.layout.n] of weights and pools
  nf_buffer arena;   // of whichever plan runs
  nf_buffer tables;  // the step's, tables.h
} nf_rank;

// What rank 0's device was given behind a step for the one that is expected next, expect.c.
typedef struct nf_expected {
  nf_event *computed; // the step before it. NULL: nothing is ever expected
  bool given;         // the arrays of tables.next, but for the tokens,
  int64_t ids;        // and those of so many as it found them itself
} nf_expected;

struct infuse_model {
  infuse_runtime *rt;
  infuse_model_options options; // defaults filled in
  bool keep_all;                // every value can be looked at after a step
  bool buckets; // steps are replayed from captures, one for all sizes with the same powers of two above
  nf_config config;
  nf_checkpoint *files; // NULL: none were read
  nf_graph *logical;    // as the family says it, sharded
  nf_compiled compiled;
  size_t range;          // of `compiled`: that of the last step, at first the main one
  const nf_graph *graph; // its graph
  nf_plan *plan;         // and rank 0's plan, whose results clients see
  nf_ranks *ranks;
  nf_rank *rank; // [options.world]
  nf_budget budget;
  bool uses[NF_CACHE_COUNT]; // the graph has pools of the group
  nf_kv kv[NF_CACHE_COUNT];  // the slots of those
  nf_prefix no_text;         // the empty prefix of all sessions
  nf_step_tables tables;
  // [rows][vocab] of step `logits_step`, where the device's memory is not the host's: copied when somebody
  // wants them. For greedy drawing the likeliest token of each row will do, where the plan says it.
  float *logits;
  uint64_t logits_step;
  float *best_probability;                             // [rows] NaN: a logit is none, or infinite
  int32_t *best_token;                                 // [rows]; NULL: the plan does not say it
  nf_buffer pinned_tables, pinned_logits, pinned_best; // what `tables.host`, `logits` and those two lie in
  float *hidden;           // [batch][hidden] of the layer last asked for, with keep_hidden
  nf_tokenizer *tokenizer; // NULL: the folder has none that loads
  nf_token_tree *tokens;   // its tokens by their bytes, made for the first constraint; NULL: there was none
  nf_constraints constraints; // made last
  const nf_chat_format *chat; // NULL: none that the family and the tokenizer have
  nf_chat_template template;  // for formats that go by it
  void (*on_pages)(void *user, const infuse_page_event *e); // NULL: nobody is told of pages
  void *pages_user;
  nf_status broken_text; // why the folder's tokenizer or else its chat template did not load
  nf_generation_config generation;
  infuse_sampling sampling;  // what `generation` asks for
  infuse_logit_bias *biases; // that it points to; their tokens are in `generation`
  float *scratch;            // [n_scratch] of one row of logits each, for the threads that draw
  int64_t n_scratch;
  nf_flight flight;
  nf_expected expected;
  nf_val logits_value;
  uint64_t steps;                // so that a session knows whether its rows are still there
  uint64_t checks;               // of lists of sessions, so that one finds whether it is there twice
  int64_t n_sessions, *free_row; // [sessions] rows of page tables, free behind the first n_sessions
};

typedef struct nf_range {
  int64_t lo, hi; // empty: hi == 0
} nf_range;

_Static_assert(1 + NF_GUESSES_MAX <= NF_STATES, "a state behind each guess");

struct infuse_session {
  infuse_model *model;
  int64_t rows_wanted;
  nf_generation *generation; // NULL: it draws no tokens
  int32_t *token;            // [context + 1] all that it holds; the last may be drawn beyond the context
  // position <= queued <= known: tokens before `position` are computed, those before `queued` wait for steps,
  // the rest (the token drawn last, or what a cut has taken out of the caches) for the next append.
  int64_t position, queued, known;
  int32_t *routes; // [known][layers * experts per token], when experts are forced
  size_t routes_cap;
  int64_t
      guessed; // tokens behind `known` that the step that is being made computes in the hope that they come
  int64_t cached; // tokens that were found in the caches
  int64_t told;   // tokens before this one have had their rows, and get none when computed again
  int64_t row;    // of the model's page tables that is this session's
  int32_t *page[NF_CACHE_COUNT]; // of groups with pages: that row, [pages] slot of each, -1: none. NULL: not
                                 // used
  nf_range changed[NF_CACHE_COUNT]; // pages that devices have not been told of
  int64_t n_pages;                  // behind so many there is none
  int64_t evicted;                  // sliding pages before this one are gone
  int64_t answer_end;               // where its answer has left a state, at a page's end; 0: nowhere
  int64_t fork;                     // where another text has parted from this one, as far as is known
  nf_prefix *prefix;                // [pages] of the first n_prefixes whole pages of tokens
  int64_t n_prefixes;
  int32_t state; // slot of the recurrent group after `position` tokens, -1: nothing was computed
  // Slots of it behind the last tokens of the step that is being made: the one that is sure, and its guesses.
  // A reference each, also where the last is `state`.
  int32_t next_state[1 + NF_GUESSES_MAX];
  size_t n_next; // of those that the session has not come to. 0: no step is being made, or it has no states
  bool unshared; // computes all by itself, and leaves nothing to others
  nf_cache waits_for;           // the last step had no page of this group for it; NF_NO_CACHE: it had
  uint64_t step;                // of the model, when the rows below were computed; 0: none yet
  uint64_t seen;                // the last check of a list that this session is in
  infuse_status status;         // what came of the last step that named it
  size_t first_token, n_tokens; // of that step's T that are this session's
  size_t first_row, n_rows;     // and of its R
  int64_t first_token_position;
  nf_logprobs logprobs;
  nf_status failure; // what ended it
};

// context.c. Forgets all tokens behind the first n <= known, and what was computed of them. Where the caches
// can't go back so far, the first n wait to be computed again.
void nf_session_cut(infuse_session *s, int64_t n);
// Makes tokens[0..n) what the session holds, computing again only what differs; all of it is queued. n >= 1.
nf_status nf_session_replace(infuse_session *s, const int32_t *tokens, size_t n);
// Ends the session with an error, which is its own from here on, unless it is OK. It then has no rows.
void nf_session_fail(infuse_session *s, nf_status why);
// flight.c. Whether a step that was begun names the session; and waiting for that step.
bool nf_session_in_flight(const infuse_session *s);
void nf_flight_land(infuse_model *m); // nothing where there is none
// A step of this session, whose failure is an error of the step too.
nf_status nf_step_alone(infuse_session *s);
nf_status nf_session_check(const infuse_session *s); // NF_USAGE when it is NULL, has failed or is in flight

// pages.c: what a session holds of the caches.
//
// Begins behind the longest prefix of the first n <= known tokens whose pages and states some session has
// left, if that is further than it is.
void nf_session_find(infuse_session *s, int64_t n);
void nf_session_skip(infuse_session *s); // the same for what is queued, but for the rows that are wanted
void nf_session_go_back(infuse_session *s,
                        int64_t n);         // to position n <= known or, where caches can't, before it
void nf_session_release(infuse_session *s); // all of them; the position is 0
void nf_session_share(const infuse_session *s, infuse_session *to); // the same for a new session
// At most `tokens`, so that the chunk ends where a recurrent state is worth keeping: behind a whole page.
int64_t nf_session_chunk(const infuse_session *s, int64_t tokens);
// A step of a session: pages for up to *tokens more tokens, and *tokens becomes what there are pages for (0:
// s->waits_for says which are missing); then, for all sessions of the step, nf_session_begin (which says
// where states go), and for all of them nf_session_keep_state; and when it was computed advance, over what is
// sure and then by each guess that was right, and nf_session_end_step, else undo, after which a session may
// have more in its queue than before.
nf_status nf_session_reserve(infuse_session *s, int64_t *tokens);
nf_status nf_session_begin(infuse_session *s, int64_t guesses);
void nf_session_keep_state(infuse_session *s);
void nf_session_advance(infuse_session *s, int64_t tokens);
void nf_session_end_step(infuse_session *s); // gives back the states behind wrong guesses
void nf_session_undo(infuse_session *s);

// Everything but the large allocations, in two steps: config, files and graph; plan and budget. In between
// the caller may change how it is compiled.
nf_status nf_model_open(infuse_runtime *rt, const char *dir, const infuse_model_options *o, infuse_model *m);
// The same for a plan alone, without weights; theirs: of the caller's size, or NULL. fuse: instead of the
// options', unless NULL. *out is to be destroyed whatever is returned.
nf_status nf_model_open_plan(infuse_runtime *rt, const char *dir, const infuse_model_options *theirs,
                             const char *fuse, infuse_model **out);
nf_status nf_model_compile_options(const infuse_model *m, nf_compile_options *out);
nf_status nf_model_compile(infuse_model *m, const nf_compile_options *o);
// infuse_model_load, with keep_all.
nf_status nf_model_load(infuse_runtime *rt, const char *dir, const infuse_model_options *o, bool keep_all,
                        infuse_model **out);
// What generation_config.json asks for and is not done: a warning, the first time that somebody generates.
void nf_model_tell_generation(infuse_model *m);
// After nf_model_compile; the second one says what would fit, all zeros when it does as it is.
nf_fit nf_model_fit(const infuse_model *m);
nf_status nf_model_would_fit(infuse_model *m, const char *dir, nf_would_fit *out);
// NF_UNAVAILABLE with the parts when the model needs more than it may use.
nf_status nf_model_check_fit(infuse_model *m, const char *dir);
nf_status nf_model_add_up(infuse_model *m);                    // the budget, from the plan and the options
int64_t nf_model_pages(const infuse_model *m);                 // of one session, every group
int64_t nf_model_slots(const infuse_model *m, nf_cache group); // of all sessions
nf_sizes nf_model_largest_step(const infuse_model *m);
// Bytes of compiled.layout.stored[i], of a pool with all its slots, of one rank.
nf_status nf_model_stored_bytes(const infuse_model *m, size_t i, size_t *out);
// The plan for a step of so many tokens: graph, plan and logits_value are its own from here on.
void nf_model_use_plan(infuse_model *m, int64_t tokens);
const float *nf_model_logits(const infuse_model *m,
                             size_t row); // [vocab] of the last step, where they are here:
bool nf_model_has_logits(const infuse_model *m);
nf_status nf_model_fetch_logits(infuse_model *m); // of all rows of the last step, from the device
static inline bool nf_has_pages(nf_cache g) { return g == NF_CACHE_FULL || g == NF_CACHE_SLIDING; }

// expect.c: tables of the next step, made and copied while this one is computed.
nf_status nf_expect_begin(infuse_model *m); // when the tables are placed
void nf_expect_end(infuse_model *m);
// Puts the step's arrays into the rank's queue, as far as they are not there.
nf_status nf_expect_write(infuse_model *m, const nf_rank *r);
// Behind what computes the step, which is in the queue (or `st`, why it is not): returns when it is done.
nf_status nf_expect_next(infuse_model *m, const nf_rank *r, nf_status st);

// ranks.c, in the order of a model's life. Whatever fails is given back by nf_model_release_ranks.
nf_status nf_model_create_ranks(infuse_model *m);   // the communicator; makes no thread
nf_status nf_model_allocate_ranks(infuse_model *m); // the other plans, all memory, and starts the ranks
nf_status nf_model_load_weights(infuse_model *m);
void nf_model_release_ranks(infuse_model *m); // before what was compiled goes
// Tells all ranks where their arenas are: `trace` [world], NULL: where they always are but for a trace.
nf_status nf_model_place_arenas(const infuse_model *m, const nf_buffer *trace);

// What a caller must give: NF_USAGE names the first that is NULL. NF_GIVEN({"model", m != NULL}, …)
typedef struct nf_handle {
  const char *what;
  bool given;
} nf_handle;
nf_status nf_handles_given(const nf_handle *h, size_t n);
#define NF_GIVEN(...)                                \
  nf_handles_given((const nf_handle[]){__VA_ARGS__}, \
                   sizeof((const nf_handle[]){__VA_ARGS__}) / sizeof(nf_handle))

// NF_TRY of a public function.
#define NF_TELL(expr)                      \
  do {                                     \
    infuse_error *nf_told_ = (expr).error; \
    if (nf_told_ != NULL) return nf_told_; \
  } while (0)

// Copies a caller's struct of `size` bytes over a zeroed one of ours. A smaller one (an older caller's, as
// far as the last field of the first version) leaves the rest zero; a larger one must be zero behind what we
// know. NF_USAGE names the struct.
enum { NF_MOST_STRUCT = 4096 }; // bytes; no version will have more
nf_status nf_struct_copy(void *ours, size_t our_size, size_t first_size, const void *theirs, size_t size,
                         const char *name);
// The same of options, which have their size inside; NULL gives all defaults.
nf_status nf_options_copy(void *ours, size_t our_size, size_t first_size, const void *theirs,
                          const char *name);
#define NF_SIZE_TO(type, last) (offsetof(type, last) + sizeof(((type *)NULL)->last))
#define NF_OPTIONS(type, last, ours, theirs) \
  nf_options_copy((ours), sizeof(type), NF_SIZE_TO(type, last), (theirs), #type)
// A result, into a caller's struct of `size` bytes: an older one takes its beginning, a newer one has zeros
// behind what we know.
void nf_result_copy(void *theirs, size_t size, const void *ours, size_t our_size);

// devices.c: what plans are made for.
json_t *nf_target_document(const infuse_runtime *rt);

// document.c: documents for a client. Appends to a list that failed before, or fails now, leaving it NULL:
// what lacks anything is never made. Takes the item.
void nf_document_append(json_t **list, json_t *item);
// Prints doc (stolen, freed; NULL means that memory ran out while it was made) and calls the sink once.
nf_status nf_document_deliver(json_t *doc, infuse_sink sink, void *user);
// Adds the verdict of a document's `rows`, which have error, bound and ok: "verdict" ("ok" or "failed"),
// "failed" (how many are not ok) and "worst", the row whose error is the largest part of its bound; of rows
// that are not ok the first that has no error or no bound. NULL stays NULL; when memory is out it becomes
// NULL.
json_t *nf_document_judge(json_t *doc);
