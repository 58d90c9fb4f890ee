/* SPDX-License-Identifier: ISC */
/*
 * Labels lie: programs put in what they were built with. But a text in a set of several bytes has a
 * form that hardly any other text has by chance, so what decodes tells more than what is said. The
 * order of the questions is that of docs/mime.md: which mistakes are made often, and how sure the
 * answer is.
 */
#include "base/eight.h"
#include "message/charset/charset_decode.h"
#include "message/charset/charset_tables.h"

#define KANA_MIN  2U  /* so many make a text Japanese that says it were Latin */
#define ASCII_MIN 32U /* so many bytes without any other are no UTF-16 */

/* How much of a text is UTF-8. */
struct utf8_count {
    size_t whole; /* characters of several bytes */
    size_t wide;  /* of three or four among them: hardly ever there by chance */
    size_t stray; /* bytes beyond ASCII that belong to none */
};

/* An unfinished character at the end, where a text was cut, does not count. */
static struct utf8_count count_utf8(struct slice s) {
    struct utf8_count n = {0};
    while (s.len > 0) {
        uint32_t c;
        size_t len = utf8_decode(s, &c);
        n.whole += len > 1;
        n.wide += len > 2;
        if (len == 0 && utf8_is_cut(s) && n.stray == 0 && n.whole > 0)
            break;
        n.stray += len == 0;
        s = slice_from(s, MAX(len, (size_t)1));
    }
    return n;
}

static bool has_escape(struct slice s) {
    return slice_find(s, S("\x1b$")) >= 0 || slice_find(s, S("\x1b(")) >= 0;
}

static bool has_high(struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        if (charset_byte(s, i) >= 0x80)
            return true;
    }
    return false;
}

/* What a decoder makes of it. */
static struct charset_out try(int number, struct slice s) {
    char text[CHARSET_GROW * 256 + CHARSET_SLACK];
    struct charset_out o = {0};
    struct charset_state st;
    charset_begin(&st, number);
    while (s.len > 0) {
        struct slice piece = slice_first(s, 256);
        o.to = text;
        size_t read = charset_step(number, &st, &o, piece, true);
        if (read == 0)
            break; /* the text was cut here */
        s = slice_from(s, read);
    }
    return o;
}

/* Readable as that and like Japanese: not by single pairs, nor for the most part by rare ones. */
static bool is_japanese(int number, struct slice s, unsigned kana) {
    struct charset_out o = try(number, s);
    return !o.damaged && o.pairs && o.everyday >= o.other && o.kana >= kana;
}

/* EUC-JP, Shift_JIS, or `otherwise`. */
static int judge_japanese(struct slice s, unsigned kana, int otherwise) {
    if (is_japanese(CHARSET_EUC_JP, s, kana))
        return CHARSET_EUC_JP;
    return is_japanese(CHARSET_SHIFT_JIS, s, kana) ? CHARSET_SHIFT_JIS : otherwise;
}

/* ------------------------------------------------------------------ by label */

/* A byte order mark of UTF-16. */
static bool has_mark(struct slice s) {
    return slice_starts(s, S("\xff\xfe")) || slice_starts(s, S("\xfe\xff"));
}

/* No label, or one that says little. `begun`: other text was before it. */
static int judge_any(struct slice s, bool begun) {
    struct utf8_count n = count_utf8(s);
    if (!begun && has_mark(s) && slice_find_byte(s, 0) >= 0)
        return charset_byte(s, 0) == 0xff ? CHARSET_UTF16LE : CHARSET_UTF16BE;
    if (has_escape(s) && (n.whole == 0 || n.stray > 0))
        return CHARSET_ISO_2022_JP;
    if (n.stray == 0 || n.wide > n.stray)
        return CHARSET_UTF8;
    return judge_japanese(s, 0, n.whole > n.stray ? CHARSET_UTF8 : CHARSET_SINGLE);
}

static int judge_utf8(struct slice s) {
    struct utf8_count n = count_utf8(s);
    return n.stray == 0 || n.wide > n.stray ? CHARSET_UTF8 : judge_japanese(s, 0, CHARSET_UTF8);
}

