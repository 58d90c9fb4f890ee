/* SPDX-License-Identifier: ISC */
/*
 * The event log: takes the events of the whole server, keeps them for a set time in a database,
 * and finds them again. Nobody waits for it, and it never stops mail: what it cannot write it holds
 * for a while in memory, then it counts what is lost and says so; a damaged database is renamed
 * (NAME.damaged, replacing an earlier one) and a new one begun.
 *
 * Events are written at the latest WRITE_DELAY after they came, without a sync each: a crash of
 * the process loses what came since the last write, a power cut the last seconds. Those that must
 * not be lost come by event_log_keep().
 *
 *     log = event_log_new(&options);
 *     fiber_spawn("events", event_log_work, log);
 *     event_log_add(log, ROLE_EDGE, &event);
 *     event_log_stop(log);       writes what is left; then
 *     event_log_free(log);
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "conf/roles.h"
#include "events/event.h"
#include "message/queue_id.h"

#define EVENT_LOG_WRITE_DELAY (200 * USEC_MS)
#define EVENT_LOG_MEMORY_MAX  ((size_t)32 << 20) /* events waiting to be written */
#define EVENT_LOG_WAIT_MAX    USEC_MIN           /* how long one call waits for news */

struct event_log;

struct event_log_options {
    const char *path; /* "events.db"; its folder must be writable */
    bool read_only;   /* nobody writes: no event_log_work(), and nothing is waited for */
    usec_t keep;
    uint64_t size_max;  /* bytes of the database; its write-ahead log adds up to 32 MB */
    size_t memory_max;  /* 0: EVENT_LOG_MEMORY_MAX */
    uint32_t outside;   /* ROLE_BIT() of those that strangers talk to: they fill half of it */
    uint64_t step;      /* events pruned in one go; 0: 1000 */
    usec_t check_every; /* how often to look for events to prune; 0: 10 s */

    /* Told of every event when it comes, the event log's own among them; may be NULL. */
    void (*added)(void *arg, const struct event *event);
    void *arg;
};

struct event_log *event_log_new(const struct event_log_options *options);
void event_log_free(struct event_log *l); /* nobody works or waits on it any more; NULL is fine */
DEFINE_CLEANUP(struct event_log, event_log_free)

/* Writes and prunes until event_log_stop() or cancel. A fiber_fn; one for each event log. */
void event_log_work(void *events) WAITS;

/*
 * Ends event_log_work(), which has been spawned, after a last write, and all waiting calls; returns
 * when it has ended.
 */
void event_log_stop(struct event_log *l) WAITS;

void event_log_set_limits(struct event_log *l, usec_t keep, uint64_t size_max);

/* Never waits, never fails. A wall time more than a day off is replaced by ours. */
void event_log_add(struct event_log *l, enum role role, const struct event *event);

/*
 * Takes an event of somebody who keeps it until he knows that it is safe: 0 when it is on the disk,
 * synced. Otherwise it was not taken (but for a failure just while it is written, when it may come
 * twice). The wall time stays as it is, however old.
 */
int event_log_keep(struct event_log *l, enum role role, const struct event *event,
                   struct problem *problem) WAITS;

/*
 * For a program that adds events but has no event_log_work(): writes, synced, all that was added,
 * and prunes nothing. 0, or negative with a sentence: then some may be missing.
 */
int event_log_write_all(struct event_log *l, struct problem *problem) WAITS;

/* An event of the event log's own. */
void event_log_report(struct event_log *l, const char *kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/*
 * Messages by what a person knows of them: an id or its first 5 digits or more; an address or
 * Message-ID, with or without angle brackets, in any case; else a part of the subject, or of
 * whatever its events say. Of several words each has to be there. Newest first, at most `limit`
 * (and 1000). All calls below see every event that came before them.
 * 0; negative with a sentence when the database cannot be read now.
 */
#define EVENT_LOG_WORDS_MAX 16U
struct event_log_search {
    const struct slice *words; /* none: every message */
    size_t count;
    queue_id first, last;     /* messages from one to the other: a time; last 0: any */
    bool scanning, narrowing; /* for the event log alone */
};
int event_log_find(struct event_log *l, const struct event_log_search *search, unsigned limit,
                   struct arena *a, queue_id **ret, size_t *ret_count,
                   struct problem *problem) WAITS;

/* Up to 100 events: a part of a longer answer ends early, the next call goes on behind it. */
struct event_list {
    struct event *list;
    size_t count;
};

/*
 * The events of a message behind a sequence number, in order. When there is none: waits for one, up
 * to `wait` (0: not at all).
 */
int event_log_journey(struct event_log *l, queue_id message, uint64_t after, usec_t wait,
                      struct arena *a, struct event_list *ret, struct problem *problem) WAITS;

/* Which events of the whole server. */
struct event_log_question {
    uint64_t after;
    uint64_t last;       /* > 0: in place of `after`, behind which the last so many stand */
    struct slice role;   /* empty: all */
    usec_t wait;         /* as above */
    usec_t since, until; /* wall times; 0: any. With `since`, `last` 0 and `after` 0: from there */
    const struct slice *words; /* each of them is in the event */
    size_t word_count;
};
int event_log_read(struct event_log *l, const struct event_log_question *q, struct arena *a,
                   struct event_list *ret, struct problem *problem) WAITS;

/* Numbers for status pages. */
struct event_log_stats {
    uint64_t added, written, lost;
    size_t waiting_bytes;
};
void event_log_stats(const struct event_log *l, struct event_log_stats *ret);
