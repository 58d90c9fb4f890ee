/* SPDX-License-Identifier: ISC */
/*
 * Lenient where senders are careless: words longer than 75 characters are taken, with blanks in
 * them, with wrong padding, and the bytes of neighbouring words of one character set are read
 * together, so that a character that was cut between two words is whole again.
 */
#include "message/words.h"

#include "base/encode.h"
#include "base/error.h"
#include "message/charset/charset.h"

struct word {
    int charset;
    struct slice bytes; /* decoded; in the arena */
    size_t len;         /* of the whole word; 0: there is none */
};

/* Neighbouring words of one character set. */
struct run {
    int charset; /* negative: no word yet */
    struct buf bytes;
};

/* ------------------------------------------------------------------ one word */

/* RFC 2047 §4.2. */
static struct slice decode_q(struct arena *a, struct slice s) {
    char *bytes = arena_alloc(a, s.len);
    size_t len = 0;
    while (s.len > 0) {
        int high = s.len > 2 && s.ptr[0] == '=' ? hex_value(s.ptr[1]) : -1;
        int low = high >= 0 ? hex_value(s.ptr[2]) : -1;
        if (low >= 0)
            bytes[len++] = (char)(high << 4 | low);
        else
            bytes[len++] = s.ptr[0] == '_' ? ' ' : s.ptr[0];
        s = slice_from(s, low >= 0 ? 3 : 1);
    }
    return slice_of(bytes, len);
}

/*
 * RFC 2047 §4.1, as mail programs read it: without padding or with too much of it, with blanks from
 * a fold in the middle, cut off within a byte, several texts one behind the other.
 */
static bool decode_b(struct arena *a, struct slice s, struct slice *ret) {
    char *bytes = arena_alloc(a, s.len + 1);
    uint32_t bits = 0;
    size_t len = 0;
    unsigned count = 0;
    for (size_t i = 0; i < s.len; i++) {
        int digit = base64_value(s.ptr[i]);
        if (digit < 0 && s.ptr[i] != '=' && !ascii_is_space(s.ptr[i]))
            return false;
        if (s.ptr[i] == '=')
            count = 0;
        if (digit < 0)
            continue;
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes[len++] = (char)(bits >> count);
        }
    }
    *ret = slice_of(bytes, len);
    return len > 0;
}

/* The encoded word at the front: =?charset?encoding?text?= or =?charset*language?... (RFC 2231 §5)
 */
static bool read_word(struct arena *a, struct slice s, struct word *ret) {
    struct slice rest = slice_from(s, 2), charset, encoding, text;
    if (!slice_next(&rest, '?', &charset) || !slice_next(&rest, '?', &encoding) ||
        !slice_next(&rest, '?', &text) || !rest.ptr || !slice_starts(rest, S("=")))
        return false;
    ssize_t language = slice_find_byte(charset, '*');
    charset = language < 0 ? charset : slice_first(charset, (size_t)language);
    ret->charset = charset_find(slice_trim(charset));
    ret->len = (size_t)(rest.ptr + 1 - s.ptr);
    if (ret->charset < 0)
        return false;
    encoding = slice_trim(encoding);
    if (slice_eq_nocase(encoding, S("B")))
        return decode_b(a, text, &ret->bytes);
    ret->bytes = decode_q(a, text);
    return slice_eq_nocase(encoding, S("Q"));
}

/* Where the next word begins; the end of the text when there is none. */
static size_t find_word(struct arena *a, struct slice text, struct word *ret) {
    struct slice rest = text;
    ssize_t at;
    while ((at = slice_find(rest, S("=?"))) >= 0) {
        rest = slice_from(rest, (size_t)at);
        if (read_word(a, rest, ret))
            return (size_t)(rest.ptr - text.ptr);
        rest = slice_from(rest, 1);
    }
    ret->len = 0;
    return text.len;
}

/* ------------------------------------------------------------------ words and what is between */

static void end_run(struct buf *to, struct run *run) {
    if (run->charset >= 0)
        charset_decode(to, run->charset, buf_slice(&run->bytes));
    buf_clear(&run->bytes);
    run->charset = -1;
}

void words_decode(struct buf *to, struct slice text) {
    _cleanup_(arena_done) struct arena a = {0};
    struct run run = {.charset = -1};
    while (text.len > 0) {
        struct word w;
        struct slice plain = slice_first(text, find_word(&a, text, &w));
        /* Blanks between two encoded words are not part of the text (RFC 2047 §6.2). */
        bool separates = run.charset >= 0 && w.len > 0 && slice_trim_lines(plain).len == 0;
        if (!separates) {
            end_run(to, &run);
            charset_decode_unlabelled(to, plain);
        }
        if (w.len > 0) {
            if (run.charset != w.charset)
                end_run(to, &run);
            run.charset = w.charset;
            buf_add(&run.bytes, w.bytes);
        }
        text = slice_from(text, plain.len + w.len);
    }
    end_run(to, &run);
    buf_done(&run.bytes);
}
