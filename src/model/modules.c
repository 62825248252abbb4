// SPDX-License-Identifier: Apache-2.0
// Lists of modules: names in a map, expressions compiled by PCRE2.
#include "model/modules.h"
#include <ctype.h>
#include <string.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// An expression is matched with every linear of the model, tens of thousands: neither may be costly.
enum { MAX_ENTRIES = 1 << 20, MAX_EXPRESSIONS = 256, MATCH_STEPS = 10000, MATCH_KIB = 1024 };

struct nf_expression {
  const char *text;
  uint32_t number;
  pcre2_code *code;
  pcre2_match_context *context;
  pcre2_match_data *data;
};

static nf_status no_memory(void) {
  return nf_error(NF_NO_MEMORY, "no memory for the list of quantised modules");
}

// ---- Python's expressions and file name patterns in PCRE2's spelling ----
// Most of it is the same; what only one of them knows, or both read differently, is written otherwise or
// refused.

static nf_status no_python(const nf_json_at *at, const char *all, const char *what, size_t n) {
  return nf_json_error(at, "'re:%.100s' has '%.*s', which is nothing in a regular expression of Python's",
                       all, (int)n, what);
}

static bool hex(const char *s, int n) {
  while (n > 0 && isxdigit((unsigned char)*s)) s++, n--;
  return n == 0;
}

// From the backslash on; *length is what was read.
static bool escape(const char *from, size_t *length, nf_text *out) {
  const char c = from[1];
  *length = c ? 2 : 1;
  if (c == 'Z' || c == 'v') {
    nf_text_printf(out, "%s", c == 'Z' ? "\\z" : "\\x0b");
  } else if (c == 'u' && hex(from + 2, 4)) {
    nf_text_printf(out, "\\x{%.4s}", from + 2);
    *length = 6;
  } else if (c == 'x' ? !hex(from + 2, 2) : isalpha((unsigned char)c) && !strchr("dDwWsSbBAnrtfa", c)) {
    return false;
  } else {
    nf_text_append(out, from, *length);
  }
  return true;
}

// Whether "(?" goes on as Python's groups do: PCRE2 has calls, branch resets and other names besides.
static bool is_group(const char *s) {
  if (*s == 'P') return s[1] == '<' || s[1] == '=';
  if (*s == '<') return s[1] == '=' || s[1] == '!';
  if (*s == '-') return islower((unsigned char)s[1]);
  return *s && strchr(":=!#>(imsxaLu", *s);
}

// A class from its '[' to its ']' or the end: "[" means itself in there, and so does a "]" at once.
static nf_status set(const nf_json_at *at, const char *all, const char **from, nf_text *out) {
  const char *s = *from + 1;
  nf_text_append(out, "[", 1);
  if (*s == '^') nf_text_append(out, s++, 1);
  for (bool first = true; *s && (first || *s != ']'); first = false) {
    size_t n = 1;
    if (*s == '[' || (first && *s == ']')) {
      nf_text_printf(out, "\\%c", *s);
    } else if (*s != '\\') {
      nf_text_append(out, s, 1);
    } else if (!escape(s, &n, out)) {
      return no_python(at, all, s, 2);
    }
    s += n;
  }
  if (*s) nf_text_append(out, s++, 1);
  *from = s;
  return nf_ok();
}

static nf_status python_expression(const nf_json_at *at, const char *from, nf_text *out) {
  for (const char *s = from; *s;) {
    size_t n = 1;
    if (*s == '[') {
      NF_TRY(set(at, from, &s, out));
      continue;
    }
    if (*s == '\\') {
      if (!escape(s, &n, out)) return no_python(at, from, s, 2);
    } else if (*s == '(' && (s[1] == '*' || (s[1] == '?' && !is_group(s + 2)))) {
      return no_python(at, from, s, s[1] == '?' && s[2] ? 3 : 2);
    } else if (*s == '{' && s[1] == ',' && isdigit((unsigned char)s[2])) {
      nf_text_append(out, "{0", 2); // "at most": PCRE2 before 10.43 takes it for itself
    } else {
      nf_text_append(out, s, 1);
    }
    s += n;
  }
  return nf_text_status(out);
}

