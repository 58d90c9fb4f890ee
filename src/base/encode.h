/* SPDX-License-Identifier: ISC */
/*
 * Base64 (RFC 4648 §4), hexadecimal and UTF-8.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

void base64_encode(struct buf *to, struct slice s); /* one line, with padding */

/* Strict: full groups, right padding, nothing else, no stray bits. 0 or -E_SYNTAX. */
int base64_decode(struct arena *a, struct slice text, struct slice *ret);

/* What a digit stands for; -1 for anything else. Small and capital letters are alike in hex. */
int base64_value(char c);
int hex_value(char c);

void hex_encode(struct buf *to, struct slice s); /* lower case */
int hex_decode(struct arena *a, struct slice text, struct slice *ret);

/* The character at the front, and its length; 0 when it is not well-formed. `s` is not empty. */
size_t utf8_decode(struct slice s, uint32_t *ret);

/* All that there is may be the beginning of a character whose end is to come. `s` is not empty. */
bool utf8_is_cut(struct slice s);

/* Writes a character, no surrogate, nothing above U+10FFFF; returns its length, 4 at most. */
static inline size_t utf8_encode(char *to, uint32_t c) {
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    to[0] = (char)(0x80U | (0xf0U << (3 - more) & 0xf0U) | c >> 6 * more);
    for (unsigned i = 1; i <= more; i++)
        to[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
    return more + 1;
}

/*
 * Not to be shown as it is: a control character (C0, DEL, C1), which a terminal obeys, or one that
 * hides, or turns round, what is read beside it (Unicode Technical Report 36 §3).
 */
bool utf8_is_hidden(uint32_t character);

/* Well-formed by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(struct slice s);
