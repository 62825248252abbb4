#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The two trained models do what they were trained for: answers, calls, stories. Bounds are far below what they reach
# (their model cards), and far above chance.
#   usage: trained_cli_test.sh <infuse>
set -eu
infuse=$1
. tests/support/shell.sh
at_least() { # BOUND VALUE WHAT
  awk -v a="$1" -v b="${2:-0}" 'BEGIN { exit !(b >= a) }' || fail "$3 is '$2', not at least $1"
}
rate() { # KEY TASK...
  key=$1
  shift
  "$infuse" eval -m "$model" --quiet --json --limit 20 "$@" |
    sed "s/.*\"total\"://; s/.*\"$key\":{\"value\":\([0-9.e-]*\).*/\1/"
}
for model in models/infuse-oss models/infuse-next; do
  answer=$("$infuse" generate -m $model --quiet \
    -p "Anna has 12 apples and buys 30 more. She gives 5 of them to Tom. How many apples are left?")
  case $answer in
  *"42 - 5 = 37"*"The answer is 37.") ;;
  *) fail "$model says: $answer" ;;
  esac
  at_least 0.75 "$(rate exact_match --task eval/arithmetic.jsonl --task eval/lists.jsonl)" "$model: exact match"
  at_least 0.75 "$(rate valid_call --task eval/tools.jsonl)" "$model: valid calls"
  story=$("$infuse" generate -m $model --quiet -p "Tell me a story about a fox who finds a lantern.")
  case $story in
  *fox*lantern*. | *fox*lantern*'"') ;;
  *) fail "$model tells: $story" ;;
  esac
done
