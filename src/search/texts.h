/* SPDX-License-Identifier: ISC */
/*
 * The texts of a message in which people search, folded (message/unicode/text_fold.h), with each
 * run of blanks and line ends as one blank, and as none between kanji or kana: so a phrase is found
 * wherever its lines were broken, and a name with a blank in it and without. Whoever compares folds
 * his needle with search_fold_needle().
 *
 * The message comes in pieces cut anywhere. Its texts are:
 * - each field of its header: decoded, as a line "name: value" and by itself;
 * - its people: of From, To, Cc, Bcc the addresses as a mail program shows them, "name <address>",
 *   with ", " between them;
 * - its body: the text of all text parts, out of encoding and character set, of HTML what is text;
 *   fields of the headers of messages in it; names and descriptions of parts. What stands before
 *   the first part of a multipart and behind the last is no text, unless there are no parts;
 * - the fields of the headers of its parts.
 *
 * Bounds are those of message/mime/mime_scan.h: of a field 64 KiB, of a header 256 KiB. Memory:
 * these, and about 256 KiB. Time is linear. Pure.
 */
#pragma once

#include "message/map/map.h"
#include "search/document.h"

/* Appends text as it is compared: a whole one. */
void search_fold(struct slice utf8, struct buf *to);

/* The same for what may be a part of a text: a blank at an edge counts only where it does in every
 * text that has this part. Nothing but blanks is empty. */
void search_fold_needle(struct slice utf8, struct buf *to);

/* Appends the addresses of a list of a map, not folded. `list` is as in message/map/map.h. */
void search_people(struct slice list, struct buf *to);

/* What is given is folded and stands until the call returns. A member may be NULL. */
struct search_texts_sink {
    /* Whether fields of this name are wanted: of any header, there is one asking. NULL: all. */
    bool (*wants)(void *arg, struct slice name);

    /* A field of the header of the message, or of a part (`of_part`). */
    void (*line)(void *arg, bool of_part, struct slice name, struct slice line, struct slice value);

    /* SEARCH_FROM, SEARCH_TO, SEARCH_CC, SEARCH_BCC: those of one field. */
    void (*people)(void *arg, enum search_field field, struct slice text);

    /* A text of the body in pieces, then its end. */
    void (*body)(void *arg, struct slice piece);
    void (*body_end)(void *arg);

    /* The header of the message has ended. */
    void (*header_end)(void *arg);
};

struct search_texts;

struct search_texts *search_texts_new(const struct search_texts_sink *sink, void *arg);
void search_texts_free(struct search_texts *t);
DEFINE_CLEANUP(struct search_texts, search_texts_free)

void search_texts_feed(struct search_texts *t, struct slice piece);

/* The message has ended. Another one may begin. */
void search_texts_end(struct search_texts *t);

/* The message is of no more interest: the next may begin. */
void search_texts_drop(struct search_texts *t);
