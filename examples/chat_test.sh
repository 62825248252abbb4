#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two questions get two answers, and the first is the same without the second.
set -eu
for model in models/infuse-oss models/infuse-next; do
  both=$(printf 'Hello\nAnd now?\n' | "$1" $model 12)
  first=$(echo Hello | "$1" $model 12)
  case $both in
  "$first"*) ;;
  *) printf 'the first answer of two is\n%s\nand alone it is\n%s\n' "$both" "$first" >&2 && exit 1 ;;
  esac
  echo "What time is it?" | "$1" $model 40 clock >/dev/null
  [ "$both" != "$first" ] || { echo "the second question got no answer" >&2 && exit 1; }
done
