#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Makes the tables of charset_tables.h out of Python's codecs.

usage: charset_tables.py > FILE

JIS X 0208 is that of Windows (CP932): with the signs of NEC and the kanji of IBM that are in daily
use, in the places where the other encodings of it have them. JIS X 0212 has IBM's kanji where
EUC-JP-MS puts them, in rows 83 and 84. Big5 is that of Windows (CP950), and Hong Kong's (HKSCS)
where that has nothing and in the rows that ETEN filled. GB18030 has what its edition of 2022 moved
out of private use.
"""
import itertools

# Names as they are compared: lower case, letters and digits only. Each name is there once.
NAMES = {
    "ANY": "usascii ascii us isoir6 iso646us ansix341968 ansix341986 csascii cp367 ibm367"
           " unknown8bit xunknown unknown binary 8bit 7bit none default 646",
    "UTF8": "utf8 utf8n utf8mb4 utf unicode11utf8 unicode20utf8 xunicode20utf8 csutf8 cp65001",
    "UTF7": "utf7 unicode11utf7 unicode20utf7 xunicode20utf7 csunicode11utf7 csutf7 cp65000",
    "UTF16": "utf16 ucs2 unicode csunicode iso10646ucs2 unicodefeff csutf16 iso10646",
    "UTF16BE": "utf16be ucs2be unicodefffe csutf16be unicodebig",
    "UTF16LE": "utf16le ucs2le csutf16le unicodelittle",
    "UTF32": "utf32 ucs4 iso10646ucs4 csucs4 csutf32",
    "UTF32BE": "utf32be ucs4be csutf32be",
    "UTF32LE": "utf32le ucs4le csutf32le",
    "ISO_2022_JP": "iso2022jp iso2022jp1 iso2022jp2 iso2022jp3 iso2022jp2004 iso2022jpms iso2022jpext"
                   " csiso2022jp csiso2022jp2 xiso2022jp cp50220 cp50221 cp50222 csjisencoding"
                   " jisencoding jis jis7 iso2022 xiso2022 iso2022int1",
    "ISO_2022_KR": "iso2022kr csiso2022kr cp50225",
    "ISO_2022_CN": "iso2022cn iso2022cnext csiso2022cn cp50227",
    "HZ": "hz hzgb2312 hzgb cshzgb2312 cp52936",
    "SHIFT_JIS": "shiftjis sjis xsjis xshiftjis shiftjisms mskanji csshiftjis windows31j windows932"
                 " cswindows31j cp932 ms932 xms932 xmscp932 ibm943 cp943 shiftjis2004 shiftjisx0213"
                 " shiftjisx xsjisopen",
    "EUC_JP": "eucjp xeucjp xeuc ujis eucjpms eucjpwin cp51932 eucjis2004 eucjisx0213"
              " extendedunixcodepackedformatforjapanese cseucpkdfmtjapanese cseucfmtjapanese",
    "GB18030": "gb18030 gb180302000 gb180302005 gb180302022 gbk xgbk csgbk cp936 ms936 windows936"
               " gb2312 gb231280 csgb2312 csgb231280 xgb2312 chinese csiso58gb231280 isoir58 euccn"
               " xeuccn cngb csgb18030 cp54936",
    "BIG5": "big5 big5eten big5hkscs big5hkscs1999 big5hkscs2001 big5hkscs2004 big5hkscs2008 csbig5"
            " csbig5hkscs cnbig5 xxbig5 xbig5 big5tw cp950 ms950 windows950 cp951 ms951",
    "EUC_KR": "euckr xeuckr cseuckr cp949 ms949 windows949 xwindows949 uhc ksc56011987"
              " ksc56011989 ksc5601 ksx1001 ksx10011992 csksc56011987 isoir149 korean cp51949 kscroman",
}
SINGLE = [  # Python's codec, names; first Windows-1252, which stands for ISO-8859-1
    ("cp1252", "iso88591 iso885911987 latin1 l1 isoir100 csisolatin1 cp819 ibm819 iso8859 88591"),
    ("iso8859-2", "iso88592 iso885921987 latin2 l2 isoir101 csisolatin2 88592"),
    ("iso8859-3", "iso88593 iso885931988 latin3 l3 isoir109 csisolatin3 88593"),
    ("iso8859-4", "iso88594 iso885941988 latin4 l4 isoir110 csisolatin4 88594"),
    ("iso8859-5", "iso88595 iso885951988 cyrillic isoir144 csisolatincyrillic 88595"),
    ("iso8859-6", "iso88596 iso88596i iso88596e iso885961987 arabic ecma114 asmo708 isoir127"
                  " csisolatinarabic csiso88596i csiso88596e"),
    ("iso8859-7", "iso88597 iso885971987 greek greek8 ecma118 elot928 isoir126 csisolatingreek"
                  " suneugreek 88597"),
    ("iso8859-8", "iso88598 iso88598i iso88598e iso885981988 hebrew visual logical isoir138"
                  " csisolatinhebrew csiso88598i csiso88598e"),
    ("cp1254", "iso88599 iso885991989 latin5 l5 isoir148 csisolatin5 88599"),
    ("iso8859-10", "iso885910 iso8859101992 latin6 l6 isoir157 csisolatin6"),
    ("iso8859-13", "iso885913 latin7 l7 csiso885913"),
    ("iso8859-14", "iso885914 iso8859141998 latin8 l8 isoceltic isoir199 csiso885914"),
    ("iso8859-15", "iso885915 latin9 l9 latin0 csiso885915 csisolatin9"),
    ("iso8859-16", "iso885916 iso8859162001 latin10 l10 isoir226 csiso885916"),
    ("cp874", "tis620 tis6200 tis62025290 tis62025330 cstis620 iso885911 iso8859112001 dos874 thai"),
    *((f"cp{n}", "") for n in (1250, 1251, 1253, 1255, 1256, 1257, 1258)),
    ("koi8-r", "koi8r koi8 koi cskoi8r cp20866"), ("koi8-u", "koi8u koi8ru cskoi8u cp21866"),
    ("koi8-t", "koi8t"), ("kz1048", "kz1048 strk10482002 rk1048 cskz1048"),
    ("mac-roman", "macintosh mac macroman xmacroman csmacintosh cp10000"),
    ("mac-cyrillic", "maccyrillic xmaccyrillic xmacukrainian macukrainian cp10007"),
    ("mac-latin2", "macce xmacce maccentraleurope maclatin2 cp10029"),
    ("mac-greek", "macgreek xmacgreek cp10006"), ("mac-turkish", "macturkish xmacturkish cp10081"),
    *((f"cp{n}", f"ibm{n} dos{n} {n} cspc{n}") for n in (437, 737, 775, 850, 852, 855, 857, 858, 862,
                                                         865, 866)),
    ("cp1125", "cp1125 ibm1125 cp866u"),
]
CELLS, ROWS_0208, ROWS_0212 = 94, 120, 94
IBM_FIRST_ROW, IBM_SIGNS = 114, 28  # of the Windows table, from 0; before its kanji
MS_SIGNS = "ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ＇＂㈱№℡"
MS_FIRST_ROW, MS_FIRST_CELL = 82, 82
GB_NUMBERS = 39420
GB_2022 = dict(zip(
    [0xA8BC, 0xA6D9, 0xA6DA, 0xA6DB, 0xA6DC, 0xA6DD, 0xA6DE, 0xA6DF, 0xA6EC, 0xA6ED, 0xA6F3, 0xFE51,
     0xFE52, 0xFE53, 0xFE59, 0xFE61, 0xFE66, 0xFE67, 0xFE6C, 0xFE6D, 0xFE76, 0xFE7E, 0xFE90, 0xFE91,
     0xFEA0],
    [0x1E3F, 0xFE10, 0xFE12, 0xFE11, 0xFE13, 0xFE14, 0xFE15, 0xFE16, 0xFE17, 0xFE18, 0xFE19, 0x20087,
     0x20089, 0x200CC, 0x9FB4, 0x9FB5, 0x9FB6, 0x9FB7, 0x215D7, 0x9FB8, 0x2298F, 0x9FB9, 0x9FBA,
     0x241FE, 0x9FBB]))


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


def big5(pair):
    """The first character of the four places that have two is what Latin letters come without."""
    try:
        return ord(pair.decode("big5hkscs")[0])
    except UnicodeDecodeError:
        return 0


def traditional(pair):
    if b"\xc6\xa1" <= pair <= b"\xc8\xfe":
        return big5(pair)
    return character(pair, "cp950") or big5(pair)


def by_lead(decode):
    """Rows for the leads 0x81 to 0xFE, trails from 0."""
    return [[decode(bytes([lead, trail])) for trail in range(256)] for lead in range(0x81, 0xFF)]


def numbers(values):
    return ",".join(str(v) for v in values)


def print_pairs(name, first, table):
    rows, cells = [], []
    for row in table:
        there = [trail for trail, c in enumerate(row) if c]
        span = row[there[0]:there[-1] + 1] if there else []
        rows.append((len(cells), there[0] if there else 0, len(span)))
        cells += span
    bits = [c >> 16 for c in cells]
    assert set(bits) <= {0, 2} and len(cells) < 0x10000 and all(count < 256 for *_, count in rows)
    print(f"static const struct charset_row {name}_rows[] = {{")
    print(",".join(f"{{{at},{first},{count}}}" for at, first, count in rows) + "};")
    print(f"static const uint16_t {name}_cells[] = {{{numbers(c & 0xFFFF for c in cells)}}};")
    beyond = "NULL"
    if any(bits):
        octets = [sum((bit >> 1) << i for i, bit in enumerate(bits[at:at + 8]))
                  for at in range(0, len(bits), 8)]
        print(f"static const uint8_t {name}_beyond[] = {{{numbers(octets)}}};")
        beyond = f"{name}_beyond"
    print(f"const struct charset_pairs charset_{name} = {{{name}_rows, {name}_cells, {beyond},"
          f" {first}, {first + len(table) - 1}}};\n")


def print_gb_runs():
    runs = []
    for n, (a, b, c, d) in enumerate(itertools.islice(
            itertools.product(range(0x81, 0xFF), range(10), range(0x81, 0xFF), range(10)), GB_NUMBERS)):
        code = ord(bytes([a, 0x30 + b, c, 0x30 + d]).decode("gb18030"))
        if not runs or code - n != runs[-1][1] - runs[-1][0]:
            runs.append((n, code))
    print("const struct charset_run charset_gb_runs[] = {")
    print(",".join(f"{{{n},{code}}}" for n, code in runs) + "};")
    print(f"const size_t charset_gb_runs_count = {len(runs)};\n")


def all_names():
    names = {}

    def add(name, number):
        assert len(name) < 40 and names.get(name, number) == number, name
        names[name] = number

    for number, known in NAMES.items():
        for name in known.split():
            add(name, f"CHARSET_{number}")
    for place, (codec, known) in enumerate(SINGLE):
        page = codec.removeprefix("cp") if codec.startswith("cp") else ""
        usual = f"cp{page} windows{page} ms{page} win{page} xcp{page} cswindows{page}" if page else ""
        for name in f"{known} {usual}".split():
            add(name, f"CHARSET_SINGLE + {place}")
    return sorted(names.items())


def main():
    table_0208 = make_0208()
    print('/* Made by charset_tables.py. */\n#include "message/charset/charset_tables.h"\n')
    print_pairs("jisx0208", 0, table_0208)
    print_pairs("jisx0212", 0, make_0212(table_0208))
    print_pairs("gb18030", 0x81, by_lead(
        lambda pair: GB_2022.get(int.from_bytes(pair, "big"), 0) or character(pair, "gb18030")))
    print_pairs("big5", 0x81, by_lead(traditional))
    print_pairs("cp949", 0x81, by_lead(lambda pair: character(pair, "cp949")))
    print_gb_runs()
    print("const uint16_t charset_singles[][128] = {")
    for codec, _ in SINGLE:
        print(f"{{{numbers(character(bytes([b]), codec) for b in range(0x80, 0x100))}}},")
    greek = [codec for codec, _ in SINGLE].index("iso8859-7")
    print(f"}};\nconst uint8_t charset_greek = {greek};\n")
    names = all_names()
    print("const struct charset_name charset_names[] = {")
    print(",\n".join(f'{{"{name}", {number}}}' for name, number in names) + "};")
    print(f"const size_t charset_names_count = {len(names)};")


if __name__ == "__main__":
    main()
