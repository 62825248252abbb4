// SPDX-License-Identifier: Apache-2.0
// infuse generate: a prompt, or a message, and what the model makes of it, as it comes.
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/session.h"
#include <stdio.h>
#include <string.h>

typedef struct job {
  cli_session session;
  cli_answer answer;
} job;

// ---- the prompt ----

static bool is_chat(const cli_session *s) {
  return cli_wants_chat(s->o) || (!s->o->raw && infuse_model_chat_format(s->m) != NULL);
}

static int append_ids(cli_session *s) {
  int32_t *ids;
  size_t n;
  int code = cli_tokens(s->o->tokens, &ids, &n);
  if (code == 0) code = cli_fail(infuse_session_append(s->s, ids, n));
  nf_free(ids);
  return code;
}

static int append_text(cli_session *s, const char *text, size_t n) {
  const infuse_tokenizer *t = infuse_model_tokenizer(s->m);
  int32_t *ids;
  size_t n_ids;
  int code = cli_fail(infuse_model_check_text(s->m));
  if (code != 0) return code;
  code = cli_fail(infuse_encode(t, text, n, 0, &ids, &n_ids));
  if (code != 0) return code;
  code = n_ids != 0 ? cli_fail(infuse_session_append(s->s, ids, n_ids)) : cli_usage("the prompt is empty");
  infuse_free(ids);
  return code;
}

static int append_chat(cli_session *s, const char *text, size_t n) {
  const infuse_message messages[] = {{"system", s->o->system}, {"user", text, n}};
  const size_t skip = s->o->system == NULL;
  return cli_fail(infuse_session_chat(s->s, messages + skip, 2 - skip));
}

static int append_prompt(cli_session *s) {
  if (s->o->tokens != NULL) return append_ids(s);
  char *text = NULL;
  size_t n;
  int code = cli_read_text(s->o->prompt, &text, &n);
  if (code == 0) code = is_chat(s) ? append_chat(s, text, n) : append_text(s, text, n);
  nf_free(text);
  return code;
}

// ---- the answer ----

static json_t *figures(const cli_session *s) {
  return json_pack("{s:s, s:s, s:I, s:I, s:I, s:o, s:f, s:I}", "schema", "infuse.generate/2", "finish",
                   cli_session_finish(s), "seed", (json_int_t)s->seed, "prompt_tokens",
                   (json_int_t)s->prompt_tokens, "tokens", (json_int_t)infuse_session_output(s->s).tokens,
                   "first_token_seconds", s->first != 0 ? json_real(s->first - s->start) : json_null(),
                   "tokens_per_second", cli_session_rate(s), "peak_memory", (json_int_t)nf_peak_rss());
}

static int report(job *j) {
  const cli_options *o = j->session.o;
  if (!cli_answer_end(&j->answer, figures(&j->session))) return cli_session_no_memory();
  fflush(stdout);
  if (o->quiet || o->json || o->stream) return 0;
  fputc('\n', stderr);
  cli_session_print(&j->session);
  return 0;
}

static bool take(void *user, const infuse_output *out) { return cli_answer_add(user, out); }

// ---- all ----

static cli_form form_of(const job *j) {
  if (j->session.o->stream) return CLI_LINES;
  if (j->session.o->json) return CLI_DOCUMENT;
  return infuse_model_tokenizer(j->session.m) != NULL ? CLI_TEXT : CLI_IDS;
}

static int generate(job *j) {
  if (!cli_answer_init(&j->answer, form_of(j))) return cli_session_no_memory();
  int code = cli_session_open(&j->session);
  if (code == 0) code = append_prompt(&j->session);
  if (code == 0) code = cli_session_run(&j->session, take, &j->answer);
  return code == 0 ? report(j) : code;
}

static int check(const cli_options *o) {
  if (o->model == NULL) return cli_usage("generate wants -m DIR");
  if ((o->prompt == NULL) == (o->tokens == NULL)) return cli_usage("generate wants -p TEXT or --tokens LIST");
  if (cli_wants_chat(o) && (o->raw || o->tokens != NULL))
    return cli_usage("%s goes with neither --raw nor --tokens", o->chat             ? "--chat"
                                                                : o->think != NULL  ? "--think"
                                                                : o->system != NULL ? "--system"
                                                                : o->tools != NULL  ? "--tools"
                                                                                    : "--effort");
  return 0;
}

int cli_generate(const cli_options *o, infuse_runtime *rt) {
  infuse_model_options mo = cli_model_options(o);
  mo.rows = o->speculate != 0 ? o->speculate + 1 : 0;
  job j = {.session = {.o = o, .seed = cli_seed(o), .start = nf_now()}};
  int code = check(o);
  if (code == 0) code = cli_fail(infuse_model_load(rt, o->model, &mo, &j.session.m));
  if (code == 0) code = generate(&j);
  cli_answer_deinit(&j.answer);
  cli_session_close(&j.session);
  infuse_model_destroy(j.session.m);
  return code;
}
