/* SPDX-License-Identifier: ISC */
/*
 * The spool's calls. Each change is checked and encoded here, in the caller's fiber, so that what
 * reaches the committer cannot fail for any other reason than the disk. See log.h for the design.
 */
#include "spool/spool.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "spool/log.h"

#define MIB     (1ULL << 20)
#define RESERVE (256 * MIB)

/* ------------------------------------------------------------------ opening, closing */

static struct spool_options with_defaults(const struct spool_options *given) {
    struct spool_options o = *given;
    o.segment_size = o.segment_size ? o.segment_size : 64 * MIB;
    o.segment_size = MAX(o.segment_size, 16ULL * SPOOL_BLOCK) / SPOOL_BLOCK * SPOOL_BLOCK;
    o.reserve = o.reserve ? o.reserve : RESERVE;
    o.batch_size = o.batch_size ? o.batch_size : 4 * MIB;
    o.cache_size = o.cache_size ? o.cache_size : 64 * MIB;
    o.large_threshold = o.large_threshold ? o.large_threshold : MIB / 4;
    o.compact_rate = o.compact_rate ? o.compact_rate : 16 * MIB;
    o.stray_age = o.stray_age ? o.stray_age : 6 * USEC_HOUR;
    o.io = o.io ? o.io : &pack_io_system;
    return o;
}

static struct spool *make(const struct spool_options *options) {
    struct spool *s = NEW(struct spool);
    s->options = with_defaults(options);
    s->dir = s->lock = s->large_dir = s->quarantine_dir = -1;
    s->sequence = s->next_number = 1;
    s->opened = fiber_wall();
    s->free_bytes = UINT64_MAX; /* until the file system was asked */
    list_init(&s->segments);
    list_init(&s->waiting);
    list_init(&s->unused);
    fiber_cond_init(&s->wanted);
    fiber_cond_init(&s->keeper_wanted);
    fiber_mutex_init(&s->spare_lock);
    return s;
}

static void free_messages(struct spool *s) {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&s->messages, &at))) {
        struct stored *st = e->value;
        stored_leave_segment(s, st);
        cached_forget(s, st);
        stored_free(st);
    }
    map_done(&s->messages);
}

static void spool_free(struct spool *s) {
    struct segment *seg;
    free_messages(s);
    while ((seg = segment_oldest(s)))
        segment_free(s, seg);
    if (s->spare.ready)
        pack_file_close(&s->spare.file);
    buf_done(&s->seals);
    buf_done(&s->unlinks);
    close_p(&s->dir);
    close_p(&s->lock);
    close_p(&s->large_dir);
    close_p(&s->quarantine_dir);
    free(s);
}
DEFINE_CLEANUP(struct spool, spool_free)

struct recover_job {
    struct spool *spool;
    struct problem *problem;
};

static int recover_in_thread(void *arg) {
    struct recover_job *job = arg;
    return recover(job->spool, job->problem);
}

/* The first segment of this run, and with it, on the disk, where the old ones end. */
static int begin_log(struct spool *s, struct problem *problem) WAITS {
    segment_release_oldest(s);
    int error = segment_rotate(s);
    if (!error)
        error = commit_seals(s);
    if (error)
        return problem_set(problem, error, "spool: cannot begin a segment: %s", error_text(error));
    return 0;
}

static int start_fibers(struct spool *s) WAITS {
    int error = fiber_start("spool commit", commit_fiber, s, &s->committer);
    if (error)
        return error;
    error = fiber_start("spool keeper", keeper_fiber, s, &s->keeper);
    if (error) {
        s->finished = true;
        fiber_cond_wake_all(&s->wanted);
        fiber_join(s->committer);
    }
    return error;
}

int spool_open(int dir, const struct spool_options *options, struct spool **ret_spool,
               struct problem *problem) {
    _cleanup_(spool_free_p) struct spool *s = make(options);
    s->dir = fcntl(dir, F_DUPFD_CLOEXEC, 3);
    if (s->dir < 0)
        return -errno;
    struct recover_job job = {.spool = s, .problem = problem};
    s->recovering = true;
    int error = offload(OFFLOAD_DISK, recover_in_thread, &job);
    s->recovering = false;
    spool_log_held_back(s);
    if (!error)
        error = spool_refresh_space(s);
    if (!error)
        error = begin_log(s, problem);
    if (!error)
        error = start_fibers(s);
    if (error)
        return error;
    *ret_spool = TAKE_PTR(s);
    return 0;
}

void spool_close(struct spool *s) {
    if (!s)
        return;
    s->closing = true;
    fiber_cond_wake_all(&s->keeper_wanted);
    fiber_join(s->keeper);
    s->finished = true;
    fiber_cond_wake_all(&s->wanted);
    fiber_join(s->committer);
    large_unlink_settled(s);
    spool_free(s);
}

