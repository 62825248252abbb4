# SPDX-License-Identifier: Apache-2.0
"""pydantic-ai: agents over chats and over responses, with tools, streams and outputs of three kinds."""
from asked import *
import asyncio
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, ToolOutput, ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider


class Sum(BaseModel):
    sum: int


def of(kind, key=KEY):
    return kind(MODEL, provider=OpenAIProvider(base_url=BASE, api_key=key))


async def watering(kind):
    agent, watered = Agent(of(kind), model_settings={"temperature": 0}), []

    @agent.tool_plain
    def irrigate(plants: str, minutes: int) -> str:
        "Waters a part of the garden."
        watered.append({"plants": plants, "minutes": minutes})
        return "done"

    run = await agent.run(WATER)
    assert watered == [WATERED] and run.output, (watered, run.output)
    assert run.usage.requests == 2, run.usage
    async with agent.run_stream(WATER) as stream:
        text = [t async for t in stream.stream_text()]
    assert watered == [WATERED] * 2 and text[-1] == run.output


async def main():
    for kind in [OpenAIChatModel, OpenAIResponsesModel]:
        agent = Agent(of(kind), model_settings={"temperature": 0})
        run = await agent.run(SUM)
        assert ANSWER in run.output
        thoughts = [p for p in run.response.parts if p.part_kind == "thinking"]
        async with agent.run_stream(SUM) as stream:
            assert await stream.get_output() == run.output
        assert stream.usage.output_tokens == run.usage.output_tokens > 0, (stream.usage, run.usage)
        assert len(thoughts) == len([p for p in stream.response.parts if p.part_kind == "thinking"])
        await watering(kind)
        for output in [ToolOutput(Sum), NativeOutput(Sum)]:
            got = await Agent(of(kind), output_type=output, model_settings={"temperature": 0}).run(SUM)
            assert isinstance(got.output, Sum)
        for call in [Agent(of(kind)).run(TOO_LONG), Agent(of(kind, "wrong")).run(SUM)]:
            try:
                await call
                raise SystemExit("no error")
            except ModelHTTPError as error:
                assert error.status_code in (400, 401)


asyncio.run(main())
