#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes src/text/unicode_new.def and src/text/nfc_new.def: where the Unicode of Hugging Face's `tokenizers` is another
than that of Debian 12's libraries.

  make_unicode_tables.py      run in the repository's root by Python 3.11; needs `pip install tokenizers unicodedata2==16.0.0`

Regexes of tokenizers 0.23 have Unicode 16, Debian's PCRE2 10.42 (and Python 3.11) Unicode 14; its normalisation has
Unicode 9, Debian's utf8proc 2.8 Unicode 15. Everything that is written here is checked against `tokenizers` itself.
"""
import unicodedata as old
import unicodedata2 as new
from tokenizers import Regex, normalizers, pre_tokenizers

assert (old.unidata_version, new.unidata_version) == ("14.0.0", "16.0.0"), "run with Python 3.11 and unicodedata2 16.0.0"
CHARS = [chr(c) for c in range(0x110000) if not 0xd800 <= c < 0xe000]
# Scripts of PCRE2 10.42 that got characters since.
SCRIPTS = ("Arabic Arab", "Balinese Bali", "Common Zyyy", "Cyrillic Cyrl", "Devanagari Deva", "EgyptianHieroglyphs Egyp",
           "Han Hani", "Hiragana Hira", "Kannada Knda", "Katakana Kana", "KhitanSmallScript Kits", "Khojki Khoj", "Lao Laoo",
           "Latin Latn", "Myanmar Mymr")
MARKS = "\u0334\u3099\u0301\u0323\u0345\u05b0"  # of many combining classes


def matched(pattern):
    """The characters that a regex of tokenizers matches."""
    split, out = pre_tokenizers.Split(Regex(pattern), "removed"), set(CHARS)
    for at in range(0, len(CHARS), 20000):
        block = "".join(CHARS[at:at + 20000])
        for kept, _ in split.pre_tokenize_str(block):
            out.difference_update(kept)
    return out


def rows(value):
    """[first, last, value] for runs of characters with one value."""
    out = []
    for c in sorted(value):
        if out and ord(c) == out[-1][1] + 1 and value[c] == out[-1][2]:
            out[-1][1] += 1
        else:
            out.append([ord(c), ord(c), value[c]])
    return out


def write(path, what, lines):
    with open(path, "w", encoding="ascii") as f:
        f.write("// SPDX-License-Identifier: Apache-2.0\n" + what + "// Made by tools/make_unicode_tables.py.\n// clang-format off\n")
        f.writelines(line + "\n" for line in lines)


def new_categories():
    names = {new.category(c) for c in CHARS}
    for name in names:
        assert matched(r"\p{%s}" % name) == {c for c in CHARS if new.category(c) == name}, name
    value = {c: new.category(c) for c in CHARS if new.category(c) != old.category(c)}
    assert {c for c in value if old.category(c) != "Cn"} == {"\U0001171e"}, "split_property.c knows of one that moved"
    scripts = {c: s.lower() for s in SCRIPTS for c in matched(r"\p{%s}" % s.split()[0]) if c in value}
    return {c: (value[c], scripts.get(c, "")) for c in value}


def changes(c):
    """What Unicode 16 decomposes, sorts or composes."""
    return new.combining(c) or new.normalize("NFD", c) != c


def left_alone(c):
    normal = normalizers.NFD().normalize_str
    return any(normal(s) != new.normalize("NFD", s) for s in [c, *(c + m for m in MARKS), *(m + c for m in MARKS)])


def newer_than_nine():
    out = {c for c in CHARS if changes(c) and left_alone(c)}
    for c in {c for c in out if not new.combining(c)}:  # what they are made of joins only in later versions
        out.update(part for part in new.normalize("NFD", c) if ord(part) > 0xffff)
    return {c: "" for c in out}


write("src/text/unicode_new.def",
      "// Characters that Unicode 16 puts into another category than Unicode 14 does, nearly all of them assigned since:\n"
      "// NEW(first, last, category, names of the script if Unicode 14 has it).\n",
      [f'NEW(0x{a:04x}, 0x{b:04x}, {v[0].upper()}, "{v[1]}")' for a, b, v in rows(new_categories())])
write("src/text/nfc_new.def",
      "// Characters that normalise in Unicode 16 and not in Unicode 9: NEW(first, last).\n",
      [f"NEW(0x{a:04x}, 0x{b:04x})" for a, b, _ in rows(newer_than_nine())])
