/* SPDX-License-Identifier: ISC */
/*
 * Events for people and for programs: the journey of a letter, and lines of the log. Pure but for
 * the local time zone.
 *
 *     Letter 0c8q2zv5k7g00
 *       From        tama@example.jp
 *       ...
 *       kuro@example.net   Transmitted after 1.21 s: 250 2.0.0 queued
 *
 *     2026-11-22
 *     20:12:42.123           Accepted       The letter was taken from ...
 *     20:12:42.125    +2 ms  Route          kuro@example.net leads to ...
 *
 * Whatever comes from outside is shown escaped (text.h).
 */
#pragma once

#include "base/json.h"
#include "letter/id.h"
#include "rpc/calls.h"

struct show_options {
    unsigned width; /* columns; 0: 80 */
    bool colour;
};

/* What is known of the letter, and what became of it for each recipient. */
void show_head(struct buf *to, letter_id letter, const struct rpc_event *events, size_t count,
               const struct show_options *options);

/*
 * One step for each event, in order of their times. `before` is the time of the step shown last (0
 * in front of the first) and moves on, so that events that come later can be shown behind.
 */
void show_steps(struct buf *to, const struct rpc_event *events, size_t count, usec_t *before,
                const struct show_options *options);

/* Both, with an empty line between them. */
void show_journey(struct buf *to, letter_id letter, const struct rpc_event *events, size_t count,
                  const struct show_options *options);

/* One line of the log with its line end: time, level, role, letter, kind, sentence. */
void show_line(struct buf *to, const struct rpc_event *event);

/* The same without time and level, which the system's log has itself. */
void show_message(struct buf *to, const struct rpc_event *event);

/* {"letter": ..., "events": [...]} and one event: an object. Facts have the types of kinds.h. */
void show_journey_json(struct json *j, letter_id letter, const struct rpc_event *events,
                       size_t count);
void show_event_json(struct json *j, const struct rpc_event *event);

/*
 * Letters that belong to this one: its reports, what an alias made of it, what it came from. Each
 * once, in the order of the events; at most `max`. Their number.
 */
size_t show_relatives(const struct rpc_event *events, size_t count, letter_id *ret, size_t max);
