/* SPDX-License-Identifier: ISC */
/*
 * search.db: its tables, opening it, and putting it in order.
 *
 *     search      FTS5 without content and places: term -> bodies. A term is a word, or one with a
 *                 mark (document.h).
 *     word        every word without a mark, to know whether one is new
 *     vocabulary  the same words in blocks, in the order in which they came, to look through them:
 *                 a needle within a word is looked for in all words, and those that have it in
 *                 `search`. Memory runs through them at a gigabyte a second; a mailbox of 100,000
 *                 messages has a few megabytes of words.
 *     unread      bodies that are hits for each needle
 *     sum         of each body, to tell another one of the same number
 *     state       up to which body, how many
 *
 * Each term has three characters of a keyed hash behind it. FTS5 gathers the terms of a batch in a
 * hash table with a weak hash function: without them the terms of Japanese make lists in it that
 * are searched for most of the time, and a stranger could make up words that do worse.
 *
 * Commits are not synced (WAL, synchronous=NORMAL): a power cut takes the last batches, and no part
 * of one. Nothing is deleted, so FTS5 needs neither the texts nor their lengths.
 *
 * FTS5 keeps the terms of a batch in memory (hashsize), and writes them as a segment; of eight
 * segments it makes a larger one. It does so a little with each batch (automerge), never all of it
 * at once, unless 64 stand beside each other (crisismerge).
 */
#include "search/index_db.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/siphash.h"

/* Changes with whatever makes old terms differ from new ones: classes, bounds, folding, marks. */
#define SEARCH_FORMAT 2U

#define TIDY_PAGES 500
#define LOG_LONG   4000 /* pages: then the log is written to the file */
#define LOG_KEEP   256  /* at the end a shorter one is left as it is: a batch costs no sync */

static const char *const STEPS[] = {
    "CREATE VIRTUAL TABLE search USING fts5(terms, content='', columnsize=0, detail=none,"
    " tokenize='cut');"
    "INSERT INTO search (search, rank) VALUES ('automerge', 4), ('crisismerge', 64),"
    " ('usermerge', 4), ('hashsize', 1048576);"
    "CREATE TABLE word (word BLOB PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE vocabulary (block INTEGER PRIMARY KEY, words BLOB NOT NULL);"
    "CREATE TABLE unread (body INTEGER PRIMARY KEY);"
    "CREATE TABLE sum (body INTEGER PRIMARY KEY, sum INTEGER NOT NULL);"
    "CREATE TABLE state (id INTEGER PRIMARY KEY, up_to INTEGER NOT NULL,"
    " documents INTEGER NOT NULL, key BLOB NOT NULL);",
};

static int make_state(struct db *db) {
    char key[SEARCH_KEY_SIZE];
    random_bytes(key, sizeof key);
    return db_run(db, "INSERT INTO state VALUES (1, 0, 0, ?1)", V_BYTES(slice_of(key, sizeof key)));
}

static const struct db_kind KIND = {
    .what = "a search index",
    .remedy = "",
    .application_id = 0x48595300 + SEARCH_FORMAT, /* "HYS" */
    .steps = STEPS,
    .step_count = ARRAY_SIZE(STEPS),
    .teach = search_index_teach,
    .fill = make_state,
    .pragmas = "PRAGMA synchronous=NORMAL; PRAGMA secure_delete=OFF;"
               "PRAGMA journal_size_limit=33554432; PRAGMA temp_store=MEMORY;"
               "PRAGMA cache_size=-4096",
    .read_pragmas = "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-1024",
    .busy_ms = 2000,
    .lookaside = 64,
};

/* ------------------------------------------------------------------ files */

/* First the file itself: without what its log has it may be no whole one. */
int search_index_discard(const char *path) {
    static const char *const ENDINGS[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < ARRAY_SIZE(ENDINGS); i++) {
        _cleanup_(free_p) char *file = mem_printf("%s%s", path, ENDINGS[i]);
        if (unlink(file) < 0 && errno != ENOENT)
            return -errno;
    }
    return 0;
}

/* All that it has, in the one file: its log has another name. */
static int empty_log(const char *path) {
    struct search_index *ix = NULL;
    int r = search_index_open(path, SEARCH_READ, &ix, NULL);
    search_index_close(TAKE_PTR(ix));
    if (r == 0)
        r = search_index_open(path, SEARCH_WRITE, &ix, NULL);
    if (r == 0 && sqlite3_wal_checkpoint_v2(ix->db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                            NULL) != SQLITE_OK)
        r = db_failed(ix->db);
    search_index_close(ix);
    return r;
}

