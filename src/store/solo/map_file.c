/* SPDX-License-Identifier: ISC */
/*
 * A row is the map and four bytes behind it: a sum over the map and over what it belongs to (the
 * body's number, size and date). So a row that a power cut has spoiled is not believed; nor is one
 * that stands for another message of the same number, as after a restore of older mailboxes beside
 * a newer maps.db.
 *
 * Numbers of bodies are rowids, which grow as messages come: rows lie in the order in which a
 * mailbox is mostly listed, in pages that are full. A cursor goes on from row to row as long as the
 * next body that is asked for is near: reading a mailbox takes half the time then, half a
 * microsecond for a map.
 *
 * Nothing is ever synced (synchronous=OFF): a power cut may cost the file, no more. The log is
 * written to the file when it is long, and left there when the handle is closed, as with mail.db.
 */
#include "store/solo/map_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "db/db.h"

#define SUM      4U
#define PAGE     8192 /* of 4096 a tenth would be lost at the ends of pages */
#define NEAR     16U  /* rows that are passed over rather than looked up anew */
#define SHRINKS  512  /* pages: a smaller file is never removed for being mostly empty */
#define WAL_LONG 256  /* pages: then the log is written to the file */
#define WAL_KEEP 32   /* at the end a shorter one is left as it is */

static const char *const STEPS[] = {
    "CREATE TABLE maps (body INTEGER PRIMARY KEY, map BLOB NOT NULL)",
};

static const struct db_kind KIND = {
    .what = "a file of maps",
    .remedy = "",
    .application_id = 0x48594d50, /* "HYMP" */
    .steps = STEPS,
    .step_count = ARRAY_SIZE(STEPS),
    .pragmas = "PRAGMA page_size=8192; PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=OFF;"
               "PRAGMA cache_size=-128; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=0",
    .lookaside = 64,
};

struct map_file {
    struct db *db;
    int wal_pages;
};

static uint32_t sum_of(const struct backend_mapped *m, struct slice map) {
    char head[20];
    put_u64(head, m->body);
    put_u32(head + 8, m->size);
    put_u64(head + 12, (uint64_t)m->date);
    return crc32c(crc32c(0, slice_of(head, sizeof head)), map);
}

/* ------------------------------------------------------------------ the file */

int map_file_remove(const char *path) {
    static const char *const ENDINGS[] = {"-wal", "-journal", ""};
    for (size_t i = 0; i < ARRAY_SIZE(ENDINGS); i++) {
        _cleanup_(free_p) char *file = mem_printf("%s%s", path, ENDINGS[i]);
        if (unlink(file) < 0 && errno != ENOENT)
            return -errno;
    }
    return 0;
}

