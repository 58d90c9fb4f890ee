/* SPDX-License-Identifier: ISC */
/*
 * The index's inside: the open database and its statements. For index*.c only.
 */
#pragma once

#include "db/db.h"
#include "store/solo/index.h"

/* The statements; their texts stand in index_sql.c. */
extern const char SQL_ACCOUNT_GET[], SQL_ACCOUNT_ADD[], SQL_ACCOUNT_SET[], SQL_ACCOUNT_PRUNED[];
extern const char SQL_MAILBOX_ADD[], SQL_MAILBOX_SET[], SQL_MAILBOX_GET[], SQL_MAILBOX_REMOVE[],
    SQL_MAILBOX_FORGET[], SQL_MAILBOX_FORGET_OLD[], SQL_MAILBOX_COUNT[], SQL_MAILBOX_LEAP[],
    SQL_MAILBOX_ALL[];
extern const char SQL_BODY_ADD[], SQL_BODY_EXPECT[], SQL_BODY_GET[], SQL_BODY_MOVE[],
    SQL_BODY_SHIFT[], SQL_BODY_DROP_LAST[], SQL_BODY_DROP[], SQL_BODY_DROP_UNUSED[],
    SQL_BODY_ENTRIES[], SQL_BODY_PLACES[], SQL_BODY_NEWEST[], SQL_BODY_COUNT[], SQL_BODY_RANGE[],
    SQL_BODY_SHIFT_RANGE[], SQL_BODY_DROP_RANGE[];
extern const char SQL_ENTRY_ADD[], SQL_ENTRY_GET[], SQL_ENTRY_SET[], SQL_ENTRY_MOVE[],
    SQL_ENTRY_DROP[], SQL_ENTRY_UIDS[], SQL_ENTRY_LOAD[], SQL_ENTRY_SAVED[], SQL_ENTRY_RANGE[],
    SQL_ENTRY_SET_RANGE[], SQL_ENTRY_DROP_RANGE[];
extern const char SQL_SET_JOIN[], SQL_SET_ADD[], SQL_SET_LEAVE[], SQL_SET_DROP[], SQL_SET_GET[],
    SQL_KEYWORD_JOIN[], SQL_KEYWORD_LEAVE[], SQL_KEYWORD_DROP[], SQL_KEYWORD_ALL[];
extern const char SQL_PROPERTY_ADD[], SQL_PROPERTY_SET[], SQL_PROPERTY_GET[], SQL_PROPERTY_ALL[],
    SQL_PROPERTY_DROP[], SQL_PROPERTY_FORGET[];
extern const char SQL_DELETED_ADD[], SQL_DELETED_ADD_RANGE[], SQL_DELETED_PLACE[],
    SQL_DELETED_GET[], SQL_DELETED_LOOSE[], SQL_DELETED_ANY[], SQL_DELETED_COUNT[],
    SQL_DELETED_LIST[], SQL_DELETED_VOID[], SQL_DELETED_FORGET[];
extern const char SQL_KEY_ADD[], SQL_KEY_GET[], SQL_KEY_ALL[], SQL_KEY_PRUNE[];
extern const char SQL_VANISHED_ADD[], SQL_VANISHED_ADD_RANGE[], SQL_VANISHED_GET[],
    SQL_VANISHED_SINCE[], SQL_VANISHED_PLACE[], SQL_VANISHED_GONE[];
extern const char SQL_PACK_ADD[], SQL_PACK_SET[], SQL_PACK_COUNT[], SQL_PACK_HALVE[],
    SQL_PACK_DROP[], SQL_PACK_ALL[];

/* What a transaction adds to the counters of a mailbox, and of a pack. */
struct index_box_delta {
    uint32_t mailbox, uidnext;
    uint64_t modseq;
    int64_t messages, unseen, bytes;
    enum { BOX_UNKNOWN, BOX_THERE, BOX_GONE } state; /* as far as anyone has asked */
    struct buf name; /* told by a message, should the mailbox be unknown */
};
struct index_pack_delta {
    uint64_t pack, end;
    int64_t alive;
    bool is_half; /* see INDEX_PACK_HALF */
};

struct index {
    struct db *db;
    uint64_t account;
    bool is_new;   /* its schema was made at this opening */
    int wal_pages; /* in the write-ahead log after the last commit */
    bool known;    /* the account has its row */
    struct index_account row;

    struct index_box_delta *boxes;
    size_t box_count, box_size;
    struct index_pack_delta *packs;
    size_t pack_count, pack_size;
    int64_t bodies, bytes; /* to the account's counters */
    int64_t deleted_bytes;
    struct deleted_place forgotten; /* as it is after the transaction */
};

/* The row that a statement has found: 0, or -E_UNKNOWN without one. Reset `*ret` when read. */
#define index_row(ix, ret, sql, ...) index_found(db_row((ix)->db, (ret), (sql), __VA_ARGS__))
static inline int index_found(int r) {
    return r == 1 ? 0 : r == 0 ? -E_UNKNOWN : r;
}

