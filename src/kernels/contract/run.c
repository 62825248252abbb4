// SPDX-License-Identifier: Apache-2.0
// Running a kernel's host entry where there is no device.
#include "base/checked.h"
#include "base/memory.h"
#include "kernels/contract/variant.h"
#include <assert.h>

nf_status nf_variant_run(const nf_variant *v, const void *args, nf_threads *threads) {
  assert(v->entry.kind == NF_ENTRY_HOST);
  const nf_host_function *f = &v->entry.host;
  const size_t each = f->scratch == NULL ? 0 : (size_t)nf_round_up((int64_t)f->scratch(args), NF_CACHE_LINE);
  void *scratch = NULL;
  if (each != 0) {
    scratch = nf_alloc_aligned(each * (size_t)(threads != NULL ? nf_threads_count(threads) : 1));
    if (scratch == NULL) return nf_error(NF_NO_MEMORY, "no memory for the scratch of %s", v->name);
  }
  nf_host_run(f, args, threads, scratch, each);
  nf_free_aligned(scratch);
  return nf_ok();
}
