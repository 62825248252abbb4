#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# options_cli_test.sh INFUSE: both spellings of an option mean the same, "help" lists what a value can be, help comes in
# every spelling, and "-" is standard output.
set -eu
infuse=$1 m=checkpoints/gpt-oss-small
export INFUSE_CACHE_DIR=
. tests/support/shell.sh

lists() { # lists <line> <arguments>...
  line=$1
  shift
  "$infuse" "$@" >"$work/out"
  grep -q -e "$line" "$work/out" || fail "infuse $*: lists no '$line': $(cat "$work/out")"
}

"$infuse" generate -m $m -p hello -n 4 --raw --seed 1 --quiet >"$work/short"
"$infuse" generate --model $m --prompt=hello --max-tokens 4 --raw --seed 1 --quiet >"$work/long"
cmp "$work/short" "$work/long"

lists '^merge_3_linears  *merge' explain --rules help
lists '^merge_3_linears  *merge' explain --fuse-order help
lists '^linear=linear_ref$' verify --force help
lists '^all_reduce=all_reduce_library_cuda  (declared' verify --force all_reduce=help
if grep -qv '^all_reduce=' "$work/out"; then fail "--force all_reduce=help lists other ops"; fi
lists '^sm_90 .*, also h100$' explain --target help
lists '^avx512_vnni  *avx2 fma f16c avx512 avx512_vnni$' check --cpu help
lists 'cores, .*B/s$' devices --cpu none
exits 2 "did you mean avx512" devices --cpu avx51
exits 2 "NVIDIA H100 SXM is no CPU" explain -m configs/gpt-oss-20b --target h100 --cpu avx2
"$infuse" generate -m $m -p hello -n 4 --raw --seed 1 --quiet --cpu none >"$work/plain" # the references' and generic kernels
[ -s "$work/plain" ]
if "$infuse" devices | grep -q '^measured'; then fail "tests measure this machine"; fi
cache=$work/cache # is made, used again, and measured again where it holds nonsense
INFUSE_CACHE_DIR=$cache "$infuse" devices | grep '^measured, .* reads ' >"$work/first"
INFUSE_CACHE_DIR=$cache "$infuse" devices | grep '^measured, ' | cmp - "$work/first"
if INFUSE_CACHE_DIR=$cache "$infuse" devices --figures stated | grep -q '^measured'; then fail "not stated"; fi
for file in "$cache"/host/*; do echo nonsense >"$file"; done
INFUSE_CACHE_DIR=$cache exits 0 "was measured again" devices
[ "$(wc -l <"$work/err")" = 1 ]
exits 2 "did you mean stated" devices --figures state
# What was measured is found again; nonsense is told once, and measured again; nothing is kept but where it may be.
export INFUSE_CACHE_DIR=$cache
tune="tune -m $m --layers 1 --chunk 2"
"$infuse" $tune >"$work/out" && grep -q '^tune: 0 known before, [1-9][0-9]* measured, 0 left' "$work/out"
"$infuse" $tune >"$work/out" && grep -q '^tune: [1-9][0-9]* known before, 0 measured, 0 left' "$work/out"
"$infuse" $tune --explain linear >"$work/out" && grep -q 'µs ± .*, estimated .*; chosen' "$work/out"
"$infuse" explain -m $m --layers 1 --chunk 2 --json | grep -q measured_us
if "$infuse" explain -m $m --layers 1 --chunk 2 --json --tune off | grep -q measured_us; then exit 1; fi
for file in "$cache"/tune/*/????????????????.json; do echo nonsense >"$file"; done
exits 0 "of kernels is not used: " explain -m $m --layers 1 --chunk 2
[ "$(wc -l <"$work/err")" = 1 ]
"$infuse" generate -m $m --layers 1 --chunk 2 -p hello -n 2 --raw --quiet --tune online >"$work/out" 2>"$work/err"
"$infuse" $tune 2>"$work/err" | grep -q '^tune: [1-9][0-9]* known before, 0 measured'
exits 2 "no entry is called 'abc'" tune --forget abc
"$infuse" tune --list | grep -q '^[1-9][0-9]* entries in '
"$infuse" tune --forget all | grep -q '^removed: [1-9]'
"$infuse" tune --list | grep -q '^0 entries in '
export INFUSE_CACHE_DIR=
"$infuse" $tune --budget 1 | grep -q 'nothing is kept'
exits 2 "tune wants one of" tune
exits 2 "plans of 2 ranks are not tuned" tune -m $m --world 2
exits 4 "device null" tune -m $m --device null
exits 2 "did you mean cached" explain -m $m --tune cache
exits 0 "threads share " devices --threads $((2 * $(nproc --all) + 1))
lists '^error|warning|info|debug$' check --log help
lists '^cost|ordered|off$' explain --fuse help
lists '^usage: infuse devices \[options\]$' devices -h
exits 2 "--log: 'wraning' is none of error|warning|info|debug; did you mean warning" devices --log wraning
exits 2 "no op is called so" verify --force linaer=help
for name in h100 H200 b200 mi300x MI325X mi355x; do "$infuse" explain -m configs/gpt-oss-20b --target $name >"$work/out"; done
grep -q 'MI355X' "$work/out"

"$infuse" help >"$work/help"
for h in -h --help; do "$infuse" $h | cmp - "$work/help"; done
"$infuse" help verify >"$work/help"
for h in -h --help; do "$infuse" verify $h | cmp - "$work/help"; done
exits 2 "did you mean verify" help verfy
exits 2 "cache_tokens is 68719476736; it must lie between 4096 and 2147483584" \
  explain -m $m --cache-tokens 68719476736
exits 2 "did you mean --max-tokens" generate -m $m --max-token 4

"$infuse" check attention -m $m --seed 1 --quiet >"$work/out" # the kernels of a model
grep -q '^check: ok, ' "$work/out"
exits 3 "no/such/model" check -m no/such/model
exits 2 "there is no op 'atention'; nearest is attention" check atention -m $m

"$infuse" logits -m $m --tokens 1,2 -o "$work/a.safetensors"
"$infuse" logits -m $m --tokens 1,2 -o - | cmp - "$work/a.safetensors"
"$infuse" logits -m $m --tokens 1,2 -o /dev/stdout | cmp - "$work/a.safetensors"
"$infuse" explain -m configs/gpt-oss-20b --html - | grep -q '</html>'

if [ -c /dev/full ]; then # what could not be written is told, also where it is written as it comes
  for line in "generate -m $m -p hello -n 4 --quiet" "generate -m $m -p hello -n 4 --json" "devices" "help" "help generate"; do
    code=0
    # shellcheck disable=SC2086
    "$infuse" $line >/dev/full 2>"$work/err" || code=$?
    [ $code = 4 ] || fail "infuse $line >/dev/full: exit $code"
    grep -q 'writing to standard output failed' "$work/err"
  done
fi
