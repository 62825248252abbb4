# SPDX-License-Identifier: Apache-2.0
"""The task files of eval/: held-out samples in the form that `infuse eval` reads."""

import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import data
import quiz
import stories

SCORED = {"arithmetic": "arithmetic", "lists": "lists", "strings": "strings", "tables": "tables", "tool_calls": "tools"}  # task: file
QUESTIONS, CHOICES, STORY_BYTES = 1000, 500, 60_000


def line(sample: dict[str, Any]) -> dict[str, Any]:
    """A scored sample as a line of a task file."""
    kept = {key: sample[key] for key in ("system", "tools", "call", "answer") if key in sample}
    return {"prompt": data.prompt(sample), **kept}


def _distinct(count: int, make: Callable[[], dict[str, Any]]) -> Iterable[dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    while len(made) < count:
        one = make()
        made.setdefault(one["prompt"], one)
    return made.values()


def _questions(task: str, seed: int) -> Iterable[dict[str, Any]]:
    """Lines of one task; of tool calls only those samples that are scored."""
    drawn = data.held_out(task, 4 * QUESTIONS, seed)
    return [line(sample) for sample in drawn if "answer" in sample or "call" in sample][:QUESTIONS]


def _choices(seed: int) -> Iterable[dict[str, Any]]:
    """Questions with short answers, and stories to go on with, half of each."""
    rng = random.Random(f"choices {seed}")
    questions = _distinct(CHOICES // 2, lambda: quiz.choices(rng))
    lines = (quiz.continuation(rng, stories.tell(rng, True)[0]) for _ in range(CHOICES))
    return [*questions, *[each for each in lines if each][:CHOICES // 2]]


def _stories(seed: int) -> str:
    """Held-out stories, an empty line between them."""
    rng, texts, size = random.Random(f"stories {seed}"), [], 0
    while size < STORY_BYTES:
        texts.append(stories.tell(rng, True)[0])
        size += len(texts[-1])
    return "\n\n".join(texts) + "\n"


def _write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in lines), encoding="utf-8")


def write(folder: Path, seed: int) -> None:
    """Writes all task files into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for task, name in SCORED.items():
        _write_lines(folder / f"{name}.jsonl", _questions(task, seed))
    _write_lines(folder / "choices.jsonl", _choices(seed))
    (folder / "stories.txt").write_text(_stories(seed), encoding="utf-8")
