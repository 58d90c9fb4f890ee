/* SPDX-License-Identifier: ISC */
/*
 * What is done to the header of a message that one of our own users hands in (RFC 6409 §8): a
 * missing Date, Message-ID and From are added; taken out are Bcc fields (RFC 5322 §3.6.3),
 * Return-Path (RFC 5321 §4.4), and what bears our name as a judgement of ours (message/results.h).
 * Of what comes from outside only the last is taken out.
 *
 *     r = submission_inspect(&arena, message, &limits, &sub);
 *     if (r == 0 && submission_problem(&sub, &problem) == 0)
 *         submission_header(&out, message, &sub, &by);
 *         ... then the bytes from sub.body on
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "message/header.h"
#include "message/queue_id.h"

struct submission {
    bool has_date, has_message_id;
    bool has_from, has_sender;
    const char *repeated;    /* name of a field that may stand only once and does not, or NULL */
    struct slice message_id; /* with its angle brackets, or empty */
    struct slice subject;    /* on one line, not decoded */
    struct slice from;       /* on one line: for message/address/mailboxes.h */
    struct slice sender;     /* the same */
    size_t body;             /* offset of the body */
    bool has_empty_line;     /* stands between header and body */
};

/*
 * Reads the header of `message` (the body may be cut off). 0, or -E_LIMIT when the limits are
 * passed.
 */
int submission_inspect(struct arena *a, struct slice message, const struct header_limits *limits,
                       struct submission *ret);

/* 0, or -E_SYNTAX and a sentence for the person: fields that contradict each other. */
int submission_problem(const struct submission *sub, struct problem *p);

/* Who takes the message in, and for whom. */
struct submission_by {
    usec_t now;
    queue_id id;
    struct slice host;  /* our name: in a new Message-ID, and of judgements that are removed */
    struct slice login; /* the account's address, for a missing From */
};

/* Appends the header as it goes on: missing fields in front, the empty line behind. */
void submission_header(struct buf *to, struct slice message, const struct submission *sub,
                       const struct submission_by *by);

/* "<id@host>" */
struct slice message_id_make(struct arena *a, queue_id id, struct slice host);

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
