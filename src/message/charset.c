/* SPDX-License-Identifier: ISC */
/*
 * Own tables rather than iconv(3) or ICU, for the reasons in docs/libraries.md. All decoders walk
 * once over the bytes and give characters to a sink, which writes them and notes what a guess is
 * judged by: whether something could not be read, and whether characters of two bytes follow one
 * another, as they do in Japanese and hardly ever where Latin messages with accents are mistaken
 * for them.
 */
#include "message/charset.h"

#include "base/encode.h"
#include "base/error.h"
#include "message/charset_tables.h"

#define UNREADABLE 0xfffdU
#define ESC        '\x1b'
#define SHIFT_OUT  0x0eU
#define SHIFT_IN   0x0fU

struct sink {
    struct buf *to;
    unsigned together; /* characters of two bytes up to here */
    bool damaged, japanese;
};

typedef void decode_fn(struct sink *s, struct slice bytes);

/* ------------------------------------------------------------------ characters */

static void write_utf8(struct buf *to, uint32_t c) {
    if (c < 0x80) {
        buf_add_byte(to, (char)c);
        return;
    }
    static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    buf_add_byte(to, (char)(leads[more] | c >> 6 * more));
    while (more-- > 0)
        buf_add_byte(to, (char)(0x80 | (c >> 6 * more & 0x3f)));
}

static void put(struct sink *s, uint32_t c) {
    if (c == '\t' || c == '\r' || c == '\n')
        c = ' ';
    else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
        c = UNREADABLE;
    s->together = 0;
    s->damaged = s->damaged || c == UNREADABLE;
    write_utf8(s->to, c);
}

/* A character of two bytes or more; 0: the table has none. */
static void put_wide(struct sink *s, uint32_t c) {
    unsigned together = s->together + 1;
    put(s, c > 0 ? c : UNREADABLE);
    s->together = together;
    s->japanese = s->japanese || together >= 2;
}

static void put_kana(struct sink *s, uint8_t b) {
    put(s, 0xff61U + b - 0xa1);
}

static bool is_kana(uint8_t b) {
    return b >= 0xa1 && b <= 0xdf;
}

static uint8_t byte_at(struct slice s, size_t i) {
    return i < s.len ? (uint8_t)s.ptr[i] : 0;
}

/* ------------------------------------------------------------------ UTF-8, sets of one byte */

/* One character; bytes that are none are passed over one by one. */
static size_t take_utf8(struct sink *s, struct slice bytes) {
    uint8_t b = byte_at(bytes, 0);
    size_t len = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    if (bytes.len < len || !utf8_valid(slice_first(bytes, len))) {
        put(s, UNREADABLE);
        return 1;
    }
    uint32_t c = len == 1 ? b : b & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (byte_at(bytes, i) & 0x3f);
    put(s, c);
    return len;
}

static void decode_utf8(struct sink *s, struct slice bytes) {
    while (bytes.len > 0)
        bytes = slice_from(bytes, take_utf8(s, bytes));
}

static void decode_single(struct sink *s, const struct charset_single *set, struct slice bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t b = byte_at(bytes, i);
        uint32_t c = b < 0x80 ? b : set->upper[b - 0x80];
        put(s, c > 0 ? c : UNREADABLE);
    }
}

/* ------------------------------------------------------------------ Shift_JIS */

/* Two rows share a lead byte. False: the two bytes are no pair. */
static bool shift_jis_pair(uint8_t lead, uint8_t trail, uint16_t *ret) {
    if (!((lead >= 0x81 && lead <= 0x9f) || (lead >= 0xe0 && lead <= 0xfc)) || trail < 0x40 ||
        trail > 0xfc || trail == 0x7f)
        return false;
    unsigned row = 2U * (lead - (lead < 0xa0 ? 0x81U : 0xc1U));
    *ret = trail >= 0x9f ? charset_jisx0208[row + 1][trail - 0x9f]
                         : charset_jisx0208[row][trail - 0x40 - (trail > 0x7f ? 1 : 0)];
    return true;
}

