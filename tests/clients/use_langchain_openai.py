# SPDX-License-Identifier: Apache-2.0
"""LangChain's ChatOpenAI: chats and responses, streams, tools in a loop, shapes of three methods."""
from asked import *
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI
from pydantic import BaseModel


class Water(BaseModel):
    plants: str
    minutes: int


@tool
def irrigate(plants: str, minutes: int) -> str:
    "Waters a part of the garden."
    return "done"


for responses in [False, True]:
    model = ChatOpenAI(model=MODEL, base_url=BASE, api_key=KEY, temperature=0, max_retries=0, stream_usage=True,
                       use_responses_api=responses)
    whole = model.invoke(SUM)
    assert ANSWER in whole.text and whole.usage_metadata["output_tokens"] > 0
    streamed = None
    for chunk in model.stream(SUM):
        streamed = chunk if streamed is None else streamed + chunk
    assert streamed.text == whole.text
    assert streamed.usage_metadata["output_tokens"] == whole.usage_metadata["output_tokens"], streamed.usage_metadata
    for choice in ["auto", "required", "irrigate"]:
        bound, turn = model.bind_tools([irrigate], tool_choice=choice), [HumanMessage(WATER)]
        turn.append(bound.invoke(turn))
        [call] = turn[-1].tool_calls
        assert call["args"] == WATERED
        added = None
        for chunk in bound.stream(turn[:1]):
            added = chunk if added is None else added + chunk
        assert [c["args"] for c in added.tool_calls] == [WATERED], added
        turn.append(ToolMessage(irrigate.invoke(call["args"]), tool_call_id=call["id"]))
        assert model.bind_tools([irrigate]).invoke(turn).text
    for method in ["function_calling", "json_schema"]:
        assert isinstance(model.with_structured_output(Water, method=method, strict=True).invoke(WATER), Water)
assert OpenAI(model=MODEL, base_url=BASE, api_key=KEY, max_tokens=5, temperature=0).invoke("Once")
