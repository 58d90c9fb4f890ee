/* SPDX-License-Identifier: ISC */
/*
 * The index of an account: mail.db, made of the records of its packs and trailing them.
 *
 * Records are taken in by transactions; each also writes the mark, the place in the packs up to
 * which everything is in. So the database is at every moment the picture of a prefix of the log,
 * whatever a power cut took from it, and goes on from its mark.
 *
 * Nothing here waits for fibers: all of it is called within offload(), one call at a time.
 * Errors: -E_CORRUPT (the file is damaged or does not fit its own rows: make it anew),
 * -E_VERSION, -E_BUSY (another process has it open), -ENOSPC, -EIO, -E_TEMPORARY.
 */
#pragma once

#include "base/list.h"
#include "pack/pack.h"
#include "store/backend.h"
#include "store/solo/note.h"
#include "store/store.h"

struct index;

/* A record as it lies in a pack, with its facts. */
struct log_record {
    struct link link;
    uint8_t type;   /* enum note_type */
    uint16_t flags; /* NOTE_MOVED */
    uint64_t pack;
    struct pack_place place;
    uint64_t len; /* of the whole record */
    size_t facts_len;
    char facts[];
};

struct log_record *log_record_new(uint8_t type, uint16_t flags, struct slice facts);
void log_records_free(struct list *records);
static inline struct slice log_record_facts(const struct log_record *r) {
    return slice_of(r->facts, r->facts_len);
}

/* Everything before this place has been taken in. */
struct index_mark {
    uint64_t pack, offset;
};

struct index_account {
    usec_t born;
    uint64_t modseq, message_next;
    uint32_t mailbox_next;
    struct index_mark mark;
    usec_t pruned;          /* when index_prune() last ran */
    uint64_t bodies, bytes; /* each body once */
    struct deleted_place forgotten;
    uint64_t deleted_bytes; /* as in backend_state */
};

enum index_pack_state {
    INDEX_PACK_WHOLE,
    INDEX_PACK_SEALED,  /* its sync failed: bytes behind its end do not count */
    INDEX_PACK_DAMAGED, /* bytes in the middle are no records: kept for salvage */
    INDEX_PACK_GONE,    /* emptied; to be unlinked */
    INDEX_PACK_HALF,    /* half emptied: a later pack has copies of what is in it */
};

struct index_pack {
    uint64_t pack;
    uint64_t end;   /* length of the part that counts */
    uint64_t alive; /* bytes of records that are needed */
    enum index_pack_state state;
};

/* The bytes of a database without rows, added to `to`. Made once, for all accounts. */
int index_blank_make(struct buf *to);

/* Opens the database at `path`; where there is none, a copy of the blank one is made. */
int index_open(const char *path, uint64_t account, struct slice blank, struct index **ret,
               struct problem *problem);
bool index_is_new(const struct index *ix); /* there was no database, or an empty file */
void index_close(struct index *ix);        /* NULL is fine */
DEFINE_CLEANUP(struct index, index_close)

/*
 * Takes in the records (struct log_record), in one transaction, all or none. In a replay they were
 * read from packs, where others may contradict them: `replay_born` then says when the account began
 * at the latest, should the record that knows it be lost. Otherwise it is NULL.
 */
int index_take_in(struct index *ix, struct list *records, struct index_mark mark,
                  const usec_t *replay_born);

/* The account's row as of the last transaction; -E_UNKNOWN: nothing was taken in yet. */
int index_account(const struct index *ix, struct index_account *ret);

/* How far it has taken in; {0, 0}: nothing yet. */
struct index_mark index_mark(const struct index *ix);

int index_each_mailbox(struct index *ix, void (*each)(void *arg, const struct backend_mailbox *m),
                       void *arg);
int index_each_pack(struct index *ix, void (*each)(void *arg, const struct index_pack *p),
                    void *arg);

/* What the last transaction has added to packs. */
void index_each_change(const struct index *ix,
                       void (*each)(void *arg, uint64_t pack, uint64_t end, int64_t alive,
                                    bool is_half),
                       void *arg);

/* As backend_ops.load() and .keywords(). */
int index_load(struct index *ix, uint32_t mailbox, uint32_t above, struct store_entry *entries,
               size_t size, struct buf *sets, size_t *ret_count);
int index_keywords(struct index *ix, uint32_t mailbox, struct buf *names);

/* The text of a set of keywords, added to `names`; nothing for 0. */
int index_set_names(struct index *ix, uint32_t mailbox, uint64_t set, struct buf *names);

int index_each_key(struct index *ix, void (*each)(void *arg, struct slice key), void *arg);
int index_find_key(struct index *ix, struct slice key, uint64_t *ret_body); /* -E_UNKNOWN */

