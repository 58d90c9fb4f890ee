/* SPDX-License-Identifier: ISC */
/*
 * The decoders behind charset.h, for charset*.c only, and where they write.
 *
 * A decoder walks once over the bytes and gives characters to `struct charset_out`, which writes
 * them and notes what a guess is judged by: whether something could not be read, and whether what
 * was read is what people write in Japanese.
 */
#pragma once

#include "base/encode.h"
#include "message/charset/charset.h"

#define CHARSET_UNREADABLE 0xfffdU
#define CHARSET_KEEP_MAX   3U /* bytes of an unfinished character, or escape sequence */
#define CHARSET_GROW       3U /* the output is at most so many times as long as the input ... */
#define CHARSET_SLACK      8U /* ... and so much longer at the end */

struct charset_out {
    char *to;        /* room for all that may come */
    bool keep_lines; /* tabs and line ends stay; else they become blanks */
    bool damaged;
    unsigned together;        /* characters of two bytes up to here */
    bool pairs;               /* two of them followed one another */
    unsigned kana;            /* hiragana and katakana among them */
    unsigned everyday, other; /* kana, JIS level 1, signs; the rest of them */
};

/* Sets that ISO 2022 switches between: charset_state.g0, g1 and g2. */
enum charset_jis {
    JIS_ASCII,
    JIS_ROMAN,
    JIS_KANA,
    JIS_LATIN1, /* the upper halves of ISO-8859-1 and -7 */
    JIS_GREEK,
    JIS_0208, /* from here on of two bytes */
    JIS_0212,
    JIS_GB2312,
    JIS_KSC5601,
    JIS_FOREIGN, /* that we cannot read: told apart to stay in step */
};

/*
 * Returns how many bytes it has read: all of them, or when there is `more` to come, all but those
 * of an unfinished character (CHARSET_KEEP_MAX at most).
 */
typedef size_t charset_decode_fn(struct charset_state *st, struct charset_out *o,
                                 struct slice bytes, bool more);

charset_decode_fn charset_utf8, charset_utf7;
charset_decode_fn charset_utf16be, charset_utf16le, charset_utf32be, charset_utf32le;
void charset_one_byte(struct charset_out *o, const uint16_t *upper, struct slice bytes);
charset_decode_fn charset_iso2022, charset_hz;
charset_decode_fn charset_shift_jis, charset_euc_jp, charset_gb, charset_big_five, charset_euc_kr;

/*
 * The same by a number of charset_find(); CHARSET_ANY and the forms without an order of bytes have
 * been decided before (charset_judge()).
 */
void charset_begin(struct charset_state *st, int number);
size_t charset_step(int number, struct charset_state *st, struct charset_out *o, struct slice bytes,
                    bool more);

/*
 * What a text is that calls itself `number`, by its first bytes (CHARSET_LOOK of them at most) from
 * the first one that tells; `begun`: there were others before it. The rules stand in docs/mime.md.
 */
#define CHARSET_LOOK ((size_t)4096)
int charset_judge(int number, struct slice bytes, bool begun);

/* How many bytes at the front tell nothing: they are the same whatever the text turns out to be. */
size_t charset_tells_nothing(int number, struct slice bytes);

/* ------------------------------------------------------------------ writing */

static inline uint8_t charset_byte(struct slice s, size_t i) {
    return i < s.len ? (uint8_t)s.ptr[i] : 0;
}

/* Any character but a control character. */
static inline void charset_write(struct charset_out *o, uint32_t c) {
    o->to += utf8_encode(o->to, c);
}

/* Any character; 0 and control characters become U+FFFD. ASCII's are no damage, but NUL is. */
static inline void charset_put(struct charset_out *o, uint32_t c) {
    if (c == '\t' || c == '\r' || c == '\n') {
        o->together = 0;
        charset_write(o, o->keep_lines ? c : ' ');
        return;
    }
    bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    o->together = 0;
    o->damaged = o->damaged || c == CHARSET_UNREADABLE || c == 0 || (c >= 0x80 && control);
    charset_write(o, control ? CHARSET_UNREADABLE : c);
}

/* A character of two bytes or more; 0: the table has none. `everyday`: Japanese of every day. */
static inline void charset_put_wide(struct charset_out *o, uint32_t c, bool everyday) {
    unsigned together = o->together + 1;
    o->pairs = o->pairs || together >= 2;
    o->kana += c >= 0x3041 && c <= 0x30fe;
    o->everyday += everyday;
    o->other += !everyday;
    charset_put(o, c);
    o->together = together;
}

/* Eight bytes of printable ASCII. */
static inline bool charset_eight_plain(const char *bytes) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t x;
    memcpy(&x, bytes, sizeof x);
    return ((x | (x + ones) | (x - 0x20 * ones)) & 0x80 * ones) == 0;
}

/* Printable ASCII at the front goes through as it is; returns how much there was. */
static inline size_t charset_plain(struct charset_out *o, struct slice s) {
    size_t i = 0;
    for (; s.len - i >= 8 && charset_eight_plain(s.ptr + i); i += 8)
        memcpy(o->to + i, s.ptr + i, 8);
    for (; i < s.len && s.ptr[i] >= 0x20 && s.ptr[i] < 0x7f; i++)
        o->to[i] = s.ptr[i];
    o->to += i;
    o->together = i > 0 ? 0 : o->together;
    return i;
}
