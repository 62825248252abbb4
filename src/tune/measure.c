// SPDX-License-Identifier: Apache-2.0
// The parent's side: a process, what it tells, and what becomes of it.
#include "tune/measure.h"
#include "base/clock.h"
#include "tune/child.h"
#include "tune/there.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const double hang_s = 20;
enum { POLL_MS = 50 };

typedef struct process {
  const nf_measuring *m;
  nf_tune_entry *e;
  pid_t pid;
  int pipe, at; // at: the candidate that it works for, -1: all
  double heard; // when
  bool done;
  nf_status failed;
} process;

// ---- making it ----

// The system's signals, none of the host's handlers; Ctrl-C is the parent's. Nobody wants its memory on disk.
static void settle(pid_t parent) {
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGALRM, SIGPIPE};
  sigset_t none;
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) signal(fatal[i], SIG_DFL);
  signal(SIGINT, SIG_IGN);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0});
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
}

static nf_status start(process *p, const nf_case *c) {
  int end[2];
  const pid_t parent = getpid();
  if (pipe2(end, O_CLOEXEC) != 0)
    return nf_error(NF_UNAVAILABLE, "no pipe to measure by: %s", strerror(errno));
  p->pid = fork();
  if (p->pid == 0) {
    settle(parent);
    nf_tune_child(c, p->m, p->e, end[1]);
  }
  close(end[1]);
  p->pipe = end[0];
  p->heard = nf_now();
  if (p->pid > 0) return nf_ok();
  close(end[0]);
  return nf_error(NF_UNAVAILABLE, "no process to measure in: %s", strerror(errno));
}

// ---- what it tells ----

static void refuse(process *p, int i, const char *fmt, const char *what) {
  snprintf(p->e->of[i].why, sizeof p->e->of[i].why, fmt, what);
}

static void hear(process *p, const nf_note *n) {
  nf_tuned *c = n->candidate >= 0 && n->candidate < p->e->n ? &p->e->of[n->candidate] : NULL;
  p->heard = nf_now();
  if (n->kind == NF_NOTE_TRIES) p->at = c != NULL ? n->candidate : -1;
  if (n->kind == NF_NOTE_REFUSED && c != NULL) refuse(p, n->candidate, "%s", n->why);
  if (n->kind == NF_NOTE_TIMED && c != NULL) c->us = n->us, c->spread = n->spread;
  if (n->kind == NF_NOTE_PASSED && c != NULL) p->m->passed[c->v - p->m->list] = true;
  if (n->kind == NF_NOTE_FAILED)
    p->failed = nf_status_join(p->failed, nf_error(NF_UNAVAILABLE, "%s", n->why));
  p->done |= n->kind == NF_NOTE_DONE;
}

// Until it ends, hangs, or is to stop. Notes are whole: a pipe takes so few bytes at once.
static nf_status listen_to(process *p) {
  const double hang = p->m->hang > 0 ? p->m->hang : hang_s;
  for (;;) {
    struct pollfd f = {.fd = p->pipe, .events = POLLIN};
    nf_note n;
    const int ready = poll(&f, 1, POLL_MS);
    if (p->m->progress != NULL) NF_TRY(nf_progress_add(p->m->progress, 0));
    if (ready > 0) {
      const ssize_t got = read(p->pipe, &n, sizeof n);
      if (got < 0 && errno == EINTR) continue;
      if (got != sizeof n) return nf_ok();
      n.why[sizeof n.why - 1] = '\0';
      hear(p, &n);
    } else if (nf_now() - p->heard > hang) {
      return nf_ok();
    }
  }
}

// ---- what became of it ----

static nf_status blame(process *p, const char *fmt, const char *what) {
  if (p->at >= 0 && *p->e->of[p->at].why == '\0') return refuse(p, p->at, fmt, what), nf_ok();
  char why[NF_TUNED_WHY];
  snprintf(why, sizeof why, fmt, what);
  return nf_error(NF_UNAVAILABLE, "the process that measures %s", why);
}

static nf_status end(process *p, nf_status heard) {
  int status = 0;
  char number[16];
  const double silent = nf_now() - p->heard, hang = p->m->hang > 0 ? p->m->hang : hang_s;
  kill(p->pid, SIGKILL);
  pid_t got;
  do got = waitpid(p->pid, &status, 0);
  while (got < 0 && errno == EINTR);
  close(p->pipe);
  if (!nf_is_ok(heard) || !nf_is_ok(p->failed)) return nf_status_join(heard, p->failed);
  if (p->done) return nf_ok();
  snprintf(number, sizeof number, "%g", hang);
  if (silent > hang) return blame(p, "hung: nothing for %s s", number);
  const bool killed = got == p->pid && WIFSIGNALED(status); // else a host that reaps all children was first
  return blame(p, "crashed: %s", killed ? sigabbrev_np(WTERMSIG(status)) : "it ended");
}

static bool any_stands(const nf_tune_entry *e) {
  bool any = false;
  for (int i = 0; i < e->n; i++) any |= *e->of[i].why == '\0';
  return any;
}

nf_status nf_tune_measure(const nf_case *c, const nf_measuring *m, nf_tune_entry *e) {
  if (m->on != NULL) {
    NF_TRY(nf_tune_there(c, m, e));
    return nf_tune_decide(e, NULL), nf_ok();
  }
  for (bool done = false; !done && any_stands(e);) {
    process p = {.m = m, .e = e, .at = -1, .failed = nf_ok()};
    NF_TRY(start(&p, c));
    NF_TRY(end(&p, listen_to(&p)));
    done = p.done;
  }
  nf_tune_decide(e, NULL);
  return nf_ok();
}

// ---- the winner ----

static double margin(const nf_tuned *a, const nf_tuned *b) {
  return fmax(a->spread + b->spread, NF_TUNE_TIE * a->us);
}

void nf_tune_decide(nf_tune_entry *e, int *near_by) {
  const int first = *e->of[e->by_default].why == '\0' ? e->by_default : -1;
  const nf_tuned *d = &e->of[e->by_default];
  int other = -1;
  for (int i = 0; i < e->n; i++)
    if (i != first && *e->of[i].why == '\0' && (other < 0 || e->of[i].us < e->of[other].us)) other = i;
  const bool both = first >= 0 && other >= 0;
  const bool tie = both && d->us - e->of[other].us <= margin(d, &e->of[other]);
  e->winner = first < 0 ? other : other < 0 || tie ? first : other;
  if (near_by != NULL)
    *near_by = both && fabs(d->us - e->of[other].us) <= 2 * margin(d, &e->of[other]) ? other : -1;
}
