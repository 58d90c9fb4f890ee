/* SPDX-License-Identifier: ISC */
/*
 * Reading what directory.db keeps of an account by its number, whichever source it has: what its
 * mailboxes hold (usage.c writes it), its last login (seen.c).
 */
#include "directory/internal.h"

int kept_fill(struct db *db, struct account *account) {
    sqlite3_stmt *row = NULL;
    int r =
        db_row(db, &row, "SELECT messages, bytes FROM usage WHERE account_id = ?1", V(account->id));
    account->has_usage = r == 1;
    account->messages = r == 1 ? db_u64(row, 0) : 0;
    account->bytes = r == 1 ? db_u64(row, 1) : 0;
    db_reset(&row);
    account->last_login = 0;
    if (r >= 0)
        r = db_number(db, &account->last_login, "SELECT wall FROM login WHERE account_id = ?1",
                      V(account->id));
    return MIN(r, 0);
}

struct filling {
    struct account *list;
    size_t count;
};

static int fill_job(struct db *db, void *arg) {
    const struct filling *f = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < f->count; i++)
        r = kept_fill(db, &f->list[i]);
    return r;
}

int directory_fill_kept(struct directory *d, struct account *list, size_t count,
                        struct problem *problem) {
    for (size_t i = 0; i < count; i++)
        list[i].shard = directory_shard(d, list[i].id);
    return directory_run(d, JOB_READ, fill_job, &(struct filling){list, count}, problem);
}

struct learning {
    struct slice address;
    struct facts *facts;
};

static int learn_job(struct db *db, void *arg) {
    const struct learning *l = arg;
    int64_t replaced = 0;
    int r = db_number(db, (int64_t *)&l->facts->used,
                      "SELECT bytes FROM usage WHERE account_id = ?1", V(l->facts->account_id));
    if (r >= 0)
        r = db_number(db, &replaced,
                      "SELECT coalesce(max(removed), 0) FROM former_owner"
                      " WHERE address = ?1 AND account_id <> ?2",
                      V_TEXT(l->address), V(l->facts->account_id));
    l->facts->replaced = MAX(l->facts->replaced, replaced);
    return MIN(r, 0);
}

int directory_learn_kept(struct directory *d, struct slice address, struct facts *facts,
                         struct problem *problem) {
    int r = directory_vouch(d, facts->account_id, problem);
    return r < 0
               ? r
               : directory_run(d, JOB_READ, learn_job, &(struct learning){address, facts}, problem);
}
