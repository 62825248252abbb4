#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# dspy 3.4.1: the JSONAdapter asks a server for JSON (response_format) only where a list of models that dspy or litellm brings says
# that the model can do it. Of a local server's model, which no list has, it asks in words alone, and says nothing of it. One would
# guess that the adapter that is named after JSON asks for a schema, or at least for json_object, as all such servers can do.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dspy==3.4.1
cat >"$work/ask.py" <<'END'
import http.server, json, os, threading
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "true"
asked = []
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        message = {"role": "assistant", "content": '{"sum": 42}'}
        body = json.dumps({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
import dspy
class Add(dspy.Signature):
    question: str = dspy.InputField()
    sum: int = dspy.OutputField()
for model in ["openai/gpt-4o", "openai/local", "hosted_vllm/local"]:
    lm = dspy.LM(model, api_base=f"http://127.0.0.1:{server.server_port}/v1", api_key="k", cache=False)
    with dspy.context(lm=lm, adapter=dspy.JSONAdapter()):
        assert dspy.Predict(Add)(question="12 + 30").sum == 42
    print(model, (asked[-1].get("response_format") or {}).get("type"), end=" ")
END
seen=$("$work/venv/bin/python" "$work/ask.py" 2>/dev/null)
echo "$seen"
[ "$seen" = "openai/gpt-4o json_schema openai/local None hosted_vllm/local None " ]
