# SPDX-License-Identifier: Apache-2.0
"""Requests with a few functions on offer: a call with arguments from the request, an answer in words once its result is
there, or an answer without a call."""
import json
from random import Random
from string import Formatter

from compose import number, pick
from tool_specs import TOOLS, Tool

FRAMES = ("{Ask}.", "Please {ask}.", "Can you {ask}?", "Could you {ask}, please?", "{Ask}, please.", "Hey, {ask}.", "I want you to {ask}.",
          "Now {ask}.", "You should {ask} for me.", "Would you {ask}?", "{Ask}", "Could you please {ask}?", "Please {ask} for me.", "Can you {ask} for me?",
          "I would like you to {ask}.", "Will you please {ask} now?", "I need you to {ask}.", "{Ask} for me, please.", "{Ask} now, please.",
          "Be so kind and {ask}.", "Hi there. Please {ask}.")
FRAMES_HELD_OUT = ("Would you please {ask} for me?", "Could you {ask}?", "Please {ask} now.", "Can you please {ask} now?")
QUESTION_FRAMES = ("{Ask}", "{Ask}", "Hi. {Ask}", "{Ask} Thanks.", "Hello! {Ask}", "Good morning. {Ask}", "Hey there! {Ask}", "Hi! {Ask}", "{Ask} Many thanks.", "Hello there. {Ask}",
                   "One question: {Ask}", "{Ask} I thank you.")
QUESTION_FRAMES_HELD_OUT = ("{Ask}", "Hi there. {Ask}", "{Ask} Thank you!")
NO_TOOL = ("I have no tool for that.", "None of my tools can do that.", "I am sorry, my tools can not do that.")
PLAIN = (  # no function is needed
    ("Hello!", "Hello! What can I do for you?"), ("Hi there.", "Hello! What can I do for you?"), ("Thank you!", "You are welcome!"),
    ("Thanks, that was helpful.", "You are welcome!"), ("Good morning!", "Good morning! What can I do for you?"),
    ("Good night!", "Good night! Sleep well."), ("You are great.", "Thank you! That is kind of you."), ("That is all for now.", "Goodbye! Have a nice day."),
    ("Who are you?", "I am a small model that infuse ships to test itself: I can do arithmetic, lists, tables, tool calls and short stories."))
PLAIN_HELD_OUT = (("Hello there!", PLAIN[0][1]), ("Thank you, that was great.", "You are welcome!"), ("Hi! Good morning.", PLAIN[4][1]))


def wordings(tool: Tool, held_out: bool) -> list[tuple[str, tuple[str, ...]]]:
    """Whole requests with the parameters that each names."""
    asks, questions = (tool.asks_held_out, tool.questions_held_out) if held_out else (tool.asks, tool.questions)
    frames, around = (FRAMES_HELD_OUT, QUESTION_FRAMES_HELD_OUT) if held_out else (FRAMES, QUESTION_FRAMES)
    texts = [frame.replace("{ask}", ask).replace("{Ask}", ask[0].upper() + ask[1:]) for ask in asks for frame in frames]
    texts += [frame.replace("{Ask}", question) for question in questions for frame in around]
    return [(text, tuple(key for _, key, _, _ in Formatter().parse(text) if key)) for text in texts]


REQUESTS = {held_out: [wordings(tool, held_out) for tool in TOOLS] for held_out in (False, True)}


