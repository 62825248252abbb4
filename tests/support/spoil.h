// SPDX-License-Identifier: Apache-2.0
// Ways to spoil a checkpoint folder, whose files may be links: what changes becomes a file of its own. `a`,
// `b` and `c` are a case's own words. What is impossible fails the running cmocka test.
#pragma once

#define SINGLE "model.safetensors"
#define INDEX "model.safetensors.index.json"

// Key a of config.json (key b inside object a; b may be a path "x.y.z") becomes JSON c, or goes when c is
// NULL.
void spoil_config(const char *dir, const char *a, const char *b, const char *c);
// config.json is the text a.
void spoil_config_text(const char *dir, const char *a, const char *b, const char *c);
// In the header, field b of tensor a becomes JSON c; with b NULL the tensor is renamed to c.
void spoil_header(const char *dir, const char *a, const char *b, const char *c);
// In the header, text a becomes text b of any length.
void spoil_header_text(const char *dir, const char *a, const char *b, const char *c);
// The weight file has a bytes: from its start when a >= 0, else so many less; more than there are is zeros.
void spoil_size(const char *dir, const char *a, const char *b, const char *c);
// The header's length, the first 8 bytes, is a.
void spoil_length(const char *dir, const char *a, const char *b, const char *c);
// The bytes of tensor a from b on become c, numbers with a space between.
void spoil_data(const char *dir, const char *a, const char *b, const char *c);
// The file named a is gone; with b it is a folder.
void spoil_gone(const char *dir, const char *a, const char *b, const char *c);
// Shards a.safetensors with tensor "a" and b.safetensors with tensor c (or "b"); the index is the text a.
void spoil_shards(const char *dir, const char *a, const char *b, const char *c);
// 2,000 open brackets in the file a, for the header in the place of a shape.
void spoil_deep_json(const char *dir, const char *a, const char *b, const char *c);
