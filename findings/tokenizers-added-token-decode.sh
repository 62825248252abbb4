#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An added token is literal text, so one would guess that decoding its id gives its content.
# With a ByteLevel decoder tokenizers 0.23.3 reads the content as byte-level letters if all its characters are among them:
# "<é>" and "°C" come back with U+FFFD, while "<à la>" (the space is no byte-level letter) survives.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" -q install tokenizers==0.23.3
"$dir/venv/bin/python" - >"$dir/seen" <<'EOF'
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
t = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
t.decoder = decoders.ByteLevel()
t.add_tokens(["<é>", "°C", "<à la>"])
for text in ("<é>", "°C", "<à la>", "é"):
    print(text, "->", t.decode(t.encode(text).ids))
EOF
cat "$dir/seen"
diff - "$dir/seen" <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
<é> -> <�>
°C -> �C
<à la> -> <à la>
é -> é
EOF
