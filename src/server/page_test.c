// SPDX-License-Identifier: Apache-2.0
// The page at /: its files and their headers, the paths and metrics that its scripts ask for, the key; and
// the page in a browser, at a desktop's width and a phone's, where Chromium is installed.
#include "base/text.h"
#include "tests/support/serving.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

#define KEY "a secret"
static int start(void **state) {
  (void)state;
  static const infuse_model_options mo = {.size = sizeof mo, .sessions = 4, .context = 1024, .batch = 64};
  const nf_server_options so = {.queue = 64, .key = KEY, .loaded = &mo};
  serving_start(&served, SMALL, &mo, &so);
  return 0;
}

// ---- files ----

// The whole answer; freed by the caller.
static char *get(const char *path, bool with_key) {
  char line[400];
  snprintf(line, sizeof line, "GET %s", path);
  return http_call(served.port, line, with_key ? "Authorization: Bearer " KEY "\r\n" : "", NULL);
}

static void expect(const char *path, bool with_key, int status) {
  char *answer = get(path, with_key);
  if (http_status(answer) != status) print_error("%s\n%s\n", path, answer);
  assert_int_equal(http_status(answer), status);
  free(answer);
}

static void holds(const char *text, const char *part) {
  if (strstr(text, part) == NULL) print_error("no '%s' in:\n%s\n", part, text);
  assert_non_null(strstr(text, part));
}

// Calls `use` for what stands in `text` behind `before`, up to the next quote.
static size_t each_quoted(const char *text, const char *before, void (*use)(const char *found)) {
  size_t n = 0;
  for (const char *at = text; (at = strstr(at, before)) != NULL; n++) {
    char found[128];
    at += strlen(before);
    snprintf(found, sizeof found, "%.*s", (int)strcspn(at, "\"`"), at);
    use(found);
  }
  return n;
}

static void is_there(const char *path) {
  char whole[300];
  snprintf(whole, sizeof whole, "/%s", path);
  expect(whole, false, 200);
}

static void is_asked(const char *path) {
  char whole[300];
  snprintf(whole, sizeof whole, "/%s", path);
  expect(whole, true, strcmp(path, "v1/chat/completions") == 0 ? 405 : 200); // that one is posted to
}

static void is_a_neighbour(const char *name) {
  char path[200];
  snprintf(path, sizeof path, "page/%s", name);
  is_there(path);
}

static void the_page_is_open_and_closed_to_others(void **state) {
  (void)state;
  char *page = get("/", false);
  assert_int_equal(http_status(page), 200);
  holds(page, "text/html; charset=utf-8");
  holds(page, "Content-Security-Policy: default-src 'none'; script-src 'self';");
  holds(page, "frame-ancestors 'none'");
  holds(page, "X-Content-Type-Options: nosniff");
  assert_null(strstr(page, "unsafe"));
  assert_int_equal(each_quoted(page, "href=\"", is_there), 2);
  assert_true(each_quoted(page, "src=\"", is_there) >= 2);
  assert_null(strstr(http_body(page), " style=")); // which the policy does not allow
  free(page);
  expect("/page/nothing.js", false, 404);
  expect("/page/../http.c", false, 404);
}

static const char *const scripts[] = {"main", "api", "chat", "figures", "plot", "plan", "requests"};
enum { N_SCRIPTS = sizeof scripts / sizeof *scripts };

static void every_path_of_the_scripts_answers(void **state) {
  (void)state;
  size_t asked = 0, imported = 0;
  for (size_t i = 0; i < N_SCRIPTS; i++) {
    char path[64];
    snprintf(path, sizeof path, "/page/%s.js", scripts[i]);
    char *script = get(path, false);
    holds(script, "Content-Type: text/javascript");
    asked += each_quoted(script, "ask(\"", is_asked);
    imported += each_quoted(script, "from \"./", is_a_neighbour);
    assert_null(strstr(script, "https:")); // nobody else is asked
    free(script);
  }
  assert_true(asked >= 4 && imported >= 7);
}

static char *metrics;

static void is_a_metric(const char *name) {
  char whole[300];
  const size_t n = strlen(name);
  const char *ends[] = {"_total", "_seconds", "_running", "_waiting"};
  for (size_t i = 0; i < 4; i++)
    if (n > strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0) {
      snprintf(whole, sizeof whole, "\n# TYPE vllm:%s ", name);
      holds(metrics, whole);
    }
}

