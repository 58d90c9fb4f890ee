/* SPDX-License-Identifier: ISC */
/*
 * The keeper: a fiber that frees segments, sets the next one aside, removes large files, and copies
 * messages out of segments that failed (I4) or stand in the way of freeing (I6), at a bounded rate.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "spool/log.h"

#define COPY_MESSAGES  64U
#define COPY_BYTES     (1U << 20)
#define RETRY_INTERVAL (2 * USEC_SEC)
#define BEGIN_AFTER    (500 * USEC_MS) /* the opening has made room; the host starts meanwhile */
#define PATIENCE       USEC_HOUR       /* with a disk that cannot read a message */

/* ------------------------------------------------------------------ copying */

/* Ids of some messages of the segment, so that waits in between do no harm. */
static void choose(const struct segment *seg, struct buf *ret_ids) {
    uint64_t bytes = 0;
    LIST_EACH (st, &seg->messages, struct stored, in_segment) {
        if (st->leaving)
            continue;
        if (bytes > COPY_BYTES || ret_ids->len / sizeof(uint64_t) == COPY_MESSAGES)
            return;
        buf_add_u64(ret_ids, st->message.id);
        bytes += st->record_len;
    }
}

/*
 * A read error may pass: so the message stays where it is for a while, behind the others. After
 * that it moves without its bytes, which go into quarantine with the segment.
 */
static int not_readable(struct spool *s, uint64_t id, struct change *c) {
    struct stored *st = stored_find(s, id);
    if (!st)
        return -E_UNKNOWN;
    st->unreadable = st->unreadable ? st->unreadable : fiber_now();
    if (fiber_now() - st->unreadable < PATIENCE) {
        link_remove(&st->in_segment);
        list_append(&st->segment->messages, &st->in_segment);
        return -E_UNKNOWN;
    }
    st->segment->tainted = true;
    c->lost = true;
    return 0;
}

/* Adds the copy of one message; one whose bytes are lost moves without them. */
static int add_copy(struct spool *s, struct request *r, uint64_t id) WAITS {
    struct stored *st = stored_find(s, id);
    if (!st)
        return 0;
    struct change c = {.type = LOG_MESSAGE, .id = id, .copy = true};
    int error = body_load(s, st, &c.cached);
    if (error == -EIO)
        error = not_readable(s, id, &c);
    if (error == -E_UNKNOWN)
        return 0;
    if (error == -E_CORRUPT)
        c.lost = true;
    else if (error)
        return error;
    c.stored = stored_find(s, id);
    if (c.stored)
        r->changes[r->count++] = c;
    else
        cached_leave(s, c.cached);
    return 0;
}

/* Messages that were settled since they were added. */
static void drop_settled(struct spool *s, struct request *r) {
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct change *c = &r->changes[i];
        c->stored = stored_find(s, c->id);
        if (c->stored)
            r->changes[kept++] = *c;
        else
            cached_leave(s, c->cached);
    }
    r->count = kept;
}

/* Bytes copied, or negative. */
static int64_t copy_some(struct spool *s, struct segment *seg) WAITS {
    _cleanup_(buf_done) struct buf ids = {0};
    choose(seg, &ids);
    struct request *r = request_new(ids.len / sizeof(uint64_t));
    r->copies = true;
    struct reader reader = {.rest = buf_slice(&ids)};
    int error = 0;
    while (!error && reader.rest.len > 0)
        error = add_copy(s, r, read_u64(&reader));
    drop_settled(s, r);
    int64_t bytes = (int64_t)request_measure(r);
    if (error || r->count == 0) {
        request_free(s, r);
        return error;
    }
    bool doubtful; /* the originals are there */
    error = commit_submit(s, r, &doubtful);
    return error ? error : bytes;
}

/* ------------------------------------------------------------------ the fiber */

/* Cut short by the end of the spool, and by a segment that became free. */
static void pause_for(struct spool *s, usec_t span) WAITS {
    usec_t until = fiber_now() + span;
    bool was_free = segment_oldest_is_free(s);
    while (!s->closing && fiber_now() < until && (was_free || !segment_oldest_is_free(s)))
        if (fiber_cond_wait_until(&s->keeper_wanted, until) < 0)
            return;
}

static void copy_and_pause(struct spool *s) WAITS {
    struct segment *seg = segment_to_empty(s);
    if (!seg)
        return;
    int64_t bytes = copy_some(s, seg);
    if (bytes <= 0)
        pause_for(s, RETRY_INTERVAL);
    else
        pause_for(s, bytes * USEC_SEC / (int64_t)s->options.compact_rate);
}

void keeper_fiber(void *arg) {
    struct spool *s = arg;
    pause_for(s, BEGIN_AFTER);
    while (!s->closing) {
        segment_release_oldest(s);
        (void)segment_prepare_spare(s);
        large_unlink_settled(s);
        copy_and_pause(s);
        if (s->closing || fiber_cancelled())
            return;
        if (segment_oldest_is_free(s) || !s->spare.ready)
            pause_for(s, RETRY_INTERVAL);
        else if (!segment_keeper_is_needed(s) && fiber_cond_wait(&s->keeper_wanted) < 0)
            return;
    }
}
