/* SPDX-License-Identifier: ISC */
/*
 * Group commit. Requests wait in a list; the committer takes what is there, puts their records into
 * one iovec, has it written and synced by one offloaded job, then changes memory and wakes
 * everybody. While the job runs the next requests gather.
 *
 * Nothing that a running job points at is touched meanwhile: facts and states of messages change
 * only in apply(), bodies are held by the request.
 *
 * Copies of old messages (by the keeper) go in front of the list. They carry the state that is in
 * memory, which is the one before this commit; later changes in the same commit follow them.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "spool/log.h"

#define RECORD_EXTRA (PACK_HEAD + PACK_END)
#define COMMIT_MAX   (RECORD_EXTRA + LOG_COMMIT_LEN + SPOOL_BLOCK)
#define SEAL_LEN     16U
#define TURNS_BEFORE 4U

struct batch {
    struct spool *spool;
    struct segment *segment;
    struct list requests;
    uint64_t planned; /* upper bound of the requests' bytes */

    struct arena arena;
    struct buf iov; /* struct iovec */
    struct buf commit_facts;
    uint64_t start, len;
    uint32_t count, sum;
};

/* ------------------------------------------------------------------ requests */

struct request *request_new(size_t changes) {
    struct request *r = NEW(struct request);
    r->changes = mem_array(changes, sizeof *r->changes);
    fiber_cond_init(&r->done);
    return r;
}

void request_free(struct spool *s, struct request *r) {
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++) {
        struct change *c = &r->changes[i];
        buf_done(&c->facts);
        if (c->type == LOG_MESSAGE && !c->copy)
            stored_free(c->stored);
        cached_leave(s, c->cached);
    }
    free(r->changes);
    free(r);
}

uint64_t request_measure(struct request *r) {
    r->bytes = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct change *c = &r->changes[i];
        r->bytes += RECORD_EXTRA + c->facts.len;
        if (c->type == LOG_MESSAGE)
            r->bytes += c->stored->facts_len + (c->cached ? c->cached->len : 0);
        if (c->copy)
            r->bytes += RECORD_EXTRA + c->stored->state_len;
    }
    return r->bytes;
}

static void finish(struct spool *s, struct request *r, int result) {
    for (size_t i = 0; result < 0 && i < r->count; i++)
        if (r->changes[i].type == LOG_DONE)
            r->changes[i].stored->leaving = false;
    r->result = result;
    r->finished = true;
    if (r->orphan)
        request_free(s, r);
    else
        fiber_cond_wake_all(&r->done);
}

static void wait_to_the_end(void *arg) WAITS {
    struct request *r = arg;
    while (!r->finished && fiber_cond_wait(&r->done) == 0) {
    }
}

int commit_submit(struct spool *s, struct request *r, bool *ret_doubtful) {
    if (r->copies)
        list_prepend(&s->waiting, &r->link);
    else
        list_append(&s->waiting, &r->link);
    fiber_cond_wake_all(&s->wanted);
    while (!r->finished) {
        if (fiber_cond_wait(&r->done) == 0 || r->finished)
            continue;
        struct fiber *child;
        if (fiber_start("commit", wait_to_the_end, r, &child) < 0) {
            r->orphan = *ret_doubtful = true;
            return -ECANCELED;
        }
        fiber_join(child);
    }
    int result = r->result;
    *ret_doubtful = r->doubtful;
    request_free(s, r);
    return result;
}

/* ------------------------------------------------------------------ what goes in */

static uint64_t overhead(const struct spool *s) {
    return COMMIT_MAX + s->seals.len / SEAL_LEN * (RECORD_EXTRA + SEAL_LEN);
}

/*
 * Whether the request may use the present segment down to `left` bytes (I8). A spare that is being
 * made is waited for only when much is used already.
 */
static int may_use(struct spool *s, const struct request *r, uint64_t left) WAITS {
    uint64_t size = s->current->file.reserved;
    uint64_t kept = r->has_message ? size / 4 * 3 : r->settles ? 0 : size / 8;
    bool refused = r->has_message && s->spare_failed;
    if (s->spare.ready || (left >= kept && !refused))
        return 0;
    return segment_prepare_spare(s);
}

