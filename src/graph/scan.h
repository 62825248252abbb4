// SPDX-License-Identifier: Apache-2.0
// The words of a line of a graph's text. Private to the room. What does not fit is NF_BAD_INPUT, which says
// what is expected; spaces in front of a word are skipped.
#pragma once
#include "base/status.h"
#include "base/text.h"
#include "tensor/type.h"

enum { NF_SCAN_NAME = 255, NF_SCAN_STRING = 1023 }; // bytes at most

typedef struct nf_scan {
  nf_view rest; // what is still to be read
} nf_scan;

nf_view nf_scan_take(nf_scan *l, size_t n); // the next n bytes, which there are
nf_view nf_scan_word(nf_scan *l);           // letters, digits, '.', '_', '-'; not taken yet
bool nf_scan_accept(nf_scan *l, char c);
bool nf_scan_accept_word(nf_scan *l, const char *word);
bool nf_scan_end(nf_scan *l);
nf_status nf_scan_expected(const nf_scan *l, const char *what); // the error
nf_status nf_scan_expect(nf_scan *l, char c);
nf_status nf_scan_expect_word(nf_scan *l, const char *word, const char *what);
nf_status nf_scan_name(nf_scan *l, const char *what, char out[NF_SCAN_NAME + 1]);
nf_status nf_scan_count(nf_scan *l, const char *what, int64_t *out); // 0 or more
nf_status nf_scan_type(nf_scan *l, nf_type *out);
nf_status nf_scan_string(nf_scan *l, char out[NF_SCAN_STRING + 1]);
