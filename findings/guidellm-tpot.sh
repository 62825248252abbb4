#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# guidellm 0.8.1: time_per_output_token_ms is the whole request's time, that to the first token too, divided by its tokens. One
# would guess what others name TPOT, the time of the tokens behind the first one, which guidellm has as inter_token_latency_ms. With a
# first token after a second and 4 more of 20 ms each it says about 216, not 20: long prompts make slow tokens.
set -eu
work=$(mktemp -d)
trap 'kill $(cat "$work"/*.pid 2>/dev/null) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q guidellm==0.8.1
cat >"$work/server.py" <<'END'
import http.server, json, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        body = b'{"object": "list", "data": [{"id": "m", "object": "model"}]}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for i in range(5):
            time.sleep(0.02 if i else 1)
            chunk = {"id": "1", "object": "text_completion", "choices": [{"index": 0, "text": " a", "finish_reason": None}],
                     "usage": {"prompt_tokens": 3, "completion_tokens": i + 1, "total_tokens": i + 4}}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")
http.server.ThreadingHTTPServer(("127.0.0.1", 9361), Handler).serve_forever()
END
"$work/venv/bin/python" "$work/server.py" &
echo $! >"$work/server.pid"
echo '{"prompt": "a a a"}' >"$work/prompts.jsonl"
"$work/venv/bin/guidellm" run --disable-console --backend kind=openai_http,target=http://127.0.0.1:9361,model=m,request_format=/v1/completions \
  --profile kind=synchronous --constraint kind=max_requests,count=3 --data "kind=json_file,path=$work/prompts.jsonl" \
  --output "kind=json,path=$work/report.json" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
"$work/venv/bin/python" - "$work/report.json" <<'END'
import json, sys
m = json.load(open(sys.argv[1]))["benchmarks"][0]["metrics"]
first, gap, tpot = (m[k]["successful"]["median"] for k in ["time_to_first_token_ms", "inter_token_latency_ms", "time_per_output_token_ms"])
print(f"first token {first:.0f} ms, between tokens {gap:.0f} ms, TPOT {tpot:.0f} ms")
assert abs(tpot - (first + 4 * gap) / 5) < 2 and tpot > 3 * gap
END
