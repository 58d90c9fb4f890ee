/* SPDX-License-Identifier: ISC */
/*
 * The index's inside: the open database, its statements, running one. For index*.c only.
 */
#pragma once

#include <sqlite3.h>

#include "store/index.h"

/* Every statement of the index; its text stands in index_sql.c. */
enum statement {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_ACCOUNT_GET,
    SQL_ACCOUNT_ADD,
    SQL_ACCOUNT_SET,
    SQL_ACCOUNT_PRUNED,
    SQL_MAILBOX_ADD,
    SQL_MAILBOX_SET,
    SQL_MAILBOX_GET_MODSEQ,
    SQL_MAILBOX_COUNT,
    SQL_MAILBOX_LEAP,
    SQL_MAILBOX_ALL,
    SQL_LETTER_ADD,
    SQL_LETTER_GET,
    SQL_LETTER_MOVE,
    SQL_LETTER_DROP,
    SQL_ENTRY_ADD,
    SQL_ENTRY_GET,
    SQL_ENTRY_SET,
    SQL_ENTRY_DROP,
    SQL_ENTRY_ALL,
    SQL_KEY_ADD,
    SQL_KEY_GET,
    SQL_KEY_ALL,
    SQL_KEY_PRUNE,
    SQL_VANISHED_ADD,
    SQL_VANISHED_GET,
    SQL_VANISHED_PLACE,
    SQL_VANISHED_GONE,
    SQL_PACK_ADD,
    SQL_PACK_SET,
    SQL_PACK_COUNT,
    SQL_PACK_STATE,
    SQL_PACK_DROP,
    SQL_PACK_ALL,
    SQL_STATEMENTS,
};

/* What a transaction adds to the counters of a mailbox, and of a pack. */
struct index_box_delta {
    uint32_t mailbox, uidnext;
    uint64_t modseq;
    int64_t letters, unseen, bytes;
    struct buf name; /* told by a letter, should the mailbox be unknown */
};
struct index_pack_delta {
    uint64_t pack, end;
    int64_t alive;
};

struct index {
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_STATEMENTS];
    uint64_t account;
    bool is_new;   /* its schema was made at this opening */
    int wal_pages; /* in the write-ahead log after the last commit */
    bool known;    /* the account has its row */
    struct index_account row;

    struct index_box_delta *boxes;
    size_t box_count, box_size;
    struct index_pack_delta *packs;
    size_t pack_count, pack_size;
};

/* A value to bind: V(number) or V_TEXT(slice) or V_BYTES(slice). */
struct value {
    char kind; /* 'i', 't', 'b' */
    int64_t number;
    struct slice bytes;
};
#define V(n)       ((struct value){.kind = 'i', .number = (int64_t)(n)})
#define V_TEXT(s)  ((struct value){.kind = 't', .bytes = (s)})
#define V_BYTES(s) ((struct value){.kind = 'b', .bytes = (s)})

/* An error of SQLite as one of ours. */
int index_error(int code);

/*
 * Runs a statement. index_step() gives 1 for a row, 0 at the end; the statement is reset by the
 * next index_bind() or by index_reset(). index_run() is for statements without rows.
 */
int index_bind(struct index *ix, enum statement id, const struct value *values, size_t count,
               sqlite3_stmt **ret);
int index_step(sqlite3_stmt *st);
void index_reset(sqlite3_stmt **st); /* for _cleanup_ */
int index_run_values(struct index *ix, enum statement id, const struct value *values, size_t count);

#define VALUES(...)            (const struct value[]){__VA_ARGS__}, ARRAY_SIZE(((struct value[]){__VA_ARGS__}))
#define index_run(ix, id, ...) index_run_values((ix), (id), VALUES(__VA_ARGS__))

/* The row that a statement has found: 0, -E_UNKNOWN without one. Reset `*ret` when read. */
int index_row_values(struct index *ix, enum statement id, const struct value *values, size_t count,
                     sqlite3_stmt **ret);
#define index_row(ix, id, ret, ...) index_row_values((ix), (id), VALUES(__VA_ARGS__), (ret))

static inline uint64_t column(sqlite3_stmt *st, int at) {
    return (uint64_t)sqlite3_column_int64(st, at);
}
static inline struct slice column_bytes(sqlite3_stmt *st, int at) {
    const void *bytes = sqlite3_column_blob(st, at);
    return slice_of(bytes, (size_t)sqlite3_column_bytes(st, at));
}

/* Begins a transaction; index_finish() commits it, or rolls it back when `error` is not 0. */
int index_begin(struct index *ix);
int index_finish(struct index *ix, int error);

/* Reads the account's row into ix->row. */
int index_read_account(struct index *ix);
