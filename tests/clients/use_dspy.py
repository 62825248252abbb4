# SPDX-License-Identifier: Apache-2.0
"""dspy: a signature, its answer held to a schema, and a prompt that is too long."""
from asked import *
import dspy


class Water(dspy.Signature):
    text: str = dspy.InputField()
    plants: str = dspy.OutputField()
    minutes: int = dspy.OutputField()


# Of a model that it does not know dspy asks for no shape by itself.
shape = {"type": "json_schema", "json_schema": {"name": "water", "schema": WATER_PARAMETERS, "strict": True}}
for provider in ["openai", "hosted_vllm"]:
    lm = dspy.LM(f"{provider}/{MODEL}", api_base=BASE, api_key=KEY, temperature=0, cache=False, num_retries=0,
                 max_tokens=500)
    assert ANSWER in str(lm(SUM))
    with dspy.context(lm=lm, adapter=dspy.JSONAdapter()):
        got = dspy.Predict(Water)(text=WATER, config={"response_format": shape})
        assert isinstance(got.minutes, int) and isinstance(got.plants, str)
        raises(dspy.ContextWindowExceededError, lambda: lm(TOO_LONG))
