/* SPDX-License-Identifier: ISC */
/*
 * Commands as they come, those with messages in them too: APPEND (RFC 9051 §6.3.12) with several
 * messages (MULTIAPPEND, RFC 3502), CATENATE (RFC 4469), UTF8 (RFC 6855 §4), ~{n} (RFC 3516), and
 * REPLACE (RFC 8508). A message is never held here: whoever reads the command reads its octets from
 * the stream.
 *
 *     int r = imap_command_next(reader, mode, &arena, &command, &problem);
 *     if (r == 0 && imap_brings_message(&command))
 *         while ((r = imap_append_next(&place, reader, mode, &arena, &part, &problem)) == 0)
 *             switch (part.kind) ...
 *     if (r == -E_SYNTAX || r == -E_UNKNOWN)  answer BAD with the problem; read on if
 *         imap_reader_refuse(reader) is 0
 */
#pragma once

#include "imap/syntax/command.h"
#include "imap/syntax/reader.h"

/*
 * Reads the next command; of one that brings a message its head. Slices are valid until the next
 * one is read. 0; -E_SYNTAX and -E_UNKNOWN: a BAD with the problem is due, with the tag in `ret`
 * or, where that is empty, without; what was left of the command is dropped. -E_REFUSED: the same,
 * and the connection has to be closed then. Errors of streams; -ETIMEDOUT in a command, too.
 */
int imap_command_next(struct imap_reader *r, struct imap_mode mode, struct arena *a,
                      struct imap_command *ret, struct problem *problem) WAITS;

enum imap_append_kind {
    IMAP_APPEND_MESSAGE, /* a message begins: flags, date */
    IMAP_APPEND_OCTETS,  /* octets of it: literal; see below */
    IMAP_APPEND_URL,     /* more of it: url (CATENATE) */
    IMAP_APPEND_END,     /* the command is whole, and so is the last message */
};
struct imap_append_part {
    enum imap_append_kind kind;
    struct imap_flags flags;
    bool has_date;
    struct imap_date_time date;
    struct imap_literal literal;
    struct slice url;
};

/*
 * Where in the command its reader is. Begins as {.at = command.append.at}, for REPLACE with `one`.
 */
struct imap_append_place {
    size_t at;      /* in the text */
    bool handed_on; /* octets were the last part */
    enum {
        IMAP_APPEND_BEFORE,
        IMAP_APPEND_IN_PLAIN,
        IMAP_APPEND_IN_UTF8,
        IMAP_APPEND_BEHIND_UTF8,
        IMAP_APPEND_IN_CATENATE,
        IMAP_APPEND_BEHIND
    } in;
    bool member; /* in CATENATE: not the first */
    bool one;    /* REPLACE: there is one message */
};

/*
 * The next part. Behind IMAP_APPEND_OCTETS the caller calls imap_reader_hand_on() and reads all of
 * the literal, or gives the command up with imap_reader_refuse(). What a part has is in the arena.
 * Errors as above, but nothing is dropped: imap_reader_refuse() is the caller's.
 */
int imap_append_next(struct imap_append_place *place, struct imap_reader *r, struct imap_mode mode,
                     struct arena *a, struct imap_append_part *ret, struct problem *problem) WAITS;

/*
 * The pure half of it: one part from a text that ends before a literal (`literal`) or with the
 * command (NULL). False: the cursor has failed, perhaps since the literal belongs to the text.
 */
bool imap_append_take(struct imap_append_place *place, struct imap_cursor *c,
                      const struct imap_literal *literal, struct imap_append_part *ret);