/* ------------------------------------------------------------------ messages */

uint64_t spool_new_id(struct spool *s) {
    s->last_id = MAX(s->last_id + 1, (uint64_t)fiber_wall());
    return s->last_id;
}

struct spool_message *spool_find(struct spool *s, uint64_t id) {
    struct stored *st = stored_find(s, id);
    return st ? &st->message : NULL;
}

int spool_each(struct spool *s, int (*each)(void *arg, struct spool_message *message), void *arg) {
    LIST_EACH (seg, &s->segments, struct segment, link)
        LIST_EACH (st, &seg->messages, struct stored, in_segment) {
            int r = each(arg, &st->message);
            if (r)
                return r;
        }
    return 0;
}

void spool_envelope(const struct spool_message *message, struct arena *a, struct envelope *ret) {
    MUST(envelope_decode(message->envelope, a, ret) == 0);
}

void spool_state(const struct spool_message *message, struct arena *a, struct spool_state *ret) {
    if (message->state.len > 0) {
        MUST(spool_state_decode(message->state, message->recipients, a, ret) == 0);
        return;
    }
    struct spool_recipient_state *all = arena_array(a, message->recipients, sizeof *all);
    for (uint32_t i = 0; i < message->recipients; i++)
        all[i].index = i;
    *ret = (struct spool_state){.recipients = all, .count = message->recipients};
}

/* ------------------------------------------------------------------ changes */

/* The message's bytes in memory: what is written to the log, and kept for its delivery. */
static int take_content(struct spool *s, struct stored *st, const struct spool_content *content,
                        struct spool_cached **ret) WAITS {
    int fd = -1;
    if (content->large) {
        int error = large_settle(s, content->large, &fd, &st->large_len, &st->large_crc);
        if (error)
            return error;
        st->large = st->large_checked = true;
    }
    struct slice bytes = content->large ? S("") : content->bytes;
    struct spool_cached *c = cached_new(s, content->head.len + bytes.len);
    if (content->head.len > 0)
        memcpy(c->bytes, content->head.ptr, content->head.len);
    if (bytes.len > 0)
        memcpy(c->bytes + content->head.len, bytes.ptr, bytes.len);
    c->crc = crc32c(0, slice_of(c->bytes, c->len));
    if (fd >= 0)
        cached_set_file(s, c, fd, st->large_len);
    *ret = c;
    return 0;
}

static int add_message(struct spool *s, struct request *r, uint64_t id,
                       const struct envelope *envelope, const struct spool_content *content) WAITS {
    if (id == 0 || id > INT64_MAX || stored_find(s, id))
        return -EINVAL;
    s->last_id = MAX(s->last_id, id);
    if (content->head.len + content->bytes.len > s->options.segment_size)
        return -E_LIMIT;
    struct change *c = &r->changes[r->count++];
    c->type = LOG_MESSAGE;
    c->id = id;
    c->stored = NEW(struct stored);
    int error = take_content(s, c->stored, content, &c->cached);
    if (error)
        return error;
    _cleanup_(buf_done) struct buf facts = {0};
    buf_add_u64(&facts, id);
    buf_add_u64(&facts, c->stored->large_len);
    buf_add_u32(&facts, c->stored->large_crc);
    error = envelope_encode(envelope, &facts);
    return error ? error : stored_set_message(c->stored, &facts);
}

/* The message that a change is about: one of the spool, or one made earlier in the request. */
static struct stored *subject(struct spool *s, const struct request *r, uint64_t id) {
    struct stored *st = stored_find(s, id);
    for (size_t i = 0; !st && i < r->count; i++)
        if (r->changes[i].type == LOG_MESSAGE && r->changes[i].id == id)
            st = r->changes[i].stored;
    return st && !st->leaving ? st : NULL;
}

static int add_state(struct spool *s, struct request *r, const struct spool_change *change) {
    struct stored *st = subject(s, r, change->id);
    if (!st)
        return -E_UNKNOWN;
    struct change *c = &r->changes[r->count++];
    *c = (struct change){.type = LOG_STATE, .id = change->id, .stored = st};
    buf_add_u64(&c->facts, change->id);
    int error = spool_state_encode(change->state, &c->facts);
    struct spool_state summary;
    if (!error && spool_state_summary(slice_from(buf_slice(&c->facts), LOG_STATE_FIXED),
                                      st->message.recipients, &summary) < 0)
        error = -EINVAL;
    return error;
}