static int after_commit(void *arg, sqlite3 *db, const char *name, int pages) {
    struct map_file *f = arg;
    f->wal_pages = pages;
    if (pages >= WAL_LONG &&
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
        f->wal_pages = 0;
    return SQLITE_OK;
}

/* A log whose file has gone, or is empty, would be misread. */
int map_file_open(const char *path, bool create, struct map_file **ret, struct problem *problem) {
    _cleanup_(map_file_close_p) struct map_file *f = NEW(struct map_file);
    struct stat st;
    int keep = 1;
    bool there = lstat(path, &st) == 0;
    int error = there || errno == ENOENT ? 0 : -errno;
    if (!error && (!there || st.st_size == 0))
        error = create ? map_file_remove(path) : -ENOENT;
    if (error)
        return problem_set(problem, error, "%s: %s", path, error_text(error));
    if (there && S_ISREG(st.st_mode) &&
        st.st_size % PAGE) /* SQLite would take the rest for zeros */
        return problem_set(problem, -E_CORRUPT, "%s ends within a page", path);
    error = db_open(path, DB_CREATE, &KIND, &f->db, problem);
    if (error)
        return error;
    (void)sqlite3_wal_hook(f->db->handle, after_commit, f);
    (void)sqlite3_file_control(f->db->handle, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
    *ret = TAKE_PTR(f);
    return 0;
}

void map_file_close(struct map_file *f) {
    if (!f)
        return;
    if (f->db && f->wal_pages < WAL_KEEP)
        (void)sqlite3_db_config(f->db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    db_close(f->db);
    free(f);
}

/* ------------------------------------------------------------------ reading */

/* Stands on the first row whose body is `from` or above: that of `at`. */
struct cursor {
    sqlite3_stmt *row;
    uint64_t from, at; /* UINT64_MAX: there is none */
};

static int step(struct map_file *f, struct cursor *c) {
    uint64_t before = c->at;
    int more = db_step(f->db, c->row);
    c->at = more == 1 ? db_u64(c->row, 0) : UINT64_MAX;
    return more < 0 ? more : c->at < before ? -E_CORRUPT : 0;
}

static int move_to(struct map_file *f, struct cursor *c, uint64_t body) {
    int error = 0;
    bool ahead = c->row && body >= c->from;
    for (unsigned i = 0; !error && ahead && c->at < body && i < NEAR; i++)
        error = step(f, c);
    if (error)
        return error;
    c->from = body;
    if (ahead && c->at >= body)
        return 0;
    c->at = body;
    error = db_query(f->db, &c->row, "SELECT body, map FROM maps WHERE body >= ?1 ORDER BY body",
                     V(body));
    return error ? error : step(f, c);
}

int map_file_get(struct map_file *f, const struct backend_mapped *list, size_t count, size_t most,
                 struct buf *to, struct store_piece *ret_pieces, size_t *ret_count) {
    struct cursor c = {0};
    const size_t begin = to->len;
    int error = 0;
    size_t i = 0;
    for (; i < count; i++) {
        ret_pieces[i] = (struct store_piece){0};
        error = move_to(f, &c, list[i].body);
        if (error)
            break;
        struct slice row = c.at == list[i].body ? db_bytes(c.row, 1) : (struct slice){0};
        if (row.len <= SUM)
            continue;
        struct slice map = slice_first(row, row.len - SUM);
        if (get_u32(row.ptr + map.len) != sum_of(&list[i], map))
            continue;
        if (to->len > begin && to->len - begin + map.len > most)
            break;
        ret_pieces[i] = (struct store_piece){to->len, map.len};
        buf_add(to, map);
    }
    if (c.row)
        db_reset(&c.row);
    *ret_count = i;
    return error;
}

/* ------------------------------------------------------------------ writing */

static int put_one(struct map_file *f, const struct backend_mapped *m, struct slice map,
                   struct buf *row) {
    buf_clear(row);
    buf_add(row, map);
    buf_add_u32(row, sum_of(m, map));
    return db_run(f->db,
                  "INSERT INTO maps (body, map) VALUES (?1, ?2)"
                  " ON CONFLICT (body) DO UPDATE SET map = excluded.map",
                  V(m->body), V_BYTES(buf_slice(row)));
}

/* In a tree whose order is damaged a row may not be found again, and would be put anew for ever. */
static int check_one(struct map_file *f, const struct backend_mapped *m) {
    int64_t found = 0;
    int r = db_number(f->db, &found, "SELECT 1 FROM maps WHERE body = ?1", V(m->body));
    return r == 0 ? -E_CORRUPT : MIN(r, 0);
}

int map_file_put(struct map_file *f, const struct backend_mapped *list, size_t count,
                 struct slice bytes, const struct store_piece *pieces) {
    _cleanup_(buf_done) struct buf row = {0};
    int64_t last = 0;
    int error = db_begin(f->db);
    if (error)
        return error;
    error = MIN(db_number(f->db, &last, "SELECT max(body) FROM maps"), 0);
    for (size_t i = 0; !error && i < count; i++) {
        if (pieces[i].len == 0)
            continue;
        struct slice map = slice_first(slice_from(bytes, pieces[i].at), pieces[i].len);
        error = put_one(f, &list[i], map, &row);
        if (!error && list[i].body <= (uint64_t)last) /* not behind all others */
            error = check_one(f, &list[i]);
    }
    return db_end(f->db, error);
}

int map_file_drop(struct map_file *f, const uint64_t *bodies, size_t count) {
    int64_t pages = 0, unused = 0;
    int error = db_begin(f->db);
    if (error)
        return error;
    for (size_t i = 0; !error && i < count; i++)
        error = db_run(f->db, "DELETE FROM maps WHERE body = ?1", V(bodies[i]));
    error = db_end(f->db, error);
    if (!error)
        error = MIN(db_number(f->db, &pages, "PRAGMA page_count"), 0);
    if (!error)
        error = MIN(db_number(f->db, &unused, "PRAGMA freelist_count"), 0);
    return error ? error : pages >= SHRINKS && unused > pages / 4 * 3;
}
