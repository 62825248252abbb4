# SPDX-License-Identifier: Apache-2.0
"""Short stories: a hero, a friend, a place and a plot, told beat by beat; as plain text, or as the answer to a request."""

from collections.abc import Sequence
from random import Random

from compose import expand, pick
from story_plots import PLOTS, Plot
from words import MEN, WOMEN, made_up

# ---- who, where and when ----

ANIMALS = tuple("""fox rabbit bear mouse squirrel hedgehog badger otter cat puppy beaver mole raccoon hare kitten wolf
panda hamster lion tiger monkey""".split())
MORE_ANIMALS = ANIMALS + tuple("duck goose frog turtle goat donkey robin crow pony lamb".split())
JOBS = ("baker", "shepherd", "painter", "sailor", "gardener", "tailor", "potter", "weaver", "miller", "farmer")
HELPERS = ("owl", "crow", "turtle", "goat", "donkey", "toad", "heron", "badger", "raven", "goose")
ANIMAL_NAMES = {
    "he": tuple("""Pip Bram Otto Finn Rollo Toby Barnaby Gus Milo Oscar Teddy Basil Rufus Jasper Moss Alfie Monty Bruno
Casper Digby Elmo Freddy Hopper Jonty Kit Linus Nico Patch Quincy Rusty""".split()),
    "she": tuple("""Tilly Momo Rosie Luna Mabel Poppy Hazel Willow Daisy Nell Penny Ruby Bella Clover Dotty Fern Ginger
Holly Ivy Juno Lottie Maple Nutmeg Olive Pearl Queenie Saffron Trixie Wren Zuzu""".split()),
}
PEOPLE_NAMES = {"he": MEN, "she": WOMEN}
TRAITS = (
    "small",
    "young",
    "cheerful",
    "curious",
    "clever",
    "quiet",
    "friendly",
    "gentle",
    "lively",
    "round",
    "little",
    "thoughtful",
    "dreamy",
    "merry",
    "funny",
    "stubborn",
    "brown",
    "slim",
    "sleepy",
    "polite",
)
PRONOUNS = {
    "he": {"he": "he", "him": "him", "his": "his", "himself": "himself"},
    "she": {"he": "she", "him": "her", "his": "her", "himself": "herself"},
}

PLACES = (  # where one lives, where one walks, where things are found
    ("in a quiet forest", "through the trees", "under an old oak"),
    ("by a blue lake", "along the shore", "beside a flat rock"),
    ("on a small island", "along the beach", "between two rocks"),
    ("in a green valley", "over the meadow", "beside the brook"),
    ("in a village between two hills", "down the lane", "beside the well"),
    ("at the edge of a big wood", "along the path", "under a pine tree"),
    ("near an old mill", "along the stream", "beside the water wheel"),
    ("in a small town by the sea", "along the harbor", "behind the boats"),
    ("on a sunny hill", "down the hill", "next to a stone wall"),
    ("in a wild garden", "between the flower beds", "behind the shed"),
    ("high up in the mountains", "along the narrow path", "below a waterfall"),
    ("at the end of a long road", "along the road", "near the signpost"),
    ("beside a wide river", "along the bank", "under the willow"),
    ("in a land of red hills", "over the hills", "in the shade of a cactus"),
)
WEATHER = {  # adjectives of a day, seasons, what one notices
    "sunny": (
        ("sunny", "bright", "warm", "clear"),
        ("spring", "summer"),
        (
            "The sun was warm on {his} back.",
            "Bees hummed in the clover.",
            "The air smelled of hay.",
            "A lark sang high up in the blue sky.",
        ),
    ),
    "windy": (
        ("windy", "cool", "fresh"),
        ("spring", "autumn"),
        (
            "The wind played with the leaves.",
            "The wind pulled at {his} ears.",
            "Clouds raced over the sky.",
            "The grass bowed in the wind.",
        ),
    ),
    "rainy": (
        ("rainy", "gray", "wet"),
        ("spring", "autumn"),
        (
            "Rain dripped from the trees.",
            "There were puddles everywhere.",
            "It smelled of wet earth.",
            "A soft rain began to fall.",
        ),
    ),
    "foggy": (
        ("foggy", "misty"),
        ("autumn",),
        ("Fog hung between the trees.", "Everything looked gray and soft.", "Drops of water hung in the spider webs."),
    ),
    "cold": (
        ("cold", "frosty", "white"),
        ("winter",),
        ("Frost glittered on the ground.", "{His} breath made little clouds.", "Snow creaked under {his} feet."),
    ),
    "stormy": (("hot", "still"), ("summer",), ("Far away there was a rumble.",)),
}
THINGS = (  # adjectives, noun
    ("small brass|old iron|tin", "lantern"),
    ("golden|rusty|long iron", "key"),
    ("red|little wooden", "drum"),
    ("yellow|paper", "kite"),
    ("silver|tiny|brass", "bell"),
    ("thick old|blue", "book"),
    ("green|carved", "box"),
    ("silver|thin gold", "ring"),
    ("tall|straw|blue", "hat"),
    ("striped|red wool|soft", "scarf"),
    ("bone|tin|loud", "whistle"),
    ("round|brass", "compass"),
    ("hand|little round", "mirror"),
    ("wooden|silver", "flute"),
    ("silver|big wooden", "spoon"),
    ("silk|paper", "fan"),
    ("soft|checked", "blanket"),
    ("pearl|shiny", "button"),
    ("pink|white", "shell"),
    ("glass|blue glass", "marble"),
    ("small|long brass", "telescope"),
    ("blue|round white", "teapot"),
    ("gold|silver", "watch"),
    ("clay|painted", "cup"),
    ("wool|velvet", "cap"),
    ("tin|painted wooden", "soldier"),
    ("leather|green", "bag"),
    ("glass|pearl", "necklace"),
)
FOODS = (
    "apples",
    "pears",
    "plums",
    "cherries",
    "berries",
    "strawberries",
    "blackberries",
    "peaches",
    "grapes",
    "apricots",
)
HABITS = expand(
    (
        "{He} loved [the smell of fresh bread|to watch the clouds|warm rain|to sing in the morning|long "
        "walks|old songs|to collect stones|riddles].",
        "Every morning {he} [drank a cup of tea and looked at the sky|washed {his} face in cold "
        "water|opened the window and said hello to the sun|swept the floor and whistled].",
        "{He} had [a green door|a blue chair|a red cap|three pots of herbs] and [a round table|a small "
        "stove|a soft bed|many books], and that was enough.",
    )
)

