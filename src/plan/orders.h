// SPDX-License-Identifier: Apache-2.0
// Inside the room: the second thing that a layout decides for all plans of a model.
#pragma once
#include "plan/layout.h"

// Fills l->orders, where packing orders are decided. NF_NO_MEMORY.
nf_status nf_orders_choose(nf_layout *l, const nf_hw *hw, const nf_layout_user *user, size_t n);
