/* SPDX-License-Identifier: ISC */
/*
 * Whose numbers are which. The server keeps things by the number of an account (usage.c, seen.c,
 * limits.c, the mailboxes themselves), and only of numbers that somebody has: an account here, a
 * removed one, or one of another source. Those of another source stand in the table "elsewhere",
 * from when on they are first asked for. As long as anything is kept of a number it is nobody
 * else's, and this host itself never gives one that another source has had.
 */
#include <errno.h>

#include "base/words.h"
#include "directory/internal.h"

struct entering {
    const struct directory *d;
    struct author author;
    struct account account;
    struct arena *arena;
};

static int is_entered_job(struct db *db, void *arg) {
    int64_t one = 0;
    return db_number(db, &one, "SELECT 1 FROM elsewhere WHERE account_id = ?1",
                     V(*(const uint64_t *)arg));
}

/* Whoever had the number here has it still, or it stays his. */
static int must_be_his(struct db *db, const struct entering *e, bool *ret_removed) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    const struct account *account = &e->account;
    int r = db_row(db, &row,
                   "SELECT address, 0, 0 FROM account WHERE account_id = ?1 UNION ALL"
                   " SELECT address, 1, purging FROM removed WHERE account_id = ?1",
                   V(account->id));
    if (r <= 0)
        return r;
    *ret_removed = db_u64(row, 1) != 0;
    if (db_u64(row, 2) != 0)
        return problem_set(db->problem, -E_TEMPORARY,
                           N_("the mailbox of account %llu is being purged"),
                           (unsigned long long)account->id);
    struct slice owner = db_bytes(row, 0);
    if (slice_eq(owner, account->address))
        return 0;
    return problem_set(db->problem, -EEXIST,
                       N_("%s gives %.*s the number %llu, which is that of %.*s here; give the"
                          " account another number there, or purge the old one here"),
                       e->d->source->ops->name, SLICE_ARG(account->address),
                       (unsigned long long)account->id, SLICE_ARG(owner));
}

static int enter_job(struct db *db, void *arg) {
    struct entering *e = arg;
    const struct account *account = &e->account;
    bool removed = false;
    int r = must_be_his(db, e, &removed);
    if (r == 0 && removed)
        r = db_run(db, "DELETE FROM removed WHERE account_id = ?1", V(account->id));
    if (r == 0 && removed)
        r = history_add(db, &e->author, "account.restore", account->address, S(""), S(""));
    if (r == 0) /* who had the address until now */
        r = db_run(db,
                   "INSERT INTO former_owner (address, account_id, removed)"
                   " SELECT address, account_id, ?3 FROM elsewhere"
                   " WHERE address = ?2 AND account_id <> ?1 ON CONFLICT DO NOTHING",
                   V(account->id), V_TEXT(account->address), V(e->author.wall));
    if (r == 0)
        r = db_run(db,
                   "INSERT INTO elsewhere (account_id, address, shard) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (account_id) DO NOTHING",
                   V(account->id), V_TEXT(account->address), V(directory_shard(e->d, account->id)));
    if (r == 0)
        r = db_run(db, "UPDATE counter SET value = ?1 WHERE name = 'account_id' AND value < ?1",
                   V(account->id));
    return r;
}

struct order directory_order_of_source(const struct directory *d, struct arena *a) {
    return (struct order){.by = arena_printf(a, "hayauma (%s)", d->source->ops->name)};
}

int directory_vouch(struct directory *d, uint64_t id, struct problem *problem) {
    if (d->source == &d->local.source || d->read_only)
        return 0;
    int r = directory_run(d, JOB_READ, is_entered_job, &id, problem);
    if (r != 0)
        return MIN(r, 0);
    if (id > ACCOUNT_NUMBER_MAX)
        return problem_set(problem, -E_LIMIT,
                           N_("%s has an account with the number %llu; the largest can be %llu"),
                           d->source->ops->name, (unsigned long long)id, ACCOUNT_NUMBER_MAX);
    _cleanup_(arena_done) struct arena a = {0};
    struct order order = directory_order_of_source(d, &a);
    struct entering e = {.d = d, .author = author_of(&order), .arena = &a};
    r = d->source->ops->account(d->source, id, S(""), &a, &e.account, problem);
    e.account.id = id;
    return r < 0 ? r : directory_run(d, JOB_RECORD, enter_job, &e, problem);
}
