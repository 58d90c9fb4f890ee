/* SPDX-License-Identifier: ISC */
/*
 * The facts of the log's records, and what they do to the messages in memory.
 */
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "spool/log.h"

/* ------------------------------------------------------------------ facts */

int log_message_decode(struct slice facts, struct log_message *ret) {
    struct reader r = {.rest = facts};
    struct log_message l = {.id = read_u64(&r)};
    l.large_len = read_u64(&r);
    l.large_crc = read_u32(&r);
    struct envelope e;
    l.envelope = r.rest;
    if (r.bad || l.id == 0 || envelope_summary(l.envelope, &e) < 0)
        return -E_SYNTAX;
    l.arrival = e.arrival;
    l.recipients = (uint32_t)e.count;
    *ret = l;
    return 0;
}

int log_state_decode(struct slice facts, uint64_t *ret_id, struct slice *ret_state) {
    struct reader r = {.rest = facts};
    uint64_t id = read_u64(&r);
    if (r.bad || id == 0)
        return -E_SYNTAX;
    *ret_id = id;
    *ret_state = r.rest;
    return 0;
}

int log_done_decode(struct slice facts, uint64_t *ret_id) {
    struct reader r = {.rest = facts};
    uint64_t id = read_u64(&r);
    if (r.bad || id == 0)
        return -E_SYNTAX;
    *ret_id = id;
    return 0;
}

int log_seal_decode(struct slice facts, struct log_seal *ret) {
    struct reader r = {.rest = facts};
    struct log_seal seal = {.number = read_u64(&r)};
    seal.end = read_u64(&r);
    if (r.bad)
        return -E_SYNTAX;
    *ret = seal;
    return 0;
}

void log_seal_encode(const struct log_seal *seal, struct buf *to) {
    buf_add_u64(to, seal->number);
    buf_add_u64(to, seal->end);
}

int log_commit_decode(struct slice facts, struct log_commit *ret) {
    struct reader r = {.rest = facts};
    struct log_commit c = {.sequence = read_u64(&r)};
    c.start = read_u64(&r);
    c.last_id = read_u64(&r);
    c.count = read_u32(&r);
    c.sum = read_u32(&r);
    if (r.bad)
        return -E_SYNTAX;
    *ret = c;
    return 0;
}

void log_commit_encode(const struct log_commit *commit, struct buf *to) {
    buf_add_u64(to, commit->sequence);
    buf_add_u64(to, commit->start);
    buf_add_u64(to, commit->last_id);
    buf_add_u32(to, commit->count);
    buf_add_u32(to, commit->sum);
}

uint32_t log_sum(uint32_t sum, uint32_t record_sum) {
    char bytes[4];
    put_u32(bytes, record_sum);
    return crc32c(sum, slice_of(bytes, sizeof bytes));
}

/* ------------------------------------------------------------------ messages */

struct stored *stored_find(struct spool *s, uint64_t id) {
    return map_get(&s->messages, map_u64(&id));
}

void stored_free(struct stored *st) {
    if (!st)
        return;
    free(st->facts);
    free(st->state);
    free(st);
}

/* The bytes at their exact size: there may be a hundred thousand of them. */
static void take_exactly(struct buf *from, char **bytes, uint32_t *len) {
    MUST(from->len <= UINT32_MAX);
    free(*bytes);
    *bytes = mem_copy(from->ptr, from->len);
    *len = (uint32_t)from->len;
    buf_done(from);
    *from = (struct buf){0};
}

int stored_set_message(struct stored *st, struct buf *facts) {
    struct log_message l;
    int error = log_message_decode(buf_slice(facts), &l);
    if (error)
        return error;
    take_exactly(facts, &st->facts, &st->facts_len);
    st->message.id = l.id;
    st->message.arrival = l.arrival;
    st->message.recipients = l.recipients;
    st->message.envelope = slice_from(stored_facts(st), LOG_MESSAGE_FIXED);
    st->large_len = l.large_len;
    st->large_crc = l.large_crc;
    if (!st->state)
        st->message.left = l.recipients;
    return 0;
}

int stored_set_state(struct stored *st, struct buf *facts) {
    uint64_t id;
    struct slice encoded;
    struct spool_state summary;
    int error = log_state_decode(buf_slice(facts), &id, &encoded);
    if (!error)
        error = spool_state_summary(encoded, st->message.recipients, &summary);
    if (error)
        return error;
    take_exactly(facts, &st->state, &st->state_len);
    st->message.state = slice_from(stored_state(st), LOG_STATE_FIXED);
    st->message.hold = summary.hold;
    st->message.next = summary.next;
    st->message.left = (uint32_t)summary.count;
    return 0;
}

void stored_leave_segment(struct spool *s, struct stored *st) {
    if (!st->segment)
        return;
    link_remove(&st->in_segment);
    st->segment->alive -= st->record_len;
    s->alive -= st->record_len;
    st->segment = NULL;
}

void stored_place(struct spool *s, struct stored *st, struct segment *seg,
                  const struct pack_place *place, uint64_t record_len) {
    stored_leave_segment(s, st);
    st->segment = seg;
    st->place = *place;
    st->record_len = record_len;
    st->message.size = place->body_len + st->large_len;
    list_append(&seg->messages, &st->in_segment);
    seg->alive += record_len;
    s->alive += record_len;
}

void stored_remove(struct spool *s, struct stored *st) {
    if (st->large)
        buf_add_u64(&s->unlinks, st->message.id);
    map_remove(&s->messages, map_u64(&st->message.id));
    stored_leave_segment(s, st);
    cached_forget(s, st);
    stored_free(st);
}
