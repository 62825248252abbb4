// SPDX-License-Identifier: Apache-2.0
// What reading ChatML consists of: messages and their places, and calls; for this room only.
#pragma once
#include "base/json.h"
#include "text/xml.h"

typedef enum nf_chatml_place {
  BETWEEN,  // no message is open; other text begins the answer
  THOUGHT,  // in front of </think>
  ANSWER,   // or what somebody else says
  CALL,     // behind <tool_call>: collected
  BAD_CALL, // of which no call can be made: told as it comes
  FUNCTION, // behind <function=f>
  ROLE,     // behind <|im_start|>: collected up to the newline
} nf_chatml_place;

typedef struct nf_chatml_reader {
  nf_chat_reader head;
  nf_chatml_place place;
  bool open;         // the message's header is out
  bool strip;        // newlines in front of the message's first other character are not part of it
  bool odd;          // the message is not as the format wants it
  bool may_think;    // no thought was there yet, and one is expected
  bool inside;       // the function stands behind <tool_call>
  bool behind;       // a function, of which the call's end, or a new call, may come
  nf_json tools;     // that are declared
  nf_xml_call call;  // of the function
  nf_text pending;   // read, but not yet known as what; marks are bytes from NF_MARK_BYTE on
  nf_text held;      // newlines that are part of the message only if something follows
  nf_text collected; // of a call or a role
  nf_text role, name;
} nf_chatml_reader;

// What comes next, of which nothing is known yet. `strip`: newlines in front of it are not part of it.
void nf_chatml_enter(nf_chatml_reader *r, nf_chatml_place to, bool strip);
nf_status nf_chatml_send(nf_chatml_reader *r, nf_chat_event_kind kind, nf_view text, nf_chat_end end);
nf_status nf_chatml_open(nf_chatml_reader *r); // tells the header, if it is not out yet
// Adds to the message and opens it if need be, but holds newlines at the end back.
nf_status nf_chatml_tell(nf_chatml_reader *r, nf_view text);
nf_status nf_chatml_tell_collected(nf_chatml_reader *r, nf_chatml_place as); // as an odd message's text
// Closes what is open, if anything is. Always leaves the reader between messages.
nf_status nf_chatml_close(nf_chatml_reader *r, nf_chat_end end);

// ---- calls ----

// Text behind <tool_call>, and the end of that. What is no call becomes a message that is still to be closed.
nf_status nf_chatml_collect_call(nf_chatml_reader *r, nf_view text, size_t *used);
nf_status nf_chatml_close_call(nf_chatml_reader *r, nf_chat_end end);
// Text behind <function=f>, and the end of that.
nf_status nf_chatml_read_function(nf_chatml_reader *r, nf_view text, nf_xml_more more, size_t *used);
nf_status nf_chatml_end_function(nf_chatml_reader *r, nf_chat_end end);
// Text of which some may be a function that stands without <tool_call>. `last`: a mark follows.
nf_status nf_chatml_say(nf_chatml_reader *r, nf_view text, bool last, size_t *used);
