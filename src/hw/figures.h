// SPDX-License-Identifier: Apache-2.0
// The host's measured speeds: looked up in the user's cache folder, or measured and kept there.
#pragma once
#include "base/log.h"
#include "hw/measure.h"

// Of these threads on this host. What is kept is of this processor, these features and as many threads; a
// file that is not whole or of something else is a miss, and told in one warning, as is a folder that can't
// be written to. *out false, *speeds untouched: nothing is to be kept (nf_cache_folder), so nothing is
// measured either: what was measured anew each time would be different each time. anew: what was kept is
// replaced, and told in a warning where it was much less, as others had the machine when it was measured.
bool nf_hw_figures(const nf_hw *hw, nf_threads *threads, bool anew, const nf_log *log, nf_speeds *out);

// Puts them in the place of what nf_hw_state_peaks stated: bandwidth, links, launch, and the peaks of all
// threads; those of units that there are none of follow from float32's, as they did.
void nf_hw_use(nf_hw *hw, const nf_speeds *s);

// What a kept file is told apart by, freed by nf_free; NULL: no memory. And what it says, for tests and the
// fuzzer: NF_BAD_INPUT where it is not whole, or of another key.
char *nf_figures_key(const nf_hw *hw, int threads);
nf_status nf_figures_parse(const char *text, size_t n, const char *where, const char *key, nf_speeds *out);
