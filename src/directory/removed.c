/* SPDX-License-Identifier: ISC */
/*
 * Accounts that were removed. Their rows stand in a table of their own, so that nothing that looks
 * for an account finds one, and their address is free. What else was theirs goes with the row:
 * places in aliases, and the alias on their own address, which decided where their mail went.
 */
#include <errno.h>

#include "base/words.h"

#include "directory/account.h"
#include "directory/internal.h"
#include "directory/records.h"

#define REMOVED_COLUMNS ACCOUNT_COLUMNS ", removed, purging"
#define ROW                                                                                        \
    "account_id, address, domain, spelled, name, password, apop, enabled, admin, quota, shard,"    \
    " created"

/* ------------------------------------------------------------------ removing */

struct removal {
    struct slice address;
    struct author author;
    struct arena *arena;
    uint64_t id;
};

/* The row moves, and the names that lead to it. */
static int move_away(struct db *db, const struct removal *m) {
    int r = db_run(db,
                   "INSERT INTO removed (" ROW ", removed, purging)"
                   " SELECT " ROW ", ?2, 0 FROM account WHERE account_id = ?1",
                   V(m->id), V(m->author.wall));
    if (r == 0)
        r = db_run(db,
                   "INSERT INTO removed_alias (account_id, place, address, target)"
                   " SELECT ?1, place, address, target FROM alias_target"
                   " WHERE address = ?2 OR target = ?2",
                   V(m->id), V_TEXT(m->address));
    if (r == 0)
        r = db_run(db, "DELETE FROM alias_target WHERE address = ?1 OR target = ?1",
                   V_TEXT(m->address));
    if (r == 0)
        r = db_run(db, "DELETE FROM account WHERE account_id = ?1", V(m->id));
    if (r == 0) /* if another source has it, too, that is asked before it is purged (left.c) */
        r = db_run(db, "DELETE FROM elsewhere WHERE account_id = ?1", V(m->id));
    if (r == 0)
        r = former_note(db, m->id, m->address, m->author.wall);
    return r;
}

static int remove_job(struct db *db, void *arg) {
    struct removal *m = arg;
    int r = record_must_have_account(db, m->address, &m->id);
    if (r == 0)
        r = record_must_be_unneeded(db, m->address, m->arena);
    if (r == 0 && !m->author.order->force)
        r = record_must_leave_admin(db, m->id, m->address);
    if (r == 0)
        r = move_away(db, m);
    return r < 0 ? r
                 : history_add(db, &m->author, "account.remove", m->address, S(""),
                               arena_printf(m->arena, "number %llu", (unsigned long long)m->id));
}

int directory_account_remove(struct directory *d, const struct order *order, struct slice address,
                             uint64_t *ret_id, struct problem *problem) {
    struct name name;
    _cleanup_(arena_done) struct arena a = {0};
    int r = name_parse(&a, address, &name, problem);
    if (r < 0)
        return r;
    (void)directory_write_logins(d);
    struct removal m = {.address = name.text, .author = author_of(order), .arena = &a};
    r = directory_run(d, JOB_WRITE, remove_job, &m, problem);
    if (r < 0)
        return r;
    remembered_drop(d->remembered, m.id);
    *ret_id = m.id;
    return 0;
}

/* ------------------------------------------------------------------ finding one */

static struct account read_removed(const struct directory *d, sqlite3_stmt *row, struct arena *a) {
    struct account account = account_read(row, a);
    account.removed = db_i64(row, ACCOUNT_COLUMN_COUNT);
    account.purging = db_u64(row, ACCOUNT_COLUMN_COUNT + 1) != 0;
    account.kept_until = d->removed_keep > 0 ? account.removed + d->removed_keep : 0;
    return account;
}

/* One removed account, known by its number or by its address. */
struct chosen {
    struct directory *d;
    struct slice which, address; /* as given; canonical, empty when it is a number */
    uint64_t id;
    struct author author;
    struct arena *arena;
    struct account account;
};

static int choose(struct directory *d, const struct order *order, struct slice which,
                  struct arena *a, struct chosen *ret, struct problem *problem) {
    struct name name = {0};
    *ret = (struct chosen){.d = d, .which = which, .author = author_of(order), .arena = a};
    if (slice_to_u64(which, INT64_MAX, &ret->id) == 0)
        return 0;
    int r = name_parse(a, which, &name, problem);
    ret->address = name.text;
    return r;
}