static void every_metric_of_the_page_is_told(void **state) {
  (void)state;
  metrics = get("/metrics", true);
  char *script = get("/page/figures.js", false);
  assert_true(each_quoted(script, "(\"", is_a_metric) >= 8);
  holds(script, "values.kv_cache_usage_perc");
  holds(metrics, "\nvllm:kv_cache_usage_perc{");
  free(script);
  free(metrics);
}

static void the_plan_wants_the_key(void **state) {
  (void)state;
  expect("/plan", false, 401);
  char *plan = get("/plan", true);
  assert_int_equal(http_status(plan), 200);
  holds(plan, "<h1>infuse-oss on ");
  holds(plan, "</svg>");
  free(plan);
}

// ---- a browser ----

typedef struct browser { // Chromium, which is told what to do through two pipes
  pid_t pid;
  int to, from;
  char folder[32];
  char *session; // of the page
  nf_text heard; // what has not been read yet
  int said;
} browser;

static const char *find_browser(void) {
  static const char *const paths[] = {"/usr/bin/chromium", "/usr/bin/chromium-browser",
                                      "/usr/bin/google-chrome"};
  for (size_t i = 0; i < 3; i++)
    if (access(paths[i], X_OK) == 0) return paths[i];
  return NULL;
}

static void run_browser(const char *path, const char *folder, const int to[2], const int from[2]) {
  char profile[64];
  snprintf(profile, sizeof profile, "--user-data-dir=%s", folder);
  const int quiet = open("/dev/null", O_WRONLY);
  dup2(quiet, 2);
  const int in = fcntl(to[0], F_DUPFD, 10), out = fcntl(from[1], F_DUPFD, 10);
  dup2(in, 3), dup2(out, 4);
  execl(path, path, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
        "--disable-dev-shm-usage", "--remote-debugging-pipe", profile, "about:blank", NULL);
  _exit(127);
}

static void browser_start(browser *b, const char *path) {
  int to[2], from[2];
  *b = (browser){.folder = "/tmp/page_test_XXXXXX"};
  assert_non_null(mkdtemp(b->folder));
  assert_true(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
  b->pid = fork();
  assert_true(b->pid >= 0);
  if (b->pid == 0) run_browser(path, b->folder, to, from);
  close(to[0]), close(from[1]);
  b->to = to[1], b->from = from[0];
}

// The next message; it ends in a NUL.
static json_t *browser_hear(browser *b) {
  char *end;
  while (b->heard.n == 0 || (end = memchr(b->heard.at, 0, b->heard.n)) == NULL) {
    char piece[4096];
    struct pollfd p = {.fd = b->from, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 180000), 1);
    const ssize_t n = read(b->from, piece, sizeof piece);
    assert_true(n > 0);
    nf_text_append(&b->heard, piece, (size_t)n);
  }
  const size_t n = (size_t)(end - b->heard.at) + 1;
  json_t *message = json_loads(b->heard.at, 0, NULL);
  memmove(b->heard.at, b->heard.at + n, b->heard.n - n);
  b->heard.n -= n;
  assert_non_null(message);
  return message;
}

// What the page finds wrong fails the test, but for answers that ask for a key, or are cancelled.
static void judge(const json_t *message) {
  const char *method = serving_string(message, "method"),
             *text = serving_string(message, "params.entry.text");
  const bool entry = method != NULL && strcmp(method, "Log.entryAdded") == 0;
  const bool thrown = method != NULL && strcmp(method, "Runtime.exceptionThrown") == 0;
  const bool meant = text != NULL && (strstr(text, "401") != NULL || strstr(text, "499") != NULL);
  if (!thrown && !(entry && text != NULL && !meant)) return;
  char *all = json_dumps(message, 0);
  print_error("the page says: %s\n", all);
  free(all);
  fail();
}

