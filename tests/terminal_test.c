// SPDX-License-Identifier: Apache-2.0
// infuse chat at a terminal: dim thoughts, lines with a history, Ctrl-C that stops an answer or a line and
// not the program, Ctrl-D.
//   usage: terminal_test INFUSE
#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000 };
static int terminal;
static char seen[1 << 20]; // what came since the last thing that was typed
static size_t n_seen;

static void start(const char *infuse) {
  const struct winsize size = {.ws_row = 50, .ws_col = 120};
  const pid_t pid = forkpty(&terminal, NULL, NULL, &size);
  if (pid < 0) exit((perror("forkpty"), EXIT_FAILURE));
  if (pid != 0) return;
  setenv("TERM", "xterm", 1);
  unsetenv("NO_COLOR");
  execl(infuse, infuse, "chat", "-m", "models/infuse-oss", "--temperature", "0", NULL);
  _exit(127);
}

// Whether more came; false at the end.
static bool more(void) {
  struct pollfd p = {.fd = terminal, .events = POLLIN};
  if (poll(&p, 1, PATIENCE_MS) != 1 || n_seen == sizeof seen - 1) return false;
  const ssize_t n = read(terminal, seen + n_seen, sizeof seen - 1 - n_seen);
  if (n <= 0) return false;
  n_seen += (size_t)n;
  seen[n_seen] = '\0';
  return true;
}

static void expect(const char *what) {
  while (strstr(seen, what) == NULL)
    if (!more()) exit((fprintf(stderr, "no '%s' in:\n%s\n", what, seen), EXIT_FAILURE));
}

static void type(const char *keys) {
  n_seen = 0;
  seen[0] = '\0';
  if (write(terminal, keys, strlen(keys)) < 0) exit((perror("write"), EXIT_FAILURE));
}

static void type_and_expect(const char *keys, const char *what) {
  type(keys);
  expect(what);
}

int main(int argc, char **argv) {
  int status;
  if (argc != 2) return fprintf(stderr, "usage: terminal_test INFUSE\n"), 2;
  start(argv[1]);
  expect("Ctrl-D ends\r\n");
  expect("> ");
  type_and_expect("What is 12 + 30?\n", "\033[2m +"); // a thought
  expect("The answer is 42.");
  expect("(stop)");
  expect("> ");
  type_and_expect("/set ignore-eos\n", "> ");
  type_and_expect("Tell me a story.\n", " the ");
  type_and_expect("\003", "(interrupted)");
  expect("> ");
  type_and_expect("\033[A", "Tell me a story."); // by the editor, which reads what comes next
  type_and_expect("\n", "\r\n");                 // before its first step, or soon after
  type_and_expect("\003", "(interrupted)");
  expect("> ");
  type_and_expect("half a line", "half a line");
  type_and_expect("\003", "\n> ");
  type_and_expect("\033[A\033[A", "/set ignore-eos"); // two lines back
  type_and_expect("\003", "\n> ");
  type_and_expect("/nothing\n", "is no command");
  expect("> ");
  type("\004");
  while (more()) {
  }
  if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fprintf(stderr, "ended with %#x:\n%s\n", (unsigned)status, seen), EXIT_FAILURE;
  return EXIT_SUCCESS;
}