/* Where bodies lie, from this number on: at most `size` of them. */
struct index_place {
    uint64_t body;
    uint64_t pack, offset; /* of its bytes; pack 0: they were lost */
    uint32_t size, crc;
};
int index_places(struct index *ix, uint64_t body, struct index_place *places, size_t size,
                 size_t *ret_count);

/* As store_newest_body(). */
int index_newest_body(struct index *ix, uint64_t up_to, struct store_body *ret);

/* As store_count_bodies(). */
int index_count_bodies(struct index *ix, uint64_t up_to, uint64_t *ret_count, uint64_t *ret_above);

/* Where the record of a body lies. -E_UNKNOWN: there is none. */
int index_body(struct index *ix, uint64_t body, uint64_t *ret_pack, uint64_t *ret_offset);
int index_body_entries(struct index *ix, uint64_t body, uint32_t *ret_entries);

struct index_entry {
    uint64_t body, flags, modseq;
    uint64_t pack;     /* of its record; 0: it lies with its body */
    uint64_t keywords; /* its set, see index_set_names() */
};
int index_entry(struct index *ix, uint32_t mailbox, uint32_t uid, struct index_entry *ret);

/* As backend_sink.property() and backend_ops.property(). */
int index_each_property(struct index *ix, void (*each)(void *arg, const struct record_property *p),
                        void *arg);
int index_property(struct index *ix, uint32_t mailbox, uint32_t kind, struct slice name,
                   struct buf *value);

/* Where the present record of a property lies, and what it says. -E_UNKNOWN: there is none. */
struct index_property {
    uint64_t pack, modseq;
    bool is_set;
    uint64_t size; /* of the value */
};
int index_property_place(struct index *ix, uint32_t mailbox, uint32_t kind, struct slice name,
                         struct index_property *ret);

/* As backend_ops.deleted(). */
int index_deleted(struct index *ix, struct deleted_place behind, struct backend_deleted *list,
                  size_t size, struct buf *texts, size_t *ret_count);

/* 1: there are some of this mailbox; 0: none. */
int index_deleted_of(struct index *ix, uint32_t mailbox);

int index_deleted_count(struct index *ix, uint64_t *ret);

/* Those that no record of their own tells of, by mailbox, with their keywords: at most `most`. */
struct index_deletion {
    uint32_t mailbox;
    struct note_deletion about; /* without set */
    uint64_t pack;
    struct slice keywords;
};
int index_each_loose(struct index *ix, unsigned most,
                     void (*each)(void *arg, const struct index_deletion *d), void *arg);

/* One of them; its keywords are added to a buffer. -E_UNKNOWN. */
int index_deletion(struct index *ix, uint32_t mailbox, uint32_t uid, struct index_deletion *ret,
                   struct buf *keywords);

/* 1: the mailbox was removed; 0: it was not, or nothing is known of it. */
int index_mailbox_gone(struct index *ix, uint32_t mailbox);

/* As backend_ops.saved(). */
int index_saved(struct index *ix, uint32_t mailbox, const uint32_t *uids, size_t count,
                uint32_t *saved);

/* The pack out of which an expunged entry could come back; 0: none. -E_UNKNOWN: not expunged. */
int index_vanished(struct index *ix, uint32_t mailbox, uint32_t uid, uint64_t *ret_pack);
/* As backend_ops.vanished(). */
int index_vanished_since(struct index *ix, uint32_t mailbox, uint64_t modseq, struct buf *uids);

/*
 * What vanished up to this MODSEQ may not be known, whatever the mailbox. Who knows all up to the
 * mailbox's own HIGHESTMODSEQ has missed nothing, unless changes were `lost` that may have been
 * told: then it goes up.
 */
int index_forget_vanished(struct index *ix, uint64_t modseq, bool lost);

/*
 * Makes durable what was taken in. Before a pack is removed: a database that is older than that
 * would know messages of which nothing is left, and miss that they were expunged.
 */
int index_sync(struct index *ix);

int index_set_pack(struct index *ix, const struct index_pack *p);
int index_forget_pack(struct index *ix, uint64_t pack);

/*
 * After records were lost: moves all counters on by INDEX_LEAP, so that no UID, MODSEQ or message
 * number which a lost record had is given again.
 */
#define INDEX_LEAP 10000U
int index_leap(struct index *ix);

/* At the end of a replay: bodies that no entry has claimed. */
int index_drop_unused(struct index *ix);

/*
 * Forgets delivery keys of messages that were stored before `keys_before`; and what vanished from
 * mailboxes so long ago, or what is more than so many in one.
 */
struct index_pruning {
    usec_t now, keys_before;
    usec_t vanished_age;
    uint64_t vanished_max;
};
int index_prune(struct index *ix, const struct index_pruning *how);
