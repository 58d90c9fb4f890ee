/* SPDX-License-Identifier: ISC */
/*
 * The text of HTML, for previews and for search. Not a parser of HTML: what a browser shows of
 * well-made and of careless pages is kept, in one pass, in constant memory, without any nesting but
 * one count.
 *
 * It works on the bytes as they are before their character set is decoded, since it may stop then
 * after a few of them: all sets in use in mail have ASCII where it belongs but ISO-2022-JP, whose
 * escape sequences are obeyed. UTF-16 is not read. Then, in this order: the character set,
 * html_unescape().
 */
#pragma once

#include "base/buf.h"

/* Begins as {.visible = ...}. */
struct html_text {
    bool visible; /* leave out what is not shown: elements with "hidden" or "display: none" */

    struct {
        int place;     /* enum place in html.c */
        char tag[512]; /* its name and attributes, as much as has room */
        size_t tag_len;
        char quote;       /* of the value of an attribute */
        unsigned matched; /* bytes of what ends a comment */
        char raw[12];     /* name of the element whose content is no text */
        char hidden[12];  /* of the one that is not shown */
        size_t raw_len, hidden_len;
        unsigned depth;    /* of elements with that name in it */
        size_t escape_len; /* of an escape sequence that has begun */
        bool wide;         /* characters of two bytes */
        bool blank;        /* the last byte was one */
    } own;
};

/*
 * Appends what is text of a piece, cut anywhere. Elements that stand in lines of their own part
 * words; runs of blanks become one.
 */
void html_text_take(struct html_text *h, struct slice piece, struct buf *to);

/* Appends UTF-8 with character references (&amp; &#12354; &eacute;) replaced; unknown ones stay. */
void html_unescape(struct buf *to, struct slice text);
