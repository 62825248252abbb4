// SPDX-License-Identifier: Apache-2.0
// Times constraints: constrain_bench tokenizer.json (tools/make_big_tokenizer.py makes one). The tree of its
// vocabulary, compiling, and the mask at each token of an answer, made anew and found again.
#include "base/clock.h"
#include "base/memory.h"
#include "constrain/constraining.h"
#include <stdio.h>

static const char *const schema = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},"
                                  "\"age\":{\"type\":\"integer\",\"minimum\":0,"
                                  "\"maximum\":150},\"email\":{\"type\":\"string\",\"format\":\"email\"},"
                                  "\"tags\":{\"type\":\"array\",\"items\":{\"type\":"
                                  "\"string\",\"maxLength\":20},\"maxItems\":10},\"kind\":{\"enum\":["
                                  "\"person\",\"company\",\"other\"]},\"address\":{\"type\":"
                                  "\"object\",\"properties\":{\"street\":{\"type\":\"string\"},\"zip\":{"
                                  "\"type\":\"string\",\"pattern\":\"^[0-9]{5}$\"},"
                                  "\"city\":{\"type\":\"string\"}},\"required\":[\"street\",\"city\"],"
                                  "\"additionalProperties\":false},\"parent\":{\"anyOf\":"
                                  "[{\"$ref\":\"#\"},{\"type\":\"null\"}]}},\"required\":[\"name\",\"age\","
                                  "\"kind\",\"parent\"],\"additionalProperties\":false}";
static const char *const document = "{\"name\": \"Ada Lovelace of the analytical engine\", \"age\": 36, "
                                    "\"email\": \"ada@example.org\", \"tags\": "
                                    "[\"mathematics\", \"engines and notes\"], \"kind\": \"person\", "
                                    "\"address\": {\"street\": \"12 St. James's Square\", "
                                    "\"zip\": \"12345\", \"city\": \"London\"}, \"parent\": {\"name\": "
                                    "\"Byron\", \"age\": 36, \"kind\": \"other\", \"parent\": null}}";

enum { ROUNDS = 50, TOKENS_MAX = 512 };

// Of each token the best of all rounds, as other work on the machine comes and goes.
typedef struct times {
  double best[TOKENS_MAX];
} times;
static void add(times *t, size_t i, double seconds) {
  if (t->best[i] == 0 || seconds < t->best[i]) t->best[i] = seconds;
}
static void print(const char *what, const times *t, size_t n) {
  double sum = 0, most = 0;
  for (size_t i = 0; i < n; i++) sum += t->best[i], most = t->best[i] > most ? t->best[i] : most;
  printf("%-28s %4zu: %8.1f us on average, %8.1f us at most\n", what, n, 1e6 * sum / (double)n, 1e6 * most);
}

// One answer: masks at each token.
static nf_status answer(nf_constraint *c, const nf_tokenizer *t, const nf_ids *ids, uint64_t *bits,
                        times *out) {
  nf_constrained x = {0};
  nf_next next;
  bool fits = true;
  nf_status st = nf_ok();
  for (size_t i = 0; i < ids->n && i < TOKENS_MAX; i++) {
    const double start = nf_now();
    NF_GOTO(nf_constrained_next(c, &x, bits, &next));
    add(out, i, nf_now() - start);
    if (!bit_is_set(bits, ids->at[i])) NF_GOTO(nf_error(NF_INTERNAL, "token %zu is not allowed", i));
    NF_GOTO(nf_constrained_take(c, &x, nf_token_bytes(t, ids->at[i]), &fits));
  }
fail:
  nf_constrained_deinit(&x);
  return st;
}

static nf_status measure(const nf_tokenizer *t, nf_token_tree *tree, uint64_t *bits, const nf_ids *ids) {
  times compiling = {0}, fresh = {0}, kept = {0};
  for (int i = 0; i < ROUNDS; i++) {
    nf_constraint *c;
    const double start = nf_now();
    NF_TRY(constrain_to(tree, NF_PIECE_SCHEMA, nf_view_of(schema), &c));
    add(&compiling, 0, nf_now() - start);
    nf_status st = answer(c, t, ids, bits, &fresh);
    if (nf_is_ok(st)) st = answer(c, t, ids, bits, &kept);
    nf_constraint_release(c);
    NF_TRY(st);
  }
  print("compile", &compiling, 1);
  print("masks of a first answer", &fresh, ids->n);
  print("masks of a second answer", &kept, ids->n);
  return nf_ok();
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: constrain_bench tokenizer.json\n"), 2;
  nf_tokenizer *t = NULL;
  nf_token_tree *tree = NULL;
  nf_ids ids = {0};
  uint64_t *bits = nf_alloc(NF_TOKENS_MAX / 64, sizeof *bits);
  nf_status st = bits != NULL ? nf_tokenizer_load(argv[1], &t) : nf_error(NF_NO_MEMORY, "no memory");
  const double start = nf_now();
  if (nf_is_ok(st)) st = nf_token_tree_create(t, nf_tokenizer_vocab_size(t), &tree);
  if (nf_is_ok(st))
    printf("%d tokens: tree in %.1f ms, %.1f MB\n", nf_tokenizer_vocab_size(t), 1e3 * (nf_now() - start),
           1e-6 * (double)nf_token_tree_bytes(tree));
  if (nf_is_ok(st)) st = nf_encode(t, nf_view_of(document), NF_ENCODE_PLAIN, &ids);
  if (nf_is_ok(st)) st = measure(t, tree, bits, &ids);
  if (!nf_is_ok(st)) fprintf(stderr, "constrain_bench: %s\n", nf_status_message(st));
  const int code = nf_is_ok(st) ? 0 : 1;
  nf_status_free(st);
  nf_ids_deinit(&ids);
  nf_token_tree_destroy(tree);
  nf_tokenizer_destroy(t);
  nf_free(bits);
  return code;
}
