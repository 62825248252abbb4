# SPDX-License-Identifier: Apache-2.0
"""aiperf: a run of each kind of request has no errors and counts the tokens that the server has counted."""
from asked import *
import subprocess
import tempfile

os.environ.pop("HF_HUB_OFFLINE", None)  # with it no folder is taken as a tokenizer
for kind in ["completions", "chat", "responses"]:
    with tempfile.TemporaryDirectory() as folder, Counted() as counted:
        subprocess.run(
            [sys.executable, "-m", "aiperf", "profile", "--url", SERVER, "--api-key", KEY, "-m", MODEL,
             "--tokenizer", f"models/{MODEL}", "--endpoint-type", kind, "--streaming", "--use-server-token-count",
             "--concurrency", "2", "--request-count", "10", "--isl", "64", "--osl", "16", "--ui", "none",
             "--extra-inputs", "ignore_eos:true", "--no-gpu-telemetry", "--output-artifact-dir", folder], check=True)
        report = json.load(open(f"{folder}/profile_export_aiperf.json"))
    assert report["request_count"]["avg"] == 10 and not report["error_summary"]
    assert counted.generation == 160
    if kind == "responses":
        continue  # one that ends by its length is response.incomplete, whose usage aiperf does not read
    tokens = {of: report[of]["avg"] for of in ["total_isl", "total_osl"]}
    assert tokens == {"total_isl": counted.prompt, "total_osl": counted.generation}, (kind, tokens, vars(counted))
