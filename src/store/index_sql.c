/* SPDX-License-Identifier: ISC */
/*
 * The statements of mail.db. Each is prepared when a handle first needs it and kept.
 *
 * The SQL keeps to what PostgreSQL understands as well: keys begin with the account, numbers are
 * bigint, no sequences and no triggers.
 */
#include "store/index_db.h"

#include <errno.h>

#define KEY " WHERE account_id = ?1"

static const char *const SQL[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",

    [SQL_ACCOUNT_GET] = "SELECT born, modseq, letter_next, mailbox_next, taken_pack, taken_offset,"
                        " pruned, format FROM account" KEY,
    [SQL_ACCOUNT_ADD] = "INSERT INTO account (account_id, format, born, modseq, letter_next,"
                        " mailbox_next, taken_pack, taken_offset, pruned)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
    [SQL_ACCOUNT_SET] = "UPDATE account SET born = ?2, modseq = ?3, letter_next = ?4,"
                        " mailbox_next = ?5, taken_pack = ?6, taken_offset = ?7" KEY,
    [SQL_ACCOUNT_PRUNED] = "UPDATE account SET pruned = ?2" KEY,

    [SQL_MAILBOX_ADD] = "INSERT INTO mailboxes (account_id, mailbox_id, parent_id, name, role,"
                        " uidvalidity, uidnext, modseq, changed, letters, unseen, bytes)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 0, 0, 0)",
    [SQL_MAILBOX_SET] = "UPDATE mailboxes SET parent_id = ?3, name = ?4, role = ?5,"
                        " uidvalidity = ?6, changed = ?7" KEY " AND mailbox_id = ?2",
    [SQL_MAILBOX_GET_MODSEQ] = "SELECT changed FROM mailboxes" KEY " AND mailbox_id = ?2",
    [SQL_MAILBOX_COUNT] =
        "UPDATE mailboxes SET letters = letters + ?3, unseen = unseen + ?4,"
        " bytes = bytes + ?5,"
        " uidnext = CASE WHEN uidnext < ?6 THEN ?6 ELSE uidnext END,"
        " modseq = CASE WHEN modseq < ?7 THEN ?7 ELSE modseq END" KEY " AND mailbox_id = ?2",
    [SQL_MAILBOX_LEAP] = "UPDATE mailboxes SET uidnext = uidnext + ?2" KEY,
    [SQL_MAILBOX_ALL] = "SELECT mailbox_id, parent_id, name, role, uidvalidity, uidnext, modseq,"
                        " letters, unseen, bytes FROM mailboxes" KEY " ORDER BY mailbox_id",

    [SQL_LETTER_ADD] = "INSERT INTO letters (account_id, letter_id, pack, place, body, length,"
                       " size, header_size, body_crc, shape, arrival)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                       " ON CONFLICT (account_id, letter_id) DO NOTHING",
    [SQL_LETTER_GET] = "SELECT pack, place, length, size FROM letters" KEY " AND letter_id = ?2",
    [SQL_LETTER_MOVE] = "UPDATE letters SET pack = ?3, place = ?4, body = ?5, length = ?6" KEY
                        " AND letter_id = ?2",
    [SQL_LETTER_DROP] = "DELETE FROM letters" KEY " AND letter_id = ?2"
                        " RETURNING pack, place, length, size",

    [SQL_ENTRY_ADD] = "INSERT INTO entries (account_id, mailbox_id, uid, letter_id, modseq, flags)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_ENTRY_GET] =
        "SELECT letter_id, flags, modseq FROM entries" KEY " AND mailbox_id = ?2 AND uid = ?3",
    [SQL_ENTRY_SET] =
        "UPDATE entries SET flags = ?4, modseq = ?5" KEY " AND mailbox_id = ?2 AND uid = ?3",
    [SQL_ENTRY_DROP] = "DELETE FROM entries" KEY " AND mailbox_id = ?2 AND uid = ?3"
                       " RETURNING letter_id, flags",
    [SQL_ENTRY_ALL] = "SELECT e.uid, e.flags, e.modseq, e.letter_id, l.pack, l.place, l.body,"
                      " l.size, l.header_size, l.body_crc, l.shape, l.arrival"
                      " FROM entries e JOIN letters l"
                      " ON l.account_id = e.account_id AND l.letter_id = e.letter_id"
                      " WHERE e.account_id = ?1 AND e.mailbox_id = ?2 ORDER BY e.uid",

    [SQL_KEY_ADD] = "INSERT INTO delivered (account_id, delivery_key, arrival, letter_id)"
                    " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (account_id, delivery_key) DO NOTHING",
    [SQL_KEY_GET] = "SELECT letter_id FROM delivered" KEY " AND delivery_key = ?2",
    [SQL_KEY_ALL] = "SELECT delivery_key FROM delivered" KEY,
    [SQL_KEY_PRUNE] = "DELETE FROM delivered" KEY " AND arrival < ?2",

    [SQL_VANISHED_ADD] = "INSERT INTO vanished (account_id, mailbox_id, uid, modseq, pack)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)"
                         " ON CONFLICT (account_id, mailbox_id, uid) DO NOTHING",
    [SQL_VANISHED_GET] = "SELECT pack FROM vanished" KEY " AND mailbox_id = ?2 AND uid = ?3",
    [SQL_VANISHED_PLACE] = "UPDATE vanished SET pack = ?4" KEY " AND mailbox_id = ?2 AND uid = ?3",
    [SQL_VANISHED_GONE] = "UPDATE vanished SET pack = 0" KEY " AND pack = ?2",

    [SQL_PACK_ADD] = "INSERT INTO packs (account_id, pack, bytes, alive, state)"
                     " VALUES (?1, ?2, ?3, ?4, ?5)",
    [SQL_PACK_SET] = "UPDATE packs SET bytes = ?3, state = ?4" KEY " AND pack = ?2",
    [SQL_PACK_COUNT] = "UPDATE packs SET alive = alive + ?3,"
                       " bytes = CASE WHEN bytes < ?4 THEN ?4 ELSE bytes END" KEY " AND pack = ?2",
    [SQL_PACK_STATE] = "UPDATE packs SET state = ?3" KEY " AND pack = ?2",
    [SQL_PACK_DROP] = "DELETE FROM packs" KEY " AND pack = ?2",
    [SQL_PACK_ALL] = "SELECT pack, bytes, alive, state FROM packs" KEY " ORDER BY pack",
};

