/* SPDX-License-Identifier: ISC */
/*
 * How many messages and bytes the mailboxes of each account hold. The mail processes know; the
 * directory keeps the newest numbers in its own file, so that ten thousand accounts are listed
 * without opening ten thousand mailboxes, and while nobody runs too. Like last logins, numbers
 * gather in memory and are written together: they may be a minute old after a crash, until the
 * account is used next. In memory they stay, about 100 bytes for each account that was used, for
 * those who ask at RCPT whether there is room.
 */
#include <errno.h>

#include "base/alloc.h"
#include "directory/internal.h"

#define WRITE_AFTER  USEC_MIN
#define ACCOUNTS_MAX (1U << 20) /* more are not known, whatever a mail process says */
#define PENDING_MAX  16384U     /* then they are written before a minute is over */

struct usage {
    uint64_t account, messages, bytes;
    struct usage *next; /* among those that are not written yet */
    bool pending;
};

uint64_t directory_used(const struct directory *d, uint64_t id, uint64_t stored) {
    const struct usage *u = map_get(&d->usage, map_u64(&id));
    return u ? u->bytes : stored;
}

void directory_usage_done(struct directory *d) {
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(&d->usage, &at));)
        free(e->value);
    map_done(&d->usage);
}

static void pend(struct directory *d, struct usage *u) {
    if (u->pending)
        return;
    if (d->usage_pending_count++ == 0)
        d->usage_since = fiber_now();
    u->next = d->usage_pending;
    d->usage_pending = u;
    u->pending = true;
}

void directory_note_usage(struct directory *d, uint64_t id, uint64_t messages, uint64_t bytes) {
    struct usage *u = map_get(&d->usage, map_u64(&id));
    if (!u && d->usage.count >= ACCOUNTS_MAX)
        return;
    if (!u) {
        u = NEW(struct usage);
        u->account = id;
        (void)map_put(&d->usage, map_u64(&u->account), u);
    }
    u->messages = messages;
    u->bytes = bytes;
    pend(d, u);
}

/* What one job writes: a copy, for newer numbers may come while it is under way. */
struct batch {
    struct usage *list;
    size_t count;
};

static int write_job(struct db *db, void *arg) {
    const struct batch *batch = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < batch->count; i++) {
        const struct usage *u = &batch->list[i];
        r = db_run(db,
                   "INSERT INTO usage (account_id, messages, bytes) SELECT ?1, ?2, ?3"
                   " WHERE " SOMEBODY_HAS_1 " ON CONFLICT (account_id) DO UPDATE"
                   " SET messages = excluded.messages, bytes = excluded.bytes",
                   V(u->account), V(u->messages), V(u->bytes));
    }
    return r;
}

static struct batch take(struct directory *d) {
    struct batch batch = {.list = mem_array(d->usage_pending_count, sizeof *batch.list)};
    for (struct usage *u = d->usage_pending; u; u = u->next) {
        u->pending = false;
        batch.list[batch.count++] = *u;
    }
    d->usage_pending = NULL;
    d->usage_pending_count = 0;
    return batch;
}

int directory_flush_usage(struct directory *d) {
    if (d->usage_pending_count == 0 || d->read_only)
        return 0;
    struct batch batch = take(d);
    int r = 0;
    for (size_t i = 0; r == 0 && i < batch.count; i++) {
        r = directory_vouch(d, batch.list[i].account, NULL);
        if (r == -E_UNKNOWN || r == -EEXIST || r == -E_LIMIT)
            r = 0;
    }
    if (r == 0)
        r = directory_run(d, JOB_RECORD, write_job, &batch, NULL);
    /* what could not be written is pending again, with the numbers that are newest now */
    for (size_t i = 0; r < 0 && i < batch.count; i++)
        pend(d, map_get(&d->usage, map_u64(&batch.list[i].account)));
    free(batch.list);
    return r;
}

void directory_write_usage(struct directory *d) {
    if (d->usage_pending_count >= PENDING_MAX || fiber_now() - d->usage_since >= WRITE_AFTER)
        (void)directory_flush_usage(d);
}

/* ------------------------------------------------------------------ accounts without numbers */

struct unknown {
    uint64_t after;
    struct account_place *list;
    size_t count, max;
};

static int unknown_job(struct db *db, void *arg) {
    struct unknown *u = arg;
    sqlite3_stmt *row = NULL;
    int r = db_query(db, &row,
                     "SELECT account_id, shard FROM (SELECT account_id, shard FROM account UNION"
                     " SELECT account_id, shard FROM elsewhere) a WHERE account_id > ?1"
                     " AND NOT EXISTS (SELECT 1 FROM usage u WHERE u.account_id = a.account_id)"
                     " ORDER BY account_id LIMIT ?2",
                     V(u->after), V(u->max));
    while (r >= 0 && u->count < u->max && (r = db_step(db, row)) == 1)
        u->list[u->count++] = (struct account_place){db_u64(row, 0), (uint32_t)db_u64(row, 1)};
    return MIN(r, 0);
}

int directory_unknown_usage(struct directory *d, uint64_t after, struct account_place *list,
                            size_t max, size_t *ret_count, struct problem *problem) {
    struct unknown u = {.after = after, .list = list, .max = max};
    int r = directory_run(d, JOB_READ, unknown_job, &u, problem);
    if (r == 0)
        *ret_count = u.count;
    return r;
}

/* ------------------------------------------------------------------ all together */

static int total_job(struct db *db, void *arg) {
    struct account_usage *total = arg;
    sqlite3_stmt *row = NULL;
    int r = db_query(db, &row,
                     "SELECT coalesce(sum(messages), 0), coalesce(sum(bytes), 0) FROM usage u"
                     " WHERE EXISTS (SELECT 1 FROM account a WHERE a.account_id = u.account_id)"
                     " OR EXISTS (SELECT 1 FROM elsewhere e WHERE e.account_id = u.account_id)");
    if (r >= 0 && (r = db_step(db, row)) == 1) {
        total->messages = db_u64(row, 0);
        total->bytes = db_u64(row, 1);
    }
    return MIN(r, 0);
}

int directory_total_usage(struct directory *d, struct account_usage *ret, struct problem *problem) {
    *ret = (struct account_usage){0};
    int r = directory_flush_usage(d);
    return r < 0 ? r : directory_run(d, JOB_READ, total_job, ret, problem);
}
