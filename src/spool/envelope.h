/* SPDX-License-Identifier: ISC */
/*
 * What the spool keeps of a message besides its bytes: the envelope as it was accepted, which never
 * changes, and the state of its journey, of which the latest one counts. Both are plain structs of
 * slices, and both have an encoding, which is what lies on the disk and in memory. Pure.
 *
 * The encodings are lists of fields with a tag and a length. A decoder skips tags that it does not
 * know, so fields may be added; it never trusts a length.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

#define SPOOL_RECIPIENTS_MAX 65535U
#define SPOOL_TEXT_MAX       65535U /* bytes of any one text below */

enum spool_body_type { SPOOL_7BIT, SPOOL_8BITMIME, SPOOL_BINARYMIME };

/* RFC 3461 §4.3: what the sender wants back of the message in a report. */
enum spool_ret { SPOOL_RET_UNSAID, SPOOL_RET_FULL, SPOOL_RET_HDRS };

/* RFC 3461 §4.1, one bit each; none: not said. */
enum spool_notify {
    SPOOL_NOTIFY_NEVER = 1,
    SPOOL_NOTIFY_SUCCESS = 2,
    SPOOL_NOTIFY_FAILURE = 4,
    SPOOL_NOTIFY_DELAY = 8,
};

struct spool_recipient {
    struct slice address;  /* forward-path without angle brackets */
    struct slice original; /* ORCPT as given ("rfc822;..."), or empty */
    uint8_t notify;        /* enum spool_notify bits */
};

struct spool_envelope {
    usec_t arrival;      /* wall time */
    struct slice sender; /* reverse-path without angle brackets; empty: the null path */
    enum spool_body_type body_type;
    enum spool_ret ret;
    bool smtputf8, requiretls;
    uint8_t origin;       /* the queue's own: from a peer, from a user, made here, ... */
    struct slice envid;   /* ENVID as given (xtext), or empty */
    struct slice login;   /* who logged in to send it, or empty */
    struct slice helo;    /* how the client named itself */
    struct slice peer;    /* the client's address as text */
    struct slice journey; /* the message's journey id */
    struct slice extra;   /* the queue's own; kept as it is */
    const struct spool_recipient *recipients;
    size_t count;
};

/* What is left to do for one recipient. */
struct spool_recipient_state {
    uint32_t index;     /* of the recipient in the envelope */
    uint8_t status;     /* the queue's own */
    uint8_t flags;      /* the queue's own: e.g. which delay notices have gone out */
    uint32_t attempts;  /* made so far */
    usec_t next;        /* wall time of the next attempt */
    struct slice reply; /* the last reply or reason */
    struct slice extra; /* the queue's own; kept as it is */
};

/* A complete snapshot: recipients not named have been settled. */
struct spool_state {
    bool hold;      /* not to be tried before somebody releases it */
    uint32_t flags; /* the queue's own */
    usec_t next;    /* wall time of the next attempt for any recipient */
    const struct spool_recipient_state *recipients;
    size_t count;
};

/* Appends the encoding; -E_LIMIT: too many recipients or too long a text, `to` is as before. */
int spool_envelope_encode(const struct spool_envelope *e, struct buf *to);
int spool_state_encode(const struct spool_state *s, struct buf *to);

/*
 * Decodes; texts point into `bytes`, arrays are in the arena. -E_SYNTAX: no such encoding. An index
 * of a decoded state is less than `recipients` of the envelope and greater than the one before it.
 */
int spool_envelope_decode(struct slice bytes, struct arena *a, struct spool_envelope *ret);
int spool_state_decode(struct slice bytes, size_t recipients, struct arena *a,
                       struct spool_state *ret);

/* What can be told from an encoding without an arena: checked as far as the full decoder does. */
int spool_envelope_count(struct slice bytes, usec_t *ret_arrival, uint32_t *ret_recipients);
int spool_state_summary(struct slice bytes, size_t recipients, struct spool_state *ret);
