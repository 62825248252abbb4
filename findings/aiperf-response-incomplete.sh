#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# aiperf 0.13.0 reads a streamed response's usage at response.completed only. One that ends by its length, as requests of a
# benchmark do, ends with response.incomplete, which has the same usage. One would guess that it is read there too, or that the
# request counts as failed; but it counts as good, without a warning, and all token figures are missing from the report.
set -eu
work=$(mktemp -d)
trap 'kill $(cat "$work"/*.pid 2>/dev/null) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q aiperf==0.13.0
mkdir "$work/model"
"$work/venv/bin/python" - "$work/model" <<'END'
import json, sys, tokenizers
t = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
t.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
t.save(sys.argv[1] + "/tokenizer.json")
json.dump({"tokenizer_class": "PreTrainedTokenizerFast"}, open(sys.argv[1] + "/tokenizer_config.json", "w"))
END
cat >"$work/server.py" <<'END'
import http.server, json, sys
def event(kind, **fields):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self): self.send_error(404)
    do_HEAD = do_GET
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        usage = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}
        done = {"id": "resp_1", "object": "response", "status": sys.argv[2], "usage": usage, "output": [],
                "incomplete_details": {"reason": "max_output_tokens"} if sys.argv[2] == "incomplete" else None}
        body = event("response.created", response={"id": "resp_1"}) + b"".join(
            event("response.output_text.delta", item_id="m", output_index=0, content_index=0, delta=d) for d in ["a", " b", " c"])
        body += event(f"response.{sys.argv[2]}", response=done)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
END

tokens() { # STATUS PORT: requests, errors, and tokens of answers by the report
  "$work/venv/bin/python" "$work/server.py" "$2" "$1" >/dev/null 2>&1 &
  echo $! >"$work/$1.pid"
  env -u HF_HUB_OFFLINE "$work/venv/bin/aiperf" profile --url "http://127.0.0.1:$2" -m m --tokenizer "$work/model" --endpoint-type responses --streaming \
    --use-server-token-count --request-count 4 --isl 5 --osl 3 --ui none --no-gpu-telemetry --no-server-metrics \
    --output-artifact-dir "$work/$1" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  "$work/venv/bin/python" -c "
import json
r = json.load(open('$work/$1/profile_export_aiperf.json'))
print(r['request_count']['avg'], len(r['error_summary'] or []), (r.get('total_osl') or {}).get('avg'))"
}

completed=$(tokens completed 9351) incomplete=$(tokens incomplete 9352)
echo "requests, errors, tokens: completed $completed, incomplete $incomplete"
[ "$completed, $incomplete" = "4.0 0 12.0, 4.0 0 None" ]
