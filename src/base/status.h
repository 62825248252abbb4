// SPDX-License-Identifier: Apache-2.0
// Status: one word that is either OK or owns an error with a code and one line of text.
//
// Every function that can fail returns nf_status, and the compiler insists that it is used. An error is owned
// by whoever holds the status: pass it up (NF_TRY), or end it (nf_status_free). Messages are one line and say
// what, where (file, tensor, byte) and what would be right. Control characters and bytes that are not UTF-8
// (hostile names) appear as \xNN; a text above 1 KiB is cut and ends in an ellipsis. When no memory is left
// for the text a static error is used whose text is the code's name, so making an error never fails.
// Thread-compatible: a status belongs to one thread at a time.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef enum nf_code {
  NF_OK = 0,
  NF_CHECK_FAILED, // a check ran and its answer is no
  NF_USAGE,        // the caller's arguments are wrong
  NF_BAD_INPUT,    // a file or other data is wrong, or is of a kind that infuse does not support
  NF_UNAVAILABLE,  // a device, library or file system resource is missing
  NF_NO_MEMORY,
  NF_CANCELLED, // a callback asked to stop
  NF_INTERNAL,  // a bug in infuse
} nf_code;

struct infuse_error;
typedef struct [[nodiscard]] nf_status {
  struct infuse_error *error; // NULL: OK
} nf_status;

static inline nf_status nf_ok(void) { return (nf_status){0}; }
static inline bool nf_is_ok(nf_status s) { return s.error == 0; }

// A new error. `fmt` is printf's; no trailing newline or full stop.
nf_status nf_error(nf_code code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// Puts "note: " in front of the message (the outer context stands first). OK stays OK.
nf_status nf_status_note(nf_status s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// The first error of the two; the other is freed. For clean-up that can fail too.
nf_status nf_status_join(nf_status first, nf_status second);

// Another error with the same code and message, of the caller's; OK stays OK.
nf_status nf_status_copy(nf_status s);

nf_code nf_status_code(nf_status s);
const char *nf_status_message(nf_status s); // "" when OK; valid until the status is freed
void nf_status_free(nf_status s);
const char *nf_code_name(nf_code code); // "bad input"

// Returns from the enclosing function when `expr` fails, with an optional note: NF_TRY(f(x), "in shard %d",
// i).
#define NF_TRY(expr, ...)                                                \
  do {                                                                   \
    nf_status nf_try_ = (expr);                                          \
    if (__builtin_expect(nf_try_.error != 0, 0))                         \
      return nf_try_ __VA_OPT__(= nf_status_note(nf_try_, __VA_ARGS__)); \
  } while (0)

// Leaves to label `fail` with the error in the local `nf_status st`, for functions that must clean up.
#define NF_GOTO(expr, ...)                              \
  do {                                                  \
    st = (expr);                                        \
    if (__builtin_expect(st.error != 0, 0)) {           \
      __VA_OPT__(st = nf_status_note(st, __VA_ARGS__);) \
      goto fail;                                        \
    }                                                   \
  } while (0)
