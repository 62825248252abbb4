// SPDX-License-Identifier: Apache-2.0
// token_cost IDS LOGITS.safetensors: what the tokens in IDS ("[1,2,3]") cost by the logits that `infuse
// logits` wrote of them, each but the first behind those in front of it: nats, added up. For tests of infuse
// eval, in doubles and with no code of it.
#include "base/memory.h"
#include "checkpoint/safetensors.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double cost(const float *logits, long vocab, long token) {
  double sum = 0;
  for (long i = 0; i < vocab; i++) sum += exp((double)logits[i] - (double)logits[token]);
  return log(sum);
}

static int add_up(FILE *ids, const float *logits, long rows, long vocab) {
  double sum = 0;
  long token, at = -1; // the row in front of the token that is read
  for (int c = 0; c != EOF && at < rows - 1;) {
    if (fscanf(ids, "%ld", &token) == 1) {
      if (token < 0 || token >= vocab) return 1;
      if (at >= 0) sum += cost(logits + at * vocab, vocab, token);
      at++;
    } else
      c = fgetc(ids);
  }
  return printf("%.9g\n", sum) < 0 || at != rows - 1;
}

int main(int argc, char **argv) {
  nf_safetensors s = {0};
  FILE *ids = argc == 3 ? fopen(argv[1], "r") : NULL;
  if (ids == NULL) return fprintf(stderr, "usage: token_cost IDS LOGITS.safetensors\n"), 2;
  nf_status st = nf_safetensors_open(argv[2], &s);
  float *logits = nf_is_ok(st) ? nf_alloc(1, s.tensor[0].bytes) : NULL;
  if (logits != NULL) st = nf_file_read(&s.file, s.tensor[0].offset, logits, s.tensor[0].bytes);
  int code = logits == NULL || !nf_is_ok(st);
  if (code == 0) code = add_up(ids, logits, (long)s.tensor[0].dim[0], (long)s.tensor[0].dim[1]);
  if (code != 0)
    fprintf(stderr, "token_cost: %s\n", nf_is_ok(st) ? "ids and rows do not match" : nf_status_message(st));
  nf_status_free(st);
  nf_free(logits);
  nf_safetensors_close(&s);
  fclose(ids);
  return code;
}
