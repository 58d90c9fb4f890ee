/* SPDX-License-Identifier: ISC */
/*
 * What mailboxes hold is told to the directory: the numbers of accounts that were used gather for a
 * moment, so that many deliveries are one message. What cannot be sent is kept until it can.
 */
#include <errno.h>

#include "base/alloc.h"
#include "fiber/wait.h"
#include "role/mail/mail_others.h"

#define GATHER    (200 * USEC_MS)
#define TRY_AGAIN USEC_SEC
#define PIECE     500U /* accounts in one message */

void mail_note_used(void *arg, uint64_t account) {
    struct mail *m = ((struct process *)arg)->state;
    if (map_get(&m->used, map_u64(&account)))
        return;
    uint64_t *id = NEW(uint64_t);
    *id = account;
    (void)map_put(&m->used, map_u64(id), id);
    if (m->used.count == 1)
        fiber_cond_wake_all(&m->used_filled);
}

/* The next accounts of a set, with what they hold; those that have gone are left out. */
static int send_piece(struct process *p, const struct map *used, size_t *at, bool *ret_more) WAITS {
    struct mail *m = p->state;
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_usage_in in = {.accounts = arena_array(&a, PIECE, sizeof *in.accounts)};
    struct map_entry *e = NULL;
    while (in.accounts_count < PIECE && (e = map_next(used, at))) {
        uint64_t id = *(const uint64_t *)e->value;
        struct store_usage usage;
        if (store_usage(m->store, id, &usage) == 0)
            in.accounts[in.accounts_count++] =
                (struct account_usage){id, usage.messages, usage.bytes};
    }
    *ret_more = e != NULL;
    return in.accounts_count > 0 ? send_directory_usage(process_link(p, ROLE_DIRECTORY, 0), &in)
                                 : 0;
}

static int tell_all(struct process *p) WAITS {
    struct mail *m = p->state;
    struct map used = m->used;
    struct map_entry *e;
    size_t at = 0;
    bool more = used.count > 0;
    int r = 0;
    m->used = (struct map){0};
    while (r == 0 && more)
        r = send_piece(p, &used, &at, &more);
    for (at = 0; (e = map_next(&used, &at));) {
        if (r < 0)
            mail_note_used(p, *(const uint64_t *)e->value);
        free(e->value);
    }
    map_done(&used);
    return r;
}

int mail_report_usage(struct process *p) {
    struct mail *m = p->state;
    int r = fiber_mutex_lock(&m->telling);
    if (r < 0)
        return r;
    r = tell_all(p);
    fiber_mutex_unlock(&m->telling);
    return r;
}

static void report_usage(void *arg) WAITS {
    struct process *p = arg;
    struct mail *m = p->state;
    int r = 0;
    while (r != -ECANCELED) {
        if (m->used.count + m->shared.count == 0)
            r = fiber_cond_wait(&m->used_filled);
        else if ((r = fiber_sleep(GATHER)) == 0 &&
                 (mail_report_usage(p) < 0 || mail_tell_shared(p) < 0))
            r = fiber_sleep(TRY_AGAIN);
    }
}

int mail_usage_start(struct process *p) {
    return fiber_start("usage", report_usage, p, &((struct mail *)p->state)->reporter);
}

static void free_numbers(struct map *numbers) {
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(numbers, &at));)
        free(e->value);
    map_done(numbers);
}

void mail_usage_stop(struct process *p) {
    struct mail *m = p->state;
    struct fiber *reporter = TAKE_PTR(m->reporter);
    if (reporter) {
        fiber_cancel(reporter);
        fiber_join(reporter);
    }
    (void)mail_report_usage(p);
    (void)mail_tell_shared(p);
    free_numbers(&m->used);
    free_numbers(&m->shared);
}
