# SPDX-License-Identifier: Apache-2.0
"""Word problems of two to four steps and bare expressions, worked line by line.

A plot chooses steps and numbers; arithmetic_phrases.py has the sentences. Every line of the work is an equation that holds.
"""

import random
from collections.abc import Callable
from typing import Any

from arithmetic_phrases import HELD_OUT, TRAINING
from arithmetic_things import (BOXES, COLORS, DEEDS, LIFELESS, LIVING_LOOKS, MAN, PASTIMES, PERIODS, PLACES, SINGLE_WARES, THING_LOOKS,
                               THINGS, TOWNS, VEHICLES, WARES, WOMAN)
from compose import distinct, number, pick, solved
from equations import expression, work
from words import MEN, WOMEN

# Only after these "them" can be nothing but all the things: not groups, nor those that just came or went.
CLEAR = ("own", "own_two", "place", "place_two")


class Story:
    """A problem in the making: sentences, lines of work, and the value that the work has come to."""

    def __init__(self, rng: random.Random, held_out: bool, steps: int):
        self.rng, self.phrases, self.steps = rng, HELD_OUT if held_out else TRAINING, steps
        self.facts: dict[str, Any] = {}
        self.text: list[str] = []
        self.used: list[str] = []
        self.said = ""
        self.lines: list[str] = []
        self.value = 0

    def say(self, kind: str, **slots: Any) -> None:
        """Adds a sentence of this kind."""
        self.facts.update(slots)
        if "items" in self.facts:
            self.facts["them"] = "them" if self.said in CLEAR else "the " + self.facts["items"]
        self.said = kind
        phrase = pick(self.rng, self.phrases[kind])
        if phrase in self.used:
            phrase = pick(self.rng, self.phrases[kind])
        self.used.append(phrase)
        self.text.append(phrase.format_map(self.facts))

    def either(self, chance: float) -> bool:
        return self.rng.random() < chance

    def number(self, low: int = 2, high: int = 99) -> int:
        """A number for the story; small ones are drawn more often than they would be evenly."""
        return number(self.rng, low, max(low, min(high, 20) if self.either(0.25) else high))

    def compute(self, left: int, operator: str, right: int) -> int:
        """Works out one step, which counts as one."""
        self.steps -= 1
        self.value = work(self.lines, left, operator, right)
        return self.value

    def people(self) -> None:
        """Names somebody and a friend; he and she keep them apart."""
        rng = self.rng
        woman = self.either(0.5)
        self.facts.update(WOMAN if woman else MAN)
        self.facts["name"], self.facts["friend"] = pick(rng, WOMEN if woman else MEN), pick(rng, MEN if woman else WOMEN)

    def items(self, things: tuple[tuple[str, str], ...]) -> None:
        self.facts["item"], self.facts["items"] = pick(self.rng, things)

    def divisor(self) -> int:
        """A number from 2 to 12 that divides the value and leaves at least 2, or 0."""
        fitting = [d for d in range(2, 13) if self.value % d == 0 and self.value // d >= 2]
        return pick(self.rng, fitting) if fitting and self.value <= 1200 else 0


def _product(s: Story, kind: str) -> None:
    """Begins with so many groups of so many."""
    many, each = s.number(2, 12), s.number(2, 99)
    if s.either(0.25):
        many = s.number(11, 99)
    elif s.either(0.3):
        many, each = each, many
    s.say(kind, a=many, b=each)
    s.compute(many, "*", each)


def _change(s: Story, gain: str, lose: str) -> bool:
    """More or fewer; true for fewer."""
    if s.value > 6 and s.either(0.55):
        less = s.number(2, min(99, s.value - 2))
        s.say(lose, n=less)
        s.compute(s.value, "-", less)
        return True
    more = s.number()
    s.say(gain, n=more)
    s.compute(s.value, "+", more)
    return False


def _change_groups(s: Story, gain: str, lose: str) -> bool:
    """More or fewer by so many groups of so many: two steps; true for fewer."""
    before, many, each = s.value, s.number(2, 12), s.number(2, 30)
    fewer = many * each <= before - 2 and s.either(0.6)
    s.say(lose if fewer else gain, n=many, m=each)
    total = s.compute(many, "*", each)
    s.compute(before, "-" if fewer else "+", total)
    return fewer


def _changes(s: Story, gain: str, lose: str, until: int) -> bool:
    """Changes until so many steps are left; true if the last one made it fewer."""
    fewer = False
    while s.steps > until:
        if s.steps >= until + 2 and s.either(0.35):
            fewer = _change_groups(s, gain + "_groups", lose + "_groups")
        elif lose == "lose" and s.value % 2 == 0 and s.value > 6 and s.either(0.12):
            s.say("half")
            s.compute(s.value, "/", 2)
            fewer = True
        else:
            fewer = _change(s, gain, lose)
    return fewer


def _finish(s: Story) -> bool:
    """Shares, packs or sells everything in one last step, where that is possible."""
    divisor = s.divisor()
    if s.value <= 99 and s.either(0.3 if divisor else 0.8):
        price = s.number(2, 25)
        s.say("sell", p=price)
        s.say("ask_sell")
        s.compute(s.value, "*", price)
    elif divisor:
        kind = "share" if s.either(0.5) else "pack"
        s.facts["bag"], s.facts["bags"] = pick(s.rng, (("sack", "sacks"), ("packet", "packets"), ("carton", "cartons"), ("tray", "trays")))
        s.say(kind, n=divisor)
        s.say("ask_" + kind)
        s.compute(s.value, "/", divisor)
    return s.steps == 0


def collection(s: Story) -> None:
    """Somebody's things become more and fewer and are shared, packed or sold in the end."""
    s.people()
    s.items(THINGS)
    s.facts["box"], s.facts["boxes"] = pick(s.rng, BOXES)
    closing = s.either(0.5)
    opening = s.rng.random()
    if opening < 0.4:
        s.value = s.number()
        s.say("own", a=s.value)
    elif opening < 0.75:
        _product(s, "own_boxes")
    else:
        first, second = s.number(), s.number()
        look, other = distinct(s.rng, COLORS, 2) if s.either(0.6) else pick(s.rng, THING_LOOKS)
        s.say("own_two", a=first, b=second, x=look, y=other)
        s.compute(first, "+", second)
    fewer = _changes(s, "gain", "lose", 1 if closing else 0)
    if closing and _finish(s):
        return
    if s.steps:
        fewer = _changes(s, "gain", "lose", 0)
    s.say("ask_left" if fewer and s.either(0.6) else "ask_now")


def place(s: Story) -> None:
    """People, animals or things come to a place and leave it."""
    s.people()
    s.facts["place"], s.facts["item"], s.facts["items"], s.facts["came"], s.facts["went"] = pick(s.rng, PLACES)
    opening = s.rng.random()
    if opening < 0.5:
        s.value = s.number()
        s.say("place", a=s.value)
    elif opening < 0.75:
        _product(s, "place_groups")
    else:
        first, second = s.number(), s.number()
        look, other = pick(s.rng, THING_LOOKS if s.facts["item"] in LIFELESS else LIVING_LOOKS)
        s.say("place_two", a=first, b=second, x=look, y=other)
        s.compute(first, "+", second)
    _changes(s, "come", "go", 0)
    s.say("ask_place")


# What people are compared by: the sentences, the lowest and the highest number, and the largest difference upwards.
Measure = tuple[tuple[str, str, str, str, str, str], int, int, int]
BELONGINGS: Measure = (("has", "more", "fewer", "times", "twice", "half_as"), 2, 900, 99)
YEARS: Measure = (("age", "older", "younger", "times_old", "twice_old", "half_old"), 4, 99, 40)


def _relation(s: Story, known: int, measure: Measure) -> int:
    """Says how another person's number follows from a known one, and works it out."""
    (_, more, fewer, times, twice, half), lowest, highest, most = measure
    chance = s.rng.random()
    if chance < 0.2 and known * 2 <= highest and known <= 99:
        s.say(twice)
        return s.compute(known, "*", 2)
    if chance < 0.4 and known * 3 <= highest and known <= 99:
        factor = s.number(3, min(9, highest // known))
        s.say(times, n=factor)
        return s.compute(known, "*", factor)
    if chance < 0.55 and known % 2 == 0 and known // 2 >= lowest:
        s.say(half)
        return s.compute(known, "/", 2)
    if known > lowest + 2 and (chance < 0.78 or known + 2 > highest):
        less = s.number(2, min(99, known - lowest))
        s.say(fewer, n=less)
        return s.compute(known, "-", less)
    extra = s.number(2, min(most, highest - known))
    s.say(more, n=extra)
    return s.compute(known, "+", extra)


def _and(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _chain(s: Story, first: int, relations: int, measure: Measure) -> tuple[list[str], list[int]]:
    """People one after another, each related to the one before."""
    names, values = distinct(s.rng, WOMEN if s.either(0.5) else MEN, relations + 1), [first]
    s.say(measure[0][0], A=names[0], a=first)
    for known, name in zip(names, names[1:]):
        s.facts["A"], s.facts["B"] = known, name
        values.append(_relation(s, values[-1], measure))
    return names, values


def _total(s: Story, values: list[int]) -> None:
    total = values[0]
    for value in values[1:]:
        total = s.compute(total, "+", value)


def comparison(s: Story) -> None:
    """Two to four people have things, each so many more, fewer or times as many as the one before."""
    s.items(THINGS)
    first = s.number()
    if s.steps == 2:
        relations = 1 if s.either(0.6) else 2
    else:
        relations = 2 if s.steps == 4 or s.either(0.6) else 3
    names, values = _chain(s, first, relations, BELONGINGS)
    if s.steps == 0:
        s.say("ask_one")
    elif s.steps == len(values) - 1:
        s.say("ask_together", people=_and(names))
        _total(s, values)
    else:
        low, high = sorted((0, len(values) - 1), key=values.__getitem__)
        if values[low] == values[high] or s.either(0.4):
            s.say("ask_together", people=_and([names[0], names[-1]]))
            s.compute(values[0], "+", values[-1])
        else:
            s.say("ask_difference", high=names[high], low=names[low])
            s.compute(values[high], "-", values[low])


def ages(s: Story) -> None:
    """Two to four people, how old they are, were or will be."""
    first = s.number(4, 40)
    relations = min(s.steps - (1 if s.steps > 1 else 0), 3)
    together = s.steps >= 2 and s.either(0.35)
    if together:
        relations = (s.steps + 1) // 2
    names, values = _chain(s, first, relations, YEARS)
    last = values[-1]
    if s.steps == len(values) - 1:
        s.say("ask_ages", people=_and(names))
        _total(s, values)
    elif s.steps == 1 and last > 5 and s.either(0.5):
        years = s.number(2, last - 3)
        s.say("ask_past", n=years)
        s.compute(last, "-", years)
    elif s.steps == 1:
        years = s.number(2, 30)
        s.say("ask_future", n=years)
        s.compute(last, "+", years)
    else:
        s.say("ask_age")


def _buy(s: Story, kind: str, spent: int) -> int:
    """Buys several of a kind; two steps, or one where nothing was spent before."""
    s.items(WARES)
    many, price = s.number(2, 12), s.number(2, 25)
    if s.either(0.15):
        price = s.number(11, 99)
    s.say(kind, n=many, p=price)
    cost = s.compute(many, "*", price)
    return s.compute(spent, "+", cost) if spent else cost


def shopping(s: Story) -> None:
    """Things are bought; asked are the cost, the change, what is left, or a share of the cost."""
    s.people()
    end = pick(s.rng, ("spent", "change", "money", "split"))
    opening = len(s.text)
    s.text.append("")
    last, discount = 0 if end == "spent" else 1, 0
    total = _buy(s, "buy", 0)
    while s.steps > last:
        if s.steps >= last + 2 and s.either(0.6):
            total = _buy(s, "buy_also", total)
        elif total > 12 and not discount and s.either(0.3):
            discount = s.number(2, min(30, total // 2))
            s.say("discount", n=discount)
            total = s.compute(total, "-", discount)
        else:
            price = s.number(2, 99)
            s.say("buy_one", n=price, thing=pick(s.rng, SINGLE_WARES))
            total = s.compute(total, "+", price)
    divisor = s.divisor()
    if end == "split" and divisor:
        s.say("split", n=divisor)
        s.say("ask_split")
        s.compute(total, "/", divisor)
    elif end == "spent":
        s.say("ask_spent")
    else:
        money = total + s.number(2, 60) if s.either(0.6) else total - total % 50 + 50
        if end == "money":
            s.text[opening] = pick(s.rng, s.phrases["budget"]).format_map({**s.facts, "a": money})
            s.say("ask_money")
        else:
            s.say("pay", n=money)
            s.say("ask_change")
        s.compute(money, "-", total)
    if not s.text[opening]:
        s.text[opening] = pick(s.rng, s.phrases["buyer"]).format_map(s.facts)


def savings(s: Story) -> None:
    """Money is earned and spent, one thing after another."""
    s.people()
    s.value = s.number(20)
    s.say("budget", a=s.value)
    while s.steps:
        room = s.value - 2
        many, price = s.number(2, 9), s.number(2, 20)
        if s.steps >= 2 and many * price <= room and s.either(0.6):
            before = s.value
            s.items(WARES)
            s.say("buy", n=many, p=price)
            cost = s.compute(many, "*", price)
            s.compute(before, "-", cost)
        elif room > 4 and s.either(0.5):
            price = s.number(2, min(99, room))
            s.say("buy_one" if len(s.text) > 1 else "buy_first", n=price, thing=pick(s.rng, SINGLE_WARES))
            s.compute(s.value, "-", price)
        else:
            more = s.number()
            s.say("earn", n=more)
            s.compute(s.value, "+", more)
    s.say("ask_money")


def _missing(s: Story, told: str, asked: str) -> None:
    """How much is wanted in all is told, and what is missing is asked."""
    target = s.value + s.number() if s.either(0.6) else s.value - s.value % 100 + 100
    s.say(told, n=target)
    s.say(asked)
    s.compute(target, "-", s.value)


def rate(s: Story) -> None:
    """Work done at a rate, or day by day, and how far it is from a goal."""
    s.people()
    s.facts["did"], s.facts["item"], s.facts["items"] = pick(s.rng, DEEDS)
    s.facts["day"], s.facts["a_day"], s.facts["days"] = pick(s.rng, PERIODS)
    opening = s.rng.random()
    if opening < 0.2 and s.steps == 2:
        days, each = s.number(2, 12), s.number(2, 40)
        s.say("even", a=days * each, n=days)
        s.compute(days * each, "/", days)
        later = s.number(2, 12)
        s.say("ask_rate", n=later if later != days else days + 1)
        s.compute(each, "*", s.facts["n"])
        return
    if opening < 0.6:
        each, days = s.number(), s.number(2, 12) if s.either(0.8) else s.number(11, 30)
        s.say("rate", a=each, b=days)
        s.compute(each, "*", days)
    else:
        first, second = s.number(), s.number()
        s.say("days", a=first, b=second)
        s.compute(first, "+", second)
    goal, fewer = s.either(0.5), False
    while s.steps > goal:
        if s.value > 12 and not fewer and s.either(0.3):
            fewer, less = True, s.number(2, min(40, s.value // 2))
            s.say("did_less", n=less)
            s.compute(s.value, "-", less)
        else:
            more = s.number()
            s.say("did_more", n=more)
            s.compute(s.value, "+", more)
    if goal:
        _missing(s, "goal", "ask_goal")
    else:
        s.say("ask_kept" if fewer else "ask_done")


def road(s: Story) -> None:
    """Kilometers on the road."""
    s.facts["car"] = pick(s.rng, VEHICLES)
    s.facts["town"], s.facts["city"], s.facts["village"] = distinct(s.rng, TOWNS, 3)
    if s.either(0.5):
        speed, hours = s.number(5, 99), s.number(2, 12)
        s.say("ride", a=speed, b=hours)
        s.compute(speed, "*", hours)
    else:
        first, second = s.number(), s.number()
        s.say("legs", a=first, b=second)
        s.compute(first, "+", second)
    way = s.either(0.5)
    while s.steps > way:
        if s.value <= 99 and s.either(0.4):
            days = s.number(2, 12)
            s.say("daily", n=days)
            s.compute(s.value, "*", days)
        else:
            more = s.number()
            s.say("drive_more", n=more)
            s.compute(s.value, "+", more)
    if way:
        _missing(s, "way", "ask_way")
    else:
        s.say("ask_far")


def minutes(s: Story) -> None:
    """How somebody's minutes were spent."""
    s.people()
    doings = distinct(s.rng, PASTIMES, 5)
    s.facts.update(x=doings[0], y=doings[1], x_=doings[0].capitalize(), y_=doings[1].capitalize())
    if s.either(0.5):
        first, second = s.number(), s.number()
        s.say("minutes", a=first, b=second)
        s.compute(first, "+", second)
        rest = doings[2:]
    else:
        each, days = s.number(5, 90), s.number(2, 12)
        s.say("minutes_daily", a=each, b=days)
        s.compute(each, "*", days)
        rest = doings[1:]
    plan = s.either(0.4)
    while s.steps > plan:
        doing, more = rest.pop(), s.number()
        s.say("minutes_more", n=more, z=doing, z_=doing.capitalize())
        s.compute(s.value, "+", more)
    if plan:
        time = s.value + s.number() if s.either(0.6) else s.value - s.value % 60 + 60
        s.say("minutes_plan", n=time)
        s.say("ask_minutes_left")
        s.compute(time, "-", s.value)
    else:
        s.say("ask_minutes")


def bare(s: Story) -> None:
    """An expression without a story."""
    written, s.value, _ = expression(s.rng, s.lines, s.steps - 1 if s.either(0.5) else s.steps)
    s.say("bare", x=written)


PLOTS: tuple[Callable[[Story], None], ...] = (
    collection, collection, collection, collection, place, place, comparison, comparison, comparison, ages, ages, shopping, shopping, savings,
    rate, rate, road, minutes, bare, bare, bare)


def sample(rng: random.Random, held_out: bool) -> dict[str, Any]:
    """One problem in held-out sentences or in training ones."""
    plot = pick(rng, PLOTS)
    story = Story(rng, held_out, number(rng, 2, 4))
    plot(story)
    return solved("arithmetic", plot.__name__, " ".join(story.text), story.lines, story.value)
