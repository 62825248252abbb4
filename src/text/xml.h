// SPDX-License-Identifier: Apache-2.0
// Tools in the form of Qwen3-Coder and its kin, for this room only. A call is
//
//   <function=f>
//   <parameter=a>
//   value
//   </parameter>
//   </function>
//
// It looks like XML and is none: nothing is escaped, and what a value is follows from its declaration.
#pragma once
#include "text/chat_format.h"
#include "text/tools.h"

// ---- writing ----

// Appends "<function>", its members as tags, "</function>", and no line end; failure is remembered in out.
void nf_xml_declare(const json_t *function, nf_tool_form form, nf_text *out);
// Appends the parameters of a call, from JSON. NF_BAD_INPUT: it is no object.
nf_status nf_xml_print_arguments(nf_view arguments, nf_tool_form form, nf_text *out);
nf_view nf_xml_strip(nf_view v); // without white space around it, as Python's strip

// ---- reading ----

// Whether `text` begins with "<function=f>", behind white space; then *name is f and *used what was read.
typedef enum nf_begins { NF_BEGINS_NOT, NF_BEGINS_MAYBE, NF_BEGINS } nf_begins;
nf_begins nf_xml_begins(nf_view text, nf_view *name, size_t *used);

// What comes behind a text.
typedef enum nf_xml_more {
  NF_XML_MORE,  // more of it, perhaps
  NF_XML_ENDED, // nothing: the model ended its turn
  NF_XML_CUT,   // nothing, but the model would have written more
} nf_xml_more;

// A call that is being read, from behind its "<function=f>".
typedef struct nf_xml_call {
  const json_t *parameters; // of the function, borrowed; NULL: not known
  const nf_chat_marks *marks;
  nf_text out;   // the arguments' JSON, as far as they are known; whoever has told it empties it
  nf_text stray; // text that belongs to no parameter
  bool done;     // the function has ended
  bool odd;      // something was read by guessing

  nf_text names; // of the parameters so far, each between line ends
  bool in_value; // of the last of them:
  nf_value_kind kind;
  bool again;  // it was there before, and does not count
  bool front;  // one line end in front of the value is not part of it
  bool begun;  // its opening quote is out
  bool line;   // the next byte begins a line
  size_t seen; // bytes of the text in which the value does not end
} nf_xml_call;
void nf_xml_begin(nf_xml_call *x, const nf_chat_marks *marks, const json_t *parameters);
void nf_xml_deinit(nf_xml_call *x);
// Reads *used bytes of the text, in which byte NF_MARK_BYTE + i is mark i: with NF_XML_MORE those of which it
// is known what they are, with the others all, unless the function ends before. Call again with what was
// left, and more. A value ends at "</parameter>" where a parameter, the function's end or the call's end
// follows; where that is missing, at the function's end, or at a line with a parameter that is declared and
// was not there yet. Errors: only NF_NO_MEMORY.
nf_status nf_xml_read(nf_xml_call *x, nf_view text, nf_xml_more more, size_t *used);
