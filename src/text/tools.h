// SPDX-License-Identifier: Apache-2.0
// Tools in OpenAI's form, as JSON; for this room only.
#pragma once
#include "base/json.h"

#define NF_TOOLS_MAX ((size_t)4 << 20) // bytes of JSON

// An array of {"type": "function", "function": {"name", "description", "parameters"}}, or with the inner
// members in the outer object, as the responses API has them. NF_BAD_INPUT: it is no such array.
nf_status nf_tools_parse(nf_view json, nf_json *out);
const json_t *nf_tool_function(const json_t *tool); // the object that has the name
