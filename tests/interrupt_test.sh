#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# interrupt_test.sh INFUSE: Ctrl-C ends whatever a command is doing, with 130, and leaves no part of a file. Each command
# here would run for many seconds and then say 0; that it says 130 is what shows that it was ended.
set -eu
infuse=$1
. tests/support/shell.sh

# interrupted COMMAND...: its SIGINT comes some time after it began to listen.
interrupted() {
  name=$1
  "$infuse" "$@" >"$work/out" 2>"$work/err" </dev/null &
  pid=$!
  until grep -q '^SigCgt:.*[2367abef]$' "/proc/$pid/status"; do sleep 0.05; done
  sleep 0.4
  kill -INT $pid
  code=0
  wait $pid || code=$?
  [ $code -eq 130 ] || fail "interrupted $*: exit $code, not 130: $(cat "$work/err")"
}

mkdir "$work/output"
yes 'hello world' | head -c 200000000 >"$work/text"
yes 1 | head -n 8000 >"$work/ids"
head -c 1000000 "$work/text" >"$work/long.txt"
interrupted check
interrupted check --bench --quiet
interrupted tokenize -m checkpoints/gpt-oss-small --file "$work/text"
interrupted generate -m checkpoints/gpt-oss-small -p hello --raw --ignore-eos -n 8000 --ctx 8192 --threads 1
interrupted generate -m configs/qwen3-0.6b --load-format dummy --tokens 1 -n 1000
interrupted bench latency -m configs/qwen3-0.6b --load-format dummy --output-json "$work/output/bench.json"
interrupted eval -m checkpoints/gpt-oss-small --task "$work/long.txt" --threads 1 --samples "$work/output/samples" --against "--device ref"
interrupted verify -m configs/qwen3-0.6b --load-format dummy
interrupted logits -m checkpoints/gpt-oss-small --tokens "@$work/ids" --chunk 1 --threads 1 -o "$work/output/logits.safetensors"
[ -z "$(ls "$work/output")" ]