static int not_removed(struct db *db, const struct chosen *c) {
    uint64_t id = 0;
    int r = record_account(db, c->address, &id);
    if (r < 0)
        return r;
    if (id > 0)
        return problem_set(db->problem, -E_REFUSED,
                           N_("the account %.*s is in use; remove it first"),
                           SLICE_ARG(c->address));
    return problem_set(db->problem, -E_UNKNOWN,
                       N_("there is no removed account %.*s; `hayauma account list --removed` lists"
                          " those there are"),
                       SLICE_ARG(c->which));
}

static int find(struct db *db, struct chosen *c) {
    sqlite3_stmt *row = NULL;
    int64_t count = 0;
    int r = db_number(db, &count, "SELECT count(*) FROM removed WHERE address = ?1",
                      V_TEXT(c->address.ptr ? c->address : S("")));
    if (r < 0)
        return r;
    if (count > 1)
        return problem_set(db->problem, -E_REFUSED,
                           N_("%lld removed accounts had the address %.*s; say its number, which"
                              " `hayauma account list --removed` shows"),
                           (long long)count, SLICE_ARG(c->address));
    r = db_row(db, &row,
               "SELECT " REMOVED_COLUMNS " FROM removed WHERE account_id = ?1 OR address = ?2",
               V(c->id), V_TEXT(c->address.ptr ? c->address : S("")));
    if (r == 0)
        return not_removed(db, c);
    if (r == 1)
        c->account = read_removed(c->d, row, c->arena);
    db_reset(&row);
    return r < 0 ? r : kept_fill(db, &c->account);
}

/* ------------------------------------------------------------------ bringing back */

struct restoring {
    struct chosen chosen;
    struct name name; /* its address from now on */
};

/* Back into the aliases that still are there; the one on its own address comes back as it was. */
static int restore_aliases(struct db *db, const struct restoring *s) {
    struct slice old = s->chosen.account.address, address = s->name.text;
    int r = db_run(db,
                   "INSERT INTO alias_target (address, place, domain, target)"
                   " SELECT ?3, place, ?4, CASE WHEN target = ?2 THEN ?3 ELSE target END"
                   " FROM removed_alias WHERE account_id = ?1 AND address = ?2",
                   V(s->chosen.account.id), V_TEXT(old), V_TEXT(address), V_TEXT(s->name.domain));
    if (r == 0)
        r = db_run(db,
                   "INSERT INTO alias_target (address, place, domain, target)"
                   " SELECT r.address, (SELECT max(t.place) + 1 FROM alias_target t"
                   "  WHERE t.address = r.address), (SELECT min(t.domain) FROM alias_target t"
                   "  WHERE t.address = r.address), ?3"
                   " FROM removed_alias r WHERE r.account_id = ?1 AND r.address <> ?2"
                   " AND EXISTS (SELECT 1 FROM alias_target t WHERE t.address = r.address)"
                   " AND NOT EXISTS (SELECT 1 FROM alias_target t WHERE t.address = r.address"
                   "  AND t.target = ?3)",
                   V(s->chosen.account.id), V_TEXT(old), V_TEXT(address));
    return r;
}

static int move_back(struct db *db, const struct restoring *s) {
    uint64_t id = s->chosen.account.id;
    int r = db_run(db,
                   "UPDATE removed SET address = ?2, domain = ?3, spelled = ?4"
                   " WHERE account_id = ?1 AND address <> ?2",
                   V(id), V_TEXT(s->name.text), V_TEXT(s->name.domain), V_TEXT(s->name.written));
    if (r == 0)
        r = db_run(db,
                   "INSERT INTO account (" ROW ") SELECT " ROW " FROM removed"
                   " WHERE account_id = ?1",
                   V(id));
    if (r == 0)
        r = restore_aliases(db, s);
    if (r == 0)
        r = db_run(db, "DELETE FROM removed_alias WHERE account_id = ?1", V(id));
    if (r == 0)
        r = db_run(db, "DELETE FROM removed WHERE account_id = ?1", V(id));
    return r;
}

