# SPDX-License-Identifier: Apache-2.0
"""litellm: through its two providers for such servers; a prompt that is too long is an error of its own."""
from asked import *
import litellm

litellm.suppress_debug_info = True
for provider in ["openai", "hosted_vllm"]:
    common = {"model": f"{provider}/{MODEL}", "api_base": BASE, "api_key": KEY, "temperature": 0, "num_retries": 0}
    answer = litellm.completion(messages=MESSAGES, **common)
    text = answer.choices[0].message.content
    assert ANSWER in text and answer.usage.completion_tokens > 0
    chunks = list(litellm.completion(messages=MESSAGES, stream=True, stream_options={"include_usage": True}, **common))
    whole = litellm.stream_chunk_builder(chunks, messages=MESSAGES)
    assert whole.choices[0].message.content == text
    assert whole.usage.completion_tokens == answer.usage.completion_tokens, whole.usage
    assert whole.choices[0].message.get("reasoning_content") == answer.choices[0].message.get("reasoning_content")
    water = [{"role": "user", "content": WATER}]
    for choice in ["auto", "required"]:
        for stream in [False, True]:
            got = litellm.completion(messages=water, tools=[WATER_TOOL], tool_choice=choice, stream=stream, **common)
            message = (litellm.stream_chunk_builder(list(got)) if stream else got).choices[0].message
            [call] = message.tool_calls
            assert (call.function.name, json.loads(call.function.arguments)) == ("irrigate", WATERED)
    turn = water + [message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": "done"}]
    assert litellm.completion(messages=turn, tools=[WATER_TOOL], **common).choices[0].message.content
    shape = {"type": "json_schema", "json_schema": {"name": "water", "schema": WATER_PARAMETERS, "strict": True}}
    shaped = litellm.completion(messages=water, response_format=shape, **common)
    assert set(json.loads(shaped.choices[0].message.content)) == set(WATERED)
    assert litellm.text_completion(prompt="Once", max_tokens=5, **common).usage.completion_tokens == 5
    assert litellm.responses(input=SUM, **{k: v for k, v in common.items() if k != "num_retries"}).output
    long = [{"role": "user", "content": TOO_LONG}]
    raises(litellm.ContextWindowExceededError, lambda: litellm.completion(messages=long, **common))
    raises(litellm.AuthenticationError, lambda: litellm.completion(messages=MESSAGES, **{**common, "api_key": "wrong"}))
    raises(litellm.NotFoundError,
           lambda: litellm.completion(messages=MESSAGES, **{**common, "model": f"{provider}/none"}))
