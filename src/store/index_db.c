/* SPDX-License-Identifier: ISC */
/*
 * mail.db: opening it, its schema, its statements.
 *
 * One process owns the file, so it is locked for good at the first use (locking_mode=EXCLUSIVE):
 * no lock calls and no shared memory afterwards, and a second process gets -E_BUSY. Commits are not
 * synced (synchronous=NORMAL syncs at checkpoints only, which keeps the file whole): the packs hold
 * what the last transactions held.
 *
 * The SQL keeps to what PostgreSQL understands as well: keys begin with the account, numbers are
 * bigint, no sequences and no triggers. WITHOUT ROWID only says that rows are stored in their key's
 * order. Therefore `entries`, narrow and in UID order, is its own covering index for flags.
 */
#include "store/index_db.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"

#define FORMAT 1

/* Outside the transaction: these decide how the file is used, not what is in it. */
static const char PRAGMAS[] = "PRAGMA locking_mode=EXCLUSIVE;"
                              "PRAGMA journal_mode=WAL;"
                              "PRAGMA synchronous=NORMAL;"
                              "PRAGMA cache_size=-1024;"
                              "PRAGMA temp_store=MEMORY;"
                              "PRAGMA journal_size_limit=0;";

/*
 * A checkpoint costs two syncs. It is made when the log is this long; and when the handle is
 * closed, unless the log is so short that reading it again at the next opening is cheaper.
 */
#define WAL_CHECKPOINT 512
#define WAL_KEEP       64

static const char SCHEMA[] =
    "CREATE TABLE account (account_id bigint NOT NULL PRIMARY KEY, format bigint NOT NULL,"
    " born bigint NOT NULL, modseq bigint NOT NULL, letter_next bigint NOT NULL,"
    " mailbox_next bigint NOT NULL, taken_pack bigint NOT NULL, taken_offset bigint NOT NULL,"
    " pruned bigint NOT NULL) WITHOUT ROWID;"

    "CREATE TABLE mailboxes (account_id bigint NOT NULL, mailbox_id bigint NOT NULL,"
    " parent_id bigint NOT NULL, name text NOT NULL, role bigint NOT NULL,"
    " uidvalidity bigint NOT NULL, uidnext bigint NOT NULL, modseq bigint NOT NULL,"
    " changed bigint NOT NULL, letters bigint NOT NULL, unseen bigint NOT NULL,"
    " bytes bigint NOT NULL, PRIMARY KEY (account_id, mailbox_id)) WITHOUT ROWID;"

    "CREATE TABLE letters (account_id bigint NOT NULL, letter_id bigint NOT NULL,"
    " pack bigint NOT NULL, place bigint NOT NULL, body bigint NOT NULL, length bigint NOT NULL,"
    " size bigint NOT NULL, header_size bigint NOT NULL, body_crc bigint NOT NULL,"
    " shape bigint NOT NULL, arrival bigint NOT NULL,"
    " PRIMARY KEY (account_id, letter_id)) WITHOUT ROWID;"

    "CREATE TABLE entries (account_id bigint NOT NULL, mailbox_id bigint NOT NULL,"
    " uid bigint NOT NULL, letter_id bigint NOT NULL, modseq bigint NOT NULL,"
    " flags bigint NOT NULL, PRIMARY KEY (account_id, mailbox_id, uid)) WITHOUT ROWID;"

    "CREATE TABLE delivered (account_id bigint NOT NULL, delivery_key bytea NOT NULL,"
    " arrival bigint NOT NULL, letter_id bigint NOT NULL,"
    " PRIMARY KEY (account_id, delivery_key)) WITHOUT ROWID;"

    "CREATE TABLE vanished (account_id bigint NOT NULL, mailbox_id bigint NOT NULL,"
    " uid bigint NOT NULL, modseq bigint NOT NULL, pack bigint NOT NULL,"
    " PRIMARY KEY (account_id, mailbox_id, uid)) WITHOUT ROWID;"

    "CREATE TABLE packs (account_id bigint NOT NULL, pack bigint NOT NULL, bytes bigint NOT NULL,"
    " alive bigint NOT NULL, state bigint NOT NULL,"
    " PRIMARY KEY (account_id, pack)) WITHOUT ROWID;";

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

