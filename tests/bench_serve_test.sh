#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench_serve_test.sh INFUSE: infuse bench serve counts what it asks a server of ours, tells it by vLLM's keys and rows,
# writes its files, and refuses what it can't do in a line. Times are looked at nowhere.
set -eu
infuse=$1 m=models/infuse-oss
. tests/support/shell.sh
unset OPENAI_API_KEY
serve served -m $m --port 0 --ctx 512 --sessions 8 --api-key sesame
refused() { # CODE PART OPTION...
  wanted=$1 part=$2
  shift 2
  ends "$wanted" "$part" "$infuse" bench serve --base-url "$url" "$@"
}
refused 4 "status 401" --num-prompts 1 # without a key
export OPENAI_API_KEY=sesame
load() { "$infuse" bench serve --base-url "$url/" --quiet "$@"; }

# one point
load --num-prompts 6 --input-len 5:9 --output-len 3 --max-concurrency 2 --random-prefix-len 4 --save-detailed --label x \
  --metadata who=me --goodput ttft:1e9,tpot:1e9 --metric-percentiles 50,99.9 --json --output-json "$work/file" >"$work/a"
has "$work/a" '"schema":"infuse.bench.serve/1"' '"completed":6,"failed":0' '"total_output_tokens":18' '"output_lens":[3,3,3,3,3,3]' \
  '"max_concurrency":2' '"request_rate":"inf"' '"max_concurrent_requests":2' '"p99.9_ttft_ms":' '"mean_e2el_ms":' \
  '"request_goodput":' '"label":"x"' '"who":"me"' '"model_id":"infuse-oss"' '"tokenizer_id":"models/infuse-oss"' '"errors":["",'
tr -d '\n' <"$work/a" | cmp - "$work/file"
load --num-prompts 3 --output-len 2 --input-len 8 --percentile-metrics ttft,e2el >"$work/text"
has "$work/text" '============ Serving Benchmark Result ============' 'Successful requests:                     3 ' \
  'Total input tokens:                      24 ' 'Total generated tokens:                  6 ' 'P99 TTFT (ms):' 'P99 E2EL (ms):' \
  '----------------End-to-end Latency----------------'
hasnt "$work/text" ITL 'Cached input'

# chats have as many tokens as text allows, besides the template's; rates and limits in turns, and their files
mkdir "$work/results"
load --backend openai-chat --num-prompts 2 --input-len 12 --output-len 2 --max-concurrency 1,2 --request-rate 100,inf \
  --num-warmups 1 --plot "$work/plot.svg" --save-result --result-dir "$work/results" >"$work/text"
has "$work/text" 'concurrency     rate'
[ "$(wc -l <"$work/text")" = 5 ] || fail "not 4 points: $(cat "$work/text")"
[ "$(find "$work/results" -name 'openai-chat-*qps-concurrency[12]-infuse-oss-*.json' | wc -l)" = 4 ] || fail "not 4 files"
has "$work/plot.svg" '<svg xmlns=' '>2, 100/s</text>' '</svg>'

# files of prompts; the server's own count of what it reads
cat >"$work/share.json" <<'END'
[{"conversations": [{"from": "human", "value": "What is 12 + 30 and then 5 more?"}, {"from": "gpt", "value": "It is forty-seven."}]},
 {"conversations": [{"from": "human", "value": "alone"}]}]
END
load --dataset-name sharegpt --dataset-path "$work/share.json" --num-prompts 3 --ignore-eos --save-detailed --json >"$work/a"
has "$work/a" '"completed":3,"failed":0'
printf '{"prompt": "one"}\n{"prompt": "two", "output_tokens": 5}\n' >"$work/lines.jsonl"
load --dataset-name custom --dataset-path "$work/lines.jsonl" --num-prompts 2 --output-len 3 --ignore-eos --temperature 0 --json >"$work/a"
has "$work/a" '"completed":2,"failed":0' '"total_output_tokens":8'

# what fails is told, whatever else succeeds
for more in "" --quiet "--max-concurrency 1,2 --quiet"; do # and no row of zeros
  # shellcheck disable=SC2086
  refused 4 "4 x status 404" --served-model-name nobody --num-prompts 4 $more
  [ ! -s "$work/out" ] || fail "rows of nothing: $(cat "$work/out")"
done
refused 4 "4 x status 404" --served-model-name nobody --num-prompts 4 --plot "$work/none.svg" --json --quiet
has "$work/out" '"completed":0,"failed":4' '"output_throughput":null' '"mean_ttft_ms":null'
[ ! -e "$work/none.svg" ] || fail "a plot of nothing"
refused 4 "context" --input-len 600 --num-prompts 1
refused 2 "--request-rate: 'x' is not a number" --request-rate 1,x
refused 2 "--max-concurrency: '0' is not a number" --max-concurrency 0
refused 2 "--goodput: 'itl:5' is none of" --goodput itl:5
refused 2 "--percentile-metrics: 'tpt'" --percentile-metrics ttft,tpt
refused 2 "--endpoint: '/v1/embeddings' is no path" --endpoint /v1/embeddings
refused 2 "--metadata: 'who' is not KEY=VALUE" --metadata who --base-url http://127.0.0.1:1 # before it asks a server
refused 2 "wants --dataset-path" --dataset-name custom
refused 2 "bench serve does not take --layers" --layers 1
refused 3 "--extra-body: line 1" --extra-body '{"a"'
refused 3 "no/such" --dataset-name custom --dataset-path no/such
refused 2 "begins with neither http" --base-url localhost:8000
refused 4 "connect" --base-url http://127.0.0.1:1
exits 2 "bench latency does not take --request-rate" bench latency -m $m --request-rate 1

kill -INT "$pid"
wait "$pid" || fail "the server ended badly"

# without a tokenizer here, of a server that tells no folder: whose fault it is
cp -r models/infuse-oss "$work/gone"
serve moved -m "$work/gone" --port 0 --ctx 512 --api-key sesame
mv "$work/gone" "$work/away"
refused 4 "the server has no model 'nobody'; --served-model-name says another: status 404" --served-model-name nobody --num-prompts 1
