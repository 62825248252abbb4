#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# serve_cli_test.sh INFUSE: servers that are killed leave nothing behind; and real clients and routers talk to them, those
# that are installed: the modules of tests/clients/use_MODULE.py and lm-eval of $PYTHON (python3; several, with blanks
# between, where clients do not go together), vllm-router and sglang-router of $PATH. A line says of each that is missing
# that it was left out.
set -eu
infuse=$1 pythons=${PYTHON:-python3}
. tests/support/shell.sh
mkdir "$work/cache"
export INFUSE_CACHE_DIR="$work/cache" HF_HUB_OFFLINE=1 PYTHONDONTWRITEBYTECODE=1

post() { # PORT PATH BODY: the answer, whole; a GET without a body
  exec 3<>"/dev/tcp/127.0.0.1/$1"
  printf '%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$([ -n "$3" ] && echo POST || echo GET)" "$2" ${#3} "$3" >&3
  cat <&3
  exec 3>&-
}

# ---- a key that is none, such as that of a variable that was misspelled ----

exits 2 "--api-key: the key is empty" serve -m models/infuse-oss --port 0 --api-key ""
INFUSE_API_KEY="" exits 2 "INFUSE_API_KEY: the key is empty" serve -m models/infuse-oss --port 0

# ---- killed, and begun again at the same port while a client still has a connection ----

serve killed -m models/infuse-oss --port 0
port=${url##*:}
body='{"prompt":"Once","max_tokens":4000,"ignore_eos":true,"stream":true}'
touch "$work/stream"
post "$port" /v1/completions "$body" >"$work/stream" &
client=$!
until grep -q data "$work/stream"; do sleep 0.05; done
kill -9 $pid
wait $pid 2>/dev/null || true
wait $client || true # it has come to an end, which is what counts
! grep -q '\[DONE\]' "$work/stream" || fail "the server was not killed in the middle of an answer"
(cd "$work/cache" && find . -type f) >"$work/left"
! grep -E 'lock|tmp|\.part' "$work/left" || fail "a killed server has left these"
serve again -m models/infuse-oss --port "$port"
post "$port" /v1/completions '{"prompt":"Once","max_tokens":4}' >"$work/answer"
has "$work/answer" '"finish_reason":"length"'
post "$port" /metrics "" >"$work/metrics"
has "$work/metrics" 'vllm:num_requests_running{model_name="infuse-oss",engine="0"} 0'
[ ! -s "$work/again.err" ] || fail "a server after a killed one complains: $(cat "$work/again.err")"

# ---- real clients ----

find_python() { # MODULE: the first python that has it is then $python
  for python in $pythons; do
    "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)" && return
  done
  echo "left out: no $1"
  return 1
}

# Each talks to servers of both models, which ask for a key.
export INFUSE_API_KEY=secret
places=
for model in infuse-oss infuse-next; do
  serve $model -m models/$model --port 0
  places="$places $url,$model"
done
for script in tests/clients/use_*.py; do
  module=${script#*/use_}
  find_python "${module%.py}" || continue
  for place in $places; do
    timeout 300 "$python" "$script" "${place%,*}" "${place#*,}" >"$work/client" 2>&1 ||
      fail "$script at $place: $(tail -n 20 "$work/client")"
  done
done
unset INFUSE_API_KEY

if find_python lm_eval; then
  printf '%s\n' '{"q":"What is 12 + 30?","c":["42","41"],"a":0}' >"$work/sums.jsonl"
  cat >"$work/sums.yaml" <<END
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: $work/sums.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{q}} "
doc_to_choice: "{{c}}"
doc_to_target: "{{a}}"
metric_list: [{metric: acc}]
END
  "$python" -m lm_eval --model local-completions --tasks sums --include_path "$work" --model_args \
    "base_url=http://127.0.0.1:$port/v1/completions,model=infuse-oss,tokenizer_backend=remote" >"$work/eval" 2>&1 ||
    fail "lm-eval: $(tail -n 20 "$work/eval")"
  has "$work/eval" "|sums |"
fi

# ---- two servers behind a router ----

route() { # PROGRAM ARGUMENTS...: a chat through it is answered
  router=$1
  shift
  [ -n "$other" ] || { serve other -m models/infuse-oss --port 0 && other=$url; }
  entry=$("${pythons%% *}" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  "$router" "$@" --worker-urls "http://127.0.0.1:$port" "$other" --host 127.0.0.1 --port "$entry" \
    --prometheus-port $((entry + 1)) >"$work/router" 2>&1 &
  routes=$!
  servers="$servers $routes"
  tries=0
  until post "$entry" /v1/chat/completions "$chat" >"$work/answer" 2>/dev/null && grep -q "200 OK" "$work/answer"; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] && kill -0 $routes 2>/dev/null || fail "$router $*: $(tail -n 20 "$work/router")"
    sleep 0.2
  done
  has "$work/answer" "The answer is 42."
  kill $routes
}
chat='{"model":"infuse-oss","messages":[{"role":"user","content":"What is 12 + 30?"}],"temperature":0}'
other=""
policies="round_robin power_of_two cache_aware"
if command -v vllm-router >/dev/null; then
  for policy in $policies; do route vllm-router --policy $policy; done
else
  echo "left out: no vllm-router"
fi
if command -v sglang-router >/dev/null; then
  for policy in $policies; do route sglang-router launch --policy $policy; done
else
  echo "left out: no sglang-router"
fi