// Does something, its parameters stolen; the result is freed by the caller.
static json_t *browser_do(browser *b, const char *method, json_t *params) {
  json_t *command = json_pack("{s:i, s:s, s:o}", "id", ++b->said, "method", method, "params", params);
  if (b->session != NULL) json_object_set_new(command, "sessionId", json_string(b->session));
  char *text = json_dumps(command, 0);
  const size_t n = strlen(text) + 1;
  assert_int_equal(write(b->to, text, n), n);
  free(text);
  json_decref(command);
  for (;;) {
    json_t *message = browser_hear(b);
    judge(message);
    if (json_integer_value(json_object_get(message, "id")) == b->said) {
      json_t *result = json_incref(json_object_get(message, "result"));
      if (result == NULL) print_error("%s: %s\n", method, serving_string(message, "error.message"));
      assert_non_null(result);
      return json_decref(message), result;
    }
    json_decref(message);
  }
}

// A network that comes late, as a phone's does: the first that is asked fails.
static const char late[] = "{ const asks = fetch; window.fetch = () => { window.fetch = asks; return "
                           "Promise.reject(new TypeError('Failed to fetch')); }; }";

static void browser_open(browser *b, int width, int height) {
  char url[64];
  free(b->session);
  b->session = NULL;
  json_t *made = browser_do(b, "Target.createTarget", json_pack("{s:s}", "url", "about:blank"));
  json_t *on =
      browser_do(b, "Target.attachToTarget",
                 json_pack("{s:s, s:b}", "targetId", serving_string(made, "targetId"), "flatten", 1));
  b->session = strdup(serving_string(on, "sessionId"));
  json_decref(made);
  json_decref(on);
  json_decref(browser_do(b, "Log.enable", json_object()));
  json_decref(browser_do(b, "Runtime.enable", json_object()));
  json_decref(browser_do(b, "Page.enable", json_object()));
  json_decref(browser_do(b, "Emulation.setDeviceMetricsOverride",
                         json_pack("{s:i, s:i, s:i, s:b}", "width", width, "height", height,
                                   "deviceScaleFactor", 1, "mobile", width < 600)));
  if (width < 600)
    json_decref(browser_do(b, "Page.addScriptToEvaluateOnNewDocument", json_pack("{s:s}", "source", late)));
  snprintf(url, sizeof url, "http://127.0.0.1:%u/", served.port);
  json_decref(browser_do(b, "Page.navigate", json_pack("{s:s}", "url", url)));
}

static void browser_stop(browser *b) {
  int status;
  free(b->session);
  b->session = NULL;
  json_decref(browser_do(b, "Browser.close", json_object()));
  assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
  close(b->to), close(b->from);
  nf_text_deinit(&b->heard);
  char remove[64];
  snprintf(remove, sizeof remove, "rm -rf %s", b->folder);
  assert_int_equal(system(remove), 0);
}

