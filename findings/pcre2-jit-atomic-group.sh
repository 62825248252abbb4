#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What stands in an atomic group is not tried again once the group has matched, and one would guess that PCRE2 finds the same
# with and without its JIT. In Debian 12's PCRE2 10.42 the JIT goes back into the alternatives of such a group when the search
# starts one character later: (?>[A-Z]+|.). on FXL matches XL; the interpreter and Python's re (3.11) find nothing.
# Split patterns of tokenizers have such groups.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download libpcre2-8-0=10.42-1+deb12u2
dpkg -x libpcre2-8-0_*.deb .
python3 - "$(find . -name 'libpcre2-8.so.0')" >seen <<'EOF'
import ctypes, sys

lib = ctypes.CDLL(sys.argv[1])
pointer, size, u32, i32, text = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_int, ctypes.c_char_p

def function(name, result, *arguments):
    f = getattr(lib, "pcre2_%s_8" % name)
    f.restype, f.argtypes = result, arguments
    return f

compile_ = function("compile", pointer, text, size, u32, pointer, pointer, pointer)
jit = function("jit_compile", i32, pointer, u32)
match_data = function("match_data_create", pointer, u32, pointer)
match = function("match", i32, pointer, text, size, size, u32, pointer, pointer)
ovector = function("get_ovector_pointer", ctypes.POINTER(size), pointer)

def find(pattern, subject, with_jit):
    code = compile_(pattern, len(pattern), 0, ctypes.byref(i32()), ctypes.byref(size()), None)
    assert not with_jit or jit(code, 1) == 0
    data = match_data(4, None)
    if match(code, subject, len(subject), 0, 0, data, None) < 1:
        return "nothing"
    return subject[ovector(data)[0]:ovector(data)[1]].decode()

for pattern in (b"(?>[A-Z]+|.).", b"[A-Z]++."):
    print(pattern.decode(), "interpreter:", find(pattern, b"FXL", False), "JIT:", find(pattern, b"FXL", True))
EOF
cat seen
diff - seen <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
(?>[A-Z]+|.). interpreter: nothing JIT: XL
[A-Z]++. interpreter: nothing JIT: nothing
EOF
