/* SPDX-License-Identifier: ISC */
/*
 * An event as it is kept: a compact record, from which the event comes back as it was but for what
 * must not be kept. Pure.
 *
 *     record   version u8 = 1, role u8, kind, text, count u8, facts
 *     kind     code u8; code 0: length u8 and the name behind
 *     fact     the same for its name, then its value
 *     text, value   length as base-128 varint, bytes
 *
 * Wall time and message stand beside the record, since the database needs them.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "conf/roles.h"
#include "events/event.h"

#define EVENT_RECORD_MAX 65536U
#define EVENT_TEXT_MAX   4096U
#define EVENT_VALUE_MAX  16384U /* also the schema's bound: cut longer ones before they are sent */
#define EVENT_FACTS_MAX  32U

/*
 * Appends the record of an event, at most EVENT_RECORD_MAX bytes; what does not fit is cut and ends
 * in "...". Of two facts of one name the first stays. Dialogues are cleaned, see below; a subject
 * is kept as it is read (message/words.h), so that it can be found and needs no decoding later.
 */
void event_encode(struct buf *to, enum role role, const struct event *in);

/*
 * Reads a record; role, kind, text and fields of *ret are written, its other members left alone.
 * Names and values point into the record and the arena. -E_CORRUPT, -E_VERSION.
 */
int event_decode(struct slice record, struct arena *a, struct event *ret);

/* True when the record's role is this one; without decoding it. */
bool event_record_is_of(struct slice record, struct slice role);

/* The value of a fact; empty with ptr NULL when the event has none. */
struct slice event_value(const struct event *e, const char *name);

/* The next of the addresses in a value; false at the end. Empty ones are passed over. */
bool event_next_address(struct slice *rest, struct slice *ret);

/*
 * Appends a dialogue line by line without what must not be kept: passwords and all else behind the
 * mechanism of AUTH, what follows PASS and the digest of APOP, and the lines of the message behind
 * a 354 reply. Whoever records a dialogue leaves these out in the first place; here they end for
 * good.
 */
void event_clean_dialogue(struct buf *to, struct slice dialogue);
