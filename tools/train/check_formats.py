#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks on samples of every task that a format's pieces are encoded as their whole text is, and that its chat template
renders the same prompts under transformers."""
import sys
import tempfile
from pathlib import Path
from random import Random

from tokenizers import Tokenizer
from transformers.utils.chat_template_utils import render_jinja_template

import data
import formats
import tokenizer as tokens

TRAINED_ON, SAMPLES = 20_000, 200


def message(turn: dict, format: str) -> dict:
    """A turn as OpenAI's API has it. ChatML's assistant works aloud."""
    out = {"role": turn["role"], "content": turn.get("content", "")}
    if format == "chatml" and turn.get("thinking"):
        out["content"] = "\n".join(filter(None, (turn["thinking"], out["content"])))
    elif turn.get("thinking"):
        out["thinking"] = turn["thinking"]
    if "tool_calls" in turn:
        out["tool_calls"] = [{"type": "function", "function": call} for call in turn["tool_calls"]]
    return out | ({"name": turn["name"]} if "name" in turn else {})


def templated(sample: dict, format: str, pieces: formats.Segments) -> str:
    """The prompt of a sample by the format's template, with the date and the effort that its text has."""
    template = Path(__file__).with_name(f"{format}.jinja").read_text()
    head = "".join([text for text, _ in pieces])
    date = head.partition("\nCurrent date: ")[2][:10] if format == "harmony" else ""
    effort = head.partition("\nReasoning: ")[2].split("\n")[0] if format == "harmony" else ""
    told = [{"role": "system", "content": sample["system"]}] if "system" in sample else []
    turns = told + [message(turn, format) for turn in sample["messages"][:-1]]
    return render_jinja_template([turns], tools=sample.get("tools"), chat_template=template, add_generation_prompt=True,
                                 date=date, reasoning_effort=effort)[0][0]


def faults(tokenizer: Tokenizer, format: str, sample: dict) -> list[str]:
    pieces = formats.segments(sample, format, Random(len(str(sample))))
    whole = "".join([text for text, _ in pieces])
    (ids,), _ = tokens.encode_segments(tokenizer, [pieces])
    found = ["pieces"] if tokenizer.encode(whole, add_special_tokens=False).ids != ids.tolist() else []
    if tokenizer.decode(ids.tolist(), skip_special_tokens=False) != whole:
        found.append("decoding")
    prompt = "".join([text for text, weight in pieces[:-1] if weight < formats.ANSWER])
    if "messages" in sample and templated(sample, format, pieces) != prompt:
        found.append("template")
    return found


def check(format: str, folder: str) -> int:
    """The number of samples with a fault."""
    tokenizer = tokens.train(format, folder, data.draw(1, 0, TRAINED_ON))
    bad = 0
    for task, (module, _) in data.TASKS.items():
        rng = Random(task)
        for i in range(SAMPLES):
            sample = module.sample(rng, i % 2 == 1)
            found = faults(tokenizer, format, sample)
            bad += bool(found)
            if found and bad < 4:
                print(format, task, *found, sample)
    print(f"{format}: {bad} of {SAMPLES * len(data.TASKS)} samples differ")
    return bad


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(sum([check(format, folder) for format in formats.FORMATS]) > 0)


if __name__ == "__main__":
    main()
