/* SPDX-License-Identifier: ISC */
/*
 * From a key to its facts. A miss reads them in a thread and puts them into the cache before the
 * mutex is given back (see directory.c), which is why this file does its own locking.
 */
#include "directory/internal.h"
#include "fiber/wait.h"

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
                   "SELECT account_id, shard, quota, enabled,"
                   " (SELECT u.bytes FROM usage u WHERE u.account_id = account.account_id),"
                   " (SELECT max(f.removed) FROM former_owner f WHERE f.address = ?1"
                   "  AND f.account_id <> account.account_id)"
                   " FROM account WHERE address = ?1",
                   V_TEXT(l->key));
    if (r == 1) {
        l->facts.known = true;
        l->facts.account_id = db_u64(row, 0);
        l->facts.shard = (uint32_t)db_u64(row, 1);
        l->facts.quota = db_u64(row, 2);
        l->facts.enabled = db_u64(row, 3) != 0;
        l->facts.used = db_u64(row, 4);
        l->facts.replaced = db_i64(row, 5);
    }
    return r < 0 ? r : load_targets(l);
}

/* One text, empty when there is no row. */
static int load_text(struct load *l, const char *sql, const struct db_value *values,
                     struct slice *ret) {
    sqlite3_stmt *row = NULL;
    int r = db_row_values(l->db, &row, sql, values);
    if (r == 1)
        *ret = db_copy(row, 0, l->arena);
    return r;
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
    int64_t count = 0;
    l->facts.known = true;
    int r = db_number(l->db, &count, "SELECT count(*) FROM domain WHERE type = 1");
    if (r >= 0)
        r = load_text(l, "SELECT name FROM domain WHERE type = 1 ORDER BY created, name LIMIT 1",
                      DB_VALUES(), &l->facts.first);
    if (count == 1)
        l->facts.target = l->facts.first;
    return r < 0 ? r : load_admins(l);
}

static int load_job(void *arg) {
    struct load *l = arg;
    int r;
    if (l->key.len == 1)
        r = load_host(l);
    else if (l->key.ptr[0] == '@')
        r = load_domain(l, slice_from(l->key, 1));
    else
        r = load_name(l);
    db_reset_all(l->db);
    return r;
}

int directory_lookup(struct directory *d, struct slice key, struct arena *a, struct facts *ret) {
    int r = directory_check(d);
    if (r < 0)
        return r;
    const struct facts *cached = cache_get(d->cache, key);
    if (!cached) {
        struct load load = {.db = d->db, .key = key, .arena = a};
        r = fiber_mutex_lock(&d->mutex);
        if (r < 0)
            return r;
        cached = cache_get(d->cache, key); /* perhaps whoever was before us asked the same */
        if (!cached) {
            r = offload(OFFLOAD_DISK, load_job, &load);
            if (r >= 0)
                cache_put(d->cache, key, &load.facts);
            fiber_mutex_unlock(&d->mutex);
            if (r >= 0)
                *ret = load.facts;
            return MIN(r, 0);
        }
        fiber_mutex_unlock(&d->mutex);
    }
    *ret = facts_copy(a, cached);
    return 0;
}

int directory_host_domain(struct directory *d, bool any, struct arena *a, struct slice *ret) {
    struct facts host;
    if (d->default_domain.len > 0) {
        *ret = d->default_domain;
        return 0;
    }
    int r = directory_lookup(d, S("@"), a, &host);
    if (r == 0)
        *ret = any ? host.first : host.target;
    return r;
}