/* 0: it is in; 1: it has to wait for the next commit; negative: it cannot be done. */
static int plan(struct spool *s, struct batch *b, const struct request *r) WAITS {
    bool first = list_empty(&b->requests);
    if (!first && b->planned + r->bytes > s->options.batch_size)
        return 1;
    if (b->planned + r->bytes + overhead(s) > segment_room(s)) {
        if (!first)
            return 1;
        int error = segment_rotate(s);
        if (error)
            return error;
        if (r->bytes + overhead(s) > segment_room(s))
            return -ENOSPC;
    }
    int error = may_use(s, r, segment_room(s) - b->planned - r->bytes - overhead(s));
    if (!error)
        b->planned += r->bytes;
    return error;
}

static void gather(struct spool *s, struct batch *b) WAITS {
    struct link *k;
    while ((k = list_first(&s->waiting))) {
        struct request *r = CONTAINER_OF(k, struct request, link);
        link_remove(k);
        int planned = plan(s, b, r);
        if (planned > 0) {
            list_prepend(&s->waiting, k);
            return;
        }
        if (planned < 0)
            finish(s, r, planned);
        else
            list_append(&b->requests, &r->link);
    }
}

/* ------------------------------------------------------------------ records */

static void add_bytes(struct batch *b, const void *bytes, size_t len) {
    struct iovec iov = {(void *)(uintptr_t)bytes, len};
    if (len > 0)
        buf_add_bytes(&b->iov, &iov, sizeof iov);
}

static void add_record(struct batch *b, const struct pack_record *r, const char *body,
                       struct pack_place *ret_place) {
    struct pack_frame *frame = ARENA_NEW(&b->arena, struct pack_frame);
    pack_frame(b->segment->file.head.generation, r, frame);
    uint64_t offset = b->start + b->len;
    if (ret_place)
        *ret_place = (struct pack_place){.offset = offset,
                                         .body = offset + PACK_HEAD + r->facts.len,
                                         .body_len = r->body_len,
                                         .body_crc = r->body_crc};
    add_bytes(b, frame->head, PACK_HEAD);
    add_bytes(b, r->facts.ptr, r->facts.len);
    add_bytes(b, body, r->body_len);
    add_bytes(b, frame->end, PACK_END);
    b->len += pack_record_len(r);
    b->count++;
    b->sum = log_sum(b->sum, pack_frame_sum(frame));
}

static void add_message(struct batch *b, struct change *c) {
    const struct stored *st = c->stored;
    bool lost = c->lost || st->message.damaged;
    struct pack_record r = {
        .type = LOG_MESSAGE,
        .flags = (uint16_t)((st->large ? MESSAGE_LARGE : 0) | (lost ? MESSAGE_DAMAGED : 0)),
        .facts = stored_facts(st),
    };
    if (!lost) {
        r.body_len = c->cached->len;
        r.body_crc = c->cached->crc;
    }
    add_record(b, &r, lost ? NULL : c->cached->bytes, &c->place);
    c->record_len = pack_record_len(&r);
    c->written = true;
}

static void add_change(struct batch *b, struct change *c) {
    struct pack_record r = {.type = (uint8_t)c->type, .facts = buf_slice(&c->facts)};
    if (!c->copy && c->type != LOG_MESSAGE) {
        add_record(b, &r, NULL, NULL);
        return;
    }
    if (c->copy)
        c->stored = stored_find(b->spool, c->id);
    if (c->copy && (!c->stored || c->stored->leaving))
        return; /* settled meanwhile, or about to be: it is left where it is */
    add_message(b, c);
    if (!c->copy)
        return;
    struct pack_record state = {.type = LOG_STATE, .facts = stored_state(c->stored)};
    if (state.facts.len > 0)
        add_record(b, &state, NULL, NULL);
}

/* The last record, filled up to the end of a block. */
static void add_commit(struct batch *b) {
    static const char zeros[SPOOL_BLOCK];
    struct spool *s = b->spool;
    struct log_commit commit = {.sequence = s->sequence,
                                .start = b->start,
                                .last_id = s->last_id,
                                .count = b->count,
                                .sum = b->sum};
    log_commit_encode(&commit, &b->commit_facts);
    struct pack_record r = {.type = LOG_COMMIT, .facts = buf_slice(&b->commit_facts)};
    uint64_t end = b->start + b->len + pack_record_len(&r);
    r.body_len = (SPOOL_BLOCK - end % SPOOL_BLOCK) % SPOOL_BLOCK;
    r.body_crc = crc32c(0, slice_of(zeros, r.body_len));
    add_record(b, &r, zeros, NULL);
}

