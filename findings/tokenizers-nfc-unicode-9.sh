#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One would guess that one library has one Unicode. In tokenizers 0.23.3 patterns know Unicode 16 (U+1C89 is a letter), while
# the normalizer NFC stops at Unicode 9: U+1DF9 (Unicode 10, combining class 220) is no mark to it, so that an acute behind it
# is not composed with the letter before. Python's unicodedata composes it. Prompts differ for text with such marks.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" -q install tokenizers==0.23.3
"$dir/venv/bin/python" - >"$dir/seen" <<'EOF'
import unicodedata
from tokenizers import Regex, normalizers, pre_tokenizers

def points(text):
    return " ".join("%04X" % ord(c) for c in text)

nfc = normalizers.NFC().normalize_str
print("e acute:", points(nfc("e\u0301")))
print("e U+1DF9 acute, tokenizers:", points(nfc("e\u1df9\u0301")))
print("e U+1DF9 acute, unicodedata:", points(unicodedata.normalize("NFC", "e\u1df9\u0301")))
print("U+1C89 is a letter:", len(pre_tokenizers.Split(Regex(r"\p{L}"), "removed").pre_tokenize_str("\u1c89")) == 0)
EOF
cat "$dir/seen"
diff - "$dir/seen" <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
e acute: 00E9
e U+1DF9 acute, tokenizers: 0065 1DF9 0301
e U+1DF9 acute, unicodedata: 00E9 1DF9
U+1C89 is a letter: True
EOF
