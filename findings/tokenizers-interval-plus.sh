#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The split pattern of cl100k_base has \p{N}{1,3}+. In PCRE2, Java and Python's regex that is a possessive interval:
# digits in threes. One would guess that tokenizers, which runs such patterns from tokenizer.json, reads it so too.
# In tokenizers 0.23.3 (Oniguruma) it is ({1,3}) repeated: a whole number is one piece. ++, *+ and ?+ are possessive there.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" -q install tokenizers==0.23.3 regex==2026.11.19
"$dir/venv/bin/python" - >"$dir/seen" <<'EOF'
import regex
from tokenizers import Regex, pre_tokenizers

def pieces(pattern, text):
    return [p for p, _ in pre_tokenizers.Split(Regex(pattern), "isolated").pre_tokenize_str(text)]

for pattern in (r"\p{N}{1,3}", r"\p{N}{1,3}+"):
    print(pattern, "tokenizers:", pieces(pattern, "1234567"), "regex:", regex.findall(pattern, "1234567"))
EOF
cat "$dir/seen"
diff - "$dir/seen" <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
\p{N}{1,3} tokenizers: ['123', '456', '7'] regex: ['123', '456', '7']
\p{N}{1,3}+ tokenizers: ['1234567'] regex: ['123', '456', '7']
EOF