static int add_done(struct spool *s, struct request *r, uint64_t id) {
    struct stored *st = subject(s, r, id);
    if (!st)
        return -E_UNKNOWN;
    struct change *c = &r->changes[r->count++];
    *c = (struct change){.type = LOG_DONE, .id = id, .stored = st};
    buf_add_u64(&c->facts, id);
    st->leaving = true;
    r->settles = true;
    return 0;
}

/* More than a record's facts may be: thousands of recipients with long texts. */
static bool is_too_long(const struct request *r) {
    for (size_t i = 0; i < r->count; i++) {
        const struct change *c = &r->changes[i];
        if (c->facts.len > PACK_FACTS_MAX ||
            (c->type == LOG_MESSAGE && c->stored->facts_len > PACK_FACTS_MAX))
            return true;
    }
    return false;
}

static int submit(struct spool *s, struct request *r, int error, bool *ret_doubtful) WAITS {
    *ret_doubtful = false;
    if (!error && s->closing)
        error = -ECANCELED;
    if (!error && is_too_long(r))
        error = -E_LIMIT;
    if (!error && request_measure(r) > s->options.segment_size / 2)
        error = -E_LIMIT;
    if (!error)
        return commit_submit(s, r, ret_doubtful);
    for (size_t i = 0; i < r->count; i++)
        if (r->changes[i].type == LOG_DONE)
            r->changes[i].stored->leaving = false;
    request_free(s, r);
    return error;
}

void spool_set_reserve(struct spool *s, uint64_t bytes) {
    s->options.reserve = bytes ? bytes : RESERVE;
}

/* Once each way: a disk whose free space goes up and down about the reserve fills no log. */
static void tell_space(struct spool *s) {
    uint64_t reserve = s->options.reserve;
    if (!s->full_told && s->free_bytes < reserve)
        spool_log(
            s, SPOOL_NOTICE_FULL,
            "the disk has %llu MiB free, less than the %llu MiB of disk-reserve: new messages "
            "are refused for now with 452",
            (unsigned long long)(s->free_bytes >> 20), (unsigned long long)(reserve >> 20));
    else if (s->full_told && s->free_bytes >= reserve + reserve / 8)
        spool_log(s, SPOOL_NOTICE_ROOM, "the disk has %llu MiB free again: messages are taken",
                  (unsigned long long)(s->free_bytes >> 20));
    else
        return;
    s->full_told = !s->full_told;
}

bool spool_is_full(struct spool *s, uint64_t size) {
    if (spool_refresh_space(s) == 0)
        tell_space(s);
    return s->free_bytes < s->options.reserve + size;
}

int spool_accept(struct spool *s, uint64_t id, const struct envelope *envelope,
                 const struct spool_content *content, struct spool_message **ret_message) {
    if (spool_is_full(s, content->large ? 0 : content->bytes.len))
        return -ENOSPC;
    struct request *r = request_new(1);
    r->has_message = true;
    bool doubtful;
    int error = submit(s, r, add_message(s, r, id, envelope, content), &doubtful);
    if (content->large)
        large_submitted(content->large, error, doubtful);
    if (error)
        return error;
    *ret_message = spool_find(s, id);
    return 0;
}

static int add_change(struct spool *s, struct request *r, const struct spool_change *change) WAITS {
    switch (change->kind) {
    case SPOOL_STATE:
        return add_state(s, r, change);
    case SPOOL_DONE:
        return add_done(s, r, change->id);
    case SPOOL_MESSAGE:
        return add_message(s, r, change->id, change->envelope, &change->content);
    }
    return -EINVAL;
}

/* Large files first, since taking them in waits: after that nothing may change until it is queued.
 */
int spool_update(struct spool *s, const struct spool_change *changes, size_t count) {
    struct request *r = request_new(count);
    int error = 0;
    for (size_t i = 0; !error && i < count; i++)
        if (changes[i].kind == SPOOL_MESSAGE)
            error = add_change(s, r, &changes[i]);
    for (size_t i = 0; !error && i < count; i++)
        if (changes[i].kind != SPOOL_MESSAGE)
            error = add_change(s, r, &changes[i]);
    bool doubtful;
    error = submit(s, r, error, &doubtful);
    for (size_t i = 0; i < count; i++)
        if (changes[i].kind == SPOOL_MESSAGE && changes[i].content.large)
            large_submitted(changes[i].content.large, error, doubtful);
    return error;
}

void spool_stat(const struct spool *s, struct spool_stat *ret) {
    *ret = s->stat;
    ret->messages = s->messages.count;
    ret->bytes = s->alive;
    ret->log_bytes = s->stat.segments * s->options.segment_size;
    ret->cached = s->cached;
    ret->free_bytes = s->free_bytes;
    ret->full = s->free_bytes < s->options.reserve || s->spare_failed;
}
