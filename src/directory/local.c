/* SPDX-License-Identifier: ISC */
/*
 * The source of accounts that this server keeps itself: tables of directory.db (schema.h).
 */
#include "directory/local.h"

#define ADMINS_MAX 100U /* get the mail to postmaster */

struct load {
    struct db *db;
    struct slice key;
    struct arena *arena;
    struct facts facts;
};

static int load_targets(struct load *l) {
    int64_t count = 0;
    int r = db_number(l->db, &count, "SELECT count(*) FROM alias_target WHERE address = ?1",
                      V_TEXT(l->key));
    if (r < 0 || count == 0)
        return r;
    sqlite3_stmt *rows = NULL;
    l->facts.known = true;
    l->facts.targets = arena_array(l->arena, (size_t)count, sizeof *l->facts.targets);
    r = db_query(l->db, &rows, "SELECT target FROM alias_target WHERE address = ?1 ORDER BY place",
                 V_TEXT(l->key));
    while (r >= 0 && (r = db_step(l->db, rows)) == 1 && l->facts.target_count < (size_t)count)
        l->facts.targets[l->facts.target_count++] = db_copy(rows, 0, l->arena);
    return r;
}

static int load_name(struct load *l) {
    sqlite3_stmt *row = NULL;
    int r = db_row(l->db, &row,
                   "SELECT account_id, quota, enabled,"
                   " (SELECT u.bytes FROM usage u WHERE u.account_id = account.account_id),"
                   " (SELECT max(f.removed) FROM former_owner f WHERE f.address = ?1"
                   "  AND f.account_id <> account.account_id)"
                   " FROM account WHERE address = ?1",
                   V_TEXT(l->key));
    if (r == 1) {
        l->facts.known = l->facts.has_kept = true;
        l->facts.account_id = db_u64(row, 0);
        l->facts.quota = db_u64(row, 1);
        l->facts.enabled = db_u64(row, 2) != 0;
        l->facts.used = db_u64(row, 3);
        l->facts.replaced = db_i64(row, 4);
    }
    return r < 0 ? r : load_targets(l);
}

static int load_domain(struct load *l, struct slice name) {
    sqlite3_stmt *row = NULL;
    int r = db_row(l->db, &row, "SELECT type, target, catch_all FROM domain WHERE name = ?1",
                   V_TEXT(name));
    if (r <= 0)
        return r;
    l->facts.known = true;
    l->facts.type = (enum domain_type)db_u64(row, 0);
    l->facts.target = db_copy(row, 1, l->arena);
    l->facts.catch_all = db_copy(row, 2, l->arena);
    return 0;
}

/* Who gets the mail to postmaster, in the order in which the accounts were made. */
static int load_admins(struct load *l) {
    sqlite3_stmt *rows = NULL;
    l->facts.targets = arena_array(l->arena, ADMINS_MAX, sizeof *l->facts.targets);
    int r = db_query(l->db, &rows,
                     "SELECT address FROM account WHERE admin = 1 AND enabled = 1"
                     " ORDER BY account_id");
    while (r >= 0 && l->facts.target_count < ADMINS_MAX && (r = db_step(l->db, rows)) == 1)
        l->facts.targets[l->facts.target_count++] = db_copy(rows, 0, l->arena);
    return MIN(r, 0);
}

static int load_host(struct load *l) {
    sqlite3_stmt *row = NULL;
    int64_t count = 0;
    l->facts.known = true;
    int r = db_number(l->db, &count, "SELECT count(*) FROM domain WHERE type = 1");
    if (r >= 0)
        r = db_row_values(l->db, &row,
                          "SELECT name FROM domain WHERE type = 1 ORDER BY created, name LIMIT 1",
                          DB_VALUES());
    if (r == 1)
        l->facts.first = db_copy(row, 0, l->arena);
    if (count == 1)
        l->facts.target = l->facts.first;
    return r < 0 ? r : load_admins(l);
}

static int load_job(struct db *db, void *arg) {
    struct load *l = arg;
    int r;
    l->db = db;
    if (l->key.len == 1)
        r = load_host(l);
    else if (l->key.ptr[0] == '@')
        r = load_domain(l, slice_from(l->key, 1));
    else
        r = load_name(l);
    return MIN(r, 0);
}

static int lookup(struct directory_source *s, struct slice key, struct arena *a,
                  struct facts *ret) WAITS {
    struct load load = {.key = key, .arena = a};
    int r = directory_run(directory_of_local(s), JOB_READ, load_job, &load, NULL);
    if (r == 0)
        *ret = load.facts;
    return r;
}

static int version_job(struct db *db, void *arg) {
    int64_t *version = arg;
    return db_number(db, version, "PRAGMA data_version");
}

static int refresh(struct directory_source *s, bool *ret_changed) WAITS {
    struct local_source *local = (struct local_source *)s;
    int64_t version = local->data_version;
    int r = directory_run(directory_of_local(s), JOB_READ, version_job, &version, NULL);
    *ret_changed = r >= 0 && version != local->data_version;
    local->data_version = version;
    return MIN(r, 0);
}

/* ------------------------------------------------------------------ who wants to log in */

struct finding {
    struct person *person;
    struct arena *arena;
};

static int find_job(struct db *db, void *arg) {
    struct finding *f = arg;
    struct person *p = f->person;
    sqlite3_stmt *s = NULL;
    int r = db_row(db, &s,
                   "SELECT a.account_id, enabled, password, apop, networks, quota FROM account a"
                   " LEFT JOIN login n ON n.account_id = a.account_id"
                   " WHERE address = ?1",
                   V_TEXT(p->address));
    if (r == 1) {
        p->account_id = db_u64(s, 0);
        p->enabled = db_u64(s, 1) != 0;
        p->password = db_copy(s, 2, f->arena);
        p->apop = db_copy(s, 3, f->arena);
        p->has_networks = true;
        known_networks_read(&p->networks, db_copy(s, 4, f->arena));
        p->quota = db_u64(s, 5);
    }
    return MIN(r, 0);
}

static int find(struct directory_source *s, struct person *person, struct arena *a,
                struct problem *problem) WAITS {
    return directory_run(directory_of_local(s), JOB_READ, find_job, &(struct finding){person, a},
                         problem);
}

const struct directory_source_ops local_source_ops = {
    .name = "local",
    .lookup = lookup,
    .refresh = refresh,
    .find = find,
    .prove = local_prove,
    .may_send_as = local_may_send_as,
    .has_apop = local_has_apop,
    .account = local_account,
    .accounts = local_accounts,
    .domains = local_domains,
};
