/* SPDX-License-Identifier: ISC */
/*
 * An account that has left its source is a removed one, mailbox and all: it is kept and purged like
 * those, and whoever it was may have it again until then.
 */
#include <errno.h>

#include "directory/internal.h"
#include "fiber/wait.h"

#define ROUND_PAGE  100U      /* accounts that are asked for in one go */
#define ROUND_EVERY USEC_HOUR /* from the end of a round to the beginning of the next */

struct elsewhere {
    uint64_t id;
    struct slice address;
    uint32_t shard;
    bool removed; /* it has left before; purged when its time is over, unless it is back */
};

struct page {
    uint64_t after;
    struct elsewhere list[ROUND_PAGE];
    size_t count;
    struct arena *arena;
};

static int page_job(struct db *db, void *arg) {
    struct page *page = arg;
    sqlite3_stmt *row = NULL;
    int r = db_query(db, &row,
                     "SELECT account_id, address, shard, 0 FROM elsewhere WHERE account_id > ?1"
                     " UNION ALL SELECT account_id, address, shard, 1 FROM removed"
                     " WHERE account_id > ?1 AND purging = 0 ORDER BY account_id LIMIT ?2",
                     V(page->after), V(ROUND_PAGE));
    while (r >= 0 && page->count < ROUND_PAGE && (r = db_step(db, row)) == 1)
        page->list[page->count++] =
            (struct elsewhere){db_u64(row, 0), db_copy(row, 1, page->arena),
                               (uint32_t)db_u64(row, 2), db_u64(row, 3) != 0};
    return MIN(r, 0);
}

struct parting {
    struct author author;
    const struct elsewhere *was;
    struct account now; /* id 0: it has left */
    struct arena *arena;
};

/* An account here that has the same number and address stays. */
static int leave(struct db *db, const struct parting *p) {
    const struct elsewhere *was = p->was;
    struct slice domain =
        slice_from(was->address, (size_t)(slice_rfind_byte(was->address, '@') + 1));
    int r =
        db_run(db,
               "INSERT INTO removed (account_id, address, domain, spelled, name, password,"
               " enabled, admin, quota, shard, created, removed, purging)"
               " SELECT ?1, ?2, ?3, ?2, '', '', 1, 0, 0, ?4, 0, ?5, 0"
               " WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = ?1)",
               V(was->id), V_TEXT(was->address), V_TEXT(domain), V(was->shard), V(p->author.wall));
    if (r == 0)
        r = db_run(db, "DELETE FROM elsewhere WHERE account_id = ?1", V(was->id));
    return r < 0 ? r
                 : history_add(db, &p->author, "account.remove", was->address, S(""),
                               arena_printf(p->arena, "number %llu", (unsigned long long)was->id));
}

static int part_job(struct db *db, void *arg) {
    const struct parting *p = arg;
    const struct elsewhere *was = p->was;
    int r = 0;
    if (p->now.id == 0 || !slice_eq(was->address, p->now.address))
        r = former_note(db, was->id, was->address, p->author.wall);
    if (r == 0 && p->now.id > 0)
        r = db_run(db, "UPDATE elsewhere SET address = ?2 WHERE account_id = ?1", V(was->id),
                   V_TEXT(p->now.address));
    return r == 0 && p->now.id == 0 ? leave(db, p) : r;
}

/* One account of the page: still there, under another address, or gone. */
static int look_for(struct directory *d, const struct elsewhere *was, struct arena *a) WAITS {
    struct order order = directory_order_of_source(d, a);
    struct parting p = {.author = author_of(&order), .was = was, .arena = a};
    int r;
    if (was->removed) {
        r = directory_vouch(d, was->id, NULL);
        return r == -E_UNKNOWN || r == -EEXIST ? 0 : r;
    }
    r = d->source->ops->account(d->source, was->id, S(""), a, &p.now, NULL);
    if (r == -E_UNKNOWN)
        p.now.id = 0;
    else if (r < 0 || slice_eq(p.now.address, was->address))
        return r;
    r = directory_run(d, JOB_RECORD, part_job, &p, NULL);
    if (r == 0 && p.now.id == 0)
        directory_forget_sender(d, was->id);
    return r;
}

bool directory_knows_who_left(const struct directory *d) {
    return d->source == &d->local.source ||
           (d->round_at > 0 && fiber_now() < d->round_at + ROUND_EVERY);
}

int directory_look_who_left(struct directory *d) {
    _cleanup_(arena_done) struct arena a = {0};
    struct page *page = ARENA_NEW(&a, struct page);
    if (fiber_now() < d->round_at)
        return 0;
    *page = (struct page){.after = d->round_after, .arena = &a};
    int r = directory_run(d, JOB_READ, page_job, page, NULL);
    for (size_t i = 0; r == 0 && i < page->count; i++) {
        r = look_for(d, &page->list[i], &a);
        if (r == 0)
            d->round_after = page->list[i].id;
    }
    if (r == 0 && page->count < ROUND_PAGE) {
        d->round_after = 0;
        d->round_at = fiber_now() + ROUND_EVERY;
    }
    return r;
}
