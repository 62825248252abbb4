# SPDX-License-Identifier: Apache-2.0
"""Questions about letters, words and short sentences. The work spells words, because tokens hide their letters."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from compose import expand, expand_all, lowered, number, numbered, pick, show, solved
from lists import ORDINALS
from words import COMMON, made_up, word

VOWELS = "aeiou"

# {it} is the quoted word or sentence, or what stands for it after a frame has named it.
TRAINING = expand_all({
    "reverse": (
        "[Reverse|Spell backwards] {it}.", "[Write|Spell|Give] {it} [backwards|in reverse|in reverse order].",
        "What is {it} [backwards|in reverse|spelled backwards]?", "Reverse the [order of the letters|letters] of {it}.",
        "What do you get when you [reverse|turn around] {it}?", "Write the letters of {it} from last to first.",
        "Turn {it} around, letter by letter."),
    "count_letter": (
        "How many times [does the letter {c} appear|is the letter {c}|does {c} occur] in {it}?",
        "Count the letter {c} in {it}.", "How often [does {c} appear|does the letter {c} occur|is {c}] in {it}?",
        "How many letters {c} [are in|does one find in|are there in] {it}?", "How many of the letters in {it} are {c}?",
        "[Find|Tell me|Count] how many times {c} [appears|occurs] in {it}."),
    "first": (
        "What is the first letter of {it}?", "[Give|Tell me|Find|Write] the first letter of {it}.",
        "Which letter [does {it} begin with|is first in {it}|comes first in {it}]?", "With which letter does {it} [begin|start]?", "Say which letter {it} begins with.",
        "What letter is at the [start|beginning] of {it}?", "[Give|Tell me] the letter that {it} [starts|begins] with.",
        "What is the letter that {it} starts with?", "Which letter stands at the start of {it}?", "What letter [begins|starts] {it}?"),
    "last": (
        "What is the last letter of {it}?", "[Give|Tell me|Find|Write] the last letter of {it}.",
        "Which letter [does {it} end with|is last in {it}|comes last in {it}]?", "With which letter does {it} [end|stop]?", "Say which letter {it} ends with.",
        "What letter is at the end of {it}?", "[Give|Tell me] the letter that {it} ends with.",
        "What is the letter that {it} ends with?", "Which letter stands at the end of {it}?", "What letter ends {it}?"),
    "nth": (
        "What is the {nth} letter [of|in] {it}?", "[Give|Tell me|Write] the {nth} letter of {it}.",
        "Which letter [comes|is] {nth} in {it}?", "Which letter of {it} is in {nth} place?",
        "What is letter number {n} of {it}?", "Which letter stands at position {n} of {it}, counting from 1?"),
    "uppercase": (
        "[Write|Give|Put|Print] {it} in [capital letters|upper case|capitals].", "Make {it} upper case.",
        "What is {it} in [capital letters|upper case|capitals]?", "[Change|Turn] {it} [to|into] [upper case|capital letters].",
        "Make every letter of {it} a capital letter.", "Let the letters of {it} become capitals."),
    "count_words": (
        "How many words are [in|there in] {it}?", "Count the words [of|in] {it}.", "How many words does {it} have?",
        "[Give|Tell me|Find] the number of words in {it}.", "How many words make up {it}?",
        "How many words do you [read|see|find] in {it}?"),
    "count_vowels": (
        "How many vowels are [in|there in] {it}?", "Count the vowels [of|in] {it}.", "How many vowels does {it} have?",
        "[Give|Tell me|Find] the number of vowels in {it}.", "How many letters of {it} are vowels (a, e, i, o, u)?",
        "Count the letters of {it} that are vowels.", "The vowels are a, e, i, o and u. How many of them are in {it}?"),
    "replace": (
        "[Replace|Exchange] every {c} in {it} [by|with|for] {d}.", "Replace [the letter|each] {c} [by|with] {d} in {it}.",
        "What is {it} when every {c} [becomes|is changed to|turns into] {d}?", "Change [each|every] {c} [of|in] {it} to {d}.",
        "[Write|Put] {d} for every {c} in {it}.", "In {it}, write {d} instead of {c}.", "What is {it} when every {c} is replaced by {d}?"),
    "palindrome": (
        "Is {it} a palindrome? [Answer|Say] yes or no.", "Does {it} read the same backwards? Answer yes or no.",
        "Is {it} the same when it is [reversed|spelled backwards]? [Answer|Say] yes or no.",
        "Yes or no: is {it} a palindrome?", "Does {it} read the same from both ends? Answer yes or no.",
        "Tell me [yes or no,|with yes or no:] does {it} stay the same when it is reversed?"),
    "remove": (
        "[Remove|Delete|Drop|Take away] [every|each] {c} [from|in] {it}.", "What is {it} without the letter {c}?",
        "[Write|Spell|Give] {it} without [the letter|any] {c}.", "What is left of {it} when every {c} is [removed|taken out]?",
        "Take the letter {c} out of {it}.", "Leave out every {c} when you write {it}."),
    "length": (
        "How many letters [are in|are there in|does one need for] {it}?", "Count the letters [of|in] {it}.",
        "How many letters does {it} have?", "[Give|Tell me|Find] the number of letters in {it}.", "How long is {it}, in letters?", "Say how many letters {it} has.",
        "How many letters do you [write|need] to spell {it}?", "What is the length of {it}?", "From how many letters is {it} made?"),
    "join": (
        "Join the letters {letters}.", "[Put|Join] the letters {letters} [together|into one word].",
        "Which word do the letters {letters} [make|spell|form]?", "What do you get when you join the letters {letters}?",
        "[Make|Write|Form] a word of the letters {letters}, in this order.", "Write {letters} as one word.",
        "Which word is spelled {letters}?", "Here are some letters: {letters}. What word do they [make|spell|form]?"),
    "alphabet_first": (
        "Which of the words {words} [comes first|is first] in [alphabetical order|the alphabet|a dictionary]?",
        "Which word comes first alphabetically: {words}?", "Of the words {words}, which is first in alphabetical order?",
        "[Find|Give|Tell me] the alphabetically first of the words {words}.",
        "Sort the words {words} alphabetically and give the first one.",
        "If you sort the words {words} alphabetically, which [comes|is] first?",
        "Here are some words: {words}. Which one comes first in [the alphabet|alphabetical order|a dictionary]?"),
    "connect": (
        "[Join|Put together|Connect] {it} and \"{other}\" [into|to make] one word.", "What do you get when you write \"{other}\" after {it}?",
        "Write {it}, followed by \"{other}\", without a space.", "[Append|Add] \"{other}\" to the end of {it}.", "[Write|Put] {it} and \"{other}\" together without a space.",
        "What word do {it} and \"{other}\" make when they are [joined|put together]?"),
})
HELD_OUT = expand_all({
    "reverse": ("Spell {it} from last letter to first.", "Put the letters of {it} in reverse order.",
                "What does {it} become when it is reversed?", "Write {it} from the end to the start."),
    "count_letter": ("How many times do you find {c} in {it}?", "Give the number of letters {c} in {it}.",
                     "Count how often {c} occurs in {it}.", "How many times does {it} have the letter {c}?"),
    "first": ("What letter does {it} start with?", "Which is the first letter in {it}?", "Find the letter that {it} begins with.",
              "What letter comes first in {it}?"),
    "last": ("What letter does {it} end with?", "Which is the last letter in {it}?", "Find the letter that {it} ends with.",
             "What letter comes last in {it}?"),
    "nth": ("Find the {nth} letter of {it}.", "Which is the {nth} letter of {it}?", "What letter comes {nth} in {it}?",
            "Tell me which letter of {it} is {nth}."),
    "uppercase": ("Change every letter of {it} to upper case.", "Write {it} with capital letters.",
                  "What does {it} become in capital letters?", "Turn every letter of {it} into a capital letter."),
    "count_words": ("What is the number of words in {it}?", "Tell me how many words {it} has.", "Count how many words {it} has.",
                    "How many words do you count in {it}?"),
    "count_vowels": ("What is the number of vowels in {it}?", "Tell me how many vowels {it} has.",
                     "How many of the letters in {it} are vowels?", "How many vowels do you find in {it}?"),
    "replace": ("Change the letter {c} to {d} in {it}.", "What does {it} become when each {c} is replaced by {d}?",
                "Turn every {c} of {it} into {d}.", "Write {it} with {d} instead of {c}."),
    "palindrome": ("Is {it} the same from both ends? Say yes or no.", "Tell me with yes or no: is {it} a palindrome?",
                   "Answer yes or no: does {it} read the same when it is reversed?",
                   "Does {it} stay the same when it is spelled backwards? Answer yes or no."),
    "remove": ("What does {it} become without the letter {c}?", "Write {it} and leave out every {c}.", "Take every {c} out of {it}.",
               "Drop the letter {c} from {it}."),
    "length": ("Count how many letters {it} has.", "What is the number of letters in {it}?", "How many letters do you find in {it}?",
               "Of how many letters is {it} made?"),
    "join": ("Form one word of the letters {letters}.", "What word is spelled {letters}?", "Connect the letters {letters} into one word.",
             "Put {letters} together into a word."),
    "alphabet_first": ("Tell me which word is first alphabetically: {words}.", "Which of {words} is the first word in a dictionary?",
                       "Sort the words {words}. Which word comes first?", "In alphabetical order, which of the words {words} is first?"),
    "connect": ("Write {it} followed by \"{other}\" as one word.", "What word do you get when you put {it} and \"{other}\" together?",
                "Put \"{other}\" at the end of {it}.", "Make one word of {it} and \"{other}\"."),
})
TRAINING_FRAMES = [(frame, it) for frames, its in (
    (("{request}",), ("{quoted}", "the {unit} {quoted}")),
    (expand(("[Here is a|Look at this|Read this] {unit}: {quoted}. {request}", "{Unit}: {quoted}\n{request}",
             "A {unit} is given: {quoted}. {request}")), ("the {unit}", "this {unit}")),
    (expand(("[Given|For] the {unit} {quoted}, {lowered}", "[Take|Look at] the {unit} {quoted}. {request}",
             "I have the {unit} {quoted}. {request}")), ("it", "the {unit}")),
) for frame in frames for it in its]
HELD_OUT_FRAMES = [(frame, it) for frames, its in (
    (("{request}",), ("the {unit} {quoted}", "{quoted}")),
    (("Given this {unit}: {quoted}, {lowered}", "I have a {unit}: {quoted}.\n{request}", "Look at the {unit}: {quoted}. {request}"),
     ("the {unit}", "it")),
) for frame in frames for it in its]

# What sentences to count words in are made of.
PEOPLE = ("my aunt", "the baker", "a doctor", "our teacher", "the old farmer", "her little brother", "a kind pilot", "the queen",
          "his best friend", "the young nurse", "a giant", "the robot", "we", "they", "the clever girl", "a tall boy")
DOINGS = ("found", "saw", "painted", "lost", "carried", "washed", "bought", "sold", "took", "drew", "hid", "kept", "brought home")
THINGS = ("a red kite", "the key", "some bread", "two green apples", "a very small box", "the boat", "a letter", "the old clock",
          "a bag of rice", "three coins", "a silver ring", "warm socks", "the map", "a big blue umbrella", "milk", "a jar of honey")
ENDINGS = ("", "", "today", "yesterday", "last week", "in the garden", "near the river", "after lunch", "on a cold morning", "at the station",
           "before it rained", "in the middle of the night", "by the sea", "again", "with great joy")


def _spell(text: str) -> str:
    return "-".join(text)


def _sentence(rng: random.Random) -> str:
    parts = [pick(rng, PEOPLE), pick(rng, DOINGS), pick(rng, THINGS), pick(rng, ENDINGS)]
    if rng.random() < 0.3:
        parts = [part for part in parts if part] + ["and", pick(rng, DOINGS), pick(rng, THINGS)]
    return " ".join(part for part in parts if part)



def _tally(text: str, wanted: str) -> tuple[list[str], int]:
    count, lines = 0, []
    for letter in text:
        count += letter in wanted
        lines.append(f"{letter} {count}")
    return lines, count


Worked = tuple[str, dict[str, Any], Sequence[str], Any]  # the word, the pattern's other slots, the work, the answer


def _reverse(rng: random.Random) -> Worked:
    text = word(rng)
    return text, {}, [_spell(text), _spell(text[::-1])], text[::-1]


def _count_letter(rng: random.Random) -> Worked:
    text = word(rng)
    if rng.random() < 0.4:
        text = (text + made_up(rng))[:10]
    letter = pick(rng, "aeioulnrst") if rng.random() < 0.2 else pick(rng, text)
    return text, {"c": letter}, *_tally(text, letter)


def _first(rng: random.Random) -> Worked:
    text = word(rng)
    return text, {}, [_spell(text)], text[0]


def _last(rng: random.Random) -> Worked:
    text = word(rng)
    return text, {}, [_spell(text)], text[-1]


def _nth(rng: random.Random) -> Worked:
    text = word(rng)
    place = number(rng, 2, min(7, len(text)))
    return text, {"n": place, "nth": ORDINALS[place - 1]}, numbered(text[:place]), text[place - 1]


def _uppercase(rng: random.Random) -> Worked:
    text = word(rng)
    return text, {}, [_spell(text), _spell(text.upper())], text.upper()


def _count_words(rng: random.Random) -> Worked:
    text = _sentence(rng)
    words = text.split()
    return text, {}, numbered(words), len(words)


def _count_vowels(rng: random.Random) -> Worked:
    text = word(rng)
    return text, {}, *_tally(text, VOWELS)


def _replace(rng: random.Random) -> Worked:
    text = word(rng)
    old, new = pick(rng, text), pick(rng, "abcdefghiklmnoprstuvwxyz")
    if new == old:
        new = "x" if old != "x" else "z"
    changed = text.replace(old, new)
    return text, {"c": old, "d": new}, [_spell(text), _spell(changed)], changed


def _palindrome(rng: random.Random) -> Worked:
    half = word(rng)[:4]
    text = half + half[::-1][number(rng, 0, 1):]
    if rng.random() < 0.5:
        place = number(rng, 0, len(text) - 1)
        text = word(rng) if rng.random() < 0.4 else text[:place] + pick(rng, "aeiounrst") + text[place + 1:]
    same = text == text[::-1]
    return text, {}, [_spell(text), _spell(text[::-1]), "same" if same else "different"], "yes" if same else "no"


def _remove(rng: random.Random) -> Worked:
    text = word(rng)
    letter = pick(rng, text)
    left = text.replace(letter, "")
    return text, {"c": letter}, [_spell(text), _spell(left)], left


def _length(rng: random.Random) -> Worked:
    text = word(rng)
    return text, {}, numbered(text), len(text)


def _join(rng: random.Random) -> Worked:
    text = word(rng)
    return text, {"letters": pick(rng, (", ", "-", " ")).join(text)}, [_spell(text)], text


def _alphabet_first(rng: random.Random) -> Worked:
    words: list[str] = []
    while len(words) < 3 or (len(words) < 5 and rng.random() < 0.4):
        text = word(rng)
        if all(text[0] != other[0] for other in words):
            words.append(text)
    lines, best = [", ".join(text[0] for text in words)], words[0]
    for text in words[1:]:
        lines.append(f"{best[0]} and {text[0]}: {min(best[0], text[0])}")
        best = min(best, text)
    return "", {"words": show(words)}, lines, best


def _connect(rng: random.Random) -> Worked:
    text, other = word(rng), word(rng)
    return text, {"other": other}, [_spell(text), _spell(other), _spell(text + other)], text + other


SOLVERS: dict[str, Callable[[random.Random], Worked]] = {
    "reverse": _reverse, "count_letter": _count_letter, "first": _first, "last": _last, "nth": _nth, "uppercase": _uppercase,
    "count_words": _count_words, "count_vowels": _count_vowels, "replace": _replace, "palindrome": _palindrome, "remove": _remove,
    "length": _length, "join": _join, "alphabet_first": _alphabet_first, "connect": _connect,
}
KINDS = tuple(SOLVERS)
UNFRAMED = ("join", "alphabet_first")  # their requests hold the letters or words themselves


def sample(rng: random.Random, held_out: bool) -> dict[str, Any]:
    """One question about a word or a sentence, in a held-out wording or in a training one."""
    kind = pick(rng, KINDS)
    text, slots, lines, answer = SOLVERS[kind](rng)
    request = pick(rng, (HELD_OUT if held_out else TRAINING)[kind])
    if kind in UNFRAMED:
        return solved("strings", kind, request.format(**slots), lines, answer)
    frame, it = pick(rng, HELD_OUT_FRAMES if held_out else TRAINING_FRAMES)
    unit = "sentence" if kind == "count_words" else "word"
    quoted = f'"{text}"'
    request = request.format(it=it.format(unit=unit, quoted=quoted), **slots)
    prompt = frame.format(request=request, lowered=lowered(request), unit=unit, Unit=unit.capitalize(), quoted=quoted)
    return solved("strings", kind, prompt, lines, answer)
