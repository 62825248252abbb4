// SPDX-License-Identifier: Apache-2.0
// Loading a graph's weights as a model does, without keeping them.
#pragma once
#include "checkpoint/weights.h"

nf_status load_every_weight(const nf_checkpoint *files, const nf_graph *g); // the first error ends it
