// SPDX-License-Identifier: Apache-2.0
// infuse chat: a conversation at the terminal, or of the lines of standard input.
#include "base/clock.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/cli.h"
#include "cli/line.h"
#include "cli/session.h"
#include "cli/talk.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct chat {
  cli_options o; // as /set has left them
  cli_session session;
  cli_talk talk;
  cli_line *line;
  nf_arena kept; // what was set
  bool changed;  // the session is not as the options say
  bool left;     // by /quit
} chat;

// ---- Ctrl-C ----

enum { INTERRUPTED = 130 };
static infuse_model *answering; // whose step Ctrl-C ends

static void interrupt(int signal) {
  (void)signal;
  if (cli_interrupted) _exit(INTERRUPTED); // the first one was not heard
  cli_interrupted = 1;
  infuse_step_cancel(answering);
}

// Reading a line is to be interrupted, writing is not. What came between a line and its answer stops the
// answer: only where reading begins is it forgotten. Where nobody types, Ctrl-C ends the program as always.
static void hear(const chat *c, bool reading) {
  const struct sigaction action = {.sa_handler = interrupt, .sa_flags = reading ? 0 : SA_RESTART};
  if (!cli_line_edits(c->line)) return;
  if (reading) cli_interrupted = 0;
  answering = reading ? NULL : c->session.m;
  sigaction(SIGINT, &action, NULL);
}

// ---- answers ----

