# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this folder share: where the server is, what it is asked, and what must come of it."""
import json
import os
import re
import sys
import urllib.request

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "true"  # litellm asks GitHub for prices otherwise
SERVER, MODEL = sys.argv[1:3]
BASE = SERVER + "/v1"
KEY = os.environ["INFUSE_API_KEY"]
SUM = "What is 12 + 30?"
ANSWER = "The answer is 42."
MESSAGES = [{"role": "user", "content": SUM}]
TOO_LONG = "the cat sat on a mat " * 2000  # for a context of 4,096 tokens

WATER = "Please give the beans 42 minutes of water now."
WATER_PARAMETERS = {
    "type": "object",
    "properties": {"plants": {"type": "string"}, "minutes": {"type": "integer"}},
    "required": ["plants", "minutes"],
    "additionalProperties": False,
}
WATER_TOOL = {
    "type": "function",
    "function": {"name": "irrigate", "description": "Waters a part of the garden.", "parameters": WATER_PARAMETERS},
}
WATERED = {"plants": "beans", "minutes": 42}


def raises(kind, call):
    """The error of that kind which the call must end in."""
    try:
        got = call()
    except kind as error:
        return error
    raise AssertionError(f"{got!r} where {kind} was due")


class Counted:
    """The tokens that the server counts within a block."""

    def __enter__(self):
        self.prompt, self.generation = self.tokens("prompt"), self.tokens("generation")
        return self

    def __exit__(self, *_):
        self.prompt, self.generation = self.tokens("prompt") - self.prompt, self.tokens("generation") - self.generation

    @staticmethod
    def tokens(of):
        asked = urllib.request.Request(f"{SERVER}/metrics", headers={"Authorization": f"Bearer {KEY}"})
        text = urllib.request.urlopen(asked).read().decode()
        return float(re.search(rf"^vllm:{of}_tokens_total{{.*}} (.*)$", text, re.M)[1])
