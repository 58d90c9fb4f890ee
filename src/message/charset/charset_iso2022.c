/* SPDX-License-Identifier: ISC */
/*
 * ISO-2022-JP in all its variants, -KR and -CN are one machine: an escape sequence says which set
 * stands in G0 (what is read), G1 (between SO and SI) or G2 (one character behind ESC N). They
 * differ in what stands in G1 at the beginning. HZ (RFC 1843) switches by "~{" and "~}".
 */
#include "message/charset/charset_decode.h"
#include "message/charset/charset_tables.h"

#define ESC          '\x1b'
#define SINGLE_SHIFT 'N'
#define SHIFT_OUT    0x0eU
#define SHIFT_IN     0x0fU

/* What stands behind ESC; `place`: which of G0, G1, G2 it sets. */
static const struct escape {
    struct slice text;
    unsigned place;
    uint8_t set;
} escapes[] = {
    {{"(B", 2}, 0, JIS_ASCII},    {{"(J", 2}, 0, JIS_ROMAN},    {{"(H", 2}, 0, JIS_ROMAN},
    {{"(I", 2}, 0, JIS_KANA},     {{")I", 2}, 1, JIS_KANA},     {{"$@", 2}, 0, JIS_0208},
    {{"$B", 2}, 0, JIS_0208},     {{"$(@", 3}, 0, JIS_0208},    {{"$(B", 3}, 0, JIS_0208},
    {{"$(O", 3}, 0, JIS_0208},    {{"$(Q", 3}, 0, JIS_0208},    {{"$(D", 3}, 0, JIS_0212},
    {{"$A", 2}, 0, JIS_GB2312},   {{"$(A", 3}, 0, JIS_GB2312},  {{"$)A", 3}, 1, JIS_GB2312},
    {{"$(C", 3}, 0, JIS_KSC5601}, {{"$)C", 3}, 1, JIS_KSC5601}, {{"$(P", 3}, 0, JIS_FOREIGN},
    {{"$(G", 3}, 0, JIS_FOREIGN}, {{"$(H", 3}, 0, JIS_FOREIGN}, {{"$)E", 3}, 1, JIS_GB2312},
    {{"$)G", 3}, 1, JIS_FOREIGN}, {{"$*H", 3}, 2, JIS_FOREIGN}, {{".A", 2}, 2, JIS_LATIN1},
    {{".F", 2}, 2, JIS_GREEK},
};

static bool is_graphic(uint8_t b) {
    return b >= 0x21 && b <= 0x7e;
}

static bool is_kana(uint8_t b) {
    return b >= 0xa1 && b <= 0xdf;
}

/* Of the sets of two bytes, by bytes without the eighth bit. */
static void put_two(struct charset_out *o, unsigned set, uint8_t b, uint8_t second) {
    uint32_t c = set == JIS_0208      ? charset_pair(&charset_jisx0208, b - 0x21U, second - 0x21U)
                 : set == JIS_0212    ? charset_pair(&charset_jisx0212, b - 0x21U, second - 0x21U)
                 : set == JIS_GB2312  ? charset_pair(&charset_gb18030, b | 0x80U, second | 0x80U)
                 : set == JIS_KSC5601 ? charset_pair(&charset_cp949, b | 0x80U, second | 0x80U)
                                      : 0;
    charset_put_wide(o, c, set == JIS_0208 && b < 0x50);
}

/* One character of a set. 0: it is unfinished. */
static size_t take(struct charset_out *o, unsigned set, struct slice bytes, bool more) {
    uint8_t b = charset_byte(bytes, 0), second = charset_byte(bytes, 1);
    if (set >= JIS_0208 && is_graphic(b)) {
        if (bytes.len < 2 && more)
            return 0;
        if (is_graphic(second)) {
            put_two(o, set, b, second);
            return 2;
        }
    }
    if (set == JIS_KANA && is_kana(b | 0x80))
        charset_put(o, 0xff61U + (b | 0x80U) - 0xa1);
    else if (set == JIS_ROMAN && b < 0x80)
        charset_put(o, b == '\\' ? 0xa5 : b == '~' ? 0x203e : b);
    else if (set == JIS_LATIN1 && b >= 0x20 && b < 0x80)
        charset_put(o, b | 0x80U);
    else if (set == JIS_GREEK && b >= 0x20 && b < 0x80)
        charset_put(o, charset_singles[charset_greek][b]);
    else
        charset_put(o, (set < JIS_KANA && b < 0x80) || b <= ' ' ? b : CHARSET_UNREADABLE);
    return 1;
}

