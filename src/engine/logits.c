// SPDX-License-Identifier: Apache-2.0
// Teacher-forced logits into a file: rows are written as they are computed, so memory does not grow with the
// text.
#include "base/memory.h"
#include "engine/engine.h"
#include <infuse/inspect.h>

typedef struct job {
  infuse_model *m;
  size_t n, rows; // tokens, and how many of the last of them are written
  bool hidden;
  nf_safetensors_writer writer; // tensor 0: logits, 1 + l: hidden.l
} job;

// ---- forced experts ----

static nf_status check_routes_shape(const infuse_model *m, const char *path, const nf_stored *t, size_t n) {
  if (t == NULL) return nf_error(NF_BAD_INPUT, "%s: no tensor 'routes'", path);
  if (t->dtype == NF_I64 && t->rank == 3 && t->dim[0] == m->config.layers && t->dim[1] == (int64_t)n &&
      t->dim[2] == m->config.experts_per_token)
    return nf_ok();
  return nf_error(NF_BAD_INPUT,
                  "%s: 'routes' must be I64 [%ld, %zu, %ld] (layers, tokens, experts per token)", path,
                  (long)m->config.layers, n, (long)m->config.experts_per_token);
}

// *out is the caller's to free, on failure too.
static nf_status read_routes(const infuse_model *m, const char *path, size_t n, int32_t **out) {
  nf_safetensors file;
  const nf_stored *t = NULL;
  int64_t *wide = NULL;
  nf_status st;
  NF_TRY(nf_safetensors_open(path, &file));
  for (size_t i = 0; i < file.n; i++)
    if (nf_view_equal(nf_view_of(file.tensor[i].name), NF_VIEW("routes"))) t = &file.tensor[i];
  NF_GOTO(check_routes_shape(m, path, t, n));
  const size_t count = t->bytes / sizeof *wide;
  NF_GOTO(nf_make(&wide, count, sizeof *wide, "the experts of tokens"));
  NF_GOTO(nf_make(out, count, sizeof **out, "the experts of tokens"));
  NF_GOTO(nf_file_read(&file.file, t->offset, wide, t->bytes));
  for (size_t i = 0; i < count; i++) {
    if (wide[i] < 0 || wide[i] >= m->config.experts)
      NF_GOTO(nf_error(NF_BAD_INPUT, "%s: 'routes' element %zu is expert %ld; the model has experts 0 to %ld",
                       path, i, (long)wide[i], (long)m->config.experts - 1));
    (*out)[i] = (int32_t)wide[i];
  }
fail:
  nf_free(wide);
  nf_safetensors_close(&file);
  return st;
}

// ---- the output file ----

static nf_status create_file(job *j, const char *path) {
  const infuse_model *m = j->m;
  const size_t count = 1 + (j->hidden ? (size_t)m->config.layers + 1 : 0);
  nf_stored *tensor = NULL;
  nf_arena names = {0};
  nf_status st = nf_make(&tensor, count, sizeof *tensor, "a file header");
  for (size_t i = 0; nf_is_ok(st) && i < count; i++) {
    const char *name = i == 0 ? "logits" : nf_arena_printf(&names, "hidden.%zu", i - 1);
    if (name == NULL) st = nf_error(NF_NO_MEMORY, "no memory for a file header");
    tensor[i] = (nf_stored){.name = name, .dtype = NF_F32, .rank = 2};
    tensor[i].dim[0] = (int64_t)j->rows;
    tensor[i].dim[1] = i == 0 ? m->config.vocab : m->config.hidden;
  }
  if (nf_is_ok(st)) st = nf_safetensors_create(path, tensor, count, &j->writer);
  nf_arena_deinit(&names);
  nf_free(tensor);
  return st;
}

// Writes those rows of r that belong to the last j->rows tokens.
static nf_status write_rows(job *j, size_t tensor, infuse_rows r) {
  const size_t from = j->n - j->rows, skip = r.first < from ? from - r.first : 0;
  if (r.rows <= skip) return nf_ok();
  const size_t row_bytes = r.width * sizeof(float);
  return nf_safetensors_write(&j->writer, tensor, (uint64_t)(r.first + skip - from) * row_bytes,
                              r.data + skip * r.width, (r.rows - skip) * row_bytes);
}

static nf_status run(job *j, infuse_session *s) {
  while (infuse_session_pending(s) != 0) {
    NF_TRY(nf_step_alone(s));
    NF_TRY(write_rows(j, 0, infuse_session_logits(s)));
    for (int64_t l = 0; j->hidden && l <= j->m->config.layers; l++) {
      infuse_rows r;
      NF_TRY((nf_status){infuse_session_hidden(s, l, &r)});
      NF_TRY(write_rows(j, 1 + (size_t)l, r));
    }
    NF_TRY(nf_log_progress(&j->m->rt->log, "computing", infuse_session_position(s), j->n));
  }
  return nf_ok();
}

static nf_status append(infuse_session *s, const int32_t *tokens, size_t n, const char *routes_path) {
  if (routes_path == NULL) return (nf_status){infuse_session_append(s, tokens, n)};
  int32_t *routes = NULL;
  nf_status st = read_routes(s->model, routes_path, n, &routes);
  if (nf_is_ok(st)) st = (nf_status){infuse_session_append_routed(s, tokens, n, routes)};
  nf_free(routes);
  return st;
}

infuse_error *infuse_write_logits(infuse_model *m, const int32_t *tokens, size_t n,
                                  const infuse_logits_options *o, const char *path) {
  infuse_logits_options options = {0};
  infuse_session *s = NULL;
  job j = {.m = m, .n = n};
  nf_status st;
  NF_GOTO(NF_GIVEN({"model", m != NULL}, {"list of tokens", tokens != NULL}, {"path", path != NULL}));
  NF_GOTO(NF_OPTIONS(infuse_logits_options, routes, &options, o));
  if (n == 0) NF_GOTO(nf_error(NF_USAGE, "no tokens"));
  if (!nf_device_computes(m->rt->device))
    NF_GOTO(nf_error(NF_USAGE, "device %s computes nothing to write", nf_device_name(m->rt->device)));
  j.rows = options.last != 0 && options.last < n ? options.last : n;
  j.hidden = options.hidden;
  const infuse_session_options so = {.size = sizeof so, .rows = (int64_t)j.rows};
  NF_GOTO((nf_status){infuse_session_create(m, &so, &s)});
  NF_GOTO(append(s, tokens, n, options.routes));
  NF_GOTO(create_file(&j, path));
  NF_GOTO(run(&j, s));
  NF_GOTO(nf_safetensors_commit(&j.writer));
fail:
  nf_safetensors_abandon(&j.writer);
  infuse_session_destroy(s);
  return st.error;
}
