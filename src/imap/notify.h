/* SPDX-License-Identifier: ISC */
/*
 * What a client has asked for with NOTIFY (RFC 5465), and telling it.
 *
 * A session without it has no such object, and is told of the selected mailbox what commands let it
 * be told. With it, events are told whenever the client is not saying something. What has changed
 * comes from the account's feed (store/feed.h): a session keeps how far it has told that, and what
 * was asked for; nothing for each mailbox.
 */
#pragma once

#include "imap/session_inside.h"
#include "imap/syntax/access.h"

struct imap_group {
    struct imap_source source; /* sorted, as imap_source_has() takes it */
    unsigned events;           /* of enum imap_event */
};

struct imap_watching {
    struct arena arena;              /* all that is pointed to from here */
    const struct imap_group *groups; /* of mailboxes that are not the selected one */
    size_t count;
    unsigned events;             /* of all groups together */
    unsigned selected;           /* of messages in the selected mailbox */
    bool delayed;                /* EXPUNGE waits there for a command that allows it */
    struct imap_attributes what; /* of new messages there; empty: nothing */
    const struct slice **sorted; /* its fields, as imap_fetch_sort() has them */
    uint64_t told;               /* MODSEQ up to which the feed was told */
    struct store_watch watch;
};

#define IMAP_EVENTS_OF_MESSAGES                                                                    \
    ((unsigned)(IMAP_EVENT_MESSAGE_NEW | IMAP_EVENT_MESSAGE_EXPUNGE | IMAP_EVENT_FLAG_CHANGE))

/* Which events of messages in the selected mailbox the client is told unasked. */
static inline unsigned imap_selected_events(const struct imap_session *s) {
    return s->watching ? s->watching->selected : IMAP_EVENTS_OF_MESSAGES;
}

/* The events that are asked for in any group that has a path: of what is not selected. */
unsigned imap_watched_events(const struct imap_session *s, struct slice path);

/*
 * Tells what the feed has that was not told yet: STATUS of mailboxes, LIST of names. `own`: the
 * command that has just been obeyed, whose effect on names its client knows; or NULL.
 */
void imap_tell_watched(struct imap_session *s, const struct imap_command *own) WAITS;

/*
 * "* LIST" for a name, as it is now, also if there is no mailbox; with OLDNAME unless `old` is
 * empty.
 */
void imap_tell_listed(struct imap_session *s, struct slice path, struct slice old) WAITS;

void imap_watch_no_more(struct imap_session *s);
