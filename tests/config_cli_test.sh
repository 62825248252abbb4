#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the command line says of a checkpoint's documents: generation_config.json never blocks what does not draw, a rope
# that reaches beyond max_position_embeddings is used with one warning, and what is no checkpoint says what to do.
# usage: config_cli_test.sh INFUSE
set -euo pipefail
infuse=$(realpath "$1")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() { echo "FAILED: $*"; cat "$tmp/err"; exit 1; }
run() { # run CODE ARGS...: standard error into $tmp/err
  local want=$1 code=0
  shift
  "$infuse" "$@" >"$tmp/out" 2>"$tmp/err" || code=$?
  [ "$code" = "$want" ] || fail "$*: exit status $code, not $want"
}
says() { grep -q -- "$1" "$tmp/err" || fail "not said: $1"; }
lines() { [ "$(grep -c . "$tmp/err")" = "$1" ] || fail "$1 lines expected"; }

model=$tmp/model
cp -r checkpoints/qwen3-tiny "$model"
logits=(logits -m "$model" --tokens 1,2,3 --device ref -o "$tmp/logits.safetensors")
generate=(generate -m "$model" --tokens 1,2,3 -n 2 --device ref --quiet --temperature 0 --top-k 0)

for text in '{"top_k": -7, "num_beams": 4}' '{"top_k":' '[]'; do
  echo "$text" >"$model/generation_config.json"
  run 0 "${logits[@]}"
  lines 0
  run 0 "${generate[@]}"
  lines 1
  says generation_config.json
done
echo '{"top_k": -1, "top_p": null, "eos_token_id": null}' >"$model/generation_config.json"
run 0 "${generate[@]}"
lines 0

config() { # config OLD NEW: config.json with one line changed
  sed -E "s/$1/$2/" checkpoints/qwen3-tiny/config.json >"$model/config.json"
  cmp -s "$model/config.json" checkpoints/qwen3-tiny/config.json && fail "config.json has no $1"
  return 0
}
config '"max_position_embeddings": *[0-9]+' \
  '"max_position_embeddings": 64, "rope_scaling": {"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 64}, "rope_theta": 1000000'
run 0 explain -m "$model" --ctx 256
[ "$(grep -c max_position_embeddings "$tmp/err")" = 1 ] || fail "one warning of the context"
run 0 explain -m "$model" --ctx 64
! grep -q max_position_embeddings "$tmp/err" || fail "a context that needs no warning"
run 2 explain -m "$model" --ctx 257
says 'between 1 and 256'
config '"hidden_act": *"silu"' '"hidden_act": "gelu"'
run 3 "${logits[@]}"
lines 1
says 'hidden_act: "gelu" is not supported'
config '"hidden_act": *"silu"' '"hidden_act": "silu", "some_new_key": 7'
run 0 "${logits[@]}" --log info
says 'some_new_key: is not known'

mkdir "$tmp/empty"
cp checkpoints/qwen3-tiny/config.json "$tmp/empty"
run 3 logits -m "$tmp/empty" --tokens 1 -o "$tmp/o"
says 'load-format dummy'
run 3 logits -m openai/gpt-oss-20b --tokens 1 -o "$tmp/o"
says 'huggingface-cli download openai/gpt-oss-20b'
echo "config: all right"
