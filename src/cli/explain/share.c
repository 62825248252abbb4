// SPDX-License-Identifier: Apache-2.0
#include "cli/explain/share.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/explain/doc.h"
#include <stdlib.h>
#include <string.h>

const char *const cli_bounds[CLI_BOUNDS] = {"memory", "compute", "links", "launch"};

static void add(cli_share *s, const json_t *node) {
  const double us = cli_number(node, "us");
  s->launches++;
  s->us += us;
  for (int b = 0; b < CLI_BOUNDS; b++)
    if (cli_equal(node, "bound", cli_bounds[b])) s->by_bound[b] += us;
}

static int longest_first(const void *a, const void *b) {
  const cli_share *x = a, *y = b;
  return x->us < y->us ? 1 : x->us > y->us ? -1 : strcmp(x->name, y->name);
}

cli_share *cli_shares(const json_t *nodes, const char *key, size_t *out_n) {
  cli_share *all = nf_alloc(json_array_size(nodes) + 1, sizeof *all);
  size_t n = 0;
  CLI_EACH(node, all != NULL ? nodes : NULL) {
    size_t k = 0;
    if (cli_is_view(node)) continue;
    while (k < n && !cli_equal(node, key, all[k].name)) k++;
    if (k == n) all[n++].name = cli_text(node, key);
    add(&all[k], node);
  }
  if (n != 0) qsort(all, n, sizeof *all, longest_first);
  *out_n = n;
  return all;
}

char *cli_share_bounds(const cli_share *s) {
  nf_text t = {0};
  bool used[CLI_BOUNDS] = {false};
  for (int shown = 0; shown < CLI_BOUNDS; shown++) {
    int most = -1;
    for (int b = 0; b < CLI_BOUNDS; b++)
      if (!used[b] && s->by_bound[b] > 0 && (most < 0 || s->by_bound[b] > s->by_bound[most])) most = b;
    if (most < 0) break;
    used[most] = true;
    nf_text_printf(&t, "%s%s", shown != 0 ? ", " : "", cli_bounds[most]);
    if (s->by_bound[most] < s->us * 0.9995) nf_text_printf(&t, " %.0f %%", 100 * s->by_bound[most] / s->us);
  }
  if (t.n == 0) nf_text_printf(&t, "?");
  return cli_taken(&t);
}
