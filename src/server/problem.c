// SPDX-License-Identifier: Apache-2.0
#include "server/problem.h"
#include <string.h>

static const struct {
  int status, retry_after;
  const char *type, *code, *message;
} row[NF_PROBLEMS] = {
    [NF_PROBLEM_NONE] = {200, 0, "", NULL, ""},
    [NF_PROBLEM_REQUEST] = {400, 0, "invalid_request_error", NULL, "the request is wrong"},
    [NF_PROBLEM_CONTEXT] = {400, 0, "invalid_request_error", "context_length_exceeded",
                            "the prompt is too long"},
    [NF_PROBLEM_KEY] = {401, 0, "invalid_request_error", "invalid_api_key",
                        "this server wants an API key: Authorization: Bearer KEY"},
    [NF_PROBLEM_MODEL] = {404, 0, "invalid_request_error", "model_not_found", "there is no such model here"},
    [NF_PROBLEM_PATH] = {404, 0, "invalid_request_error", "not_found", "there is no such path here"},
    [NF_PROBLEM_METHOD] = {405, 0, "invalid_request_error", "method_not_allowed",
                           "the path has no such method"},
    [NF_PROBLEM_WAITED] = {408, 0, "timeout_error", "queue_timeout",
                           "the request waited too long for its turn"},
    [NF_PROBLEM_TOO_LARGE] = {413, 0, "invalid_request_error", "request_too_large", "the body is too large"},
    [NF_PROBLEM_BUSY] = {429, 1, "rate_limit_error", "queue_full", "too many requests wait already"},
    [NF_PROBLEM_CANCELLED] = {499, 0, "cancelled_error", "request_cancelled",
                              "the request was cancelled by who runs the server"},
    [NF_PROBLEM_INTERNAL] = {500, 0, "server_error", NULL, "something went wrong in the server"},
    [NF_PROBLEM_UNAVAILABLE] = {503, 5, "server_error", "unavailable", "the server can't answer now"},
};

int nf_problem_status(nf_problem_kind kind) { return row[kind].status; }
int nf_problem_retry_after(nf_problem_kind kind) { return row[kind].retry_after; }

nf_problem_kind nf_problem_of(nf_code code) {
  switch (code) {
  case NF_OK:
    return NF_PROBLEM_NONE;
  case NF_USAGE:
  case NF_BAD_INPUT:
    return NF_PROBLEM_REQUEST;
  case NF_UNAVAILABLE:
  case NF_CANCELLED:
    return NF_PROBLEM_UNAVAILABLE;
  default:
    return NF_PROBLEM_INTERNAL;
  }
}

// "body: messages[0].role: is missing": the path is the parameter. A place in a broken text is none.
static json_t *param_in(const char *message) {
  static const char where[] = "body: ";
  const char *path = message + sizeof where - 1, *end;
  if (strncmp(message, where, sizeof where - 1) != 0 || strncmp(path, "line ", 5) == 0) return json_null();
  if ((end = strstr(path, ": ")) == NULL) return json_null();
  const char *blank = memchr(path, ' ', (size_t)(end - path)); // within a client's own key
  if (blank != NULL) end = memrchr(path, '.', (size_t)(blank - path));
  return end != NULL ? json_stringn(path, (size_t)(end - path)) : json_null();
}

json_t *nf_problem_json(nf_problem_kind kind, const char *message, const char *param) {
  json_t *o = json_object(), *error = json_object();
  const char *text = message != NULL ? message : row[kind].message;
  bool ok = nf_json_put(error, "message", json_string(text));
  ok = nf_json_put(error, "type", json_string(row[kind].type)) && ok;
  ok = nf_json_put(error, "param", param != NULL ? json_string(param) : param_in(text)) && ok;
  ok = nf_json_put(error, "code", row[kind].code != NULL ? json_string(row[kind].code) : json_null()) && ok;
  ok = nf_json_put(o, "error", error) && ok;
  return nf_json_whole(o, ok);
}

static int take_text(const char *text, size_t n, void *out) {
  nf_text_append(out, text, n);
  return ((nf_text *)out)->failed ? -1 : 0;
}

nf_status nf_json_write(json_t *value, nf_text *out) {
  const size_t before = out->n;
  const bool whole =
      json_dump_callback(value, take_text, out, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY) == 0;
  json_decref(value);
  if (whole) return nf_ok();
  out->n = before;
  return nf_error(NF_NO_MEMORY, "no memory for an answer");
}

nf_status nf_problem_body(nf_problem_kind kind, const char *message, const char *param, nf_text *out) {
  return nf_json_write(nf_problem_json(kind, message, param), out);
}
