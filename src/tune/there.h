// SPDX-License-Identifier: Apache-2.0
// Inside the room: measuring where a device runs the kernels.
#pragma once
#include "tune/measure.h"

// Measures the candidates of e that are not refused, modules' kernels all, on m->on.
nf_status nf_tune_there(const nf_case *c, const nf_measuring *m, nf_tune_entry *e);
