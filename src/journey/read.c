/* SPDX-License-Identifier: ISC */
/*
 * Reading, on a connection of its own. Each statement sees one state of the database; nothing here
 * holds one open longer than a job, so that checkpoints are not held up.
 */
#include "base/siphash.h"
#include "journey/db.h"
#include "journey/event.h"
#include "journey/kinds.h"

#define SCAN_ROWS 20000U /* looked at in one job */

static struct slice column(sqlite3_stmt *statement, int at) {
    const void *bytes = sqlite3_column_blob(statement, at);
    return slice_of(bytes, (size_t)sqlite3_column_bytes(statement, at));
}

/* Ends a walk over rows: 0 or what went wrong. */
static int finish(struct db *db, sqlite3_stmt *statement, int said, struct problem *problem) {
    int r = said == SQLITE_ROW || said == SQLITE_DONE ? 0 : ledger_db_failed(db, problem);
    (void)sqlite3_reset(statement);
    return r;
}

/* ------------------------------------------------------------------ events */

static bool page_full(const struct page *p) {
    return p->count == PAGE_EVENTS || p->bytes >= PAGE_BYTES;
}

/* One that cannot be read is shown as such: the others are as good as before. */
static void page_add(struct page *p, sqlite3_stmt *statement) {
    struct rpc_event *e = &p->events[p->count++];
    struct slice record = arena_copy(p->arena, column(statement, 3));
    p->bytes += record.len + 256;
    if (event_decode(record, p->arena, e) < 0)
        *e = (struct rpc_event){
            .role = S("ledger"), .kind = S(KIND_DAMAGED), .text = S("This event cannot be read.")};
    e->sequence = (uint64_t)sqlite3_column_int64(statement, 0);
    e->wall = sqlite3_column_int64(statement, 1);
    e->letter = (uint64_t)sqlite3_column_int64(statement, 2);
}

int db_clamp(struct db *db, uint64_t *after, struct problem *problem) {
    int64_t last = 0;
    int r = ledger_db_number(db, db->statements[SQL_LAST], &last, problem);
    *after = MIN(*after, (uint64_t)last);
    return MIN(r, 0);
}

int db_journey(struct db *db, letter_id letter, uint64_t after, struct page *page,
               struct problem *problem) {
    sqlite3_stmt *statement =
        db_bind(db, SQL_JOURNEY, "iii", (int64_t)letter, (int64_t)after, (int64_t)PAGE_EVENTS);
    int said = SQLITE_ROW;
    while (!page_full(page) && (said = sqlite3_step(statement)) == SQLITE_ROW)
        page_add(page, statement);
    return finish(db, statement, said, problem);
}

int db_log(struct db *db, struct log_range *range, struct page *page, struct problem *problem) {
    sqlite3_stmt *statement = db_bind(db, SQL_LOG, "ii", (int64_t)range->after, (int64_t)SCAN_ROWS);
    unsigned rows = 0;
    int said = SQLITE_ROW;
    while (!page_full(page) && (said = sqlite3_step(statement)) == SQLITE_ROW) {
        rows++;
        range->after = (uint64_t)sqlite3_column_int64(statement, 0);
        if (range->role.len == 0 || event_record_is_of(column(statement, 3), range->role))
            page_add(page, statement);
    }
    range->more = said == SQLITE_ROW || rows == SCAN_ROWS;
    return finish(db, statement, said, problem);
}

int db_log_last(struct db *db, uint64_t count, struct slice role, uint64_t *ret,
                struct problem *problem) {
    sqlite3_stmt *statement = db->statements[SQL_LOG_BACK];
    int said = SQLITE_DONE;
    uint64_t before = 0;
    while ((said = sqlite3_step(statement)) == SQLITE_ROW) {
        if (role.len > 0 && !event_record_is_of(column(statement, 1), role))
            continue;
        before = (uint64_t)sqlite3_column_int64(statement, 0);
        if (count-- <= 1)
            break;
    }
    *ret = before > 0 ? before - 1 : 0;
    return finish(db, statement, said, problem);
}

/* ------------------------------------------------------------------ finding */

static bool letters_full(const struct letters *l) {
    return l->count == l->max;
}

/* Adds a letter that is not there yet and has events. */
static int add_letter(struct db *db, struct letters *l, letter_id id, struct problem *problem) {
    int64_t one = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (l->list[i] == id)
            return 0;
    }
    int r = ledger_db_number(db, db_bind(db, SQL_EXISTS, "i", (int64_t)id), &one, problem);
    if (r == 1)
        l->list[l->count++] = id;
    return MIN(r, 0);
}

/* Adds the letters that a statement gives. */
static int add_rows(struct db *db, sqlite3_stmt *statement, struct letters *l,
                    struct problem *problem) {
    int said = SQLITE_DONE, r = 0;
    while (r == 0 && !letters_full(l) && (said = sqlite3_step(statement)) == SQLITE_ROW)
        r = add_letter(db, l, (letter_id)sqlite3_column_int64(statement, 0), problem);
    int ended = finish(db, statement, said, problem);
    return r < 0 ? r : ended;
}

static int find_key(struct db *db, struct slice key, struct letters *l, struct problem *problem) {
    int64_t first = 0, last = 0;
    int64_t hash = (int64_t)siphash_keyed(key, db->hash_key);
    int r = ledger_db_number(db, db->statements[SQL_FIRST], &first, problem);
    if (r == 1)
        r = ledger_db_number(db, db->statements[SQL_LAST], &last, problem);
    if (r <= 0)
        return r;
    r = 0;
    for (int64_t block = last >> BLOCK_SHIFT; r == 0 && block >= first >> BLOCK_SHIFT; block--)
        r = add_rows(db, db_bind(db, SQL_KEY_FIND, "ii", block, hash), l, problem);
    return r;
}

static int find_id(struct db *db, struct slice text, struct letters *l, struct problem *problem) {
    uint64_t first, last;
    if (!key_id_range(text, &first, &last))
        return 0;
    return add_rows(db,
                    db_bind(db, SQL_PREFIX, "iii", (int64_t)first, (int64_t)last, (int64_t)l->max),
                    l, problem);
}

int db_find(struct db *db, struct slice what, struct letters *letters, struct problem *problem) {
    char folded[KEY_MAX];
    struct slice key = key_fold(what, folded);
    if (key.len == 0)
        return 0;
    int r = find_id(db, key, letters, problem);
    if (r == 0 && letters->count == 0)
        r = find_key(db, key, letters, problem);
    if (r == 0 && letters->count == 0)
        r = add_rows(db, db_bind(db, SQL_SUBJECT_FIND, "b", key), letters, problem);
    return r;
}
