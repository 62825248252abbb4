#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# infuse eval: its figures are those that logits and generate give (of the references, which all steps compute alike), comparisons with itself are at no distance, bounds
# decide the exit status, and what is wrong is told.
#   usage: eval_cli_test.sh <infuse> <token_cost>
set -eu
infuse=$1 token_cost=$2
export INFUSE_CACHE_DIR= # figures are stated: the same plans on all machines
. tests/support/shell.sh
near() { # A B: within 0.01 %
  awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(d * d <= 1e-8 * b * b) }' || fail "$1 is not $2"
}
key() { # NAME: the first number under it, of the document on stdin
  grep -o "\"$1\":[^,}]*" | head -n 1 | cut -d: -f 2
}
run() { # MODEL OPTION...
  m=$1
  shift
  "$infuse" eval -m "checkpoints/$m" --quiet "$@"
}
refused() { # CODE PART OPTION...: of the first model
  wanted=$1 part=$2
  shift 2
  exits "$wanted" "$part" eval -m checkpoints/gpt-oss-small --quiet "$@"
}
# What the file's tokens cost, each but the first behind those in front of it, in nats; from the logits.
cost_of() { # MODEL TEXT_FILE
  "$infuse" tokenize -m "checkpoints/$1" --file "$2" >"$work/ids"
  "$infuse" logits -m "checkpoints/$1" --tokens "@$work/ids" -o "$work/logits.safetensors" --device ref --quiet
  "$token_cost" "$work/ids" "$work/logits.safetensors"
}

printf 'The fox went to the wood and sang a song of old.\n' >"$work/text.txt"
cat >"$work/mix.jsonl" <<'END'
{"prompt": "What is 3 + 4?", "answer": "7"}
{"messages": [{"role": "user", "content": "Spell apple backwards"}], "answer": "elppa"}
{"prompt": "Weather in Rome?", "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}], "call": {"name": "weather", "arguments": {"city": "Rome"}}}
{"prompt": "The fox went to the", "choices": ["wood", "sea", "old song"], "answer": 0}
{"text": "The fox went to the wood and sang a song of old.\n"}
END

for m in gpt-oss-small qwen3-next-small; do
  # a text costs what its logits say
  doc=$(run $m --device ref --task "$work/text.txt" --json)
  near "$(echo "$doc" | key log_likelihood)" "-$(cost_of $m "$work/text.txt")"
  same "$(echo "$doc" | key log_likelihood)" "$(run $m --device ref --task "$work/mix.jsonl" -n 4 --json | key log_likelihood)"

  # so do choices: of both texts' costs the prompt's part is the same
  run $m --device ref --task "$work/mix.jsonl" -n 4 --samples "$work/samples" >/dev/null
  likelihoods=$(sed -n 's/.*"log_likelihoods":\[\([^]]*\)\].*/\1/p' "$work/samples" | tr , ' ')
  costs=
  for choice in wood sea "old song"; do
    printf 'The fox went to the %s' "$choice" >"$work/choice"
    costs="$costs $(cost_of $m "$work/choice")"
  done
  echo "$likelihoods $costs" | awk '{ d = ($1 - $2) - ($5 - $4); e = ($1 - $3) - ($6 - $4)
    exit !(d * d < 1e-5 && e * e < 1e-5) }' || fail "choices: $likelihoods, $costs"

  # an answer is what generate gives; made the wanted one, it is right
  got=$("$infuse" generate -m checkpoints/$m --device ref --raw -p "Once" -n 6 --temperature 0 --json --quiet | sed 's/.*"text":"//; s/"}$//')
  for limit in 1 2; do # with the wanted text in the first item, and not in the second
    printf '{"prompt": "Once", "answer": "%s"}\n{"prompt": "Once", "answer": "no"}\n' "$got" >"$work/exact.jsonl"
    doc=$(run $m --device ref --raw --task "$work/exact.jsonl" -n 6 --limit $limit --json)
    holds "$doc" "\"exact_match\":{\"value\":$(echo "1 $limit" | awk '{ print $1 / $2 == 1 ? "1.0" : "0.5" }'),"
  done

  # with itself there is no distance, whatever is computed together
  doc=$(run $m --task "$work/mix.jsonl" --task "$work/text.txt" -n 20 --ctx 256 --against "--fuse cost" \
    --against "" --batch 3 --max-kl 0 --min-top1 100 --max-points 0 --min-p-value 1 --json)
  same 2 "$(echo "$doc" | grep -o '"kl":0.0,' | wc -l)"
  same 2 "$(echo "$doc" | grep -o '"top1":1.0,' | wc -l)"
  doc=$(run $m --device ref --task "$work/mix.jsonl" --task "$work/text.txt" -n 9 --ctx 256 --batch 5 --json)
  one=$(run $m --device ref --task "$work/mix.jsonl" --task "$work/text.txt" -n 9 --ctx 256 --batch 1 --json)
  same "$(echo "$doc" | sed 's/,"against.*//')" "$(echo "$one" | sed 's/,"against.*//')"

  # with the reference there is some, which a bound can forbid
  code=0
  out=$(run $m --task "$work/text.txt" --against "--device ref" --max-kl 1e-9 2>&1) || code=$?
  same 1 "$code"
  holds "$out" "infuse: --against '--device ref': the mean KL is"
  holds "$out" "above --max-kl 1e-09"
  run $m --task "$work/text.txt" --against "--device ref" --max-kl 100 >/dev/null