static void decode_shift_jis(struct sink *s, struct slice bytes) {
    while (bytes.len > 0) {
        uint8_t b = byte_at(bytes, 0);
        uint16_t wide = 0;
        bool pair = shift_jis_pair(b, byte_at(bytes, 1), &wide);
        if (pair)
            put_wide(s, wide);
        else if (is_kana(b))
            put_kana(s, b);
        else
            put(s, b < 0x80 ? b : UNREADABLE);
        bytes = slice_from(bytes, pair ? 2 : 1);
    }
}

/* ------------------------------------------------------------------ EUC-JP */

static bool is_high(uint8_t b) {
    return b >= 0xa1 && b <= 0xfe;
}

static void decode_euc_jp(struct sink *s, struct slice bytes) {
    while (bytes.len > 0) {
        uint8_t b = byte_at(bytes, 0), second = byte_at(bytes, 1), third = byte_at(bytes, 2);
        size_t len = 2;
        if (is_high(b) && is_high(second)) {
            put_wide(s, charset_jisx0208[b - 0xa1][second - 0xa1]);
        } else if (b == 0x8e && is_kana(second)) {
            put_kana(s, second);
        } else if (b == 0x8f && is_high(second) && is_high(third)) {
            put_wide(s, charset_jisx0212[second - 0xa1][third - 0xa1]);
            len = 3;
        } else {
            put(s, b < 0x80 ? b : UNREADABLE);
            len = 1;
        }
        bytes = slice_from(bytes, len);
    }
}

/* ------------------------------------------------------------------ ISO-2022-JP */

enum jis_set { JIS_ASCII, JIS_ROMAN, JIS_KANA, JIS_0208, JIS_0212, JIS_FOREIGN };

/* What stands behind ESC; sets of two bytes that we cannot read are told apart to stay in step. */
static const struct {
    struct slice text;
    enum jis_set set;
} escapes[] = {
    {{"(B", 2}, JIS_ASCII},    {{"(J", 2}, JIS_ROMAN},    {{"(H", 2}, JIS_ROMAN},
    {{"(I", 2}, JIS_KANA},     {{"$@", 2}, JIS_0208},     {{"$B", 2}, JIS_0208},
    {{"$(@", 3}, JIS_0208},    {{"$(B", 3}, JIS_0208},    {{"$(O", 3}, JIS_0208},
    {{"$(Q", 3}, JIS_0208},    {{"$(D", 3}, JIS_0212},    {{"$A", 2}, JIS_FOREIGN},
    {{"$(C", 3}, JIS_FOREIGN}, {{"$(P", 3}, JIS_FOREIGN},
};

/* The length of the escape sequence at the front, or 0. */
static size_t read_escape(struct slice bytes, enum jis_set *set) {
    if (byte_at(bytes, 0) != ESC)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(escapes); i++) {
        if (!slice_starts(slice_from(bytes, 1), escapes[i].text))
            continue;
        *set = escapes[i].set;
        return 1 + escapes[i].text.len;
    }
    return 0;
}

static bool is_graphic(uint8_t b) {
    return b >= 0x21 && b <= 0x7e;
}

/* One character of the set that was switched to; kana with the eighth bit set need no switch. */
static size_t take_jis(struct sink *s, enum jis_set set, struct slice bytes) {
    uint8_t b = byte_at(bytes, 0), second = byte_at(bytes, 1);
    if (set >= JIS_0208 && is_graphic(b) && is_graphic(second)) {
        uint32_t c = set == JIS_0208   ? charset_jisx0208[b - 0x21][second - 0x21]
                     : set == JIS_0212 ? charset_jisx0212[b - 0x21][second - 0x21]
                                       : 0;
        put_wide(s, c);
        return 2;
    }
    if (is_kana(b) || (set == JIS_KANA && is_kana(b | 0x80)))
        put_kana(s, b | 0x80);
    else if (set == JIS_ROMAN && b < 0x80)
        put(s, b == '\\' ? 0xa5 : b == '~' ? 0x203e : b);
    else
        put(s, (set < JIS_KANA && b < 0x80) || b <= ' ' ? b : UNREADABLE);
    return 1;
}

