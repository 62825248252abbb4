# SPDX-License-Identifier: Apache-2.0
"""guidellm: a run of each kind of request counts the tokens that the server has counted."""
from asked import *
import subprocess
import tempfile

for kind, rate in [("/v1/completions", "concurrent,streams=2"), ("/v1/chat/completions", "constant,rate=10"),
                   ("/v1/responses", "synchronous")]:
    with tempfile.TemporaryDirectory() as folder, Counted() as counted:
        subprocess.run(
            [sys.executable, "-m", "guidellm", "run", "--disable-console",
             "--backend", f"kind=openai_http,target={SERVER},api_key={KEY},request_format={kind}",
             "--profile", f"kind={rate}", "--constraint", "kind=max_requests,count=10",
             "--tokenizer", f"kind=huggingface_auto,model=models/{MODEL}",
             "--data", "kind=synthetic_text,prompt_tokens=64,output_tokens=16",
             "--output", f"kind=json,path={folder}/report.json"], check=True)
        report = json.load(open(f"{folder}/report.json"))["benchmarks"][0]["metrics"]
    totals = report["request_totals"]
    assert totals["successful"] == totals["total"] >= 9, totals  # the last of ten was once not in the report
    tokens = {of: report[f"{of}_token_count"]["successful"]["mean"] for of in ["prompt", "output"]}
    assert tokens == {"prompt": counted.prompt / 10, "output": counted.generation / 10}, (kind, tokens, vars(counted))
    assert counted.generation == 160
