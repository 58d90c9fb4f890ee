#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Makes the tables of charset_tables.h out of Python's codecs.

usage: charset_tables.py > FILE

JIS X 0208 is that of Windows (CP932): with the signs of NEC and the kanji of IBM that are in daily
use, in the places where the other encodings of it have them. JIS X 0212 has IBM's kanji where
EUC-JP-MS puts them, in rows 83 and 84.
"""

# Names as they are compared: lower case, letters and digits only.
SINGLE = [
    ("cp1252", "iso88591 latin1 windows1252 cp1252"), ("iso8859-2", "iso88592 latin2"),
    ("iso8859-3", "iso88593 latin3"), ("iso8859-4", "iso88594 latin4"),
    ("iso8859-5", "iso88595 cyrillic"), ("iso8859-6", "iso88596 arabic"),
    ("iso8859-7", "iso88597 greek"), ("iso8859-8", "iso88598 iso88598i hebrew"),
    ("cp1254", "iso88599 latin5 windows1254 cp1254"), ("iso8859-10", "iso885910 latin6"),
    ("iso8859-13", "iso885913"), ("iso8859-14", "iso885914"), ("iso8859-15", "iso885915 latin9"),
    ("iso8859-16", "iso885916"), ("cp874", "windows874 cp874 tis620 iso885911"),
    *((f"cp{n}", f"windows{n} cp{n}") for n in (1250, 1251, 1253, 1255, 1256, 1257, 1258)),
    ("koi8-r", "koi8r"), ("koi8-u", "koi8u"),
]
CELLS, ROWS_0208, ROWS_0212 = 94, 120, 94
IBM_FIRST_ROW, IBM_SIGNS = 114, 28  # of the Windows table, from 0; before its kanji
MS_SIGNS = "ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ＇＂㈱№℡"
MS_FIRST_ROW, MS_FIRST_CELL = 82, 82


def character(data, codec):
    """The code point of one character; 0 for none, also when it is for private use."""
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return 0
    return ord(text) if len(text) == 1 and not "\ue000" <= text <= "\uf8ff" else 0


def windows(row, cell):
    lead = row // 2 + (0x81 if row < 62 else 0xC1)
    trail = 0x9F + cell if row % 2 else 0x40 + cell + (cell >= 63)
    return character(bytes([lead, trail]), "cp932")


def make_0208():
    return [[windows(row, cell) for cell in range(CELLS)] for row in range(ROWS_0208)]


def make_0212(table_0208):
    table = [[character(bytes([0x8F, 0xA1 + row, 0xA1 + cell]), "euc_jp") for cell in range(CELLS)]
             for row in range(ROWS_0212)]
    known = {c for row in table for c in row}
    ibm = [c for row in table_0208[IBM_FIRST_ROW:] for c in row if c]
    extra = [ord(c) for c in MS_SIGNS] + [c for c in ibm[IBM_SIGNS:] if c not in known]
    for place, c in enumerate(extra, MS_FIRST_ROW * CELLS + MS_FIRST_CELL):
        table[place // CELLS][place % CELLS] = c
    return table


def numbers(values):
    return ",".join(str(v) for v in values)


def main():
    table_0208 = make_0208()
    print('/* Made by charset_tables.py. */\n#include "message/charset_tables.h"\n')
    for name, table in (("jisx0208", table_0208), ("jisx0212", make_0212(table_0208))):
        rows = ",\n".join("{" + numbers(row) + "}" for row in table)
        print(f"const uint16_t charset_{name}[{len(table)}][CHARSET_CELLS] = {{\n{rows}}};\n")
    print("const struct charset_single charset_singles[CHARSET_SINGLES] = {")
    for codec, names in SINGLE:
        upper = [character(bytes([b]), codec) for b in range(0x80, 0x100)]
        print(f'{{"{names}",\n{{{numbers(upper)}}}}},')
    print("};")


if __name__ == "__main__":
    main()
