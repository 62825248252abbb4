#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Answers task files with transformers and compares with what `infuse eval --samples` wrote for the same files.

Prints for each file both exact-match rates with the standard error of their difference, and the share of texts that
are equal from the first character to the last. Weights are dequantised to the model's dtype: transformers has MXFP4 and
FP8 kernels for some GPUs only.
"""
import argparse
import json
import math
import re
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, FineGrainedFP8Config

DATE = "2026-01-01"  # that infuse eval writes into prompts
HARMONY = re.compile(r"<\|channel\|>(analysis|final|commentary to=functions\.(\w+) <\|constrain\|>json)<\|message\|>(.*?)<\|(?:end|return|call)\|>", re.S)
CHATML = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.S)


def load(folder: Path, dtype: str, device: str):
    extra = {}
    if json.loads((folder / "config.json").read_text())["quantization_config"]["quant_method"] == "fp8":
        extra["quantization_config"] = FineGrainedFP8Config(dequantize=True)
    m = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype), **extra).to(device)
    return m.eval(), AutoTokenizer.from_pretrained(folder, padding_side="left")


@torch.no_grad()
def answers(m, tokenizer, items: list[dict], batch: int, most: int) -> list[str]:
    """Greedy answers with their special tokens, in the order of the items."""
    prompts = [tokenizer.apply_chat_template([{"role": "user", "content": i["prompt"]}], tools=i.get("tools"), date=DATE,
                                             add_generation_prompt=True, tokenize=False) for i in items]
    out = [""] * len(items)
    order = sorted(range(len(items)), key=lambda i: len(prompts[i]))
    for at in range(0, len(order), batch):
        part = order[at:at + batch]
        inputs = tokenizer([prompts[i] for i in part], return_tensors="pt", padding=True, add_special_tokens=False).to(m.device)
        got = m.generate(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, do_sample=False, max_new_tokens=most)
        for i, ids in zip(part, got[:, inputs.input_ids.shape[1]:]):
            out[i] = tokenizer.decode(ids, skip_special_tokens=False)
        print(f"\r{min(at + batch, len(order))} of {len(order)}", end="", flush=True)
    print("\r", end="")
    return out


def parse(text: str, chatml: bool) -> dict:
    """Thoughts, content and calls of an answer, as infuse tells them."""
    if chatml:
        text = text.split("<|im_end|>")[0].split("<|endoftext|>")[0]
        calls = [json.loads(c) for c in CHATML.findall(text)]
        return {"thoughts": "", "content": CHATML.sub("", text).strip(), "calls": [(c["name"], c["arguments"]) for c in calls]}
    got = {"thoughts": "", "content": "", "calls": []}
    for channel, name, body in HARMONY.findall(text):
        if name:
            got["calls"].append((name, json.loads(body)))
        else:
            got["thoughts" if channel == "analysis" else "content"] += body
    return got


def final_answer(content: str) -> str:
    return content.rsplit("answer is", 1)[-1].strip().split("\n")[0].rstrip(".").strip("\"'")


def is_right(item: dict, got: dict) -> bool:
    if "call" in item:
        return got["calls"] == [(item["call"]["name"], item["call"]["arguments"])]
    return final_answer(got["content"]) == item["answer"].rstrip(".")


def same(got: dict, sample: dict) -> bool:
    calls = [(c["name"], json.loads(c["arguments"])) for c in sample["calls"]]
    return got == {"thoughts": sample["thoughts"], "content": sample["content"].strip(), "calls": calls}


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("-m", "--model", type=Path, required=True)
    ask.add_argument("--task", type=Path, nargs="+", required=True, help="files of items with prompt and answer or call")
    ask.add_argument("--samples", type=Path, required=True, help="what infuse eval --samples wrote for these files in turn")
    ask.add_argument("--limit", type=int, default=1000, help="only the first so many items of each file")
    ask.add_argument("--dtype", default="bfloat16")
    ask.add_argument("--device", default="cpu")
    ask.add_argument("--batch", type=int, default=50)
    ask.add_argument("--max-tokens", type=int, default=300)
    o = ask.parse_args()
    m, tokenizer = load(o.model, o.dtype, o.device)
    chatml = "<|im_end|>" in tokenizer.get_vocab()
    samples = [json.loads(line) for line in o.samples.open()]
    for file in o.task:
        items = [json.loads(line) for line in file.open()][:o.limit]
        theirs = [s for s in samples if Path(s["file"]).name == file.name][:len(items)]
        assert len(items) == len(theirs), f"{o.samples} has {len(theirs)} samples of {file.name}, not {len(items)}"
        got = [parse(text, chatml) for text in answers(m, tokenizer, items, o.batch, o.max_tokens)]
        right = [is_right(item, g) for item, g in zip(items, got)]
        ours, n = sum(s["right"] for s in theirs), len(items)
        error = math.sqrt(max(sum(right) * (n - sum(right)), ours * (n - ours)) / n**3)
        equal = sum(same(g, s) for g, s in zip(got, theirs))
        print(f"{file.name:18} transformers {100 * sum(right) / n:.1f} %  infuse {100 * ours / n:.1f} %  "
              f"standard error {100 * error:.1f}  equal texts {100 * equal / n:.1f} % of {n}")


if __name__ == "__main__":
    main()
