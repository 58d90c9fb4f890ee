/* SPDX-License-Identifier: ISC */
/*
 * WAL with synchronous=NORMAL: a commit costs no sync, a power cut may lose what the last seconds
 * wrote and damages nothing. Syncs happen at checkpoints only, one for about 16 MB of log, so that
 * the event log does not compete with those of the queue and of the mailboxes.
 */
#include "journey/db.h"

#include "base/alloc.h"
#include "base/random.h"

static const char *const steps[] = {
    "CREATE TABLE event (sequence INTEGER PRIMARY KEY, wall INTEGER NOT NULL, letter INTEGER,"
    " record BLOB NOT NULL);"
    "CREATE INDEX event_letter ON event (letter) WHERE letter IS NOT NULL;"
    "CREATE TABLE key (block INTEGER NOT NULL, hash INTEGER NOT NULL, letter INTEGER NOT NULL,"
    " PRIMARY KEY (block, hash, letter)) WITHOUT ROWID;"
    "CREATE TABLE subject (sequence INTEGER PRIMARY KEY, letter INTEGER NOT NULL,"
    " text BLOB NOT NULL);"
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
    /* A block was 65,536 events and is 4,096: an older one becomes the last of the sixteen that it
     * would be, so that it leaves when all of them have. By way of numbers that no block has. */
    "UPDATE key SET block = -1 - (block * 16 + 15);"
    "UPDATE key SET block = -1 - block;",
    /* What a message was called. */
    "ALTER TABLE event RENAME COLUMN letter TO message;"
    "ALTER TABLE key RENAME COLUMN letter TO message;"
    "ALTER TABLE subject RENAME COLUMN letter TO message;"
    "DROP INDEX event_letter;"
    "CREATE INDEX event_message ON event (message) WHERE message IS NOT NULL;",
};

static int make_hash_key(struct db *db) {
    char key[sizeof((struct event_db *)0)->hash_key];
    random_bytes(key, sizeof key);
    return db_run(db, "INSERT INTO meta VALUES ('hash key', ?1)",
                  V_BYTES(slice_of(key, sizeof key)));
}

static const struct db_kind kind = {
    .what = "an event log of Hayauma",
    .remedy = "",
    .application_id = 0x48594c47, /* "HYLG" */
    .steps = steps,
    .step_count = ARRAY_SIZE(steps),
    .fill = make_hash_key,
    .pragmas = "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA synchronous=NORMAL;"
               "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=33554432;"
               "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384",
    .read_pragmas = "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192",
    .busy_ms = 2000,
};

static int load_hash_key(struct event_db *l) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    int r = db_row(l->db, &row, "SELECT value FROM meta WHERE name = 'hash key'");
    if (r < 0)
        return r;
    struct slice key = r == 1 ? db_bytes(row, 0) : (struct slice){0};
    if (key.len != sizeof l->hash_key)
        return problem_set(l->db->problem, -E_CORRUPT, "%s has no key for its hashes", l->db->path);
    memcpy(l->hash_key, key.ptr, key.len);
    return 0;
}

int event_db_open(const char *path, bool read_only, struct event_db **ret,
                  struct problem *problem) {
    _cleanup_(event_db_close_p) struct event_db *l = NEW(struct event_db);
    int64_t last = 0;
    int r = db_open(path, read_only ? DB_READ : DB_CREATE, &kind, &l->db, problem);
    if (r < 0)
        return r;
    l->db->problem = problem;
    r = load_hash_key(l);
    if (r == 0)
        r = db_number(l->db, &last, SQL_LAST);
    if (r < 0)
        return r;
    l->db->problem = NULL;
    l->next = (uint64_t)last + 1;
    *ret = TAKE_PTR(l);
    return 0;
}

void event_db_close(struct event_db *l) {
    if (!l)
        return;
    db_close(l->db);
    arena_done(&l->arena);
    free(l);
}
