// SPDX-License-Identifier: Apache-2.0
// infuse: conversations. A session made with .generate is given messages, and its answer comes as messages.
#ifndef INFUSE_CHAT_H
#define INFUSE_CHAT_H

#include <infuse/infuse.h>

#ifdef __cplusplus
extern "C" {
#endif

INFUSE_API const char *infuse_model_chat_format(const infuse_model *m); // "harmony", "chatml", or NULL

// A call of a tool. Strings are UTF-8 and NUL-terminated.
typedef struct infuse_call {
  const char *id;          // that the answer of the tool refers to; NULL: none
  const char *name;        // of the tool, as it was declared
  const char *arguments;   // JSON
  const void *reserved[3]; // NULL
} infuse_call;

// A message. What is zero is not there. A turn of the assistant is one message with thoughts, content and
// calls, or one for each channel, as its pieces came.
typedef struct infuse_message {
  const char *role;         // "system", "developer" (the same), "user", "assistant", "tool"
  const char *content;      // UTF-8
  size_t content_n;         // its bytes, a NUL among them is text; 0: it ends at its NUL
  const char *name;         // of a tool, as pieces of calls name it, or of a participant
  const char *channel;      // of the assistant: "analysis", "commentary", "final"; NULL: what fits
  const char *recipient;    // a tool that this message of the assistant calls, as a piece named it
  const char *content_type; // of such a message: "json"
  const char *thoughts;     // of the assistant, in front of the content; NULL: not told
  const infuse_call *calls; // [n_calls] of the assistant, behind the content
  size_t n_calls;
  const char *call_id; // of a tool's answer: the call's id. Without one it answers the call of its name, or
                       // the one in the same place
} infuse_message;

// The conversation so far becomes what the session holds, rendered in the model's chat format, and an answer
// is expected. What the session held already at the beginning is not computed again, so a conversation that
// grows is given whole each time. Nothing is kept of the messages. INFUSE_USAGE: the model has no known chat
// format, or a message makes no sense in it. INFUSE_BAD_INPUT: a text is no UTF-8, or a call's arguments are
// no JSON object where the model's form of calls needs one. INFUSE_UNAVAILABLE: it is longer than the
// context. Messages of `size` bytes each.
INFUSE_API INFUSE_MUST_USE infuse_error *
infuse_session_chat_sized(infuse_session *s, const infuse_message *messages, size_t n, size_t size);
static inline INFUSE_MUST_USE infuse_error *infuse_session_chat(infuse_session *s,
                                                                const infuse_message *messages, size_t n) {
  return infuse_session_chat_sized(s, messages, n, sizeof(infuse_message));
}

struct infuse_session_options; // infuse/session.h
// The ids that such a session, made with these options, would hold; they are freed by infuse_free. Any thread
// may ask, at any time, as long as the model is there.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_model_render_sized(const infuse_model *m,
                                                                   const struct infuse_session_options *o,
                                                                   const infuse_message *messages, size_t n,
                                                                   size_t size, int32_t **ids, size_t *n_ids);
static inline INFUSE_MUST_USE infuse_error *infuse_model_render(const infuse_model *m,
                                                                const struct infuse_session_options *o,
                                                                const infuse_message *messages, size_t n,
                                                                int32_t **ids, size_t *n_ids) {
  return infuse_model_render_sized(m, o, messages, n, sizeof(infuse_message), ids, n_ids);
}

// How a message of an answer ended.
typedef enum infuse_end {
  INFUSE_END_NONE,    // not yet
  INFUSE_END_MESSAGE, // complete; another one may follow
  INFUSE_END_CALL,    // complete; the answer waits for the tool that is the recipient
  INFUSE_END_ANSWER,  // complete, and so is the answer
  INFUSE_END_STOP,    // by a stop string, or a stop token of the caller's
  INFUSE_END_CUT,     // the model did not close it, or there was no room for more
} infuse_end;

// What a step added to one message. A message comes as one piece or several; one step may end a message and
// begin another. A call of a tool is a message whose recipient is not "". A text that is no chat is one
// message that says nothing of itself. Strings are "" where nothing was said, and live until the session's
// next step.
//
// An answer has one message "final", others are odd. It ends where the model begins a message of another
// role, of which there is one piece: empty, odd, INFUSE_END_CUT. With ignore_eos it goes on.
typedef struct infuse_piece {
  bool begins;    // the first piece of its message
  infuse_end end; // of the message, with this piece
  const char *role, *name, *channel, *recipient, *content_type;
  const char *text; // NUL-terminated, n bytes
  size_t n;
  bool odd; // its message is not as the format wants it, and was read as it can best be; known at its end
  const void *reserved[3];
} infuse_piece;

#ifdef __cplusplus
}
#endif
#endif
