# SPDX-License-Identifier: Apache-2.0
"""Checks of the generators: held-out wordings are apart from training's, their words are not, answers hold, drawing is quick."""

import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import data
from words import NAMES

TRAINING_SAMPLES, HELD_OUT_SAMPLES, MICROSECONDS, LONGEST = 50_000, 2_000, 100, 1200
RARE = 5  # a word that comes no more often is a drawn name, not one of a wording
VALUES = re.compile(r'"[^"]*"|\[[^\]]*\]')  # words that a question is about, which are drawn freely
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
NAME = {name.lower() for name in NAMES}
Sample = dict[str, Any]


def _words(sample: Sample) -> set[str]:
    text = VALUES.sub(" ", data.prompt(sample)).lower()
    calls = [call for message in sample.get("messages", ()) for call in message.get("tool_calls", ())]
    drawn = NAME | set(WORD.findall(str([call["arguments"] for call in calls]).lower()))
    return {word for word in map(lambda word: word.removesuffix("'s"), WORD.findall(text)) if word not in drawn}


def _wordings(task: str) -> list[str]:
    """What is wrong with the wordings of a task: held-out ones that training has, words that it has not."""
    module, rng = data.TASKS[task][0], random.Random(f"check {task}")
    faults = []
    if hasattr(module, "HELD_OUT"):
        known = {text for texts in module.TRAINING.values() for text in texts}
        faults += [f"held-out wording in training: {text}" for texts in module.HELD_OUT.values() for text in texts if text in known]
    if hasattr(module, "HELD_OUT_FRAMES"):
        shared = set(module.TRAINING_FRAMES) & set(module.HELD_OUT_FRAMES)
        faults += [f"held-out frame in training: {frame}" for frame in shared if frame[0] != "{request}"]
    seen: set[str] = set()
    for _ in range(TRAINING_SAMPLES):
        seen |= _words(module.sample(rng, False))
    missing = Counter(word for sample in data.held_out(task, HELD_OUT_SAMPLES, 1) for word in _words(sample) if word not in seen)
    return faults + [f"word that training lacks: {word}, {count} times" for word, count in missing.items() if count > RARE]


# ---- answers, worked out again ----


def _value(expression: str) -> float:
    return eval(expression, {"__builtins__": {}})


def _equations(sample: Sample) -> float | None:
    """The value of the last equation of the work; all must hold."""
    value = None
    for line in sample["messages"][-1].get("thinking", "").split("\n"):
        left, equals, right = line.partition(" = ")
        if equals:
            value = _value(right)
            if _value(left) != value:
                raise ValueError(line)
    return value


