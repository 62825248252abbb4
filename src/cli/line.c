// SPDX-License-Identifier: Apache-2.0
// Lines by libedit, or by getline where nobody edits.
#include "cli/line.h"
#include "base/memory.h"
#include "cli/cli.h"
#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY = 1000 };
static const char quotes[] = "\"\"\"";

struct cli_line {
  EditLine *editor; // NULL: nobody edits
  History *history;
  const char *prompt;
  sigset_t heard; // what the caller blocks, and nothing more: while a key is waited for
  nf_text text;   // what was typed, without what holds its lines together
  char *line;     // of getline
  size_t cap;
};

static char *prompt(EditLine *editor) {
  const cli_line *l;
  el_get(editor, EL_CLIENTDATA, &l);
  return (char *)l->prompt; // libedit only reads it
}

// libedit reads characters as the locale has them; texts here are UTF-8.
static void take_utf8(void) {
  const char *locale = setlocale(LC_CTYPE, "");
  if (locale == NULL || MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
}

// Of a key that was there: a Ctrl-C takes back what was typed, and reading would then wait for more.
static ssize_t read_typed(char *byte) {
  const int flags = fcntl(STDIN_FILENO, F_GETFL);
  fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK);
  const ssize_t n = read(STDIN_FILENO, byte, 1);
  const int why = errno;
  fcntl(STDIN_FILENO, F_SETFL, flags);
  errno = why;
  return n;
}

// libedit's own looks for a key with read, which a Ctrl-C just before it would not end. Here it is blocked
// but where a key is waited for.
static int get_key(EditLine *editor, wchar_t *out) {
  const cli_line *l;
  struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
  mbstate_t state = {0};
  char byte;
  el_get(editor, EL_CLIENTDATA, &l);
  for (;;) {
    if (cli_interrupted) return errno = EINTR, -1;
    if (ppoll(&keys, 1, NULL, &l->heard) < 0) {
      if (errno == EINTR) continue;
      return -1;
    }
    const ssize_t n = read_typed(&byte);
    if (n < 0 && errno == EAGAIN) continue;
    if (n <= 0) return (int)n;
    const size_t used = mbrtowc(out, &byte, 1, &state);
    if (used <= 1) return 1;
    if (used == (size_t)-1) state = (mbstate_t){0}; // a byte that is no text is left out
  }
}

static bool open_editor(cli_line *l) {
  HistEvent event;
  take_utf8();
  l->history = history_init();
  l->editor = el_init("infuse", stdin, stdout, stderr);
  if (l->history == NULL || l->editor == NULL) return false;
  history(l->history, &event, H_SETSIZE, HISTORY);
  history(l->history, &event, H_SETUNIQUE, 1);
  el_set(l->editor, EL_CLIENTDATA, l);
  el_set(l->editor, EL_PROMPT, prompt);
  el_set(l->editor, EL_GETCFN, get_key);
  el_set(l->editor, EL_EDITOR, "emacs");
  el_set(l->editor, EL_HIST, history, l->history);
  el_set(l->editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
  el_source(l->editor, NULL); // ~/.editrc, which may say otherwise
  return true;
}

cli_line *cli_line_open(void) {
  cli_line *l = nf_alloc(1, sizeof *l);
  if (l == NULL || !isatty(0) || !isatty(1) || open_editor(l)) return l;
  cli_line_close(l);
  return NULL;
}

void cli_line_close(cli_line *l) {
  if (l == NULL) return;
  if (l->editor != NULL) el_end(l->editor);
  if (l->history != NULL) history_end(l->history);
  nf_text_deinit(&l->text);
  free(l->line);
  nf_free(l);
}

bool cli_line_edits(const cli_line *l) { return l->editor != NULL; }

static const char *gets_edited(cli_line *l, int *n) {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  el_resize(l->editor); // the window may have another size than at the last line
  pthread_sigmask(SIG_BLOCK, &interrupt, &l->heard);
  el_set(l->editor, EL_PREP_TERM, 1); // before the prompt: a key typed at sight of it is the editor's
  errno = 0;
  const char *line = el_gets(l->editor, n);
  const int why = errno;
  pthread_sigmask(SIG_SETMASK, &l->heard, NULL);
  errno = why;
  return line;
}

static cli_typed edit(cli_line *l, nf_view *out) {
  HistEvent event;
  int n;
  const char *line = gets_edited(l, &n);
  if (line == NULL || n <= 0) return errno == EINTR ? CLI_TYPED_INTERRUPT : CLI_TYPED_END;
  if (line[0] != '\n') history(l->history, &event, H_ENTER, line);
  *out = (nf_view){line, (size_t)n};
  return CLI_TYPED_TEXT;
}

static cli_typed get(cli_line *l, nf_view *out) {
  const ssize_t n = getline(&l->line, &l->cap, stdin);
  if (n < 0) return errno == ENOMEM && !feof(stdin) ? CLI_TYPED_NO_MEMORY : CLI_TYPED_END;
  *out = (nf_view){l->line, (size_t)n};
  return CLI_TYPED_TEXT;
}

// A line without its end.
static cli_typed read_line(cli_line *l, const char *before, nf_view *out) {
  l->prompt = before;
  const cli_typed typed = l->editor != NULL ? edit(l, out) : get(l, out);
  if (typed == CLI_TYPED_TEXT && out->n != 0 && out->at[out->n - 1] == '\n') out->n--;
  return typed;
}

// Quoted lines go on until one ends in the quotes, others as long as they end in a backslash. Whether this
// one does; its mark is not text.
static bool append(nf_text *t, nf_view line, bool quoted) {
  const nf_view mark = nf_view_of(quoted ? quotes : "\\");
  const bool marked = nf_view_ends(line, mark), more = marked != quoted;
  nf_text_append(t, line.at, line.n - (marked ? mark.n : 0));
  if (more) nf_text_append(t, "\n", 1);
  return more;
}

cli_typed cli_line_read(cli_line *l, nf_view *out) {
  nf_view line;
  l->text.n = 0;
  cli_typed typed = read_line(l, "> ", &line);
  if (typed != CLI_TYPED_TEXT) return typed;
  const bool quoted = nf_view_begins(line, nf_view_of(quotes));
  if (quoted) line.at += strlen(quotes), line.n -= strlen(quotes);
  while (append(&l->text, line, quoted)) {
    typed = read_line(l, ". ", &line);
    if (typed == CLI_TYPED_INTERRUPT || typed == CLI_TYPED_NO_MEMORY) return typed;
    if (typed == CLI_TYPED_END) break;
  }
  if (l->text.failed) return CLI_TYPED_NO_MEMORY;
  *out = nf_text_view(&l->text);
  return CLI_TYPED_TEXT;
}
