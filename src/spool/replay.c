/* SPDX-License-Identifier: ISC */
/*
 * Replaying one segment of the log: heads and facts only.
 *
 * A commit is applied when the next one is seen behind it, or at the sealed end of its segment. The
 * last commit of a segment without seal may have been cut short by the crash, so its bodies are
 * read too, and if anything is amiss it is dropped as a whole: nobody was told that it was done.
 * Anywhere else something amiss is damage: messages are saved from it and a notice is given (I2,
 * I3). So are blocks that the disk cannot read, wherever they are: a crash leaves none.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "spool/log.h"

/* One record of a commit. */
struct op {
    uint8_t type;
    uint16_t flags;
    uint32_t sum;
    struct buf facts;
    struct pack_place place;
    uint64_t to;
};

struct commit {
    struct buf ops; /* struct op */
    bool hole;      /* not all of it is there */
    uint64_t end;
};

struct replay {
    struct spool *spool;
    struct segment *segment;
    struct commit open; /* records since the last COMMIT */
    struct commit held; /* the last finished one */
    uint64_t reached;   /* how far there are records */
};

static struct op *op_at(const struct commit *c, size_t i) {
    return (struct op *)(void *)c->ops.ptr + i;
}

static size_t op_count(const struct commit *c) {
    return c->ops.len / sizeof(struct op);
}

static void commit_clear(struct commit *c) {
    for (size_t i = 0; i < op_count(c); i++)
        buf_done(&op_at(c, i)->facts);
    buf_clear(&c->ops);
    c->hole = false;
    c->end = 0;
}

static void replay_done(struct replay *r) {
    commit_clear(&r->open);
    commit_clear(&r->held);
    buf_done(&r->open.ops);
    buf_done(&r->held.ops);
}

/* ------------------------------------------------------------------ what records do */

static void not_understood(struct replay *r, const struct op *op) {
    r->segment->tainted = true;
    spool_log(r->spool, SPOOL_NOTICE_UNKNOWN,
              "%s: record of type %u at %" PRIu64 " is not understood", r->segment->name, op->type,
              op->place.offset);
}

static void apply_message(struct replay *r, struct op *op) {
    struct spool *s = r->spool;
    struct log_message l;
    if (log_message_decode(buf_slice(&op->facts), &l) < 0) {
        not_understood(r, op);
        return;
    }
    struct stored *st = stored_find(s, l.id);
    if (!st) {
        st = NEW(struct stored);
        MUST(stored_set_message(st, &op->facts) == 0);
        st->large = op->flags & MESSAGE_LARGE;
        map_put(&s->messages, map_u64(&st->message.id), st);
    }
    st->message.damaged = op->flags & MESSAGE_DAMAGED;
    stored_place(s, st, r->segment, &op->place, op->to - op->place.offset);
    s->last_id = MAX(s->last_id, l.id);
}

static void apply_state(struct replay *r, struct op *op) {
    uint64_t id;
    struct slice encoded;
    if (log_state_decode(buf_slice(&op->facts), &id, &encoded) < 0) {
        not_understood(r, op);
        return;
    }
    struct stored *st = stored_find(r->spool, id);
    if (st && stored_set_state(st, &op->facts) < 0)
        not_understood(r, op);
}

static void apply_done(struct replay *r, struct op *op) {
    uint64_t id;
    if (log_done_decode(buf_slice(&op->facts), &id) < 0) {
        not_understood(r, op);
        return;
    }
    struct stored *st = stored_find(r->spool, id);
    if (st)
        stored_remove(r->spool, st);
}

static void apply(struct replay *r, struct op *op) {
    switch (op->type) {
    case LOG_MESSAGE:
        apply_message(r, op);
        break;
    case LOG_STATE:
        apply_state(r, op);
        break;
    case LOG_DONE:
        apply_done(r, op);
        break;
    case LOG_SEAL:
        break;
    default:
        not_understood(r, op);
        break;
    }
}

/* Of a damaged commit: messages, and the state that a copied message has right behind it. */
static void salvage(struct replay *r, struct commit *c) {
    unsigned messages = 0;
    for (size_t i = 0; i < op_count(c); i++) {
        struct op *op = op_at(c, i);
        bool of_message = op->type == LOG_STATE && i > 0 && op[-1].type == LOG_MESSAGE;
        messages += op->type == LOG_MESSAGE;
        if (op->type == LOG_MESSAGE || of_message)
            apply(r, op);
    }
    r->segment->tainted = true;
    spool_log(r->spool, SPOOL_NOTICE_DAMAGE,
              "%s: damaged before %" PRIu64 "; %u messages of that commit were saved",
              r->segment->name, c->end, messages);
}

/* ------------------------------------------------------------------ commits */

/* Applies the held commit: something durable is known to lie behind it. */
static void settle_held(struct replay *r) {
    struct commit *c = &r->held;
    if (c->end == 0)
        return;
    if (c->hole)
        salvage(r, c);
    else
        for (size_t i = 0; i < op_count(c); i++)
            apply(r, op_at(c, i));
    r->segment->file.end = c->end;
    commit_clear(c);
}

