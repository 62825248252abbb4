// SPDX-License-Identifier: Apache-2.0
// A conversation: every line of standard input is a question. The whole conversation is given each time;
// what the session holds of it already is not computed again. With a third argument there is a tool as well.
//   cc chat.c $(pkg-config --cflags --libs infuse) -o chat && ./chat MODEL_FOLDER [TOKENS [clock]]
#include <infuse/infuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_MESSAGES = 256 };
typedef struct conversation {
  infuse_message at[MOST_MESSAGES]; // their strings are ours
  size_t n;
} conversation;

static const char tools[] =
    "[{\"type\": \"function\", \"function\": {\"name\": \"clock\", \"description\": "
    "\"The time of day.\", \"parameters\": {\"type\": \"object\", \"properties\": {}}}}]";

static char *copy(const char *s, size_t n) {
  char *own = malloc(n + 1);
  if (own == NULL) exit(EXIT_FAILURE);
  memcpy(own, s, n);
  own[n] = '\0';
  return own;
}

static infuse_message *add(conversation *c, const char *role, const char *content, size_t n) {
  if (c->n == MOST_MESSAGES) exit((fprintf(stderr, "chat: the conversation is too long\n"), EXIT_FAILURE));
  infuse_message *m = &c->at[c->n++];
  *m = (infuse_message){.role = role, .content = copy(content, n), .content_n = n};
  return m;
}

// Shows a piece of the answer and keeps it, so that it can be given back.
static void take(conversation *c, const infuse_piece *p) {
  infuse_message *m = p->begins ? add(c, "assistant", "", 0) : &c->at[c->n - 1];
  if (p->begins) {
    m->channel = copy(p->channel, strlen(p->channel));
    m->recipient = copy(p->recipient, strlen(p->recipient));
    m->content_type = copy(p->content_type, strlen(p->content_type));
    printf("[%s%s%s] ", p->channel, p->recipient[0] != '\0' ? " to=" : "", p->recipient);
  }
  char *longer = realloc((char *)m->content, m->content_n + p->n + 1);
  if (longer == NULL) exit(EXIT_FAILURE);
  memcpy(longer + m->content_n, p->text, p->n + 1);
  m->content = longer;
  m->content_n += p->n;
  fwrite(p->text, 1, p->n, stdout);
  if (p->end != INFUSE_END_NONE) printf("\n");
  fflush(stdout);
}

// An answer, and those behind the calls that it makes.
static infuse_error *answer(infuse_model *model, infuse_session *session, conversation *c) {
  infuse_end last = INFUSE_END_CALL;
  while (last == INFUSE_END_CALL) {
    infuse_error *error = infuse_session_chat(session, c->at, c->n);
    if (error != NULL) return error;
    last = INFUSE_END_NONE;
    while (infuse_session_output(session).finish == INFUSE_RUNNING) {
      error = infuse_step(model, &session, 1);
      if (error == NULL) error = infuse_error_copy(infuse_session_error(session));
      if (error != NULL) return error;
      const infuse_output output = infuse_session_output(session);
      for (size_t i = 0; i < output.n_pieces; i++) take(c, &output.pieces[i]), last = output.pieces[i].end;
    }
    if (last != INFUSE_END_CALL) break;
    char now[16];
    const time_t seconds = time(NULL);
    const size_t n = strftime(now, sizeof now, "%H:%M", localtime(&seconds));
    const char *called = c->at[c->n - 1].recipient; // any tool is a clock here
    add(c, "tool", now, n)->name = copy(called, strlen(called));
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: chat MODEL_FOLDER [TOKENS [clock]]\n"), 2;
  static conversation c;
  infuse_runtime *runtime = NULL;
  infuse_model *model = NULL;
  infuse_session *session = NULL;
  infuse_session_options options = {.size = sizeof options, .generate = true};
  if (argc > 2) options.max_tokens = atoll(argv[2]);
  if (argc > 3) options.tools = tools;

  infuse_error *error = infuse_runtime_create(NULL, &runtime);
  if (!error) error = infuse_model_load(runtime, argv[1], NULL, &model);
  if (!error) error = infuse_session_create(model, &options, &session);
  char line[4096];
  while (!error && fgets(line, sizeof line, stdin) != NULL) {
    add(&c, "user", line, strcspn(line, "\n"));
    error = answer(model, session, &c);
  }

  if (error) fprintf(stderr, "chat: %s\n", infuse_error_message(error));
  const int code = error ? EXIT_FAILURE : EXIT_SUCCESS;
  infuse_error_free(error);
  for (size_t i = 0; i < c.n; i++) {
    free((char *)c.at[i].content);
    free((char *)c.at[i].channel);
    free((char *)c.at[i].recipient);
    free((char *)c.at[i].content_type);
    free((char *)c.at[i].name);
  }
  infuse_session_destroy(session);
  infuse_model_destroy(model);
  infuse_runtime_destroy(runtime);
  return code;
}
