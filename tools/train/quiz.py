# SPDX-License-Identifier: Apache-2.0
"""Questions as raw text with a short answer and no work, of the kinds that need none; choices of answers to them and of
sentences that go on with a story."""

import random
import re
from collections.abc import Sequence
from typing import Any

import lists
import tables

LIST_KINDS = ("nth", "smallest", "largest", "length", "index")
TABLE_KINDS = ("cell", "find", "largest", "smallest", "rows")


def _others(rng: random.Random, answer: str, near: Sequence[Any]) -> list[str]:
    """Three wrong answers: what else was in the list or the column, then numbers close to the answer."""
    wrong = list(dict.fromkeys(text for text in map(str, near) if text != answer))
    rng.shuffle(wrong)
    if answer.isdigit():
        value = int(answer)
        wrong += [str(other) for other in (value + 1, value - 1, value + 2, value + 10, value + 3) if other > 0 and str(other) not in wrong]
    return wrong[:3]


def _column_of(table: tables.Table, answer: str) -> list[Any]:
    """The values of the column that holds the answer; none where the answer is a count."""
    return next((list(column) for column in zip(*table.rows) if answer in map(str, column)), [])


def question(rng: random.Random, held_out: bool) -> tuple[str, str, list[str]]:
    """A prompt to continue, the answer, and three wrong ones."""
    while True:
        if rng.random() < 0.5:
            asked, items = lists.question(rng, held_out, LIST_KINDS)
            near = [] if asked["kind"] in ("length", "index") else items
        else:
            asked, table = tables.question(rng, held_out, TABLE_KINDS)
            near = [] if asked["kind"] == "rows" else _column_of(table, asked["answer"])
        others = _others(rng, asked["answer"], near)
        if len(others) == 3:
            return f"Question: {asked['messages'][0]['content']}\nAnswer:", asked["answer"], others


def sample(rng: random.Random, held_out: bool) -> dict[str, Any]:
    """A question with its answer, as raw text."""
    asked, answer, _ = question(rng, held_out)
    return {"task": "quiz", "text": f"{asked} {answer}\n"}


def _line(rng: random.Random, prompt: str, right: str, wrong: Sequence[str]) -> dict[str, Any]:
    """A line of a task file: the ways to go on in random order, and the index of the right one."""
    ways = [right, *wrong]
    rng.shuffle(ways)
    return {"prompt": prompt, "choices": ways, "answer": ways.index(right)}


def choices(rng: random.Random) -> dict[str, Any]:
    """A held-out question with four answers."""
    return _line(rng, *question(rng, True))


def continuation(rng: random.Random, story: str) -> dict[str, Any] | None:
    """The beginning of a story with its next sentence and three that come later; None where it has too few of them."""
    sentences = [match for match in re.finditer(r"(?<=[.!?] )[A-Z][^.!?\"]{15,}\.(?= |\n|$)", story)]
    if len(sentences) < 6:
        return None
    at = rng.randrange(1, len(sentences) - 3)
    later = rng.sample(sentences[at + 1:], 3)
    prompt = story[:sentences[at].start()].rstrip()
    return _line(rng, prompt, sentences[at].group(), [match.group() for match in later])
