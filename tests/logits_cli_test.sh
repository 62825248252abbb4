#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# logits_cli_test.sh INFUSE COMPARE: what the command line writes is within the bounds, however it is cut, and a
# comparison that should fail does.
set -eu
infuse=$1 compare=$2 m=checkpoints/gpt-oss-tiny
. tests/support/shell.sh
for chunk in 1 7 64; do
  "$infuse" logits -m $m --tokens @$m/prompt.0.txt --device ref --hidden --chunk $chunk -o "$work/$chunk.safetensors"
  "$compare" "$work/$chunk.safetensors" $m/reference.safetensors 0
  cmp "$work/$chunk.safetensors" "$work/1.safetensors"
done
"$infuse" logits -m $m --tokens @$m/prompt.0.txt -o "$work/cpu.safetensors"
"$compare" "$work/cpu.safetensors" $m/reference.safetensors 0 --bound 6e-2
if "$compare" "$work/cpu.safetensors" $m/reference.safetensors 0 --bound 1e-6; then exit 1; fi
if "$compare" "$work/1.safetensors" $m/reference.safetensors 1; then exit 1; fi
