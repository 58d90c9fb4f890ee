# SPDX-License-Identifier: ISC
"""Prints texts, what they are folded to for a search, in the collation i;unicode-casemap, and in the form
C, all in hexadecimal, by Python's unicodedata; for the unit tests.

usage: fold_text.py characters | texts
"""
import random
import re
import sys
import unicodedata
from unicodedata import normalize

LIKE = str.maketrans("〜‖−―゛゜￣", "~∥-—\u3099\u309A¯")
KANA = str.maketrans({c: c - 0x60 for c in [*range(ord("ァ"), ord("ヶ") + 1), ord("ヽ"), ord("ヾ")]})
UNSEEN = re.compile("[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E"
                    "\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFF8\U0001BCA0-\U0001BCA3"
                    "\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]")


ACCENTS = "".join(c for c in map(chr, range(0x20000)) if re.match(" .", normalize("NFKD", c)))
WORDS = re.compile(f"[{ACCENTS}]|[^{ACCENTS}]+")


def fold(text):
    """By the rules of text_fold.h. NFKD would make a blank with a mark of a lone accent."""
    text = text.translate(LIKE)
    for _ in range(4):
        parts = WORDS.findall(text)
        text = "".join(normalize("NFD" if part in ACCENTS else "NFKD", part) for part in parts)
        text = normalize("NFD", UNSEEN.sub("", text)).casefold().translate(KANA).translate(LIKE)
    return normalize("NFC", text)


def casemap(text):
    titles = (c.title() if len(c.title()) == 1 else c for c in text)
    return "".join(normalize("NFKD", c) for c in titles)


def show(text):
    print(*(t.encode().hex() or "-" for t in (text, fold(text), casemap(text), normalize("NFC", text))))


def characters():
    for c in map(chr, [*range(1, 0x3400), *range(0x3400, 0xD800, 41), *range(0xD7A4 - 30, 0xD7A4),
                       *range(0xE000, 0x20000), *range(0x2F800, 0x2FA20), 0xE0001, 0xE0100, 0x10FFFF]):
        if unicodedata.category(c) != "Cn":
            show(c)


def texts():
    lot = random.Random(11)
    marks = [chr(c) for c in range(0x20000) if unicodedata.combining(chr(c))]
    usual = [c for c in marks if "\u0300" <= c <= "\u036f" or c in "\u3099\u309a"]
    parts = [chr(c) for c in [*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]]
    indic = [c for c in map(chr, range(0x900, 0xE00)) if unicodedata.category(c) != "Cn"]
    for _ in range(6000):
        letters = [chr(lot.randint(*lot.choice([(0x20, 0x7E), (0xC0, 0x17F), (0x370, 0x3FF), (0x1F00, 0x1FFC),
                                                (0x3041, 0x30FE), (0xFF61, 0xFF9F), (0x4E00, 0x9FFF),
                                                (0xAC00, 0xD7A3)]))) for _ in range(4)]
        letters += [lot.choice(parts) for _ in range(3)] + [lot.choice(indic) for _ in range(2)]
        letters += [lot.choice(usual) for _ in range(5)] + [lot.choice(marks) for _ in range(2)]
        show("".join(c for c in lot.sample(letters, len(letters)) if unicodedata.category(c) != "Cn"))


{"characters": characters, "texts": texts}[sys.argv[1]]()
