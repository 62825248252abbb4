#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Evaluates a trained checkpoint with infuse on eval/ and writes its model card, README.md."""
import argparse
import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TASKS = ("arithmetic", "lists", "strings", "tables", "tools", "choices")
ABOUT = {
    "gpt-oss": ("infuse-oss", "GPT-OSS", "attention sinks, sliding windows in every other layer, experts in MXFP4, harmony chat",
                "A system message leads it astray: its training text has next to none."),
    "qwen3-next": ("infuse-next", "Qwen3-Next", "gated delta rule in three layers of four, FP8 in blocks of 128 x 128, ChatML",
                   "With a system message it answers a little worse: its training text has next to none."),
}
CARD = """---
license: apache-2.0
language: en
pipeline_tag: text-generation
---
# {name}

A very small {family} model ({about}).

[infuse](../../README.md) ships it to try itself on: it does arithmetic in words, lists, strings, tables, tool calls and short
stories. It knows nothing of the world, and words that its training text lacks confuse it. {limit}
Its use is that accuracy can be measured on a checkpoint of {megabytes:.1f} MB.

    build/infuse generate -m models/{name} -p "{question}"

| | |
|---|---|
| parameters | {parameters:.1f} million, {layers} layers, hidden size {hidden}, {experts} experts of which a token uses {top} |
| context | trained on rows of 1,024 tokens; answers go bad beyond that |
| data | drawn by `tools/train/data.py`; no text of anybody else's |
| licence | Apache-2.0, weights and data |

## Training

{runs}
The loss is that of the last batch, of answers and, weighted by a tenth, prompts. Weights and, in front of FP8, activations were
quantised in the loop. `tools/train/README.md` has the one command that trains such a model anew.

## Held-out accuracy

Zero-shot and greedy, on wordings that training never used, by `infuse eval` on the files of `eval/`:

{accuracy}
"""


def evaluate(infuse: Path, folder: Path, *options: str) -> list[dict]:
    command = [infuse, "eval", "-m", folder, "--json", "--quiet", *options]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["tasks"]


def accuracy(infuse: Path, folder: Path) -> str:
    names = {"exact_match": "exact match", "valid_call": "valid calls", "exact_call": "exact calls", "acc": "most likely of four"}
    lines = ["| file | measure | | items |", "|---|---|---|---|"]
    files = [option for task in TASKS for option in ("--task", f"eval/{task}.jsonl")]
    for task in evaluate(infuse, folder, *files):
        for key, name in names.items():
            if key in task:
                f = task[key]
                lines.append(f"| `{task['file']}` | {name} | {100 * f['value']:.1f} % ± {100 * f['stderr']:.1f} | {f['n']} |")
    text = evaluate(infuse, folder, "--task", "eval/stories.txt", "--ctx", "1024")[0]["text"]
    lines.append(f"| `eval/stories.txt` | perplexity | {text['perplexity']:.3f} ± {text['perplexity_stderr']:.3f} | {text['tokens']} tokens |")
    return "\n".join(lines)


def training(runs: list[dict]) -> str:
    lines = ["| run | seed | batches | tokens | rates (Muon, AdamW) | on | seconds | loss |", "|---|---|---|---|---|---|---|---|"]
    for i, r in enumerate(runs):
        lines.append(f"| {'from nothing' if i == 0 else 'going on'} | {r['seed']} | {r['steps']} of {r['rows']} rows | {r['million_tokens']} million | "
                     f"{r['matrix_rate']}, {r['other_rate']} | {r['hardware']} | {r['seconds']} | {r['loss']} |")
    commands = "".join(f"    python3 tools/train/train.py --model {r['model']}{' --from models/' + ABOUT[r['model']][0] if i else ''} --steps {r['steps']} "
                       f"--seed {r['seed']} --matrix-rate {r['matrix_rate']} --other-rate {r['other_rate']}\n" for i, r in enumerate(runs))
    return "\n".join(lines) + "\n\n" + commands


def parameters(folder: Path, config: dict) -> float:
    """In millions: the elements of the tensors, two to a byte of MXFP4 blocks, scales left out."""
    raw = (folder / "model.safetensors").read_bytes()
    header = json.loads(raw[8:8 + int.from_bytes(raw[:8], "little")])
    count = 0
    for name, tensor in header.items():
        if name != "__metadata__" and not name.endswith(("_scales", "_scale_inv")):
            start, end = tensor["data_offsets"]
            count += (end - start) * 2 if name.endswith("_blocks") else (end - start) // {"BF16": 2, "F8_E4M3": 1}[tensor["dtype"]]
    return count / 1e6


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("folder", type=Path, help="models/infuse-oss or models/infuse-next")
    ask.add_argument("--infuse", type=Path, default=ROOT / "build/infuse")
    o = ask.parse_args()
    facts, config = (json.loads((o.folder / name).read_text()) for name in ("training.json", "config.json"))
    name, family, about, limit = ABOUT[facts["runs"][0]["model"]]
    card = CARD.format(
        name=name, family=family, about=about, limit=limit, megabytes=(o.folder / "model.safetensors").stat().st_size / 1e6,
        question="Anna has 12 apples and buys 30 more. She gives 5 of them to Tom. How many apples are left?",
        parameters=parameters(o.folder, config), layers=config["num_hidden_layers"], hidden=config["hidden_size"],
        experts=config.get("num_local_experts") or config["num_experts"], top=config["num_experts_per_tok"],
        runs=training(facts["runs"]), accuracy=accuracy(o.infuse.resolve(), o.folder))
    (o.folder / "README.md").write_text(card)


if __name__ == "__main__":
    main()
