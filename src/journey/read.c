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

/* ------------------------------------------------------------------ events */

static bool page_full(const struct page *p) {
    return p->count == PAGE_EVENTS || p->bytes >= PAGE_BYTES;
}

/* One that cannot be read is shown as such: the others are as good as before. */
static void page_add(struct page *p, sqlite3_stmt *row) {
    struct rpc_event *e = &p->events[p->count++];
    struct slice record = arena_copy(p->arena, db_bytes(row, 3));
    p->bytes += record.len + 256;
    if (event_decode(record, p->arena, e) < 0)
        *e = (struct rpc_event){
            .role = S("ledger"), .kind = S(KIND_DAMAGED), .text = S("This event cannot be read.")};
    e->sequence = db_u64(row, 0);
    e->wall = db_i64(row, 1);
    e->letter = db_u64(row, 2);
}

int ledger_db_clamp(struct ledger_db *l, uint64_t *after) {
    int64_t last = 0;
    int r = db_number(l->db, &last, SQL_LAST);
    *after = MIN(*after, (uint64_t)last);
    return MIN(r, 0);
}

int ledger_db_journey(struct ledger_db *l, letter_id letter, uint64_t after, struct page *page) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    int r = db_query(l->db, &row,
                     "SELECT sequence, wall, letter, record FROM event"
                     " WHERE letter = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3",
                     V(letter), V(after), V(PAGE_EVENTS));
    while (r >= 0 && !page_full(page) && (r = db_step(l->db, row)) == 1)
        page_add(page, row);
    return MIN(r, 0);
}

int ledger_db_log(struct ledger_db *l, struct log_range *range, struct page *page) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    unsigned rows = 0;
    int r = db_query(l->db, &row,
                     "SELECT sequence, wall, letter, record FROM event"
                     " WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
                     V(range->after), V(SCAN_ROWS));
    while (r >= 0 && !page_full(page) && (r = db_step(l->db, row)) == 1) {
        rows++;
        range->after = db_u64(row, 0);
        if (range->role.len == 0 || event_record_is_of(db_bytes(row, 3), range->role))
            page_add(page, row);
    }
    range->more = r == 1 || rows == SCAN_ROWS;
    return MIN(r, 0);
}

int ledger_db_log_last(struct ledger_db *l, uint64_t count, struct slice role, uint64_t *ret) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    uint64_t before = 0;
    int r = db_query(l->db, &row, "SELECT sequence, record FROM event ORDER BY sequence DESC");
    while (r >= 0 && (r = db_step(l->db, row)) == 1) {
        if (role.len > 0 && !event_record_is_of(db_bytes(row, 1), role))
            continue;
        before = db_u64(row, 0);
        if (count-- <= 1)
            break;
    }
    *ret = before > 0 ? before - 1 : 0;
    return MIN(r, 0);
}

/* ------------------------------------------------------------------ finding */

static bool letters_full(const struct letters *to) {
    return to->count == to->max;
}

/* Adds a letter that is not there yet and has events. */
static int add_letter(struct ledger_db *l, struct letters *to, letter_id id) {
    int64_t one = 0;
    for (size_t i = 0; i < to->count; i++) {
        if (to->list[i] == id)
            return 0;
    }
    int r = db_number(l->db, &one, "SELECT 1 FROM event WHERE letter = ?1 LIMIT 1", V(id));
    if (r == 1)
        to->list[to->count++] = id;
    return MIN(r, 0);
}

/* Adds the letters that a statement gives. */
static int add_rows(struct ledger_db *l, struct letters *to, const char *sql,
                    const struct db_value *values) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    int r = db_query_values(l->db, &row, sql, values);
    while (r >= 0 && !letters_full(to) && (r = db_step(l->db, row)) == 1)
        r = add_letter(l, to, db_u64(row, 0));
    return MIN(r, 0);
}

static int find_key(struct ledger_db *l, struct slice key, struct letters *to) {
    int64_t first = 0, last = 0;
    uint64_t hash = siphash_keyed(key, l->hash_key);
    int r = db_number(l->db, &first, SQL_FIRST);
    if (r == 1)
        r = db_number(l->db, &last, SQL_LAST);
    if (r <= 0)
        return r;
    r = 0;
    for (int64_t block = last >> BLOCK_SHIFT; r == 0 && block >= first >> BLOCK_SHIFT; block--)
        r = add_rows(l, to,
                     "SELECT letter FROM key WHERE block = ?1 AND hash = ?2 ORDER BY letter DESC",
                     DB_VALUES(V(block), V(hash)));
    return r;
}

static int find_id(struct ledger_db *l, struct slice text, struct letters *to) {
    uint64_t first, last;
    if (!key_id_range(text, &first, &last))
        return 0;
    return add_rows(l, to,
                    "SELECT DISTINCT letter FROM event WHERE letter BETWEEN ?1 AND ?2"
                    " ORDER BY letter DESC LIMIT ?3",
                    DB_VALUES(V(first), V(last), V(to->max)));
}

/* A Message-ID that was written with blanks is kept without them. */
static int find_message_id(struct ledger_db *l, struct slice key, struct letters *to) {
    char id[KEY_MAX];
    size_t len = 0;
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] != ' ' && key.ptr[i] != '\t')
            id[len++] = key.ptr[i];
    }
    return len < key.len ? find_key(l, slice_of(id, len), to) : 0;
}

int ledger_db_find(struct ledger_db *l, struct slice what, struct letters *letters) {
    char folded[KEY_MAX];
    struct slice key = key_fold(what, folded);
    if (key.len == 0)
        return 0;
    int r = find_id(l, key, letters);
    if (r == 0 && letters->count == 0)
        r = find_key(l, key, letters);
    if (r == 0 && letters->count == 0)
        r = find_message_id(l, key, letters);
    if (r == 0 && letters->count == 0)
        r = add_rows(l, letters,
                     "SELECT letter FROM subject WHERE instr(text, ?1) > 0 ORDER BY sequence DESC",
                     DB_VALUES(V_BYTES(key)));
    return r;
}