# ---- the beginning ----

OPENINGS = [
    expand([text])
    for text in (
        "Once upon a time there was {a_hero} named {N}. {He} lived {home}.",
        "{N} was {a_hero} who lived {home}.",
        "There once lived {a_hero} {home}. {His} name was {N}.",
        "[Far away|Long ago], {home}, lived {a_hero} called {N}.",
        "This is the story of {N}, {a_hero}. {He} lived {home}.",
        "{chome} there lived {a_hero}. {His} name was {N}.",
        "Have you heard of {N}? {He} was {a_hero} and lived {home}.",
        "In a little house {home} lived {N}, {a_hero}.",
    )
]
OPENINGS_HELD_OUT = [
    expand([text])
    for text in (
        "Long ago there was {a_hero}, and {his} name was {N}. {He} lived {home}.",
        "{chome} lived {N}. {He} was {a_hero}.",
        "Once upon a time {a_hero} named {N} lived {home}.",
        "This is a story of {a_hero} who lived {home} and was called {N}.",
    )
]

# ---- what is asked for ----

REQUESTS = [
    expand([text])
    for text in (
        "[Tell me|Write|Please write] a [story|short story] about {a_kind} named {N}.",
        "[Tell me|Write] a [story|tale] about {a_kind} called {N}.",
        "[Tell me|Write] a story about {a_kind} and {a_fkind}.",
        "[Tell me|Write|Please tell me] a [story|short story] in which {a_kind} {gist}.",
        "[Tell me|I want to hear|Can you tell me] a story about {a_kind} who {gist}.",
        "[Tell me|Write] a [story|tale] about {theme}.",
        "Tell me a story about {theme} with {a_kind} in it.",
        "[Tell me a story.|Tell me a bedtime story.|Please tell me a short story.|Write a story for me.|Do "
        "you know a story?]",
        "[Write|Tell me] a story about {a_kind} who lives {home}.",
        "[Can you|Could you] [tell me|write] a story about {N} the {kind}?",
        "[Make up|Write] a story about {N}, {a_kind} who {gist}.",
        "I would like a story about {a_kind}, please.",
        "Do you know a story about {a_kind} named {N}?",
    )
]
REQUESTS_HELD_OUT = [
    expand([text])
    for text in (
        "Please write a tale about {a_kind} who {gist}.",
        "Could you make up a story about {a_kind} named {N}?",
        "Please tell me a tale about {N} the {kind}.",
        "I would like to hear a short story in which {a_kind} {gist}.",
        "Write a short story about {theme}, please.",
        "I want a story about {a_kind} who lives {home}.",
    )
]


def with_article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def capital(words: str) -> str:
    return words[0].upper() + words[1:]


