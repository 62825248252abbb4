# SPDX-License-Identifier: Apache-2.0
"""What the parameters of everyday functions may be: a schema, names, and how a value is drawn and spoken."""
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from compose import distinct, number, pick
from words import COMMON, NAMES, made_up

Value = tuple[str, object]  # as a user says it, and as JSON
Draw = Callable[[Random], Value]


@dataclass(frozen=True)
class Kind:
    """What a parameter may be."""
    schema: dict
    draw: Draw
    names: tuple[str, ...]  # a schema uses one of them
    note: str = ""          # its description, where one is given


# ---- drawing values ----

def one_of(*choices: str) -> Draw:
    pairs = [(choice, choice) for choice in choices]
    return lambda rng: pick(rng, pairs)


def mapped(**choices: object) -> Draw:
    pairs = [(text.replace("_", " "), value) for text, value in choices.items()]
    return lambda rng: pick(rng, pairs)


def integer(low: int, high: int, step: int = 1) -> Draw:
    def draw(rng: Random) -> Value:
        value = number(rng, low, high) * step
        return str(value), value
    return draw


def decimal(rng: Random) -> Value:
    text = str(number(rng, 2, 99))
    if rng.random() < 0.5:
        return text, int(text)
    text += "." + pick(rng, "123456789")
    return text, float(text)


def several(words: tuple[str, ...], least: int, most: int) -> Draw:
    def draw(rng: Random) -> Value:
        items = distinct(rng, words, number(rng, least, most))
        return " and ".join(filter(None, (", ".join(items[:-1]), items[-1]))), items
    return draw


def clock(rng: Random) -> Value:
    text = f"{number(rng, 6, 22)}:{pick(rng, ('00', '15', '30', '45', '10', '20', '05', '50'))}"
    return text, text


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_PAIRS = tuple([("on " + day, day) for day in DAYS] + [("today", "today"), ("tomorrow", "tomorrow")] * 2)


def day(rng: Random) -> Value:
    return pick(rng, DAY_PAIRS)


CITIES = tuple("""Paris London Berlin Rome Madrid Vienna Prague Oslo Lisbon Athens Dublin Warsaw Budapest Helsinki Tokyo
Boston Chicago Denver Seattle Austin Toronto Cairo Nairobi Lima Delhi Sydney Hamburg Milan Geneva Porto Krakow Bergen
Lyon Naples Seville Zurich Munich Florence Dallas Atlanta Portland Osaka Seoul Bangkok""".split())


def city(rng: Random) -> Value:
    text = pick(rng, CITIES) if rng.random() < 0.8 else made_up(rng).capitalize()
    return text, text


def person(rng: Random) -> Value:
    text = pick(rng, NAMES) if rng.random() < 0.9 else made_up(rng).capitalize()
    return text, text


SUBJECTS = ("dinner", "the meeting", "the game", "the train", "my train", "the party", "lunch", "the film",
"the lesson",
            "the bus", "the concert", "the class", "practice", "the tour")
STATES = ("is ready", "starts at nine", "is late", "was great", "is over", "starts soon", "is cancelled",
"begins at noon",
          "is on Friday", "was fun", "is tomorrow", "starts at six", "was short", "is long")
PLANS = ("I will be late", "I am on my way", "see you soon", "call me back", "I am at home", "thank you for the help",
         "happy birthday", "good luck today", "I miss you", "please bring bread", "I forgot my key", "wait for me")


def sentence(rng: Random) -> Value:
    text = pick(rng, PLANS) if rng.random() < 0.3 else f"{pick(rng, SUBJECTS)} {pick(rng, STATES)}"
    return text, text


DEEDS = ("buy", "wash", "clean", "fix", "find", "paint", "return", "pack", "sell", "bring", "check", "order")
OBJECTS = ("milk", "the car", "the bike", "a gift", "the windows", "bread", "the books", "my shoes", "the tickets",
"stamps",
           "the lamp", "a cake", "the door", "the tent", "flowers", "the keys", "apples", "the boat", "a rope",
           "the radio")


