/* SPDX-License-Identifier: ISC */
/*
 * Lenient where senders are careless: words longer than 75 characters are taken, and a character
 * that is cut between two words is whole again, since bytes are only put one behind the other.
 */
#include "journey/words.h"

#include "base/encode.h"
#include "base/error.h"

enum charset { CHARSET_UTF8, CHARSET_LATIN1 };

struct word {
    enum charset charset;
    bool base64; /* else: Q, RFC 2047 §4.2 */
    struct slice text;
    size_t len; /* of the whole word */
};

static bool find_charset(struct slice name, enum charset *ret) {
    static const struct {
        struct slice name;
        enum charset charset;
    } known[] = {
        {{"utf-8", 5}, CHARSET_UTF8},
        {{"us-ascii", 8}, CHARSET_UTF8},
        {{"iso-8859-1", 10}, CHARSET_LATIN1},
    };
    ssize_t language = slice_find_byte(name, '*'); /* RFC 2231 §5 */
    if (language >= 0)
        name = slice_first(name, (size_t)language);
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (slice_eq_nocase(name, known[i].name)) {
            *ret = known[i].charset;
            return true;
        }
    }
    return false;
}

/* The encoded word at the front: =?charset?encoding?text?= */
static bool read_word(struct slice s, struct word *ret) {
    struct slice rest = slice_from(s, 2), charset, encoding, text;
    if (!slice_starts(s, S("=?")) || !slice_next(&rest, '?', &charset) ||
        !slice_next(&rest, '?', &encoding) || !slice_next(&rest, '?', &text) || !rest.ptr ||
        !slice_starts(rest, S("=")))
        return false;
    bool base64 = slice_eq_nocase(encoding, S("B"));
    if ((!base64 && !slice_eq_nocase(encoding, S("Q"))) || slice_find_byte(text, ' ') >= 0 ||
        !find_charset(charset, &ret->charset))
        return false;
    ret->base64 = base64;
    ret->text = text;
    ret->len = (size_t)(rest.ptr + 1 - s.ptr);
    return true;
}

static int hex_digit(char c) {
    c = ascii_lower(c);
    return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode_q(struct buf *to, struct slice s) {
    while (s.len > 0) {
        int high = s.len > 2 && s.ptr[0] == '=' ? hex_digit(s.ptr[1]) : -1;
        int low = high >= 0 ? hex_digit(s.ptr[2]) : -1;
        if (low >= 0)
            buf_add_byte(to, (char)(high << 4 | low));
        else
            buf_add_byte(to, s.ptr[0] == '_' ? ' ' : s.ptr[0]);
        s = slice_from(s, low >= 0 ? 3 : 1);
    }
}

static void add_latin1(struct buf *to, struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        uint8_t b = (uint8_t)s.ptr[i];
        if (b >= 0x80)
            buf_add_byte(to, (char)(0xc0 | b >> 6));
        buf_add_byte(to, (char)(b >= 0x80 ? 0x80 | (b & 0x3f) : b));
    }
}

static bool add_word(struct buf *to, const struct word *w) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf bytes = {0};
    struct slice decoded;
    if (!w->base64)
        decode_q(&bytes, w->text);
    else if (base64_decode(&a, w->text, &decoded) == 0)
        buf_add(&bytes, decoded);
    else
        return false;
    if (w->charset == CHARSET_LATIN1)
        add_latin1(to, buf_slice(&bytes));
    else
        buf_add(to, buf_slice(&bytes));
    return true;
}

/* Blanks between two encoded words are not part of the text (RFC 2047 §6.2). */
static size_t blanks(struct slice s) {
    size_t n = 0;
    while (n < s.len && (s.ptr[n] == ' ' || s.ptr[n] == '\t'))
        n++;
    return n;
}

void words_decode(struct buf *to, struct slice text) {
    bool after_word = false;
    struct word w;
    while (text.len > 0) {
        size_t skipped = after_word ? blanks(text) : 0;
        if (read_word(slice_from(text, skipped), &w) && add_word(to, &w)) {
            text = slice_from(text, skipped + w.len);
            after_word = true;
            continue;
        }
        buf_add_byte(to, text.ptr[0]);
        text = slice_from(text, 1);
        after_word = false;
    }
}
