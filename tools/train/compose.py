# SPDX-License-Identifier: Apache-2.0
"""What the tasks compose their samples with: quick draws, patterns with alternatives, and the form of a scored sample."""

import itertools
import random
import re
from collections.abc import Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")


def pick(rng: random.Random, items: Sequence[Item]) -> Item:
    """One of the items. Several times as fast as rng.choice, and millions are drawn."""
    return items[int(rng.random() * len(items))]


def number(rng: random.Random, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return low + int(rng.random() * (high - low + 1))


def distinct(rng: random.Random, items: Sequence[Item], count: int) -> list[Item]:
    """Different items, in random order; count must be well below the number of items."""
    drawn: list[Item] = []
    while len(drawn) < count:
        item = pick(rng, items)
        if item not in drawn:
            drawn.append(item)
    return drawn


def expand(patterns: Sequence[str]) -> list[str]:
    """Every text of patterns such as "[Sort|Order] the list", where each bracket holds alternatives."""
    texts: list[str] = []
    for pattern in patterns:
        parts = [part.split("|") for part in re.split(r"[\[\]]", pattern)]
        texts += ["".join(chosen) for chosen in itertools.product(*parts)]
    return texts


def expand_all(table: dict[str, Sequence[str]]) -> dict[str, list[str]]:
    """The table with the patterns of every kind expanded."""
    return {kind: expand(patterns) for kind, patterns in table.items()}


def lowered(sentence: str) -> str:
    """A sentence as it goes on after a comma."""
    return sentence[0].lower() + sentence[1:]


def numbered(items: Sequence[Any]) -> list[str]:
    """Lines such as "2: pear", from which a place or a count can be read."""
    return [f"{place}: {item}" for place, item in enumerate(items, 1)]


def show(items: Sequence[Any]) -> str:
    """A list in its one canonical form: [3, 1, 2] or [apple, pear]."""
    return "[" + ", ".join(map(str, items)) + "]"


def solved(task: str, kind: str, prompt: str, thinking: Sequence[str], answer: Any) -> dict[str, Any]:
    """A scored sample: the question, the work line by line, and the answer in its canonical form."""
    answer = str(answer)
    reply = {"role": "assistant", "thinking": "\n".join(thinking), "content": f"The answer is {answer}."}
    return {"task": task, "kind": kind, "messages": [{"role": "user", "content": prompt}, reply], "answer": answer}
