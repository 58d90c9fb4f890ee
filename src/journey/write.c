/* SPDX-License-Identifier: ISC */
/*
 * Writing and pruning. A batch is one transaction; pruning goes on between batches, a step at a
 * time and twice as fast as events come, so that it always gains on them.
 */
#include "base/bytes.h"
#include "base/siphash.h"
#include "journey/db.h"
#include "journey/event.h"
#include "journey/kinds.h"

#define SUBJECT_MAX 512U

/* ------------------------------------------------------------------ writing */

/*
 * A letter's events name the same addresses again and again. A key that was written a moment ago is
 * not written twice; a place holds one key, a wrong guess costs one statement.
 */
static bool written_lately(struct db *db, uint64_t hash, uint64_t letter, int64_t block) {
    uint64_t mark = (hash ^ (letter * UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t)block) | 1;
    uint64_t *place = &db->recent[(mark >> 32) % RECENT_KEYS];
    if (*place == mark)
        return true;
    *place = mark;
    return false;
}

static int write_keys(struct db *db, const struct rpc_event *e, struct problem *problem) {
    char folded[KEY_MAX];
    struct key_walk walk = {0};
    struct slice key;
    int64_t block = (int64_t)(e->sequence >> BLOCK_SHIFT);
    int r = 0;
    while (r == 0 && key_next(e, &walk, folded, &key)) {
        uint64_t hash = siphash_keyed(key, db->hash_key);
        if (!written_lately(db, hash, e->letter, block))
            r = ledger_db_run(
                db, db_bind(db, SQL_KEY_ADD, "iii", block, (int64_t)hash, (int64_t)e->letter),
                problem);
    }
    return r;
}

static int write_subject(struct db *db, const struct rpc_event *e, struct problem *problem) {
    char folded[SUBJECT_MAX];
    struct slice subject = slice_first(event_fact(e, FACT_SUBJECT), SUBJECT_MAX);
    if (subject.len == 0)
        return 0;
    for (size_t i = 0; i < subject.len; i++)
        folded[i] = ascii_lower(subject.ptr[i]);
    return ledger_db_run(db,
                         db_bind(db, SQL_SUBJECT_ADD, "iib", (int64_t)e->sequence,
                                 (int64_t)e->letter, slice_of(folded, subject.len)),
                         problem);
}

static int write_event(struct db *db, struct reader *from, struct problem *problem) {
    struct rpc_event e = {.sequence = db->next, .wall = (int64_t)read_u64(from)};
    e.letter = read_u64(from);
    struct slice record = read_bytes(from, read_u32(from));
    MUST(!from->bad);
    sqlite3_stmt *statement =
        db_bind(db, SQL_EVENT_ADD, "iiib", (int64_t)e.sequence, e.wall, (int64_t)e.letter, record);
    if (e.letter == 0)
        (void)sqlite3_bind_null(statement, 3);
    int r = ledger_db_run(db, statement, problem);
    if (r < 0)
        return r;
    db->next++;
    if (e.letter == 0 || event_decode(record, &db->arena, &e) < 0)
        return 0;
    r = write_keys(db, &e, problem);
    if (r == 0)
        r = write_subject(db, &e, problem);
    arena_reset(&db->arena);
    return r;
}

static void roll_back(struct db *db, uint64_t next) {
    db->next = next;
    memset(db->recent, 0, sizeof db->recent);
    if (!sqlite3_get_autocommit(db->handle))
        (void)ledger_db_run(db, db->statements[SQL_ROLLBACK], NULL);
}

int db_write(struct db *db, const struct batch *batch, struct problem *problem) {
    struct reader from = {buf_slice(&batch->events), false};
    uint64_t next = db->next;
    int r = ledger_db_run(db, db->statements[SQL_BEGIN], problem);
    while (r == 0 && from.rest.len > 0)
        r = write_event(db, &from, problem);
    if (r == 0)
        r = ledger_db_run(db, db->statements[SQL_COMMIT], problem);
    if (r < 0)
        roll_back(db, next);
    return r;
}

