#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The checks of tools/ catch what they are there for: each passes on a small clean tree and fails, for the right
# reason, once that tree is broken.   usage: checks_test.sh <compiler> <nm>
set -eu
tools=$PWD/tools
compiler=$1 nm=$2
. tests/support/shell.sh
tree=$work

fails() { # fails <text that it must print> <command>...
  wanted=$1
  shift
  ! "$@" >"$tree/out" 2>&1 || fail "passed, but should have failed: $wanted"
  has "$tree/out" "$wanted"
}

mkdir -p "$tree/tools" "$tree/src/base" "$tree/src/op" "$tree/src/kernels/ref" "$tree/src/plan" "$tree/include/infuse"
cp "$tools/rooms.txt" "$tree/tools/"
cd "$tree"
printf '#pragma once\ntypedef int nf_x;\n' >src/base/x.h
printf '#include "base/x.h"\nextern nf_x nf_y;\n' >src/op/op.h
printf '#include "op/op.h"\n#include <stdio.h>\n' >src/plan/plan.h
printf '#include "op/op.h"\n' >src/kernels/ref/ref_test.c
"$tools/check_rooms" "$tree"
"$tools/check_headers" "$compiler" "$tree"

rejects() { # rejects <file> <line> <text>: one line more in a file breaks the rooms
  printf '%s\n' "$2" >"$1"
  fails "$3" "$tools/check_rooms" "$tree"
  rm "$1"
}
rejects src/op/bad.c '#include "plan/plan.h"' 'src/op/bad.c:1: op/ may not include plan/'
rejects src/base/bad.h '  # include "op/op.h"' 'src/base/bad.h:1: base/ may not include op/'
rejects src/kernels/ref/bad.c '#include "op/op.h"' 'kernels/ref/ may not include op/'
rejects src/op/bad_test.c '#include "plan/plan.h"' 'op/ may not include plan/'
rejects src/op/bad.c '#include "op.h"' 'write the path from src/'
rejects src/op/bad.c '#include <infuse/infuse.h>' 'op/ may not include <infuse/infuse.h>'
rejects include/infuse/bad.h '#include "base/x.h"' 'public/ may not include base/'
rejects src/bad.c 'int x;' 'stands in no room'

echo 'size_t nf_size(void);' >src/base/bad.h
fails 'base/bad.h: does not compile alone' "$tools/check_headers" "$compiler" "$tree"

echo 'int infuse_x; int nf_leak;' >leak.c
"$compiler" -shared -fPIC -nostdlib -o leak.so leak.c
fails 'nf_leak' "$tools/check_exports" "$nm" leak.so
echo 'int infuse_x;' >leak.c
"$compiler" -shared -fPIC -nostdlib -o leak.so leak.c
"$tools/check_exports" "$nm" leak.so
