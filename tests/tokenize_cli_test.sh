#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tokenize_cli_test.sh INFUSE: what tokenize prints, detokenize reads, whatever way it comes; ids without a token are told.
set -eu
infuse=$1 t=tests/data/tokenizers/qwen-small/tokenizer.json
. tests/support/shell.sh

text='ab <|im_end|> 12'
printf %s "$text" >"$work/text"
ids=$("$infuse" tokenize -m $t -p "$text")
same "$ids" "$(printf %s "$text" | "$infuse" tokenize -m $t)"
same "$ids" "$(printf %s "$text" | "$infuse" tokenize -m $t --file -)"
same "$ids" "$("$infuse" tokenize -m $t --file "$work/text")"
same "$ids" "$("$infuse" tokenize -m $t -p "@$work/text")"
exits 2 "give one" tokenize -m $t -p a --file "$work/text"

printf '%s\n' "$ids" >"$work/ids"
for list in "$ids" "@$work/ids" " [ $(echo "$ids" | tr -d '[]') ] " "$(echo "$ids" | tr -d '[]')"; do
  same "$text" "$("$infuse" detokenize -m $t --tokens "$list")"
done
for from in "" "--tokens -" "--tokens @-"; do
  same "$text" "$("$infuse" detokenize -m $t $from <"$work/ids")"
done
exits 3 "id 99999 at index 1" detokenize -m $t --tokens 65,99999
exits 3 "id -1 at index 0" detokenize -m $t --tokens=-1
exits 3 "'[1' at byte 0" detokenize -m $t --tokens "[1,2"
exits 3 "no token ids" detokenize -m $t --tokens "[]"

# A post-processor's BOS stands in front of a text, unless it is told not to.
sed 's/"post_processor":{[^}]*}/"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|endoftext|>"}},{"Sequence":{"id":"A"}}],"special_tokens":{"<|endoftext|>":{"ids":[1536]}}}/' $t >"$work/bos.json"
bare=$("$infuse" tokenize -m $t -p ab)

# What is not obeyed is told, as it is when a model is loaded.
sed 's/"truncation":null/"truncation":{"direction":"Right","max_length":2,"strategy":"LongestFirst","stride":0}/' $t >"$work/cut.json"
same "$bare" "$("$infuse" tokenize -m "$work/cut.json" -p ab --log info 2>"$work/err")"
has "$work/err" truncation
same "[1536,${bare#[}" "$("$infuse" tokenize -m "$work/bos.json" -p ab)"
same "$bare" "$("$infuse" tokenize -m "$work/bos.json" -p ab --bare)"
