# SPDX-License-Identifier: Apache-2.0
"""Chat formats: a sample as the text that a model is trained on, in pieces with a loss weight each.

The prompt of a sample is what infuse renders for its messages before the last, the rest is what the model is to
answer. Pieces may be encoded one by one: none of their edges lies within a token of the whole text.
"""
import json
from collections.abc import Callable
from itertools import groupby
from random import Random

Segments = list[tuple[str, float]]
ANSWER, PROMPT, CONSTANT = 1.0, 0.1, 0.0  # weights in the loss

END_OF_TEXT = "<|endoftext|>"  # ends a raw text in both formats


def dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# ---- harmony ----

SYSTEM = "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06"
CHANNELS = "\n\n# Valid channels: analysis, commentary, final. Channel must be included for every message."
TOOL_CHANNEL = "\nCalls to these tools must go to the commentary channel: 'functions'."
EFFORTS = ("medium", "medium", "low", "high")


def date_line(rng: Random) -> str:
    if rng.random() < 0.1:
        return ""
    day = int(rng.random() * 2520)  # of seven years of twelve months of thirty days
    return f"\nCurrent date: {2024 + day // 360}-{day // 30 % 12 + 1:02}-{day % 28 + 1:02}"


def typescript(schema: dict, indent: str = "") -> str:
    """The type of a JSON schema, as openai-harmony writes it, for schemas without oneOf, title and examples."""
    kind = schema.get("type")
    if kind == "object":
        return typescript_object(schema, indent)
    if kind == "array":
        return typescript(schema["items"], indent) + "[]" if "items" in schema else "Array<any>"
    if kind == "string" and "enum" in schema:
        return " | ".join([f'"{choice}"' for choice in schema["enum"]])
    return "number" if kind == "integer" else kind


def typescript_object(schema: dict, indent: str) -> str:
    required = schema.get("required", ())
    lines = [f"// {schema['description']}\n{{\n" if "description" in schema else "{\n"]
    for name, kind in schema.get("properties", {}).items():
        if "description" in kind:
            lines.append(f"{indent}// {kind['description']}\n")
        lines.append(f"{indent}{name}{':' if name in required else '?:'} {typescript(kind, indent + '    ')},")
        lines.append(f" // default: {typescript_default(kind)}\n" if "default" in kind else "\n")
    return "".join(lines) + indent + "}"


def typescript_default(schema: dict) -> str:
    value = schema["default"]
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value if "enum" in schema else f'"{value}"'


def declare(tool: dict) -> str:
    function = tool["function"]
    parameters = function.get("parameters")
    taken = "_: " + typescript(parameters) if parameters is not None else ""
    return f"// {function['description']}\ntype {function['name']} = ({taken}) => any;"


def developer(sample: dict) -> str:
    parts = ["# Instructions\n\n" + sample["system"]] if "system" in sample else []
    if sample.get("tools"):
        tools = "\n\n".join([declare(tool) for tool in sample["tools"]])
        parts.append(f"# Tools\n\n## functions\n\nnamespace functions {{\n\n{tools}\n\n}} // namespace functions")
    return f"<|start|>developer<|message|>" + "\n\n".join(parts) + "<|end|>" if parts else ""


def past_turn(turn: dict, thoughts: bool) -> str:
    """A turn of the assistant that is over; its thoughts stay until a final answer follows."""
    parts = []
    calls = turn.get("tool_calls", ())
    if thoughts and turn.get("thinking"):
        parts.append(f"<|start|>assistant<|channel|>analysis<|message|>{turn['thinking']}<|end|>")
    if turn.get("content"):
        channel = "commentary" if calls else "final"
        parts.append(f"<|start|>assistant<|channel|>{channel}<|message|>{turn['content']}<|end|>")
    for call in calls:
        parts.append(f"<|start|>assistant to=functions.{call['name']}<|channel|>commentary <|constrain|>json<|message|>"
                     f"{dump(call['arguments'])}<|call|>")
    return "".join(parts)


def past_message(message: dict, thoughts: bool) -> str:
    if message["role"] == "user":
        return f"<|start|>user<|message|>{message['content']}<|end|>"
    if message["role"] == "tool":
        return f"<|start|>functions.{message['name']} to=assistant<|channel|>commentary<|message|>{message['content']}<|end|>"
    return past_turn(message, thoughts)


