// SPDX-License-Identifier: Apache-2.0
// The host form of lane.h: what is written there of several collectives names the place of its call in
// errors.
#pragma once
#define lane_sum(v) LANE_CALL(lane_sum, v)
#define lane_max(v) LANE_CALL(lane_max, v)
#define lane_max_u32(v) LANE_CALL(lane_max_u32, v)
#define block_sum(v, room) LANE_CALL(block_sum, v, room)
#define block_max(v, room) LANE_CALL(block_max, v, room)
#define block_is_last(counter, parts, room) LANE_CALL(block_is_last, counter, parts, room)
