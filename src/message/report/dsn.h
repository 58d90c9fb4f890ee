/* SPDX-License-Identifier: ISC */
/*
 * Delivery status notifications: the message that tells a sender what became of his message (RFC
 * 3461 §6, RFC 3464, RFC 6522). Three parts: words for a person, in English and in Japanese, first
 * in the one that the message seems to be written in; the report for programs; the message it is
 * about, or its header.
 *
 * The envelope is the caller's business: sender "<>", recipient the reverse-path of the message;
 * for a message that came with a null reverse-path no notification is made (RFC 5321 §4.5.5), nor
 * against the NOTIFY parameter of a recipient.
 */
#pragma once

#include "base/buf.h"
#include "base/time.h"
#include "message/address/address.h"

enum dsn_action { /* RFC 3464 §2.3.3 */
                  DSN_FAILED,
                  DSN_DELAYED,
                  DSN_DELIVERED,
                  DSN_RELAYED,  /* handed to a host that does not know DSN */
                  DSN_EXPANDED, /* handed to the members of a list or the targets of an alias */
};

struct dsn_recipient {
    const struct address *address; /* where it was finally to go */
    struct slice original;         /* ORCPT as it came, "rfc822;tama+2Bx@example.org", or empty */
    enum dsn_action action;
    struct slice status;      /* "5.1.1"; of another form: the general code of the action */
    struct slice diagnostic;  /* reply of the remote host or our own words; any bytes */
    struct slice remote_host; /* whose reply it is; empty: ours */
    usec_t last_attempt;      /* wall time, 0: none */
    usec_t retry_until;       /* wall time, 0: none; for DSN_DELAYED */
};

struct dsn {
    const struct address *sender; /* reverse-path of the message, or the postmaster: into To */
    bool to_postmaster;       /* of this host, about a stranger's message that goes in circles */
    bool kept;                /* and which waits in the queue until he has looked at it */
    bool tls_waived;          /* the message said TLS-Required: No (RFC 8689 §3), so this does */
    struct slice host;        /* our own name */
    struct slice envelope_id; /* ENVID as it came (xtext), or empty */
    usec_t arrival;           /* of the message; 0: not known */
    usec_t now;
    struct slice message_id; /* of the notification: message_id_make() */
    struct slice boundary;   /* random token of at most 60 characters */
    const struct dsn_recipient *recipients;
    size_t recipient_count; /* at least one */

    struct slice message; /* the message, or any beginning of it that holds its header */
    bool header_only;     /* only the beginning was given, or RET=HDRS */
    size_t max_returned;  /* a longer message returns as its header, cut here; 0: header, uncut */

    /*
     * The caller can send 8-bit bytes (BODY=8BITMIME). Otherwise a message that holds such bytes is
     * returned as its header: message/rfc822 cannot be encoded (RFC 2046 §5.2.1).
     */
    bool eight_bit;
};

/*
 * Appends the whole notification. A message is returned in full only when something failed (RFC
 * 3461 §4.3). All lines are at most 998 bytes, ours at most 78 where words allow.
 */
void dsn_compose(struct buf *to, const struct dsn *dsn);

/* "failed", "delayed", ... */
const char *dsn_action_name(enum dsn_action action);

/* Has the form of RFC 3463 §2: class 2, 4 or 5, subject and detail of one to three digits. */
bool dsn_status_valid(struct slice status);

/* The status that is told: the recipient's own, or the general code of its action. */
struct slice dsn_status(const struct dsn_recipient *recipient);