def is_final(message: dict) -> bool:
    return message["role"] == "assistant" and not message.get("tool_calls")


def harmony_answer(turn: dict) -> str:
    """What stands behind <|start|>assistant: the model, unlike a conversation's history, names the channel first."""
    parts = []
    if turn.get("thinking"):
        parts.append(f"<|channel|>analysis<|message|>{turn['thinking']}<|end|><|start|>assistant")
    if not turn.get("tool_calls"):
        parts.append(f"<|channel|>final<|message|>{turn['content']}<|return|>")
    for call in turn.get("tool_calls", ())[:1]:  # the model stops behind a call
        parts.append(f"<|channel|>commentary to=functions.{call['name']} <|constrain|>json<|message|>"
                     f"{dump(call['arguments'])}<|call|>")
    return "".join(parts)


def harmony(sample: dict, rng: Random) -> Segments:
    if "text" in sample:
        return [(sample["text"] + END_OF_TEXT, ANSWER)]
    *past, last = sample["messages"]
    answered = max([i for i, message in enumerate(past) if is_final(message)], default=-1)
    head = [SYSTEM, date_line(rng), "\n\nReasoning: " + rng.choice(EFFORTS) + CHANNELS +
            (TOOL_CHANNEL if sample.get("tools") else "") + "<|end|>", developer(sample)]
    prompt = [past_message(message, i > answered) for i, message in enumerate(past)]
    return [(text, CONSTANT) for text in head if text] + [("".join(prompt) + "<|start|>assistant", PROMPT),
                                                          (harmony_answer(last), ANSWER)]


# ---- ChatML ----

TOOLS_HEAD = ("# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
              "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n")
TOOLS_TAIL = ("For each function call, return a json object with function name and arguments within "
              "<tool_call></tool_call> XML tags:\n<tool_call>\n"
              '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call><|im_end|>\n')


def chatml_system(sample: dict) -> list[str]:
    told, tools = sample.get("system", ""), sample.get("tools")
    if not tools:
        return [f"<|im_start|>system\n{told}<|im_end|>\n"] if told else []
    lines = "".join([dump(tool) + "\n" for tool in tools])
    return ["<|im_start|>system\n" + (told and told + "\n\n"), TOOLS_HEAD, lines + "</tools>\n\n", TOOLS_TAIL]


def chatml_said(turn: dict) -> str:
    """What is said in a turn. This assistant doesn't think, so that it works aloud."""
    parts = [turn[key] for key in ("thinking", "content") if turn.get(key)]
    for call in turn.get("tool_calls", ()):
        parts.append(f'<tool_call>\n{{"name": "{call["name"]}", "arguments": {dump(call["arguments"])}}}\n</tool_call>')
    return "\n".join(parts)


def chatml_past(messages: list[dict]) -> str:
    parts = []
    for role, turns in groupby(messages, lambda message: message["role"]):
        if role == "tool":  # results in a row share a turn
            texts = [f"<tool_response>\n{turn['content']}\n</tool_response>" for turn in turns]
            parts.append("<|im_start|>user\n" + "\n".join(texts) + "<|im_end|>\n")
        else:
            parts += [f"<|im_start|>{role}\n{chatml_said(turn)}<|im_end|>\n" for turn in turns]
    return "".join(parts)


def chatml(sample: dict, rng: Random) -> Segments:
    if "text" in sample:
        return [(sample["text"] + END_OF_TEXT, ANSWER)]
    *past, last = sample["messages"]
    prompt = chatml_past(past) + "<|im_start|>assistant\n"
    system = [(text, CONSTANT) for text in chatml_system(sample)]
    return system + [(prompt, PROMPT), (chatml_said(last) + "<|im_end|>", ANSWER), ("\n", CONSTANT)]


FORMATS: dict[str, Callable[[dict, Random], Segments]] = {"harmony": harmony, "chatml": chatml}


def segments(sample: dict, format: str, rng: Random) -> Segments:
    """The whole text of a sample; `rng` draws what infuse fills in: date and reasoning effort."""
    return FORMATS[format](sample, rng)
