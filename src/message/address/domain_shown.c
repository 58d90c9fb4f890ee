/* SPDX-License-Identifier: ISC */
/*
 * Which U-labels are shown is decided label by label, in the spirit of what browsers do: a name is
 * shown only if nobody could take it for another one. The list of scripts is short on purpose: what
 * is not in it stays an A-label, which is ugly and deceives nobody. Scripts written from right to
 * left are left out since they would turn round the line that they stand in.
 */
#include <idn2.h>

#include "base/encode.h"
#include "base/error.h"
#include "message/address/domain.h"

enum script {
    SCRIPT_ASCII = 1, /* letters; digits and the hyphen belong to every script */
    SCRIPT_LATIN = 2, /* with accents */
    SCRIPT_KANA = 4,
    SCRIPT_HAN = 8,
    SCRIPT_HANGUL = 16,
    SCRIPT_GREEK = 32,
    SCRIPT_CYRILLIC = 64,
};

static const struct {
    uint32_t first, last;
    unsigned script;
} scripts[] = {
    {'-', '-', 0},
    {'0', '9', 0},
    {'a', 'z', SCRIPT_ASCII},
    {0xdf, 0xf6, SCRIPT_LATIN},
    {0xf8, 0x130, SCRIPT_LATIN}, /* without dotless i and kra */
    {0x132, 0x137, SCRIPT_LATIN},
    {0x139, 0x148, SCRIPT_LATIN},
    {0x14a, 0x17e, SCRIPT_LATIN},
    {0x3ac, 0x3ce, SCRIPT_GREEK},
    {0x430, 0x45f, SCRIPT_CYRILLIC},
    {0x490, 0x4ff, SCRIPT_CYRILLIC},
    {0x3005, 0x3005, SCRIPT_HAN},
    {0x3041, 0x3096, SCRIPT_KANA},
    {0x309d, 0x309e, SCRIPT_KANA},
    {0x30a1, 0x30fa, SCRIPT_KANA},
    {0x30fc, 0x30fe, SCRIPT_KANA},
    {0x3400, 0x4dbf, SCRIPT_HAN},
    {0x4e00, 0x9fff, SCRIPT_HAN},
    {0xac00, 0xd7a3, SCRIPT_HANGUL},
    {0x20000, 0x323af, SCRIPT_HAN},
};

/* Scripts that may stand in one label. */
static const unsigned mixtures[] = {
    SCRIPT_ASCII | SCRIPT_LATIN, SCRIPT_ASCII | SCRIPT_KANA | SCRIPT_HAN,
    SCRIPT_ASCII | SCRIPT_HANGUL | SCRIPT_HAN, SCRIPT_GREEK, SCRIPT_CYRILLIC};

/* Messages that look like Latin ones: αγικνορτυχωήόύ and асԁеһіјӏорԛѕԝхуъьпгѵѡ with their kin. */
static const uint32_t like_latin[] = {
    0x3ac, 0x3af, 0x3b1, 0x3b3, 0x3b7, 0x3b9, 0x3ba, 0x3bd, 0x3bf, 0x3c1, 0x3c3, 0x3c4,
    0x3c5, 0x3c7, 0x3c9, 0x3cc, 0x3cd, 0x430, 0x433, 0x435, 0x43a, 0x43c, 0x43d, 0x43e,
    0x43f, 0x440, 0x441, 0x442, 0x443, 0x445, 0x44a, 0x44c, 0x450, 0x451, 0x455, 0x456,
    0x457, 0x458, 0x45b, 0x4ae, 0x4af, 0x4bb, 0x4cf, 0x4d1, 0x4d3, 0x4d5, 0x4d7};

/* ー一ノンソゾ丶丿, which pass for punctuation among Latin messages. */
static const uint32_t strokes[] = {0x30fc, 0x4e00, 0x30ce, 0x30f3, 0x30bd, 0x30be, 0x4e36, 0x4e3f};

static bool is_one_of(const uint32_t *list, size_t count, uint32_t c) {
    for (size_t i = 0; i < count; i++) {
        if (list[i] == c)
            return true;
    }
    return false;
}

/* False for a character that is never shown. */
static bool script_of(uint32_t c, unsigned *ret) {
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        if (c >= scripts[i].first && c <= scripts[i].last) {
            *ret = scripts[i].script;
            return true;
        }
    }
    return false;
}

static bool is_east_asian(unsigned script) {
    return (script & (SCRIPT_KANA | SCRIPT_HAN | SCRIPT_HANGUL)) != 0;
}

/* `u` ends with a 0; it has at most DOMAIN_LABEL_MAX characters, since its A-label is longer. */
static bool misleads_nobody(const uint32_t *u) {
    unsigned seen = 0, before = 0;
    bool distinct = false, stroke = false;
    for (; *u; u++) {
        unsigned script = 0;
        if (!script_of(*u, &script))
            return false;
        bool is_stroke = is_one_of(strokes, ARRAY_SIZE(strokes), *u);
        if (stroke && !is_east_asian(script))
            return false; /* a stroke that has no neighbour of its kind */
        stroke = is_stroke && !is_east_asian(before);
        distinct |= script != 0 && !is_one_of(like_latin, ARRAY_SIZE(like_latin), *u);
        seen |= script;
        before = script;
    }
    bool usual = false;
    for (size_t i = 0; i < ARRAY_SIZE(mixtures); i++)
        usual |= (seen & ~mixtures[i]) == 0;
    return !stroke && distinct && usual;
}

/* Appends the U-label, or nothing when it is better not shown. */
static bool add_u_label(struct buf *to, struct slice label) {
    _cleanup_(arena_done) struct arena a = {0};
    char ascii[DOMAIN_LABEL_MAX + 1];
    uint32_t *u = NULL;
    char *utf8 = NULL;
    struct slice back = {0};
    if (slice_to_str(label, ascii, sizeof ascii) < 0)
        return false;
    bool safe = idn2_to_unicode_8z4z(ascii, &u, 0) == IDN2_OK && misleads_nobody(u) &&
                idn2_to_unicode_8z8z(ascii, &utf8, 0) == IDN2_OK &&
                domain_canonical(&a, slice_of_str(utf8), DOMAIN_UTF8, &back, NULL) == 0 &&
                slice_eq_nocase(back, label);
    if (safe)
        buf_add_str(to, utf8);
    idn2_free(u);
    idn2_free(utf8);
    return safe;
}

static bool is_label_byte(char c) {
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* The next A-label in `text` from `*at` on: `*at` moves to it, its length comes back; 0: none. */
static size_t next_a_label(struct slice text, size_t *at) {
    while (*at < text.len) {
        size_t from = *at;
        size_t len = 0;
        while (from + len < text.len && is_label_byte(text.ptr[from + len]))
            len++;
        if (slice_starts_nocase(slice_first(slice_from(text, from), len), S("xn--")))
            return len;
        *at += len > 0 ? len : 1;
    }
    return 0;
}

void domain_shown_within(struct buf *to, struct slice text) {
    size_t copied = 0, at = 0, len = 0;
    while ((len = next_a_label(text, &at)) > 0) {
        buf_add(to, slice_first(slice_from(text, copied), at - copied));
        if (!add_u_label(to, slice_first(slice_from(text, at), len)))
            buf_add(to, slice_first(slice_from(text, at), len));
        at += len;
        copied = at;
    }
    buf_add(to, slice_from(text, copied));
}

void domain_shown(struct buf *to, struct slice name) {
    domain_shown_within(to, name);
}
