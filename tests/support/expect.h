// SPDX-License-Identifier: Apache-2.0
// What tests of the public interface say of an error, and what they open, which must do.
#pragma once
#include <infuse/infuse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static inline void ok(infuse_error *e) {
  if (e != NULL) fail_msg("%s", infuse_error_message(e));
}

// Ends the error.
static inline void refused(infuse_error *e, infuse_code code, const char *fragment) {
  assert_non_null(e);
  assert_int_equal(infuse_error_code(e), code);
  if (strstr(infuse_error_message(e), fragment) == NULL)
    fail_msg("'%s' does not say '%s'", infuse_error_message(e), fragment);
  infuse_error_free(e);
}

// Of options without their size.
static inline infuse_model *new_model(infuse_runtime *rt, const char *dir, infuse_model_options o) {
  infuse_model *m;
  o.size = sizeof o;
  ok(infuse_model_load(rt, dir, &o, &m));
  return m;
}

static inline infuse_session *new_session(infuse_model *m, infuse_session_options o) {
  infuse_session *s;
  o.size = sizeof o;
  ok(infuse_session_create(m, &o, &s));
  return s;
}
