#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes two tokenizer.json files of the size of real ones, and a text to encode, for src/text/tokenizer_bench.c.

  make_big_tokenizer.py DIR     writes DIR/qwen-like.json (about 11 MB), DIR/o200k-like.json (about 28 MB) and
                                DIR/text.txt (16 MB)

Nothing is trained: words are counted in the texts of this machine, and each word is the end of a chain of its prefixes,
so that every token can be reached by merges. Where the words do not suffice, made-up ones follow.
"""
import collections, json, os, random, re, sys

ROOTS = ["/usr/share/common-licenses", "/usr/share/doc", "/usr/share/perl", "/usr/lib/python3", "/usr/include"]
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+")


def byte_chars():
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, n = {b: chr(b) for b in plain}, 0
    for b in range(256):
        if b not in table:
            table[b], n = chr(256 + n), n + 1
    return table


CHARS = byte_chars()


def texts(limit):
    total = 0
    for root in ROOTS:
        for folder, dirs, files in os.walk(root):
            dirs.sort()
            for name in sorted(files):
                try:
                    with open(os.path.join(folder, name), encoding="utf-8") as f:
                        text = f.read(1 << 20)
                except (OSError, UnicodeDecodeError):
                    continue
                total += len(text)
                yield text
                if total > limit:
                    return


def made_up(rng):
    scripts = [("aeiou", "bcdfghklmnprstvwz"), ("аеиоуы", "бвгдклмнпрст"), ("αειοω", "βγδκλμνπρστ"), ("一二三人大中", "國學時年行會")]
    while True:
        vowels, consonants = rng.choices(scripts, (5, 2, 1, 2))[0]
        yield " " + "".join(rng.choice(consonants) + rng.choice(vowels) for _ in range(rng.randint(2, 4)))


def vocabulary(words, size):
    """Tokens (as bytes) in rank order: single bytes, then prefixes of words, the most frequent first."""
    count = collections.Counter()
    for word, n in words:
        raw = word.encode()
        for k in range(2, len(raw) + 1):
            count[raw[:k]] += n
        if len(count) > size * 3 // 2:
            break
    rest = sorted(count, key=lambda t: (-count[t], len(t), t))[: size - 256]
    return [bytes([b]) for b in sorted(CHARS, key=lambda b: CHARS[b])] + rest


def merges(tokens, limit):
    rank, out = {t: i for i, t in enumerate(tokens)}, []
    for t in tokens[256:]:
        splits = [(t[:k], t[k:]) for k in range(1, len(t)) if t[:k] in rank and t[k:] in rank]
        out.extend(sorted(splits, key=lambda s: (rank[s[0]], rank[s[1]])) if limit else [(t[:-1], t[-1:])])
    return out[:limit] if limit else out


def write(path, tokens, pairs, legacy, pattern, normalizer, ignore_merges, specials):
    spell = {t: "".join(CHARS[b] for b in t) for t in tokens}
    n = len(tokens)
    json.dump({
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": n + i, "content": s, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for i, s in enumerate(specials)],
        "normalizer": normalizer,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}]},
        "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": ignore_merges,
                  "vocab": {spell[t]: i for i, t in enumerate(tokens)},
                  "merges": [spell[a] + " " + spell[b] if legacy else [spell[a], spell[b]] for a, b in pairs]},
    }, open(path, "w", encoding="utf-8"), ensure_ascii=False, indent=2)
    print(f"{path}: {os.path.getsize(path) / 1e6:.1f} MB, {n} entries, {len(pairs)} merges")


def main(folder):
    os.makedirs(folder, exist_ok=True)
    rng, words, sample, size = random.Random(1), collections.Counter(), [], 0
    for text in texts(48 << 20):
        words.update(re.findall(r" ?[^\W\d_]+| ?[^\w\s]+|\n+ *| +", text))
        if size < 16 << 20:
            sample.append(text)
            size += len(text.encode())
    with open(os.path.join(folder, "text.txt"), "w", encoding="utf-8") as f:
        f.write("".join(sample))
    fresh = made_up(rng)
    listed = [(w, n) for w, n in words.most_common() if len(w) <= 24] + [(next(fresh), 1) for _ in range(200000)]
    tokens = vocabulary(listed, 200000)
    write(os.path.join(folder, "o200k-like.json"), tokens, merges(tokens, 446000), False, O200K, None, True,
          ["<|startoftext|>", "<|endoftext|>", "<|return|>", "<|channel|>", "<|start|>", "<|end|>", "<|message|>", "<|call|>"])
    tokens = vocabulary(listed, 151643)
    write(os.path.join(folder, "qwen-like.json"), tokens, merges(tokens, 0), False, QWEN, {"type": "NFC"}, False,
          ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__))
