# SPDX-License-Identifier: Apache-2.0
"""LlamaIndex's OpenAILike: chats, completions, streams, tools and structured answers."""
from asked import *
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel


class Water(BaseModel):
    plants: str
    minutes: int


def irrigate(plants: str, minutes: int) -> str:
    "Waters a part of the garden."
    return "done"


def model(**but):
    return OpenAILike(**{"model": MODEL, "api_base": BASE, "api_key": KEY, "temperature": 0, "max_retries": 0,
                         "is_chat_model": True, "is_function_calling_model": True, "context_window": 4096, **but})


asked = [ChatMessage(role="user", content=SUM)]
whole = model().chat(asked)
assert ANSWER in whole.message.content
*_, last = model().stream_chat(asked)
assert last.message.content == whole.message.content
assert model(is_chat_model=False).complete("Once", max_tokens=5).text
assert list(model(is_chat_model=False).stream_complete("Once", max_tokens=5))[-1].text
tool = FunctionTool.from_defaults(irrigate)
for required in [False, True]:
    called = model().chat_with_tools([tool], user_msg=WATER, tool_required=required)
    [call] = model().get_tool_calls_from_response(called)
    assert call.tool_kwargs == WATERED, call
    *_, last = model().stream_chat_with_tools([tool], user_msg=WATER, tool_required=required)
    [call] = model().get_tool_calls_from_response(last)
    assert call.tool_kwargs == WATERED, call
assert isinstance(model(should_use_structured_outputs=True).as_structured_llm(Water).complete(WATER).raw, Water)
assert isinstance(model().as_structured_llm(Water).complete(WATER).raw, Water)
