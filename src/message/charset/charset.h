/* SPDX-License-Identifier: ISC */
/*
 * Text in other character sets as UTF-8: Unicode's forms (UTF-7, -8, -16, -32), ISO-2022-JP (with
 * -1, -2, -MS), -KR and -CN, HZ, Shift_JIS, EUC-JP, GB18030 (GBK, GB2312), Big5 with Hong Kong's
 * characters, EUC-KR (CP949), ISO-8859, the sets of one byte of Windows, DOS and Macintosh, KOI8,
 * TIS-620. Pure: no tables are loaded, so it works in a process that sees no files.
 *
 * The Japanese sets are read as they are written, not as they are defined: with the signs of NEC
 * and IBM, half-width kana in each of the ways, and the characters that Windows has for the wave
 * dash and its like. ISO-8859-1 is Windows-1252, GB2312 is GB18030, KS C 5601 is CP949.
 *
 * A label is believed as far as the bytes bear it out: UTF-8 that calls itself ISO-8859-1, or
 * Shift_JIS without any label, is read as what it is. docs/mime.md, "Charsets", has the rules.
 *
 * The output is well-formed and at most three times as long as the input. What cannot be read, and
 * every control character (C0, DEL, C1), becomes U+FFFD. Reading never fails.
 */
#pragma once

#include "message/cut.h"

#define CHARSET_UNLABELLED 0 /* nobody says what it is; US-ASCII, too */

/* The number of a set by its name in MIME, in any case and with any punctuation; -E_UNKNOWN. */
int charset_find(struct slice name);

/* A whole text on one line: a tab or line end becomes a blank. */
void charset_decode(struct buf *to, int charset, struct slice bytes); /* of charset_find() */
void charset_decode_unlabelled(struct buf *to, struct slice bytes);

/* Between two pieces, for the decoders (charset_decode.h). */
struct charset_state {
    bool begun;         /* no byte order mark is looked for any more */
    bool shifted;       /* ISO 2022: to G1. UTF-7: into base64 */
    bool lone_plus;     /* UTF-7: nothing stands behind the plus yet */
    uint8_t g0, g1, g2; /* ISO 2022, HZ: the sets switched to */
    uint8_t bit_count;  /* UTF-7: of `bits`, that are no unit yet */
    uint16_t high;      /* UTF-7: a surrogate whose second half is awaited */
    uint32_t bits;
};

/*
 * The same for a text that comes in pieces, cut anywhere. What it is, is decided by the first
 * 4 KiB from the first byte that tells; until then these are held, and nothing else ever is.
 */
struct charset_reader {
    int charset; /* by its label; once it is decided, by what it is */
    bool decided, keep_lines;
    struct cut_character cut;
    struct buf held; /* until it is decided */
    struct charset_state state;
};

/* `keep_lines`: tabs and line ends stay as they are. */
void charset_reader_init(struct charset_reader *r, int charset, bool keep_lines);
void charset_reader_done(struct charset_reader *r);
void charset_reader_add(struct charset_reader *r, struct slice piece, struct buf *to);
void charset_reader_end(struct charset_reader *r, struct buf *to); /* nothing may be added then */
