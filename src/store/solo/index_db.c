/* SPDX-License-Identifier: ISC */
/*
 * mail.db: its schema, and opening it.
 *
 * One process owns the file, so it is locked for good at the first use (locking_mode=EXCLUSIVE):
 * no lock calls and no shared memory afterwards, and a second process gets -E_BUSY. Commits are not
 * synced (synchronous=NORMAL syncs at checkpoints only, which keeps the file whole): the packs hold
 * what the last transactions held.
 *
 * A new account's file is a copy of a blank one that is made once in memory: letting SQLite make
 * the tables in each would cost eight syncs and a millisecond.
 *
 * WITHOUT ROWID says that rows are stored in their key's order: `entries`, narrow and in UID order,
 * is its own covering index for flags.
 */
#include "store/solo/index_db.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/write.h"

/* In the head of a database file: whether it is used with a write-ahead log. */
#define AT_WRITE_VERSION 18
#define AT_READ_VERSION  19
#define VERSION_WAL      2

/*
 * A checkpoint costs two syncs. It is made when the log is this long; and when the handle is
 * closed, unless the log is so short that reading it again at the next opening is cheaper.
 */
#define WAL_CHECKPOINT 512
#define WAL_KEEP       64

static const char *const STEPS[] = {
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
    " PRIMARY KEY (account_id, pack)) WITHOUT ROWID;",

    /* A body is one thing, its entries in mailboxes are others. */
    "ALTER TABLE letters RENAME TO bodies;"
    "ALTER TABLE bodies RENAME COLUMN letter_id TO body_id;"
    "ALTER TABLE bodies ADD COLUMN entries bigint NOT NULL DEFAULT 1;"
    "ALTER TABLE entries RENAME COLUMN letter_id TO body_id;"
    "ALTER TABLE entries ADD COLUMN pack bigint NOT NULL DEFAULT 0;"
    "ALTER TABLE delivered RENAME COLUMN letter_id TO body_id;"
    "ALTER TABLE mailboxes RENAME COLUMN letters TO messages;"
    "ALTER TABLE account RENAME COLUMN letter_next TO body_next;"
    "ALTER TABLE account ADD COLUMN bodies bigint NOT NULL DEFAULT 0;"
    "ALTER TABLE account ADD COLUMN bytes bigint NOT NULL DEFAULT 0;"
    "UPDATE account SET bodies = (SELECT count(*) FROM bodies),"
    " bytes = (SELECT coalesce(sum(size), 0) FROM bodies);",

    /* Keywords; what vanished is found by its MODSEQ, and forgotten when it is old. */
    "ALTER TABLE entries ADD COLUMN keywords bigint NOT NULL DEFAULT 0;"
    "CREATE TABLE keyword_sets (account_id bigint NOT NULL, mailbox_id bigint NOT NULL,"
    " set_id bigint NOT NULL, names text NOT NULL, entries bigint NOT NULL,"
    " PRIMARY KEY (account_id, mailbox_id, set_id)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX keyword_sets_names ON keyword_sets (account_id, mailbox_id, names);"
    "CREATE TABLE keywords (account_id bigint NOT NULL, mailbox_id bigint NOT NULL,"
    " name text NOT NULL, sets bigint NOT NULL,"
    " PRIMARY KEY (account_id, mailbox_id, name)) WITHOUT ROWID;"
    "ALTER TABLE mailboxes ADD COLUMN forgotten bigint NOT NULL DEFAULT 0;"
    "UPDATE mailboxes SET forgotten = modseq;"
    "CREATE INDEX vanished_modseq ON vanished (account_id, mailbox_id, modseq);"
    "CREATE TABLE moments (account_id bigint NOT NULL, moment bigint NOT NULL,"
    " modseq bigint NOT NULL, PRIMARY KEY (account_id, moment)) WITHOUT ROWID;"

    /* A mailbox that was removed: the pack in which its record lies. Named values of mailboxes, and
     * of the account as mailbox 0. What was removed and can be brought back. */
    "ALTER TABLE mailboxes ADD COLUMN gone bigint NOT NULL DEFAULT 0;"
    "CREATE TABLE properties (account_id bigint NOT NULL, mailbox_id bigint NOT NULL,"
    " kind bigint NOT NULL, name bytea NOT NULL, value bytea, modseq bigint NOT NULL,"
    " pack bigint NOT NULL, PRIMARY KEY (account_id, mailbox_id, kind, name)) WITHOUT ROWID;"
    "CREATE TABLE deleted (account_id bigint NOT NULL, mailbox_id bigint NOT NULL,"
    " uid bigint NOT NULL, body_id bigint NOT NULL, flags bigint NOT NULL, keywords text NOT NULL,"
    " modseq bigint NOT NULL, deleted_at bigint NOT NULL, pack bigint NOT NULL,"
    " PRIMARY KEY (account_id, mailbox_id, uid)) WITHOUT ROWID;"
    "CREATE INDEX deleted_modseq ON deleted (account_id, modseq, uid);"
    "CREATE INDEX deleted_loose ON deleted (account_id) WHERE pack = 0;"
    "ALTER TABLE bodies ADD COLUMN deleted bigint NOT NULL DEFAULT 0;"
    "ALTER TABLE account ADD COLUMN forgotten_modseq bigint NOT NULL DEFAULT 0;"
    "ALTER TABLE account ADD COLUMN forgotten_uid bigint NOT NULL DEFAULT 0;"
    "ALTER TABLE account ADD COLUMN deleted_bytes bigint NOT NULL DEFAULT 0;",

    /* When messages came to their mailboxes, in seconds; 0: not known. */
    "ALTER TABLE entries ADD COLUMN saved bigint NOT NULL DEFAULT 0;",
};

