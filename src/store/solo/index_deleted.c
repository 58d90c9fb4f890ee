/* SPDX-License-Identifier: ISC */
/*
 * Removed entries that can be brought back, in mail.db.
 *
 * A row is made of the entry when its removal is taken in. No record tells of it alone then (its
 * pack is 0): the removal and the entry's own records do, in whatever packs they are. Before
 * compaction touches a pack it writes a NOTE_DELETED of each such row, so none depends on records
 * that go. Rows go in the order of their removal: up to a place that every later pack begins with.
 */
#include "store/solo/index_db.h"

/* ------------------------------------------------------------------ taking in */

int index_void_deletion(struct index *ix, uint32_t mailbox, uint32_t uid, uint64_t modseq,
                        bool replay) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    struct body_row row;
    int error = index_row(ix, &st, SQL_DELETED_VOID, V(ix->account), V(mailbox), V(uid), V(modseq));
    if (error)
        return error == -E_UNKNOWN ? 0 : error;
    uint64_t body = db_u64(st, 0);
    error = MIN(db_step(ix->db, st), 0);
    return error ? error : index_shift_body(ix, body, 0, -1, replay, &row);
}

static int take_one(struct index *ix, const struct log_record *r, uint32_t mailbox,
                    const struct note_deletion *d, struct slice keywords, bool replay) {
    struct index_deletion now;
    struct body_row row;
    _cleanup_(buf_done) struct buf unused = {0};
    if (index_is_forgotten(ix, (struct deleted_place){d->modseq, d->uid}))
        return index_void_deletion(ix, mailbox, d->uid, d->modseq, replay);
    int error = index_deletion(ix, mailbox, d->uid, &now, &unused);
    if (error && error != -E_UNKNOWN)
        return error;
    pack_delta(ix, r->pack)->alive += NOTE_DELETION_SIZE;
    if (!error) { /* a replay may have found it in a later removal, of its whole mailbox */
        if (now.pack)
            pack_delta(ix, now.pack)->alive -= NOTE_DELETION_SIZE;
        return db_run(ix->db, SQL_DELETED_PLACE, V(ix->account), V(mailbox), V(d->uid), V(d->flags),
                      V_TEXT(keywords), V(d->modseq), V(d->when), V(r->pack));
    }
    error = db_run(ix->db, SQL_DELETED_ADD, V(ix->account), V(mailbox), V(d->uid), V(d->body),
                   V(d->flags), V_TEXT(keywords), V(d->modseq), V(d->when), V(r->pack));
    if (!error)
        error = db_run(ix->db, SQL_BODY_EXPECT, V(ix->account), V(d->body), V(d->size));
    return error ? error : index_shift_body(ix, d->body, 0, 1, replay, &row);
}

int index_take_deleted(struct index *ix, const struct log_record *r, bool replay) {
    struct note_deleted n;
    _cleanup_(buf_done) struct buf sets = {0};
    int error = note_deleted_decode(log_record_facts(r), &n);
    if (!error)
        note_sets_split(note_sets_decode(n.rest), &sets);
    for (size_t i = 0; !error && i < n.count; i++) {
        struct note_deletion d = note_deleted_at(&n, i);
        error = take_one(ix, r, n.mailbox, &d, note_sets_at(&sets, d.set), replay);
    }
    return error;
}

/* The rows are read and deleted first; what that does to bodies follows. */
int index_forget(struct index *ix, struct deleted_place to, bool replay) {
    _cleanup_(buf_done) struct buf bodies = {0};
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    if (index_is_forgotten(ix, to))
        return 0;
    ix->forgotten = to;
    int more = db_query(ix->db, &st, SQL_DELETED_FORGET, V(ix->account), V(to.modseq), V(to.uid));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1) {
        uint64_t body = db_u64(st, 0), pack = db_u64(st, 1);
        buf_add_bytes(&bodies, &body, sizeof body);
        if (pack)
            pack_delta(ix, pack)->alive -= NOTE_DELETION_SIZE;
    }
    const uint64_t *list = (const void *)bodies.ptr;
    for (size_t i = 0; !more && i < bodies.len / sizeof *list; i++) {
        struct body_row row;
        more = index_shift_body(ix, list[i], 0, -1, replay, &row);
    }
    return more;
}

int index_take_forget(struct index *ix, const struct log_record *r, bool replay) {
    struct note_forget n;
    int error = note_forget_decode(log_record_facts(r), &n);
    return error ? error : index_forget(ix, (struct deleted_place){n.modseq, n.uid}, replay);
}

/* ------------------------------------------------------------------ reading */

static struct index_deletion read_row(sqlite3_stmt *st) {
    return (struct index_deletion){
        .mailbox = (uint32_t)db_u64(st, 0),
        .about = {.uid = (uint32_t)db_u64(st, 1),
                  .size = (uint32_t)db_u64(st, 2),
                  .body = db_u64(st, 3),
                  .modseq = db_u64(st, 4),
                  .when = (usec_t)db_u64(st, 5),
                  .flags = (uint8_t)db_u64(st, 6)},
        .pack = db_u64(st, 7),
        .keywords = db_bytes(st, 8),
    };
}

int index_each_loose(struct index *ix, unsigned most,
                     void (*each)(void *arg, const struct index_deletion *d), void *arg) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int more = db_query(ix->db, &st, SQL_DELETED_LOOSE, V(ix->account), V(most));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1) {
        struct index_deletion d = read_row(st);
        each(arg, &d);
    }
    return more;
}

int index_deletion(struct index *ix, uint32_t mailbox, uint32_t uid, struct index_deletion *ret,
                   struct buf *keywords) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_DELETED_GET, V(ix->account), V(mailbox), V(uid));
    if (error)
        return error;
    *ret = read_row(st);
    buf_add(keywords, ret->keywords);
    ret->keywords = buf_slice(keywords);
    return 0;
}

int index_deleted_of(struct index *ix, uint32_t mailbox) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_DELETED_ANY, V(ix->account), V(mailbox));
    return error == -E_UNKNOWN ? 0 : error ? error : 1;
}

int index_deleted_count(struct index *ix, uint64_t *ret) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_DELETED_COUNT, V(ix->account));
    if (!error)
        *ret = db_u64(st, 0);
    return error;
}

int index_deleted(struct index *ix, struct deleted_place behind, struct backend_deleted *list,
                  size_t size, struct buf *texts, size_t *ret_count) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    size_t count = 0;
    int more = db_query(ix->db, &st, SQL_DELETED_LIST, V(ix->account), V(behind.modseq),
                        V(behind.uid), V(size));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1 && count < size) {
        struct slice keywords = db_bytes(st, 7), name = db_bytes(st, 11);
        list[count++] = (struct backend_deleted){
            .place = {db_u64(st, 4), (uint32_t)db_u64(st, 1)},
            .mailbox = (uint32_t)db_u64(st, 0),
            .size = (uint32_t)db_u64(st, 2),
            .body = db_u64(st, 3),
            .when = (usec_t)db_u64(st, 5),
            .date = (usec_t)db_u64(st, 8),
            .flags = (uint8_t)db_u64(st, 6),
            .entries = (uint32_t)db_u64(st, 9),
            .others = (uint32_t)db_u64(st, 10),
            .name_at = texts->len,
            .name_len = name.len,
            .keywords_at = texts->len + name.len,
            .keywords_len = keywords.len,
        };
        buf_add(texts, name);
        buf_add(texts, keywords);
    }
    *ret_count = count;
    return more;
}
