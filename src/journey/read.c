/* SPDX-License-Identifier: ISC */
/*
 * Reading, on a connection of its own. Each statement sees one state of the database; nothing here
 * holds one open longer than a job, so that checkpoints are not held up.
 */
#include "events/kinds.h"
#include "journey/db.h"
#include "journey/record.h"

#define SCAN_ROWS   20000U   /* looked at in one job */
#define ORDER_SLACK USEC_MIN /* by which events may come out of the order of their times */

/* ------------------------------------------------------------------ events */

static bool page_full(const struct page *p) {
    return p->count == PAGE_EVENTS || p->bytes >= PAGE_BYTES;
}

/* One that cannot be read is shown as such: the others are as good as before. */
static void page_add(struct page *p, sqlite3_stmt *row) {
    struct event *e = &p->events[p->count++];
    struct slice record = arena_copy(p->arena, db_bytes(row, 3));
    p->bytes += record.len + 256;
    if (event_decode(record, p->arena, e) < 0)
        *e = (struct event){
            .role = S("events"), .kind = S(KIND_DAMAGED), .text = S("This event cannot be read.")};
    e->sequence = db_u64(row, 0);
    e->wall = db_i64(row, 1);
    e->message = db_u64(row, 2);
}

int event_db_clamp(struct event_db *l, uint64_t *after) {
    int64_t last = 0;
    int r = db_number(l->db, &last, SQL_LAST);
    *after = MIN(*after, (uint64_t)last);
    return MIN(r, 0);
}

int event_db_journey(struct event_db *l, queue_id message, uint64_t after, struct page *page) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    int r = db_query(l->db, &row,
                     "SELECT sequence, wall, message, record FROM event"
                     " WHERE message = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3",
                     V(message), V(after), V(PAGE_EVENTS));
    while (r >= 0 && !page_full(page) && (r = db_step(l->db, row)) == 1)
        page_add(page, row);
    return MIN(r, 0);
}

/*
 * Within the times asked for, of the role, and with each of the words. What is looked at for that
 * goes into the arena `a`, and with the next row: there may be any number between two that match.
 */
static bool is_wanted(const struct log_range *range, sqlite3_stmt *row, struct arena *a) {
    usec_t wall = db_i64(row, 1);
    struct event e = {.message = db_u64(row, 2)};
    bool wanted = wall >= range->since && (range->until == 0 || wall < range->until) &&
                  (range->role.len == 0 || event_record_is_of(db_bytes(row, 3), range->role));
    arena_reset(a);
    if (wanted && range->word_count > 0)
        wanted = event_decode(db_bytes(row, 3), a, &e) == 0;
    for (size_t i = 0; wanted && i < range->word_count; i++)
        wanted = search_event_has(&e, range->words[i]);
    return wanted;
}

int event_db_log(struct event_db *l, struct log_range *range, struct page *page) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    _cleanup_(arena_done) struct arena a = {0};
    unsigned rows = 0;
    int r = db_query(l->db, &row,
                     "SELECT sequence, wall, message, record FROM event"
                     " WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
                     V(range->after), V(SCAN_ROWS));
    while (r >= 0 && !page_full(page) && (r = db_step(l->db, row)) == 1) {
        rows++;
        range->after = db_u64(row, 0);
        if (is_wanted(range, row, &a))
            page_add(page, row);
    }
    range->more = r == 1 || rows == SCAN_ROWS;
    return MIN(r, 0);
}

/* The last sequence number whose event came before a time; events come nearly in order. */
static int before_time(struct event_db *l, usec_t since, uint64_t *ret) {
    int64_t first = 0, last = 0, wall = 0;
    int r = db_number(l->db, &first, SQL_FIRST);
    if (r == 1)
        r = db_number(l->db, &last, SQL_LAST);
    *ret = 0;
    while (r >= 0 && first < last) {
        int64_t middle = first + (last - first) / 2;
        r = db_number(l->db, &wall,
                      "SELECT wall FROM event WHERE sequence >= ?1 ORDER BY sequence LIMIT 1",
                      V(middle));
        if (r == 1 && wall < since - ORDER_SLACK)
            first = middle + 1;
        else
            last = middle;
    }
    if (r >= 0)
        *ret = first > 0 ? (uint64_t)first - 1 : 0;
    return MIN(r, 0);
}

int event_db_log_last(struct event_db *l, uint64_t count, const struct log_range *range,
                      uint64_t *ret) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    _cleanup_(arena_done) struct arena a = {0};
    uint64_t from = 0, before = 0;
    int r = range->since > 0 ? before_time(l, range->since, &from) : 0;
    if (r < 0 || count == 0) {
        *ret = from;
        return r;
    }
    r = db_query(l->db, &row,
                 "SELECT sequence, wall, message, record FROM event WHERE sequence > ?1"
                 " ORDER BY sequence DESC",
                 V(from));
    while (r >= 0 && (r = db_step(l->db, row)) == 1) {
        if (!is_wanted(range, row, &a))
            continue;
        before = db_u64(row, 0);
        if (count-- <= 1)
            break;
    }
    if (r >= 0 && before == 0) { /* none: what comes from now on is news */
        int64_t last = 0;
        r = db_number(l->db, &last, SQL_LAST);
        before = (uint64_t)last + 1;
    }
    *ret = before > 0 ? before - 1 : 0;
    return MIN(r, 0);
}
