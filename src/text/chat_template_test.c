// SPDX-License-Identifier: Apache-2.0
// Tests of finding a chat template and what it says of thinking: each kind, which file wins, broken files.
#include "tests/support/chatting.h"
#include "tests/support/folder.h"
#include "text/chat.h"
#include <stdio.h>
#include <string.h>

static nf_tokenizer *qwen, *o200k; // instead of chatting.h's one

static int load(void **) {
  check_ok(nf_tokenizer_load("tests/data/tokenizers/qwen-small/tokenizer.json", &qwen));
  check_ok(nf_tokenizer_load("tests/data/tokenizers/o200k-small/tokenizer.json", &o200k));
  return 0;
}

static int unload_both(void **) {
  nf_tokenizer_destroy(qwen);
  nf_tokenizer_destroy(o200k);
  return 0;
}

#define NEVER                                                                                               \
  "{{ m.content.split('<think>') }}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif " \
  "%}"
#define ALWAYS "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}{% endif %}"
#define CLOSED "{% if add_generation_prompt %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
#define HYBRID \
  "{% if add_generation_prompt %}{% if enable_thinking is false %}<think>\n\n</think>{% endif %}{% endif %}"

static void kinds_are_told_apart(void **) {
  static const struct {
    const char *text;
    nf_thinking kind;
  } cases[] = {
      {NEVER, NF_THINKING_NEVER},
      {ALWAYS, NF_THINKING_ALWAYS},
      {CLOSED, NF_THINKING_NEVER},
      {HYBRID, NF_THINKING_HYBRID},
      {"", NF_THINKING_NEVER},
      {"<think>", NF_THINKING_NEVER},
      {"<think>\nadd_generation_prompt", NF_THINKING_NEVER},
      {"add_generation_prompt</think><think>", NF_THINKING_ALWAYS},
      {"add_generation_prompt <think> add_generation_prompt", NF_THINKING_NEVER},
      {"enable_thinkin", NF_THINKING_NEVER},
      {"add_generation_prompt {% if enable_thinking is false %}<think>\n\n</think>{% else %}<think>\n{% "
       "endif %}",
       NF_THINKING_OPENED},
      {"add_generation_prompt {% if enable_thinking is true %}<think>\n{% else %}<think>\n\n</think>{% endif "
       "%}",
       NF_THINKING_ASKED},
      {"enable_thinking <think> add_generation_prompt", NF_THINKING_HYBRID},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (nf_chat_template_thinking(nf_view_of(cases[i].text)) != cases[i].kind)
      fail_msg("%s: not kind %d", cases[i].text, cases[i].kind);
  assert_int_equal(nf_chat_template_thinking((nf_view){0}), NF_THINKING_NEVER);
}

static void forms_of_tools_are_told_apart(void **) {
  static const struct {
    const char *text;
    nf_tool_form form;
  } cases[] = {
      {"", NF_TOOLS_QWEN3},
      {"# Tools {{ '<tool_call>\\n{\"name\": ' }} <parameters>", NF_TOOLS_QWEN3},
      {"<tools>\n<function>\n<parameters>{{ tool }} '<tool_call>\\n<function=' <parameter=",
       NF_TOOLS_CODER_FIRST},
      {"# Tools\n\n<tools>\n<function>\n<parameters>{{ tool }} '<tool_call>\\n<function='", NF_TOOLS_CODER},
      {"<tools>{{ tool | tojson }} '<tool_call>\\n<function=' args_value is mapping", NF_TOOLS_QWEN35},
      {"<tools>{{ tool | tojson }} '<tool_call>\\n<function=' args_value is string", NF_TOOLS_QWEN36},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (nf_chat_template_form(nf_view_of(cases[i].text)) != cases[i].form)
      fail_msg("%s: not form %d", cases[i].text, cases[i].form);
  assert_int_equal(nf_chat_template_form((nf_view){0}), NF_TOOLS_QWEN3);
}

#define JSON(template) "{\"x\": 1e30, \"chat_template\": " template "}"
#define J_ALWAYS "\"add_generation_prompt '<|im_start|>assistant\\\\n<think>\\\\n'\""
#define J_NEVER "\"add_generation_prompt\""
#define J_HYBRID "\"enable_thinking\""

static const struct {
  const char *jinja, *config, *legacy; // contents of the three files; NULL: there is none
  nf_thinking kind;
  const char *error; // part of the message
} folders[] = {
    {NULL, NULL, NULL, NF_THINKING_HYBRID, NULL}, // by the tokenizer
    {NULL, "{}", NULL, NF_THINKING_HYBRID, NULL},
    {NULL, JSON("null"), NULL, NF_THINKING_HYBRID, NULL},
    {NULL, JSON("\"\""), JSON(J_NEVER), NF_THINKING_NEVER, NULL},
    {NULL, JSON("\"x\""), NULL, NF_THINKING_NEVER, NULL},
    {ALWAYS, JSON(J_HYBRID), JSON(J_HYBRID), NF_THINKING_ALWAYS, NULL},
    {"", JSON(J_ALWAYS), NULL, NF_THINKING_NEVER, NULL},
    {NULL, JSON(J_ALWAYS), JSON(J_HYBRID), NF_THINKING_ALWAYS, NULL},
    {NULL, "{}", JSON(J_ALWAYS), NF_THINKING_ALWAYS, NULL},
    {NULL, NULL, JSON(J_ALWAYS), NF_THINKING_ALWAYS, NULL},
    {NULL,
     JSON("[{\"name\": \"tool_use\", \"template\": " J_HYBRID
          "}, {\"name\": \"default\", \"template\": " J_ALWAYS "}]"),
     NULL, NF_THINKING_ALWAYS, NULL},
    {NULL, JSON("[{\"name\": \"tool_use\", \"template\": \"x\"}]"), NULL, 0,
     "chat_template: none of the 1 templates is named \"default\""},
    {NULL, JSON("[]"), NULL, 0, "none of the 0 templates"},
    {NULL, JSON("[7]"), NULL, 0, "chat_template[0]: is a number, should be an object"},
    {NULL, JSON("[{\"template\": \"x\"}]"), NULL, 0, "chat_template[0].name: is missing"},
    {NULL, JSON("[{\"name\": \"default\"}]"), NULL, 0, "chat_template[0].template: is missing"},
    {NULL, JSON("7"), NULL, 0, "tokenizer_config.json: chat_template: should be a string, or an array"},
    {NULL, "[]", NULL, 0, "tokenizer_config.json: is an array, should be an object"},
    {NULL, "{\"chat_template\": \"x", NULL, 0, "tokenizer_config.json: line 1"},
    {NULL, NULL, "{", 0, "chat_template.json: line 1"},
    {"a\xff", NULL, NULL, 0, "chat_template.jinja: byte 1: invalid UTF-8"},
};

static void write_if(const char *dir, const char *name, const char *text) {
  if (text) folder_write_text(dir, name, text);
}

static void folders_are_searched_in_order(void **) {
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    char *dir = folder_create();
    write_if(dir, "chat_template.jinja", folders[i].jinja);
    write_if(dir, "tokenizer_config.json", folders[i].config);
    write_if(dir, "chat_template.json", folders[i].legacy);
    nf_chat_template found = {99, 99};
    const nf_status st = nf_chat_template_load(dir, qwen, &found);
    if (folders[i].error) {
      assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
      if (!strstr(nf_status_message(st), folders[i].error))
        fail_msg("'%s' does not say '%s'", nf_status_message(st), folders[i].error);
      nf_status_free(st);
    } else {
      check_ok(st);
      if (found.thinking != folders[i].kind)
        fail_msg("folder %zu: kind %d, not %d", i, found.thinking, folders[i].kind);
    }
    folder_remove(dir);
  }
}

static void the_tokenizer_decides_without_a_template(void **) {
  char *dir = folder_create();
  nf_chat_template found;
  check_ok(nf_chat_template_load(dir, o200k, &found));
  assert_int_equal(found.form, NF_TOOLS_QWEN3);
  assert_int_equal(found.thinking, NF_THINKING_NEVER);
  folder_remove(dir);
}

static void the_folders_template_says_both(void **) {
  char *dir = folder_create();
  nf_chat_template found;
  folder_write_text(dir, "chat_template.jinja", "<parameters> '<function=' add_generation_prompt <think>");
  check_ok(nf_chat_template_load(dir, qwen, &found));
  assert_int_equal(found.thinking, NF_THINKING_ALWAYS);
  assert_int_equal(found.form, NF_TOOLS_CODER_FIRST);
  folder_remove(dir);
}

static void large_files_are_refused(void **) {
  static char large[(1 << 20) + 1];
  memset(large, ' ', sizeof large);
  char *dir = folder_create();
  nf_chat_template found;
  folder_write(dir, "chat_template.jinja", large, sizeof large);
  const nf_status st = nf_chat_template_load(dir, qwen, &found);
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  nf_status_free(st);
  folder_write(dir, "chat_template.jinja", large, sizeof large - 1);
  check_ok(nf_chat_template_load(dir, qwen, &found));
  folder_remove(dir);
}

static nf_status find_kind(const void *dir) {
  nf_chat_template found;
  return nf_chat_template_load(dir, qwen, &found);
}

static void memory_runs_out(void **) {
  if (!nf_alloc_fail_available()) skip();
  char *dir = folder_create();
  folder_write_text(dir, "tokenizer_config.json", "{}");
  folder_write_text(dir, "chat_template.json", JSON("[{\"name\": \"default\", \"template\": " J_HYBRID "}]"));
  runs_out_of_memory(find_kind, dir, false);
  folder_remove(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kinds_are_told_apart),
      cmocka_unit_test(forms_of_tools_are_told_apart),
      cmocka_unit_test(folders_are_searched_in_order),
      cmocka_unit_test(the_tokenizer_decides_without_a_template),
      cmocka_unit_test(the_folders_template_says_both),
      cmocka_unit_test(large_files_are_refused),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests(tests, load, unload_both);
}
