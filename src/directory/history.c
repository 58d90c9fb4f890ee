/* SPDX-License-Identifier: ISC */
/*
 * The history is written by the transaction that makes the change, so there is no change without
 * its entry and no entry without its change, whoever dies when. The table is an outbox: what the
 * event log has taken leaves it.
 */
#include "directory/internal.h"

#include "message/write/encode.h"

#define SHOWN_MAX 1000U /* bytes of what was and what is now: a sentence is for people */

struct author author_of(const struct order *order) {
    return (struct author){order, fiber_wall()};
}

struct slice history_size(struct arena *a, uint64_t bytes) {
    static const char units[] = {'\0', 'K', 'M', 'G', 'T'};
    size_t unit = 0;
    if (bytes == 0)
        return S("none");
    for (; unit + 1 < sizeof units && bytes % 1024 == 0; unit++)
        bytes /= 1024;
    return arena_printf(a, "%llu%.*s", (unsigned long long)bytes, unit > 0 ? 1 : 0, &units[unit]);
}

/* Empty texts are texts too: no null goes into a column. */
static struct db_value text(struct slice s) {
    return V_TEXT(s.ptr ? s : S(""));
}

int history_add(struct db *db, const struct author *author, const char *kind, struct slice name,
                struct slice before, struct slice after) {
    int64_t number = 0;
    if (before.len > 0 && slice_eq(before, after))
        return 0;
    int r = db_run(db, "UPDATE counter SET value = value + 1 WHERE name = 'change_id'");
    if (r == 0)
        r = db_number(db, &number, "SELECT value FROM counter WHERE name = 'change_id'");
    if (r < 0)
        return r;
    return db_run(db,
                  "INSERT INTO change (change_id, wall, author, kind, name, was, becomes)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                  V(number), V(author->wall), text(author->order->by), text(slice_of_str(kind)),
                  text(name), text(before), text(after));
}

/* ------------------------------------------------------------------ for whoever keeps it */

struct reading {
    struct arena *arena;
    struct change_entry *list;
    size_t count, limit;
};

static int read_job(struct db *db, void *arg) {
    struct reading *h = arg;
    sqlite3_stmt *row = NULL;
    int r = db_query(db, &row,
                     "SELECT change_id, wall, author, kind, name, was, becomes FROM change"
                     " ORDER BY change_id LIMIT ?1",
                     V(h->limit));
    while (r >= 0 && h->count < h->limit && (r = db_step(db, row)) == 1)
        h->list[h->count++] = (struct change_entry){
            .number = db_u64(row, 0),
            .wall = db_i64(row, 1),
            .by = db_copy(row, 2, h->arena),
            .kind = db_copy(row, 3, h->arena),
            .name = db_copy(row, 4, h->arena),
            .before = db_copy(row, 5, h->arena),
            .after = db_copy(row, 6, h->arena),
        };
    return MIN(r, 0);
}

int directory_changes(struct directory *d, size_t limit, struct arena *a, struct change_entry **ret,
                      size_t *ret_count, struct problem *problem) {
    struct reading h = {.arena = a, .limit = limit};
    h.list = arena_array(a, limit, sizeof *h.list);
    int r = directory_run(d, JOB_READ, read_job, &h, problem);
    if (r < 0)
        return r;
    *ret = h.list;
    *ret_count = h.count;
    return 0;
}

static int told_job(struct db *db, void *arg) {
    const uint64_t *number = arg;
    return db_run(db, "DELETE FROM change WHERE change_id <= ?1", V(*number));
}

int directory_changes_reported(struct directory *d, uint64_t number, struct problem *problem) {
    return directory_run(d, JOB_RECORD, told_job, &number, problem);
}

/* ------------------------------------------------------------------ for people */

void change_entry_sentence(struct buf *to, const struct change_entry *e) {
    static const struct {
        const char *kind, *words;
    } said[] = {
        {"account.add", "added the account"},
        {"account.remove", "removed the account"},
        {"account.restore", "brought back the account"},
        {"account.purge", "gave up for ever the removed account"},
        {"account.enabled", "changed whether this account is enabled:"},
        {"account.admin", "changed whether this account is an administrator:"},
        {"account.quota", "changed the quota of"},
        {"account.limits", "changed the limits of"},
        {"account.send-as", "changed under which addresses this account may send:"},
        {"account.name", "changed the person's name of"},
        {"account.password", "set the password of"},
        {"account.apop", "changed the APOP secret of"},
        {"alias.set", "changed the alias"},
        {"alias.remove", "took targets out of the alias"},
        {"domain.add", "added the domain"},
        {"domain.remove", "removed the domain"},
        {"domain.catch-all", "changed the catch-all of"},
    };
    _cleanup_(arena_done) struct arena a = {0};
    struct slice before = text_one_line(&a, e->before, SHOWN_MAX, false);
    struct slice after = text_one_line(&a, e->after, SHOWN_MAX, false);
    struct slice words = e->kind;
    for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
        if (slice_eq(e->kind, slice_of_str(said[i].kind)))
            words = slice_of_str(said[i].words);
    }
    buf_printf(to, "%.*s %.*s %.*s", SLICE_ARG(e->by), SLICE_ARG(words), SLICE_ARG(e->name));
    if (before.len > 0 && after.len > 0)
        buf_printf(to, " from %.*s to %.*s", SLICE_ARG(before), SLICE_ARG(after));
    else if (before.len + after.len > 0)
        buf_printf(to, " (%.*s)", SLICE_ARG(after.len > 0 ? after : before));
    buf_add_byte(to, '.');
}
