/* SPDX-License-Identifier: ISC */
/*
 * Text in other character sets as UTF-8, for people to read: UTF-8, ISO-2022-JP, Shift_JIS, EUC-JP,
 * ISO-8859, the Windows sets of one byte, KOI8. Pure: no tables are loaded, so it works in a
 * process that sees no files.
 *
 * The Japanese sets are read as they are written, not as they are defined: with the signs of NEC
 * and IBM, half-width kana in each of the ways, and the characters that Windows has for the wave
 * dash and its like.
 *
 * The output is well-formed and at most three times as long as the input. What cannot be read, and
 * every control character (C0, DEL, C1), becomes U+FFFD; a tab or line end becomes a blank.
 */
#pragma once

#include "base/buf.h"

/* The number of a set by its name in MIME, in any case and with any punctuation; -E_UNKNOWN. */
int charset_find(struct slice name);

void charset_decode(struct buf *to, int charset, struct slice bytes); /* of charset_find() */

/*
 * Bytes of which nobody says what they are: UTF-8 if they are that, else what they look like of
 * ISO-2022-JP, EUC-JP and Shift_JIS, else Windows-1252.
 */
void charset_decode_unlabelled(struct buf *to, struct slice bytes);
