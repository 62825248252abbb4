#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The training mixture and the held-out samples of all tasks."""

import argparse
import json
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import arithmetic
import lists
import quiz
import small_talk
import stories
import strings
import tables
import tool_calls

# The module of each task and its share of the training samples.
TASKS: dict[str, tuple[ModuleType, float]] = {
    "arithmetic": (arithmetic, 0.25),
    "lists": (lists, 0.15),
    "strings": (strings, 0.12),
    "tables": (tables, 0.16),
    "quiz": (quiz, 0.02),
    "tool_calls": (tool_calls, 0.18),
    "stories": (stories, 0.15),
    "small_talk": (small_talk, 0.07),
}


def draw(seed: int, index: int, n: int) -> list[dict[str, Any]]:
    """The n training samples of block `index`: the same for the same seed, whatever was drawn before."""
    rng = random.Random(f"training {seed} {index}")
    modules = [module for module, _ in TASKS.values()]
    weights = [weight for _, weight in TASKS.values()]
    return [module.sample(rng, False) for module in rng.choices(modules, weights, k=n)]


def prompt(sample: dict[str, Any]) -> str:
    """What the user says, or the text of a sample without a user."""
    return sample["text"] if "text" in sample else sample["messages"][0]["content"]


def held_out(task: str, n: int, seed: int) -> list[dict[str, Any]]:
    """n held-out samples of one task with different prompts."""
    rng = random.Random(f"held out {task} {seed}")
    samples: dict[str, dict[str, Any]] = {}
    while len(samples) < n:
        sample = TASKS[task][0].sample(rng, True)
        samples.setdefault(prompt(sample), sample)
    return list(samples.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the task files there")
    parser.add_argument("--check", action="store_true", help="check the generators: wordings, answers, speed")
    parser.add_argument("--show", metavar="TASK", help="print a few samples of a task")
    parser.add_argument("--seed", type=int, default=12, help="seed of the held-out samples")
    arguments = parser.parse_args()
    # These modules look into this one; a module that runs as a program has another name.
    if arguments.write:
        import task_files
        task_files.write(arguments.write, arguments.seed)
    if arguments.check:
        import check
        check.run()
    if arguments.show:
        for sample in held_out(arguments.show, 10, arguments.seed):
            print(json.dumps(sample, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
