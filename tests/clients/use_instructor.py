# SPDX-License-Identifier: Apache-2.0
"""instructor: answers as models of pydantic, by calls and by shapes, in parts, and asked for again."""
from asked import *
from typing import Iterable, Optional
import instructor
import openai
from instructor.core.exceptions import InstructorRetryException
from pydantic import BaseModel, field_validator


class Water(BaseModel, extra="forbid"):
    plants: str
    minutes: int


class irrigate(Water):
    "Waters a part of the garden."


class Tree(BaseModel, extra="forbid"):
    value: int
    left: Optional["Tree"]


class Never(BaseModel, extra="forbid"):
    minutes: int

    @field_validator("minutes")
    @classmethod
    def refuse(cls, value):
        raise ValueError("say it again")


def asks(mode):
    client = instructor.from_openai(openai.OpenAI(base_url=BASE, api_key=KEY, max_retries=0), mode=mode)
    common = {"messages": [{"role": "user", "content": WATER}], "model": MODEL, "temperature": 0, "max_retries": 0}
    return client.chat.completions, common


for mode in [instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA, instructor.Mode.RESPONSES_TOOLS]:
    chat, common = asks(mode)
    for kind in [Water, Tree]:
        assert isinstance(chat.create(response_model=kind, **common), kind), (mode, kind)
    *_, last = chat.create_partial(response_model=Water, **common)
    assert isinstance(last.minutes, int), (mode, last)
chat, common = asks(instructor.Mode.PARALLEL_TOOLS)
assert all(isinstance(call, irrigate) for call in chat.create(response_model=Iterable[irrigate], **common))
for mode in [instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA]:
    chat, common = asks(mode)
    error = raises(InstructorRetryException, lambda: chat.create(response_model=Never, **{**common, "max_retries": 1}))
    assert error.n_attempts == 2, error