/* ------------------------------------------------------------------ pruning */

/* The last sequence number that may go: at most `step` events, as many as are too old. */
static int too_old(struct db *db, uint64_t first, uint64_t step, usec_t oldest, uint64_t *ret,
                   struct problem *problem) {
    *ret = 0;
    for (; step > 0; step /= 2) {
        int64_t wall = 0;
        uint64_t last = MIN(first + step - 1, db->next - 2);
        int r = ledger_db_number(db, db_bind(db, SQL_WALL, "i", (int64_t)last), &wall, problem);
        if (r < 0)
            return r;
        if (r == 1 && wall < oldest) {
            *ret = last;
            return 0;
        }
    }
    return 0;
}

static int drop_to(struct db *db, uint64_t last, struct problem *problem) {
    int64_t block = (int64_t)((last + 1) >> BLOCK_SHIFT), first = block;
    int r = ledger_db_run(db, db_bind(db, SQL_EVENT_PRUNE, "i", (int64_t)last), problem);
    if (r == 0)
        r = ledger_db_run(db, db_bind(db, SQL_SUBJECT_PRUNE, "i", (int64_t)last), problem);
    if (r == 0)
        r = ledger_db_number(db, db->statements[SQL_KEY_FIRST_BLOCK], &first, problem);
    if (r >= 0 && first < block)
        r = ledger_db_run(db, db_bind(db, SQL_KEY_PRUNE, "i", first), problem);
    return MIN(r, 0);
}

struct space {
    uint64_t used, unused; /* bytes of the file */
};

static int measure(struct db *db, struct space *ret, struct problem *problem) {
    int64_t pages = 0, unused = 0;
    int r = ledger_db_number(db, db->statements[SQL_PAGES], &pages, problem);
    if (r >= 0)
        r = ledger_db_number(db, db->statements[SQL_FREE_PAGES], &unused, problem);
    *ret = (struct space){(uint64_t)((pages - unused) * db->page_size),
                          (uint64_t)(unused * db->page_size)};
    return MIN(r, 0);
}

static int prune_events(struct db *db, const struct db_limits *limits, const struct space *space,
                        uint64_t step, struct problem *problem) {
    int64_t first = 0;
    uint64_t last = 0;
    int r = ledger_db_number(db, db->statements[SQL_FIRST], &first, problem);
    if (r < 0 || first <= 0 || (uint64_t)first + 1 >= db->next)
        return MIN(r, 0);
    if (space->used > limits->size_max / 100 * 95)
        last = MIN((uint64_t)first + step - 1, db->next - 2);
    else
        r = too_old(db, (uint64_t)first, step, limits->oldest, &last, problem);
    if (r < 0 || last == 0)
        return MIN(r, 0);
    r = drop_to(db, last, problem);
    return r < 0 ? r : 1;
}

/* Unused space is used again; only when it is most of the file, or too much, the file shrinks. */
static bool should_shrink(const struct db_limits *limits, const struct space *space) {
    const uint64_t small = UINT64_C(8) << 20;
    return space->unused > small &&
           (space->unused > space->used || space->used + space->unused > limits->size_max);
}

int db_prune(struct db *db, const struct db_limits *limits, uint64_t step,
             struct problem *problem) {
    struct space space = {0};
    int r = ledger_db_run(db, db->statements[SQL_BEGIN], problem);
    if (r < 0)
        return r;
    r = measure(db, &space, problem);
    if (r == 0)
        r = prune_events(db, limits, &space, step, problem);
    if (r >= 0 && should_shrink(limits, &space)) {
        int shrunk = ledger_db_run(db, db->statements[SQL_VACUUM], problem);
        r = shrunk < 0 ? shrunk : 1;
    }
    int committed = r < 0 ? r : ledger_db_run(db, db->statements[SQL_COMMIT], problem);
    if (committed < 0)
        roll_back(db, db->next);
    return committed < 0 ? committed : r;
}
