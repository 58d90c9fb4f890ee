/* SPDX-License-Identifier: ISC */
/*
 * Sets of one byte, and those of several bytes in which a lead byte says how many. Where a pair
 * does not stand for a character, its second byte is read again when it is ASCII, so that a lost
 * byte never swallows a quote or a line end.
 */
#include "message/charset/charset_decode.h"
#include "message/charset/charset_tables.h"

#define GB_SUPPLEMENTARY 189000U /* the number of U+10000 among the characters of four bytes */
#define GB_LAST          (GB_SUPPLEMENTARY + 0xfffffU)

void charset_one_byte(struct charset_out *o, const uint16_t *upper, struct slice bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        i += charset_plain(o, slice_from(bytes, i));
        if (i == bytes.len)
            break;
        uint8_t b = charset_byte(bytes, i);
        uint32_t c = b < 0x80 ? b : upper[b - 0x80];
        charset_put(o, c > 0 ? c : CHARSET_UNREADABLE);
    }
}

/* One byte that is no lead, or a lead with nothing behind it that it could lead. */
static size_t put_byte(struct charset_out *o, uint8_t b) {
    charset_put(o, b < 0x80 ? b : CHARSET_UNREADABLE);
    return 1;
}

/* Two bytes as `c`; what stands for nothing is one sign, or one and an ASCII byte. */
static size_t put_pair(struct charset_out *o, uint32_t c, uint8_t trail, bool everyday) {
    charset_put_wide(o, c, everyday);
    return c > 0 || trail >= 0x80 ? 2 : 1;
}

static bool in(uint8_t b, uint8_t first, uint8_t last) {
    return b >= first && b <= last;
}

static void put_kana(struct charset_out *o, uint8_t b) {
    charset_put(o, 0xff61U + b - 0xa1);
}

/* ------------------------------------------------------------------ one character each */

/* All return how many bytes it has; 0: it goes on in the next piece. */
typedef size_t take_fn(struct charset_out *o, struct slice bytes, bool more);

/* Two rows share a lead byte. */
static size_t take_shift_jis(struct charset_out *o, struct slice bytes, bool more) {
    uint8_t lead = charset_byte(bytes, 0), trail = charset_byte(bytes, 1);
    if (in(lead, 0xa1, 0xdf)) {
        put_kana(o, lead);
        return 1;
    }
    if (!in(lead, 0x81, 0x9f) && !in(lead, 0xe0, 0xfc))
        return put_byte(o, lead);
    if (bytes.len < 2 && more)
        return 0;
    if (!in(trail, 0x40, 0xfc) || trail == 0x7f)
        return put_byte(o, lead);
    unsigned row = 2U * (lead - (lead < 0xa0 ? 0x81U : 0xc1U)) + (trail >= 0x9f);
    unsigned cell = trail >= 0x9f ? trail - 0x9fU : trail - 0x40U - (trail > 0x7f);
    return put_pair(o, charset_pair(&charset_jisx0208, row, cell), trail, lead <= 0x98);
}

static size_t take_euc_jp(struct charset_out *o, struct slice bytes, bool more) {
    uint8_t lead = charset_byte(bytes, 0), second = charset_byte(bytes, 1),
            third = charset_byte(bytes, 2);
    bool leads = in(lead, 0xa1, 0xfe) || lead == 0x8e || lead == 0x8f;
    bool three = lead == 0x8f && (bytes.len < 2 || in(second, 0xa1, 0xfe));
    if (leads && more && bytes.len < (three ? 3 : 2))
        return 0;
    if (in(lead, 0xa1, 0xfe) && in(second, 0xa1, 0xfe))
        return put_pair(o, charset_pair(&charset_jisx0208, lead - 0xa1U, second - 0xa1U), second,
                        lead < 0xd0);
    if (lead == 0x8e && in(second, 0xa1, 0xdf)) {
        put_kana(o, second);
        return 2;
    }
    if (!three || !in(third, 0xa1, 0xfe))
        return put_byte(o, lead);
    charset_put_wide(o, charset_pair(&charset_jisx0212, second - 0xa1U, third - 0xa1U), false);
    return 3;
}

