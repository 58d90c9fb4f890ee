/* SPDX-License-Identifier: ISC */
/*
 * Events for people and for programs: the journey of a message, and lines of the log. Pure but for
 * the local time zone.
 *
 *     Message 0c8q2zv5k7g00
 *       From        tama@example.jp
 *       ...
 *       kuro@example.net   Transmitted after 1.21 s: 250 2.0.0 queued
 *
 *     2026-11-22
 *     20:12:42.123           Accepted       The message was taken from ...
 *     20:12:42.125    +2 ms  Failed         kuro@example.net: given up ...
 *     Message 0c8q2zv5kbg10, a report
 *     20:12:42.125   +0.1 ms Queued         ...
 *
 * A journey is that of a message and of those that came of it: what an alias made of it, its
 * reports.
 *
 * Whatever comes from outside is shown escaped (text.h).
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "events/event.h"
#include "message/queue_id.h"

struct show_options {
    unsigned width; /* columns; 0: 80 */
    bool colour;
};

/*
 * What is known of the message, and what became of it for each recipient: also for those who stand
 * behind its aliases. Its reports have a line each.
 */
void show_head(struct buf *to, queue_id message, const struct event *events, size_t count,
               const struct show_options *options);

/* Where the steps shown last ended, so that events that come later can be shown behind. */
struct show_place {
    usec_t before;    /* time of the last step; 0: none yet */
    queue_id message; /* the message of the last step; at the beginning the one of the head */
};

/* One step for each event, in order of their times; a line where it is another message's turn. */
void show_steps(struct buf *to, const struct event *events, size_t count, struct show_place *place,
                const struct show_options *options);

/* Both, with an empty line between them; `place` is written. */
void show_journey(struct buf *to, queue_id message, const struct event *events, size_t count,
                  struct show_place *place, const struct show_options *options);

/* One line of the log with its line end: time, level, role, message, kind, sentence. */
void show_line(struct buf *to, const struct event *event);

/* The same for a terminal of this width, where it goes on behind the time; 0: on one line. */
void show_line_within(struct buf *to, const struct event *event, size_t width);

/* One line without time and level, which the system's log has itself. */
void show_message(struct buf *to, const struct event *event);

/*
 * {"message": ..., "family": ..., "events": [...]}: the events of this message among them; `family`
 * is the message that it came of in the end, or it itself. And one event: an object. Facts have the
 * types of kinds.h.
 */
void show_journey_json(struct json *j, queue_id message, queue_id family,
                       const struct event *events, size_t count);
void show_event_json(struct json *j, const struct event *event);

/* A message in one line. Slices are the events', or in the arena. */
struct show_summary {
    queue_id message;
    usec_t wall; /* when it came */
    struct slice from, subject;
    struct slice *to; /* its envelope's recipients */
    size_t to_count;
    struct slice state;       /* "Delivered", "Delivered 2, Deferred 1", "Held" */
    struct slice state_words; /* the same in the language of the user */
};
void show_summary(queue_id message, const struct event *events, size_t count, struct arena *a,
                  struct show_summary *ret);

#define SHOW_FAMILY_MAX 50U /* messages that belong together: so many are known of in one head */

/*
 * Messages that belong to this one: its reports, what an alias made of it, what it came from. Each
 * once, in the order of the events; at most `max`. Their number.
 */
size_t show_relatives(const struct event *events, size_t count, queue_id *ret, size_t max);
