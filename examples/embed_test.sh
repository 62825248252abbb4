#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The example prints what the command line prints for the same prompt, seed and length.
set -eu
model=models/infuse-oss
example=$("$1" $model "Once upon a time" 24)
command=$("$2" generate -m $model -p "Once upon a time" --raw -n 24 --seed 0 --quiet)
[ -n "$example" ] && [ "$example" = "$command" ] || {
  printf 'the example says\n%s\nand the command line\n%s\n' "$example" "$command" >&2
  exit 1
}
if "$1" no/such/folder x 2>/dev/null; then
  echo "the example accepts a folder that is not there" >&2
  exit 1
fi