def weather_slots(rng: Random, kinds: Sequence[str]) -> dict[str, str]:
    adjectives, seasons, details = WEATHER[pick(rng, kinds)]
    when = f"{pick(rng, adjectives)} {pick(rng, seasons)}"
    day = pick(rng, ("morning", "day", "morning", "afternoon"))
    return {
        "day": f"one {when} {day}",
        "Day": f"One {when} {day}",
        "Night": f"One {when} night",
        "Detail": pick(rng, details),
    }


def person(rng: Random, pronoun: str, animal: bool, kinds: Sequence[str]) -> tuple[str, str]:
    """A kind and a name."""
    names = (ANIMAL_NAMES if animal else PEOPLE_NAMES)[pronoun]
    name = pick(rng, names) if rng.random() < 0.98 else made_up(rng).capitalize()
    if not animal and rng.random() < 0.4:
        return "boy" if pronoun == "he" else "girl", name
    return pick(rng, kinds), name


def cast(rng: Random) -> dict[str, str]:
    """Hero, friend and helper. Hero and friend have different pronouns, so that each is clear."""
    he, she = pick(rng, (("he", "she"), ("she", "he")))
    animal = rng.random() < 0.7
    kind, name = person(rng, he, animal, ANIMALS if animal else JOBS)
    beside = animal or rng.random() < 0.4
    fkind, fname = person(rng, she, beside, MORE_ANIMALS if beside else JOBS)
    while fname == name or fkind == kind:
        fkind, fname = person(rng, she, beside, MORE_ANIMALS if beside else JOBS)
    own, other, helper = PRONOUNS[he], PRONOUNS[she], pick(rng, HELPERS)
    slots = {
        "N": name,
        "kind": kind,
        "a_kind": with_article(kind),
        "a_hero": with_article(f"{pick(rng, TRAITS)} {kind}"),
        "F": fname,
        "fkind": fkind,
        "a_fkind": with_article(fkind),
        "cfkind": capital(with_article(fkind)),
        "akind": helper,
        "A": f"an old {helper}",
        "cA": f"An old {helper}",
        "ahis": "its",
        "hand": "paw" if animal else "hand",
        "hands": "paws" if animal else "hands",
        "He": own["he"].capitalize(),
        "His": own["his"].capitalize(),
        "fHe": other["he"].capitalize(),
    }
    slots.update(own)
    slots.update({"f" + key: word for key, word in other.items()})
    return slots


def setting(rng: Random, plot: Plot) -> dict[str, str]:
    home, around, spot = pick(rng, PLACES)
    adjectives, noun = pick(rng, THINGS)
    slots = {
        "home": home,
        "chome": capital(home),
        "around": around,
        "spot": spot,
        "noun": noun,
        "food": pick(rng, FOODS),
        "a_thing": with_article(f"{pick(rng, adjectives.split('|'))} {noun}"),
    }
    slots.update(weather_slots(rng, plot.weather or ("sunny", "windy", "rainy", "foggy", "cold")))
    slots.update(pick(rng, plot.vary))
    return slots


def fill(text: str, slots: dict[str, str]) -> str:
    return text.format_map(slots)


WORDINGS = [plot.wordings() for plot in PLOTS]


def choose(rng: Random, plot: int, held_out: bool) -> list[str]:
    """A text for each beat. Every fifth combination of a plot's variants is held out."""
    beats = WORDINGS[plot]
    while True:
        variants = [int(rng.random() * len(beat)) for beat in beats]
        kept_back = (plot + sum([(i + 1) * variant for i, variant in enumerate(variants)])) % 5 == 0
        if kept_back == held_out:
            return [pick(rng, beat[variant]) for beat, variant in zip(beats, variants)]


def tell(rng: Random, held_out: bool) -> tuple[str, Plot, dict[str, str]]:
    index = int(rng.random() * len(PLOTS))
    plot = PLOTS[index]
    slots = cast(rng)
    slots.update(setting(rng, plot))
    for key in ("Detail", *plot.vary[0]):  # they have slots themselves
        slots[key] = fill(slots[key], slots)
    opening = pick(rng, pick(rng, OPENINGS_HELD_OUT if held_out else OPENINGS))
    texts = [opening] + ([pick(rng, HABITS)] if rng.random() < 0.4 else []) + choose(rng, index, held_out)
    return fill(" ".join(texts).replace(" //", "\n\n"), slots), plot, slots


def sample(rng: Random, held_out: bool) -> dict:
    text, plot, slots = tell(rng, held_out)
    if rng.random() < 0.5:
        return {"task": "stories", "text": text}
    slots["theme"] = pick(rng, plot.theme)
    slots["gist"] = fill(pick(rng, plot.gist), slots)
    request = fill(pick(rng, pick(rng, REQUESTS_HELD_OUT if held_out else REQUESTS)), slots)
    return {
        "task": "stories",
        "messages": [{"role": "user", "content": request}, {"role": "assistant", "content": text}],
    }
