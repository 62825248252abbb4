#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# infuse chat where nobody types: every line is a question or a command. tests/terminal_test.c has the rest.
#   usage: chat_cli_test.sh <infuse>
set -eu
infuse=$1 m=models/infuse-oss
. tests/support/shell.sh
chat() { "$infuse" chat -m $m --temperature 0 --quiet "$@"; }

# an answer is what generate gives, and a second one knows the first
first=$(echo "What is 12 + 30?" | chat)
[ "$first" = "$("$infuse" generate -m $m --temperature 0 --quiet -p "What is 12 + 30?")" ] || fail "another answer: $first"
both=$(printf 'What is 12 + 30?\n\nAnd what is 2 + 5?\n' | chat)
holds "$both" "$first"
holds "$both" "is 7"

# commands: what comes behind /quit is not read, several lines are one question, /clear forgets
out=$(printf '/help\n/quit\nWhat is 12 + 30?\n' | chat)
holds "$out" /regen
lacks "$out" 42
[ "$(printf '"""\nWhat is 12 + 30?\n"""\n' | chat | grep -c final)" = 1 ] || fail "a question of several lines has more answers"
[ "$(printf 'What is \\\n12 + 30?\n' | chat | grep -c final)" = 1 ] || fail "a line that goes on has more answers"
cleared=$(printf 'What is 2 + 5?\n/clear\nWhat is 12 + 30?\n' | chat)
[ "${cleared#*is 7.
}" = "$first" ] || fail "not forgotten: $cleared"
holds "$(echo /set | chat)" "-n, --max-tokens"
lacks "$(echo /set | chat)" --threads
out=$(printf '/set temperature 1\n/set seed 1\nTell me a story.\n/regen\n/set seed 1\n/clear\nTell me a story.\n' | chat -n 40)
[ "$(echo "$out" | sort -u | wc -l)" = 2 ] || fail "a seed is not what decides: $out"

# figures, and errors that end it
holds "$(echo Hello | "$infuse" chat -m $m 2>&1)" "tokens/s"
refused() { # CODE PART INPUT OPTION...
  wanted=$1 part=$2 input=$3 code=0
  shift 3
  out=$(printf "$input\nWhat is 12 + 30?\n" | chat "$@" 2>&1) || code=$?
  [ $code = "$wanted" ] || fail "exit $code, not $wanted: $out"
  holds "$out" "$part"
  lacks "$out" "is 42"
}
refused 2 "did you mean /clear; /help lists them" /clera
refused 2 "'maybe' is none of on|off" "/think maybe"
refused 2 "chat does not know '--ctx'" "/set ctx 9"
refused 2 "nothing was asked yet" /regen
refused 4 "/clear begins anew" "$(head -c 20000 /dev/zero | tr '\0' x)" --ctx 512
refused 3 UTF-8 '\377'
refused 2 "the model always thinks" "/think off\nHello"
refused 3 "regex" "/set regex (\nHello"
exits 2 "has no chat format" chat -m checkpoints/qwen3-tiny --quiet </dev/null
