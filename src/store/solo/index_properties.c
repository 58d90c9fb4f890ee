/* SPDX-License-Identifier: ISC */
/*
 * Properties in mail.db. One that was removed keeps its row without value as long as an older pack
 * may still say that it is set.
 */
#include "store/solo/index_db.h"

/* Bytes of a property's record in a pack: they count as alive as long as the row points there. */
static int64_t weight(size_t name, size_t value) {
    return (int64_t)(PACK_HEAD + NOTE_PROPERTY_SIZE + name + value + PACK_END);
}

int index_property_place(struct index *ix, uint32_t mailbox, uint32_t kind, struct slice name,
                         struct index_property *ret) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error =
        index_row(ix, &st, SQL_PROPERTY_GET, V(ix->account), V(mailbox), V(kind), V_BYTES(name));
    if (!error)
        *ret = (struct index_property){.pack = db_u64(st, 2),
                                       .modseq = db_u64(st, 1),
                                       .is_set = sqlite3_column_type(st, 0) != SQLITE_NULL,
                                       .size = db_u64(st, 3)};
    return error;
}

int index_take_property(struct index *ix, const struct log_record *r, bool replay) {
    struct note_property n;
    struct index_property now;
    int error = note_property_decode(log_record_facts(r), &n);
    int gone = error || !n.mailbox ? 0 : index_mailbox_gone(ix, n.mailbox);
    if (error || gone)
        return error ? error : MIN(gone, 0);
    if (n.mailbox) {
        struct index_box_delta *d = box_delta(ix, n.mailbox);
        d->modseq = MAX(d->modseq, n.modseq);
    }
    error = index_property_place(ix, n.mailbox, n.kind, n.name, &now);
    if (!error && now.modseq > n.modseq)
        return 0;
    if (error && error != -E_UNKNOWN)
        return error;
    if (!error)
        pack_delta(ix, now.pack)->alive -= weight(n.name.len, now.size);
    pack_delta(ix, r->pack)->alive += weight(n.name.len, n.value.len);
    return db_run(ix->db, error ? SQL_PROPERTY_ADD : SQL_PROPERTY_SET, V(ix->account), V(n.mailbox),
                  V(n.kind), V_BYTES(n.name), n.is_set ? V_BYTES(n.value) : V_NULL, V(n.modseq),
                  V(r->pack));
}

int index_drop_properties(struct index *ix, uint32_t mailbox) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int more = db_query(ix->db, &st, SQL_PROPERTY_DROP, V(ix->account), V(mailbox));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1)
        pack_delta(ix, db_u64(st, 0))->alive -= weight(db_u64(st, 1), db_u64(st, 2));
    return more;
}

int index_each_property(struct index *ix, void (*each)(void *arg, const struct record_property *p),
                        void *arg) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int more = db_query(ix->db, &st, SQL_PROPERTY_ALL, V(ix->account), V(RECORD_VALUE_SMALL));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1) {
        struct record_property p = {
            .mailbox = (uint32_t)db_u64(st, 0),
            .kind = (uint32_t)db_u64(st, 1),
            .name = db_bytes(st, 2),
            .modseq = db_u64(st, 3),
            .is_set = sqlite3_column_type(st, 4) != SQLITE_NULL,
            .size = (uint32_t)db_u64(st, 4),
            .value = db_bytes(st, 5),
        };
        each(arg, &p);
    }
    return more;
}

int index_property(struct index *ix, uint32_t mailbox, uint32_t kind, struct slice name,
                   struct buf *value) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error =
        index_row(ix, &st, SQL_PROPERTY_GET, V(ix->account), V(mailbox), V(kind), V_BYTES(name));
    if (!error && sqlite3_column_type(st, 0) == SQLITE_NULL)
        return -E_UNKNOWN;
    if (!error)
        buf_add(value, db_bytes(st, 0));
    return error;
}
