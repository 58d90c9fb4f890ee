/* SPDX-License-Identifier: ISC */
/*
 * What the events of a message tell, gathered: which other messages belong to it, and the
 * disposition of each recipient from the last event that tells of it. A message that an alias made
 * of it carries the same content on: its events tell what became of the targets. Pure; for
 * show_head.c and show_summary.c. Slices and events are the caller's and outlive what is made here.
 */
#pragma once

#include "base/map.h"
#include "events/kinds.h"
#include "journey/show.h"

struct messages {
    queue_id list[SHOW_FAMILY_MAX];
    size_t count;
};

/* Adds the messages that a fact names in the events of those that are there, and in theirs. */
void told_add_named(struct messages *to, const char *fact, const struct event *events,
                    size_t count);

/* The event with which the message came, or failed to: the first that knows a sender; or NULL. */
const struct event *told_origin(queue_id message, const struct event *events, size_t count);

/* Where a message's own events end: on hold or not. */
bool told_is_held(queue_id message, const struct event *events, size_t count);

/* ------------------------------------------------------------------ recipients */

struct addressee {
    struct slice address;
    const struct event *event; /* the last one that tells of it */
    const struct kind *kind;   /* of that event; NULL: it came in place of another address */
};

/* Begins with an arena; ends with told_recipients_done(). */
struct recipients {
    struct arena *arena;
    struct map by_address;
    struct addressee **list; /* in the order in which they are named first */
    size_t count, size;
};

/* Adds the recipients of these messages. */
void told_gather(struct recipients *all, const struct messages *messages,
                 const struct event *events, size_t count);
void told_recipients_done(struct recipients *all);

/*
 * An event with which the waiting begins. It says nothing new of a recipient that has a disposition
 * already: a quick delivery may be told before the client has its reply.
 */
bool told_begins(const struct kind *kind);

/* Nothing final has been told of the recipient yet. */
bool told_waits(const struct addressee *r);

/*
 * "Delivered after 3 ms: ...", in the language of the user. A next attempt that was named before
 * counts no more while the message is on hold.
 */
void told_add_disposition(struct buf *to, const struct addressee *r, usec_t arrival, bool held);
