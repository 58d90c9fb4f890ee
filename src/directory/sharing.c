/* SPDX-License-Identifier: ISC */
#include "directory/sharing.h"

#include <errno.h>

#include "directory/internal.h"

#define ANYONE "anyone"

/* ------------------------------------------------------------------ what is told */

struct telling {
    uint64_t account;
    const struct slice *identifiers;
    size_t count;
};

static int count_same_job(struct db *db, void *arg) {
    const struct telling *t = arg;
    sqlite3_stmt *row = NULL;
    int r = db_row(db, &row, "SELECT count(*) FROM sharing WHERE account_id = ?1", V(t->account));
    size_t same = r == 1 ? (size_t)db_u64(row, 0) : 0;
    for (size_t i = 0; r >= 0 && same == t->count && i < t->count; i++) {
        db_reset(&row);
        r = db_row(db, &row, "SELECT 1 FROM sharing WHERE account_id = ?1 AND identifier = ?2",
                   V(t->account), V_TEXT(t->identifiers[i]));
        if (r == 0)
            return 0;
    }
    return r < 0 ? r : same == t->count;
}

static int write_job(struct db *db, void *arg) {
    const struct telling *t = arg;
    int r = db_run(db, "DELETE FROM sharing WHERE account_id = ?1", V(t->account));
    for (size_t i = 0; r == 0 && i < t->count; i++)
        r = db_run(db,
                   "INSERT INTO sharing (account_id, identifier) SELECT ?1, ?2"
                   " WHERE " SOMEBODY_HAS_1 " ON CONFLICT DO NOTHING",
                   V(t->account), V_TEXT(t->identifiers[i]));
    return r;
}

int directory_set_shares(struct directory *d, uint64_t account, const struct slice *identifiers,
                         size_t count, struct problem *problem) {
    struct telling t = {account, identifiers, MIN(count, (size_t)DIRECTORY_SHARES_MAX)};
    int r = directory_vouch(d, account, NULL);
    if (r == -E_UNKNOWN || r == -EEXIST || r == -E_LIMIT)
        return 0;
    if (r == 0)
        r = directory_run(d, JOB_READ, count_same_job, &t, problem);
    return r == 0 ? directory_run(d, JOB_RECORD, write_job, &t, problem) : MIN(r, 0);
}

/* ------------------------------------------------------------------ what is asked */

struct asking {
    struct slice user;
    uint64_t account;
    uint64_t *list;
    size_t count;
};

static int shares_job(struct db *db, void *arg) {
    const struct asking *q = arg;
    sqlite3_stmt *row = NULL;
    return db_row(db, &row,
                  "SELECT 1 FROM sharing WHERE account_id = ?1 AND identifier IN (?2, '" ANYONE
                  "') LIMIT 1",
                  V(q->account), V_TEXT(q->user));
}

int directory_find_owner(struct directory *d, struct slice user, struct slice address,
                         struct arena *a, struct share_owner *ret, struct problem *problem) {
    struct facts facts = {0};
    struct name name;
    *ret = (struct share_owner){0};
    int r = 0;
    if (name_parse(a, address, &name, NULL) == 0)
        r = directory_lookup(d, name.text, a, &facts, problem);
    struct asking q = {.user = user, .account = facts.enabled ? facts.account_id : 0};
    if (r == 0)
        r = directory_run(d, JOB_READ, shares_job, &q, problem);
    if (r == 1 && !slice_eq(name.text, user))
        *ret = (struct share_owner){
            .account = facts.account_id,
            .shard = directory_shard(d, facts.account_id),
            .quota = facts.quota,
            .address = name.text,
        };
    return MIN(r, 0);
}

static int owners_job(struct db *db, void *arg) {
    struct asking *q = arg;
    sqlite3_stmt *row = NULL;
    int r = db_query(db, &row,
                     "SELECT DISTINCT account_id FROM sharing WHERE identifier IN (?1, '" ANYONE
                     "') ORDER BY account_id LIMIT ?2",
                     V_TEXT(q->user), V((uint64_t)DIRECTORY_OWNERS_MAX));
    while (r >= 0 && q->count < DIRECTORY_OWNERS_MAX && (r = db_step(db, row)) == 1)
        q->list[q->count++] = db_u64(row, 0);
    return MIN(r, 0);
}

int directory_owners(struct directory *d, struct slice user, struct arena *a, struct slice **ret,
                     size_t *ret_count, struct problem *problem) {
    struct asking q = {.user = user, .list = arena_array(a, DIRECTORY_OWNERS_MAX, sizeof *q.list)};
    struct slice *list;
    size_t count = 0;
    int r = directory_run(d, JOB_READ, owners_job, &q, problem);
    list = arena_array(a, q.count, sizeof *list);
    for (size_t i = 0; r == 0 && i < q.count; i++) {
        struct account account = {0};
        r = d->source->ops->account(d->source, q.list[i], S(""), a, &account, problem);
        if (r == 0 && account.enabled && !slice_eq(account.address, user))
            list[count++] = account.address;
        if (r == -E_UNKNOWN) /* it was removed */
            r = 0;
    }
    *ret = list;
    *ret_count = count;
    return r;
}

struct counting {
    struct slice address;
    int64_t count;
};

static int count_job(struct db *db, void *arg) {
    struct counting *c = arg;
    return db_number(db, &c->count, "SELECT count(*) FROM sharing WHERE identifier = ?1",
                     V_TEXT(c->address));
}

int directory_sharers_with(struct directory *d, struct slice address, uint64_t *ret,
                           struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct name name;
    int r = name_parse(&a, address, &name, problem);
    struct counting c = {.address = r == 0 ? name.text : S("")};
    if (r == 0)
        r = directory_run(d, JOB_READ, count_job, &c, problem);
    *ret = (uint64_t)c.count;
    return MIN(r, 0);
}
