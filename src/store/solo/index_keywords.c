/* SPDX-License-Identifier: ISC */
/*
 * Keywords in mail.db. An entry has the number of a set, of which a mailbox has few; a row of
 * `keyword_sets` counts its entries, a row of `keywords` the sets that have a name. Both go when
 * nobody has them.
 */
#include "store/solo/index_db.h"

/* Names come in sets, or go with them. */
static int count_names(struct index *ix, uint32_t mailbox, struct slice names, bool join) {
    struct slice name;
    int error = 0;
    while (!error && slice_next(&names, ' ', &name)) {
        error = db_run(ix->db, join ? SQL_KEYWORD_JOIN : SQL_KEYWORD_LEAVE, V(ix->account),
                       V(mailbox), V_TEXT(name));
        if (!error && !join)
            error = db_run(ix->db, SQL_KEYWORD_DROP, V(ix->account), V(mailbox), V_TEXT(name));
    }
    return error;
}

int index_join_set(struct index *ix, uint32_t mailbox, struct slice names, size_t count,
                   uint64_t *ret_set) {
    int64_t set = 0;
    *ret_set = 0;
    if (names.len == 0)
        return 0;
    int found =
        db_number(ix->db, &set, SQL_SET_JOIN, V(ix->account), V(mailbox), V_TEXT(names), V(count));
    if (found == 0) {
        found = db_number(ix->db, &set, SQL_SET_ADD, V(ix->account), V(mailbox), V_TEXT(names),
                          V(count));
        if (found >= 0)
            found = count_names(ix, mailbox, names, true);
    }
    *ret_set = (uint64_t)set;
    return MIN(found, 0);
}

int index_leave_set(struct index *ix, uint32_t mailbox, uint64_t set, size_t count) {
    _cleanup_(buf_done) struct buf names = {0};
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    if (set == 0)
        return 0;
    int error = index_row(ix, &st, SQL_SET_LEAVE, V(ix->account), V(mailbox), V(set), V(count));
    if (error)
        return error == -E_UNKNOWN ? -E_CORRUPT : error;
    bool last = db_i64(st, 0) <= 0;
    if (last)
        buf_add(&names, db_bytes(st, 1));
    error = MIN(db_step(ix->db, st), 0);
    if (error || !last)
        return error;
    error = db_run(ix->db, SQL_SET_DROP, V(ix->account), V(mailbox), V(set));
    return error ? error : count_names(ix, mailbox, buf_slice(&names), false);
}

int index_set_names(struct index *ix, uint32_t mailbox, uint64_t set, struct buf *names) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    if (set == 0)
        return 0;
    int error = index_row(ix, &st, SQL_SET_GET, V(ix->account), V(mailbox), V(set));
    if (!error)
        buf_add(names, db_bytes(st, 0));
    return error == -E_UNKNOWN ? -E_CORRUPT : error;
}

int index_keywords(struct index *ix, uint32_t mailbox, struct buf *names) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int more = db_query(ix->db, &st, SQL_KEYWORD_ALL, V(ix->account), V(mailbox));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1) {
        buf_add(names, db_bytes(st, 0));
        buf_add_byte(names, ' ');
    }
    return more;
}