// A class of fnmatch from its '[' on: its length, 0 when it has no end and is a bracket only.
static size_t class_length(const char *s) {
  size_t n = 1 + (s[1] == '!');
  if (s[n] == ']') n++;
  const char *end = strchr(s + n, ']');
  return end ? (size_t)(end - s) + 1 : 0;
}

static void python_fnmatch(const char *from, nf_text *out) {
  for (const char *s = from; *s; s++) {
    const size_t n = *s == '[' ? class_length(s) : 0;
    if (*s == '*' || *s == '?') {
      nf_text_printf(out, *s == '*' ? ".*" : ".");
    } else if (n) {
      nf_text_printf(out, s[1] == '!' ? "[^" : "[");
      for (size_t i = 1 + (s[1] == '!'); i + 1 < n; i++)
        nf_text_printf(out, strchr("\\[]^", s[i]) ? "\\%c" : "%c", s[i]);
      nf_text_append(out, "]", 1);
      s += n - 1;
    } else {
      nf_text_printf(out, isalnum((unsigned char)*s) || *s == '_' || (unsigned char)*s > 127 ? "%c" : "\\%c",
                     *s);
    }
  }
  nf_text_append(out, "\\z", 2);
}

// ---- expressions ----

static void free_expression(const struct nf_expression *e) {
  pcre2_code_free(e->code);
  pcre2_match_context_free(e->context);
  pcre2_match_data_free(e->data);
}

static nf_status compile(const nf_json_at *at, const char *text, struct nf_expression *e) {
  int code;
  PCRE2_SIZE where;
  e->code = pcre2_compile((PCRE2_SPTR)text, strlen(text),
                          PCRE2_UTF | PCRE2_ANCHORED | PCRE2_NEVER_BACKSLASH_C, &code, &where, NULL);
  if (!e->code && code == PCRE2_ERROR_HEAP_FAILED) return no_memory();
  if (!e->code) {
    char why[128];
    pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
    return nf_json_error(at, "'re:%.100s' is no valid regular expression: %s at byte %zu", e->text, why,
                         where);
  }
  e->context = pcre2_match_context_create(NULL);
  e->data = pcre2_match_data_create(1, NULL);
  if (!e->context || !e->data) return no_memory();
  pcre2_set_match_limit(e->context, MATCH_STEPS);
  pcre2_set_heap_limit(e->context, MATCH_KIB);
  return nf_ok();
}

// `text` in PCRE2's spelling.
static nf_status translate(const nf_json_at *at, const char *text, nf_spelling spelling, nf_text *out) {
  if (spelling == NF_SPELLING_GLOB) {
    python_fnmatch(text, out);
    return nf_text_status(out);
  }
  const bool within = spelling == NF_SPELLING_TRANSFORMERS;
  if (within) nf_text_printf(out, "(?:");
  NF_TRY(python_expression(at, text, out));
  if (within) nf_text_printf(out, ")(?:(?<=\\.)|(?=\\.|$))"); // whole parts of a name
  return nf_text_status(out);
}

// Where the expression belongs: at the end, or by its text, before those of the same.
static size_t place_of(const nf_modules *m, const char *text, bool ordered) {
  size_t i = m->n;
  while (ordered && i > 0 && strcmp(m->expression[i - 1].text, text) >= 0) i--;
  return i;
}

static nf_status add_expression(const nf_json_at *at, const char *text, nf_spelling spelling, uint32_t number,
                                nf_modules *out) {
  if (out->n == MAX_EXPRESSIONS)
    return nf_json_error(at, "is one more regular expression than %d, should be fewer", MAX_EXPRESSIONS);
  if (!nf_grow(&out->expression, &out->cap, out->n + 1, sizeof *out->expression)) return no_memory();
  struct nf_expression e = {.text = text, .number = number};
  nf_text translated = {0};
  nf_status st = translate(at, text, spelling, &translated);
  if (nf_is_ok(st)) st = compile(at, translated.at ? translated.at : "", &e);
  nf_text_deinit(&translated);
  if (!nf_is_ok(st)) {
    free_expression(&e);
    return st;
  }
  struct nf_expression *to = out->expression + place_of(out, text, spelling == NF_SPELLING_COMPRESSED);
  memmove(to + 1, to, (size_t)(out->expression + out->n++ - to) * sizeof *to);
  *to = e;
  return nf_ok();
}

