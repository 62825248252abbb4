// SPDX-License-Identifier: Apache-2.0
// Times a tokenizer: tokenizer_bench tokenizer.json text.txt (tools/make_big_tokenizer.py makes both). Best
// of five for encoding, first and best of three for loading.
//
//   one core of a shared 2-core machine, gcc 12 -O2, 2026      load first / best   encode      1 MiB of 'a'
//   o200k-like, 26.9 MB, 200,000 entries, 446,000 pairs        437 / 330 ms        24.1 MB/s   170 ms
//   qwen-like, 11.1 MB, 151,643 entries, 151,387 pairs         110 / 84 ms         20.9 MB/s   132 ms
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "text/tokenizer.h"
#include <malloc.h>
#include <stdio.h>
#include <string.h>

static int report(nf_status st) {
  fprintf(stderr, "tokenizer_bench: %s\n", nf_status_message(st));
  nf_status_free(st);
  return 1;
}

static nf_status time_encode(const nf_tokenizer *t, const char *what, nf_view text, int rounds) {
  double best = 1e9;
  nf_ids ids = {0};
  for (int i = 0; i < rounds; i++) {
    ids.n = 0;
    double start = nf_now();
    nf_status st = nf_encode(t, text, 0, &ids);
    if (!nf_is_ok(st)) return nf_ids_deinit(&ids), st;
    double took = nf_now() - start;
    if (took < best) best = took;
  }
  printf("encode %s: %.1f ms, %.1f MB/s, %zu ids, %.2f bytes per id\n", what, best * 1e3,
         (double)text.n / best * 1e-6, ids.n, (double)text.n / (double)ids.n);
  nf_ids_deinit(&ids);
  return nf_ok();
}

static nf_status time_load(const char *path, nf_tokenizer **out) {
  double best = 1e9, first = 0;
  for (int i = 0; i < 3; i++) {
    if (i) nf_tokenizer_destroy(*out);
    double start = nf_now();
    NF_TRY(nf_tokenizer_load(path, out));
    double took = nf_now() - start;
    if (i == 0) first = took;
    if (took < best) best = took;
  }
  printf(
      "load: first %.0f ms, best %.0f ms; tables %.1f MB, heap in use %.1f MB, peak of the process %.0f MB\n",
      first * 1e3, best * 1e3, (double)nf_tokenizer_bytes(*out) * 1e-6,
      (double)(mallinfo2().uordblks + mallinfo2().hblkhd) * 1e-6, (double)nf_peak_rss() * 1e-6);
  return nf_ok();
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: tokenizer_bench tokenizer.json text.txt\n"), 2;
  nf_tokenizer *t = NULL;
  char *text = NULL, *letters = nf_alloc(1 << 20, 1);
  size_t n;
  nf_status st = letters ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory");
  if (letters) memset(letters, 'a', 1 << 20);
  if (nf_is_ok(st)) st = time_load(argv[1], &t);
  if (nf_is_ok(st)) st = nf_file_load(argv[2], NF_ENCODE_MAX, &text, &n);
  if (nf_is_ok(st)) st = time_encode(t, "text", (nf_view){text, n}, 5);
  if (nf_is_ok(st)) st = time_encode(t, "a short prompt", NF_VIEW("What is the capital of France?"), 100);
  if (nf_is_ok(st)) st = time_encode(t, "1 MiB of 'a'", (nf_view){letters, 1 << 20}, 3);
  if (nf_is_ok(st)) memset(letters, ' ', 1 << 20);
  if (nf_is_ok(st)) st = time_encode(t, "1 MiB of spaces", (nf_view){letters, 1 << 20}, 3);
  nf_tokenizer_destroy(t);
  nf_free(text);
  nf_free(letters);
  return nf_is_ok(st) ? 0 : report(st);
}
