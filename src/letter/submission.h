/* SPDX-License-Identifier: ISC */
/*
 * What is done to a letter that one of our own users hands in (RFC 6409 §8): a missing Date and
 * Message-ID are added, Bcc fields are taken out (RFC 5322 §3.6.3), and a letter without a From is
 * not taken. Letters from outside are never changed like this.
 *
 *     r = submission_inspect(&arena, letter, &limits, &sub);
 *     if (r == 0 && submission_problem(&sub, &problem) == 0)
 *         submission_header(&out, letter, &sub, now, id, host);
 *         ... then the bytes from sub.body on
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "letter/header.h"
#include "letter/id.h"

#define SUBMISSION_BCC_MAX 64 /* more Bcc fields than this are a fault of the letter */

struct letter_range {
    size_t offset;
    size_t len;
};

struct submission {
    bool has_date, has_message_id;
    unsigned from_fields;     /* exactly one is right */
    const char *repeated;     /* name of a field that may stand only once and does not, or NULL */
    struct letter_range *bcc; /* Bcc and Resent-Bcc fields, in order; in the arena */
    size_t bcc_count;
    struct slice message_id; /* with its angle brackets, or empty */
    struct slice subject;    /* on one line, not decoded */
    struct slice from;       /* on one line: for letter/mailboxes.h */
    size_t body;             /* offset of the body */
    bool has_empty_line;     /* stands between header and body */
};

/*
 * Reads the header of `letter` (the body may be cut off). 0, or -E_LIMIT when the limits or
 * SUBMISSION_BCC_MAX are passed.
 */
int submission_inspect(struct arena *a, struct slice letter, const struct header_limits *limits,
                       struct submission *ret);

/* 0, or -E_SYNTAX and a sentence for the person: no From, or fields that contradict each other. */
int submission_problem(const struct submission *sub, struct problem *p);

/*
 * Appends the header as it goes on: missing fields in front, without Bcc, the empty line behind.
 * `host` names us in a new Message-ID.
 */
void submission_header(struct buf *to, struct slice letter, const struct submission *sub,
                       usec_t now, letter_id id, struct slice host);

/* The added fields alone, for whoever changes the header otherwise. */
void submission_missing_fields(struct buf *to, const struct submission *sub, usec_t now,
                               letter_id id, struct slice host);

/* "<id@host>" */
struct slice message_id_make(struct arena *a, letter_id id, struct slice host);

#define MESSAGE_ID_MAX 998

/*
 * The same as mail programs read it, for looking it up: also without its brackets, with blanks in
 * it, with a comment behind it. With brackets, without blanks and control characters, at most
 * MESSAGE_ID_MAX bytes; empty when there is nothing. In the arena.
 */
struct slice message_id_read(struct arena *a, struct slice value);

/*
 * The first message id of a Message-ID (or In-Reply-To) value with its brackets: no blanks, no
 * control characters, at most 998 bytes. Empty when there is none. Points into `value`.
 */
struct slice message_id_find(struct slice value);
