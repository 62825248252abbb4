// SPDX-License-Identifier: Apache-2.0
// explain's page: well-formed for every config, whatever the names are, small enough, and there as a whole or
// not at all.
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/explain.h"
#include "cli/html.h"
#include "tests/support/alloc_fail.h"
#include <ctype.h>
#include <infuse/inspect.h>
#include <setjmp.h> // cmocka wants these before itself
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// ---- well-formed ----

enum { DEEPEST = 64 };
static const char *const empty[] = {"meta", "br", "wbr", "!DOCTYPE"};

static size_t name_length(const char *s) {
  size_t n = 0;
  while (isalnum((unsigned char)s[n]) || s[n] == '!') n++;
  return n;
}

static bool is_empty(const char *s, size_t n) {
  for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
    if (strlen(empty[i]) == n && strncmp(s, empty[i], n) == 0) return true;
  return false;
}

// Every tag that begins ends, in order, and quotes are paired within tags.
static void check_well_formed(const char *page) {
  const char *open[DEEPEST];
  size_t depth = 0;
  for (const char *s = strchr(page, '<'); s != NULL; s = strchr(s, '<')) {
    const bool ends = *++s == '/';
    const char *name = s + ends;
    const size_t n = name_length(name);
    bool quoted = false;
    for (; *s != '\0' && (quoted || *s != '>'); s++) quoted ^= *s == '"';
    assert_int_equal(*s, '>');
    assert_true(n > 0);
    if (ends) {
      assert_true(depth > 0);
      depth--;
      if (strncmp(open[depth], name, n) != 0) fail_msg("</%.*s> ends <%.*s>", (int)n, name, 9, open[depth]);
    } else if (s[-1] != '/' && !is_empty(name, n)) {
      assert_true(depth < DEEPEST);
      open[depth++] = name;
    }
  }
  assert_int_equal(depth, 0);
}

// Nothing is fetched: no address, no source, no import, no script.
static void check_alone(const char *page) {
  static const char *const never[] = {
      "http:", "https:", "src=", "href=", "@import", "<script", "url(//", "onload"};
  for (size_t i = 0; i < sizeof never / sizeof *never; i++)
    if (strstr(page, never[i]) != NULL) fail_msg("the page has %s", never[i]);
}

static char *page_of(const json_t *doc) {
  char *page = NULL;
  size_t n;
  char path[64];
  snprintf(path, sizeof path, "/tmp/infuse-page-%d.html", (int)getpid());
  nf_status st = cli_explain_html(doc, path);
  assert_string_equal(nf_status_message(st), "");
  st = nf_file_load(path, (size_t)1 << 26, &page, &n);
  assert_string_equal(nf_status_message(st), "");
  assert_int_equal(nf_utf8_check(page, n), n);
  assert_int_equal(remove(path), 0);
  check_well_formed(page);
  check_alone(page);
  return page;
}

// ---- real documents ----

static void receive(void *user, const char *json, size_t n) {
  const nf_status st = nf_json_parse(json, n, "explain", user);
  assert_string_equal(nf_status_message(st), "");
}

static nf_json explain(const char *dir, const char *target) {
  const infuse_runtime_options ro = {
      .size = sizeof ro, .device = "null", .target = target, .log_level = INFUSE_ERROR};
  infuse_runtime *rt;
  nf_json doc = {0};
  assert_null(infuse_runtime_create(&ro, &rt));
  assert_null(infuse_explain(rt, dir, NULL, NULL, receive, &doc));
  infuse_runtime_destroy(rt);
  return doc;
}

static void pages_of_models(void **state) {
  (void)state;
  static const char *const dirs[] = {"configs/gpt-oss-120b", "configs/gpt-oss-20b",
                                     "checkpoints/gpt-oss-tiny", "checkpoints/qwen3-tiny",
                                     "checkpoints/qwen3-next-tiny-fp8-block"};
  for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
    nf_json doc = explain(dirs[i], "gfx950");
    char *page = page_of(doc.root);
    assert_true(strlen(page) < 400000);
    assert_non_null(strstr(page, "name=\"viewport\""));
    assert_non_null(strstr(page, "prefers-color-scheme:dark"));
    assert_non_null(strstr(page, "all_reduce: fused 0 of 0, with pad 0"));
    assert_non_null(strstr(page, "class=\"frame c0 rim\""));
    nf_free(page);
    nf_json_deinit(&doc);
  }
}

// ---- hostile ones ----

#define EVIL "<script>\\\"'&lt;%s%n\xE2\x80\xAE"

// Every text of a document becomes hostile, at every place.
static void spoil(json_t *value) {
  const char *key;
  size_t i;
  json_t *item;
  void *next;
  json_object_foreach_safe(value, next, key, item) {
    if (json_is_string(item) && strcmp(key, "verdict") != 0)
      json_object_set_new(value, key, json_sprintf("%s%s", json_string_value(item), EVIL));
    else
      spoil(item);
  }
  json_array_foreach(value, i, item) {
    if (json_is_string(item))
      json_array_set_new(value, i, json_sprintf("%s%s", json_string_value(item), EVIL));
    else
      spoil(item);
  }
}

