// SPDX-License-Identifier: Apache-2.0
// Values against the JSON schemas of tools: the part of JSON Schema that declarations of tools use.
//
// type, properties, required, additionalProperties, items, enum, const, minimum and maximum are checked; what
// only describes (title, description, default, examples, format) is not, and any other keyword is refused
// when the schema is read. A schema that lists properties admits no others unless it says so: a model that
// invents a parameter is wrong.
#pragma once
#include "base/json.h"

// Whether it is a schema that eval_admits knows. NF_BAD_INPUT names the key and what would be right. A schema
// that is missing admits everything.
nf_status eval_schema_check(const nf_json_at *schema);
bool eval_admits(const json_t *schema, const json_t *value); // of a schema that was checked
bool eval_equal(const json_t *a, const json_t *b);           // as JSON values: 3 is 3.0
