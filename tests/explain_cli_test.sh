#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# infuse explain as text, page and difference: on every config, its exit codes, and what is refused as wrong usage.
#   usage: explain_cli_test.sh <infuse>
set -eu
infuse=$1
. tests/support/shell.sh

# ---- text ----

for config in configs/*/; do
  for target in gfx950 zen5; do
    exits 0 "" explain -m "$config" --device null --target $target
    [ "$(grep -c '^all_reduce: fused [0-9]* of [0-9]*, with pad [0-9]*$' "$work/out")" = 1 ] || fail "no line of all_reduce"
    for part in 'layer 0' 'fusions (cost)' 'totals of a step of 1 token, estimated' 'families of rules' 'normalised: ' \
      'kernels' 'memory: '; do has "$work/out" "$part"; done
    ! grep -q "$(printf '\033')" "$work/out" || fail "colours where no terminal is"
  done
done
exits 0 "" explain -m configs/gpt-oss-120b --device null --target gfx950
has "$work/out" 'layers 1, 3 .. 35 (18 equal ones; names and costs of layer 1)'
has "$work/out" 'add_rms_norm: lost to add_rms_norm_router_pad by'
has "$work/out" 'add_rms_norm_pad at L1.attn.residual, 3 nodes deep: L1.moe.norm: is also used by L1.moe.router,'
exits 0 "" explain -m configs/gpt-oss-120b --device null --target gfx950 --all
has "$work/out" 'L35.moe.router'
exits 0 "" explain -m configs/gpt-oss-120b --device null --target gfx950 --fuse off
has "$work/out" 'fusions (off)'

# ---- the sample in README.md ----

exits 0 "" explain -m configs/gpt-oss-120b --world 2 --target gfx950
sed -n '/^memory: fits/,/^```$/p' README.md | grep -v '^```$\|^\.\.\.$' >"$work/sample"
[ "$(wc -l <"$work/sample")" -ge 12 ] || fail "README.md has no sample of explain"
while IFS= read -r line; do
  grep -qxF -e "$line" "$work/out" || fail "README.md shows '$line', which explain does not"
done <"$work/sample"

# ---- width ----

fits() { # fits <columns>: what was printed is no wider
  wide=$(LC_ALL=C.UTF-8 wc -L <"$work/out")
  [ "$wide" -le "$1" ] || fail "$wide columns, not $1"
}
for columns in 60 80 100; do
  for options in '--world 2 --target gfx950' '--world 2 --target zen5 --all' '--brief'; do
    # shellcheck disable=SC2086 # options are words
    COLUMNS=$columns exits 0 "" explain -m configs/gpt-oss-120b --device null $options
    [ "$options" = --brief ] || fits $columns
  done
done
if command -v script >/dev/null; then # a terminal of that width
  script -qec "stty cols 70; '$infuse' explain -m configs/gpt-oss-120b --device null --target gfx950" /dev/null </dev/null |
    tr -d '\r' | sed "s/$(printf '\033')[[][0-9]*m//g" >"$work/out"
  fits 70
  has "$work/out" '…'
fi
exits 0 "" explain -m configs/gpt-oss-120b --device null --target gfx950 --world 2 # no terminal: a line for each item
[ "$(grep -c 'all_reduce_add_rms_norm_pad at L1.attn.o, 4 nodes deep: L1.moe.norm: is also used by L1.moe.router' "$work/out")" = 1 ] ||
  fail "lines are broken where no terminal is"
hasnt "$work/out" '…'

# ---- memory ----

exits 0 "" explain -m configs/gpt-oss-120b --device null --target gfx950 --world 2
has "$work/out" 'memory: fits: a rank needs 30.5 GiB of its GPU'
has "$work/out" 'totals of a step of 1 token, estimated, of one rank of 2'
has "$work/out" 'tokens/s of all ranks'
has "$work/out" 'joins layer 0 and layer 1'
has "$work/out" 'joins layer 35 and what follows'
exits 0 "" explain -m configs/gpt-oss-120b --device null --target sm_90 --sessions 4 --ctx 131072
has "$work/out" 'memory: does not fit: needs 78.9 GiB of the GPU'
has "$work/out" 'would fit with --ctx 99072, or --sessions 3, or --world 2'
for would in '--ctx 99072 --sessions 4' '--ctx 131072 --sessions 3' '--ctx 131072 --sessions 4 --world 2'; do
  # shellcheck disable=SC2086
  exits 0 "" explain -m configs/gpt-oss-120b --device null --target sm_90 $would
  has "$work/out" 'memory: fits: '
done
exits 0 "" explain -m configs/gpt-oss-120b --device null --target sm_90 --sessions 4 --ctx 99200
has "$work/out" 'memory: does not fit: '
exits 0 "" explain -m configs/gpt-oss-20b --device null --memory 4G
has "$work/out" "of --memory's 4.0, "
has "$work/out" 'no shorter context, fewer sessions or more ranks alone would do'

# what loading offers when memory is short does fit
small() { "$infuse" generate -m checkpoints/gpt-oss-tiny --tokens 1,2,3 -n 2 --quiet --threads 2 --memory "$@" 2>&1; }
offer=$(small 16M --ctx 65536) || true
fits=$(echo "$offer" | sed -n 's/.*and may use 0\.016; a context of \([0-9]*\) would fit$/\1/p')
[ "${fits:-0}" -gt 4096 ] || fail "no context is offered: $offer"
small 16M --ctx "$fits" >"$work/out" || fail "--ctx $fits does not fit: $(cat "$work/out")"
! small 16M --ctx $((fits + 64)) >"$work/out" || fail "more than --ctx $fits fits"
! small 1M | grep -q 'would fit' || fail "something is offered that does not fit: $(small 1M)"

# ---- page ----

exits 0 "" explain -m configs/gpt-oss-20b --device null --target gfx950 --html "$work/page.html"
[ ! -s "$work/out" ] || fail "--html prints"
grep -q '</html>' "$work/page.html" || fail "half a page"
"$infuse" explain -m configs/gpt-oss-20b --device null --target gfx950 --html - >"$work/standard.html"
grep -q '</html>' "$work/standard.html" || fail "half a page on standard output"
grep -q '<h1>gpt-oss-20b on AMD Instinct MI355X</h1>' "$work/standard.html" || fail "the page does not name the model"
version=$("$infuse" --version)
grep -qF "Made by $version on 20" "$work/standard.html" || fail "the page does not name version and date"
grep -qF -- '<code>infuse explain -m configs/gpt-oss-20b --device null --target gfx950 --html -</code>' "$work/standard.html" ||
  fail "the page does not name its command"
mkdir "$work/it's a model"
cp configs/qwen3-0.6b/config.json "$work/it's a model"
"$infuse" explain -m "$work/it's a model/" --device null --target gfx950 --layers=1 --html - >"$work/quoted.html"
grep -qF "<h1>it&#39;s a model on AMD" "$work/quoted.html" || fail "the model's name is not that of its folder"
grep -qF "/it&#39;\\&#39;&#39;s a model/&#39; --device null --target gfx950 --layers=1 --html -</code>" "$work/quoted.html" ||
  fail "the command can't be typed again: $(grep -o '<code>infuse[^<]*' "$work/quoted.html")"
exits 3 "$work/no/page.html: can't create" explain -m configs/gpt-oss-20b --device null --target gfx950 --html "$work/no/page.html"
[ "$(ls "$work" | grep -c tmp)" = 0 ] || fail "something is left"

# ---- difference ----

doc() { # doc <file> <arguments>...
  file=$1
  shift
  "$infuse" explain -m checkpoints/gpt-oss-tiny --device null --target gfx950 --json "$@" >"$work/$file.json"
}
doc cost
doc off --fuse=off
doc ordered --fuse ordered --fuse-order add_rms_norm
exits 0 "" explain --diff "$work/cost.json" "$work/cost.json"
has "$work/out" 'fusions: 0 lost, 0 gained; kernels: 0 changed'
"$infuse" explain --diff - "$work/cost.json" <"$work/cost.json" | grep -q '^fusions: 0 lost, 0 gained' ||
  fail "--diff does not read standard input"
exits 2 "standard input: " explain --diff "$work/cost.json" - </dev/null
exits 2 "only one of the documents can be standard input" explain --diff - - </dev/null
exits 1 "" explain --diff "$work/cost.json" "$work/off.json"
has "$work/out" 'mode: cost -> off'
has "$work/out" 'L#.attn.residual: add_rms_norm_router_pad, now nothing: '
exits 0 "" explain --diff "$work/off.json" "$work/cost.json"
has "$work/out" 'L#.attn.residual: add_rms_norm_router_pad, before nothing'
exits 1 "" explain --diff "$work/cost.json" "$work/ordered.json"
has "$work/out" '4x L#.attn.residual: add_rms_norm_router_pad, now add_rms_norm: unnamed: not in the order'
has "$work/out" '4x L#.attn.residual: add_rms_norm, before add_rms_norm_router_pad'
exits 0 "" explain --diff "$work/ordered.json" "$work/cost.json"
has "$work/out" 'fusions: 0 lost, ' # what grew into a larger one is not lost
exits 1 "" explain --diff "$work/cost.json" "$work/ordered.json" --all
has "$work/out" 'L3.attn.residual: add_rms_norm_router_pad, now add_rms_norm'
exits 1 "" explain --diff "$work/cost.json" "$work/ordered.json" --json
has "$work/out" '"schema": "infuse.explain_diff/1"'
has "$work/out" '"ok": false'
sed 's/"kernel": *"linear_bf16_gfx950"/"kernel": "linear_other"/' "$work/off.json" >"$work/kernel.json"
exits 0 "" explain --diff "$work/off.json" "$work/kernel.json"
has "$work/out" 'L#.attn.q: linear_bf16_gfx950 -> linear_other'
sed 's/L1\.attn\.residual/L1.\\u001b[31m/g' "$work/cost.json" >"$work/evil.json"
exits 1 "" explain --diff "$work/cost.json" "$work/evil.json" --all
! grep -q "$(printf '\033')" "$work/out" || fail "a name steers the terminal"

# ---- wrong usage ----

echo '{"schema": "infuse.check/1"}' >"$work/check.json"
echo '{"schema": "infuse.explain/2", "plan": {}}' >"$work/part.json"
echo '{"schema": ' >"$work/broken.json"
printf '\000\001' >"$work/binary.json"
exits 2 "$work/check.json: has schema infuse.check/1, infuse.explain/2 is wanted" explain --diff "$work/cost.json" "$work/check.json"
exits 2 "$work/part.json: has no plan.nodes" explain --diff "$work/part.json" "$work/cost.json"
exits 2 "$work/broken.json: line 2" explain --diff "$work/broken.json" "$work/cost.json"
exits 2 "$work/binary.json: " explain --diff "$work/cost.json" "$work/binary.json"
exits 2 "$work/none.json: can't open" explain --diff "$work/cost.json" "$work/none.json"
exits 2 "--diff wants A.json B.json" explain --diff "$work/cost.json"
exits 2 "--diff compares two documents and takes no -m" explain --diff "$work/cost.json" "$work/off.json" -m configs/gpt-oss-20b
exits 2 "--html draws one plan" explain --diff "$work/cost.json" "$work/off.json" --html "$work/page.html"
exits 2 "--json and --html" explain -m configs/gpt-oss-20b --json --html "$work/page.html"
exits 2 "--brief goes without" explain -m configs/gpt-oss-20b --json --brief
exits 2 "explain wants -m DIR" explain --json
exits 2 "--html wants FILE" explain -m configs/gpt-oss-20b --html
exits 2 "fuse order" explain -m configs/gpt-oss-20b --fuse off --fuse-order add_rms_norm
exits 2 "fuse order" explain -m configs/gpt-oss-20b --fuse ordered
exits 2 "nearest is add_rms_norm" explain -m configs/gpt-oss-20b --fuse ordered --fuse-order add_rms_nrm
exits 2 "nearest is add_rms_norm_pad" explain -m configs/gpt-oss-20b --rules -add_rms_norm_pda
exits 2 "did you mean cost" explain -m configs/gpt-oss-20b --fuse cst
exits 2 "range 5:3" explain -m configs/gpt-oss-20b --range 5:3
exits 2 "'5' is not LO:HI" explain -m configs/gpt-oss-20b --range 5
