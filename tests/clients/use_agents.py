# SPDX-License-Identifier: Apache-2.0
"""openai-agents: a loop of call, result and answer over responses and over chats, streamed too, and shapes."""
from asked import *
import asyncio
import agents
import openai
from pydantic import BaseModel

agents.set_tracing_disabled(True)
watered = []


class Sum(BaseModel):
    sum: int


@agents.function_tool
def irrigate(plants: str, minutes: int) -> str:
    "Waters a part of the garden."
    watered.append({"plants": plants, "minutes": minutes})
    return "done"


async def main():
    client = openai.AsyncOpenAI(base_url=BASE, api_key=KEY, max_retries=0)
    for kind in [agents.OpenAIResponsesModel, agents.OpenAIChatCompletionsModel]:
        def agent(**but):
            return agents.Agent(name="a", model=kind(model=MODEL, openai_client=client),
                                model_settings=agents.ModelSettings(temperature=0, include_usage=True), **but)

        watered.clear()
        plain = await agents.Runner.run(agent(), SUM)
        assert ANSWER in plain.final_output
        assert plain.context_wrapper.usage.output_tokens > 0
        run = await agents.Runner.run(agent(tools=[irrigate]), WATER)
        assert watered == [WATERED] and run.final_output and run.context_wrapper.usage.requests == 2
        streamed = agents.Runner.run_streamed(agent(tools=[irrigate]), WATER)
        async for _ in streamed.stream_events():
            pass
        assert watered == [WATERED] * 2 and streamed.final_output == run.final_output
        assert streamed.context_wrapper.usage.output_tokens == run.context_wrapper.usage.output_tokens
        more = await agents.Runner.run(agent(tools=[irrigate]), run.to_input_list() + [{"role": "user", "content": SUM}])
        assert more.final_output
        shaped = await agents.Runner.run(agent(output_type=Sum), SUM)
        assert isinstance(shaped.final_output, Sum)


asyncio.run(main())
