# SPDX-License-Identifier: Apache-2.0
"""Questions about short lists of numbers or words, worked in steps small enough for a small model."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from compose import distinct, expand, expand_all, lowered, number, numbered, pick, show, solved
from words import COMMON

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")

# {it} is the list, or what stands for it after a frame has named it.
TRAINING = expand_all({
    "ascending": (
        "[Sort|Order|Arrange] {it} from [smallest|lowest] to [largest|highest].", "Sort {it} in ascending order.", "Order {it} from low to high.", "Move the numbers of {it} around until they [rise|grow].",
        "[Put|Write] the numbers of {it} in increasing order.", "[Write|Give] {it} sorted, smallest number first.",
        "What is {it} when it is sorted [in ascending order|from small to large]?",
        "Rearrange {it} so that the numbers [rise|go up|grow].", "Put {it} in order from [smallest to largest|low to high].",
        "[Write|Give] the numbers of {it} from small to large.", "Start with the smallest number and write {it} in order.",
        "Sort {it} so that it starts with the smallest number.", "Bring {it} into ascending order.", "Give {it} in order, lowest number first."),
    "descending": (
        "[Sort|Order|Arrange] {it} from [largest|highest] to [smallest|lowest].", "Sort {it} in descending order.", "Order {it} from high to low.", "Move the numbers of {it} around until they [fall|shrink].",
        "[Put|Write] the numbers of {it} in decreasing order.", "[Write|Give] {it} sorted, largest number first.",
        "What is {it} when it is sorted [in descending order|from large to small]?",
        "Rearrange {it} so that the numbers [fall|go down|shrink].", "Put {it} in order from [largest to smallest|high to low].",
        "[Write|Give] the numbers of {it} from large to small.", "Start with the largest number and write {it} in order.",
        "Sort {it} so that it starts with the largest number.", "Bring {it} into descending order.", "Give {it} in order, highest number first."),
    "alphabetical": (
        "[Sort|Order|Arrange] the words of {it} [alphabetically|in alphabetical order].",
        "Sort {it} [from a to z|by the alphabet|alphabetically].", "[Put|Write] {it} in alphabetical order.",
        "What is {it} when it is sorted alphabetically?", "Give {it} sorted [from a to z|by the alphabet].",
        "Rearrange the words of {it} as in a dictionary."),
    "reverse": (
        "Reverse {it}.", "[Write|Give] {it} [backwards|in reverse order|in reverse].", "Turn {it} [around|the other way around].", "Write {it} from the last element back to the start.",
        "What is {it} [in reverse order|when it is reversed|backwards]?", "Flip the order of {it}.",
        "Write the elements of {it} from last to first.", "[Put|Give] {it} in the opposite order.",
        "List the elements of {it} starting at the end."),
    "smallest": (
        "What is the [smallest|lowest|least] [number|value] [in|of] {it}?", "Find the [minimum|smallest number] of {it}.",
        "Which number in {it} is the [smallest|lowest]?", "[Give|Tell me] the minimum of {it}.",
        "Which is the smallest of the numbers in {it}?"),
    "largest": (
        "What is the [largest|highest|greatest] [number|value] [in|of] {it}?", "Find the [maximum|largest number] of {it}.",
        "Which number in {it} is the [largest|highest]?", "[Give|Tell me] the maximum of {it}.",
        "Which is the largest of the numbers in {it}?"),
    "sum": (
        "What is the [sum|total] of [the numbers in|all numbers in] {it}?", "Add [up|together] the numbers in {it}.", "How much is the sum of {it}?",
        "[Find|Compute|Give|Tell me] the [sum|total] of {it}.", "What do the numbers in {it} add up to?",
        "What do you get when you add all the numbers of {it}?"),
    "count_even": (
        "How many [even numbers|numbers that are even] are [in|there in] {it}?", "How many numbers in {it} are even?",
        "Count the even numbers [in|of] {it}.", "[Find|Tell me|Give] the number of even numbers in {it}.",
        "Count how many of the numbers in {it} are even.", "How many even [elements|values] does {it} have?",
        "Tell me how many of the numbers of {it} are even.", "Give the number of values in {it} that are even.",
        "What is the number of even values in {it}?"),
    "count_greater": (
        "How many numbers in {it} are [greater|larger|bigger] than {k}?", "Count the numbers [in|of] {it} above {k}.",
        "How many [values|elements] of {it} are [greater than|above] {k}?",
        "[Find|Tell me] how many numbers in {it} are [greater|larger] than {k}.",
        "Count how many of the numbers in {it} are [above|greater than] {k}.", "What is the count of numbers above {k} in {it}?",
        "Tell me the number of values in {it} that are larger than {k}.", "Give the number of elements of {it} above {k}."),
    "keep_even": (
        "Keep only the even numbers of {it}.", "[Write|List|Give] [only the|the] even numbers [in|of] {it} as a list.",
        "Remove the odd numbers from {it}.", "What is left of {it} when the odd numbers are removed?",
        "Filter {it}: keep the even numbers.", "Which numbers of {it} are even? Give a list.",
        "[Drop|Take out] every odd number [in|of] {it}."),
    "keep_greater": (
        "Keep only the numbers of {it} that are [greater|larger] than {k}.", "Which numbers of {it} are above {k}? Give a list.",
        "[Write|List|Give] the numbers in {it} that are [greater than|above] {k} as a list.",
        "Filter {it}: keep the numbers [above|greater than] {k}.", "Remove from {it} every number that is not greater than {k}.",
        "What is left of {it} when only the numbers [above|greater than] {k} are kept?"),
    "unique": (
        "Remove the [duplicates|repeated elements] from {it}.", "[Keep|Write|Give] every element of {it} only once.",
        "What is {it} without [duplicates|repeated elements]?", "Drop the repeats in {it}, keeping the first of each.",
        "List the [different|distinct] elements of {it} in order.", "[Write|Give] {it} without repeats.",
        "Take out every element of {it} that was there before.", "Give the list of distinct elements of {it}."),
    "nth": (
        "What is the {nth} [element|item|entry] [of|in] {it}?", "[Give|Find|Tell me] the {nth} [element|item] of {it}.",
        "Which [element|item] of {it} [is|comes] {nth}?", "Which element is in {nth} place in {it}?",
        "What [stands|is] at position {n} of {it}, counting from 1?"),
    "take": (
        "[Take|Give|Write|List] the first {k} [elements|items] of {it} as a list.", "Keep only the first {k} elements of {it}.",
        "What are the first {k} [elements|items] of {it}? Give a list.", "Cut {it} off after {k} elements.",
        "Write {it} up to element {k}.", "Shorten {it} to its first {k} [elements|items].",
        "Leave only the first {k} [elements|items] in {it}.", "Cut away all but the first {k} elements of {it}.", "Give only the first {k} items of {it}.",
        "Cut {it} so that its first {k} elements are left.", "Which elements are the first {k} of {it}? Write a list."),
    "drop": (
        "[Remove|Drop|Delete|Take away] the first {k} [elements|items] [of|from] {it}.",
        "What is left of {it} after its first {k} [elements|items] are [removed|taken away]?",
        "[Write|Give] {it} without its first {k} elements.", "Skip the first {k} elements of {it} and list the rest.",
        "Leave out the first {k} [elements|items] of {it}.", "What remains of {it} without its first {k} [items|elements]?",
        "Cut the first {k} elements away from {it}.", "Write what is left of {it} when its first {k} elements are cut off."),
    "remove": (
        "[Remove|Delete|Drop] [every|each] {x} from {it}.", "What is {it} without {x}?",
        "[Write|Give] {it} without [any|the element] {x}.", "What is left of {it} when {x} is [removed|taken out]?",
        "Take {x} out of {it}.", "Delete {x} wherever it stands in {it}."),
    "join": (
        "Join {it} and {other} into one list.", "[Append|Add] {other} to the end of {it}.",
        "What list do you get when you [join|put together] {it} and {other}?", "Put {other} after {it} in one list.",
        "[Combine|Connect] {it} and {other}, in that order.", "Write {it} followed by {other} as one list.",
        "Make one list of {it} and {other}.", "What is {it} with {other} added at the end?"),
    "index": (
        "[At|In] which position of {it} is {x}, counting from 1?", "What is the position of {x} in {it}, counting from 1?",
        "Find the [place|position] of {x} in {it}, where the first element is number 1.",
        "Which number does {x} get if the elements of {it} are numbered from 1?",
        "Counting from 1, [where|in which place] does {x} stand in {it}?",
        "Where does {x} stand in {it}, counting from 1?", "If you number {it} from 1, [what|which] number does {x} get?",
        "Number the elements of {it} from 1. What number does {x} get?",
        "[Give|Tell me] the [position|place] of {x} in {it}, counting from 1.", "Tell me where {x} stands in {it}, counting from 1.",
        "Say at which place {x} is in {it}, counting from 1.", "Counting from 1, at which position is {x} in {it}?",
        "Numbered from 1, which position in {it} has {x}?", "If all elements of {it} are numbered from 1, which number has {x}?"),
    "length": (
        "How many [elements|items|entries] are [in|there in] {it}?", "Count the [elements|items|entries] [of|in] {it}.",
        "[What is|Find|Give|Tell me] the length of {it}.", "How many elements does {it} have?", "How long is {it}?", "Say how many [elements|items] {it} has.",
        "Find the number of elements in {it}."),
    "add_each": (
        "Add {k} to [each|every] number [in|of] {it}.", "[Increase|Raise] [each|every] number [in|of] {it} by {k}.",
        "What is {it} when {k} is added to [each|every] number?", "Make every number of {it} larger by {k}.",
        "[Give|Write] {it} with each number increased by {k}.", "Add {k} to all [the numbers|numbers] of {it}.",
        "Increase all numbers of {it} by {k}.", "What do you get when every number of {it} is raised by {k}?",
        "Write {it} after {k} is added to each number.", "Let every number in {it} grow by {k}.", "Raise the numbers in {it} by {k}, all of them."),
})
HELD_OUT = expand_all({
    "ascending": ("Put {it} in order, starting with the [smallest|lowest] number.", "Write {it} in ascending order.",
                  "Arrange the numbers of {it} so that they go up.", "Give the numbers in {it} from low to high."),
    "descending": ("Put {it} in order, starting with the [largest|highest] number.", "Write {it} in descending order.",
                   "Arrange the numbers of {it} so that they go down.", "Give the numbers in {it} from high to low."),
    "alphabetical": ("Write the words of {it} from a to z.", "Put the words in {it} in order by the alphabet.",
                     "Arrange {it} alphabetically.", "Order {it} as in a dictionary."),
    "reverse": ("Put {it} in reverse order.", "List {it} from the end to the start.", "Write {it} the other way around.",
                "Give the elements of {it} from last to first."),
    "smallest": ("Give the smallest number of {it}.", "Find the lowest value in {it}.", "Which value in {it} is the smallest?",
                 "What is the minimum of {it}?"),
    "largest": ("Give the largest number of {it}.", "Find the highest value in {it}.", "Which value in {it} is the largest?",
                "What is the maximum of {it}?"),
    "sum": ("Add up all the values in {it}.", "What is the total when you add the numbers of {it}?",
            "Give me the sum of the numbers in {it}.", "How much do the numbers in {it} add up to?"),
    "count_even": ("How many of the numbers in {it} are even?", "Give the count of even numbers in {it}.",
                   "Tell me how many even numbers {it} has.", "Find how many values in {it} are even."),
    "count_greater": ("How many of the numbers in {it} are above {k}?", "Give the count of numbers in {it} greater than {k}.",
                      "Tell me how many values of {it} are larger than {k}.", "Find how many elements in {it} are above {k}."),
    "keep_even": ("Give a list of the numbers in {it} that are even.", "Take only the even numbers of {it}.",
                  "Delete the odd numbers from {it}.", "What is {it} without the odd numbers?"),
    "keep_greater": ("Give a list of the numbers in {it} that are larger than {k}.", "Take only the numbers of {it} above {k}.",
                     "List every number of {it} that is greater than {k}.", "What numbers of {it} are greater than {k}? Give a list."),
    "unique": ("List every element of {it} only once.", "Take the duplicates out of {it}.", "Drop the duplicates in {it}.",
               "Write the distinct elements of {it} in order."),
    "nth": ("Tell me which element of {it} comes {nth}.", "Find the {nth} entry in {it}.", "Which item is {nth} in {it}?",
            "What element is in {nth} place in {it}?"),
    "take": ("Write only the first {k} elements of {it} as a list.", "Cut {it} after its first {k} elements.",
             "Which are the first {k} elements of {it}? Give a list.", "Keep the first {k} items of {it}."),
    "drop": ("Take the first {k} elements away from {it}.", "What is {it} without its first {k} elements?",
             "Cut off the first {k} elements of {it}.", "List {it} without its first {k} items."),
    "remove": ("Take out every {x} in {it}.", "What is left of {it} without {x}?", "Drop the element {x} from {it}.",
               "List {it} without {x}."),
    "join": ("Put {it} and {other} together in one list.", "Add the list {other} at the end of {it}.",
             "What is {it} followed by {other}? Give one list.", "Connect {it} and {other} into one list."),
    "index": ("Where in {it} is {x}, counting from 1?", "Counting from 1, what is the place of {x} in {it}?",
              "Tell me which position {x} has in {it}, counting from 1.",
              "If the elements of {it} are numbered from 1, what number is {x}?"),
    "length": ("What is the number of elements in {it}?", "Tell me how many items {it} has.", "Give the count of elements in {it}.",
               "How many entries does {it} have?"),
    "add_each": ("Raise all the numbers of {it} by {k}.", "Add {k} to all numbers in {it}.",
                 "What do you get when you add {k} to each number of {it}?", "Write {it} with {k} added to every number."),
})
# A frame and what stands for the list in its request; a frame that goes on after a comma lowers the request.
TRAINING_FRAMES = [(frame, it) for frames, its in (
    (("{request}",), ("{list}", "{list}", "the list {list}", "the list {list}")),
    (expand(("[Here is a|Look at this] list: {list}. {request}", "[Take|Look at|You have] the list {list}. {request}",
             "List: {list}\n{request}", "{list}\n{request}", "A list is given: {list}. {request}")), ("the list", "this list")),
    (expand(("[Given|For] the list {list}, {lowered}", "You are given {list}. {request}", "I have the list {list}. {request}")),
     ("it", "the list")),
) for frame in frames for it in its]
HELD_OUT_FRAMES = [(frame, it) for frames, its in (
    (("{request}",), ("the list {list}", "{list}")),
    (("Look at the list: {list}. {request}", "Given this list: {list}, {lowered}", "I have a list: {list}.\n{request}"),
     ("the list", "it")),
) for frame in frames for it in its]

NUMBERS, WORDS, EITHER = range(3)


def _elements(rng: random.Random, type_: int, low: int = 3, high: int = 7) -> list[Any]:
    if type_ == WORDS or (type_ == EITHER and rng.random() < 0.4):
        return distinct(rng, COMMON, number(rng, low, min(high, 6)))
    top = 20 if rng.random() < 0.2 else 99
    return [number(rng, 0, top) for _ in range(number(rng, low, high))]


def _select(items: Sequence[Any], choose: Callable[[Sequence[Any]], Any], label: str) -> tuple[list[str], list[Any]]:
    """Sorts by naming the first of the rest again and again."""
    rest, lines, chosen = list(items), [], []
    while len(rest) > 1:
        best = choose(rest)
        lines.append(f"{label} of {show(rest)}: {best}")
        chosen.append(best)
        rest.remove(best)
    return [*lines, f"last: {rest[0]}"], chosen + rest


def _running(items: Sequence[int], choose: Callable[[int, int], int]) -> tuple[list[str], int]:
    best, lines = items[0], []
    for item in items[1:]:
        lines.append(f"{best} and {item}: {choose(best, item)}")
        best = choose(best, item)
    return lines, best


def _count(items: Sequence[int], holds: Callable[[int], bool]) -> tuple[list[str], int]:
    count, lines = 0, []
    for item in items:
        count += holds(item)
        lines.append(f"{item} {'yes' if holds(item) else 'no'} {count}")
    return lines, count


def _filter(items: Sequence[Any], holds: Callable[[Any], bool]) -> tuple[list[str], str]:
    return [f"{item} {'keep' if holds(item) else 'drop'}" for item in items], show([item for item in items if holds(item)])


def _sum(items: Sequence[int]) -> tuple[list[str], int]:
    total, lines = items[0], []
    for item in items[1:]:
        lines.append(f"{total} + {item} = {total + item}")
        total += item
    return lines, total


def _even(item: int) -> bool:
    return item % 2 == 0


Worked = tuple[list[Any], dict[str, Any], Sequence[str], Any]  # the list, the pattern's other slots, the work, the answer


def _order(choose: Callable[[Sequence[Any]], Any], label: str, type_: int) -> Callable[[random.Random], Worked]:
    def work(rng: random.Random) -> Worked:
        items = _elements(rng, type_)
        lines, chosen = _select(items, choose, label)
        return items, {}, lines, show(chosen)
    return work


def _over(solve: Callable[[list[int]], tuple[list[str], Any]]) -> Callable[[random.Random], Worked]:
    def work(rng: random.Random) -> Worked:
        items = _elements(rng, NUMBERS)
        return items, {}, *solve(items)
    return work


def _over_limit(solve: Callable[[list[int], Callable[[int], bool]], tuple[list[str], Any]]) -> Callable[[random.Random], Worked]:
    def work(rng: random.Random) -> Worked:
        items = _elements(rng, NUMBERS)
        limit = number(rng, max(1, min(items) - 5), max(2, max(items)))
        return items, {"k": limit}, *solve(items, lambda item: item > limit)
    return work


def _reverse(rng: random.Random) -> Worked:
    items = _elements(rng, EITHER)
    lines = numbered(items)
    return items, {}, lines + lines[::-1], show(items[::-1])


def _unique(rng: random.Random) -> Worked:
    base = _elements(rng, EITHER, 2, 4)
    items = [pick(rng, base) for _ in range(number(rng, 3, 7))]
    seen: list[Any] = []
    lines = []
    for item in items:
        lines.append(f"{item} {'seen' if item in seen else 'new'}")
        if item not in seen:
            seen.append(item)
    return items, {}, lines, show(seen)


def _nth(rng: random.Random) -> Worked:
    items = _elements(rng, EITHER)
    place = number(rng, 1, len(items))
    return items, {"n": place, "nth": ORDINALS[place - 1]}, numbered(items[:place]), items[place - 1]


def _take(rng: random.Random) -> Worked:
    items = _elements(rng, EITHER)
    count = number(rng, 2, len(items) - 1)
    return items, {"k": count}, numbered(items[:count]), show(items[:count])


def _drop(rng: random.Random) -> Worked:
    items = _elements(rng, EITHER, 4)
    count = number(rng, 2, len(items) - 2)
    return items, {"k": count}, numbered(items), show(items[count:])


def _remove(rng: random.Random) -> Worked:
    items = _elements(rng, EITHER)
    unwanted = pick(rng, items)
    if rng.random() < 0.4:
        items[number(rng, 0, len(items) - 1)] = unwanted
    return items, {"x": unwanted}, *_filter(items, lambda item: item != unwanted)


def _join(rng: random.Random) -> Worked:
    type_ = NUMBERS if rng.random() < 0.6 else WORDS
    items, other = _elements(rng, type_, 2, 4), _elements(rng, type_, 2, 4)
    return items, {"other": show(other)}, [show(items), show(other)], show(items + other)


def _index(rng: random.Random) -> Worked:
    if rng.random() < 0.5:
        items: list[Any] = distinct(rng, range(100), number(rng, 3, 7))
    else:
        items = _elements(rng, WORDS)
    place = number(rng, 0, len(items) - 1)
    return items, {"x": items[place]}, numbered(items[:place + 1]), place + 1


def _length(rng: random.Random) -> Worked:
    items = _elements(rng, EITHER)
    return items, {}, numbered(items), len(items)


def _add_each(rng: random.Random) -> Worked:
    items, more = _elements(rng, NUMBERS, 3, 6), number(rng, 2, 20)
    return items, {"k": more}, [f"{item} + {more} = {item + more}" for item in items], show([item + more for item in items])


SOLVERS: dict[str, Callable[[random.Random], Worked]] = {
    "ascending": _order(min, "smallest", NUMBERS), "descending": _order(max, "largest", NUMBERS),
    "alphabetical": _order(min, "first", WORDS), "reverse": _reverse, "smallest": _over(lambda items: _running(items, min)),
    "largest": _over(lambda items: _running(items, max)), "sum": _over(_sum),
    "count_even": _over(lambda items: _count(items, _even)), "count_greater": _over_limit(_count),
    "keep_even": _over(lambda items: _filter(items, _even)), "keep_greater": _over_limit(_filter), "unique": _unique,
    "nth": _nth, "take": _take, "drop": _drop, "remove": _remove, "join": _join, "index": _index, "length": _length,
    "add_each": _add_each,
}
KINDS = tuple(SOLVERS)


def question(rng: random.Random, held_out: bool, kinds: Sequence[str] = KINDS) -> tuple[dict[str, Any], list[Any]]:
    """A sample of one of the kinds, and the list that it is about."""
    kind = pick(rng, kinds)
    items, slots, lines, answer = SOLVERS[kind](rng)
    frame, it = pick(rng, HELD_OUT_FRAMES if held_out else TRAINING_FRAMES)
    shown = show(items)
    request = pick(rng, (HELD_OUT if held_out else TRAINING)[kind]).format(it=it.format(list=shown), **slots)
    prompt = frame.format(request=request, lowered=lowered(request), list=shown)
    return solved("lists", kind, prompt, lines, answer), items


def sample(rng: random.Random, held_out: bool) -> dict[str, Any]:
    """One question about a list, in a held-out wording or in a training one."""
    return question(rng, held_out)[0]