/* The first column of all rows of a statement, numbers as uint32_t, added to `to`. */
int index_read_numbers(struct index *ix, sqlite3_stmt *st, struct buf *to);

/*
 * Ends a transaction of the index with the result of what was done. A row that is there already
 * says that the rows do not fit the packs: -E_CORRUPT.
 */
int index_end(struct index *ix, int error);

/* index_sums.c: the sums of the transaction, made where they are not there yet; and all of them. */
void index_begin_sums(struct index *ix);
int index_save_account(struct index *ix, const struct index_account *row);
int index_save_sums(struct index *ix, struct index_account *row);
struct index_box_delta *box_delta(struct index *ix, uint32_t mailbox);
struct index_pack_delta *pack_delta(struct index *ix, uint64_t pack);

/* What an entry says of its mailbox. */
void index_note_mailbox(struct index *ix, uint32_t mailbox, uint32_t uid, uint64_t modseq,
                        struct slice name);

/* As index_mailbox_gone(), asked once in a transaction. */
int index_box_is_gone(struct index *ix, uint32_t mailbox);

/*
 * index_keywords.c: so many entries of a mailbox have this set of keywords, or no longer. Sets have
 * numbers of their own here; 0: the text is empty.
 */
int index_join_set(struct index *ix, uint32_t mailbox, struct slice names, size_t count,
                   uint64_t *ret_set);
int index_leave_set(struct index *ix, uint32_t mailbox, uint64_t set, size_t count);

/* index_messages.c: one record each. */
int index_take_message(struct index *ix, const struct log_record *r, bool replay);
int index_take_body(struct index *ix, const struct log_record *r, bool replay);
int index_take_entries(struct index *ix, const struct log_record *r, bool replay);
int index_take_flags(struct index *ix, const struct log_record *r, bool replay);
int index_take_expunge(struct index *ix, const struct log_record *r, bool replay);
int index_take_remove(struct index *ix, const struct log_record *r, bool replay);

/* index_bodies.c: the record of a body, as far as its row is concerned. */
struct body_facts {
    uint64_t body;
    usec_t arrival;
    uint32_t header_size, shape;
};

/* The record may be a copy of one in this pack: until that pack is gone, both are there. */
void index_note_copy(struct index *ix, const struct log_record *r, uint64_t from);

/* A body with so many entries; one that is known lies in this record from now on. */
int index_put_body(struct index *ix, const struct log_record *r, const struct body_facts *f,
                   int entries, bool *ret_new);

/*
 * What a body has changes: entries, and removed ones that can be brought back. Without either it
 * goes, but not in a replay, which drops those at its end. -E_UNKNOWN: there is none.
 */
struct body_row {
    uint64_t body;
    uint64_t pack; /* 0: not seen yet */
    int64_t len;   /* of its record there */
    uint64_t size;
    int64_t entries, deleted;
};
int index_shift_body(struct index *ix, uint64_t body, int entries, int deleted, bool replay,
                     struct body_row *ret);

/*
 * The same for many, outside of a replay. First the rows of all bodies between two numbers are read
 * (struct body_shift), in their order; 1, or 0 when there are more than `most`. What is to change
 * is written into them then, and neighbours that change alike are written with one statement.
 */
struct body_shift {
    struct body_row row;
    int entries, deleted; /* more of them */
};
int index_read_bodies(struct index *ix, uint64_t first, uint64_t last, size_t most, struct buf *to);
struct body_shift *index_find_shift(const struct buf *list,
                                    uint64_t body); /* NULL: there is none */
int index_shift_bodies(struct index *ix, const struct buf *list);

/* An entry more, of a body that is known. */
int index_join_body(struct index *ix, uint64_t body);

/* An entry less; `kept`: it can be brought back. */
int index_leave_body(struct index *ix, uint64_t body, bool kept, bool replay, struct body_row *ret);

static inline bool index_is_forgotten(const struct index *ix, struct deleted_place place) {
    const struct deleted_place *to = &ix->forgotten;
    return place.modseq < to->modseq || (place.modseq == to->modseq && place.uid <= to->uid);
}

/* index_deleted.c */
int index_take_deleted(struct index *ix, const struct log_record *r, bool replay);
int index_take_forget(struct index *ix, const struct log_record *r, bool replay);
int index_forget(struct index *ix, struct deleted_place to, bool replay);

/*
 * An expunge that compaction has written again may stand behind the removal of its mailbox, at
 * which the entry seemed to be there. Takes back what was remembered then, behind its true removal.
 */
int index_void_deletion(struct index *ix, uint32_t mailbox, uint32_t uid, uint64_t modseq,
                        bool replay);

/* index_properties.c */
int index_take_property(struct index *ix, const struct log_record *r, bool replay);
int index_drop_properties(struct index *ix, uint32_t mailbox);
int index_add_key(struct index *ix, struct slice key, usec_t stored, uint64_t message);