/* A log that is left beside it would be taken for that of the new one. */
int search_index_replace(const char *path, const char *fresh) {
    int r = empty_log(fresh);
    if (r == 0)
        r = search_index_discard(path);
    if (r == 0 && rename(fresh, path) < 0)
        r = -errno;
    return r < 0 ? r : search_index_discard(fresh);
}

/* ------------------------------------------------------------------ the handle */

static int read_key(struct search_index *ix) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    int r = db_row(ix->db, &row, "SELECT key FROM state");
    if (r < 0)
        return r;
    struct slice key = r == 1 ? db_bytes(row, 0) : (struct slice){0};
    if (key.len != sizeof ix->key)
        return problem_set(ix->db->problem, -E_CORRUPT, "%s has no key for its terms",
                           ix->db->path);
    memcpy(ix->key, key.ptr, key.len);
    return 0;
}

static int after_commit(void *arg, sqlite3 *db, const char *name, int pages) {
    struct search_index *ix = arg;
    ix->log_pages = pages;
    if (pages >= LOG_LONG)
        (void)sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return SQLITE_OK;
}

static int open_file(const char *path, enum search_mode mode, struct search_index *ix,
                     struct problem *problem) {
    int r = db_open(path, mode == SEARCH_READ ? DB_READ : DB_CREATE, &KIND, &ix->db, problem);
    if (r < 0)
        return r;
    ix->db->problem = problem;
    r = search_index_teach(ix->db);
    if (r == 0)
        r = read_key(ix);
    ix->db->problem = NULL;
    if (r < 0) {
        db_close(TAKE_PTR(ix->db));
    } else if (mode == SEARCH_WRITE) {
        int keep = 1;
        (void)sqlite3_wal_hook(ix->db->handle, after_commit, ix);
        (void)sqlite3_file_control(ix->db->handle, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
    }
    return r;
}

int search_index_open(const char *path, enum search_mode mode, struct search_index **ret,
                      struct problem *problem) {
    _cleanup_(search_index_close_p) struct search_index *ix = NEW(struct search_index);
    int r = open_file(path, mode, ix, problem);
    if (mode == SEARCH_WRITE && (r == -E_CORRUPT || r == -E_VERSION)) {
        r = search_index_discard(path);
        if (r == 0)
            r = open_file(path, mode, ix, problem);
    }
    if (r == 0)
        *ret = TAKE_PTR(ix);
    return r;
}

void search_index_close(struct search_index *ix) {
    if (!ix)
        return;
    if (ix->db && ix->log_pages < LOG_KEEP)
        (void)sqlite3_db_config(ix->db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    db_close(ix->db);
    free(ix->known);
    buf_done(&ix->fresh);
    buf_done(&ix->text);
    free(ix);
}

/*
 * Three characters: a term that is one of FTS5's is of letters and marks, and has no blank, quote
 * or NUL in it.
 */
void search_index_put_term(const struct search_index *ix, struct slice term, struct buf *to) {
    uint64_t hash = siphash_keyed(term, ix->key);
    buf_add(to, term);
    for (unsigned i = 0; i < 3; i++)
        buf_add_byte(to, (char)('?' + (hash >> (6 * i)) % 64));
}

/* ------------------------------------------------------------------ state and order */

int search_index_state(struct search_index *ix, struct search_index_state *ret) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    int r =
        db_row(ix->db, &row, "SELECT up_to, documents, (SELECT count(*) FROM unread) FROM state");
    if (r == 1)
        *ret = (struct search_index_state){db_u64(row, 0), db_u64(row, 1), db_u64(row, 2)};
    return r == 0 ? -E_CORRUPT : MIN(r, 0);
}

int search_index_sum(struct search_index *ix, uint64_t body, uint32_t *ret) {
    int64_t sum = 0;
    int r = db_number(ix->db, &sum, "SELECT sum FROM sum WHERE body = ?1", V(body));
    if (r == 1)
        *ret = (uint32_t)sum;
    return r == 0 ? -E_UNKNOWN : MIN(r, 0);
}

/* FTS5 says by the count of changes whether it did anything: the command itself counts for one. */
int search_index_tidy(struct search_index *ix) {
    int before = sqlite3_total_changes(ix->db->handle);
    int r = db_run(ix->db, "INSERT INTO search (search, rank) VALUES ('merge', ?1)", V(TIDY_PAGES));
    return r < 0 ? r : sqlite3_total_changes(ix->db->handle) - before >= 2;
}
