// SPDX-License-Identifier: Apache-2.0
// explain's page: well-formed for every config, whatever the names are, small enough, and there as a whole or
// not at all.
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "report/html.h"
#include "report/report.h"
#include "tests/support/alloc_fail.h"
#include <ctype.h>
#include <infuse/inspect.h>
#include <math.h>
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

static const report_page page_facts = {"configs/a-model/", "infuse explain -m '<b>'", "9.9.9", "2026-01-02"};

static char *page_of(const json_t *doc) {
  char *page = NULL;
  size_t n;
  char path[64];
  snprintf(path, sizeof path, "/tmp/infuse-page-%d.html", (int)getpid());
  nf_status st = report_save_page(doc, &page_facts, path);
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

static nf_json explain_with(const char *dir, const char *target, const infuse_model_options *mo) {
  const infuse_runtime_options ro = {
      .size = sizeof ro, .device = "null", .target = target, .log_level = INFUSE_ERROR};
  infuse_runtime *rt;
  nf_json doc = {0};
  assert_null(infuse_runtime_create(&ro, &rt));
  assert_null(infuse_explain(rt, dir, mo, NULL, receive, &doc));
  infuse_runtime_destroy(rt);
  return doc;
}
static nf_json explain(const char *dir, const char *target) { return explain_with(dir, target, NULL); }

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
    assert_non_null(strstr(page, "<h1>a-model on AMD Instinct MI355X</h1>"));
    assert_non_null(
        strstr(page, "infuse 9.9.9 on 2026-01-02 with <code>infuse explain -m &#39;&#60;b&#62;&#39;</code>"));
    assert_non_null(strstr(page, "swipe or scroll sideways"));
    assert_non_null(strstr(page, "Memory fits: needs "));
    assert_non_null(strstr(page, "<span>tokens/s</span>"));
    assert_non_null(strstr(page, "prefers-color-scheme:dark"));
    assert_non_null(strstr(page, "all_reduce: fused 0 of 0, with pad 0"));
    assert_non_null(strstr(page, "class=\"frame c0 rim\""));
    nf_free(page);
    nf_json_deinit(&doc);
  }
}

// ---- figures agree ----

typedef struct figures { // launches and µs, before and after fusing
  double launches[2], us[2];
} figures;

static void assert_figures(const figures *got, const figures *want, double allowed) {
  for (int k = 0; k < 2; k++) {
    assert_true(got->launches[k] == want->launches[k]);
    if (fabs(got->us[k] - want->us[k]) > allowed) fail_msg("%.3f µs, not %.3f", got->us[k], want->us[k]);
  }
}

// Reshapes that have to copy. Fusing takes all of them for views, which cost nothing.
static figures copies_of(const json_t *nodes) {
  figures f = {0};
  const json_t *node;
  for (size_t i = 0; (node = json_array_get(nodes, i)) != NULL; i++)
    if (strcmp(report_text(node, "op"), "reshape") == 0 && json_is_string(json_object_get(node, "kernel")))
      f.launches[1]++, f.us[1] += report_number(node, "us");
  return f;
}

// What fusing saves by the nodes, by the sites, by the families and by the totals. Where kernels take packed
// weights, fusing does not know yet that 1 row will be padded to 16.
static figures check_document(const json_t *doc, bool fused, bool packed) {
  const json_t *nodes = report_at(doc, "plan.nodes"), *unfused = json_object_get(doc, "unfused");
  const figures f = {{(double)report_launches(unfused), (double)report_launches(nodes)},
                     {report_sum(unfused, "us"), report_sum(nodes, "us")}};
  const json_t *totals = report_at(doc, "fusion.totals"), *site, *c;
  double saved = 0;
  for (size_t i = 0; (site = json_array_get(report_at(doc, "fusion.sites"), i)) != NULL; i++)
    for (size_t k = 0; (c = json_array_get(json_object_get(site, "candidates"), k)) != NULL; k++)
      if (report_chosen(c)) saved += report_number(c, "before_us") - report_number(c, "after_us");
  const double allowed = packed ? 1e-3 * f.us[1] : 1e-3;
  assert_true(f.launches[1] == report_number(doc, "plan.launches"));
  assert_float_equal(f.us[1], report_number(doc, "plan.us"), 1e-3);
  const figures copies = copies_of(nodes);
  assert_float_equal(f.us[0] - (f.us[1] - copies.us[1]), saved, allowed);
  assert_float_equal(report_sum(report_at(doc, "fusion.families"), "saved_us"), saved, 1e-3);
  if (!fused) return f; // without fusions nobody asks what nodes cost
  const figures told = {
      {report_number(totals, "nodes_before"), report_number(totals, "nodes_after") + copies.launches[1]},
      {report_number(totals, "before_us"), report_number(totals, "after_us") + copies.us[1]}};
  assert_figures(&told, &f, allowed);
  return f;
}