static void escapes_all_names(void **state) {
  (void)state;
  nf_json doc = explain("checkpoints/gpt-oss-tiny", "gfx950");
  spoil(doc.root);
  char *page = page_of(doc.root);
  assert_non_null(strstr(page, "&#60;script&#62;"));
  nf_free(page);
  nf_json_deinit(&doc);
}

// A document of which anything is missing or of another kind still makes a page.
static void takes_what_is_missing(void **state) {
  (void)state;
  static const char *const docs[] = {
      "{}",
      "[]",
      "{\"plan\": 1, \"fusion\": [], \"unfused\": \"x\"}",
      "{\"model\": {\"layers\": -1}, \"unfused\": [1, null, {}, {\"name\": 3, \"operands\": [{}, 1], "
      "\"results\": {}}]}",
      "{\"model\": {\"layers\": 1e300}, \"plan\": {\"nodes\": [[], {\"name\": \"L99.x\"}]}}",
      "{\"model\": {\"layers\": 2}, \"fusion\": {\"sites\": [{\"candidates\": [{\"verdict\": \"chosen\", "
      "\"nodes\": [1, "
      "\"L1.a\", \"hidden.999999999999\"]}]}], \"near_misses\": [{}, {}]}}"};
  for (size_t i = 0; i < sizeof docs / sizeof *docs; i++) {
    nf_json doc = {0};
    const nf_status st = nf_json_parse(docs[i], strlen(docs[i]), "doc", &doc);
    assert_string_equal(nf_status_message(st), "");
    nf_free(page_of(doc.root));
    nf_json_deinit(&doc);
  }
}

// A rank of many wires and a long chain: refused or drawn, in either case soon.
static void large_graphs_are_bounded(void **state) {
  (void)state;
  for (size_t n = 100; n <= 3000; n += 2900) {
    json_t *nodes = json_array();
    for (size_t i = 0; i < n; i++) {
      char name[32], before[32], first[32];
      snprintf(name, sizeof name, "L0.n%zu", i);
      snprintf(before, sizeof before, "L0.n%zu", i > 0 ? i - 1 : 0);
      snprintf(first, sizeof first, "L0.n%zu", i / 2);
      json_array_append_new(nodes, json_pack("{s:s, s:s, s:[s, s], s:[s]}", "name", name, "op", "add",
                                             "operands", before, first, "results", name));
    }
    json_t *doc = json_pack("{s:{s:i}, s:o}", "model", "layers", 1, "unfused", nodes);
    char *page = page_of(doc);
    assert_int_equal(strstr(page, "Too large to be drawn") != NULL, n > CLI_MOST_BOXES);
    nf_free(page);
    json_decref(doc);
  }
}

static void writes_all_or_nothing(void **state) {
  (void)state;
  nf_json doc = {0};
  const nf_status parsed = nf_json_parse("{}", 2, "doc", &doc);
  assert_string_equal(nf_status_message(parsed), "");
  const nf_status st = cli_explain_html(doc.root, "no/such/folder/page.html");
  assert_non_null(strstr(nf_status_message(st), "no/such/folder/page.html: can't create"));
  nf_status_free(st);
  nf_json_deinit(&doc);
}

// Any allocation may fail: then there is an error and no page, or a page that lacks a line; nothing leaks.
static void survives_lack_of_memory(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  char path[64];
  snprintf(path, sizeof path, "/tmp/infuse-poor-%d.html", (int)getpid());
  nf_json doc = explain("checkpoints/gpt-oss-tiny", "gfx950");
  nf_alloc_fail_at(0, false);
  const int64_t live = nf_alloc_live();
  assert_true(nf_is_ok(cli_explain_html(doc.root, path)));
  const uint64_t all = nf_alloc_count(), step = all / 400 + 1;
  for (uint64_t n = 1; n <= all; n += n < 40 ? 1 : step) {
    assert_true(remove(path) == 0 || n > 1);
    nf_alloc_fail_at(n, true);
    const nf_status st = cli_explain_html(doc.root, path);
    nf_alloc_fail_at(0, false);
    assert_int_equal(nf_is_ok(st), nf_path_exists(path));
    nf_status_free(st);
    assert_int_equal(nf_alloc_live(), live);
  }
  remove(path);
  nf_json_deinit(&doc);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pages_of_models),       cmocka_unit_test(escapes_all_names),
      cmocka_unit_test(takes_what_is_missing), cmocka_unit_test(large_graphs_are_bounded),
      cmocka_unit_test(writes_all_or_nothing), cmocka_unit_test(survives_lack_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