/* Four bytes, by their number. */
static uint32_t gb_numbered(uint32_t number) {
    if (number >= GB_SUPPLEMENTARY)
        return number <= GB_LAST ? number - GB_SUPPLEMENTARY + 0x10000 : 0;
    if (number >= CHARSET_GB_NUMBERS)
        return 0;
    size_t low = 0, high = charset_gb_runs_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (charset_gb_runs[middle].number <= number)
            low = middle;
        else
            high = middle;
    }
    return charset_gb_runs[low].character + number - charset_gb_runs[low].number;
}

static size_t take_gb(struct charset_out *o, struct slice bytes, bool more) {
    uint8_t lead = charset_byte(bytes, 0), second = charset_byte(bytes, 1),
            third = charset_byte(bytes, 2), fourth = charset_byte(bytes, 3);
    if (lead == 0x80) {
        charset_put(o, 0x20ac); /* as Windows writes the euro */
        return 1;
    }
    if (!in(lead, 0x81, 0xfe))
        return put_byte(o, lead);
    if (bytes.len < 2 && more)
        return 0;
    if (!in(second, '0', '9')) {
        if (!in(second, 0x40, 0xfe) || second == 0x7f)
            return put_byte(o, lead);
        return put_pair(o, charset_pair(&charset_gb18030, lead, second), second, false);
    }
    bool four = (bytes.len < 3 || in(third, 0x81, 0xfe)) && (bytes.len < 4 || in(fourth, '0', '9'));
    if (four && bytes.len < 4 && more)
        return 0;
    if (!four || bytes.len < 4)
        return put_byte(o, lead);
    uint32_t c = gb_numbered(((lead - 0x81U) * 10 + second - '0') * 1260 + (third - 0x81U) * 10 +
                             fourth - '0');
    charset_put_wide(o, c, false);
    return 4;
}

/* Hong Kong has four letters with two marks each, which are no characters of their own. */
static size_t take_big5(struct charset_out *o, struct slice bytes, bool more) {
    uint8_t lead = charset_byte(bytes, 0), trail = charset_byte(bytes, 1);
    if (!in(lead, 0x81, 0xfe))
        return put_byte(o, lead);
    if (bytes.len < 2 && more)
        return 0;
    if (!in(trail, 0x40, 0x7e) && !in(trail, 0xa1, 0xfe))
        return put_byte(o, lead);
    size_t len = put_pair(o, charset_pair(&charset_big5, lead, trail), trail, false);
    if (lead == 0x88 && (trail == 0x62 || trail == 0xa3))
        charset_write(o, 0x304);
    else if (lead == 0x88 && (trail == 0x64 || trail == 0xa5))
        charset_write(o, 0x30c);
    return len;
}

static size_t take_euc_kr(struct charset_out *o, struct slice bytes, bool more) {
    uint8_t lead = charset_byte(bytes, 0), trail = charset_byte(bytes, 1);
    if (!in(lead, 0x81, 0xfe))
        return put_byte(o, lead);
    if (bytes.len < 2 && more)
        return 0;
    if (!in(trail, 0x41, 0xfe))
        return put_byte(o, lead);
    return put_pair(o, charset_pair(&charset_cp949, lead, trail), trail, false);
}

/* ------------------------------------------------------------------ whole pieces */

static inline size_t take_all(struct charset_out *o, struct slice bytes, bool more, take_fn *take) {
    size_t at = 0;
    while (at < bytes.len) {
        size_t len = charset_plain(o, slice_from(bytes, at));
        if (len == 0)
            len = take(o, slice_from(bytes, at), more);
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

size_t charset_shift_jis(struct charset_state *st, struct charset_out *o, struct slice bytes,
                         bool more) {
    (void)st;
    return take_all(o, bytes, more, take_shift_jis);
}

size_t charset_euc_jp(struct charset_state *st, struct charset_out *o, struct slice bytes,
                      bool more) {
    (void)st;
    return take_all(o, bytes, more, take_euc_jp);
}

size_t charset_gb(struct charset_state *st, struct charset_out *o, struct slice bytes, bool more) {
    (void)st;
    return take_all(o, bytes, more, take_gb);
}

size_t charset_big_five(struct charset_state *st, struct charset_out *o, struct slice bytes,
                        bool more) {
    (void)st;
    return take_all(o, bytes, more, take_big5);
}

size_t charset_euc_kr(struct charset_state *st, struct charset_out *o, struct slice bytes,
                      bool more) {
    (void)st;
    return take_all(o, bytes, more, take_euc_kr);
}
