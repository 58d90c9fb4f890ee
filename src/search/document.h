/* SPDX-License-Identifier: ISC */
/*
 * What the index takes of one message: its different terms (tokens.h), all of them together, and
 * those of the fields that are searched by themselves once more with the mark of the field. Pure;
 * made in any thread. Memory: as much as the different terms have bytes, and 16 bytes for each.
 */
#pragma once

#include "base/buf.h"
#include "search/tokens.h"

/* Where in a message. From SEARCH_FROM on they have terms of their own. */
enum search_field {
    SEARCH_ANY,    /* in questions: anywhere */
    SEARCH_BODY,   /* all that is no header of the message; names of attachments. Asked as ANY */
    SEARCH_HEADER, /* all other fields of its header. Asked as ANY */
    SEARCH_FROM,
    SEARCH_TO,
    SEARCH_CC,
    SEARCH_BCC,
    SEARCH_SUBJECT,
};

static inline bool search_field_has_terms(enum search_field field) {
    return field >= SEARCH_FROM;
}

/*
 * Different terms of a message; about a megabyte of English. One that has more is not indexed: it
 * is a candidate for each needle (search_index_add()).
 */
#define SEARCH_DOCUMENT_MAX 100000U

/* In front of terms, in the index. A field's mark comes first. */
#define SEARCH_MARK_PIECE '\x01'
#define SEARCH_MARK_FIELD '\x02' /* + enum search_field */

struct search_document {
    struct buf words; /* those without a mark, each with a blank in front of it */
    struct buf terms; /* all others, the same way */
    size_t count;     /* of both */
    bool is_full;     /* it has more than SEARCH_DOCUMENT_MAX, some of which are left out */

    struct {
        struct search_tokens tokens;
        enum search_field field;
        uint64_t *seen; /* hashes of what is in here; 0: free */
        size_t seen_size;
    } own;
};

/* The zero value is an empty document. */
void search_document_done(struct search_document *d);
void search_document_clear(struct search_document *d); /* for the next message */

/* A piece of a text, folded, cut anywhere. Another field begins another text. */
void search_document_text(struct search_document *d, enum search_field field, struct slice text);

/* The text ends here: what comes is another one, in the same field too. */
void search_document_end(struct search_document *d);