// What a reader does, in words of the page: `until` waits for something to be so.
static const char visit[] =
    "(async () => {"
    "  const until = async (f) => { for (;;) { try { const x = f(); if (x) return x; } catch {}"
    "    await new Promise((done) => setTimeout(done, 20)); } };"
    "  const id = (name) => document.getElementById(name), all = (q) => [...document.querySelectorAll(q)];"
    "  const found = {};"
    "  await until(() => id('key-dialog').open);"
    "  id('key').value = 'wrong'; id('key-form').requestSubmit();"
    "  await until(() => id('key-dialog').open && id('key-text').textContent.includes('not the server'));"
    "  id('key').value = '" KEY "'; id('key-form').requestSubmit();"
    "  await until(() => id('model').textContent === 'infuse-oss' && id('state').textContent === 'idle');"
    "  id('temperature').value = 0; id('question').value = 'What is 12 + 30?'; id('ask').requestSubmit();"
    "  await until(() => all('.counts').length === 1);"
    "  found.answer = all('.text')[0].textContent; found.thoughts = all('.thoughts div')[0].textContent;"
    "  id('question').value = 'Tell me a story.'; id('ask').requestSubmit();"
    "  found.stops = !id('stop').hidden && id('send').hidden;"
    "  await until(() => all('.text').length === 2); id('stop').click();"
    "  await until(() => all('.counts').length === 2 && !id('send').hidden);"
    "  id('figures-tab').click();"
    "  await until(() => all('.card').length === 8 && all('.plot polyline').length >= 4);"
    "  found.figures = all('.card b').every((each) => each.textContent !== '');"
    "  const abort = new AbortController(); window.confirm = () => true;"
    // So many answers for four sessions that none of the three ends before it is seen, and ended from here.
    // The others come when the first has all sessions, or they would begin too.
    "  const long = JSON.stringify({prompt: 'Once', ignore_eos: true, max_tokens: 900, n: 128});"
    "  const run = () => fetch('v1/completions', {method: 'POST', body: long, signal: abort.signal,"
    "    headers: {authorization: 'Bearer " KEY "'}}).then((answer) => answer.status, () => 0);"
    "  const states = () => all('#requests tr').map((row) => row.cells[0].textContent + "
    "row.cells[1].textContent);"
    "  const runs = [run()]; await until(() => states()[0] === 'runningcompletion × 128');"
    "  runs.push(run(), run()); await until(() => states()[2] === 'waitingcompletion × 128');"
    "  found.told = all('#running thead th').length === all('#requests tr')[0].cells.length;"
    "  found.reached = id('running').scrollWidth <= id('running').clientWidth;"
    "  all('#requests button')[2].click();"
    "  const ends = async (run) => { if (await run !== 499) throw run; return true; };"
    "  found.cancelled = await Promise.any(runs.map(ends)); abort.abort();"
    "  await until(() => states().length === 0 && id('requests-note').textContent.startsWith('Nothing'));"
    "  id('figures-tab').focus();"
    "  id('figures-tab').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));"
    "  const plan = await until(() => id('plan-page').shadowRoot.querySelector('svg.graph'));"
    "  found.drawn = plan.getBoundingClientRect().width > 100;"
    "  found.fits = document.documentElement.scrollWidth <= innerWidth && id('plan').scrollWidth <= "
    "innerWidth;"
    "  id('chat-tab').click(); await until(() => !id('chat').hidden); id('clear').click();"
    "  found.cleared = all('.answer').length === 0;"
    "  id('question').value = 'Tell me a story.'; id('ask').requestSubmit();"
    "  await until(() => all('.text').length === 1); id('clear').click();"
    "  await until(() => !id('send').hidden);" // the answer that was cut has ended
    "  const asks = window.fetch; let body; window.fetch = (path, o) => { body = o.body ?? body; return "
    "asks(path, o); };"
    "  id('question').value = 'What is 12 + 30?'; id('ask').requestSubmit();"
    "  await until(() => all('.counts').length === 1); window.fetch = asks;"
    "  found.begun_anew = JSON.parse(body).messages.length === 1;"
    "  return found;"
    "})()";

static void visits(browser *b, int width, int height) {
  browser_open(b, width, height);
  // Until the page is there the browser's empty one would be asked.
  json_t *result = NULL;
  for (const char *at = ""; strstr(at, "page.css") == NULL; usleep(20000)) {
    json_decref(result);
    result = browser_do(b, "Runtime.evaluate",
                        json_pack("{s:s}", "expression",
                                  "document.readyState === 'complete' ? document.head.innerHTML : ''"));
    at = serving_string(result, "result.value");
    if (at == NULL) at = "";
  }
  json_decref(result);
  result =
      browser_do(b, "Runtime.evaluate",
                 json_pack("{s:s, s:b, s:b}", "expression", visit, "awaitPromise", 1, "returnByValue", 1));
  const json_t *found = serving_at(result, "result.value");
  assert_string_equal(serving_string(found, "answer"), "The answer is 42.");
  assert_string_equal(serving_string(found, "thoughts"), "12 + 30 = 42");
  static const char *const facts[] = {"stops", "figures", "told",    "reached",   "cancelled",
                                      "drawn", "fits",    "cleared", "begun_anew"};
  for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
    if (!json_is_true(json_object_get(found, facts[i])))
      print_error("%d pixels: not so: %s\n", width, facts[i]);
    assert_true(json_is_true(json_object_get(found, facts[i])));
  }
  json_decref(result);
}

static void a_browser_shows_it(void **state) {
  (void)state;
  const char *path = find_browser();
  if (path == NULL) {
    print_message("skipped: Chromium, in which the page would be tested, is not installed\n");
    skip();
  }
  browser b;
  browser_start(&b, path);
  visits(&b, 1280, 800);
  visits(&b, 390, 844);
  browser_stop(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_page_is_open_and_closed_to_others),
      cmocka_unit_test(every_path_of_the_scripts_answers),
      cmocka_unit_test(every_metric_of_the_page_is_told),
      cmocka_unit_test(the_plan_wants_the_key),
      cmocka_unit_test(a_browser_shows_it),
  };
  return cmocka_run_group_tests(tests, start, serving_tear_down);
}
