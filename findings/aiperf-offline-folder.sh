#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# aiperf 0.13.0 takes a folder as a tokenizer, but not with HF_HUB_OFFLINE=1: then it looks for a repository of that name in
# Hugging Face's cache, and says that the path is no valid name of one. One would guess that a folder is what always works
# without a network; transformers itself loads it either way. So a benchmark beside a local model must not be told that it is offline.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q aiperf==0.13.0
mkdir "$work/model"
cat >"$work/try.py" <<'END'
import sys
from aiperf.common.tokenizer import Tokenizer
from transformers import AutoTokenizer
folder = sys.argv[1]
print("transformers", len(AutoTokenizer.from_pretrained(folder).encode("a b")), end=" ")
try:
    print("aiperf", len(Tokenizer.from_pretrained(folder).encode("a b")))
except Exception as error:
    print("aiperf", type(error).__name__)
END
"$work/venv/bin/python" - "$work/model" <<'END'
import json, sys, tokenizers
from tokenizers import models, pre_tokenizers
t = tokenizers.Tokenizer(models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
t.pre_tokenizer = pre_tokenizers.Whitespace()
t.save(sys.argv[1] + "/tokenizer.json")
json.dump({"tokenizer_class": "PreTrainedTokenizerFast"}, open(sys.argv[1] + "/tokenizer_config.json", "w"))
END
online=$(env -u HF_HUB_OFFLINE "$work/venv/bin/python" "$work/try.py" "$work/model" 2>/dev/null)
offline=$(HF_HUB_OFFLINE=1 "$work/venv/bin/python" "$work/try.py" "$work/model" 2>/dev/null)
echo "online:  $online"
echo "offline: $offline"
[ "$online" = "transformers 2 aiperf 2" ]
[ "$offline" = "transformers 2 aiperf TokenizerError" ]