def offer(rng: Random, tool: Tool, held_out: bool) -> tuple[dict, dict[str, str]]:
    """The function with one of its names, and the names of its parameters. Some combinations are held out."""
    kinds = tool.required | tool.optional
    while True:
        which = int(rng.random() * 3)
        names = {key: pick(rng, kind.names) for key, kind in kinds.items()}
        taken = set(names.values())
        kept_back = (which + len("".join(taken))) % 4 == 0
        if len(taken) == len(names) and (held_out or not kept_back):
            break
    noted = rng.random() < 0.2
    properties = {names[key]: kind.schema | {"description": kind.note} if noted and kind.note else kind.schema for key, kind in kinds.items()}
    parameters = {"type": "object", "properties": properties, "required": [names[key] for key in tool.required]}
    function = {"name": tool.names[which], "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}, names


SIZES = [5 + len(tool.required) + len(tool.optional) for tool in TOOLS]  # of a schema, in about eight tokens
ROOM, ROOM_WITH_RESULT = 27, 18


def others(rng: Random, called: int, count: int, held_out: bool, room: int) -> list[int]:
    """Functions to stand beside the called one. Every fifth pair is held out, and the first of a held-out sample is one."""
    chosen: list[int] = []
    while len(chosen) < count and SIZES[called] + sum([SIZES[other] for other in chosen]) < room - 6:
        other = int(rng.random() * len(TOOLS))
        kept_back = (called + 3 * other) % 5 == 0
        if other != called and other not in chosen and kept_back == (held_out and not chosen):
            chosen.append(other)
    return chosen


def offered(rng: Random, called: int, held_out: bool, room: int) -> tuple[list[dict], dict, dict[str, str]]:
    """The tools of a sample, the called function among them, and its parameters' names."""
    tool, names = offer(rng, TOOLS[called], held_out)
    beside = others(rng, called, pick(rng, (0, 0, 1, 1, 1, 2, 2, 3)), held_out, room)
    tools = [offer(rng, TOOLS[other], held_out)[0] for other in beside]
    tools.insert(number(rng, 0, len(tools)), tool)
    return tools, tool["function"], names


def request(rng: Random, called: int, held_out: bool) -> tuple[str, dict[str, tuple[str, object]]]:
    """What the user says, and the value of each parameter in it."""
    text, keys = pick(rng, REQUESTS[held_out][called])
    kinds = TOOLS[called].required | TOOLS[called].optional
    values = {key: kinds[key].draw(rng) for key in kinds if key in keys}
    while "from" in values and "to" in values and values["from"] == values["to"]:
        values["to"] = kinds["to"].draw(rng)
    return text.format_map({key: spoken for key, (spoken, _) in values.items()}), values


def convert(tool: Tool, values: dict[str, tuple[str, object]]) -> tuple[str, object]:
    amount = values[next(iter(tool.required))][1]
    value = round(amount * tool.worth[values["from"][0]] / tool.worth[values["to"][0]], 2)
    return f"{value:g}", json.loads(f"{value:g}")


def finish(rng: Random, tool: Tool, values: dict[str, tuple[str, object]]) -> tuple[str, str]:
    """The result of a call, and the answer in words."""
    results = {key: draw(rng) for key, draw in tool.result.items()}
    if tool.worth:
        results["result"] = convert(tool, values)
    result = json.dumps({key: value for key, (_, value) in results.items()} or {"status": "ok"})
    return result, tool.answer.format_map({key: spoken for key, (spoken, _) in (values | results).items()})


def without_call(rng: Random, called: int, held_out: bool) -> dict:
    """Nothing to call, or nothing that could be called."""
    plain = rng.random() < 0.5
    user, said = pick(rng, PLAIN_HELD_OUT if held_out else PLAIN) if plain else (request(rng, called, held_out)[0], pick(rng, NO_TOOL))
    indices = others(rng, called, number(rng, 1, 3), held_out, ROOM)
    tools = [offer(rng, TOOLS[index], held_out)[0] for index in indices]
    return {"task": "tool_calls", "messages": [{"role": "user", "content": user}, {"role": "assistant", "content": said}], "tools": tools}


def sample(rng: Random, held_out: bool) -> dict:
    called = int(rng.random() * len(TOOLS))
    kind = rng.random()
    if kind < 0.08:
        return without_call(rng, called, held_out)
    ends = kind < 0.8 or not TOOLS[called].answer
    tools, function, names = offered(rng, called, held_out, ROOM if ends else ROOM_WITH_RESULT)
    user, values = request(rng, called, held_out)
    call = {"name": function["name"], "arguments": {names[key]: value for key, (_, value) in values.items()}}
    messages = [{"role": "user", "content": user}, {"role": "assistant", "tool_calls": [call]}]
    if ends:
        return {"task": "tool_calls", "messages": messages, "tools": tools, "call": call}
    result, said = finish(rng, TOOLS[called], values)
    messages += [{"role": "tool", "name": call["name"], "content": result}, {"role": "assistant", "content": said}]
    return {"task": "tool_calls", "messages": messages, "tools": tools}