/* Records before `start` belong to a commit whose COMMIT is lost. */
static void split(struct replay *r, uint64_t start) {
    struct commit before = {.hole = true, .end = start};
    size_t n = 0;
    while (n < op_count(&r->open) && op_at(&r->open, n)->place.offset < start)
        n++;
    if (n == 0)
        return;
    buf_add_bytes(&before.ops, r->open.ops.ptr, n * sizeof(struct op));
    buf_drop(&r->open.ops, n * sizeof(struct op));
    salvage(r, &before);
    commit_clear(&before);
    buf_done(&before.ops);
}

static void finish_commit(struct replay *r, const struct pack_entry *e) {
    struct spool *s = r->spool;
    struct log_commit mark;
    if (log_commit_decode(e->record.facts, &mark) < 0) {
        r->open.hole = true;
        return;
    }
    settle_held(r);
    split(r, mark.start);
    uint32_t sum = 0;
    for (size_t i = 0; i < op_count(&r->open); i++)
        sum = log_sum(sum, op_at(&r->open, i)->sum);
    r->open.hole = op_count(&r->open) != mark.count || sum != mark.sum;
    r->open.end = e->to;
    s->sequence = MAX(s->sequence, mark.sequence + 1);
    s->last_id = MAX(s->last_id, mark.last_id);
    struct commit spare = r->held;
    r->held = r->open;
    r->open = spare;
}

static void add_op(struct replay *r, const struct pack_entry *e) {
    struct op op = {.type = e->record.type,
                    .flags = e->record.flags,
                    .sum = e->sum,
                    .place = e->place,
                    .to = e->to};
    buf_add(&op.facts, e->record.facts);
    buf_add_bytes(&r->open.ops, &op, sizeof op);
}

/* One that cannot be read at present is taken for whole: who needs it will see. */
static bool bodies_are_whole(const struct replay *r, const struct commit *c) {
    for (size_t i = 0; i < op_count(c); i++) {
        const struct pack_place *place = &op_at(c, i)->place;
        _cleanup_(free_p) char *body = mem_alloc((size_t)place->body_len);
        int error = pack_read_body(r->segment->file.fd, place, 0, body, place->body_len);
        if (error == -E_CORRUPT || error == -E_EOF)
            return false;
    }
    return true;
}

static void report_torn(struct replay *r, const struct commit *c) {
    r->segment->tainted |= c->end != 0;
    spool_log(r->spool, SPOOL_NOTICE_TORN,
              "%s: a commit of %zu records behind %" PRIu64 " was never finished; dropped",
              r->segment->name, op_count(c), r->segment->file.end);
}

static void end_sealed(struct replay *r, uint64_t sealed_end) {
    settle_held(r);
    if (op_count(&r->open) > 0 || r->reached < sealed_end) {
        r->open.hole = true;
        r->open.end = sealed_end;
        salvage(r, &r->open);
    }
    r->segment->file.end = sealed_end;
}

/*
 * The end of a segment that nobody sealed: the last commit may be torn. If it is whole, it may be
 * in memory only: of a process that died before its sync, or after it had failed. What is done from
 * now on builds on it, so it has to be on the disk first (I9).
 */
static void end_unsealed(struct replay *r) {
    const struct pack_file *file = &r->segment->file;
    uint64_t before = file->end;
    if (r->held.end != 0 && (r->held.hole || !bodies_are_whole(r, &r->held)))
        report_torn(r, &r->held);
    else
        settle_held(r);
    if (op_count(&r->open) > 0)
        report_torn(r, &r->open);
    int error = file->end > before ? pack_rewrite(file->fd, before, file->end, file->io) : 0;
    if (error)
        segment_failed(r->spool, r->segment, error);
}

int replay_refuse(const struct segment *seg, const struct pack_entry *e, struct problem *problem) {
    return problem_set(problem, -EIO,
                       "spool: %s: the disk does not give bytes %" PRIu64 " to %" PRIu64
                       "; the queue begins when it does, or without the messages in that file once"
                       " it has been moved into quarantine/",
                       seg->name, e->from, e->to);
}

int replay_segment(struct spool *s, struct segment *seg, bool sealed, uint64_t end,
                   struct problem *problem) {
    _cleanup_(replay_done) struct replay r = {.spool = s, .segment = seg, .reached = SPOOL_BLOCK};
    _cleanup_(pack_reader_done) struct pack_reader reader = {
        .fd = seg->file.fd, .generation = seg->file.head.generation, .at = SPOOL_BLOCK, .to = end};
    struct pack_entry e;
    int found;
    while ((found = pack_next(&reader, &e)) > 0) {
        if (found == PACK_DAMAGE && e.unreadable)
            return replay_refuse(seg, &e, problem);
        if (found == PACK_RECORD && e.record.type == LOG_COMMIT)
            finish_commit(&r, &e);
        else if (found == PACK_RECORD)
            add_op(&r, &e);
        r.reached = e.to;
    }
    if (found < 0)
        return found;
    if (sealed)
        end_sealed(&r, end);
    else
        end_unsealed(&r);
    return 0;
}
