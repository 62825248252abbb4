// SPDX-License-Identifier: Apache-2.0
// Temporary folders and small files for tests. Everything that goes wrong here fails the calling cmocka test.
#pragma once
#include <stdbool.h>
#include <stddef.h>

char *folder_create(void);                            // below $TMPDIR or /tmp; ended by folder_remove
void folder_remove(char *dir);                        // with the files in it; frees the name. NULL is fine
char *folder_path(const char *dir, const char *name); // freed by free
void folder_write(const char *dir, const char *name, const void *data, size_t n);
void folder_write_text(const char *dir, const char *name, const char *text);
char *folder_read(const char *path, size_t *out_n); // NUL-terminated; freed by free
void folder_link(const char *dir, const char *name,
                 const char *target); // a symbolic link; target may be relative
bool folder_has(const char *dir, const char *name);
