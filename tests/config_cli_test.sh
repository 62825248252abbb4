#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the command line says of a checkpoint's documents: generation_config.json never blocks what does not draw, a rope
# that reaches beyond max_position_embeddings is used with one warning, and what is no checkpoint says what to do.
# usage: config_cli_test.sh INFUSE
set -euo pipefail
infuse=$1
. tests/support/shell.sh

model=$work/model
cp -r checkpoints/qwen3-tiny "$model"
logits=(logits -m "$model" --tokens 1,2,3 --device ref -o "$work/logits.safetensors")
generate=(generate -m "$model" --tokens 1,2,3 -n 2 --device ref --quiet --temperature 0 --top-k 0)

for text in '{"top_k": -7, "num_beams": 4}' '{"top_k":' '[]'; do
  echo "$text" >"$model/generation_config.json"
  exits 0 "" "${logits[@]}"
  same "" "$(cat "$work/err")"
  exits 0 generation_config.json "${generate[@]}"
done
echo '{"top_k": -1, "top_p": null, "eos_token_id": null}' >"$model/generation_config.json"
exits 0 "" "${generate[@]}"
same "" "$(cat "$work/err")"

config() { # config OLD NEW: config.json with one line changed
  sed -E "s/$1/$2/" checkpoints/qwen3-tiny/config.json >"$model/config.json"
  cmp -s "$model/config.json" checkpoints/qwen3-tiny/config.json && fail "config.json has no $1"
  return 0
}
config '"max_position_embeddings": *[0-9]+' \
  '"max_position_embeddings": 64, "rope_scaling": {"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 64}, "rope_theta": 1000000'
ends 0 "" "$infuse" explain -m "$model" --ctx 256
same 1 "$(grep -c max_position_embeddings "$work/err")"
ends 0 "" "$infuse" explain -m "$model" --ctx 64
hasnt "$work/err" max_position_embeddings
ends 2 'between 1 and 256' "$infuse" explain -m "$model" --ctx 257
config '"hidden_act": *"silu"' '"hidden_act": "gelu"'
exits 3 'hidden_act: "gelu" is not supported' "${logits[@]}"
config '"hidden_act": *"silu"' '"hidden_act": "silu", "some_new_key": 7'
"$infuse" "${logits[@]}" --log info 2>"$work/err"
has "$work/err" 'some_new_key: is not known'

mkdir "$work/empty"
cp checkpoints/qwen3-tiny/config.json "$work/empty"
exits 3 'load-format dummy' logits -m "$work/empty" --tokens 1 -o "$work/o"
exits 3 'huggingface-cli download openai/gpt-oss-20b' logits -m openai/gpt-oss-20b --tokens 1 -o "$work/o"
