/* SPDX-License-Identifier: ISC */
/*
 * What is read from mail.db, and the few rows that change without a record.
 */
#include "store/solo/index_db.h"

bool index_is_new(const struct index *ix) {
    return ix->is_new;
}

int index_account(const struct index *ix, struct index_account *ret) {
    if (!ix->known)
        return -E_UNKNOWN;
    *ret = ix->row;
    return 0;
}

struct index_mark index_mark(const struct index *ix) {
    return ix->known ? ix->row.mark : (struct index_mark){0};
}

int index_each_mailbox(struct index *ix, void (*each)(void *arg, const struct backend_mailbox *m),
                       void *arg) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int more = db_query(ix->db, &st, SQL_MAILBOX_ALL, V(ix->account));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1) {
        struct backend_mailbox m = {
            .info = {.mailbox = (uint32_t)db_u64(st, 0),
                     .parent = (uint32_t)db_u64(st, 1),
                     .name = db_bytes(st, 2),
                     .role = (uint32_t)db_u64(st, 3),
                     .uidvalidity = (uint32_t)db_u64(st, 4),
                     .uidnext = (uint32_t)db_u64(st, 5),
                     .modseq = db_u64(st, 6)},
            .messages = db_u64(st, 7),
            .unseen = db_u64(st, 8),
            .bytes = db_u64(st, 9),
        };
        each(arg, &m);
    }
    return more;
}

int index_mailbox_gone(struct index *ix, uint32_t mailbox) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_MAILBOX_GET, V(ix->account), V(mailbox));
    return error == -E_UNKNOWN ? 0 : error ? error : db_u64(st, 1) > 0;
}

int index_each_pack(struct index *ix, void (*each)(void *arg, const struct index_pack *p),
                    void *arg) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int more = db_query(ix->db, &st, SQL_PACK_ALL, V(ix->account));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1) {
        struct index_pack p = {
            .pack = db_u64(st, 0),
            .end = db_u64(st, 1),
            .alive = db_u64(st, 2),
            .state = (enum index_pack_state)db_u64(st, 3),
        };
        each(arg, &p);
    }
    return more;
}

/* The sets that were met while entries are read, by their numbers, and their lines. */
struct met_set {
    uint64_t set;
    uint32_t line;
};

/* The line of a set, whose text is added when it is met first. */
static int line_of(struct index *ix, uint32_t mailbox, uint64_t set, struct buf *met,
                   struct buf *sets, uint32_t *ret_line) {
    const struct met_set *list = (const void *)met->ptr;
    size_t count = met->len / sizeof *list, low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle].set < set)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < count && list[low].set == set) {
        *ret_line = list[low].line;
        return 0;
    }
    struct met_set new = {set, (uint32_t)count + 1};
    int error = index_set_names(ix, mailbox, set, sets);
    if (error)
        return error;
    buf_add_byte(sets, '\n');
    buf_add_bytes(met, &new, sizeof new);
    struct met_set *at = (struct met_set *)(void *)met->ptr + low;
    memmove(at + 1, at, (count - low) * sizeof new);
    *at = new;
    *ret_line = new.line;
    return 0;
}

int index_load(struct index *ix, uint32_t mailbox, uint32_t above, struct store_entry *entries,
               size_t size, struct buf *sets, size_t *ret_count) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    _cleanup_(buf_done) struct buf met = {0};
    size_t count = 0;
    int more = db_query(ix->db, &st, SQL_ENTRY_LOAD, V(ix->account), V(mailbox), V(above), V(size));
    if (more)
        return more;
    while (count < size && sets->len < BACKEND_SETS && (more = db_step(ix->db, st)) == 1) {
        uint64_t set = db_u64(st, 8);
        uint32_t line = 0;
        int error = set ? line_of(ix, mailbox, set, &met, sets, &line) : 0;
        if (error)
            return error;
        entries[count++] = (struct store_entry){
            .uid = (uint32_t)db_u64(st, 0),
            .flags = (uint8_t)(db_u64(st, 1) | (db_u64(st, 7) > 1 ? ENTRY_SHARED : 0U)),
            .modseq = db_u64(st, 2) & STORE_MODSEQ_MAX,
            .body = db_u64(st, 3) & STORE_BODY_MAX,
            .size = (uint32_t)db_u64(st, 4),
            .shape = (uint8_t)db_u64(st, 5),
            .date = db_u64(st, 6) & STORE_MODSEQ_MAX,
            .keywords = line & STORE_SET_MAX,
        };
    }
    *ret_count = count;
    return MIN(more, 0);
}

