/* SPDX-License-Identifier: ISC */
/*
 * What is forgotten: delivery keys, and what vanished from mailboxes (RFC 7162 §3.2.5) when it is
 * old, or too much of it is younger. A client that was away for longer compares all UIDs.
 *
 * Rows of `vanished` have no time; `moments` says which MODSEQ the account had at each pruning. A
 * row stays as long as a pack could bring its entry back, since compaction and replay need it then;
 * and all do while a damaged pack is kept, of which nobody knows what it holds.
 */
#include "store/solo/index_db.h"

#define AT_ONCE 20000 /* rows that are forgotten in one go */

static const char SQL_MOMENT_ADD[] = "INSERT INTO moments (account_id, moment, modseq)"
                                     " VALUES (?1, ?2, ?3)"
                                     " ON CONFLICT (account_id, moment) DO NOTHING";
static const char SQL_MOMENT_GET[] = "SELECT modseq FROM moments WHERE account_id = ?1"
                                     " AND moment <= ?2 ORDER BY moment DESC LIMIT 1";
static const char SQL_MOMENT_DROP[] = "DELETE FROM moments WHERE account_id = ?1 AND moment < ?2"
                                      " AND modseq < ?3";
static const char SQL_NEWER[] = "SELECT modseq FROM vanished WHERE account_id = ?1"
                                " AND mailbox_id = ?2 ORDER BY modseq DESC LIMIT 1 OFFSET ?3";
static const char SQL_OLDEST[] =
    "SELECT max(modseq), count(*) FROM (SELECT modseq FROM vanished WHERE account_id = ?1"
    " AND mailbox_id = ?2 AND modseq <= ?3 AND pack = 0 ORDER BY modseq LIMIT ?4)";
static const char SQL_DROP[] = "DELETE FROM vanished WHERE account_id = ?1 AND mailbox_id = ?2"
                               " AND modseq <= ?3 AND pack = 0";
static const char SQL_FORGOTTEN[] =
    "SELECT forgotten FROM mailboxes WHERE account_id = ?1 AND mailbox_id = ?2";
static const char SQL_FORGET[] = "UPDATE mailboxes SET forgotten = ?3 WHERE account_id = ?1"
                                 " AND mailbox_id = ?2 AND forgotten < ?3";
static const char SQL_FORGET_ALL[] =
    "UPDATE mailboxes SET forgotten = CASE WHEN modseq < ?2 THEN modseq ELSE ?2 END"
    " WHERE account_id = ?1 AND forgotten < ?2";
static const char SQL_RAISE_ALL[] =
    "UPDATE mailboxes SET modseq = ?2 WHERE account_id = ?1 AND modseq < ?2";
static const char SQL_BOXES[] = "SELECT mailbox_id FROM mailboxes WHERE account_id = ?1";
static const char SQL_DAMAGED[] = "SELECT 1 FROM packs WHERE account_id = ?1 AND state = ?2";

/* Forgets what vanished from a mailbox up to a MODSEQ. 1: there is more. */
static int forget_old(struct index *ix, uint32_t mailbox, uint64_t modseq) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_OLDEST, V(ix->account), V(mailbox), V(modseq), V(AT_ONCE));
    if (error)
        return error;
    uint64_t last = db_u64(st, 0), count = db_u64(st, 1);
    error = MIN(db_step(ix->db, st), 0);
    if (error || count == 0)
        return error;
    error = db_run(ix->db, SQL_FORGET, V(ix->account), V(mailbox), V(last));
    if (!error)
        error = db_run(ix->db, SQL_DROP, V(ix->account), V(mailbox), V(last));
    return error ? error : count == AT_ONCE;
}

/* 1: there is more to forget than is done at once. */
static int prune_vanished(struct index *ix, const struct index_pruning *how) {
    _cleanup_(buf_done) struct buf boxes = {0};
    int64_t old = 0, damaged = 0;
    int found = db_number(ix->db, &damaged, SQL_DAMAGED, V(ix->account), V(INDEX_PACK_DAMAGED));
    if (found)
        return MIN(found, 0);
    usec_t before = how->now - how->vanished_age;
    int error = db_number(ix->db, &old, SQL_MOMENT_GET, V(ix->account), V(before));
    if (error >= 0)
        error = db_run(ix->db, SQL_MOMENT_DROP, V(ix->account), V(before), V(old));
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    if (!error)
        error = db_query(ix->db, &st, SQL_BOXES, V(ix->account));
    if (!error)
        error = index_read_numbers(ix, st, &boxes);
    bool more = false;
    const uint32_t *list = (const void *)boxes.ptr;
    for (size_t i = 0; error >= 0 && i < boxes.len / sizeof *list; i++) {
        int64_t most = 0;
        error =
            db_number(ix->db, &most, SQL_NEWER, V(ix->account), V(list[i]), V(how->vanished_max));
        if (error >= 0)
            error = forget_old(ix, list[i], (uint64_t)MAX(old, most));
        more |= error > 0;
    }
    return error < 0 ? error : more;
}

static int prune(struct index *ix, const struct index_pruning *how, usec_t *ret_pruned) {
    int error = db_run(ix->db, SQL_MOMENT_ADD, V(ix->account), V(how->now), V(ix->row.modseq));
    if (!error)
        error = db_run(ix->db, SQL_KEY_PRUNE, V(ix->account), V(how->keys_before));
    int more = error ? error : prune_vanished(ix, how);
    if (more < 0)
        return more;
    *ret_pruned = more ? ix->row.pruned : how->now;
    return db_run(ix->db, SQL_ACCOUNT_PRUNED, V(ix->account), V(*ret_pruned));
}

int index_prune(struct index *ix, const struct index_pruning *how) {
    usec_t pruned = 0;
    int error = db_begin(ix->db);
    if (!error)
        error = index_end(ix, prune(ix, how, &pruned));
    if (!error)
        ix->row.pruned = pruned;
    return error;
}

int index_forget_vanished(struct index *ix, uint64_t modseq, bool lost) {
    int error = lost ? db_run(ix->db, SQL_RAISE_ALL, V(ix->account), V(modseq)) : 0;
    return error ? error : db_run(ix->db, SQL_FORGET_ALL, V(ix->account), V(modseq));
}

int index_vanished_since(struct index *ix, uint32_t mailbox, uint64_t modseq, struct buf *uids) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int64_t forgotten = 0;
    int more = db_number(ix->db, &forgotten, SQL_FORGOTTEN, V(ix->account), V(mailbox));
    if (more < 0)
        return more;
    if (modseq < (uint64_t)forgotten)
        return -E_LIMIT;
    more = db_query(ix->db, &st, SQL_VANISHED_SINCE, V(ix->account), V(mailbox), V(modseq));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1) {
        uint32_t uid = (uint32_t)db_u64(st, 0);
        buf_add_bytes(uids, &uid, sizeof uid);
    }
    return more;
}