static void decode_iso_2022_jp(struct sink *s, struct slice bytes) {
    enum jis_set set = JIS_ASCII;
    bool shifted = false;
    while (bytes.len > 0) {
        uint8_t b = byte_at(bytes, 0);
        size_t len = read_escape(bytes, &set);
        if (len == 0 && (b == SHIFT_OUT || b == SHIFT_IN)) {
            shifted = b == SHIFT_OUT;
            len = 1;
        } else if (len == 0) {
            len = take_jis(s, shifted ? JIS_KANA : set, bytes);
        }
        bytes = slice_from(bytes, len);
    }
}

/* ------------------------------------------------------------------ guessing */

/* Writes it when it is readable as that and looks like Japanese. */
static bool try_japanese(struct sink *s, decode_fn *decode, struct slice bytes) {
    _cleanup_(buf_done) struct buf text = {0};
    struct sink trial = {.to = &text};
    decode(&trial, bytes);
    if (trial.damaged || !trial.japanese)
        return false;
    buf_add(s->to, buf_slice(&text));
    return true;
}

/* Also when it ends within a character, as where a long text was cut. */
static bool is_utf8(struct slice bytes) {
    for (size_t cut = 0; cut < MIN(bytes.len, (size_t)4); cut++) {
        size_t len = bytes.len - cut;
        if ((cut == 0 || byte_at(bytes, len) >= 0xc0) && utf8_valid(slice_first(bytes, len)))
            return true;
    }
    return bytes.len == 0;
}

static void decode_any(struct sink *s, struct slice bytes) {
    if (slice_find(bytes, S("\x1b$")) >= 0 || slice_find(bytes, S("\x1b(")) >= 0)
        decode_iso_2022_jp(s, bytes);
    else if (is_utf8(bytes))
        decode_utf8(s, bytes);
    else if (!try_japanese(s, decode_euc_jp, bytes) && !try_japanese(s, decode_shift_jis, bytes))
        decode_single(s, &charset_singles[0], bytes);
}

/* ------------------------------------------------------------------ names */

/* Lower case, letters and digits only. Behind these come the sets of one byte. */
static const struct {
    const char *names;
    decode_fn *decode;
} charsets[] = {
    {"utf8", decode_utf8},
    {"usascii ascii unknown8bit xunknown", decode_any},
    {"iso2022jp iso2022jp1 iso2022jp2 iso2022jp3 iso2022jp2004 iso2022jpms csiso2022jp cp50220"
     " cp50221 cp50222",
     decode_iso_2022_jp},
    {"shiftjis sjis xsjis mskanji csshiftjis windows31j cswindows31j cp932 ms932",
     decode_shift_jis},
    {"eucjp xeucjp eucjpms cseucpkdfmtjapanese cp51932", decode_euc_jp},
};

/* Without regard to case and to all but letters and digits. */
static bool is_name(struct slice name, struct slice known) {
    size_t matched = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = ascii_lower(name.ptr[i]);
        if (!ascii_is_alpha(c) && !ascii_is_digit(c))
            continue;
        if (matched == known.len || c != known.ptr[matched++])
            return false;
    }
    return known.len > 0 && matched == known.len;
}

static bool is_one_of(struct slice name, const char *names) {
    struct slice rest = slice_of_str(names), known;
    while (slice_next_word(&rest, &known)) {
        if (is_name(name, known))
            return true;
    }
    return false;
}

int charset_find(struct slice name) {
    for (size_t i = 0; i < ARRAY_SIZE(charsets); i++) {
        if (is_one_of(name, charsets[i].names))
            return (int)i;
    }
    for (size_t i = 0; i < CHARSET_SINGLES; i++) {
        if (is_one_of(name, charset_singles[i].names))
            return (int)(ARRAY_SIZE(charsets) + i);
    }
    return -E_UNKNOWN;
}

void charset_decode(struct buf *to, int charset, struct slice bytes) {
    struct sink s = {.to = to};
    size_t i = (size_t)charset;
    if (i < ARRAY_SIZE(charsets))
        charsets[i].decode(&s, bytes);
    else
        decode_single(&s, &charset_singles[i - ARRAY_SIZE(charsets)], bytes);
}

void charset_decode_unlabelled(struct buf *to, struct slice bytes) {
    decode_any(&(struct sink){.to = to}, bytes);
}
