// SPDX-License-Identifier: Apache-2.0
#include "text/tools.h"

const json_t *nf_tool_function(const json_t *tool) {
  const json_t *inner = json_object_get(tool, "function");
  return inner ? inner : tool;
}

static nf_status check_function(const nf_json_at *function) {
  NF_TRY(nf_json_object(function));
  const nf_json_at name = nf_json_get(function, "name"), description = nf_json_get(function, "description"),
                   parameters = nf_json_get(function, "parameters");
  nf_view text;
  NF_TRY(nf_json_string(&name, &text));
  if (!text.n) return nf_json_error(&name, "is empty, should name the function");
  if (description.value) NF_TRY(nf_json_string(&description, &text));
  return parameters.value ? nf_json_object(&parameters) : nf_ok();
}

static nf_status check_tool(const nf_json_at *tool) {
  NF_TRY(nf_json_object(tool));
  const nf_json_at type = nf_json_get(tool, "type"), function = nf_json_get(tool, "function");
  nf_view text = NF_VIEW("function");
  if (type.value) NF_TRY(nf_json_string(&type, &text));
  if (!nf_view_equal(text, NF_VIEW("function")))
    return nf_json_error(&type, "is \"%.*s\", should be \"function\"", (int)text.n, text.at);
  return check_function(function.value ? &function : tool);
}

nf_status nf_tools_parse(nf_view json, nf_json *out) {
  *out = (nf_json){0};
  if (json.n > NF_TOOLS_MAX)
    return nf_error(NF_BAD_INPUT, "tools: %zu bytes of JSON, there may be %zu", json.n, NF_TOOLS_MAX);
  nf_json doc;
  NF_TRY(nf_json_parse(json.at ? json.at : "", json.n, "tools", &doc));
  const nf_json_at root = nf_json_root(&doc);
  size_t n = 0;
  nf_status st = nf_json_array(&root, &n);
  for (size_t i = 0; nf_is_ok(st) && i < n; i++) {
    const nf_json_at tool = nf_json_item(&root, i);
    st = check_tool(&tool);
  }
  if (nf_is_ok(st))
    *out = doc;
  else
    nf_json_deinit(&doc);
  return st;
}
