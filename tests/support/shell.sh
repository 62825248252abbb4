# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the tests in shell share; they source it where `set -eu` holds, and call the program $infuse. $work is a folder of
# their own; it goes when they end, and so do the processes that are named in $servers.
work=$(mktemp -d)
servers=
trap 'kill -9 $servers 2>/dev/null || true; rm -rf "$work"' EXIT

fail() {
  echo "$*" >&2
  exit 1
}
same() { [ "$1" = "$2" ] || fail "expected '$1', not '$2'"; } # WANTED GOT
has() { # FILE PART...
  file=$1
  shift
  for part; do grep -qF -e "$part" "$file" || fail "no '$part' in: $(cat "$file")"; done
}
hasnt() { # FILE PART...
  file=$1
  shift
  for part; do ! grep -qF -e "$part" "$file" || fail "'$part' in: $(cat "$file")"; done
}
holds() { # TEXT PART...
  text=$1
  shift
  for part; do case $text in *"$part"*) ;; *) fail "no '$part' in: $text" ;; esac done
}
lacks() { # TEXT PART...
  text=$1
  shift
  for part; do case $text in *"$part"*) fail "'$part' in: $text" ;; esac done
}

# ends CODE PART COMMAND...: with PART in $work/err, and what else it prints in $work/out.
ends() {
  wanted=$1 part=$2 code=0
  shift 2
  "$@" >"$work/out" 2>"$work/err" || code=$?
  [ $code = "$wanted" ] || fail "$*: exit $code, not $wanted: $(cat "$work/err")"
  [ -z "$part" ] || has "$work/err" "$part"
}
# exits CODE PART ARGUMENT...: of infuse, which says it in a line, and nothing else where it refuses.
exits() {
  wanted=$1 part=$2
  shift 2
  ends "$wanted" "$part" "$infuse" "$@"
  [ "$(wc -l <"$work/err")" -le 1 ] || fail "$*: more than one line: $(cat "$work/err")"
  [ $code -lt 2 ] || [ ! -s "$work/out" ] || fail "$*: refused, and yet it writes: $(cat "$work/out")"
}

# serve NAME OPTION...: a server, which writes $work/NAME.out and $work/NAME.err; then it is process $pid at $url.
serve() {
  name=$1
  shift
  : >"$work/$name.out"
  "$infuse" serve "$@" >"$work/$name.out" 2>"$work/$name.err" &
  pid=$!
  servers="$servers $pid"
  until grep -q '^listening at ' "$work/$name.out"; do
    kill -0 $pid 2>/dev/null || fail "serve $*: $(cat "$work/$name.err")"
    sleep 0.05
  done
  url=$(sed -n 's/^listening at //p' "$work/$name.out")
}
