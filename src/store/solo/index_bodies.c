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

/* What it does to the sums that a body has as much more of both now as is said. */
static void count_shift(struct index *ix, const struct body_row *now, int64_t entries,
                        int64_t deleted) {
    int64_t entries_before = now->entries - entries, deleted_before = now->deleted - deleted;
    bool only_deleted = now->entries == 0 && now->deleted > 0;
    bool only_deleted_before = entries_before == 0 && deleted_before > 0;
    count_body(ix, (int)(now->entries > 0) - (int)(entries_before > 0), now->size);
    ix->deleted_bytes += ((int)only_deleted - (int)only_deleted_before) * (int64_t)now->size;
}

int index_shift_body(struct index *ix, uint64_t body, int entries, int deleted, bool replay,
                     struct body_row *ret) {
    int error = change_body(ix, SQL_BODY_SHIFT, body, entries, deleted, ret);
    if (error)
        return error;
    count_shift(ix, ret, entries, deleted);
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

/* ------------------------------------------------------------------ many at once */

int index_read_bodies(struct index *ix, uint64_t first, uint64_t last, size_t most,
                      struct buf *to) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    size_t count = 0;
    int more =
        db_query(ix->db, &st, SQL_BODY_RANGE, V(ix->account), V(first), V(last), V(most + 1));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1 && count++ < most) {
        struct body_shift s = {.row = {.body = db_u64(st, 0),
                                       .pack = db_u64(st, 1),
                                       .len = db_i64(st, 2),
                                       .size = db_u64(st, 3),
                                       .entries = db_i64(st, 4),
                                       .deleted = db_i64(st, 5)}};
        buf_add_bytes(to, &s, sizeof s);
    }
    return more < 0 ? more : !more;
}

struct body_shift *index_find_shift(const struct buf *list, uint64_t body) {
    struct body_shift *s = (void *)list->ptr;
    size_t low = 0, high = list->len / sizeof *s;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s[middle].row.body < body)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->len / sizeof *s && s[low].row.body == body ? &s[low] : NULL;
}

static bool goes(const struct body_shift *s) {
    return (s->entries != 0 || s->deleted != 0) && s->row.entries + s->entries == 0 &&
           s->row.deleted + s->deleted == 0;
}

/* The same is done to both. */
static bool shifts_alike(const struct body_shift *a, const struct body_shift *b) {
    return a->entries == b->entries && a->deleted == b->deleted && goes(a) == goes(b);
}

int index_shift_bodies(struct index *ix, const struct buf *list) {
    const struct body_shift *s = (const void *)list->ptr;
    size_t count = list->len / sizeof *s, end;
    int error = 0;
    for (size_t i = 0; !error && i < count; i = end) {
        const struct body_shift *first = &s[i];
        for (end = i; end < count && shifts_alike(first, &s[end]); end++) {
            struct body_row now = s[end].row;
            now.entries += s[end].entries;
            now.deleted += s[end].deleted;
            count_shift(ix, &now, s[end].entries, s[end].deleted);
            if (goes(first) && now.pack)
                pack_delta(ix, now.pack)->alive -= now.len;
        }
        if (first->entries == 0 && first->deleted == 0)
            continue;
        error = goes(first)
                    ? db_run(ix->db, SQL_BODY_DROP_RANGE, V(ix->account), V(first->row.body),
                             V(s[end - 1].row.body))
                    : db_run(ix->db, SQL_BODY_SHIFT_RANGE, V(ix->account), V(first->row.body),
                             V(s[end - 1].row.body), V(first->entries), V(first->deleted));
    }
    return error;
}