/* The address may have gone to somebody else since. */
static int must_be_free(struct db *db, const struct name *name) {
    uint64_t id = 0;
    int r = record_account(db, name->text, &id);
    if (r == 0 && id > 0)
        return problem_set(db->problem, -EEXIST,
                           N_("%.*s is the address of account %llu now; bring it back under another"
                              " one with --as"),
                           SLICE_ARG(name->text), (unsigned long long)id);
    return r < 0 ? r : account_must_be_new(db, name);
}

static int restore_job(struct db *db, void *arg) {
    struct restoring *s = arg;
    struct chosen *c = &s->chosen;
    int r = find(db, c);
    if (r == 0 && c->account.purging)
        return problem_set(db->problem, -E_REFUSED,
                           N_("the account %.*s is being purged: its messages are going or gone"),
                           SLICE_ARG(c->account.address));
    if (r == 0 && s->name.text.len == 0)
        r = name_parse(c->arena, c->account.address, &s->name, db->problem);
    if (r == 0)
        r = record_must_be_local(db, s->name.domain, c->arena);
    if (r == 0)
        r = must_be_free(db, &s->name);
    if (r == 0)
        r = move_back(db, s);
    if (r < 0)
        return r;
    struct slice before = c->account.address;
    c->account.address = s->name.text;
    c->account.removed = c->account.kept_until = 0;
    return slice_eq(before, s->name.text)
               ? history_add(db, &c->author, "account.restore", before, S(""), S(""))
               : history_add(db, &c->author, "account.restore", before, S(""),
                             arena_printf(c->arena, "as %.*s", SLICE_ARG(s->name.text)));
}

int directory_account_restore(struct directory *d, const struct order *order, struct slice which,
                              struct slice as, struct account *ret, struct arena *a,
                              struct problem *problem) {
    struct restoring s = {0};
    int r = choose(d, order, which, a, &s.chosen, problem);
    if (r == 0 && as.len > 0)
        r = account_parse_new(d, as, a, &s.name, problem);
    if (r == 0)
        r = directory_run(d, JOB_WRITE, restore_job, &s, problem);
    if (r == 0)
        *ret = s.chosen.account;
    return r;
}

/* ------------------------------------------------------------------ giving up for ever */

static int purge_job(struct db *db, void *arg) {
    struct chosen *c = arg;
    int r = find(db, c);
    if (r < 0 || c->account.purging)
        return r;
    c->account.purging = true;
    r = db_run(db, "UPDATE removed SET purging = 1 WHERE account_id = ?1", V(c->account.id));
    return r < 0 ? r
                 : history_add(
                       db, &c->author, "account.purge", c->account.address, S(""),
                       arena_printf(c->arena, "number %llu", (unsigned long long)c->account.id));
}

int directory_account_purge(struct directory *d, const struct order *order, struct slice which,
                            struct account *ret, struct arena *a, struct problem *problem) {
    struct chosen c = {0};
    (void)directory_flush_usage(d);
    int r = choose(d, order, which, a, &c, problem);
    if (r == 0)
        r = directory_run(d, JOB_RECORD, purge_job, &c, problem);
    if (r == 0)
        *ret = c.account;
    return r;
}

static int purged_job(struct db *db, void *arg) {
    const uint64_t *id = arg;
    int r = db_run(db, "DELETE FROM removed_alias WHERE account_id = ?1", V(*id));
    if (r == 0)
        r = db_run(db, "DELETE FROM usage WHERE account_id = ?1", V(*id));
    if (r == 0)
        r = db_run(db, "DELETE FROM sending WHERE account_id = ?1", V(*id));
    if (r == 0)
        r = db_run(db, "DELETE FROM send_as WHERE account_id = ?1", V(*id));
    if (r == 0)
        r = db_run(db, "DELETE FROM login WHERE account_id = ?1", V(*id));
    if (r == 0)
        r = db_run(db, "DELETE FROM sharing WHERE account_id = ?1", V(*id));
    if (r == 0)
        r = db_run(db, "DELETE FROM removed WHERE account_id = ?1 AND purging = 1", V(*id));
    return r;
}

int directory_account_purged(struct directory *d, uint64_t id, struct problem *problem) {
    directory_forget_sender(d, id);
    return directory_run(d, JOB_RECORD, purged_job, &id, problem);
}

/* ------------------------------------------------------------------ those that are due */

struct due {
    usec_t before; /* removed before this: their time is over */
    bool settled;  /* the clock */
    struct author author;
    uint64_t after;
    struct account_place *list;
    size_t count, max;
};

