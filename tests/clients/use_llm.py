# SPDX-License-Identifier: Apache-2.0
"""llm: a model of extra-openai-models.yaml, plain, in a conversation, with a tool and with a schema."""
from asked import *
import tempfile

os.environ["LLM_USER_PATH"] = folder = tempfile.mkdtemp()
with open(f"{folder}/extra-openai-models.yaml", "w") as extra:
    extra.write(f"- {{model_id: here, model_name: {MODEL}, api_base: '{BASE}', api_key_name: here, "
                "supports_tools: true, supports_schema: true}\n")
import llm  # which reads it when it is loaded

model = llm.get_model("here")
model.key = KEY
watered = []


def irrigate(plants: str, minutes: int) -> str:
    "Waters a part of the garden."
    watered.append({"plants": plants, "minutes": minutes})
    return "done"


for stream in [False, True]:
    talk = model.conversation()
    first = talk.prompt(SUM, temperature=0, stream=stream)
    assert ANSWER in first.text() and first.usage().output > 0, first.usage()
    assert talk.prompt("And what is 5 + 6?", temperature=0, stream=stream).text()
    watered.clear()
    assert model.chain(WATER, tools=[irrigate], options={"temperature": 0}, stream=stream).text()
    assert watered == [WATERED], watered
    shaped = model.prompt(WATER, schema=WATER_PARAMETERS, temperature=0, stream=stream).text()
    assert set(json.loads(shaped)) == set(WATERED)
