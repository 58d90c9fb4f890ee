/* SPDX-License-Identifier: ISC */
/*
 * Writing and pruning. A batch is one transaction; pruning goes on between batches, a step at a
 * time and twice as fast as events come, so that it always gains on them.
 */
#include "base/bytes.h"
#include "base/siphash.h"
#include "events/kinds.h"
#include "journey/db.h"
#include "journey/record.h"

#define SUBJECT_MAX  512U
#define SHRINKS_FROM (UINT64_C(8) << 20) /* bytes that nothing uses */

/* ------------------------------------------------------------------ writing */

/*
 * A message's events name the same addresses again and again. A key that was written a moment ago
 * is not written twice; a place holds one key, a wrong guess costs one statement.
 */
static bool written_lately(struct event_db *l, uint64_t hash, uint64_t message, int64_t block) {
    uint64_t mark = (hash ^ (message * UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t)block) | 1;
    uint64_t *place = &l->recent[(mark >> 32) % RECENT_KEYS];
    if (*place == mark)
        return true;
    *place = mark;
    return false;
}

static int write_keys(struct event_db *l, const struct event *e) {
    char folded[KEY_MAX];
    struct key_walk walk = {0};
    struct slice key;
    int64_t block = (int64_t)(e->sequence >> BLOCK_SHIFT);
    int r = 0;
    while (r == 0 && key_next(e, &walk, folded, &key)) {
        uint64_t hash = siphash_keyed(key, l->hash_key);
        if (!written_lately(l, hash, e->message, block))
            r = db_run(l->db,
                       "INSERT OR IGNORE INTO key (block, hash, message) VALUES (?1, ?2, ?3)",
                       V(block), V(hash), V(e->message));
    }
    return r;
}

static int write_event(struct event_db *l, struct reader *from) {
    struct event e = {.sequence = l->next, .wall = (int64_t)read_u64(from)};
    e.message = read_u64(from);
    struct slice record = read_bytes(from, read_u32(from));
    MUST(!from->bad);
    int r =
        db_run(l->db, "INSERT INTO event (sequence, wall, message, record) VALUES (?1, ?2, ?3, ?4)",
               V(e.sequence), V(e.wall), e.message == 0 ? V_NULL : V(e.message), V_BYTES(record));
    if (r < 0)
        return r;
    l->next++;
    if (e.message == 0 || event_decode(record, &l->arena, &e) < 0)
        return 0;
    r = write_keys(l, &e);
    char folded[SUBJECT_MAX];
    struct slice subject = slice_first(event_value(&e, FACT_SUBJECT), SUBJECT_MAX);
    if (r == 0 && subject.len > 0)
        r = db_run(l->db, "INSERT INTO subject (sequence, message, text) VALUES (?1, ?2, ?3)",
                   V(e.sequence), V(e.message), V_BYTES(slice_lower(subject, folded)));
    arena_reset(&l->arena);
    return r;
}

int event_db_write(struct event_db *l, const struct batch *batch) {
    uint64_t next = l->next;
    struct reader from = {buf_slice(&batch->events), false};
    int r = db_begin(l->db);
    if (r == 0) {
        while (r == 0 && from.rest.len > 0)
            r = write_event(l, &from);
        r = db_end(l->db, r);
    }
    if (r < 0) {
        l->next = next;
        memset(l->recent, 0, sizeof l->recent);
    }
    return r;
}

int event_db_write_synced(struct event_db *l, const struct batch *batch) {
    int r = db_run(l->db, "PRAGMA synchronous=FULL");
    if (r == 0)
        r = event_db_write(l, batch);
    int back = db_run(l->db, "PRAGMA synchronous=NORMAL");
    return r < 0 ? r : back;
}

/* ------------------------------------------------------------------ pruning */

/*
 * The last sequence number that may go: at most `step` events, as many as are too old. The first
 * ones may be of a clock that was years ahead; then they are as old as what comes behind them.
 */
static int too_old(struct event_db *l, uint64_t first, uint64_t step,
                   const struct db_limits *limits, uint64_t *ret) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    *ret = 0;
    int r = db_row(l->db, &row,
                   "SELECT sequence, wall FROM event WHERE sequence >= ?1 AND wall <= ?2"
                   " ORDER BY sequence LIMIT 1",
                   V(first), V(limits->now));
    if (r <= 0)
        return r;
    uint64_t behind = db_u64(row, 0);
    if (behind > first) {
        if (db_i64(row, 1) < limits->oldest)
            *ret = MIN(MIN(behind, first + step - 1), l->next - 2);
        return 0;
    }
    for (; step > 0; step /= 2) {
        int64_t wall = 0;
        uint64_t last = MIN(first + step - 1, l->next - 2);
        r = db_number(l->db, &wall,
                      "SELECT wall FROM event WHERE sequence <= ?1 ORDER BY sequence DESC LIMIT 1",
                      V(last));
        if (r < 0)
            return r;
        if (r == 1 && wall < limits->oldest) {
            *ret = last;
            return 0;
        }
    }
    return 0;
}

struct space {
    uint64_t used, unused; /* bytes of the file */
};

static int measure(struct event_db *l, struct space *ret) {
    int64_t size = 0, pages = 0, unused = 0;
    int r = db_number(l->db, &size, "PRAGMA page_size");
    if (r >= 0)
        r = db_number(l->db, &pages, "PRAGMA page_count");
    if (r >= 0)
        r = db_number(l->db, &unused, "PRAGMA freelist_count");
    *ret = (struct space){(uint64_t)((pages - unused) * size), (uint64_t)(unused * size)};
    return MIN(r, 0);
}

static int prune_events(struct event_db *l, const struct db_limits *limits,
                        const struct space *space, uint64_t step) {
    int64_t first = 0;
    uint64_t last = 0;
    int r = db_number(l->db, &first, SQL_FIRST);
    if (r < 0 || first <= 0 || (uint64_t)first + 1 >= l->next)
        return MIN(r, 0);
    if (space->used > limits->size_max / 100 * 95)
        last = MIN((uint64_t)first + step - 1, l->next - 2);
    else
        r = too_old(l, (uint64_t)first, step, limits, &last);
    if (r < 0 || last == 0)
        return MIN(r, 0);
    r = db_run(l->db, "DELETE FROM event WHERE sequence <= ?1", V(last));
    if (r == 0)
        r = db_run(l->db, "DELETE FROM subject WHERE sequence <= ?1", V(last));
    if (r == 0)
        r = db_run(l->db, "DELETE FROM key WHERE block < ?1",
                   V((int64_t)((last + 1) >> BLOCK_SHIFT)));
    return r < 0 ? r : 1;
}

static int prune(struct event_db *l, const struct db_limits *limits, uint64_t step) {
    struct space space = {0};
    int r = measure(l, &space);
    if (r == 0)
        r = prune_events(l, limits, &space, step);
    /* unused space is used again; only when it is most of the file, or too much, the file shrinks
     */
    bool much = space.unused > space.used || space.used + space.unused > limits->size_max;
    if (r >= 0 && much && space.unused > SHRINKS_FROM) {
        int shrunk = db_run(l->db, "PRAGMA incremental_vacuum(128)");
        r = shrunk < 0 ? shrunk : 1;
    }
    return r;
}

int event_db_prune(struct event_db *l, const struct db_limits *limits, uint64_t step) {
    int r = db_begin(l->db);
    return r < 0 ? r : db_end(l->db, prune(l, limits, step));
}
