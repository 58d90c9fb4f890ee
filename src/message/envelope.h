/* SPDX-License-Identifier: ISC */
/*
 * The envelope of a message (RFC 5321 §2.3.1, RFC 3461): the one form in which sessions gather it,
 * processes hand it on, the spool keeps it and the relay reads it. Texts stand as they travel in
 * SMTP; addresses are canonical (message/address/address.h) and have no angle brackets.
 *
 * An encoding is a version byte, then fields of a tag (1 byte), a length (4) and a value. Fields
 * that have their default are left out, unknown ones are passed over. It is what stands in the
 * spool: never change a number here.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

#define ENVELOPE_RECIPIENTS_MAX 65535U
#define ENVELOPE_TEXT_MAX       1024U /* bytes of any one text below */

/* BODY of RFC 6152 and RFC 3030. */
enum body_type { BODY_TYPE_7BIT, BODY_TYPE_8BITMIME, BODY_TYPE_BINARYMIME };

/* What the sender wants back of the message in a report (RFC 3461 §4.3). */
enum dsn_return { RETURN_UNSAID, RETURN_FULL, RETURN_HEADERS };

/* Of what the sender wants to hear (RFC 3461 §4.1), one bit each; none: not said. */
enum dsn_notify {
    NOTIFY_NEVER = 1,
    NOTIFY_SUCCESS = 2,
    NOTIFY_FAILURE = 4,
    NOTIFY_DELAY = 8,
};

/* What the message is like, so that nobody has to look at its bytes again. */
enum message_shape {
    SHAPE_EIGHT_BIT = 1 << 0, /* bytes above 127 */
    SHAPE_DOT_LINES = 1 << 1, /* a line begins with a dot */
    SHAPE_UTF8 = 1 << 2,      /* needs SMTPUTF8: the header, or an address, is not ASCII */
    SHAPE_TRAVELLED = 1 << 3, /* leads on to other hosts, and its header says that others sent it on
                                 before: they may take it for one that goes in a circle */
    SHAPE_REQUIRE_TLS = 1 << 4, /* came with REQUIRETLS, and goes on only so (RFC 8689 §2) */
    SHAPE_TLS_WAIVED = 1 << 5,  /* its header says TLS-Required: No (RFC 8689 §3) */
};

/* What was found of a message before it was taken; the rules of a mailbox may see it otherwise. */
enum message_verdict {
    VERDICT_NONE,
    VERDICT_JUNK, /* for the mailbox for junk */
};

struct recipient {
    struct slice address;  /* forward-path */
    struct slice original; /* ORCPT ("rfc822;tama+2Bx@example.org"), or empty */
    uint8_t notify;        /* enum dsn_notify */
};

/* Slices are borrowed. */
struct envelope {
    struct slice reverse_path; /* empty: the null reverse-path */
    const struct recipient *recipients;
    size_t count;
    enum body_type body_type;
    enum dsn_return ret;
    struct slice envid; /* ENVID (xtext), or empty */
    uint32_t shape;     /* enum message_shape */

    /* How the message came in. Stays with the queue: empty where the message is handed on. */
    usec_t arrival;     /* wall time */
    uint8_t origin;     /* enum queue_origin */
    struct slice login; /* who logged in to send it, or empty */
    struct slice helo;  /* how the client named itself */
    struct slice peer;  /* the client's address as text */
    struct slice extra; /* the queue's own; kept as it is */

    uint8_t verdict; /* enum message_verdict; of another number, as VERDICT_NONE */
};

/* Appends the encoding; -E_LIMIT: too many recipients or too long a text, `to` is as before. */
int envelope_encode(const struct envelope *e, struct buf *to);

/* Decodes; texts point into `bytes`, recipients are in the arena. -E_SYNTAX: no such encoding. */
int envelope_decode(struct slice bytes, struct arena *a, struct envelope *ret);

/* What can be told without an arena: all but the recipients, checked as envelope_decode() does. */
int envelope_summary(struct slice bytes, struct envelope *ret);

/* NOTIFY as it stands in SMTP ("SUCCESS,DELAY"); empty: not said. */
void notify_print(struct buf *to, unsigned notify);
