#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Makes the tables of unicode_tables.h out of Python's unicodedata.

usage: unicode_tables.py > FILE
"""
import unicodedata

BLOCK, END = 64, 0x30000
HANGUL = range(0xAC00, 0xD7A4)  # by formula
INVISIBLE = [  # Default_Ignorable_Code_Point, which unicodedata lacks
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A)]
KATAKANA, HIRAGANA = 0x30A1, 0x3041
IOTA_BELOW = "\u0345"
LIKE = {  # character sets have the one or the other in the same place
    0x301C: "~", 0x2016: "\u2225", 0x2212: "-", 0x2015: "\u2014",
    0x309B: "\u3099", 0x309C: "\u309A",  # voiced marks beside their letter
    0xFFE3: "\u00AF"}
LIKE.update({k: chr(k - KATAKANA + HIRAGANA) for k in [*range(KATAKANA, 0x30F7), 0x30FD, 0x30FE]})


def characters():
    return (chr(c) for c in range(END) if not 0xD800 <= c < 0xE000 and c not in HANGUL)


def decomposed(text):
    """NFKD, but for accents that stand by themselves: they would become blanks with marks."""
    parts = ((c, unicodedata.normalize("NFKD", c)) for c in text)
    return "".join(unicodedata.normalize("NFD", c) if long[0] == " " and len(long) > 1 else long
                   for c, long in parts)


def folded(c):
    """The iota below stays a mark here: it becomes a letter when all marks are in order."""
    before, now = None, c
    while now != before:
        before = now
        now = decomposed(now.translate(LIKE))
        now = "".join(d if d == IOTA_BELOW else d.casefold() for d in now
                      if not any(a <= ord(d) <= b for a, b in INVISIBLE))
    return now


def titled(c):
    """By RFC 5051 §2: of titles that are longer, the simple mapping leaves the letter."""
    title = c.title()
    return unicodedata.normalize("NFKD", title if len(title) == 1 else c)


def canon_compositions():
    """(first, second, both) of all that the form C has."""
    for c in characters():
        parts = unicodedata.decomposition(c).split()
        if len(parts) == 2 and parts[0][0] != "<":
            a, b = (chr(int(part, 16)) for part in parts)
            if unicodedata.normalize("NFC", a + b) == c:
                yield ord(a), ord(b), ord(c)


def compositions(folds):
    """Those that text_fold can come to."""
    for a, b, c in canon_compositions():
        if chr(b) != IOTA_BELOW and unicodedata.normalize("NFC", folds.get(chr(c), chr(c))) == chr(c):
            yield a, b, c


class Pool:
    """Texts in UTF-16, each behind its length."""

    def __init__(self):
        self.units, self.places = [0], {}

    def place(self, text):
        if text not in self.places:
            self.places[text] = len(self.units)
            octets = text.encode("utf-16-le")
            self.units += [len(octets) // 2] + [octets[i] | octets[i + 1] << 8
                                                for i in range(0, len(octets), 2)]
        return self.places[text]


def numbers(values):
    return ",".join(str(v) for v in values)


def print_stages(name, kind, value):
    """`value` of each code point, by blocks of which each stands there once."""
    blocks, order = {}, []
    for first in range(0, END, BLOCK):
        block = tuple(value(c) for c in range(first, first + BLOCK))
        order.append(blocks.setdefault(block, len(blocks)))
    assert len(blocks) < 256
    print(f"static const uint8_t {name}_blocks[] = {{{numbers(order)}}};")
    print(f"static const {kind} {name}_values[][{BLOCK}] = {{")
    print(",\n".join("{" + numbers(block) + "}" for block in blocks) + "};")
    print(f"const struct unicode_{kind.removesuffix('_t')} unicode_{name} = "
          f"{{{name}_blocks, {name}_values}};\n")


def main():
    folds = {c: folded(c) for c in characters()}
    folds = {c: text for c, text in folds.items() if text != c}
    titles = {c: titled(c) for c in characters()}
    titles = {c: text for c, text in titles.items() if text != c}
    canon = {c: unicodedata.normalize("NFD", c) for c in characters()}
    canon = {c: text for c, text in canon.items() if text != c}
    pool = Pool()

    def places(texts):
        return lambda c: pool.place(texts[chr(c)]) if chr(c) in texts else 0

    print('/* Made by unicode_tables.py. */\n#include "message/unicode/unicode_tables.h"\n')
    print_stages("folds", "uint16_t", places(folds))
    print_stages("titles", "uint16_t", places(titles))
    print_stages("canon", "uint16_t", places(canon))
    print_stages("classes", "uint8_t", lambda c: unicodedata.combining(chr(c)))
    assert len(pool.units) < 0x10000
    print(f"const uint16_t unicode_texts[] = {{{numbers(pool.units)}}};")
    for name, pairs in (("pairs", compositions(folds)), ("canon_pairs", canon_compositions())):
        pairs = sorted(pairs)
        assert all(0x300 <= b <= 0x1B35 or b in (0x3099, 0x309A) or b > 0xFFFF for _, b, _ in pairs)
        print(f"const struct unicode_pair unicode_{name}[] = {{")
        print(",\n".join(f"{{{a},{b},{c}}}" for a, b, c in pairs) + "};")
        print(f"const size_t unicode_{name}_count = {len(pairs)};")


if __name__ == "__main__":
    main()