static nf_status matches(const struct nf_expression *e, const char *module, bool *out) {
  const int rc = pcre2_match(e->code, (PCRE2_SPTR)module, strlen(module), 0, 0, e->data, e->context);
  *out = rc >= 0;
  if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH) return nf_ok();
  if (rc == PCRE2_ERROR_NOMEMORY) return no_memory();
  return nf_error(NF_BAD_INPUT,
                  "quantization_config: 're:%.100s' takes more than %d steps on '%s', should be simpler",
                  e->text, MATCH_STEPS, module);
}

// ---- lists ----

// Where the expression in an entry begins; NULL: it is a name.
static const char *expression_in(const char *entry, nf_spelling spelling) {
  static const char *const signs[] = {
      [NF_SPELLING_TRANSFORMERS] = "\\*?[](){}|+^$", [NF_SPELLING_GLOB] = "*?["};
  if (spelling == NF_SPELLING_COMPRESSED) return strncmp(entry, "re:", 3) == 0 ? entry + 3 : NULL;
  return strpbrk(entry, signs[spelling]) ? entry : NULL;
}

nf_status nf_modules_add(const nf_json_at *at, const char *entry, nf_spelling spelling, uint32_t number,
                         nf_arena *arena, nf_modules *out) {
  const char *name = nf_arena_copy(arena, entry, strlen(entry));
  if (!name) return no_memory();
  out->within = spelling == NF_SPELLING_TRANSFORMERS;
  const char *expression = expression_in(name, spelling);
  if (expression) return add_expression(at, expression, spelling, number, out);
  if (spelling == NF_SPELLING_COMPRESSED && (strcmp(name, "Linear") == 0 || strcmp(name, "Module") == 0))
    out->all = 1 + number;
  return nf_map_add(&out->names, name, strlen(name), number, NULL);
}

nf_status nf_modules_read(const nf_json_at *list, nf_spelling spelling, uint32_t number, nf_arena *arena,
                          nf_modules *out) {
  size_t n;
  if (!list->value) return nf_ok();
  NF_TRY(nf_json_array(list, &n));
  if (n > MAX_ENTRIES) return nf_json_error(list, "has %zu entries, should have at most %d", n, MAX_ENTRIES);
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(list, i);
    nf_view text;
    NF_TRY(nf_json_string(&item, &text));
    NF_TRY(nf_modules_add(&item, text.at, spelling, number, arena, out));
  }
  return nf_ok();
}

void nf_modules_deinit(nf_modules *m) {
  for (size_t i = 0; i < m->n; i++) free_expression(&m->expression[i]);
  nf_free(m->expression);
  nf_map_deinit(&m->names);
  *m = (nf_modules){0};
}

static bool named(const nf_modules *m, const char *module, uint32_t *out) {
  const size_t n = strlen(module);
  if (nf_map_find(&m->names, module, n, out)) return true;
  for (size_t i = 0; m->within && i <= n; i++) {
    const bool whole = module[i] == '.' || (i && module[i - 1] == '.');
    if (whole && nf_map_find(&m->names, module, i, out)) return true;
    if (nf_map_find(&m->names, module + i, n - i, out)) return true;
  }
  return false;
}

nf_status nf_modules_find(const nf_modules *m, const char *module, bool *out_found, uint32_t *out_number) {
  *out_number = 0;
  *out_found = named(m, module, out_number);
  for (size_t i = 0; i < m->n && !*out_found; i++) {
    NF_TRY(matches(&m->expression[i], module, out_found));
    *out_number = m->expression[i].number;
  }
  if (*out_found || !m->all) return nf_ok();
  *out_found = true;
  *out_number = m->all - 1;
  return nf_ok();
}
