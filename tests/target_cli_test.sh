#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line's part of --target: the note stands first, exit codes, and the man page and docs/explain.md name every
# target.   usage: target_cli_test.sh <infuse>
set -eu
infuse=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

exits() { # exits <code> <text on stderr> <arguments>...
  wanted=$1 text=$2 code=0
  shift 2
  "$infuse" "$@" >"$out/out" 2>"$out/err" || code=$?
  [ "$code" = "$wanted" ] || { echo "infuse $*: exit $code, not $wanted"; cat "$out/err"; exit 1; }
  grep -qF "$text" "$out/err" || { echo "infuse $*: says '$(cat "$out/err")', not '$text'"; exit 1; }
  [ "$(wc -l <"$out/err")" -le 1 ] || { echo "infuse $*: more than one line"; exit 1; }
}
m=checkpoints/gpt-oss-tiny
exits 4 "target gfx950 (AMD Instinct MI355X) is not here" generate -m $m --tokens 1,2 --target gfx950
exits 4 "target sm_90 (NVIDIA H100 SXM) is not here" logits -m $m --tokens 1,2 --target sm_90 -o "$out/logits"
exits 4 "target zen4 is not here for device ref" verify -m $m --target zen4 --device ref
exits 2 "did you mean sm_90?" explain -m $m --target sm90
exits 2 "did you mean --target?" explain -m $m --targt sm_90

for target in $(sed -n 's/^NF_TARGET("\([^"]*\)".*/\1/p' src/hw/targets.def); do
  "$infuse" explain -m configs/gpt-oss-120b --target "$target" >"$out/text"
  grep -q ' µs$\| µs, wants' "$out/text" || { echo "explain --target $target shows no estimate"; exit 1; }
  for page in docs/infuse.1 docs/explain.md; do
    grep -qw "$target" $page || { echo "$page does not name target $target"; exit 1; }
  done
done
"$infuse" explain -m configs/gpt-oss-120b --target gfx950 --world 2 >"$out/text"
head -1 "$out/text" | grep -q '^note: .* are declared, not written yet' || { echo "no note in the first line"; exit 1; }
"$infuse" explain -m configs/gpt-oss-120b | head -1 | grep -q '^model: ' || { echo "a note without a reason"; exit 1; }
