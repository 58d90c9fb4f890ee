/* SPDX-License-Identifier: ISC */
/*
 * Bytes go to the file in pieces of STORE_INCOMING_HELD, each a job of a disk thread: what is held
 * and the piece that came with it. The file is delivered as the queue's large messages are: read as
 * a whole when its turn has come, few at a time (append.c).
 */
#include "store/incoming.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/write.h"
#include "store/account.h"

/* ------------------------------------------------------------------ places */

/* A message that waits until others of its account have come. */
struct comer {
    struct link link; /* in account->comers, in order of arrival */
    uint64_t bytes;
    bool in;
    struct fiber_cond called;
};

static bool fits(const struct store_account *a, uint64_t bytes) {
    return a->coming == 0 || a->coming + bytes <= STORE_INCOMING_ACCOUNT;
}

/* Places were given back, or who waited first has gone. */
static void let_in(struct store_account *a) {
    struct link *first;
    while ((first = list_first(&a->comers))) {
        struct comer *next = CONTAINER_OF(first, struct comer, link);
        if (!fits(a, next->bytes))
            return;
        a->coming += next->bytes;
        next->in = true;
        link_remove(&next->link);
        fiber_cond_wake_all(&next->called);
    }
}

/* Who has a place already does not wait for more: two such would wait for each other. */
static int take_place(const struct store_incoming *in, uint64_t bytes, usec_t deadline) WAITS {
    struct store_account *a = in->account;
    bool first = in->announced == 0;
    if (fits(a, bytes) && (!first || list_empty(&a->comers))) {
        a->coming += bytes;
        return 0;
    }
    if (!first)
        return -E_BUSY;
    struct comer c = {.bytes = bytes};
    fiber_cond_init(&c.called);
    list_append(&a->comers, &c.link);
    int r = 0;
    while (r == 0 && !c.in)
        r = fiber_cond_wait_until(&c.called, deadline);
    if (c.in)
        return 0;
    link_remove(&c.link);
    let_in(a);
    return r == -ETIMEDOUT ? -E_BUSY : r;
}

static void give_place(struct store_account *a, uint64_t bytes) {
    a->coming -= bytes;
    let_in(a);
}

/* ------------------------------------------------------------------ announced */

void store_incoming_init(struct store_incoming *in, struct store_account *a) {
    *in = (struct store_incoming){.account = a, .file = -1};
}

static bool within_quota(const struct store_incoming *in, uint64_t bytes, uint64_t quota) {
    uint64_t used = in->account->bytes;
    return quota == 0 || (used <= quota && in->announced + bytes <= quota - used);
}

int store_incoming_announce(struct store_incoming *in, uint64_t bytes, uint64_t quota,
                            usec_t deadline) {
    struct store_account *a = in->account;
    struct store *s = a->store;
    if (bytes > STORE_SIZE_MAX - in->announced || !within_quota(in, bytes, quota))
        return -E_LIMIT;
    int error = take_place(in, bytes, deadline);
    if (error)
        return error;
    s->coming += 2 * bytes; /* the file, and the mailbox */
    error = account_has_room(a, s->coming);
    if (error) {
        s->coming -= 2 * bytes;
        give_place(a, bytes);
        return error;
    }
    in->announced += bytes;
    in->needed += 2 * bytes;
    return 0;
}

/* ------------------------------------------------------------------ bytes */

struct write_job {
    int file;
    uint64_t at;
    struct slice held, piece;
};

static int run_write(void *arg) {
    const struct write_job *j = arg;
    int error = write_exactly(j->file, j->held, j->at);
    return error ? error : write_exactly(j->file, j->piece, j->at + j->held.len);
}

/* All that is held goes to the file, and a piece behind it. */
static int write_out(struct store_incoming *in, struct slice piece) WAITS {
    struct store_account *a = in->account;
    struct store *s = a->store;
    struct write_job j = {
        .at = in->len - in->held.len, .held = buf_slice(&in->held), .piece = piece};
    int error = account_has_room(a, j.held.len + piece.len);
    if (!error && in->file < 0)
        error = a->below->backend->ops->scratch(a->below, &in->file);
    j.file = in->file;
    if (!error)
        error = offload(OFFLOAD_DISK, run_write, &j);
    if (error)
        return error;
    uint64_t kept = MIN(in->needed - MIN(in->needed, in->announced), j.held.len + piece.len);
    in->needed -= kept;
    s->coming -= kept;
    s->stats.incoming -= in->held.len;
    buf_done(&in->held);
    return 0;
}

int store_incoming_add(struct store_incoming *in, struct slice bytes) {
    struct store *s = in->account->store;
    int error = 0;
    if (bytes.len > STORE_SIZE_MAX - in->len)
        return -E_LIMIT;
    if (in->held.len + bytes.len <= STORE_INCOMING_HELD &&
        s->stats.incoming + bytes.len <= STORE_INCOMING_MEMORY) {
        buf_add(&in->held, bytes);
        s->stats.incoming += bytes.len;
    } else {
        error = write_out(in, bytes);
    }
    if (!error)
        in->len += bytes.len;
    return error;
}

/* ------------------------------------------------------------------ the end */

int store_incoming_deliver_all(struct store_incoming *in, struct store_delivery *d, size_t count,
                               struct store_delivered *ret) {
    _cleanup_(free_p) struct slice *parts = mem_array(count, sizeof *parts);
    int error = in->file >= 0 && in->held.len > 0 ? write_out(in, S("")) : 0;
    if (error)
        return error;
    for (size_t i = 0; i < count; i++) {
        if (in->file >= 0) {
            d[i].fd = in->file;
            continue;
        }
        parts[i] = slice_first(slice_from(buf_slice(&in->held), d[i].offset), d[i].len);
        d[i].parts = &parts[i];
        d[i].part_count = 1;
        d[i].len = 0;
    }
    return store_deliver_all(in->account->store, in->account->id, d, count, ret);
}

int store_incoming_deliver(struct store_incoming *in, const struct store_delivery *d,
                           struct store_delivered *ret) {
    struct store_delivery whole = *d;
    whole.offset = 0;
    whole.len = in->len;
    return store_incoming_deliver_all(in, &whole, 1, ret);
}

/* To close it is to delete it, which may take a while. */
static int run_close(void *arg) {
    const int *file = arg;
    return close(*file);
}

void store_incoming_done(struct store_incoming *in) {
    struct store *s = in->account->store;
    if (in->file >= 0)
        (void)offload(OFFLOAD_DISK, run_close, &in->file);
    s->stats.incoming -= in->held.len;
    buf_done(&in->held);
    s->coming -= in->needed;
    give_place(in->account, in->announced);
    store_incoming_init(in, in->account);
}