/* ------------------------------------------------------------------ opening */

int index_read_account(struct index *ix) {
    _cleanup_(index_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, SQL_ACCOUNT_GET, &st, V(ix->account));
    ix->known = error == 0;
    if (error)
        return error == -E_UNKNOWN ? 0 : error;
    if (column(st, 7) > FORMAT)
        return -E_VERSION;
    ix->row = (struct index_account){
        .born = (usec_t)column(st, 0),
        .modseq = column(st, 1),
        .letter_next = column(st, 2),
        .mailbox_next = (uint32_t)column(st, 3),
        .mark = {column(st, 4), column(st, 5)},
        .pruned = (usec_t)column(st, 6),
    };
    return 0;
}

static int read_version(sqlite3 *db, int *ret) {
    sqlite3_stmt *st;
    int code = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);
    if (code != SQLITE_OK)
        return index_error(code);
    code = sqlite3_step(st);
    if (code == SQLITE_ROW)
        *ret = sqlite3_column_int(st, 0);
    (void)sqlite3_finalize(st);
    return index_error(code);
}

static int make_schema(sqlite3 *db) {
    char version[64];
    (void)snprintf(version, sizeof version, "PRAGMA user_version=%d;", FORMAT);
    const char *const steps[] = {"BEGIN IMMEDIATE", SCHEMA, version, "COMMIT"};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int code = sqlite3_exec(db, steps[i], NULL, NULL, NULL);
        if (code != SQLITE_OK)
            return index_error(code);
    }
    return 0;
}

static int after_commit(void *arg, sqlite3 *db, const char *name, int pages) {
    struct index *ix = arg;
    ix->wal_pages = pages;
    if (pages >= WAL_CHECKPOINT &&
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
        ix->wal_pages = 0;
    return SQLITE_OK;
}

/* Memory of a handle: small lookaside (Debian's default is 120 KiB), and the WAL file is kept. */
static void set_up(struct index *ix) {
    sqlite3 *db = ix->db;
    int keep = 1;
    (void)sqlite3_wal_hook(db, after_commit, ix);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 256, 64);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_file_control(db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
    (void)sqlite3_extended_result_codes(db, 1);
}

static int open_database(struct index *ix, const char *path) {
    int code = sqlite3_open_v2(
        path, &ix->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return index_error(code);
    set_up(ix);
    code = sqlite3_exec(ix->db, PRAGMAS, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return index_error(code);
    int version = 0;
    int error = read_version(ix->db, &version);
    if (!error && version > FORMAT)
        error = -E_VERSION;
    ix->is_new = version == 0;
    if (!error && ix->is_new)
        error = make_schema(ix->db);
    return error ? error : index_read_account(ix);
}

int index_open(const char *path, uint64_t account, struct index **ret, struct problem *problem) {
    _cleanup_(index_close_p) struct index *ix = NEW(struct index);
    ix->account = account;
    int error = open_database(ix, path);
    if (error)
        return problem_set(problem, error, "%s: %s", path,
                           ix->db && error != -E_VERSION ? sqlite3_errmsg(ix->db)
                                                         : error_text(error));
    *ret = TAKE_PTR(ix);
    return 0;
}

void index_close(struct index *ix) {
    if (!ix)
        return;
    for (size_t i = 0; i < SQL_STATEMENTS; i++)
        (void)sqlite3_finalize(ix->statements[i]);
    if (ix->wal_pages < WAL_KEEP)
        (void)sqlite3_db_config(ix->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_close(ix->db);
    for (size_t i = 0; i < ix->box_size; i++)
        buf_done(&ix->boxes[i].name);
    free(ix->boxes);
    free(ix->packs);
    free(ix);
}
