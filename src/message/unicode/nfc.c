/* SPDX-License-Identifier: ISC */
/* Decomposed, marks put in the order of their classes, composed: each a pass over all characters.
 */
#include "message/unicode/nfc.h"

#include "base/encode.h"
#include "message/unicode/unicode_compose.h"

static void add_code(struct buf *codes, uint32_t c) {
    buf_add_bytes(codes, &c, sizeof c);
}

static void decompose(struct buf *codes, uint32_t c) {
    unsigned place = unicode_uint16_of(&unicode_canon, c);
    if (c - HANGUL_FIRST < HANGUL_COUNT) {
        uint32_t syllable = c - HANGUL_FIRST, lv = syllable / HANGUL_TS;
        add_code(codes, HANGUL_L + lv / HANGUL_VS);
        add_code(codes, HANGUL_V + lv % HANGUL_VS);
        if (syllable % HANGUL_TS > 0)
            add_code(codes, HANGUL_T + syllable % HANGUL_TS);
    } else if (place == 0) {
        add_code(codes, c);
    } else {
        const uint16_t *text = &unicode_texts[place + 1];
        for (unsigned units = unicode_texts[place]; units > 0;)
            add_code(codes, unicode_next(&text, &units));
    }
}

/* Marks by their classes; of one class they stay in their order. */
static void sort_marks(uint32_t *codes, size_t count) {
    _cleanup_(buf_done) struct buf before = {0};
    uint16_t places[256] = {0}; /* where those of each class end */
    buf_add_bytes(&before, codes, count * sizeof *codes);
    const uint32_t *list = (const uint32_t *)(const void *)before.ptr;
    for (size_t i = 0; i < count; i++)
        places[unicode_uint8_of(&unicode_classes, list[i])]++;
    for (size_t class = 1; class < ARRAY_SIZE(places); class ++)
        places[class] = (uint16_t)(places[class] + places[class - 1]);
    for (size_t i = count; i-- > 0;)
        codes[--places[unicode_uint8_of(&unicode_classes, list[i])]] = list[i];
}

static void put_in_order(uint32_t *codes, size_t count) {
    for (size_t i = 0, run; i < count; i += run + 1) {
        run = 0;
        while (i + run < count && unicode_uint8_of(&unicode_classes, codes[i + run]) > 0)
            run++;
        if (run > 1)
            sort_marks(codes + i, run);
    }
}

/* How many are left. A mark joins its letter when nothing of its class stands between them. */
static size_t compose(uint32_t *codes, size_t count) {
    size_t used = 1, starter = 0;
    unsigned last = count > 0 && unicode_uint8_of(&unicode_classes, codes[0]) > 0 ? 256 : 0;
    for (size_t i = 1; i < count; i++) {
        uint32_t c = codes[i], both = 0;
        uint8_t class = unicode_uint8_of(&unicode_classes, c);
        if (last < class || last == 0)
            both =
                unicode_compose(unicode_canon_pairs, unicode_canon_pairs_count, codes[starter], c);
        if (both > 0) {
            codes[starter] = both;
            continue;
        }
        if (class == 0)
            starter = used;
        last = class;
        codes[used++] = c;
    }
    return MIN(used, count);
}

void nfc_add(struct buf *to, struct slice utf8) {
    _cleanup_(buf_done) struct buf codes = {0};
    size_t ascii = 0;
    while (ascii < utf8.len && (uint8_t)utf8.ptr[ascii] < 0x80)
        ascii++;
    if (ascii == utf8.len || utf8.len > NFC_MAX || !utf8_valid(utf8)) {
        buf_add(to, utf8);
        return;
    }
    while (utf8.len > 0) {
        uint32_t c = 0;
        size_t len = utf8_decode(utf8, &c);
        decompose(&codes, c);
        utf8 = slice_from(utf8, len);
    }
    uint32_t *list = (uint32_t *)(void *)codes.ptr;
    size_t count = codes.len / sizeof *list;
    put_in_order(list, count);
    count = compose(list, count);
    buf_reserve(to, 4 * count);
    for (size_t i = 0; i < count; i++)
        to->len += utf8_encode(to->ptr + to->len, list[i]);
}
