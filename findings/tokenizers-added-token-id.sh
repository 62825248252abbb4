#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tokenizer.json gives every added token an "id". One would guess that the token gets that id.
# Hugging Face tokenizers 0.23.3 does not look at it: added tokens are numbered in the order of the file, from the
# number of entries of model.vocab. Where that vocabulary has a hole, an added token takes the id of an ordinary one.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" -q install tokenizers==0.23.3
"$dir/venv/bin/python" - >"$dir/seen" <<'EOF'
import json
from tokenizers import Tokenizer

def ids(vocab, added):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return [Tokenizer.from_str(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "pre_tokenizer": None,
        "post_processor": None, "decoder": None, "model": {"type": "BPE", "vocab": vocab, "merges": []},
        "added_tokens": [{"id": i, "content": c, **flags} for i, c in added]})).token_to_id(c) for _, c in added]

print("asked for 10, 20:", ids({"a": 0, "b": 1, "c": 2}, [(10, "<x>"), (20, "<y>")]))
print("'c' has id 3, asked for 4, 5:", ids({"a": 0, "b": 1, "c": 3}, [(4, "<x>"), (5, "<y>")]))
EOF
cat "$dir/seen"
diff - "$dir/seen" <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
asked for 10, 20: [3, 4]
'c' has id 3, asked for 4, 5: [3, 4]
EOF
