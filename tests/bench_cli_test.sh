#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench_cli_test.sh INFUSE: infuse bench counts what it runs, tells it by vLLM's keys and rows, draws the same lengths
# again, and refuses what it can't do in a line. Times are looked at nowhere.
set -eu
infuse=$1 m=checkpoints/gpt-oss-small
. tests/support/shell.sh
length() { sed "s/.*\"$1\":\\[\\([^]]*\\)\\].*/\\1/" "$2" | tr , '\n' | wc -l; }

latency="latency -m $m --input-len 5 --output-len 3 --batch-size 2 --num-iters 4 --num-iters-warmup 0 --quiet"
# shellcheck disable=SC2086
"$infuse" bench $latency --json --output-json "$work/file.json" >"$work/latency.json"
has "$work/latency.json" '"schema":"infuse.bench.latency/1"' '"input_len":5,"output_len":3,"batch_size":2' '"avg_latency":' \
  '"percentiles":{"10":' '"99":' '"mean_ttft_ms":' '"median_ttft_ms":' '"p99_tpot_ms":' '"prefill_throughput":' \
  '"decode_throughput":' '"weight_types":["bf16","mxfp4"]' '"weight_mb_per_step":' '"weight_gb_s":' '"read_gb_s":' '"read_share":'
[ "$(length latencies "$work/latency.json")" = 4 ] || fail "not 4 latencies"
tr -d '\n' <"$work/latency.json" | cmp - "$work/file.json"
# shellcheck disable=SC2086
"$infuse" bench $latency >"$work/latency"
has "$work/latency" 'Avg latency: ' '99% percentile latency: ' '---------------Time to First Token----------------' \
  'Mean TTFT (ms):                          ' '-----Time per Output Token (excl. 1st token)------' \
  'Prefill throughput (tok/s):' 'Decode throughput (tok/s):' 'Weights read a step (MB):' 'Share of what memory reads:'
"$infuse" bench latency -m $m --num-iters 1 --input-len 2 --output-len 2 --device ref --quiet --json >"$work/ref"
hasnt "$work/ref" read_gb_s
# an answer of one token is all prefill
"$infuse" bench latency -m $m --input-len 70 --output-len 1 --num-iters 1 --num-iters-warmup 0 --quiet --json >"$work/one"
has "$work/one" '"decode_throughput":0.0' '"mean_tpot_ms":0.0' '"weight_gb_s":0.0'

# each fusion that its plans choose, between none and all; the largest step and down by fours
"$infuse" bench fusions -m $m --chunk 8 --num-iters 1 --quiet --json >"$work/fusions"
has "$work/fusions" '"schema":"infuse.bench.fusions/1"' '"rounds":1' '"tokens":[1,2,8]' '"fusion":"off","sites":0.0' \
  '"fusion":"add_rms_norm"' '"fusion":"all"' '"step_us":[' '"tokens_per_second":[' '"times_off":[1.0,1.0,1.0]'
"$infuse" bench fusions -m $m --chunk 8 --num-iters 1 --quiet >"$work/fusions"
has "$work/fusions" 'a step of 1 token' 'a step of 8 tokens' 'times off'

throughput() {
  "$infuse" bench throughput -m $m --input-len 2:9 --output-len 1:4 --num-prompts 7 --max-concurrency 3 --quiet "$@"
}
lengths() { sed 's/.*\("input_lens":.*\),"start_times".*/\1/' "$1"; }
throughput --json >"$work/a"
throughput --json >"$work/b"
throughput --json --seed 5 >"$work/c"
has "$work/a" '"schema":"infuse.bench.throughput/1"' '"num_requests":7' '"completed":7,"failed":0' '"max_concurrent_requests":3' \
  '"elapsed_time":' '"requests_per_second":' '"tokens_per_second":' '"total_token_throughput":' '"mean_itl_ms":' '"p99_tpot_ms":'
for list in input_lens output_lens start_times ttfts; do
  [ "$(length $list "$work/a")" = 7 ] || fail "$list has not 7 items"
done
[ "$(lengths "$work/a")" = "$(lengths "$work/b")" ] || fail "one seed draws two sets of lengths"
[ "$(lengths "$work/a")" != "$(lengths "$work/c")" ] || fail "two seeds draw the same lengths"
throughput --input-len=4 --output-len=2 >"$work/throughput"
has "$work/throughput" '============ Serving Benchmark Result ============' 'Total input tokens:                      28 ' \
  'Total generated tokens:                  14 ' 'Successful requests:                     7 ' 'Median ITL (ms):' \
  'Throughput: ' 'Total num prompt tokens:  28' 'Total num output tokens:  14'

# nodes of the plan, and both sizes of a step
"$infuse" bench kernels -m $m --chunk 8 --quiet --json >"$work/kernels.json"
has "$work/kernels.json" '"nodes":4' '"roof_us":' '"tokens":1,' '"tokens":8,' 'experts_swiglu'
"$infuse" bench kernels -m checkpoints/qwen3-tiny --load-format dummy --layers 1 --chunk 1 --quiet >"$work/kernels"
has "$work/kernels" 'a step of 1 token' 'total: '

exits 2 "bench wants latency, throughput, kernels, fusions or serve" bench
exits 2 "did you mean latency" bench latencies -m $m
exits 2 "bench latency wants -m DIR" bench latency
exits 2 "--input-len: '0' is not a number from 1" bench latency -m $m --input-len 0
exits 2 "--input-len: '2:9' is not a number from 1" bench latency -m $m --input-len 2:9
exits 2 "--output-len: '9:2' is not a number, or LO:HI" bench throughput -m $m --output-len 9:2
exits 2 "--output-len: '' is not a number" bench throughput -m $m --output-len ''
exits 2 "99999999999999999999" bench throughput -m $m --input-len 99999999999999999999
exits 2 "context is 33554432; it must lie between 1 and 131072" bench latency -m $m --input-len 16777216 --output-len 16777216
exits 2 "bench latency does not take --num-prompts" bench latency -m $m --num-prompts 2
exits 2 "bench throughput does not take --num-iters-warmup" bench throughput -m $m --num-iters-warmup 0
exits 2 "bench kernels does not take --input-len" bench kernels -m $m --input-len 2
exits 2 "--batch-size: '0' is not a number" bench latency -m $m --batch-size 0
exits 3 "no/such" bench latency -m no/such
exits 3 "can't create" bench latency -m $m --output-json "$work/no/such.json"
exits 4 "the model needs" bench latency -m $m --input-len 1 --output-len 1 --memory 1M
exits 2 "infuse bench kernels -m $m" check -m $m --bench
