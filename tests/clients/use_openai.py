# SPDX-License-Identifier: Apache-2.0
"""openai: chats, streams, calls, shapes and responses, with the helpers that gather them; and errors."""
from asked import *
import openai
from pydantic import BaseModel
from typing import Optional


class Tree(BaseModel):
    value: int
    left: Optional["Tree"]


class Sum(BaseModel):
    sum: int


def client(**but):
    return openai.OpenAI(**{"base_url": BASE, "api_key": KEY, "max_retries": 0, "timeout": 60, **but})


chat = client().chat.completions
common = {"model": MODEL, "temperature": 0}
answer = chat.create(messages=MESSAGES, **common)
assert ANSWER in answer.choices[0].message.content
assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
text = answer.choices[0].message.content
for _ in range(3):
    with client().chat.completions.create(messages=MESSAGES, stream=True, **common) as stream:
        assert "".join(c.choices[0].delta.content or "" for c in stream) == text
with chat.stream(messages=MESSAGES, stream_options={"include_usage": True}, **common) as events:
    for _ in events:
        pass
    whole = events.get_final_completion()
assert whole.choices[0].message.content == text and whole.usage.completion_tokens == answer.usage.completion_tokens

# calls: as the model likes, one that it must make, one by name, none
for choice in ["auto", "required", {"type": "function", "function": {"name": "irrigate"}}]:
    asked = {"messages": [{"role": "user", "content": WATER}], "tools": [WATER_TOOL], "tool_choice": choice, **common}
    message = chat.create(**asked).choices[0].message
    [call] = message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("irrigate", WATERED), call
    with chat.stream(**asked) as events:
        for _ in events:
            pass
        streamed = events.get_final_completion().choices[0]
    assert streamed.message.tool_calls[0].function.arguments == call.function.arguments
    assert streamed.finish_reason == "tool_calls"
none = chat.create(messages=MESSAGES, tools=[WATER_TOOL], tool_choice="none", **common).choices[0]
assert not none.message.tool_calls and none.message.content
second = asked["messages"] + [message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": "done"}]
assert chat.create(messages=second, tools=[WATER_TOOL], **common).choices[0].message.content
strict = chat.parse(messages=asked["messages"], tools=[openai.pydantic_function_tool(Sum)], tool_choice="required", **common)
assert isinstance(strict.choices[0].message.tool_calls[0].function.parsed_arguments, Sum)

# shapes
assert isinstance(chat.parse(messages=MESSAGES, response_format=Sum, **common).choices[0].message.parsed, Sum)
assert isinstance(chat.parse(messages=MESSAGES, response_format=Tree, **common).choices[0].message.parsed, Tree)

# responses
responses = client().responses
assert ANSWER in responses.create(input=SUM, **common).output_text
with responses.stream(input=SUM, **common) as events:
    for _ in events:
        pass
    assert ANSWER in events.get_final_response().output_text
assert isinstance(responses.parse(input=SUM, text_format=Sum, **common).output_parsed, Sum)
flat = {"type": "function", "strict": True, **WATER_TOOL["function"]}
called = responses.create(input=WATER, tools=[flat], tool_choice={"type": "function", "name": "irrigate"}, **common)
[call] = [item for item in called.output if item.type == "function_call"]
assert json.loads(call.arguments) == WATERED
openai.types.responses.FunctionTool.model_validate(called.tools[0].to_dict())  # which the client itself leaves out
turn = [{"role": "user", "content": WATER}, *called.output,
        {"type": "function_call_output", "call_id": call.call_id, "output": "done"}]
assert responses.create(input=turn, tools=[flat], **common).output_text

# models and errors
assert [m.id for m in client().models.list()] == [MODEL] and client().models.retrieve(MODEL).id == MODEL
for wrong, kind in [({"model": "none"}, openai.NotFoundError), ({"messages": []}, openai.BadRequestError)]:
    assert raises(kind, lambda: chat.create(**{"messages": MESSAGES, **common, **wrong})).request_id
long = [{"role": "user", "content": TOO_LONG}]
assert raises(openai.BadRequestError, lambda: chat.create(messages=long, **common)).code == "context_length_exceeded"
assert raises(openai.AuthenticationError, lambda: client(api_key="wrong").models.list()).code == "invalid_api_key"