int index_error(int code) {
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return -E_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -E_BUSY;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_IOERR:
        return -EIO;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return -EACCES;
    case SQLITE_NOMEM:
        return -ENOMEM;
    default:
        return -E_TEMPORARY;
    }
}

/* ------------------------------------------------------------------ statements */

/* A statement that cannot be prepared does not find its tables: the file is not what it says. */
static int prepare(struct index *ix, enum statement id) {
    int code = sqlite3_prepare_v3(ix->db, SQL[id], -1, SQLITE_PREPARE_PERSISTENT,
                                  &ix->statements[id], NULL);
    return code == SQLITE_ERROR ? -E_CORRUPT : index_error(code);
}

static int bind_value(sqlite3_stmt *st, int at, const struct value *v) {
    int len = (int)v->bytes.len;
    const char *bytes = v->bytes.ptr ? v->bytes.ptr : "";
    if (v->kind == 'i')
        return sqlite3_bind_int64(st, at, v->number);
    if (v->kind == 't')
        return sqlite3_bind_text(st, at, bytes, len, SQLITE_STATIC);
    return sqlite3_bind_blob(st, at, bytes, len, SQLITE_STATIC);
}

int index_bind(struct index *ix, enum statement id, const struct value *values, size_t count,
               sqlite3_stmt **ret) {
    int error = ix->statements[id] ? 0 : prepare(ix, id);
    if (error)
        return error;
    sqlite3_stmt *st = ix->statements[id];
    (void)sqlite3_reset(st);
    for (size_t i = 0; i < count && !error; i++)
        error = index_error(bind_value(st, (int)i + 1, &values[i]));
    if (!error)
        *ret = st;
    return error;
}

int index_step(sqlite3_stmt *st) {
    int code = sqlite3_step(st);
    return code == SQLITE_ROW ? 1 : index_error(code);
}

void index_reset(sqlite3_stmt **st) {
    if (*st)
        (void)sqlite3_reset(*st);
}

int index_run_values(struct index *ix, enum statement id, const struct value *values,
                     size_t count) {
    sqlite3_stmt *st;
    int error = index_bind(ix, id, values, count, &st);
    if (error)
        return error;
    error = index_step(st);
    (void)sqlite3_reset(st);
    return MIN(error, 0);
}

int index_row_values(struct index *ix, enum statement id, const struct value *values, size_t count,
                     sqlite3_stmt **ret) {
    sqlite3_stmt *st;
    int found = index_bind(ix, id, values, count, &st);
    if (found)
        return found;
    found = index_step(st);
    if (found == 1) {
        *ret = st;
        return 0;
    }
    (void)sqlite3_reset(st);
    return found < 0 ? found : -E_UNKNOWN;
}

int index_begin(struct index *ix) {
    return index_run_values(ix, SQL_BEGIN, NULL, 0);
}

int index_finish(struct index *ix, int error) {
    if (!error)
        error = index_run_values(ix, SQL_COMMIT, NULL, 0);
    if (error && !sqlite3_get_autocommit(ix->db))
        (void)index_run_values(ix, SQL_ROLLBACK, NULL, 0);
    return error;
}
