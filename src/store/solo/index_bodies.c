/* SPDX-License-Identifier: ISC */
/*
 * The rows of bodies: where each lies, how many entries it has, and how many that can be brought
 * back. All sums over bodies (of the account, and of what is alive in a pack) change here.
 */
#include "store/solo/index_db.h"

static void count_body(struct index *ix, int64_t bodies, uint64_t size) {
    ix->bodies += bodies;
    ix->bytes += bodies * (int64_t)size;
}

void index_note_copy(struct index *ix, const struct log_record *r, uint64_t from) {
    if ((r->flags & NOTE_MOVED) && from && from != r->pack)
        pack_delta(ix, from)->is_half = true;
}

/* The body is known: the record is its newer copy, or the first that was found. */
static int move_body(struct index *ix, const struct log_record *r, const struct body_facts *f) {
    sqlite3_stmt *st;
    int error = index_row(ix, &st, SQL_BODY_GET, V(ix->account), V(f->body));
    if (error)
        return error;
    if (db_u64(st, 0))
        pack_delta(ix, db_u64(st, 0))->alive -= db_i64(st, 2);
    index_note_copy(ix, r, db_u64(st, 0));
    db_reset(&st);
    pack_delta(ix, r->pack)->alive += (int64_t)r->len;
    return db_run(ix->db, SQL_BODY_MOVE, V(ix->account), V(f->body), V(r->pack), V(r->place.offset),
                  V(r->place.body), V(r->len), V(r->place.body_len), V(f->header_size),
                  V(r->place.body_crc), V(f->shape), V(f->arrival));
}

int index_put_body(struct index *ix, const struct log_record *r, const struct body_facts *f,
                   int entries, bool *ret_new) {
    int error =
        db_run(ix->db, SQL_BODY_ADD, V(ix->account), V(f->body), V(r->pack), V(r->place.offset),
               V(r->place.body), V(r->len), V(r->place.body_len), V(f->header_size),
               V(r->place.body_crc), V(f->shape), V(f->arrival), V(entries));
    if (error)
        return error;
    *ret_new = db_changes(ix->db) > 0;
    if (!*ret_new)
        return move_body(ix, r, f);
    pack_delta(ix, r->pack)->alive += (int64_t)r->len;
    count_body(ix, entries, r->place.body_len);
    return 0;
}

/* Runs a statement about one body that returns its row as it was left. -E_UNKNOWN: there was none.
 */
static int change_body(struct index *ix, const char *sql, uint64_t body, int entries, int deleted,
                       struct body_row *ret) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = sql == SQL_BODY_SHIFT
                    ? index_row(ix, &st, sql, V(ix->account), V(body), V(entries), V(deleted))
                    : index_row(ix, &st, sql, V(ix->account), V(body));
    if (error)
        return error;
    *ret = (struct body_row){body,          db_u64(st, 0), db_i64(st, 1),
                             db_u64(st, 2), db_i64(st, 3), db_i64(st, 4)};
    return MIN(db_step(ix->db, st), 0);
}

int index_shift_body(struct index *ix, uint64_t body, int entries, int deleted, bool replay,
                     struct body_row *ret) {
    int error = change_body(ix, SQL_BODY_SHIFT, body, entries, deleted, ret);
    if (error)
        return error;
    int64_t entries_before = ret->entries - entries, deleted_before = ret->deleted - deleted;
    bool only_deleted = ret->entries == 0 && ret->deleted > 0;
    bool only_deleted_before = entries_before == 0 && deleted_before > 0;
    count_body(ix, (int)(ret->entries > 0) - (int)(entries_before > 0), ret->size);
    ix->deleted_bytes += ((int)only_deleted - (int)only_deleted_before) * (int64_t)ret->size;
    if (replay || ret->entries > 0 || ret->deleted > 0)
        return 0;
    if (ret->pack)
        pack_delta(ix, ret->pack)->alive -= ret->len;
    return db_run(ix->db, SQL_BODY_DROP, V(ix->account), V(body));
}

int index_join_body(struct index *ix, uint64_t body) {
    struct body_row row;
    return index_shift_body(ix, body, 1, 0, true, &row);
}

int index_leave_body(struct index *ix, uint64_t body, bool kept, bool replay,
                     struct body_row *ret) {
    int error = replay || kept ? -E_UNKNOWN : change_body(ix, SQL_BODY_DROP_LAST, body, 0, 0, ret);
    if (error == 0) {
        if (ret->pack)
            pack_delta(ix, ret->pack)->alive -= ret->len;
        count_body(ix, -1, ret->size);
    }
    if (error != -E_UNKNOWN)
        return error;
    error = index_shift_body(ix, body, -1, kept, replay, ret);
    return error == -E_UNKNOWN ? -E_CORRUPT : error;
}
