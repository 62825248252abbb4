# SPDX-License-Identifier: Apache-2.0
"""smolagents: chats, streams, and an agent that must call a tool in each step."""
from asked import *
from smolagents import ChatMessage, MessageRole, OpenAIServerModel, ToolCallingAgent, tool

watered = []


@tool
def irrigate(plants: str, minutes: int) -> str:
    """Waters a part of the garden.

    Args:
        plants: what is watered
        minutes: how long
    """
    watered.append({"plants": plants, "minutes": minutes})
    return "done"


model = OpenAIServerModel(MODEL, api_base=BASE, api_key=KEY, temperature=0, client_kwargs={"max_retries": 0})
asked = [ChatMessage(role=MessageRole.USER, content=[{"type": "text", "text": SUM}])]
whole = model.generate(asked)
assert ANSWER in whole.content and whole.token_usage.output_tokens > 0
parts = list(model.generate_stream(asked))
assert "".join(part.content or "" for part in parts) == whole.content
assert [p.token_usage.output_tokens for p in parts if p.token_usage] == [whole.token_usage.output_tokens]
called = model.generate([ChatMessage(role=MessageRole.USER, content=[{"type": "text", "text": WATER}])],
                        tools_to_call_from=[irrigate])
assert called.tool_calls[0].function.arguments in (WATERED, json.dumps(WATERED)), called
for stream in [False, True]:
    watered.clear()
    ToolCallingAgent(tools=[irrigate], model=model, max_steps=2, stream_outputs=stream, verbosity_level=0).run(WATER)
    assert watered and watered[0]["minutes"] == 42, watered
