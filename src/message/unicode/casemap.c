/* SPDX-License-Identifier: ISC */
#include "message/unicode/casemap.h"

#include "base/encode.h"
#include "message/unicode/unicode_tables.h"

#define UNREADABLE 0xfffdU

static void write_character(struct buf *to, uint32_t c) {
    buf_reserve(to, 4);
    to->len += utf8_encode(to->ptr + to->len, c);
}

static void write_hangul(struct buf *to, unsigned syllable) {
    unsigned t = syllable % HANGUL_TS, lv = syllable / HANGUL_TS;
    write_character(to, HANGUL_L + lv / HANGUL_VS);
    write_character(to, HANGUL_V + lv % HANGUL_VS);
    if (t > 0)
        write_character(to, HANGUL_T + t);
}

static void map_character(struct buf *to, uint32_t c) {
    unsigned place = unicode_uint16_of(&unicode_titles, c);
    if (c - HANGUL_FIRST < HANGUL_COUNT) {
        write_hangul(to, c - HANGUL_FIRST);
    } else if (place == 0) {
        write_character(to, c);
    } else {
        const uint16_t *text = &unicode_texts[place + 1];
        for (unsigned units = unicode_texts[place]; units > 0;)
            write_character(to, unicode_next(&text, &units));
    }
}

void casemap_add(struct buf *to, struct slice utf8) {
    while (utf8.len > 0) {
        size_t len = 0;
        buf_reserve(to, utf8.len);
        for (; len < utf8.len && (uint8_t)utf8.ptr[len] < 0x80; len++)
            to->ptr[to->len++] = ascii_upper(utf8.ptr[len]);
        if (len == 0) {
            uint32_t c = UNREADABLE;
            len = utf8_decode(utf8, &c);
            map_character(to, c);
        }
        utf8 = slice_from(utf8, MAX(len, (size_t)1));
    }
}