/* The files have no mark: what tells them from others is where they lie. */
static const struct db_kind KIND = {
    .what = "an index of an account",
    .remedy = "",
    .steps = STEPS,
    .step_count = ARRAY_SIZE(STEPS),
    .pragmas = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-1024;"
               "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=0",
    .lookaside = 64, /* Debian's default takes 120 KiB */
};

/* ------------------------------------------------------------------ a blank database */

int index_blank_make(struct buf *to) {
    _cleanup_(db_close_p) struct db *db = NULL;
    sqlite3_int64 size = 0;
    int error = db_open(NULL, DB_CREATE, &KIND, &db, NULL);
    if (error)
        return error;
    unsigned char *image = sqlite3_serialize(db->handle, "main", &size, 0);
    if (!image)
        return -ENOMEM;
    buf_add_bytes(to, image, (size_t)size);
    sqlite3_free(image);
    to->ptr[AT_WRITE_VERSION] = to->ptr[AT_READ_VERSION] = VERSION_WAL;
    return 0;
}

/* Where there is no database, or an empty file. A log without its database would be misread. */
static int make_database(const char *path, struct slice blank, bool *ret_made) {
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size > 0)
        return 0;
    _cleanup_(free_p) char *wal = mem_printf("%s-wal", path);
    if (unlink(wal) < 0 && errno != ENOENT)
        return -errno;
    _cleanup_(close_p) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int error = write_whole(fd, blank);
    if (error)
        (void)unlink(path);
    else
        *ret_made = true;
    return error;
}

/* ------------------------------------------------------------------ the handle */

static int after_commit(void *arg, sqlite3 *db, const char *name, int pages) {
    struct index *ix = arg;
    ix->wal_pages = pages;
    if (pages >= WAL_CHECKPOINT &&
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
        ix->wal_pages = 0;
    return SQLITE_OK;
}

static int read_account(struct index *ix) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_ACCOUNT_GET, V(ix->account));
    ix->known = error == 0;
    if (error)
        return error == -E_UNKNOWN ? 0 : error;
    ix->row = (struct index_account){
        .born = (usec_t)db_u64(st, 0),
        .modseq = db_u64(st, 1),
        .message_next = db_u64(st, 2),
        .mailbox_next = (uint32_t)db_u64(st, 3),
        .mark = {db_u64(st, 4), db_u64(st, 5)},
        .pruned = (usec_t)db_u64(st, 6),
        .bodies = db_u64(st, 7),
        .bytes = db_u64(st, 8),
        .forgotten = {db_u64(st, 9), (uint32_t)db_u64(st, 10)},
        .deleted_bytes = db_u64(st, 11),
    };
    return 0;
}

int index_open(const char *path, uint64_t account, struct slice blank, struct index **ret,
               struct problem *problem) {
    _cleanup_(index_close_p) struct index *ix = NEW(struct index);
    ix->account = account;
    int error = make_database(path, blank, &ix->is_new);
    if (error)
        return problem_set(problem, error, "%s: %s", path, error_text(error));
    error = db_open(path, DB_WRITE, &KIND, &ix->db, problem);
    if (error)
        return error;
    /* The checkpoints are made here, and the log is kept when the handle is closed. */
    int keep = 1;
    (void)sqlite3_wal_hook(ix->db->handle, after_commit, ix);
    (void)sqlite3_file_control(ix->db->handle, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
    ix->db->problem = problem;
    error = read_account(ix);
    ix->db->problem = NULL;
    if (!error)
        *ret = TAKE_PTR(ix);
    return error;
}

/* Nobody else reads, so all of the log is written to the database, and both are synced. */
int index_sync(struct index *ix) {
    if (sqlite3_wal_checkpoint_v2(ix->db->handle, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL) !=
        SQLITE_OK)
        return db_failed(ix->db);
    ix->wal_pages = 0;
    return 0;
}

int index_read_numbers(struct index *ix, sqlite3_stmt *st, struct buf *to) {
    int more;
    while ((more = db_step(ix->db, st)) == 1) {
        uint32_t number = (uint32_t)db_u64(st, 0);
        buf_add_bytes(to, &number, sizeof number);
    }
    return more;
}

int index_end(struct index *ix, int error) {
    return db_end(ix->db, error == -EEXIST ? -E_CORRUPT : error);
}

void index_close(struct index *ix) {
    if (!ix)
        return;
    if (ix->db && ix->wal_pages < WAL_KEEP)
        (void)sqlite3_db_config(ix->db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    db_close(ix->db);
    for (size_t i = 0; i < ix->box_size; i++)
        buf_done(&ix->boxes[i].name);
    free(ix->boxes);
    free(ix->packs);
    free(ix);
}
