/* SPDX-License-Identifier: ISC */
/*
 * A FETCH that is being answered: what is asked for, and the message at hand. For cmd_fetch.c and
 * the fetch_*.c beside it.
 */
#pragma once

#include "imap/fetch/ahead.h"
#include "imap/fetch/section.h"
#include "message/map/map.h"

#define IMAP_FETCH_OF_MAP                                                                          \
    ((unsigned)(IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY | IMAP_FETCH_BODYSTRUCTURE |                 \
                IMAP_FETCH_PREVIEW | IMAP_FETCH_THREADID))

struct imap_fetching {
    struct imap_session *s;
    const struct imap_attributes *what;
    unsigned set;                /* of `what`, and what is told without having been asked for */
    enum imap_section_need need; /* of all sections together */
    const struct slice **sorted; /* of each section: its fields; see imap_fields_sorted() */
    bool sets_seen;              /* RFC 9051 §6.4.5: some sections set \Seen */
    bool gets_text;              /* of messages, not headers only */
    struct imap_ahead *ahead;

    /* The message. */
    struct arena arena;
    struct imap_fetched at;
    struct message_map map; /* as far as `need` goes */
    struct message_map_part whole;
    struct buf octets, encoded; /* read from it */
    bool has_file;              /* of a large one: it stays, even if it is removed meanwhile */
    struct store_file file;

    /* What could not be told of some. */
    bool gone, no_decoding;
    int error;
};

/* The fields of each section that is asked for, in the arena: imap_fields_sorted(). */
const struct slice **imap_fetch_sort(const struct imap_attributes *what, struct arena *a) WAITS;

/*
 * Begins with `ahead` that is empty, in which the messages are set then. `set`: attributes that are
 * told beside those that are asked for.
 */
void imap_fetch_begin(struct imap_fetching *f, struct imap_session *s,
                      const struct imap_attributes *what, unsigned set,
                      const struct slice **sorted);

/* Sends all responses, and ends; the UIDs of messages that are to be \Seen, appended. */
void imap_fetch_run(struct imap_fetching *f, struct buf *unseen) WAITS;

/*
 * Responses about messages of the selected mailbox that no command asked for. They stay unseen; of
 * what cannot be read nothing is said.
 */
void imap_fetch_unasked(struct imap_session *s, const struct imap_attributes *what,
                        const struct slice **sorted, const struct imap_set *uids) WAITS;

/* One response about the message at hand. Its octets stream; what cannot be told is left out, and
 * noted. True: octets of its body were among it. */
bool imap_fetch_message(struct imap_fetching *f) WAITS;

/*
 * One section as an attribute with its value. 0; or an error, and nothing of it was written: as
 * store_read(), or -ENOTSUP as imap_section_find(). When the message breaks off in the middle the
 * session has ended.
 */
int imap_fetch_section(struct imap_fetching *f, const struct imap_section *section,
                       const struct slice *sorted) WAITS;

/*
 * Octets of the message at hand, valid until the next call with the same buffer. 0, or an error as
 * store_read(). At most IMAP_FETCH_PART, but for a header.
 */
#define IMAP_FETCH_PART 65536U
int imap_fetch_octets(struct imap_fetching *f, uint64_t offset, size_t len, struct buf *to,
                      struct slice *ret) WAITS;
