#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tokenizer.json says how a text is cut before its pieces are merged, and one would guess that AutoTokenizer of transformers
# 5.24.0 obeys it, whichever class tokenizer_config.json names. It does for GPT2Tokenizer and LlamaTokenizerFast. For
# Qwen2Tokenizer it takes vocabulary and merges of the file, and cuts as Qwen2 does, digits one by one: a checkpoint whose writer
# chose another cut and kept the class gets other ids than tokenizers gives for the same file.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip -q install transformers==5.24.0 tokenizers==0.23.3 2>/dev/null

cat >cut.py <<'EOF'
import json, pathlib
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

threes = pre_tokenizers.Split(Regex(r"\p{N}{1,3}|\P{N}+"), "isolated")  # digits by threes
t = Tokenizer(models.BPE())
t.pre_tokenizer = pre_tokenizers.Sequence([threes, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
t.decoder = decoders.ByteLevel()
t.train_from_iterator(["2024"] * 9, trainers.BpeTrainer(
    vocab_size=258, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
print("tokenizer.json alone:", t.encode("2024").tokens)
for name in ("GPT2Tokenizer", "LlamaTokenizerFast", "Qwen2Tokenizer"):
    folder = pathlib.Path(name)
    folder.mkdir()
    t.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": name}))
    print(f"{name}:", AutoTokenizer.from_pretrained(folder).tokenize("2024"))
EOF
venv/bin/python cut.py 2>/dev/null >seen
cat seen
diff - seen <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
tokenizer.json alone: ['202', '4']
GPT2Tokenizer: ['202', '4']
LlamaTokenizerFast: ['202', '4']
Qwen2Tokenizer: ['2', '0', '2', '4']
EOF
