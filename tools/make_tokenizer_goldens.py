#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/tokenizers/: two small tokenizers and what Hugging Face's `tokenizers` does with some 2,300 texts.

  make_tokenizer_goldens.py [--train]      run in the repository's root; needs `pip install tokenizers`

--train also trains the two tokenizers anew, from the licences in /usr/share/common-licenses, this repository's headers
and the sentences below; without it the ones that are there are kept and only the goldens are made again.
A line of goldens.jsonl: [text, ids by o200k-small, ids by qwen-small] with ids as one string, and behind these the two
again with special tokens as plain text where that differs.
Texts of goldens.jsonl use characters of Unicode 14 only (Python 3.11's). A line of patterns.jsonl: [split pattern, text,
bytes of each piece as one string], with characters of Unicode 16.
"""
import glob, json, os, random, re, sys, unicodedata
from tokenizers import Tokenizer, models, pre_tokenizers, trainers, Regex
from make_big_tokenizer import CHARS, O200K, QWEN

FOLDER = "tests/data/tokenizers"
assert unicodedata.unidata_version == "14.0.0", "run with Python 3.11"
HARMONY = {0: "<|startoftext|>", 1: "<|endoftext|>", 4: "<|return|>", 5: "<|constrain|>", 7: "<|channel|>", 8: "<|start|>",
           9: "<|end|>", 10: "<|message|>", 14: "<|call|>", 20: "<|endofprompt|>"}
CHATML = [("<|endoftext|>", "s"), ("<|im_start|>", "s"), ("<|im_end|>", "s"), ("<think>", ""), ("</think>", ""),
          ("<tool_call>", ""), ("</tool_call>", ""), ("<left>", "l"), ("<right>", "r"), ("<both>", "slr"),
          ("word", "w"), ("<|im_start|>!", "s"), ("Norm", "n"), ("\u00e9tude", "nw"), ("<n both>", "nlr"), ("\u4e16\u754c", "w"),
          ("<a", ""), ("<ab", ""), ("<abcd>", "")]
SENTENCES = """The quick brown fox jumps over the lazy dog; it doesn't mind, and we'll see what they've done. I'm sure you're right!
What is the weather like today? Explain how a compiler turns a graph of operations into kernels, step by step.
Der schnelle braune Fuchs springt über den faulen Hund. Größe, Straße, Übermut und Äpfel: 1.234,56 €.
Le renard brun saute par-dessus le chien paresseux. Où est l'élève ? Ça va très bien, merci à tous.
El zorro marrón salta sobre el perro perezoso. ¿Cómo estás? ¡Mañana será otro día, señor!
Быстрая коричневая лиса прыгает через ленивую собаку. Съешь ещё этих мягких французских булок.
Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί. Καλημέρα κόσμε.
敏捷的棕色狐狸跳过了懒狗。今天天气怎么样？请一步一步地解释编译器。世界，你好！
素早い茶色の狐がのろまな犬を飛び越える。こんにちは、世界。カタカナとひらがな、がぎぐげご。
빠른 갈색 여우가 게으른 개를 뛰어넘는다. 안녕하세요, 세계!
الثعلب البني السريع يقفز فوق الكلب الكسول. مرحبا بالعالم ١٢٣٤.
השועל החום המהיר קופץ מעל הכלב העצלן. שלום עולם.
तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है। नमस्ते दुनिया १२३।
สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ สวัสดีชาวโลก
Con cáo nâu nhanh nhẹn nhảy qua con chó lười biếng. Tiếng Việt có nhiều dấu: ặ ế ỗ ự ỹ.
for (size_t i = 0; i < n; i++) {\n    sum += x[i] * w[i]; // fused\n}\nreturn sum / (float)n;\n
def f(self, x=None):\n\tif x is None:\n\t\treturn {"a": [1, 2, 3], 'b': "c\\d"}\n\tHTTPServer.getURL("https://example.org/a/b?c=1&d=%20")\n
😀 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 ❤️ … — “quoted” ‘single’ ½ ² Ⅻ ① ﬁ ǅ ʰ ª º 𝔘𝔫𝔦 𝟙𝟚 𐐷 𠀋""".replace("\\n", "\n").replace("\\t", "\t").split("\n")
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\n\n", " \n", "\n ", "\u00a0", "\u3000", "\u2003", "\u2028", "\u0085", "\u180e", "\u200b", "\x0b", "\x0c",
          "\x1c", "\ufeff", "\u1680"]
ENDINGS = ["'s", "'S", "'t", "'T", "'re", "'RE", "'Ve", "'m", "'ll", "'LL", "'d", "'\u017f", "\u2019s", "'x", "'", "''s"]


def train(name, size, pattern, texts):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(tok.to_str())["model"]
    assert len(model["vocab"]) == size, (name, len(model["vocab"]))
    return model


def all_splits(vocab):
    """Merges as transformers makes them from tiktoken ranks: every split of every token."""
    out = []
    for t in sorted(vocab, key=vocab.get):
        splits = [(t[:k], t[k:]) for k in range(1, len(t)) if t[:k] in vocab and t[k:] in vocab]
        out += sorted(splits, key=lambda s: (vocab[s[0]], vocab[s[1]]))
    return out


def save(name, model, pattern, normalizer, ignore_merges, added, merges):
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    doc = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
           "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
               {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}, byte_level]},
           "post_processor": byte_level, "decoder": byte_level,
           "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "",
                     "fuse_unk": False, "byte_fallback": False, "ignore_merges": ignore_merges, "vocab": model["vocab"], "merges": merges}}
    os.makedirs(f"{FOLDER}/{name}", exist_ok=True)
    with open(f"{FOLDER}/{name}/tokenizer.json", "w", encoding="utf-8") as f:
        json.dump(doc, f, ensure_ascii=False, separators=(",", ":"))


def added(id, content, flags):
    return {"id": id, "content": content, "single_word": "w" in flags, "lstrip": "l" in flags, "rstrip": "r" in flags,
            "normalized": "n" in flags, "special": "s" in flags}


def train_both():
    texts = SENTENCES * 6
    for path in sorted(glob.glob("/usr/share/common-licenses/*")) + sorted(glob.glob("src/**/*.h", recursive=True)):
        texts.append(open(path, encoding="utf-8", errors="replace").read())
    model = train("o200k-small", 4096 - 21, O200K, texts)
    save("o200k-small", model, O200K, None, True,
         [added(4075 + i, HARMONY.get(i, f"<|reserved_{4075 + i}|>"), "s") for i in range(21)], all_splits(model["vocab"]))
    model = train("qwen-small", 1536, QWEN, [unicodedata.normalize("NFC", t) for t in texts])
    save("qwen-small", model, QWEN, {"type": "NFC"}, False, [added(1536 + i, c, f) for i, (c, f) in enumerate(CHATML)],
         [m if isinstance(m, str) else " ".join(m) for m in model["merges"]])


def characters(rng):
    planes = [[c for c in range(p << 16, (p + 1) << 16) if unicodedata.category(chr(c)) not in ("Cn", "Cs")] for p in range(17)]
    blocks = [(0x20, 0x7f), (0x80, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0xe00), (0x1100, 0x1200),
              (0x1e00, 0x2000), (0x2000, 0x2070), (0x2100, 0x2190), (0x2460, 0x2500), (0x3040, 0x3100), (0xac00, 0xd7a4), (0xf900, 0xfb50), (0x1d400, 0x1d800), (0x1f100, 0x1f200)]
    def one():
        if rng.random() < 0.4:
            return chr(rng.choice(rng.choice([p for p in planes if p])))
        lo, hi = rng.choice(blocks)
        c = rng.randrange(lo, hi)
        return chr(c) if unicodedata.category(chr(c)) not in ("Cn", "Cs") else one()
    return one


def make_texts():
    rng = random.Random(20)
    one = characters(rng)
    words = [w for s in SENTENCES for w in s.split()]
    specials = list(HARMONY.values()) + [c for c, _ in CHATML] + ["<|reserved_4077|>", "<|im_start", "<|start|", "<|", "</", "words", "sword"]
    some = lambda pool, n: [rng.choice(pool) for _ in range(rng.randint(1, n))]
    yield from ["", "a", " ", "\n", *SENTENCES, *SPACES, *specials, "a" * 300, " " * 200, " " * 99 + "x", "\n" * 60, "=" * 150, "Ab" * 120, "é" * 130, "12345678901"]
    for _ in range(260):
        yield "".join(one() for _ in range(rng.randint(1, 16)))
    for _ in range(260):
        yield "".join(w + rng.choice(SPACES) for w in some(words, 5)) + "".join(some(SPACES, 5))
    for _ in range(260):
        yield "".join(rng.choice([w, w.upper(), w.capitalize(), w.lower()]) + rng.choice(ENDINGS + [" ", ""]) for w in some(words, 6))
    for _ in range(400):
        yield "".join(rng.choice([rng.choice(specials), rng.choice(specials), rng.choice(words), rng.choice(SPACES), rng.choice("a_é!-1\u0301\u200d")]) for _ in range(rng.randint(2, 8)))
    for _ in range(260):
        yield unicodedata.normalize(rng.choice(["NFD", "NFKD"]), "".join(rng.choice([rng.choice(words), one(), "한국어", "が", "ế"]) for _ in range(rng.randint(1, 6))))
    for _ in range(260):
        marks = [chr(rng.choice([0x300, 0x301, 0x323, 0x327, 0x345, 0x3099, 0x11a8, 0x1161, 0x9be, 0x93c, 0x5b0, 0x653, 0xe38, 0x1d165])) for _ in range(rng.randint(1, 4))]
        yield rng.choice(["a", "e\u0301", "가", "ᄀ", "か", "ক", "ש", "x ", "", "\u212b", "\u0958", "\ufb1d", "\u1e0b"]) + "".join(marks) + rng.choice(["", "b", " c", "é"])
    for _ in range(200):
        yield "".join(rng.choice([str(rng.randrange(10 ** rng.randint(1, 12))), "١٢٣", "Ⅻ", "½", ".", ",", " ", "-", "%", "x", "/", "\n", "//\n"]) for _ in range(rng.randint(1, 9)))
    for _ in range(300):
        yield "".join(rng.choice([rng.choice(words), one(), rng.choice(SPACES), rng.choice(ENDINGS), rng.choice("{}[]()<>=+*/\\\"#@!?;:.,"), "\r\n\r\n", " //", "CamelCaseWord", "ALLCAPS"]) for _ in range(rng.randint(2, 12)))


CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s")
KIMI = "|".join([r"[\p{Han}]+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+"
            r"|\s+(?!\S)|\s+")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
PATTERNS = [O200K, QWEN, CL100K, KIMI, DEEPSEEK, GPT2, *r"""
\w+  \W+  [\w]+  [^\w]+  \p{Word}+  [^\W\d]  \b  \B  \w\b.  \d+  \D  [\D]  \s+  [^\s]+  \S+  \h+  \H  [\h_]  \v  \R  \N+  \O{2}
\p{L}+  \P{L}+  \p{^L}  [\P{L}]  [^\P{L}]+  \pL  \PL  \p{Letter}+  \p{Lu}  \p{Ll}+  \p{Lm}  \p{Lo}+  \p{LC}  \p{M}+  \p{Mn}+  [^\p{Mn}]+  \p{Mc}
\p{N}+  \p{Nd}+  \p{Nl}  \p{No}  \p{P}+  \p{Po}  \p{S}+  \p{So}+  \p{Sm}  \p{Z}  \p{Cf}  \p{Cc}  \p{Any}{3}  \p{decimal-number}
\p{Han}+  \p{Hani}  [^\p{Han}]+  \p{Katakana}+  \p{Hiragana}  \p{Arabic}+  \p{Devanagari}+  \p{Latin}+  \p{Cyrillic}  \p{Common}+  \p{Egyptian_Hieroglyphs}+
\p{N}{1,3}+  \p{N}{2,3}+  \w{,2}  \d{2}?  \w{2,3}?  \w{,2}?  \w{2,}+  \w++  \w*+x  \w{2}{2}  a{  a{x}  a{,2}  \d{1}+  (\w)\1  (?<n>\w)\k<n>  (\w)\k<1>
[[:digit:]]+  [[:space:]]  [[:punct:]]+  [[:word:]]+  [[:xdigit:]x]  [[:cntrl:]]  [[:blank:]]  [\w&&[^\d]]+  [^a&&b]  [a-z&&[^k-t]]+  [\p{L}&&\p{Latin}]+  [a[bc]]
[^\d[a-c]]  []a]  [^]a]+  [a-]  [-a]  [--0]  [0-9-a-c]  [a-c-e]  [\b]  [a\]\[]  [\x41-\x5a]  [\u4e00-\u9fa5]+  [&^]  [\pL]  [\R\X]
(?m:.)+  .+  (?i:a|B)+  a(?i)b|c  (?i)k|[st]  (?i:'s|'t)  (?i:[^a-z]+)  (?-i:a)  (?im-i:a.)  (?#c)a|\x{20}  (?>\s+)a  (?>[aA]++|.).  ^\w  \w$  \A.  .\z  \w\Z  (?<=\p{L})\d  (?<!\d)\d
(?<=a|1x)b  \w(?=\d)  \w(?!\d)  \d|()  ab||c  \x41|\u00e9|\t|\e|\_|\i  '\p{L}{1,2}|\p{N}""".split()]
# Pieces of texts that constructs tell apart.
PARTS = ["a", "A", "b", "ab", "aa", "k", "K", "x", "s", "'s", "'T", "\u017f", "\u212a", "\u00df", "\u00e9", "e\u0301", "1", "12", "1234", " ", "  ", "\n", "\r\n", "\t", "_", "-",
         ".", "[", "]", "&", "^", "\u00bd", "\u00b2", "\u2460", "\u24d0", "\u216b", "\u6f22", "\u5b57", "\u3001", "\u30fc", "\u30ab", "\u3042", "\u060c", "\u0639", "\u0661",
         "\u0928\u093f", "\u0964", "\u200d", "\u180e", "\u0085", "\u00a0", "\u043a", "\U0001171e", "\x0b", "\u1e9e"]


def new_characters():
    """One or two of each row of the table of what is newer than Unicode 14."""
    for first, last in re.findall(r"^NEW\(0x(\w+), 0x(\w+)", open("src/text/unicode_new.def").read(), re.M):
        yield from {chr(int(first, 16)), chr(int(last, 16))}


def write_patterns():
    rng, new = random.Random(16), sorted(new_characters())
    parts = PARTS + new[::3]
    with open(f"{FOLDER}/patterns.jsonl", "w", encoding="utf-8") as f:
        for pattern in PATTERNS:
            split = pre_tokenizers.Split(Regex(pattern), "isolated")
            texts = ["".join(rng.choice(PARTS if rng.random() < 0.7 else parts) for _ in range(40)) for _ in range(2)]
            for text in texts + (["".join(rng.sample(new, 50))] if "\\p" in pattern or "\\w" in pattern else []):
                sizes = " ".join(str(len(piece.encode())) for piece, _ in split.pre_tokenize_str(text))
                f.write(json.dumps([pattern, text, sizes], ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    write_patterns()
    sys.stdout.reconfigure(line_buffering=True)
    if "--train" in sys.argv[1:]:
        train_both()
    toks = [Tokenizer.from_file(f"{FOLDER}/{name}/tokenizer.json") for name in ("o200k-small", "qwen-small")]
    texts = [t for t in dict.fromkeys(make_texts()) if "\0" not in t]  # the C side reads no NUL from JSON
    with open(f"{FOLDER}/goldens.jsonl", "w", encoding="ascii") as f:
        for text in texts:
            row = [[], []]
            for plain in (False, True):
                for tok in toks:
                    tok.encode_special_tokens = plain
                    row[plain].append(" ".join(map(str, tok.encode(text, add_special_tokens=False).ids)))
            f.write(json.dumps([text, *row[0], *(row[1] if row[1] != row[0] else [])], separators=(",", ":")) + "\n")
    print(len(texts), "texts", os.path.getsize(f"{FOLDER}/goldens.jsonl"), "bytes")


if __name__ == "__main__":
    main()