int index_each_key(struct index *ix, void (*each)(void *arg, struct slice key), void *arg) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int more = db_query(ix->db, &st, SQL_KEY_ALL, V(ix->account));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1)
        each(arg, db_bytes(st, 0));
    return more;
}

int index_find_key(struct index *ix, struct slice key, uint64_t *ret_body) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_KEY_GET, V(ix->account), V_BYTES(key));
    if (!error)
        *ret_body = db_u64(st, 0);
    return error;
}

int index_body(struct index *ix, uint64_t body, uint64_t *ret_pack, uint64_t *ret_offset) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_BODY_GET, V(ix->account), V(body));
    if (error)
        return error;
    *ret_pack = db_u64(st, 0);
    *ret_offset = db_u64(st, 1);
    return 0;
}

int index_body_entries(struct index *ix, uint64_t body, uint32_t *ret_entries) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_BODY_ENTRIES, V(ix->account), V(body));
    if (!error)
        *ret_entries = (uint32_t)db_u64(st, 0);
    return error;
}

int index_places(struct index *ix, uint64_t body, struct index_place *places, size_t size,
                 size_t *ret_count) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    size_t count = 0;
    int more = db_query(ix->db, &st, SQL_BODY_PLACES, V(ix->account), V(body), V(size));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1 && count < size)
        places[count++] = (struct index_place){
            .body = db_u64(st, 0),
            .pack = db_u64(st, 1),
            .offset = db_u64(st, 2),
            .size = (uint32_t)db_u64(st, 3),
            .crc = (uint32_t)db_u64(st, 4),
        };
    *ret_count = count;
    return more;
}

int index_newest_body(struct index *ix, uint64_t up_to, struct store_body *ret) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_BODY_NEWEST, V(ix->account), V(MIN(up_to, INT64_MAX)));
    if (!error)
        *ret = (struct store_body){db_u64(st, 0), (uint32_t)db_u64(st, 1), (uint32_t)db_u64(st, 2)};
    return error;
}

int index_count_bodies(struct index *ix, uint64_t up_to, uint64_t *ret_count, uint64_t *ret_above) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_BODY_COUNT, V(ix->account), V(MIN(up_to, INT64_MAX)));
    if (error)
        return error;
    *ret_above = db_u64(st, 1);
    *ret_count = db_u64(st, 0) - *ret_above;
    return 0;
}

int index_entry(struct index *ix, uint32_t mailbox, uint32_t uid, struct index_entry *ret) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_ENTRY_GET, V(ix->account), V(mailbox), V(uid));
    if (!error)
        *ret = (struct index_entry){.body = db_u64(st, 0),
                                    .flags = db_u64(st, 1),
                                    .modseq = db_u64(st, 2),
                                    .pack = db_u64(st, 3),
                                    .keywords = db_u64(st, 4)};
    return error;
}

int index_saved(struct index *ix, uint32_t mailbox, const uint32_t *uids, size_t count,
                uint32_t *saved) {
    for (size_t i = 0; i < count; i++) {
        _cleanup_(db_reset) sqlite3_stmt *st = NULL;
        int error = index_row(ix, &st, SQL_ENTRY_SAVED, V(ix->account), V(mailbox), V(uids[i]));
        if (error && error != -E_UNKNOWN)
            return error;
        saved[i] = error ? 0 : (uint32_t)db_u64(st, 0);
    }
    return 0;
}

int index_vanished(struct index *ix, uint32_t mailbox, uint32_t uid, uint64_t *ret_pack) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_VANISHED_GET, V(ix->account), V(mailbox), V(uid));
    if (!error)
        *ret_pack = db_u64(st, 0);
    return error;
}

int index_set_pack(struct index *ix, const struct index_pack *p) {
    int error = db_run(ix->db, SQL_PACK_SET, V(ix->account), V(p->pack), V(p->end), V(p->state));
    if (error || db_changes(ix->db) > 0)
        return error;
    return db_run(ix->db, SQL_PACK_ADD, V(ix->account), V(p->pack), V(p->end), V(p->alive),
                  V(p->state));
}

int index_forget_pack(struct index *ix, uint64_t pack) {
    int error = db_run(ix->db, SQL_MAILBOX_FORGET, V(ix->account), V(pack));
    if (!error)
        error = db_run(ix->db, SQL_PROPERTY_FORGET, V(ix->account), V(pack));
    return error ? error : db_run(ix->db, SQL_PACK_DROP, V(ix->account), V(pack));
}