static bool dims(void) {
  const char *terminal = getenv("TERM");
  return getenv("NO_COLOR") == NULL && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

typedef struct taker {
  cli_answer shown;
  cli_talk *talk;
} taker;

static bool take(void *user, const infuse_output *out) {
  taker *t = user;
  for (size_t i = 0; i < out->n_pieces; i++) cli_talk_take(t->talk, &out->pieces[i]);
  return cli_answer_add(&t->shown, out) && !t->talk->failed;
}

static void print_figures(const chat *c) {
  const bool dim = cli_line_edits(c->line) && dims();
  fputs(dim ? CLI_DIM : "", stderr);
  cli_session_print(&c->session);
  fputs(dim ? CLI_NOT_DIM : "", stderr);
}

static void advise(void) { fputs("/clear begins anew; infuse chat --ctx N makes room for more\n", stderr); }

static int show_answer(chat *c) {
  taker t = {.talk = &c->talk};
  if (!cli_answer_init(&t.shown, cli_line_edits(c->line) ? CLI_TERMINAL : CLI_TEXT))
    return cli_session_no_memory();
  t.shown.dims = dims();
  hear(c, false);
  const int code = cli_session_run(&c->session, take, &t);
  cli_answer_end(&t.shown, NULL);
  cli_answer_deinit(&t.shown);
  fflush(stdout);
  if (code == 0 && !c->o.quiet) print_figures(c);
  if (code == 0 && infuse_session_output(c->session.s).finish == INFUSE_CONTEXT_FULL) advise();
  return code;
}

static int reopen(chat *c) {
  cli_session_close(&c->session);
  const int code = cli_session_open(&c->session);
  c->changed = code != 0;
  return code;
}

static int give(chat *c) {
  infuse_error *e = cli_talk_give(&c->talk, c->o.system, c->session.s);
  const bool full = infuse_error_code(e) == INFUSE_UNAVAILABLE;
  const int code = cli_fail(e);
  if (full) advise();
  return code;
}

// An answer to the last question. One that could not be asked is forgotten, for another way to put it.
static int answer(chat *c) {
  c->session.start = nf_now();
  if (c->talk.failed) return cli_session_no_memory();
  int code = c->changed ? reopen(c) : 0;
  if (code == 0) code = give(c);
  if (code != 0) return cli_talk_undo(&c->talk, true), code;
  code = show_answer(c);
  c->changed |= code != 0; // a session that has failed does not go on
  return code;
}

// ---- commands ----

typedef struct command {
  const char *name, *argument, *what;
  int (*run)(chat *c, char *argument); // "" without one; an exit code with the error told
  const char *others[2];
} command;

static int help(chat *c, char *argument);

static int clear(chat *c, char *argument) {
  (void)argument;
  cli_talk_deinit(&c->talk);
  return 0;
}

static int regenerate(chat *c, char *argument) {
  (void)argument;
  if (!cli_talk_undo(&c->talk, false)) return cli_usage("nothing was asked yet");
  c->session.seed++;
  c->changed = true;
  return answer(c);
}

static int set_option(chat *c, const char *name, const char *value) {
  const cli_command options = {.name = "chat", .bit = CLI_SET};
  cli_options changed = c->o;
  char *argv[] = {nf_arena_printf(&c->kept, "%s%s", name[1] != '\0' ? "--" : "-", name),
                  nf_arena_copy(&c->kept, value, strlen(value))};
  if (argv[0] == NULL || argv[1] == NULL) return cli_session_no_memory();
  changed.names = NULL;
  if (!cli_parse_more(&options, value[0] != '\0' ? 2 : 1, argv, &changed)) return 2;
  if (changed.names != NULL) return puts(changed.names), 0;
  c->o = changed;
  c->changed = true;
  if (c->o.seed >= 0) c->session.seed = (uint64_t)c->o.seed;
  return 0;
}

static int set(chat *c, char *argument) {
  char *value = argument;
  const char *name = strsep(&value, " ");
  if (name[0] == '\0') return cli_print_options(CLI_SET), 0;
  while (name[0] == '-') name++;
  return set_option(c, name, value != NULL ? value : "");
}

static int set_system(chat *c, char *argument) {
  if (argument[0] != '\0') return set_option(c, "system", argument);
  c->o.system = NULL;
  return 0;
}

static int set_thinking(chat *c, char *argument) { return set_option(c, "think", argument); }

static int leave(chat *c, char *argument) {
  (void)argument;
  c->left = true;
  return 0;
}

static const command commands[] = {
    {"/help", "", "this", help, {"/?"}},
    {"/clear", "", "forget what was said", clear},
    {"/regen", "", "another answer to the last question", regenerate},
    {"/system", "TEXT", "other instructions; without TEXT none", set_system},
    {"/think", "on|off", "with or without thoughts", set_thinking},
    {"/set", "NAME VALUE", "another option, such as: /set temperature 0.5; without NAME lists them", set},
    {"/quit", "", "or Ctrl-D", leave, {"/exit", "/bye"}},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static int help(chat *c, char *argument) {
  (void)c, (void)argument;
  for (int i = 0; i < N_COMMANDS; i++)
    printf("  %-8s %-11s %s\n", commands[i].name, commands[i].argument, commands[i].what);
  puts("Ctrl-C stops an answer. A backslash at its end continues a line, and \"\"\" begins and ends several. "
       "A blank\n"
       "in front makes a question of what begins with a slash.");
  return 0;
}

static bool is_called(const command *c, const char *name) {
  for (int i = 0; i < 2 && c->others[i] != NULL; i++)
    if (strcmp(c->others[i], name) == 0) return true;
  return strcmp(c->name, name) == 0;
}

static int run_command(chat *c, char *line) {
  const char *names[N_COMMANDS], *name = strsep(&line, " ");
  for (int i = 0; i < N_COMMANDS; i++) {
    names[i] = commands[i].name;
    if (is_called(&commands[i], name))
      return commands[i].run(c, line != NULL ? line + strspn(line, " ") : "");
  }
  const char *near = nf_nearest(name, names, N_COMMANDS);
  return cli_usage("%s is no command%s%s; /help lists them", name, near != NULL ? "; did you mean " : "",
                   near != NULL ? near : "");
}

// ---- all ----

static int obey(chat *c, nf_view text) {
  if (text.n == 0) return 0;
  if (text.at[0] == '/') {
    char *line = nf_arena_copy(&c->kept, text.at, text.n);
    return line != NULL ? run_command(c, line) : cli_session_no_memory();
  }
  cli_talk_ask(&c->talk, text);
  return answer(c);
}

// At a terminal an error is told, and another question may be better.
static int converse(chat *c) {
  const bool edits = cli_line_edits(c->line);
  cli_typed typed = CLI_TYPED_TEXT;
  nf_view text;
  int code = 0;
  while (typed != CLI_TYPED_END && !c->left && (code == 0 || edits)) {
    hear(c, true);
    typed = cli_line_read(c->line, &text);
    if (typed == CLI_TYPED_NO_MEMORY) return cli_session_no_memory();
    if (typed == CLI_TYPED_TEXT)
      code = obey(c, text);
    else if (edits)
      putchar('\n');
  }
  cli_interrupted = edits ? 0 : cli_interrupted;
  return edits ? 0 : code;
}

static int load(chat *c, infuse_runtime *rt) {
  infuse_model_options mo = cli_model_options(&c->o);
  mo.rows = c->o.speculate != 0 ? c->o.speculate + 1 : 0;
  const int code = cli_fail(infuse_model_load(rt, c->o.model, &mo, &c->session.m));
  if (code != 0) return code;
  if (infuse_model_chat_format(c->session.m) == NULL)
    return cli_usage("%s has no chat format that infuse knows; generate --raw goes on with a text",
                     c->o.model);
  c->line = cli_line_open();
  return c->line != NULL ? 0 : cli_session_no_memory();
}

static void greet(const chat *c) {
  infuse_model_info info = {.size = sizeof info};
  infuse_model_describe(c->session.m, &info);
  fprintf(stderr, "%s, room for %ld tokens; /help lists what there is besides questions, Ctrl-D ends\n",
          c->o.model, (long)info.context);
}

int cli_chat(const cli_options *o, infuse_runtime *rt) {
  chat c = {.o = *o, .changed = true};
  c.session = (cli_session){.o = &c.o, .seed = cli_seed(o)};
  if (o->model == NULL) return cli_usage("chat wants -m DIR");
  int code = load(&c, rt);
  if (code == 0 && cli_line_edits(c.line) && !o->quiet) greet(&c);
  if (code == 0) code = converse(&c);
  cli_line_close(c.line);
  cli_talk_deinit(&c.talk);
  nf_arena_deinit(&c.kept);
  cli_session_close(&c.session);
  infuse_model_destroy(c.session.m);
  return code;
}