/* Seven bits with switches; without these, but with eighth bits, it is that country's other set. */
static int judge_iso_2022(int number, struct slice s) {
    struct utf8_count n = count_utf8(s);
    if (has_escape(s) || slice_find_byte(s, '\x0e') >= 0 || n.whole + n.stray == 0)
        return number;
    if (n.stray == 0 || n.wide > n.stray)
        return CHARSET_UTF8;
    if (number == CHARSET_ISO_2022_JP)
        return judge_japanese(s, 0, number);
    return number == CHARSET_ISO_2022_KR ? CHARSET_EUC_KR : CHARSET_GB18030;
}

/* Several bytes to a character. */
static int judge_wide(int number, struct slice s) {
    struct utf8_count n = count_utf8(s);
    bool utf8 = n.stray == 0 && n.whole > 0;
    if (utf8 && n.wide == n.whole && n.wide >= 2)
        return CHARSET_UTF8;
    if (!try(number, s).damaged)
        return number;
    if (utf8)
        return CHARSET_UTF8;
    bool japanese = number == CHARSET_SHIFT_JIS || number == CHARSET_EUC_JP;
    return japanese ? judge_japanese(s, 0, number) : number;
}

/* What programs write who do not know what they write. */
static int judge_latin1(struct slice s) {
    struct utf8_count n = count_utf8(s);
    return n.stray == 0 && n.whole > 0 ? CHARSET_UTF8 : judge_japanese(s, KANA_MIN, CHARSET_SINGLE);
}

/* The order of bytes by where zeros stand, or the upper halves of kana; big comes first. */
static int judge_utf16(int number, struct slice s) {
    size_t even = 0, odd = 0;
    if (has_mark(s))
        return charset_byte(s, 0) == 0xff ? CHARSET_UTF16LE : CHARSET_UTF16BE;
    for (size_t i = 0; i < s.len; i++) {
        bool upper = s.ptr[i] == 0 || s.ptr[i] == 0x30;
        even += upper && i % 2 == 0;
        odd += upper && i % 2 == 1;
    }
    if (s.len >= ASCII_MIN && !has_high(s) && slice_find_byte(s, 0) < 0)
        return CHARSET_UTF8;
    if (number != CHARSET_UTF16)
        return number;
    return odd > even ? CHARSET_UTF16LE : CHARSET_UTF16BE;
}

static int judge_utf32(int number, struct slice s) {
    if (number != CHARSET_UTF32)
        return number;
    return charset_byte(s, 0) == 0 ? CHARSET_UTF32BE : CHARSET_UTF32LE;
}

int charset_judge(int number, struct slice s, bool begun) {
    s = slice_first(s, CHARSET_LOOK);
    if (number == CHARSET_UTF7 || number == CHARSET_HZ)
        return number;
    if (number >= CHARSET_UTF16 && number <= CHARSET_UTF16LE)
        return judge_utf16(number, s);
    if (number >= CHARSET_UTF32 && number <= CHARSET_UTF32LE)
        return judge_utf32(number, s);
    if (number >= CHARSET_ISO_2022_JP && number <= CHARSET_ISO_2022_CN)
        return judge_iso_2022(number, s);
    if (number == CHARSET_ANY)
        return judge_any(s, begun);
    if (slice_find(s, S("\x1b$")) >= 0 && !has_high(s))
        return CHARSET_ISO_2022_JP;
    if (number == CHARSET_UTF8)
        return judge_utf8(s);
    if (number < CHARSET_SINGLE)
        return judge_wide(number, s);
    return number == CHARSET_SINGLE ? judge_latin1(s) : number;
}

static bool tells_nothing(uint64_t eight) {
    return (eight_wide(eight) | eight_equal(eight, 0x1b) | eight_equal(eight, 0x0e) |
            eight_equal(eight, 0x0f)) == 0;
}

size_t charset_tells_nothing(int number, struct slice bytes) {
    size_t i = 0;
    if (number >= CHARSET_UTF16 && number <= CHARSET_UTF32LE)
        return 0;
    if (number == CHARSET_UTF7 || number == CHARSET_HZ)
        return 0;
    while (bytes.len - i >= 8 && tells_nothing(get_u64(bytes.ptr + i)))
        i += 8;
    while (i < bytes.len && charset_byte(bytes, i) < 0x80 && bytes.ptr[i] != 0x1b &&
           bytes.ptr[i] != 0x0e && bytes.ptr[i] != 0x0f) /* ESC, SO, SI */
        i++;
    return i;
}
