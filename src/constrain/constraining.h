// SPDX-License-Identifier: Apache-2.0
// What tests and fuzz targets of this room share: constraints from one piece, a random walk through what they
// allow, and schemas of every kind.
#pragma once
#include "constrain/constrain.h"
#include <stdlib.h>
#include <string.h>

static inline nf_status constrain_to(const nf_token_tree *t, nf_piece_kind kind, nf_view text,
                                     nf_constraint **out) {
  const nf_piece p = {.kind = kind, .text = text};
  return nf_constraint_create(t, &(nf_outline){.part = &(nf_piece_sequence){&p, 1}, .n_parts = 1}, out);
}

// xorshift64*
static inline uint32_t draw_number(uint64_t *seed, uint32_t below) {
  *seed ^= *seed >> 12, *seed ^= *seed << 25, *seed ^= *seed >> 27;
  return (uint32_t)((*seed * 2685821657736338717u >> 32) * below >> 32);
}

static inline bool bit_is_set(const uint64_t *bits, int32_t id) { return bits[id / 64] >> (id % 64) & 1; }

// One of those that are set, each as likely; -1: none is.
static inline int32_t draw_token(const uint64_t *bits, int32_t vocab, uint64_t *seed) {
  uint32_t n = 0;
  for (int32_t id = 0; id < vocab; id++) n += bit_is_set(bits, id);
  if (n == 0) return -1;
  n = draw_number(seed, n);
  for (int32_t id = 0;; id++)
    if (bit_is_set(bits, id) && n-- == 0) return id;
}

static const char *const sample_schemas[] = {
    "true",
    "{}",
    "{\"type\":\"object\"}",
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\","
    "\"minimum\":0,"
    "\"maximum\":150},\"email\":{\"type\":\"string\",\"format\":\"email\"}},\"required\":[\"name\",\"age\"],"
    "\"additionalProperties\":false}",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"ab\":{\"type\":\"null\"},"
    "\"\\u00e4\\\"\":{}},"
    "\"additionalProperties\":{\"type\":\"boolean\"}}",
    "{\"type\":\"array\",\"items\":{\"enum\":[\"red\",\"green\",\"grey\",1,10,null,[1,\"a\"],{\"k\":[]}]},"
    "\"minItems\":1,"
    "\"maxItems\":4}",
    "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\"},{\"type\":\"number\"}],\"items\":false}",
    "{\"type\":\"array\",\"prefixItems\":[{\"const\":1}],\"items\":{\"type\":\"boolean\"},\"minItems\":3}",
    "{\"$ref\":\"#/$defs/"
    "node\",\"$defs\":{\"node\":{\"type\":\"object\",\"properties\":{\"value\":{\"type\":\"integer\"},"
    "\"next\":{\"anyOf\":[{\"$ref\":\"#/$defs/"
    "node\"},{\"type\":\"null\"}]}},\"required\":[\"value\",\"next\"],"
    "\"additionalProperties\":false}}}",
    "{\"type\":\"object\",\"properties\":{\"children\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}},"
    "\"required\":[\"children\"],\"additionalProperties\":false}",
    "{\"anyOf\":[{\"type\":\"string\",\"minLength\":2,\"maxLength\":5},{\"$ref\":\"#\"}]}",
    "{\"type\":\"string\",\"pattern\":\"^[a-c]+\\\\d{2,4}$\"}",
    "{\"type\":\"string\",\"pattern\":\"x\\\"[^y]?\",\"maxLength\":6}",
    "{\"type\":\"string\",\"pattern\":\"^[\\u00c0-\\u00d6][a-z\\u4e00-\\u9fff-]*$\",\"minLength\":3,"
    "\"maxLength\":7}",
    "{\"type\":[\"integer\",\"null\"],\"minimum\":-12,\"exclusiveMaximum\":305}",
    "{\"type\":\"number\",\"minimum\":-1.25,\"maximum\":17.5}",
    "{\"type\":\"number\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}",
    "{\"type\":\"number\",\"minimum\":0.001}",
    "{\"type\":\"integer\",\"minimum\":1000,\"maximum\":100002}",
    "{\"type\":\"integer\",\"maximum\":-7}",
    "{\"type\":\"string\",\"format\":\"date\"}",
    "{\"type\":\"string\",\"format\":\"date-time\"}",
    "{\"type\":\"string\",\"format\":\"uuid\"}",
    "{\"type\":\"string\",\"format\":\"ipv4\"}",
    "{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"}},\"required\":[\"a\"]},"
    "{\"properties\":{\"a\":{\"minimum\":3},\"b\":{\"type\":\"boolean\"}},\"required\":[\"b\"],"
    "\"additionalProperties\":false}]}",
    "{\"type\":\"object\",\"properties\":{\"kind\":{\"type\":\"string\"}},\"oneOf\":[{\"properties\":{"
    "\"kind\":{\"const\":"
    "\"a\"},\"n\":{\"type\":\"integer\"}},\"required\":[\"kind\",\"n\"]},{\"properties\":{\"kind\":{"
    "\"const\":\"b\"}},"
    "\"required\":[\"kind\"]}],\"title\":\"T\"}",
    "{\"type\":\"object\",\"required\":[\"x\",\"y\"],\"properties\":{\"y\":{\"type\":\"null\"}},"
    "\"additionalProperties\":"
    "{\"type\":\"integer\"}}",
};
enum { N_SAMPLE_SCHEMAS = sizeof sample_schemas / sizeof *sample_schemas };
