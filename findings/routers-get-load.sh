#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# vllm-router 0.1.17 and sglang-router 0.3.2 ask their servers the same question, GET /get_load, and each understands only its
# own form of the answer: vllm-router an object with the number `load`, sglang-router a list of objects with `num_tokens`, which
# it adds up. Of the other's form both make a load of -1, and say nothing. One would guess that a router which was made of the
# other one reads what that one reads. So no answer serves both, and vllm-router's power_of_two knows no loads of SGLang's servers.
set -eu
work=$(mktemp -d)
trap 'kill $(cat "$work"/*.pid 2>/dev/null) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q vllm-router==0.1.17 sglang-router==0.3.2
cat >"$work/server.py" <<'END'
import http.server, json, sys
load = {"object": {"load": 7}, "list": [{"dp_rank": 0, "num_reqs": 5, "num_waiting_reqs": 2, "num_tokens": 11}]}[sys.argv[2]]
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        path = self.path.split("?")[0]
        body = json.dumps(load if path == "/get_load" else {"model_path": "m", "served_model_name": "m"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
END

loads() { # ROUTER FORM PORT: what the router says of a server whose answer has this form
  python3 "$work/server.py" "$3" "$2" &
  echo $! >"$work/server.pid"
  # shellcheck disable=SC2046
  "$work/venv/bin/$1" $([ "$1" = vllm-router ] || echo launch) --worker-urls "http://127.0.0.1:$3" --policy round_robin \
    --host 127.0.0.1 --port $(($3 + 1)) --prometheus-port $(($3 + 2)) >"$work/log" 2>&1 &
  echo $! >"$work/router.pid"
  seen=
  for _ in $(seq 60); do
    seen=$("$work/venv/bin/python" -c "
import json, urllib.request
workers = json.load(urllib.request.urlopen('http://127.0.0.1:$(($3 + 1))/get_loads', timeout=5))['workers']
print(workers[0]['load'])" 2>/dev/null) && break
    sleep 0.5
  done
  kill $(cat "$work/router.pid") $(cat "$work/server.pid")
  echo "$seen"
}

vllm_object=$(loads vllm-router object 9310) vllm_list=$(loads vllm-router list 9320)
sglang_object=$(loads sglang-router object 9330) sglang_list=$(loads sglang-router list 9340)
echo "an object with load 7:         vllm-router $vllm_object, sglang-router $sglang_object"
echo "a list with num_tokens 11:     vllm-router $vllm_list, sglang-router $sglang_list"
[ "$vllm_object $vllm_list $sglang_object $sglang_list" = "7 -1 -1 11" ]