static int mark_next(struct db *db, const struct due *due) {
    sqlite3_stmt *row = NULL;
    _cleanup_(arena_done) struct arena a = {0};
    int r = db_row(db, &row,
                   "SELECT account_id, address FROM removed WHERE purging = 0 AND removed < ?1"
                   " ORDER BY account_id LIMIT 1",
                   V(due->before));
    if (r <= 0)
        return r;
    uint64_t id = db_u64(row, 0);
    struct slice address = db_copy(row, 1, &a);
    db_reset(&row);
    r = db_run(db, "UPDATE removed SET purging = 1 WHERE account_id = ?1", V(id));
    if (r == 0)
        r = history_add(db, &due->author, "account.purge", address, S(""),
                        arena_printf(&a, "number %llu", (unsigned long long)id));
    return r < 0 ? r : 1;
}

static int due_job(struct db *db, void *arg) {
    struct due *due = arg;
    sqlite3_stmt *row = NULL;
    int r = due->before > 0 ? 1 : 0;
    for (size_t i = 0; r == 1 && i < due->max; i++)
        r = mark_next(db, due);
    if (r >= 0 && due->settled)
        r = former_forget(db, due->author.wall);
    if (r < 0)
        return r;
    r = db_query(db, &row,
                 "SELECT account_id, shard FROM removed WHERE purging = 1 AND account_id > ?1"
                 " ORDER BY account_id LIMIT ?2",
                 V(due->after), V(due->max));
    while (r >= 0 && due->count < due->max && (r = db_step(db, row)) == 1)
        due->list[due->count++] = (struct account_place){db_u64(row, 0), (uint32_t)db_u64(row, 1)};
    return MIN(r, 0);
}

int directory_purges(struct directory *d, uint64_t after, struct account_place *list, size_t max,
                     size_t *ret_count, struct problem *problem) {
    static const struct order order = {.by = S("hayauma (accounts.removed-keep)")};
    struct due due = {.author = author_of(&order), .after = after, .list = list, .max = max};
    usec_t now = fiber_now(), wall = due.author.wall;
    due.settled = even_clock_settled(&d->clock, now, wall, EVEN_CLOCK_SETTLES);
    /* A shorter time than a clock needs: whoever sets that wants them gone soon. */
    if (d->removed_keep > 0 && (due.settled || d->removed_keep <= EVEN_CLOCK_SETTLES) &&
        directory_knows_who_left(d))
        due.before = wall - d->removed_keep;
    int r = directory_run(d, JOB_RECORD, due_job, &due, problem);
    if (r == 0)
        *ret_count = due.count;
    return r;
}

/* ------------------------------------------------------------------ listing */

struct removed_listing {
    struct directory *d;
    struct slice domain;
    uint64_t after;
    size_t limit, count;
    struct arena *arena;
    struct account *accounts;
};

static int list_job(struct db *db, void *arg) {
    struct removed_listing *l = arg;
    sqlite3_stmt *row = NULL;
    size_t room = 0;
    int r = db_query(db, &row,
                     "SELECT " REMOVED_COLUMNS " FROM removed WHERE account_id > ?1"
                     " AND (?3 = '' OR domain = ?3) ORDER BY account_id LIMIT ?2",
                     V(l->after), V(MIN(l->limit, (size_t)INT32_MAX)),
                     V_TEXT(l->domain.ptr ? l->domain : S("")));
    while (r >= 0 && (r = db_step(db, row)) == 1) {
        account_list_grow(&l->accounts, l->count, &room, l->arena);
        l->accounts[l->count] = read_removed(l->d, row, l->arena);
        r = kept_fill(db, &l->accounts[l->count++]);
    }
    return r;
}

int directory_removed_list(struct directory *d, struct slice domain, uint64_t after_id,
                           size_t limit, struct arena *a, struct account **ret, size_t *ret_count,
                           struct problem *problem) {
    struct removed_listing l = {.d = d, .after = after_id, .limit = limit, .arena = a};
    int r = domain.len > 0 ? name_domain_parse(a, domain, &l.domain, problem) : 0;
    if (r < 0)
        return r;
    (void)directory_write_logins(d);
    (void)directory_flush_usage(d);
    r = directory_run(d, JOB_READ, list_job, &l, problem);
    if (r < 0)
        return r;
    *ret = l.accounts;
    *ret_count = l.count;
    return 0;
}
