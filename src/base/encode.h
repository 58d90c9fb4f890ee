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

/*
 * Not to be shown as it is: a control character (C0, DEL, C1), which a terminal obeys, or one that
 * hides, or turns round, what is read beside it (Unicode Technical Report 36 §3).
 */
bool utf8_is_hidden(uint32_t character);

/* Well-formed by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(struct slice s);
