/* SPDX-License-Identifier: ISC */
/*
 * When and from where accounts were logged in to last. Kept in memory and written together, at most
 * a minute late: one login should not cost an fsync. What could not be written (the disk is full, a
 * backup holds the file) is written with what comes next, for SEEN_KEPT accounts.
 */
#include "base/alloc.h"
#include "directory/internal.h"
#include "fiber/wait.h"

#define SEEN_WRITE_AFTER USEC_MIN
#define SEEN_MAX         ((size_t)1024)
#define SEEN_KEPT        (8 * SEEN_MAX)

struct seen_login {
    uint64_t account_id;
    usec_t wall;
    struct known_networks networks;
};

static int write_seen_job(struct db *db, void *arg) {
    const struct map *seen = arg;
    struct map_entry *e;
    size_t at = 0;
    int r = 0;
    while (r == 0 && (e = map_next(seen, &at))) {
        const struct seen_login *s = e->value;
        r = db_run(db,
                   "INSERT INTO login (account_id, wall, networks) SELECT ?1, ?2, ?3"
                   " WHERE " SOMEBODY_HAS_1 " ON CONFLICT (account_id) DO UPDATE"
                   " SET wall = excluded.wall, networks = excluded.networks",
                   V(s->account_id), V(s->wall), V_BYTES(known_networks_bytes(&s->networks)));
    }
    return r;
}

struct reading {
    uint64_t account_id;
    struct known_networks *networks;
};

static int read_job(struct db *db, void *arg) {
    const struct reading *reading = arg;
    sqlite3_stmt *row = NULL;
    int r = db_row(db, &row, "SELECT networks FROM login WHERE account_id = ?1",
                   V(reading->account_id));
    if (r == 1)
        known_networks_read(reading->networks, db_bytes(row, 0));
    return MIN(r, 0);
}

int directory_read_networks(struct directory *d, uint64_t account_id, struct known_networks *ret) {
    return directory_run(d, JOB_READ, read_job, &(struct reading){account_id, ret}, NULL);
}

/* Back to those that are not written yet; of the same account there may be a later one by now. */
static void keep(struct directory *d, struct seen_login *s) {
    struct seen_login *later = map_get(&d->seen, map_u64(&s->account_id));
    if (later)
        known_networks_join(&later->networks, &s->networks);
    if (later || d->seen.count >= SEEN_KEPT)
        free(s);
    else
        (void)map_put(&d->seen, map_u64(&s->account_id), s);
}

int directory_write_logins(struct directory *d) {
    struct map seen = d->seen;
    int r = 0;
    d->seen = (struct map){0};
    if (seen.count > 0 && !d->read_only)
        r = directory_run(d, JOB_RECORD, write_seen_job, &seen, NULL);
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(&seen, &at));) {
        if (r < 0)
            keep(d, e->value);
        else
            free(e->value);
    }
    map_done(&seen);
    d->seen_again = r < 0 ? d->seen.count : 0;
    if (r < 0)
        d->seen_since = fiber_now();
    return r;
}

void directory_forget_logins(struct directory *d) {
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(&d->seen, &at));)
        free(e->value);
    map_done(&d->seen);
}

const struct known_networks *directory_newer_networks(const struct directory *d,
                                                      uint64_t account_id) {
    const struct seen_login *s = map_get(&d->seen, map_u64(&account_id));
    return s ? &s->networks : NULL;
}

int directory_note_login(struct directory *d, uint64_t account_id, struct slice peer,
                         const struct known_networks *known) {
    struct seen_login *s = map_get(&d->seen, map_u64(&account_id));
    if (!s) {
        s = NEW(struct seen_login);
        s->account_id = account_id;
        s->networks = *known;
        if (d->seen.count == 0)
            d->seen_since = fiber_now();
        (void)map_put(&d->seen, map_u64(&s->account_id), s);
    }
    s->wall = fiber_wall();
    if (peer.len > 0)
        known_networks_add(&s->networks, peer);
    if (d->seen.count >= d->seen_again + SEEN_MAX ||
        fiber_now() - d->seen_since >= SEEN_WRITE_AFTER)
        return directory_write_logins(d);
    return 0;
}