def errand(rng: Random) -> Value:
    text = f"{pick(rng, DEEDS)} {pick(rng, OBJECTS)}"
    return text, text


def word(rng: Random) -> Value:
    text = pick(rng, COMMON)
    return text, text


def two_words(rng: Random) -> Value:
    text = f"{pick(rng, COMMON)} {pick(rng, COMMON)}"
    return text, text


def file_name(rng: Random) -> Value:
    text = f"{pick(rng, COMMON)}{pick(rng, ('.txt', '.png', '.csv', '.md', '.pdf', '_2.txt', '_old.txt'))}"
    return text, text


def code(rng: Random) -> Value:
    text = "".join([pick(rng, "ABCDEFGHKLMNPRSTUVWXZ") for _ in range(2)] + [pick(rng,
    "0123456789") for _ in range(5)])
    return text, text


def expression(rng: Random) -> Value:
    text = f"{number(rng, 2, 999)} {pick(rng, '+-*/')} {number(rng, 2, 999)}"
    if rng.random() < 0.3:
        text = f"({text}) {pick(rng, '+-*')} {number(rng, 2, 99)}"
    return text, text


# ---- kinds of parameters ----

STRING, INTEGER, NUMBER, BOOLEAN = ({"type": kind} for kind in ("string", "integer", "number", "boolean"))


def choice(*choices: str) -> dict:
    return {"type": "string", "enum": list(choices)}


STRINGS = {"type": "array", "items": STRING}
FOODS = tuple("""milk eggs bread butter cheese rice apples onions carrots tomatoes potatoes honey tea coffee flour sugar
salt beans corn fish lemons mushrooms pasta pears soap pepper olives spinach chicken""".split())
ROOMS = ("kitchen", "bedroom", "living room", "bathroom", "garage", "hall", "office", "attic")
LANGUAGES = ("French", "German", "Spanish", "Italian", "Polish", "Dutch", "Greek", "Finnish", "Czech", "Turkish")
LENGTHS, MONEY = ("miles", "kilometers", "meters", "feet"), ("euros", "dollars", "pounds", "francs", "crowns", "yen")
COMPANIES = ("Acme", "Globex", "Initech", "Umbrella", "Hooli", "Stark", "Wayne", "Wonka", "Tyrell", "Cyberdyne")
CUISINES = ("Spanish", "Greek", "Japanese", "Thai", "Mexican", "French", "Chinese", "Turkish")

CITY = Kind(STRING, city, ("city", "location", "place", "town"), "Name of the city")
DAY = Kind(STRING, day, ("day", "date", "when"), "Day of the week, today or tomorrow")
TIME = Kind(STRING, clock, ("time", "at", "start"), "Hours and minutes")
PERSON = Kind(STRING, person, ("person", "name", "contact", "to"), "Name of the person")
MINUTES = Kind(INTEGER, integer(2, 90), ("minutes", "duration", "length"), "In minutes")
ROOM = Kind(STRING, one_of(*ROOMS), ("room", "area", "zone"), "Name of the room")
PEOPLE = Kind(INTEGER, integer(2, 12), ("people", "guests", "seats", "count"))
START = Kind(STRING, city, ("origin", "from", "start"), "Where it begins")
GOAL = Kind(STRING, city, ("destination", "to", "end"), "Where it ends")
AMOUNT = Kind(NUMBER, decimal, ("amount", "value", "quantity"))
DEGREES = Kind(INTEGER, integer(15, 26), ("temperature", "degrees", "target"), "In degrees Celsius")
LEVEL = Kind(INTEGER, integer(1, 20, 5), ("level", "percent", "value"), "From 0 to 100")
FILE = Kind(STRING, file_name, ("file", "path", "name"))


def text_kind(draw: Draw, *names: str) -> Kind:
    return Kind(STRING, draw, names)


def choices_kind(names: tuple[str, ...], *choices: str) -> Kind:
    return Kind(choice(*choices), one_of(*choices), names)


def switch(names: tuple[str, ...], **words: bool) -> Kind:
    return Kind(BOOLEAN, mapped(**words), names)