def _numbers(text: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", text)]


def _list_answer(kind: str, items: list[Any], rest: str) -> Any:
    """The answer about a list, from the list and what else the question says."""
    numbers = _numbers(rest.replace("from 1", "").replace("number 1", ""))
    k = numbers[0] if numbers else 0
    place = next((i for i, word in enumerate(("first", "second", "third", "fourth", "fifth", "sixth", "seventh")) if f" {word}" in rest), k - 1)
    named = [x for x in items if re.search(rf"(?<!\w){x}(?!\w)", rest)]
    solve: dict[str, Callable[[], Any]] = {
        "ascending": lambda: sorted(items), "descending": lambda: sorted(items)[::-1], "alphabetical": lambda: sorted(items),
        "reverse": lambda: items[::-1], "smallest": lambda: min(items), "largest": lambda: max(items), "sum": lambda: sum(items),
        "count_even": lambda: sum(x % 2 == 0 for x in items), "count_greater": lambda: sum(x > k for x in items),
        "keep_even": lambda: [x for x in items if x % 2 == 0], "keep_greater": lambda: [x for x in items if x > k],
        "unique": lambda: list(dict.fromkeys(items)), "nth": lambda: items[place], "take": lambda: items[:k], "drop": lambda: items[k:],
        "remove": lambda: [x for x in items if x not in named], "index": lambda: [items.index(x) + 1 for x in named],
        "length": lambda: len(items), "add_each": lambda: [x + k for x in items],
    }
    return solve[kind]()


def _check_list(sample: Sample) -> bool:
    text, kind = data.prompt(sample), sample["kind"]
    shown = [[int(x) if x.isdigit() else x for x in each.split(", ")] for each in re.findall(r"\[([^\]]*)\]", text)]
    if kind == "join":
        return sample["answer"] in [str(first + second).replace("'", "") for first, second in (shown, shown[::-1])]
    found = _list_answer(kind, shown[0], re.sub(r"\[[^\]]*\]", "", text))
    right = str(found).replace("'", "")
    # A named word may also be a word of the question.
    return sample["answer"] == right or kind == "index" and int(sample["answer"]) in found


def _check_string(sample: Sample) -> bool:
    """Spelled words are spelled right, and answers follow from them where one line says all."""
    text, kind, lines = data.prompt(sample), sample["kind"], sample["messages"][-1]["thinking"].split("\n")
    quoted = re.findall(r'"([^"]*)"', text)
    word = quoted[0] if quoted else ""
    simple: dict[str, Callable[[], Any]] = {
        "reverse": lambda: word[::-1], "first": lambda: word[0], "last": lambda: word[-1], "uppercase": lambda: word.upper(),
        "count_words": lambda: len(word.split()), "count_vowels": lambda: sum(letter in "aeiou" for letter in word),
        "palindrome": lambda: "yes" if word == word[::-1] else "no", "length": lambda: len(word),
        "join": lambda: lines[0].replace("-", ""), "alphabet_first": lambda: min(re.findall(r"\[(.*)\]", text)[0].split(", ")),
    }
    if kind in simple:
        return sample["answer"] == str(simple[kind]())
    if kind == "connect":
        return sample["answer"] in (quoted[0] + quoted[1], quoted[1] + quoted[0])
    return all(line.split("-") == list(line.replace("-", "")) for line in lines if "-" in line)


def _check_table(sample: Sample) -> bool:
    """A sum is that of the work, a row or a value stands in the table."""
    value = _equations(sample)
    if value is not None:
        return str(value) == sample["answer"]
    return all(item in data.prompt(sample) for item in sample["answer"].strip("[]").split(", ")) or sample["answer"].isdigit()


CHECKS: dict[str, Callable[[Sample], bool]] = {
    "arithmetic": lambda sample: str(_equations(sample)) == sample["answer"], "lists": _check_list, "strings": _check_string,
    "tables": _check_table,
}


def _answers(task: str) -> list[str]:
    """Samples of either kind whose answer is not what it should be."""
    module, rng = data.TASKS[task][0], random.Random(f"answers {task}")
    faults = []
    for turn in range(2 * HELD_OUT_SAMPLES):
        sample = module.sample(rng, turn % 2 == 1)
        if task in CHECKS and not CHECKS[task](sample):
            faults.append(f"answer: {sample}")
        if task in CHECKS and len(data.prompt(sample)) + len(sample["messages"][-1]["thinking"]) > LONGEST:
            faults.append(f"too long: {sample}")
    return faults


def _speed(task: str) -> float:
    module, rng, start = data.TASKS[task][0], random.Random(0), time.perf_counter()
    for _ in range(HELD_OUT_SAMPLES):
        module.sample(rng, False)
    return (time.perf_counter() - start) / HELD_OUT_SAMPLES * 1e6


def run() -> None:
    """Checks all tasks; says what is wrong and exits with 1, or prints how quick each is."""
    bad = 0
    for task in data.TASKS:
        faults, speed = _wordings(task) + _answers(task), _speed(task)
        faults += [f"slow: {speed:.0f} microseconds a sample"] * (speed > MICROSECONDS)
        bad += len(faults)
        print(f"{task}: {speed:.0f} microseconds a sample, {len(faults)} faults", *faults[:10], sep="\n  ")
    sys.exit(bad > 0)