done

# windows: a text longer than the context costs what its parts do
yes "The fox went to the wood." | head -n 40 >"$work/long.txt"
doc=$(run gpt-oss-small --device ref --task "$work/long.txt" --ctx 64 --json)
"$infuse" tokenize -m checkpoints/gpt-oss-small --file "$work/long.txt" | tr -d '[]' >"$work/all"
n=$(tr , '\n' <"$work/all" | wc -l)
same $((n - 1)) "$(echo "$doc" | sed 's/.*"text":{//' | key tokens)"
total=0 from=1
while [ "$from" -lt "$n" ]; do
  cut -d, -f "$from-$((from + 64))" "$work/all" >"$work/ids"
  "$infuse" logits -m checkpoints/gpt-oss-small --tokens "@$work/ids" -o "$work/logits.safetensors" --device ref --quiet
  total=$(echo "$total $("$token_cost" "$work/ids" "$work/logits.safetensors")" | awk '{ printf "%.9g", $1 + $2 }')
  from=$((from + 64))
done
near "$(echo "$doc" | key log_likelihood)" "-$total"

# only so many tokens are compared; the text output
same 30 "$(run gpt-oss-small --task "$work/text.txt" --task "$work/long.txt" --against "" --compare-tokens 30 --json |
  sed 's/.*"options"//' | key tokens)"
out=$(run gpt-oss-small --task "$work/mix.jsonl" --task "$work/text.txt" -n 3 --against "--fuse off")
holds "$out" "exact match" "valid calls" "acc_norm" "perplexity" "bits per byte" "all files" "against --fuse off" \
  "McNemar p = " "3 answers ended for want of room"
lacks "$(run gpt-oss-small --task "$work/text.txt")" "all files"
same 4 "$(wc -l <"$work/samples")"

# what is wrong
refused 2 "eval wants --task"
refused 2 "go with --against" --task "$work/text.txt" --max-kl 1
refused 2 "--limit: '0' is not a number" --task "$work/text.txt" --limit 0
refused 2 "--against does not know '--fuze'; did you mean --fuse" --task "$work/text.txt" --against "--fuze off"
refused 2 "--against does not know '--task'" --task "$work/text.txt" --against "--task x"
refused 2 "its vocabulary has 1600 tokens, not 4096" --task "$work/text.txt" --against "-m checkpoints/qwen3-next-small"
refused 3 "nothing-here" --task nothing-here
refused 2 "mix.jsonl:2: messages are a chat" --task "$work/mix.jsonl" --raw
printf '{"prompt": "a"}\n' >"$work/bad.jsonl"
refused 3 "bad.jsonl:1: wants \"answer\"" --task "$work/bad.jsonl"
printf '{"prompt": "%s", "answer": "b"}\n' "$(seq 200 | tr '\n' ' ')" >"$work/long.jsonl"
refused 4 "long.jsonl:1: " --task "$work/long.jsonl" --ctx 64
printf '{"prompt": "%s", "choices": ["a", "b"], "answer": 0}\n' "$(seq 200 | tr '\n' ' ')" >"$work/long.jsonl"
refused 4 "long.jsonl:1: " --task "$work/long.jsonl" --ctx 64
[ ! -e "$work/none" ]
refused 3 "bad.jsonl:1" --task "$work/bad.jsonl" --samples "$work/none"
[ ! -e "$work/none" ] || fail "samples of an evaluation that failed"