/* The escape sequence at the front, or NULL; `*ret_cut`: the bytes end within one. */
static const struct escape *find_escape(struct slice bytes, bool *ret_cut) {
    struct slice text = slice_from(bytes, 1);
    *ret_cut = false;
    for (size_t i = 0; i < ARRAY_SIZE(escapes); i++) {
        if (slice_starts(text, escapes[i].text))
            return &escapes[i];
        *ret_cut = *ret_cut || slice_starts(escapes[i].text, text);
    }
    return NULL;
}

/* ESC and what stands behind it. 0: it is unfinished. */
static size_t take_escape(struct charset_state *st, struct charset_out *o, struct slice bytes,
                          bool more) {
    bool cut;
    const struct escape *e = find_escape(bytes, &cut);
    if (!e && cut && more)
        return 0;
    if (e) {
        uint8_t *const places[] = {&st->g0, &st->g1, &st->g2};
        *places[e->place] = e->set;
        return 1 + e->text.len;
    }
    if (charset_byte(bytes, 1) == SINGLE_SHIFT && st->g2 != JIS_ASCII) {
        size_t len = bytes.len > 2 ? take(o, st->g2, slice_from(bytes, 2), more) : 0;
        if (len > 0)
            return 2 + len;
        if (more)
            return 0;
    }
    charset_put(o, (uint8_t)ESC);
    return 1;
}

size_t charset_iso2022(struct charset_state *st, struct charset_out *o, struct slice bytes,
                       bool more) {
    size_t at = 0;
    while (at < bytes.len) {
        struct slice rest = slice_from(bytes, at);
        uint8_t b = charset_byte(rest, 0);
        size_t len = 1;
        if (b == (uint8_t)ESC) {
            len = take_escape(st, o, rest, more);
        } else if (b == SHIFT_OUT || b == SHIFT_IN) {
            st->shifted = b == SHIFT_OUT;
        } else {
            st->shifted = st->shifted && b != '\n';
            unsigned set = st->shifted ? st->g1 : st->g0;
            if (st->g1 == JIS_KANA && is_kana(b)) /* with the eighth bit set they need no switch */
                set = JIS_KANA;
            len = set == JIS_ASCII ? charset_plain(o, rest) : 0;
            if (len == 0)
                len = take(o, set, rest, more);
        }
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

/* ------------------------------------------------------------------ HZ */

/* What stands behind '~'. 0: the piece ends there. */
static size_t take_tilde(struct charset_state *st, struct charset_out *o, struct slice bytes,
                         bool more) {
    uint8_t second = charset_byte(bytes, 1);
    if (bytes.len < 2 && more)
        return 0;
    if (second == '{' || second == '}')
        st->g0 = second == '{' ? JIS_GB2312 : JIS_ASCII;
    else if (second != '\n') /* with which a line goes on */
        charset_put(o, '~');
    return second == '{' || second == '}' || second == '\n' || second == '~' ? 2 : 1;
}

size_t charset_hz(struct charset_state *st, struct charset_out *o, struct slice bytes, bool more) {
    size_t at = 0;
    while (at < bytes.len) {
        struct slice rest = slice_from(bytes, at);
        uint8_t b = charset_byte(rest, 0), second = charset_byte(rest, 1);
        size_t len;
        if (b == '\n')
            st->g0 = JIS_ASCII;
        if (b == '~') {
            len = take_tilde(st, o, rest, more);
        } else if (b > 0xa0 && second > 0xa0) {
            put_two(o, JIS_GB2312, b & 0x7f, second & 0x7f);
            len = 2;
        } else if (b > 0xa0 && rest.len < 2 && more) {
            len = 0;
        } else {
            len = take(o, b < 0x80 ? st->g0 : JIS_ASCII, rest, more);
        }
        if (len == 0)
            break;
        at += len;
    }
    return at;
}
