#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/chat/: a few conversations, and the prompts that the real libraries make of them.

  make_chat_goldens.py TEMPLATES       run in the repository's root

Needs openai-harmony 0.0.8 with o200k_base.tiktoken in the folder TIKTOKEN_ENCODINGS_BASE, transformers 5.24.0 with
jinja2 3.1.6, and in TEMPLATES qwen3.jinja and qwen3_instruct_2507.jinja (trl 1.16.0, trl/chat_templates),
qwen3_thinking.jinja (unsloth 2026.10.9, qwen3_thinking_template of unsloth/chat_templates.py), qwen3_coder_first.jinja
(xinference 4.1.0, the chat_template of xinference/model/llm/models/Qwen3-Coder.json), qwen3_coder.jinja (a
checkpoint's chat_template.jinja that writes "# Tools"), and qwen3_5_think.jinja, qwen3_5_nothink.jinja and qwen3_6.jinja
(trl 1.16.0 again).
A message is in the form of nf_chat_message (text/chat.h); tools are JSON as a client would send it, in a string.
Of thoughts harmony's library drops those before the first final answer, the model's template those before the last;
the latter is done here, in front of the library.
"""
import json, os, sys
from openai_harmony import (Author, Conversation, DeveloperContent, HarmonyEncodingName, Message, ReasoningEffort,
                            RenderConversationConfig, Role, SystemContent, ToolDescription, load_harmony_encoding)
from transformers.utils.chat_template_utils import render_jinja_template

FOLDER = "tests/data/chat"
FERRY = {"name": "ferry", "description": "Departures of a ferry.\nTimes are local.", "parameters": {"type": "object", "properties": {
    "port": {"type": "string", "description": "Where it leaves", "examples": ["Oban", 3]},
    "class": {"type": "string", "enum": ["foot", "car"], "default": "foot"},
    "when": {"description": "A day & an hour", "oneOf": [{"type": "string", "description": "ISO 8601"},
                                                       {"type": "integer", "description": "seconds", "default": 0, "nullable": True}]},
    "berths": {"type": "array", "items": {"type": "object", "title": "Berth", "description": "One bed", "properties": {
        "deck": {"type": ["integer", "null"], "title": "Deck"}, "price": {"type": "number", "default": 1e-7}}, "required": ["deck"]}},
    "pets": {"type": "boolean", "nullable": True, "default": False}, "any": {"anyOf": [{"type": "string"}]}, "list": {"type": "array"},
    "limits": {"type": "object", "default": {"low": [1.0, 1e22, -0.0], "name": "é \"q\"\t"}}}, "required": ["port", "when"]}}
CLOCK = {"name": "clock", "description": ""}
EMPTY = {"name": "empty", "description": "Takes anything: <b> & 'quotes'.", "parameters": {}}
ODD = ('[ {"type":"function","function":{"name":"odd","parameters":{"minimum":-0,"maximum":18446744073709551615,"big":1234567890123456789012345678901'
       ',"a":1E5,"b":1.0,"c":1e-7,"d":1e16,"e":123456789.125,"f":0.0001,"g":0.00001,"h":-0.0,"s":"\\u00e9\\/\\u0007\\"<>&\'\\ud83d\\ude42 1e5"}}}]')


def form(*functions):
    return json.dumps([{"type": "function", "function": f} for f in functions])


def user(text, **more): return dict(role="user", content=text, **more)
def said(text, **more): return dict(role="assistant", content=text, **more)
def result(text, **more): return dict(role="tool", content=text, **more)
def call(name, arguments, id=""): return {"id": id, "name": name, "arguments": arguments}


PARALLEL = [user("Both, please."),
            said("I'll ask.", thoughts="Two calls.", calls=[call("ferry", '{"port": "Oban",  "when": 7}', "a"), call("clock", "{}", "b")]),
            result("10:05", call_id="b"), result('{"next": "11:00"}\n', call_id="a")]
ANSWERED = PARALLEL + [said("At eleven.", thoughts="Simple.")]
STEPS = [user("Can I go?"), said("", thoughts="time", calls=[call("clock", "{}")]), result("10:05"),
         said("", thoughts="table", calls=[call("ferry", '{"port":"Mallaig"}')]), result("none")]
CASES = [  # name, messages, tools
    ("question", [user("What is a lighthouse?")], None),
    ("instructions", [dict(role="system", content="Be brief.\n"), user(" Why? \n", )], None),
    ("developer", [dict(role="developer", content="Answer in rhyme."), user("Why?")], None),
    ("turns", [user("1+1?"), said("2", thoughts="easy"), user("and 1?"), said("3", thoughts="2+1"), user("less 2?")], None),
    ("tools", [user("When?")], form(FERRY, CLOCK, EMPTY)),
    ("odd numbers", [dict(role="system", content="x"), user("When?")], ODD),
    ("parallel calls", PARALLEL, form(FERRY, CLOCK)),
    ("answered calls", ANSWERED, form(CLOCK)),
    ("next question", ANSWERED + [user("Thanks, 世界 🙂")], form(CLOCK)),
    ("two steps", STEPS, form(CLOCK)),
    ("empty texts", [user(""), said(""), user("\t")], None),
    ("marks as text", [user("say <|end|><|im_end|> and <|return|>"), said("<|call|>"), user("<|im_start|>system")], None),
]
HARMONY_CASES = [
    ("python among thoughts", [user("2**70?"), said("compute", channel="analysis"), said("2**70", channel="analysis", recipient="python", content_type="code"),
                               dict(role="tool", name="python", channel="analysis", content="1180591620717411303424")], None),
    ("preamble", [user("Plan.", name="mara"), said("First the clock.", channel="commentary"),
                  said("{}", channel="commentary", recipient="functions.clock", content_type="<|constrain|>json")], form(CLOCK)),
    ("content type", [user("JSON!"), said("{}", channel="final", content_type="<|constrain|>json"), user("again")], None),
]
ANSWERS = ["<|channel|>final<|message|>At ten.<|return|>", "<|channel|>analysis<|message|>Hm.\n<|end|><|start|>assistant<|channel|>final<|message|>Ten 世界<|return|>",
           "<|channel|>commentary to=functions.ferry <|constrain|>json<|message|>{\"port\":\"Oban\"}<|call|>",
           " to=functions.ferry<|channel|>commentary json<|message|>{}<|call|>", "<|channel|>analysis to=python code<|message|>1+1<|call|>",
           "<|channel|>commentary to=functions.clock<|constrain|>json<|message|><|call|>", "<|message|>plain<|end|>", "<|channel|>final<|message|>cut",
           "<|channel|>commentary<|message|>First.<|end|><|start|>assistant to=functions.clock<|channel|>commentary<|message|>{}<|call|>"]
CHATML_CASES = [
    ("thoughts in the content", [user("1"), said("<think>\nhm\n</think>\n\none"), user("2"), said("<think>\nhm\n</think>\n\ntwo")], None),
    ("a user who answers like a tool", [user("q"), said("a", thoughts="r"), user("<tool_response>\nx\n</tool_response>")], None),
    ("late instructions", [user("q"), dict(role="system", content="now sing"), said("la", thoughts="\nsing\n")], None),
]


# ---- harmony ----

def expand(messages):
    """One library message for each channel."""
    finals = [i for i, m in enumerate(messages) if m["role"] == "assistant" and "recipient" not in m and not m.get("calls") and m.get("channel", "final") == "final"]
    names = {}
    for i, m in enumerate(messages):
        spent = i <= max(finals, default=-1)
        if m["role"] == "user":
            yield Message.from_author_and_content(Author(role=Role.USER, name=m.get("name")), m["content"])
        elif m["role"] == "assistant":
            def part(text, channel, recipient=None, kind=None):
                out = Message.from_role_and_content(Role.ASSISTANT, text).with_channel(channel)
                out = out.with_recipient(recipient) if recipient else out
                return out.with_content_type(kind) if kind else out
            if m.get("thoughts") and not spent: yield part(m["thoughts"], "analysis")
            if m["content"] or not (m.get("thoughts") or m.get("calls")):
                yield part(m["content"], m.get("channel", "commentary" if m.get("calls") else "final"), m.get("recipient"), m.get("content_type"))
            for c in m.get("calls", []):
                names[c["id"]] = "functions." + c["name"]
                yield part(c["arguments"], "commentary", names[c["id"]], "<|constrain|>json")
        elif m["role"] == "tool":
            name = m.get("name") or names[m.get("call_id", "")]
            yield Message.from_author_and_content(Author(role=Role.TOOL, name=name), m["content"]).with_recipient("assistant").with_channel(m.get("channel", "commentary"))


def render_harmony(encoding, messages, tools, date):
    system = SystemContent.new().with_reasoning_effort(ReasoningEffort.LOW)
    if date: system = system.with_conversation_start_date(date)
    all = [Message.from_role_and_content(Role.SYSTEM, system)]
    told = [m["content"] for m in messages if m["role"] in ("system", "developer")]
    if told or tools:
        developer = DeveloperContent.new()
        if told: developer = developer.with_instructions("\n\n".join(told))
        if tools: developer = developer.with_function_tools([ToolDescription.new(f["name"], f.get("description", ""), f.get("parameters"))
                                                            for f in (t["function"] for t in json.loads(tools))])
        all.append(Message.from_role_and_content(Role.DEVELOPER, developer))
    ids = encoding.render_conversation_for_completion(Conversation.from_messages(all + list(expand(messages))), Role.ASSISTANT,
                                                      RenderConversationConfig(auto_drop_analysis=False))
    return encoding.decode_utf8(ids)


def make_harmony():
    encoding = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)
    cases = [dict(name=name, effort="low", date=date, messages=messages, tools=tools, text=render_harmony(encoding, messages, tools, date))
             for i, (name, messages, tools) in enumerate(CASES + HARMONY_CASES) for date in ["2026-11-28" if i % 2 else ""]]
    answers = []
    for text in ANSWERS:
        read = encoding.parse_messages_from_completion_tokens(encoding.encode(text, allowed_special="all"), Role.ASSISTANT)
        answers.append(dict(answer=text, messages=[dict(channel=m.channel or "", recipient=m.recipient or "", content_type=m.content_type or "",
                                                        content=m.content[0].text) for m in read]))
    return {"made_by": "openai-harmony 0.0.8", "cases": cases, "answers": answers}


# ---- chatml ----

def openai_form(m):
    out = {"role": "system" if m["role"] == "developer" else m["role"], "content": m["content"]}
    if "thoughts" in m: out["reasoning_content"] = m["thoughts"]
    if "calls" in m: out["tool_calls"] = [{"type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}} for c in m["calls"]]
    return out


def make_chatml(folder):
    kinds = [("never", "qwen3_instruct_2507", None), ("hybrid", "qwen3", None), ("hybrid", "qwen3", False), ("always", "qwen3_thinking", None)]
    cases = []
    for i, (name, messages, tools) in enumerate(CASES + CHATML_CASES):
        for k, (kind, template, enable) in enumerate(kinds):
            if k != 1 and (i + k) % 3: continue  # a few of each will do
            answer = messages[-1]["role"] != "assistant"
            switch = {} if enable is None else {"enable_thinking": enable}
            if switch and not answer: continue
            text = render_jinja_template([[openai_form(m) for m in messages]], tools=json.loads(tools) if tools else None, add_generation_prompt=answer,
                                         chat_template=open(os.path.join(folder, template + ".jinja")).read(), **switch)[0][0]
            cases.append(dict(name=name, thinking=kind, think="default" if enable is None else "off", answer=answer, messages=messages, tools=tools, text=text))
    return {"made_by": "transformers 5.24.0, templates of trl 1.16.0 and unsloth 2026.10.9", "cases": cases}


# ---- Qwen3-Coder ----

LOOK = {"name": "look", "description": "\n Looks <here>.\n\nTwice & more. ", "strict": True, "more": [True, None, {"a": 1.0}], "parameters": {
    "type": "object", "additionalProperties": False, "properties": {
        "where": {"type": "string", "description": " A place\n", "enum": ["it's", 'a "b"', "é\n\u00a0\u200b\U0001f642", "\\ \x1b'\""], "default": None},
        "depth": {"type": ["integer", "null"], "default": 3, "examples": [1, 2.5, -0.0, 1e22], "minimum": 1e-7},
        "how": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": True}, "free": {}, "list": {"type": "array", "items": {"type": "string"}}},
    "required": ["where"], "$defs": {"x": {"type": "string"}}}}
NULLS = {"name": "nulls", "description": None, "parameters": {"properties": {}}}
CODER_CASES = [
    ("declarations", [user("Look.")], form(LOOK, NULLS, FERRY, EMPTY, {"name": "bare"})),
    ("instructions beside tools", [dict(role="system", content=" Be brief.\n"), user("Look.")], form(CLOCK)),
    ("empty instructions", [dict(role="system", content=""), user("Look.")], form(CLOCK)),
    ("arguments", [user("q"), said(" \u2028I'll look.\n", calls=[
        call("look", json.dumps({"where": "a <b>\n</parameter>\n", "depth": 3, "how": True, "free": None, "list": ["it's", 1, None, ["x"]],
                                 "o": {"k": [1.0, "é"], "l": False}, "r": 1e-7, "e": "", "big": 12345678901234567890123}, ensure_ascii=False)),
        call("bare", ""), call("look", '{"list": [], "o": {}, "l": [{"a": true}]}')]), result("one\n"), result("")], form(LOOK)),
    ("only a call", [user("q"), said("\n \t", calls=[call("bare", "{}")]), result("r"), said("\n done \n")], None),
]


def object_form(messages, tools):  # with arguments as objects, which these templates want, and tools without `strict`
    spoken = [openai_form(m) for m in messages]
    for m in spoken:
        for c in m.get("tool_calls", []): c["function"]["arguments"] = json.loads(c["function"]["arguments"] or "{}")
    told = json.loads(tools) if tools else None
    for t in told or []: t["function"].pop("strict", None)
    return spoken, told


def make_coder(folder):
    cases = []
    for name, messages, tools in CASES + CHATML_CASES + CODER_CASES:
        if tools == ODD: continue  # numbers beyond 64 bits become reals
        for form in ("coder", "coder first"):
            if form == "coder first" and (name, messages, tools) not in CODER_CASES: continue
            spoken, told = object_form(messages, tools)
            answer = messages[-1]["role"] != "assistant"
            text = render_jinja_template([spoken], tools=told, add_generation_prompt=answer,
                                         chat_template=open(os.path.join(folder, "qwen3_" + form.replace(" ", "_") + ".jinja")).read())[0][0]
            cases.append(dict(name=name, form=form, answer=answer, messages=messages, tools=tools, text=text))
    return {"made_by": "transformers 5.24.0, templates of Qwen3-Coder", "cases": cases}


# ---- Qwen3.5, Qwen3.6 ----

def make_qwen35(folder):
    kinds = [("qwen3.5", "qwen3_5_think", "opened"), ("qwen3.6", "qwen3_6", "opened"), ("qwen3.5", "qwen3_5_nothink", "asked")]
    cases = []
    for i, (name, messages, tools) in enumerate(CASES + CHATML_CASES + CODER_CASES):
        if name in ("late instructions", "empty texts"): continue  # instructions are first there, and a question is something
        for k, (form, template, kind) in enumerate(kinds):
            if (i + k) % 3 and name != "arguments": continue
            spoken, told = object_form(messages, tools)
            answer = messages[-1]["role"] != "assistant"
            for think, switch in [("default", {})] + ([("off", {"enable_thinking": False}), ("on", {"enable_thinking": True})] if i < 4 else []):
                text = render_jinja_template([spoken], tools=told, add_generation_prompt=answer,
                                             chat_template=open(os.path.join(folder, template + ".jinja")).read(), **switch)[0][0]
                cases.append(dict(name=name, form=form, thinking=kind, think=think, answer=answer, messages=messages, tools=tools, text=text))
    return {"made_by": "transformers 5.24.0, templates of trl 1.16.0", "cases": cases}


def save(name, document):
    rows = {key: value if isinstance(value, str) else [json.dumps({k: v for k, v in row.items() if v is not None}, ensure_ascii=False) for row in value]
            for key, value in document.items()}
    lines = [json.dumps(key) + ": " + (json.dumps(value) if isinstance(value, str) else "[\n  " + ",\n  ".join(value) + "\n ]") for key, value in rows.items()]
    with open(os.path.join(FOLDER, name), "w") as f: f.write("{" + ",\n ".join(lines) + "}\n")


os.makedirs(FOLDER, exist_ok=True)
save("harmony.json", make_harmony())
save("chatml.json", make_chatml(sys.argv[1]))
save("coder.json", make_coder(sys.argv[1]))
save("qwen3_5.json", make_qwen35(sys.argv[1]))
