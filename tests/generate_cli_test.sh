#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# infuse generate: where the prompt comes from, what is printed, seeds, and what does not go together.
#   usage: generate_cli_test.sh <infuse>
set -eu
infuse=$1 m=checkpoints/gpt-oss-small tiny=checkpoints/qwen3-tiny
. tests/support/shell.sh
refused() { # PART OPTION...
  part=$1
  shift
  if out=$("$infuse" generate -m $m "$@" 2>&1); then fail "taken: $*"; fi
  holds "$out" "$part"
}
raw() { "$infuse" generate -m $m --raw -n 12 --seed 3 --quiet "$@"; }

# the prompt, as an argument, in a file, on standard input
printf 'The weather today' >"$work/prompt"
text=$(raw -p "The weather today")
[ -n "$text" ] || fail "no text"
same "$text" "$(raw -p "@$work/prompt")"
same "$text" "$(raw -p - <"$work/prompt")"
refused "nothing-here" -p @nothing-here

# without a tokenizer ids are printed, and can be given back
ids=$("$infuse" generate -m $tiny --tokens 1,2 -n 4 --temperature 0 --quiet)
same 4 "$(echo "$ids" | tr , '\n' | wc -l)"
"$infuse" generate -m $tiny --tokens "$ids" -n 1 --quiet >/dev/null
holds "$("$infuse" generate -m $tiny --tokens 1,2 -n 4 --temperature 0 --json)" "\"ids\":[$ids]"

# a tokenizer or a chat template that is broken or not supported is in the way of text alone
broken() { # FILE TEXT PART: a model with the file so; ids and logits come with a warning
  rm -rf "$work/broken"
  mkdir "$work/broken"
  for f in "$small"/*; do ln -s "$(realpath "$f")" "$work/broken/"; done
  rm -f "$work/broken/$1"
  printf '%s' "$2" >"$work/broken/$1"
  holds "$("$infuse" generate -m "$work/broken" --tokens 1,2 -n 2 2>&1)" "warning: $3"
  "$infuse" generate -m "$work/broken" --tokens 1,2 -n 2 --quiet >/dev/null
  holds "$("$infuse" logits -m "$work/broken" --tokens 1,2 -o "$work/logits.safetensors" 2>&1)" "$3"
  [ -s "$work/logits.safetensors" ] || fail "no logits"
}
errs() { # PART OPTION...: the error itself, as the last line
  part=$1
  shift
  if out=$("$infuse" generate -m "$work/broken" -n 2 "$@" 2>&1); then fail "taken: $*"; fi
  holds "$(echo "$out" | tail -n 1)" "$part"
}
small=checkpoints/gpt-oss-small
broken tokenizer.json '{"model": {"type": "Unigram", "vocab": []}}' "$work/broken/tokenizer.json"
for o in "-p Hi" "--raw -p Hi" "--system S -p Hi" "--tokens 1 --stop x"; do
  errs "$work/broken/tokenizer.json" $o
  case $out in *Unigram*) ;; *) fail "no reason: $out" ;; esac
done
small=checkpoints/qwen3-next-small
broken chat_template.jinja "$(printf '\377')" "$work/broken/chat_template.jinja"
errs "$work/broken/chat_template.jinja: byte 0: invalid UTF-8" -p Hi
"$infuse" generate -m "$work/broken" --raw -p Hi -n 2 --quiet >/dev/null

# a stop string in what is only told when the answer ends is a stop too: here the header of a harmony message
held() { "$infuse" generate -m checkpoints/gpt-oss-small -p Hello -n 12 --temperature 0 --device ref --json "$@"; }
stop=$(held | sed 's/.*"messages":\[{.*"text":"\([^"\\]*\).*/\1/' | grep -o '[A-Za-z]\{3\}' | tail -n 1)
[ -n "$stop" ] || fail "no letters in the answer"
json=$(held --stop "$stop")
holds "$json" '"end":"stop"'
holds "$json" '"finish":"stop"'

# a seed that was drawn is told, and gives the same again
json=$("$infuse" generate -m $m -p "The weather" --raw -n 8 --temperature 1 --ignore-eos --json)
seed=$(printf "%s\n" "$json" | sed 's/.*"seed":\([0-9]*\).*/\1/')
ids=$(printf "%s\n" "$json" | sed 's/.*"ids":\(\[[0-9,]*\]\).*/\1/')
again=$("$infuse" generate -m $m -p "The weather" --raw -n 8 --temperature 1 --ignore-eos --seed "$seed" --json)
holds "$again" "\"ids\":$ids"
holds "$("$infuse" generate -m $m -p "The weather" --raw -n 2 2>&1 >/dev/null)" ', seed '
case $("$infuse" generate -m $m -p "The weather" --raw -n 2 --seed 5 2>&1 >/dev/null) in
*seed*) fail "a seed that was given is told" ;;
esac

