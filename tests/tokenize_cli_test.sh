#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tokenize_cli_test.sh INFUSE: what tokenize prints, detokenize reads, whatever way it comes; ids without a token are told.
set -eu
infuse=$1 t=tests/data/tokenizers/qwen-small/tokenizer.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
is() { [ "$1" = "$2" ] || { echo "got '$1', should be '$2'"; exit 1; }; }
refused() { # CODE TEXT COMMAND...
  code=$1 says=$2 rc=0
  shift 2
  "$@" >"$work/out" 2>"$work/err" </dev/null || rc=$?
  is "$rc" "$code"
  grep -q -- "$says" "$work/err" || { cat "$work/err"; echo "should say: $says"; exit 1; }
}

text='ab <|im_end|> 12'
printf %s "$text" >"$work/text"
ids=$("$infuse" tokenize -m $t -p "$text")
is "$(printf %s "$text" | "$infuse" tokenize -m $t)" "$ids"
is "$(printf %s "$text" | "$infuse" tokenize -m $t --file -)" "$ids"
is "$("$infuse" tokenize -m $t --file "$work/text")" "$ids"
is "$("$infuse" tokenize -m $t -p "@$work/text")" "$ids"
refused 2 "give one" "$infuse" tokenize -m $t -p a --file "$work/text"

printf '%s\n' "$ids" >"$work/ids"
for list in "$ids" "@$work/ids" " [ $(echo "$ids" | tr -d '[]') ] " "$(echo "$ids" | tr -d '[]')"; do
  is "$("$infuse" detokenize -m $t --tokens "$list")" "$text"
done
for from in "" "--tokens -" "--tokens @-"; do
  is "$("$infuse" detokenize -m $t $from <"$work/ids")" "$text"
done
refused 3 "id 99999 at index 1" "$infuse" detokenize -m $t --tokens 65,99999
refused 3 "id -1 at index 0" "$infuse" detokenize -m $t --tokens=-1
refused 3 "'\[1' at byte 0" "$infuse" detokenize -m $t --tokens "[1,2"
refused 3 "no token ids" "$infuse" detokenize -m $t --tokens "[]"

# A post-processor's BOS stands in front of a text, unless it is told not to.
sed 's/"post_processor":{[^}]*}/"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|endoftext|>"}},{"Sequence":{"id":"A"}}],"special_tokens":{"<|endoftext|>":{"ids":[1536]}}}/' $t >"$work/bos.json"
bare=$("$infuse" tokenize -m $t -p ab)

# What is not obeyed is told, as it is when a model is loaded.
sed 's/"truncation":null/"truncation":{"direction":"Right","max_length":2,"strategy":"LongestFirst","stride":0}/' $t >"$work/cut.json"
is "$("$infuse" tokenize -m "$work/cut.json" -p ab --log info 2>"$work/err")" "$bare"
grep -q truncation "$work/err" || { cat "$work/err"; echo "truncation is not told"; exit 1; }
is "$("$infuse" tokenize -m "$work/bos.json" -p ab)" "[1536,${bare#[}"
is "$("$infuse" tokenize -m "$work/bos.json" -p ab --bare)" "$bare"
