# SPDX-License-Identifier: ISC
"""Prints texts in other character sets: the name of the set, the bytes and the text as UTF-8, both
in hexadecimal; for the unit tests. Left out is what we read otherwise on purpose: the wave dash and
its like, private use, control characters.

usage: read_charset.py single | pairs | numbered | switched | unicode
"""
import itertools
import random
import sys
import unicodedata

SINGLE = ("cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp874 iso8859-1 iso8859-2"
          " iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11"
          " iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u koi8-t kz1048 tis-620 mac-roman"
          " mac-cyrillic mac-latin2 mac-greek mac-turkish cp437 cp737 cp775 cp850 cp852 cp855 cp857"
          " cp858 cp862 cp865 cp866 cp1125").split()
WAVES = "〜‖−¢£¬～"  # Windows has others in their places
GB2312_DOTS = "・―"  # GBK has others
ETEN = range(0xC6A1, 0xC8FF)  # rows of Big5 that Windows lacks


def show(label, data, text):
    print(label, data.hex(), text.encode().hex())


def read(data, codec):
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return ""
    return "" if any(unicodedata.category(c) in ("Cc", "Co") for c in text) else text


def single():
    for codec, b in itertools.product(SINGLE, range(0x80, 0x100)):
        if text := read(bytes([b]), codec):
            show(codec, bytes([b]), text)


def pairs():
    for high, low in itertools.product(range(0x80, 0x100), range(0x40, 0x100)):
        data = bytes([high, low])
        eten = int.from_bytes(data, "big") in ETEN
        for label, codec, but in (
                ("cp932", "cp932", WAVES), ("euc-jp", "euc_jp", WAVES), ("gb18030", "gb18030", ""),
                ("gbk", "gbk", ""), ("gb2312", "gb2312", GB2312_DOTS), ("big5-hkscs", "cp950", ""),
                ("ks_c_5601-1987", "cp949", ""), ("euc-kr", "euc_kr", "")):
            text = read(data, codec)
            if len(text) == 1 and text not in but and not (codec == "cp950" and eten):
                show(label, data, text)
        if (eten or not read(data, "cp950")) and (text := read(data, "big5hkscs")) and len(data) == 2:
            show("big5", data, text)
        if len(text := read(b"\x8f" + data, "euc_jp")) == 1 and text not in WAVES:
            show("euc-jp", b"\x8f" + data, text)


def numbered():
    plane_0 = itertools.product(range(0x81, 0x85), range(10), range(0x81, 0xFF), range(10))
    beyond = itertools.product(range(0x90, 0xE4), range(0, 10, 3), range(0x81, 0xFF, 7), range(0, 10, 3))
    for a, b, c, d in itertools.chain(plane_0, beyond):
        data = bytes([a, 0x30 + b, c, 0x30 + d])
        if text := read(data, "gb18030"):
            show("gb18030", data, text)


def switched():
    """All characters of a set in texts of twenty, with ASCII between them."""
    every = [chr(c) for c in range(0xA1, 0x10000) if not 0xD800 <= c < 0xF900 and chr(c) not in WAVES]
    for label, codec, but in (
            ("iso-2022-jp", "iso2022_jp", ""), ("iso-2022-jp-1", "iso2022_jp_1", ""),
            ("iso-2022-jp-2", "iso2022_jp_2", GB2312_DOTS), ("iso-2022-kr", "iso2022_kr", ""),
            ("hz-gb-2312", "hz", GB2312_DOTS)):
        known = [c for c in every if c not in but and c.encode(codec, "ignore")]
        for i in range(0, len(known), 20):
            text = "a".join(known[i:i + 20]) + "+".join(known[i:i + 3])
            show(label, text.encode(codec), text)


def unicode_forms():
    lot = random.Random(7)
    for _ in range(500):
        ranges = [(0x20, 0x7E), (0xA0, 0x7FF), (0x3041, 0x9FFF), (0x10000, 0x10FFFF)]
        text = "".join(chr(lot.randint(*lot.choice(ranges))) for _ in range(lot.randint(1, 40)))
        for codec in ("utf-8", "utf-8-sig", "utf-7", "utf-16", "utf-16be", "utf-16le", "utf-32",
                      "utf-32be", "utf-32le"):
            show(codec.removesuffix("-sig"), text.encode(codec), text)
        show("utf-16", b"\xfe\xff" + text.encode("utf-16be"), text)


{"single": single, "pairs": pairs, "numbered": numbered, "switched": switched,
 "unicode": unicode_forms}[sys.argv[1]]()