static void build(struct batch *b) {
    b->segment = b->spool->current;
    b->start = b->segment->file.end;
    struct slice seals = b->start == SPOOL_BLOCK ? buf_slice(&b->spool->seals) : S("");
    for (; seals.len > 0; seals = slice_from(seals, SEAL_LEN)) {
        struct pack_record r = {.type = LOG_SEAL, .facts = slice_first(seals, SEAL_LEN)};
        add_record(b, &r, NULL, NULL);
    }
    LIST_EACH (r, &b->requests, struct request, link)
        for (size_t i = 0; i < r->count; i++)
            add_change(b, &r->changes[i]);
    add_commit(b);
}

/* ------------------------------------------------------------------ writing and its effects */

static int write_and_sync(void *arg) {
    struct batch *b = arg;
    struct pack_file *file = &b->segment->file;
    int error = pack_append_iov(file, (struct iovec *)(void *)b->iov.ptr,
                                (int)(b->iov.len / sizeof(struct iovec)));
    if (error)
        return error;
    error = pack_sync(file);
    if (error)
        file->end = b->start;
    return error;
}

static void apply_message(struct spool *s, struct change *c, struct segment *seg) {
    if (!c->written)
        return;
    struct stored *st = c->stored;
    stored_place(s, st, seg, &c->place, c->record_len);
    if (c->copy) {
        st->message.damaged |= c->lost;
        s->stat.copied += c->record_len;
        return;
    }
    c->cached->stored = st;
    st->cached = c->cached;
    map_put(&s->messages, map_u64(&st->message.id), st);
    c->stored = NULL;
}

static void note_hold(struct spool *s, const struct stored *st, bool before, bool now) {
    if (before != now && s->options.held)
        s->options.held(s->options.held_arg, &st->message, now);
}

static void apply(struct spool *s, struct request *r, struct segment *seg) {
    for (size_t i = 0; i < r->count; i++) {
        struct change *c = &r->changes[i];
        if (c->type == LOG_MESSAGE) {
            apply_message(s, c, seg);
        } else if (c->type == LOG_STATE) {
            bool before = c->stored->message.hold;
            MUST(stored_set_state(c->stored, &c->facts) == 0);
            note_hold(s, c->stored, before, c->stored->message.hold);
        } else {
            note_hold(s, c->stored, c->stored->message.hold, false);
            stored_remove(s, c->stored);
        }
    }
}

static void succeed(struct batch *b, usec_t took) {
    struct spool *s = b->spool;
    if (b->start == SPOOL_BLOCK)
        buf_clear(&s->seals);
    s->sequence++;
    s->stat.commits++;
    s->stat.records += b->count;
    s->stat.written += b->len;
    s->stat.last_sync = took;
    s->stat.worst_sync = MAX(s->stat.worst_sync, took);
    LIST_EACH (r, &b->requests, struct request, link)
        apply(s, r, b->segment);
}

static void batch_done(struct batch *b) {
    arena_done(&b->arena);
    buf_done(&b->iov);
    buf_done(&b->commit_facts);
}

static int write_batch(struct batch *b) WAITS {
    struct spool *s = b->spool;
    build(b);
    usec_t began = fiber_now();
    int error = offload(OFFLOAD_SYNC, write_and_sync, b);
    if (!error)
        succeed(b, fiber_now() - began);
    else if (b->segment->file.failed)
        segment_failed(s, b->segment, error);
    return error;
}

int commit_seals(struct spool *s) {
    _cleanup_(batch_done) struct batch b = {.spool = s};
    list_init(&b.requests);
    return write_batch(&b);
}

static void run_batch(struct spool *s) WAITS {
    _cleanup_(batch_done) struct batch b = {.spool = s};
    list_init(&b.requests);
    gather(s, &b);
    if (list_empty(&b.requests))
        return;
    int error = write_batch(&b);
    struct link *k;
    while ((k = list_pop(&b.requests))) {
        struct request *r = CONTAINER_OF(k, struct request, link);
        r->doubtful = error && b.segment->file.failed;
        finish(s, r, error);
    }
    if (segment_keeper_is_needed(s))
        fiber_cond_wake_all(&s->keeper_wanted);
}

/*
 * Giving way before each commit lets those in whom the last one has just woken, and those whose
 * frames have come meanwhile: from the socket to this list it takes some turns.
 */
void commit_fiber(void *arg) {
    struct spool *s = arg;
    for (;;) {
        if (!list_empty(&s->waiting)) {
            for (unsigned i = 0; i < TURNS_BEFORE; i++)
                (void)fiber_yield();
            run_batch(s);
        } else if (s->finished || fiber_cond_wait(&s->wanted) < 0) {
            return;
        }
    }
}
