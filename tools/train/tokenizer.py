# SPDX-License-Identifier: Apache-2.0
"""The tokenizer of a trained model: a byte-level BPE of 4,096 entries, trained on the text of the samples themselves."""
import json
from collections.abc import Iterable
from pathlib import Path
from random import Random

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

import formats

ENTRIES = 4096
# Letters with a space in front, single digits, runs of punctuation, line ends. Unlike in the patterns of bigger
# models only a space goes with a word, so that a word is the same token behind a quote or a bracket.
PATTERN = (r"'(?:s|t|re|ve|m|ll|d)(?!\p{L})| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

# Added tokens, in the order of their ids at the end of the vocabulary. What is not special stays in decoded text.
SPECIAL = {
    "harmony": ["<|startoftext|>", "<|endoftext|>", "<|return|>", "<|constrain|>", "<|channel|>", "<|start|>", "<|end|>",
                "<|message|>", "<|call|>"],
    "chatml": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
}
PLAIN = {"harmony": [], "chatml": ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]}
NAMED = {
    "harmony": {"bos_token": "<|startoftext|>", "eos_token": "<|return|>", "pad_token": "<|endoftext|>"},
    "chatml": {"bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
}


def added_tokens(format: str) -> list[AddedToken]:
    special = [AddedToken(text, special=True, normalized=False) for text in SPECIAL[format]]
    return special + [AddedToken(text, special=False, normalized=False) for text in PLAIN[format]]


def training_text(format: str, samples: Iterable[dict]) -> Iterable[str]:
    """The text between the added tokens."""
    rng = Random(0)
    spellings = SPECIAL[format] + PLAIN[format]
    for sample in samples:
        text = "".join([piece for piece, _ in formats.segments(sample, format, rng)])
        for spelling in spellings:
            text = text.replace(spelling, "\0")
        yield from filter(None, text.split("\0"))


def byte_level() -> pre_tokenizers.ByteLevel:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)


def config(format: str) -> dict:
    return {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": False, "clean_up_tokenization_spaces": False,
            "model_max_length": 4096, "unk_token": None, **NAMED[format]}


def train(format: str, out_dir: str | Path, samples: Iterable[dict]) -> Tokenizer:
    """Writes tokenizer.json and tokenizer_config.json. The same samples give the same files."""
    added = added_tokens(format)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(PATTERN), "isolated"), byte_level()])
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=ENTRIES - len(added), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  show_progress=False)
    tokenizer.train_from_iterator(training_text(format, samples), trainer)
    tokenizer.add_tokens(added)
    if tokenizer.get_vocab_size() != ENTRIES:
        raise ValueError(f"{tokenizer.get_vocab_size()} entries, not {ENTRIES}: give more samples")
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config(format), indent=2) + "\n")
    return tokenizer


def encode_segments(tokenizer: Tokenizer, samples: list[formats.Segments]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """For each sample the ids of its text (uint16) and the weight in the loss of each of them as a target (float32)."""
    texts = list({text: None for pieces in samples for text, _ in pieces})  # each once: many begin alike
    encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    ids_of = {text: np.asarray(piece.ids, np.uint16) for text, piece in zip(texts, encoded)}
    all_ids, all_weights = [], []
    for pieces in samples:
        parts = [ids_of[text] for text, _ in pieces]
        all_ids.append(np.concatenate(parts))
        all_weights.append(np.repeat(np.asarray([weight for _, weight in pieces], np.float32), [len(part) for part in parts]))
    return all_ids, all_weights
