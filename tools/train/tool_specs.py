# SPDX-License-Identifier: Apache-2.0
"""Everyday functions that a model may call: schemas, ways to ask for them, and what they give back."""
from collections.abc import Callable
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Tool:
    names: tuple[str, str, str]
    description: str
    required: dict[str, Kind]
    asks: tuple[str, ...]       # what to do, as an imperative; training
    asks_held_out: tuple[str, ...]
    answer: str                 # in words, once the result is there; empty: never asked for
    optional: dict[str, Kind] = field(default_factory=dict)
    questions: tuple[str, ...] = ()  # whole sentences; training
    questions_held_out: tuple[str, ...] = ()
    result: dict[str, Draw] = field(default_factory=dict)
    worth: dict[str, float] = field(default_factory=dict)  # of the units between which it converts


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


# ---- the functions ----

TOOLS = (
    Tool(("get_weather", "weather_forecast", "check_weather"), "Weather forecast for a city.", {"city": CITY},
         ("check the weather in {city}", "tell me the weather in {city}", "look up the forecast for {city}",
          "get the forecast for {city} {day}"),
         ("get me the weather for {city}", "tell me the forecast for {city} {day}"),
         "In {city} it is {degrees} degrees and {sky}.", {"day": DAY},
         ("What is the weather in {city}?", "How is the weather in {city} {day}?", "Will it rain in {city} {day}?",
          "Is it cold in {city}?", "Do I need an umbrella in {city} {day}?"),
         ("Is it warm in {city} {day}?", "What is the forecast for {city}?", "Will it be cold in {city} {day}?"),
         {"degrees": integer(-5, 32), "sky": one_of("sunny", "cloudy", "rainy", "windy", "foggy", "clear")}),
    Tool(("set_timer", "start_timer", "timer"), "Starts a timer.", {"minutes": MINUTES},
         ("set a timer for {minutes} minutes", "start a timer of {minutes} minutes", "set a {minutes} minute timer",
          "set a timer for {minutes} minutes for the {label}", "count down {minutes} minutes"),
         ("start a {minutes} minute timer for the {label}", "start a timer for {minutes} minutes"),
         "The timer runs for {minutes} minutes.", {"label": text_kind(word, "label", "name", "title")},
         ("I need a timer for {minutes} minutes.",), ("I need a {minutes} minute timer.",)),
    Tool(("send_message", "write_message", "text_contact"), "Sends a message to a person.", {"to": PERSON,
        "text": text_kind(sentence, "text", "message", "body")},
         ('send {to} a message: "{text}"', "tell {to} that {text}", 'write to {to}: "{text}"', 'text {to} "{text}"',
          "let {to} know that {text}"),
         ('send "{text}" to {to}', 'write {to} a message: "{text}"'), "I have sent your message to {to}."),
    Tool(("add_event", "create_event", "calendar_add"), "Puts an event in the calendar.",
        {"title": text_kind(two_words, "title", "event", "name"), "day": DAY, "time": TIME},
         ('add "{title}" to my calendar {day} at {time}', 'put "{title}" in the calendar for {time} {day}',
          'create an event "{title}" {day} at {time}', 'plan "{title}" {day} at {time}'),
         ('put "{title}" in my calendar {day} at {time}', 'add an event "{title}" at {time} {day}'),
          "The event is in your calendar at {time}."),
    Tool(("convert_units", "unit_converter", "convert_length"), "Converts a length to another unit.",
         {"value": AMOUNT, "from": choices_kind(("from_unit", "from", "source"), *LENGTHS),
         "to": choices_kind(("to_unit", "to", "target"), *LENGTHS)},
         ("convert {value} {from} to {to}", "turn {value} {from} into {to}", "change {value} {from} to {to}"),
          ("convert {value} {from} into {to}", "change {value} {from} into {to}"),
         "{value} {from} are {result} {to}.", {}, ("How many {to} are {value} {from}?",
         "What is {value} {from} in {to}?"), ("How much is {value} {from} in {to}?",),
         worth=dict(zip(LENGTHS, (1609.344, 1000, 1, 0.3048)))),
    Tool(("convert_currency", "exchange", "currency_converter"), "Converts money at today's rate.",
         {"amount": AMOUNT, "from": choices_kind(("from_currency", "from", "source"), *MONEY),
         "to": choices_kind(("to_currency", "to", "target"), *MONEY)},
         ("convert {amount} {from} to {to}", "exchange {amount} {from} for {to}", "change {amount} {from} into {to}"),
          ("exchange {amount} {from} to {to}", "convert {amount} {from} into {to}"),
         "{amount} {from} are {result} {to}.", {}, ("How much is {amount} {from} in {to}?",
         "What are {amount} {from} in {to}?"), ("How many {to} are {amount} {from}?",),
         worth=dict(zip(MONEY, (1.1, 1, 1.3, 1.25, 0.05, 0.0065)))),
    Tool(("play_music", "play_song", "start_music"), "Plays songs of an artist.", {"artist": text_kind(person,
        "artist", "singer", "band")},
         ("play music by {artist}", "play songs of {artist}", "play {artist}", "play {artist} and turn {shuffle}",
          "put on some music by {artist}"),
         ("put on songs of {artist}", "play some songs by {artist}"), "Now you hear {artist}.",
         {"shuffle": switch(("shuffle", "random", "mixed"), shuffle_on=True, shuffle_off=False)},
         ("I want to hear {artist}.",), ("I want to hear songs by {artist}.",)),
    Tool(("set_lights", "switch_lights", "control_lights"), "Switches the lights of a room.", {"room": ROOM,
        "on": switch(("on", "power", "state"), on=True, off=False)},
         ("turn {on} the lights in the {room}", "switch the {room} lights {on}", "turn the lights in the {room} {on}"),
          ("switch {on} the lights in the {room}", "turn the {room} lights {on}"),
         "The lights in the {room} are {on}."),
    Tool(("dim_lights", "set_brightness", "light_level"), "Sets how bright the lights of a room are.", {"room": ROOM,
        "level": LEVEL},
         ("dim the lights in the {room} to {level} percent", "set the brightness in the {room} to {level} percent",
          "make the {room} lights {level} percent bright"),
         ("dim the {room} lights to {level} percent", "set the {room} lights to {level} percent"),
          "The lights in the {room} are at {level} percent."),
    Tool(("set_thermostat", "set_temperature", "heating"), "Sets the heating.", {"temperature": DEGREES},
         ("set the heating to {temperature} degrees", "heat the {room} to {temperature} degrees",
          "make it {temperature} degrees warm", "set the thermostat to {temperature}",
          "set the {room} to {temperature} degrees"),
         ("set the heating in the {room} to {temperature} degrees", "heat the house to {temperature} degrees"),
          "The heating is set to {temperature} degrees.", {"room": ROOM},
         ("I want it {temperature} degrees warm in the {room}.",), ("I want {temperature} degrees in the {room}.",)),
    Tool(("search_recipes", "find_recipes", "recipe_search"), "Finds recipes.", {"ingredients": Kind(STRINGS,
        several(FOODS, 1, 3), ("ingredients", "foods", "items"))},
         ("find a recipe with {ingredients}", "search for recipes with {ingredients}",
          "find a meal with {ingredients} that takes {minutes} minutes", "look for a dish with {ingredients}"),
         ("search for a dish with {ingredients}", "search for a meal with {ingredients} that takes {minutes} minutes"),
          "I found {dish}.", {"minutes": MINUTES},
         ("What can I cook with {ingredients}?", "I have {ingredients}. What can I make?"),
          ("What can I make with {ingredients}?",),
         {"dish": one_of("a warm soup", "a fresh salad", "a simple stew", "a sweet pie", "a quick omelette",
         "a baked dish")}),
    Tool(("translate", "translate_text", "translator"), "Translates a text.", {"text": text_kind(sentence, "text",
        "sentence", "input"), "language": Kind(STRING, one_of(*LANGUAGES), ("language", "target", "to"))},
         ('translate "{text}" to {language}', 'translate "{text}" into {language}', 'say "{text}" in {language}',
          'put "{text}" into {language}'), ('write "{text}" in {language}', 'change "{text}" to {language}'),
         "Here it is in {language}.", {}, ('How do you say "{text}" in {language}?',
         'What is "{text}" in {language}?'), ('How do I say "{text}" in {language}?',)),
    Tool(("get_stock_price", "stock_price", "share_price"), "Price of a share.", {"company": Kind(STRING,
        one_of(*COMPANIES), ("company", "name", "stock"))},
         ("check the stock price of {company}", "look up the share price of {company}",
          "tell me the price of {company} shares"), ("look up the stock price of {company}",
          "check the price of {company} shares"),
         "A share of {company} costs {price} dollars.", {}, ("What is the share price of {company}?",
         "How much is a share of {company}?"), ("How much is {company} stock?",
         "What is the price of {company} shares?"),
         {"price": integer(5, 400)}),
    Tool(("get_directions", "find_route", "navigate"), "Finds the way from one place to another.", {"from": START,
        "to": GOAL},
         ("find the way from {from} to {to}", "show me the route from {from} to {to}",
          "give me directions from {from} to {to}", "find a {mode} route from {from} to {to}"),
         ("show me the way from {from} to {to}", "give me {mode} directions from {from} to {to}"),
          "The way to {to} is {distance} kilometers long.",
         {"mode": choices_kind(("mode", "by", "travel"), "driving", "walking", "cycling")},
         ("How do I get from {from} to {to}?",), ("What is the way from {from} to {to}?",),
         {"distance": integer(3, 900)}),
    Tool(("set_reminder", "remind_me", "add_reminder"), "Reminds of something.", {"text": text_kind(errand, "text",
        "task", "about"), "time": TIME},
         ("remind me to {text} at {time}", "set a reminder to {text} at {time}", "remind me at {time} to {text}"),
          ("set a reminder at {time} to {text}", "add a reminder to {text} at {time}"),
         "I will remind you at {time}.", {}, ("I must not forget to {text} at {time}.",),
         ("I must {text} at {time}, remind me.",)),
    Tool(("calculate", "calculator", "evaluate"), "Calculates an expression.", {"expression": text_kind(expression,
        "expression", "formula", "input")},
         ("calculate {expression}", "compute {expression}", "work out {expression} with the calculator"),
          ("compute {expression} with the calculator",),
         "", {}, ("Use the calculator: {expression}", "What does the calculator say for {expression}?"),
         ("Use the calculator for {expression}.",)),
    Tool(("add_to_list", "shopping_list", "add_items"), "Adds items to the shopping list.", {"items": Kind(STRINGS,
        several(FOODS, 1, 4), ("items", "things", "products"))},
         ("add {items} to the shopping list", "put {items} on my shopping list", "write {items} on the list"),
          ("add {items} to my list", "put {items} on the list"),
         "Your shopping list is longer now.", {}, ("I need {items} from the shop.", "We are out of {items}."),
         ("We need {items} from the shop.",)),
    Tool(("set_alarm", "wake_me", "alarm_clock"), "Sets the alarm clock.", {"time": TIME},
         ("set an alarm for {time}", "wake me at {time}", "set the alarm to {time} {day}",
          "wake me up at {time} {day}"), ("set an alarm to {time}", "set an alarm for {time} {day}"),
         "The alarm is set for {time}.", {"day": DAY}, ("I have to get up at {time} {day}.",
         "I want to sleep until {time}."), ("I have to get up at {time}.",)),
    Tool(("make_call", "call_contact", "phone"), "Calls a person.", {"person": PERSON},
         ("call {person}", "phone {person}", "give {person} a call", "call {person} with the {loud}"),
          ("make a call to {person}", "phone {person} with the {loud}"),
         "I am calling {person}.", {"loud": switch(("speaker", "loud", "speakerphone"), speaker_on=True,
         speaker_off=False)}, ("I want to talk to {person}.",), ("I want to call {person}.",)),
    Tool(("book_table", "reserve_table", "table_booking"), "Books a table in a restaurant.", {"people": PEOPLE,
        "time": TIME},
         ("book a table for {people} at {time}", "reserve a table at {time} for {people} people",
          "book a table for {people} people {day} at {time}"),
         ("reserve a table for {people} {day} at {time}", "book a table at {time} for {people} people"),
          "A table for {people} is booked at {time}.", {"day": DAY},
         ("We are {people} and want to eat at {time}.",), ("We are {people} people and want a table at {time}.",)),
    Tool(("order_food", "food_delivery", "order_dish"), "Orders food.", {"dish": text_kind(one_of("pizza", "soup",
        "pasta", "salad", "curry", "noodles", "tacos", "burger", "sushi", "pancakes"), "dish", "item", "food"),
                                                                     "count": Kind(INTEGER, integer(2, 9), ("count",
                                                                     "quantity", "number"))},
         ("order {dish} for {count}", "order {dish}, {count} times", "get me {dish}, {count} of it"),
          ("order {count} times {dish}", "get {dish} for {count}"), "Your {dish} will be there in {minutes} minutes.",
           {},
         ("I want {dish} for {count} people.",), ("We want {dish} for {count}.",), {"minutes": integer(10, 60)}),
    Tool(("get_news", "news_headlines", "latest_news"), "Headlines about a topic.",
        {"topic": text_kind(one_of("sports", "science", "music", "politics", "weather", "space", "health", "films",
        "schools", "trains", "farming", "art"), "topic", "subject", "about")},
         ("show me news about {topic}", "get the latest news about {topic}", "read me {count} headlines about {topic}",
          "find {count} news about {topic}"),
         ("read me the latest news about {topic}", "show me {count} headlines about {topic}"),
          "There is a new report about {topic}.", {"count": Kind(INTEGER, integer(2, 9), ("count", "limit",
          "number"))},
         ("What is new in {topic}?",), ("What is the latest news about {topic}?",)),
    Tool(("find_restaurants", "restaurant_search", "search_restaurants"), "Finds restaurants in a city.",
        {"city": CITY, "cuisine": choices_kind(("cuisine", "kind", "style"), *CUISINES)},
         ("find {cuisine} restaurants in {city}", "look for a {cuisine} restaurant in {city}",
          "show me {cuisine} places in {city}"), ("look for {cuisine} restaurants in {city}",
          "show me a {cuisine} restaurant in {city}"),
         "There are {count} {cuisine} restaurants in {city}.", {}, ("Where can I eat {cuisine} food in {city}?",
         "Is there a {cuisine} restaurant in {city}?"), ("Where is a {cuisine} restaurant in {city}?",),
         {"count": integer(2, 40)}),
    Tool(("search_flights", "find_flights", "flight_search"), "Finds flights.", {"from": START, "to": GOAL,
        "day": DAY},
         ("find a flight from {from} to {to} {day}", "search flights from {from} to {to} {day}",
          "look for flights to {to} from {from} {day}"), ("find flights to {to} from {from} {day}",
          "look for a flight from {from} to {to} {day}"),
         "The best flight to {to} costs {price} euros.", {}, ("I want to fly from {from} to {to} {day}.",),
         ("I need a flight from {from} to {to} {day}.",), {"price": integer(40, 600)}),
    Tool(("track_package", "parcel_status", "track_parcel"), "Says where a parcel is.", {"number": text_kind(code,
        "number", "code", "parcel_id")},
         ("track the parcel {number}", "check where package {number} is", "find the package {number}"),
          ("track package {number}", "find out where parcel {number} is"), "Your parcel is {place}.", {},
         ("Where is my package {number}?", "When does parcel {number} come?"), ("Where is parcel {number}?",),
          {"place": one_of("on its way", "at the post office", "in the van", "at your door", "in a warehouse")}),
    Tool(("lock_door", "set_lock", "door_lock"), "Locks or opens a door.", {"door": text_kind(one_of("front", "back",
        "garage", "garden", "cellar", "balcony", "side"), "door", "which", "name"), "locked": switch(("locked",
        "closed", "lock"), lock=True, unlock=False)},
         ("{locked} the {door} door",), ("{locked} the door to the {door}",), "That is done with the {door} door.", {},
          ("The {door} door, {locked} it now.",), ("Now {locked} the {door} door.",)),
    Tool(("set_blinds", "move_blinds", "blinds"), "Moves the blinds of a room.", {"room": ROOM, "position": LEVEL},
         ("set the blinds in the {room} to {position} percent", "move the {room} blinds to {position} percent",
          "open the blinds in the {room} to {position} percent"),
         ("set the {room} blinds to {position} percent", "open the {room} blinds to {position} percent"),
          "The blinds in the {room} are at {position} percent."),
    Tool(("start_vacuum", "clean_rooms", "vacuum"), "Sends the robot to clean rooms.", {"rooms": Kind(STRINGS,
        several(ROOMS, 1, 3), ("rooms", "areas", "where"))},
         ("clean the {rooms}", "vacuum the {rooms}", "send the robot to clean the {rooms}"),
          ("send the robot to the {rooms}",), "The robot has started.", {}, ("The {rooms} must be cleaned.",),
           ("The robot should clean the {rooms}.",)),
    Tool(("roll_dice", "throw_dice", "dice"), "Rolls dice.", {"count": Kind(INTEGER, integer(2, 3), ("count", "dice",
        "number"))},
         ("roll {count} dice", "throw {count} dice with {sides} sides", "roll {count} dice with {sides} sides"),
          ("throw {count} dice",), "The sum of the dice is {sum}.",
         {"sides": Kind(INTEGER, mapped(**{str(n): n for n in (4, 6, 8, 10, 12, 20)}), ("sides", "faces", "max"))},
         ("I need a roll of {count} dice.",), ("I need {count} dice with {sides} sides.",), {"sum": integer(3, 8)}),
    Tool(("random_number", "pick_number", "draw_number"), "Draws a random number.", {"low": Kind(INTEGER, integer(0,
        50), ("low", "min", "from")), "high": Kind(INTEGER, integer(100, 999), ("high", "max", "to"))},
         ("pick a number between {low} and {high}", "draw a random number from {low} to {high}",
          "give me a number from {low} to {high}"), ("pick a random number between {low} and {high}",
          "draw a number from {low} to {high}"),
         "The number is {result}.", {}, ("I need a random number between {low} and {high}.",),
         ("I need a number from {low} to {high}.",), {"result": integer(50, 99)}),
    Tool(("define_word", "dictionary", "look_up_word"), "Looks up a word in the dictionary.", {"word": text_kind(word,
        "word", "term", "entry")},
         ('look up the word "{word}"', 'define "{word}"', 'find "{word}" in the dictionary'),
          ('look up "{word}" in the dictionary', 'define the word "{word}"'),
           "Here is what I found about the word {word}.", {},
         ('What does "{word}" mean?', 'What is the meaning of "{word}"?'), ('What does the word "{word}" mean?',)),
    Tool(("get_time", "local_time", "world_clock"), "The time in a city.", {"city": CITY},
         ("tell me the time in {city}", "check what time it is in {city}", "show the local time of {city}"),
          ("show me the time in {city}", "check the local time in {city}"), "In {city} it is {time}.", {},
         ("What time is it in {city}?", "How late is it in {city}?"), ("What is the time in {city}?",),
          {"time": clock}),
    Tool(("rename_file", "move_file", "file_rename"), "Renames a file.", {"file": Kind(STRING, file_name, ("old_name",
        "source", "from")), "name": Kind(STRING, file_name, ("new_name", "target", "to"))},
         ("rename {file} to {name}", "rename the file {file} to {name}", "give the file {file} the name {name}",
          "change the name of {file} to {name}"), ("change the name of the file {file} to {name}",),
          "The file is called {name} now."),
    Tool(("delete_file", "remove_file", "file_delete"), "Deletes a file.", {"file": FILE},
         ("delete {file}", "delete the file {file}", "remove {file}", "throw away the file {file}"),
          ("remove the file {file}", "throw away {file}"), "{file} is deleted.", {}, ("I do not need {file} any more.",
           ), ("I do not need the file {file}.",)),
    Tool(("create_note", "save_note", "write_note"), "Saves a note.", {"title": text_kind(word, "title", "name",
        "topic"), "text": text_kind(sentence, "text", "content", "body")},
         ('save a note "{title}": {text}', 'write a note called "{title}" that says {text}',
          'create a note named "{title}" with the text "{text}"'), ('create a note "{title}": {text}',
          'save a note called "{title}" with the text "{text}"'),
         "I have saved the note {title}."),
    Tool(("search_web", "web_search", "look_up"), "Searches the web.", {"query": text_kind(two_words, "query",
        "search", "q")},
         ('search the web for "{query}"', 'look up "{query}" on the web', 'search for "{query}"'),
          ('find "{query}" on the web', 'look for "{query}" on the web'), "I found {count} pages about {query}.", {},
           (), (), {"count": integer(2, 90)}),
    Tool(("set_volume", "change_volume", "volume"), "Sets the volume.", {"level": LEVEL},
         ("set the volume to {level}", "change the volume to {level} percent",
          "turn the volume of the {device} to {level}", "put the {device} at volume {level}"),
          ("turn the volume to {level} percent", "set the volume of the {device} to {level}"),
         "The volume is at {level} percent.", {"device": choices_kind(("device", "output", "where"), "radio", "phone",
         "speaker", "television")}),
    Tool(("log_workout", "add_workout", "training_log"), "Notes some exercise.", {"activity": choices_kind(("activity",
        "sport", "kind"), "running", "swimming", "cycling", "yoga", "rowing", "dancing"), "minutes": MINUTES},
         ("note {minutes} minutes of {activity}", "log {minutes} minutes of {activity}",
          "write down {activity} for {minutes} minutes"), ("log {activity} for {minutes} minutes",
          "write down {minutes} minutes of {activity}"),
         "I noted {minutes} minutes of {activity}.", {}, ("I did {minutes} minutes of {activity}.",
         "Today was {activity} for {minutes} minutes."), ("I did {activity} for {minutes} minutes.",)),
    Tool(("find_movies", "movie_search", "search_films"), "Finds films.", {"genre": choices_kind(("genre", "kind",
        "category"), "comedy", "drama", "war", "mystery", "romance", "fantasy")},
         ("find a {genre} film", "search for {genre} films from {year}", "show me some {genre} films",
          "look for a {genre} film from {year}"), ("find {genre} films from {year}", "look for {genre} films"),
          "There are {count} films for you.",
         {"year": Kind(INTEGER, integer(1960, 2025), ("year", "from_year", "released"))},
         ("I want to watch a {genre} film.",), ("I want to watch some {genre} films from {year}.",),
          {"count": integer(2, 40)}),
    Tool(("transfer_money", "send_money", "pay"), "Sends money to a person.", {"to": PERSON, "amount": AMOUNT},
         ("send {amount} euros to {to}", "pay {to} {amount} euros", "transfer {amount} euros to {to}",
          "give {to} {amount} euros"), ("transfer {amount} to {to}", "send {to} {amount} euros"),
          "{to} has received {amount} euros.", {},
         ("I owe {to} {amount} euros, please pay.",), ("I owe {to} {amount} euros.",)),
    Tool(("check_balance", "account_balance", "get_balance"), "Money in an account.",
        {"account": choices_kind(("account", "kind", "which"), "savings", "checking", "travel", "family")},
         ("check my {account} account", "tell me the balance of the {account} account",
          "look at my {account} account"), ("check the balance of my {account} account",
          "look at the {account} account"),
         "There are {money} euros in your {account} account.", {}, ("How much money is in my {account} account?",),
         ("How much is in the {account} account?", "What is the balance of my {account} account?"),
          {"money": integer(10, 9000)}),
    Tool(("water_plants", "irrigate", "sprinkler"), "Waters a part of the garden.", {"zone": text_kind(one_of("lawn",
        "roses", "tomatoes", "herbs", "hedge", "trees", "flowers", "beans"), "zone", "area", "plants"),
        "minutes": MINUTES},
         ("water the {zone} for {minutes} minutes", "give the {zone} water for {minutes} minutes",
          "run the sprinkler on the {zone} for {minutes} minutes"), ("give the {zone} {minutes} minutes of water",
          "run water on the {zone} for {minutes} minutes"),
         "The {zone} will get water for {minutes} minutes."),
    Tool(("feed_pet", "pet_feeder", "dispense_food"), "Feeds a pet.", {"pet": text_kind(one_of("cat", "dog", "rabbit",
        "parrot", "hamster", "turtle", "goldfish", "pony"), "pet", "animal", "who"), "grams": Kind(INTEGER, integer(1,
        40, 5), ("grams", "amount", "portion"))},
         ("feed the {pet} {grams} grams", "give the {pet} {grams} grams of food", "give {grams} grams to the {pet}"),
          ("feed {grams} grams to the {pet}",), "The {pet} has got {grams} grams of food.", {},
         ("The {pet} needs {grams} grams of food.",), ("The {pet} should get {grams} grams.",)),
    Tool(("book_taxi", "call_taxi", "order_ride"), "Orders a taxi.", {"to": GOAL, "time": TIME},
         ("book a taxi to {to} at {time}", "order a taxi at {time} to {to}",
          "call a taxi for {people} to {to} at {time}"), ("order a taxi to {to} at {time}",
          "book a taxi for {people} people to {to} at {time}"),
         "The taxi to {to} comes at {time}.", {"people": PEOPLE}, ("I need a taxi to {to} at {time}.",),
         ("We need a taxi to {to} at {time}.",)),
    Tool(("buy_tickets", "book_tickets", "get_tickets"), "Buys tickets.", {"event": text_kind(one_of("concert",
        "museum", "circus", "theater", "football game", "zoo", "opera", "aquarium", "festival"), "event", "show",
        "what"), "count": Kind(INTEGER, integer(2, 9), ("count", "tickets", "number"))},
         ("buy {count} tickets for the {event}", "get {count} tickets to the {event}",
          "book {count} tickets for the {event} {day}"), ("book {count} tickets to the {event}",
          "buy {count} tickets for the {event} {day}"),
         "You have {count} tickets for the {event}.", {"day": DAY},
         ("We want to see the {event}, {count} tickets please.",), ("I need {count} tickets for the {event}.",)),
)
