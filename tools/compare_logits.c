// SPDX-License-Identifier: Apache-2.0
// compare_logits GOT.safetensors WANT.safetensors [I] [--bound E]
//
// Compares what `infuse logits` wrote with a stored reference: "logits" with "logits.I" and, for prompt 0,
// every "hidden.L" that both files have. I is a prompt's number or "long" (default 0). One line a tensor: the
// error
// ||got - want|| / ||want|| of the whole, and of the worst and the median row. Exits 1 when the whole exceeds
// the bound (default 1e-4), 3 when a file cannot be read.
#include "base/difference.h"
#include "base/memory.h"
#include "base/text.h"
#include "checkpoint/safetensors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const nf_stored *find(const nf_safetensors *s, const char *name) {
  for (size_t i = 0; i < s->n; i++)
    if (strcmp(s->tensor[i].name, name) == 0 && s->tensor[i].dtype == NF_F32 && s->tensor[i].rank == 2)
      return &s->tensor[i];
  return NULL;
}

static float *read_all(const nf_safetensors *s, const nf_stored *t) {
  float *data = nf_alloc(1, t->bytes);
  const nf_status st =
      data != NULL ? nf_file_read(&s->file, t->offset, data, t->bytes) : nf_error(NF_NO_MEMORY, "no memory");
  if (nf_is_ok(st)) return data;
  fprintf(stderr, "compare_logits: %s\n", nf_status_message(st));
  nf_status_free(st);
  nf_free(data);
  return NULL;
}

typedef struct errors {
  double whole, worst, median;
} errors;

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

// `row` [rows] is scratch. NaN anywhere makes the whole NaN.
static errors measure(const float *got, const float *want, int64_t rows, int64_t cols, double *row) {
  nf_difference all = {0};
  nf_difference_add(&all, got, want, rows * cols);
  for (int64_t r = 0; r < rows; r++) {
    nf_difference one = {0};
    nf_difference_add(&one, got + r * cols, want + r * cols, cols);
    row[r] = nf_difference_of(&one);
  }
  qsort(row, (size_t)rows, sizeof *row, ascending);
  return (errors){nf_difference_of(&all), row[rows - 1], row[rows / 2]};
}

// 0: within the bound; 1: not, or shapes differ; 3: unreadable.
static int compare(const nf_safetensors *got, const char *got_name, const nf_safetensors *want,
                   const char *want_name, double bound) {
  const nf_stored *g = find(got, got_name), *w = find(want, want_name);
  if (g == NULL || w == NULL || g->dim[0] != w->dim[0] || g->dim[1] != w->dim[1] || g->dim[0] == 0) {
    fprintf(stderr, "compare_logits: '%s' and '%s' are not F32 matrices of one shape\n", got_name, want_name);
    return 1;
  }
  float *a = read_all(got, g), *b = read_all(want, w);
  double *row = nf_alloc((size_t)g->dim[0], sizeof *row);
  int code = 3;
  if (a != NULL && b != NULL && row != NULL) {
    const errors e = measure(a, b, g->dim[0], g->dim[1], row);
    code = e.whole <= bound ? 0 : 1;
    printf("%-12s %5ld x %-6ld error %.1e  worst row %.1e  median %.1e  bound %.0e  %s\n", want_name,
           (long)g->dim[0], (long)g->dim[1], e.whole, e.worst, e.median, bound,
           code == 0 ? "ok" : "TOO LARGE");
  }
  nf_free(row);
  nf_free(a);
  nf_free(b);
  return code;
}

static int compare_files(const nf_safetensors *got, const nf_safetensors *want, const char *prompt,
                         double bound) {
  char name[64];
  snprintf(name, sizeof name, "logits.%s", prompt);
  int code = compare(got, "logits", want, name, bound);
  for (int l = 0; code != 3 && strcmp(prompt, "0") == 0; l++) {
    snprintf(name, sizeof name, "hidden.%d", l);
    if (find(got, name) == NULL || find(want, name) == NULL) break;
    const int one = compare(got, name, want, name, bound);
    code = one > code ? one : code;
  }
  return code;
}

static bool open_file(const char *path, nf_safetensors *out) {
  const nf_status st = nf_safetensors_open(path, out);
  if (nf_is_ok(st)) return true;
  fprintf(stderr, "compare_logits: %s\n", nf_status_message(st));
  nf_status_free(st);
  return false;
}

int main(int argc, char **argv) {
  const char *prompt = "0";
  double bound = 1e-4;
  for (int i = 3; i < argc; i++) {
    if (strcmp(argv[i], "--bound") == 0 && i + 1 < argc && nf_parse_f64(nf_view_of(argv[i + 1]), &bound))
      i++;
    else
      prompt = argv[i];
  }
  if (argc < 3) return fprintf(stderr, "usage: compare_logits GOT WANT [I] [--bound E]\n"), 2;
  nf_safetensors got = {0}, want = {0};
  int code = 3;
  if (open_file(argv[1], &got) && open_file(argv[2], &want)) code = compare_files(&got, &want, prompt, bound);
  nf_safetensors_close(&got);
  nf_safetensors_close(&want);
  return code;
}