# one message of text that is no chat; a line for each piece
holds "$json" '"schema":"infuse.generate/2"'
holds "$json" '"messages":[{"role":null,'
holds "$json" '"end":"cut"'
lines=$("$infuse" generate -m $m -p "The weather" --raw -n 8 --seed 1 --stream)
holds "$(printf "%s\n" "$lines" | head -1)" '"begins":true'
holds "$(printf "%s\n" "$lines" | tail -1)" '"finish":"length"'
[ "$(printf "%s\n" "$lines" | wc -l)" -gt 2 ] || fail "the stream has no pieces"

# tools are part of the prompt
tokens() {
  "$infuse" generate -m $m -p "Hi" -n 1 --json "$@" | sed 's/.*"prompt_tokens":\([0-9]*\).*/\1/'
}
printf '[{"type": "function", "function": {"name": "clock"}}]' >"$work/tools"
printf '{}' >"$work/bad"
[ "$(tokens --tools "$work/tools")" -gt "$(tokens)" ] || fail "tools are not in the prompt"
refused "should be an array" -p x --tools "$work/bad"
refused "goes with neither" -p x --raw --tools "$work/tools"

refused "--system goes with neither --raw nor --tokens" -p x --raw --system y
refused "--effort goes with neither" --tokens 1 --effort low
refused "'some'" -p x --effort some

# what changes logits: a bias that decides, one of the model's own tokens again, and bans
same ggggg "$(raw -n 5 -p x --temperature 0 --logit-bias 70:1000)"
same "$(raw -p x)" "$(raw -p x --repetition-penalty 1 --presence-penalty 0 --frequency-penalty 0 --min-tokens 0)"
case $(raw -n 5 -p x --temperature 0 --logit-bias 70:20,71:1 --no-repeat-ngram 1 --frequency-penalty 9) in
*g*g*) fail "a token came twice" ;;
esac
for wrong in 70 70: x:1 -1:1 70:x 70:1e9 99999999999:1 ''; do
  refused "--logit-bias: '$wrong' is not ID:VALUE" -p x --logit-bias "$wrong"
done
refused "logit_bias names id 9999999; the vocabulary has" -p x --logit-bias 9999999:1
refused "--presence-penalty: '-1e9' is not a number from -1000 to 1000" -p x --presence-penalty -1e9

# constrained output: what is asked for, and what is refused
t=models/infuse-oss
constrained() { "$infuse" generate -m $t --raw -p x --quiet --seed 3 --temperature 2 "$@"; }
case $(constrained --choice aye --choice nay) in aye | nay) ;; *) fail "no choice" ;; esac
constrained --regex '[ab]{3}-\d' | grep -qE '^[ab]{3}-[0-9]$' || fail "not what the expression matches"
printf '{"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 2}' >"$work/schema"
constrained --json-schema "@$work/schema" | grep -qE '^\[(true|false), ?(true|false)\]$' || fail "not of the schema"
constrained --json-object -n 9 | grep -q '^{' || fail "no object"
refused "schema: type: is 'text', should be one of" -p x --json-schema '{"type": "text"}'
refused "regex: byte 0: a group without its )" -p x --regex '('
refused "one of json_schema, json_object, regex and choices" -p x --json-object --choice a