// The table of the model's parts: its rows add up to its last one, which is the document's.
static void check_parts(const char *page, const figures *want) {
  const char *row = strstr(page, "Part, unfused → fused"), *end = strstr(row, "</table>");
  figures sum = {0}, last = {0};
  while ((row = strstr(row, "<tr><td>")) != NULL && row < end) {
    for (int k = 0; k < 2; k++) sum.launches[k] += last.launches[k], sum.us[k] += last.us[k];
    const char *cell = strstr(row, "<td class=\"n\">");
    const int n = sscanf(cell, "<td class=\"n\">%lf → %lf</td><td class=\"n\">%lf → %lf</td>",
                         &last.launches[0], &last.launches[1], &last.us[0], &last.us[1]);
    assert_int_equal(n, 4);
    row = cell;
  }
  assert_figures(&last, want, 0.006);
  assert_figures(&sum, want, 0.03);
}

// So do the drawings' headings, each with the figure of all layers that are equal.
static void check_headings(const char *page, const figures *want, double allowed) {
  figures sum = {0};
  for (const char *h = page; (h = strstr(h, "<h3>")) != NULL; h++) {
    const bool before = strncmp(h, "<h3>Before", 10) == 0, after = strncmp(h, "<h3>After", 9) == 0;
    double launches, us, layers = 1, all;
    assert_int_equal(sscanf(strchr(h, ':'), ": %lf launch%*[^,], %lf", &launches, &us) == 2 ||
                         sscanf(strchr(h, ':'), ": %lf launch, %lf", &launches, &us) == 2,
                     1);
    all = us;
    const char *many = strstr(h, " (all "), *end = strstr(h, "</h3>");
    if (many != NULL && many < end) assert_int_equal(sscanf(many, " (all %lf layers: %lf", &layers, &all), 2);
    for (int k = 0; k < 2; k++) {
      if (k == 0 ? after : before) continue; // what is unchanged counts twice
      sum.launches[k] += layers * launches;
      sum.us[k] += all;
    }
  }
  assert_figures(&sum, want, allowed);
}

static void figures_add_up(void **state) {
  (void)state;
  static const char *const dirs[] = {"configs/gpt-oss-120b", "configs/qwen3-8b-fp8",
                                     "configs/qwen3-next-80b-a3b-fp8", "checkpoints/gpt-oss-tiny"};
  static const char *const modes[] = {"cost", "off"}, *const targets[] = {"gfx950", "zen5"};
  for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
    for (int k = 0; k < 8; k++) {
      const infuse_model_options mo = {.size = sizeof mo, .world = 1 + k % 2, .fuse = modes[k / 2 % 2]};
      nf_json doc = explain_with(dirs[i], targets[k / 4], &mo);
      const figures f = check_document(doc.root, k / 2 % 2 == 0, k / 4 == 1);
      char *page = page_of(doc.root);
      check_parts(page, &f);
      check_headings(page, &f, k / 4 == 1 ? 1e-3 * f.us[1] : 0.03);
      nf_free(page);
      nf_json_deinit(&doc);
    }
}

// The sum over ranks that ends a layer is one kernel with the norm that begins the next: it is drawn once,
// whole, and told so.
static void joins_layers(void **state) {
  (void)state;
  const infuse_model_options mo = {.size = sizeof mo, .world = 2};
  nf_json doc = explain_with("configs/gpt-oss-120b", "gfx950", &mo);
  char *page = page_of(doc.root);
  const char *section = strstr(page, "<h2>layers 1, 3 .. 35"), *end = strstr(section, "</section>");
  static const char *const in_it[] = {">all_reduce_add_rms_norm, joins layer 0 and layer 1</text>",
                                      "<title>all_reduce: L0.moe.sum.unpadded</title>",
                                      "<title>add: hidden.1</title>", "<title>rms_norm: L1.attn.norm</title>",
                                      "joins layer 0 and layer 1</span>"};
  for (size_t i = 0; i < sizeof in_it / sizeof *in_it; i++) {
    const char *found = strstr(section, in_it[i]);
    if (found == NULL || found > end) fail_msg("no %s in layer 1", in_it[i]);
  }
  assert_non_null(strstr(page, "joins layer 35 and what follows"));
  assert_null(strstr(strstr(page, "<h2>layer 0"), "joins layer 0 and layer 0"));
  nf_free(page);
  nf_json_deinit(&doc);
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
    assert_int_equal(strstr(page, "Too large to be drawn") != NULL, n > REPORT_MOST_BOXES);
    nf_free(page);
    json_decref(doc);
  }
}

static void writes_all_or_nothing(void **state) {
  (void)state;
  nf_json doc = {0};
  const nf_status parsed = nf_json_parse("{}", 2, "doc", &doc);
  assert_string_equal(nf_status_message(parsed), "");
  const nf_status st = report_save_page(doc.root, &page_facts, "no/such/folder/page.html");
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
  assert_true(nf_is_ok(report_save_page(doc.root, &page_facts, path)));
  const uint64_t all = nf_alloc_count(), step = all / 400 + 1;
  for (uint64_t n = 1; n <= all; n += n < 40 ? 1 : step) {
    assert_true(remove(path) == 0 || n > 1);
    nf_alloc_fail_at(n, true);
    const nf_status st = report_save_page(doc.root, &page_facts, path);
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
      cmocka_unit_test(figures_add_up),        cmocka_unit_test(joins_layers),
      cmocka_unit_test(pages_of_models),       cmocka_unit_test(escapes_all_names),
      cmocka_unit_test(takes_what_is_missing), cmocka_unit_test(large_graphs_are_bounded),
      cmocka_unit_test(writes_all_or_nothing), cmocka_unit_test(survives_lack_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
