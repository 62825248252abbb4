#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line's part of --target: the note stands first, exit codes, and the man page and docs/explain.md name every
# target.   usage: target_cli_test.sh <infuse>
set -eu
infuse=$1
. tests/support/shell.sh

m=checkpoints/gpt-oss-tiny
exits 4 "target gfx950 (AMD Instinct MI355X) is not here" generate -m $m --tokens 1,2 --target gfx950
exits 4 "target sm_90 (NVIDIA H100 SXM) is not here" logits -m $m --tokens 1,2 --target sm_90 -o "$work/logits"
exits 4 "target zen4 is not here for device ref" verify -m $m --target zen4 --device ref
exits 2 "did you mean sm_90?" explain -m $m --target sm90
exits 2 "did you mean --target?" explain -m $m --targt sm_90

for target in $(sed -n 's/^NF_TARGET("\([^"]*\)".*/\1/p' src/hw/targets.def); do
  "$infuse" explain -m configs/gpt-oss-120b --target "$target" >"$work/text"
  grep -q ' µs$\| µs, wants' "$work/text" || fail "explain --target $target shows no estimate"
  for page in docs/infuse.1 docs/explain.md; do
    grep -qw "$target" $page || fail "$page does not name target $target"
  done
done
"$infuse" explain -m configs/gpt-oss-120b --target gfx950 --world 2 >"$work/text"
head -1 "$work/text" | grep -q '^note: .* are declared, not written yet' || fail "no note in the first line"
"$infuse" explain -m configs/gpt-oss-120b | head -1 | grep -q '^model: ' || fail "a note without a reason"
