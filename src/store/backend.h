/* SPDX-License-Identifier: ISC */
/*
 * The seam below the store: who keeps accounts on a disk, in memory, or in a database elsewhere.
 *
 * The store above keeps what is looked at in memory, gives all numbers, and holds the rules of
 * mailboxes. A backend makes groups of records durable, gives them back when an account comes into
 * memory, and reads bodies. Above this header nobody knows a file, a database or a place; a body is
 * known by its number.
 *
 * Everything runs on the scheduler's thread; what blocks goes through offload() inside the backend.
 * The store calls commit() for one account from one fiber at a time; everything else may be called
 * meanwhile, from many fibers. A backend does its own upkeep (compaction, an index that trails)
 * with fibers of its own, between open() and close(), and needs nothing of the store for it but the
 * functions of `struct backend_host`.
 *
 * Errors as in store.h. -E_UNKNOWN: no such account, mailbox or body.
 */
#pragma once

#include "base/error.h"
#include "store/bodies.h"
#include "store/record.h"
#include "store/store.h"

struct store_backend;   /* begins with `ops`; the rest is the backend's own */
struct backend_account; /* begins with `backend`; the rest is the backend's own */

/* The counters of an account. */
struct backend_counters {
    usec_t born; /* wall time, from which its first UIDVALIDITY is made */
    uint64_t modseq, body_next;
    uint32_t mailbox_next;
    struct deleted_place forgotten;
};

/* A mailbox, with what its entries add up to. */
struct backend_mailbox {
    struct record_mailbox info;       /* modseq: the highest of its entries and itself */
    uint64_t messages, unseen, bytes; /* bytes: of all its entries */
};

/* What a backend tells the store; none of it waits. */
struct backend_host {
    /* The account as it is given out now, for who writes it down whole: each mailbox once. */
    void (*describe)(void *arg, uint64_t account, struct backend_counters *ret_counters,
                     void (*each)(void *to, const struct record_mailbox *m), void *to);
    /* Numbers were lost with damaged bytes: all counters of the account go on by so much. */
    void (*leap)(void *arg, uint64_t account, uint32_t by);
    /* One sentence for the log: what was found damaged and what was done. */
    void (*report)(void *arg, uint64_t account, const char *text);
    void *arg;
    int64_t *memory; /* bytes held for accounts: the backend adds its own and takes them off */
};

/* What comes out of open(), given to the store piece by piece. None of it waits. */
struct backend_sink {
    void (*mailbox)(void *arg, const struct backend_mailbox *m);
    /* Also those that were removed, as long as they are remembered; large ones without value. */
    void (*property)(void *arg, const struct record_property *p);
    void *arg;
};

struct backend_state {
    bool is_new; /* nothing was ever committed */
    struct backend_counters counters;
    uint64_t messages, bytes;  /* bodies, each once */
    uint64_t deleted_bytes;    /* of bodies that have no entry, and can be brought back */
    uint64_t deleted_count;    /* of removed entries that can be brought back */
    uint64_t properties_since; /* removed properties are known from this MODSEQ on */
};

/* The body as part of a file, to be sent without a copy. */
struct backend_file {
    int fd;
    uint64_t offset, len;
    void *hold; /* the backend's: what put() gives back */
};

#define BACKEND_SETS 65536U /* bytes of sets, that are loaded at once; and one set more */

/* A body that is asked for; the size is checked against what is found. */
struct backend_body {
    uint64_t number;
    uint32_t size;
};

/* What a map belongs to: numbers, sizes and dates of a body never change. */
struct backend_mapped {
    uint64_t body;
    uint32_t size;
    usec_t date; /* with which it came */
};

/* A removed entry that can be brought back. */
struct backend_deleted {
    struct deleted_place place;
    uint32_t mailbox, size;
    uint64_t body;
    usec_t when, date;
    uint8_t flags;
    uint32_t entries, others; /* that its body has; and removed ones, itself included */
    size_t name_at, name_len; /* of the mailbox, in the texts */
    size_t keywords_at, keywords_len;
};

struct backend_usage {
    uint64_t disk;
};

struct backend_stats {
    unsigned handles; /* accounts with open files */
    uint64_t compacted, failed_syncs;
};

#define BACKEND_PARTS 256U /* of all accounts, to be walked one after the other */

struct backend_ops {
    const char *name;

    /* Ends the backend; no account is open. */
    void (*close)(struct store_backend *b) WAITS;
    void (*stats)(const struct store_backend *b, struct backend_stats *ret);

    /* Whether anything is kept of the account: 0, -ENOENT, or an error. Makes nothing. */
    int (*look)(struct store_backend *b, uint64_t account) WAITS;

    /*
     * Opens an account, making what it needs where there is nothing yet. Gives its mailboxes in
     * order of their numbers. close(): what was committed need not be written again, but an index
     * that trails is brought up to date; an error leaves the account open, unless `forced`.
     */
    int (*account_open)(struct store_backend *b, uint64_t account, const struct backend_sink *sink,
                        struct backend_state *ret_state, struct backend_account **ret) WAITS;
    int (*account_close)(struct backend_account *a, bool forced) WAITS;

    /* Deletes all that is kept of an account that is not open, for ever. */
    int (*purge)(struct store_backend *b, uint64_t account) WAITS;

    /*
     * Makes a list of struct store_record durable, all or none, in their order; it is durable when
     * this returns 0. Of a commit that a crash cuts short each record may be found, or not, but
     * none by half; mailboxes and properties of one MODSEQ that follow each other are found
     * together, or none of them. Records and what they point to stay unchanged meanwhile. The first
     * one makes the account itself durable, and may be empty.
     */
    int (*commit)(struct backend_account *a, const struct list *records) WAITS;

    /*
     * Waits while too much that was committed is in memory and has still to be taken in somewhere:
     * whoever makes many changes comes here before each, or he would fill the memory with them.
     */
    void (*keep_up)(struct backend_account *a) WAITS;

    /*
     * Reads a mailbox's entries whose UID is above `above`, in order, at most `size`, and adds
     * their sets of keywords to `sets`, which is empty. Fewer mean that there are no more, or that
     * the sets have come to BACKEND_SETS bytes. All commits that had returned before the call are
     * in it, later ones may be or not. ENTRY_SHARED is set where the body has other entries.
     */
    int (*load)(struct backend_account *a, uint32_t mailbox, uint32_t above,
                struct store_entry *entries, size_t size, struct buf *sets,
                size_t *ret_count) WAITS;

    /* The keywords that entries of a mailbox have, each with a space behind it. */
    int (*keywords)(struct backend_account *a, uint32_t mailbox, struct buf *names) WAITS;

    /* When entries came to the mailbox, in seconds of wall time; 0 where that is not known, or for
     * one that is gone. */
    int (*saved)(struct backend_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                 uint32_t *saved) WAITS;

    /* How many entries bodies have, into `counts`; 0 for one that is gone. */
    int (*count_entries)(struct backend_account *a, const uint64_t *bodies, size_t count,
                         uint32_t *counts) WAITS;

    /* UIDs of a mailbox that were expunged after `modseq`, in order, added to `uids` (uint32_t).
     * -E_LIMIT: too long ago to tell. */
    int (*vanished)(struct backend_account *a, uint32_t mailbox, uint64_t modseq,
                    struct buf *uids) WAITS;

    /*
     * Reads removed entries behind a place, in order, at most `size`; fewer mean that there are no
     * more. Names of mailboxes and sets of keywords are added to `texts`.
     */
    int (*deleted)(struct backend_account *a, struct deleted_place behind,
                   struct backend_deleted *list, size_t size, struct buf *texts,
                   size_t *ret_count) WAITS;

    /* Numbers of accounts that are kept (uint64_t), added to `ids`: those of one part of
     * BACKEND_PARTS. */
    int (*accounts)(struct store_backend *b, unsigned part, struct buf *ids) WAITS;

    /* The value of a property that is set, added to `value`. -E_UNKNOWN: it is not. */
    int (*property)(struct backend_account *a, uint32_t mailbox, uint32_t kind, struct slice name,
                    struct buf *value) WAITS;

    /* 1: a committed append had this key; the number of its body, and its UID if that is still
     * known (or 0). 0: none had, or it is too long ago. */
    int (*find_key)(struct backend_account *a, struct slice key, uint64_t *ret_body,
                    uint32_t *ret_uid) WAITS;

    /*
     * Reads bytes `skip` to `skip` + `len` of a body, which has so many. All of it in one call is
     * checked against its sum: -E_CORRUPT.
     */
    int (*read)(struct backend_account *a, struct backend_body body, uint64_t skip, void *to,
                size_t len) WAITS;

    /* The return path with which a body came, added to `path`; nothing if none is known. */
    int (*return_path)(struct backend_account *a, uint64_t body, struct buf *path) WAITS;

    /* The key with which it was delivered, in the same way, for as long as it is with its bytes. */
    int (*delivery_key)(struct backend_account *a, uint64_t body, struct buf *key) WAITS;

    /*
     * Reads the first of the bodies, and those that follow as far as they come cheaply with it:
     * appends to `to`, at most `most` bytes beyond the first one, and says where each is. All are
     * checked. How many (1 to count), or an error of the first.
     */
    int (*read_many)(struct backend_account *a, const struct backend_body *bodies, size_t count,
                     size_t most, struct buf *to, struct store_piece *ret_pieces) WAITS;

    /* The body as part of a file that stays good until put(). Unchecked. -ENOTSUP: there is none.
     */
    int (*get)(struct backend_account *a, struct backend_body body, struct backend_file *ret) WAITS;
    void (*put)(struct backend_account *a, struct backend_file *f);

    /*
     * Maps of messages, which the store makes and a backend may keep. They are derived: all may be
     * gone at any time, so none of these fails. maps() looks for those of the first bodies of a
     * list and appends them to `to`, at most `most` bytes (one in any case); those that are not
     * kept for just this body get a piece of no length. How many were looked for (1 to count).
     * keep_maps() gets pieces of `bytes`, and passes over those of no length; of a body that is
     * gone for good they are kept no longer than its bytes. wants_maps(): those of new messages
     * should be made: `expected`, or maps of this account have been kept before; and they can be.
     */
    size_t (*maps)(struct backend_account *a, const struct backend_mapped *list, size_t count,
                   size_t most, struct buf *to, struct store_piece *ret_pieces) WAITS;
    void (*keep_maps)(struct backend_account *a, const struct backend_mapped *list, size_t count,
                      struct slice bytes, const struct store_piece *pieces) WAITS;
    bool (*wants_maps)(const struct backend_account *a, bool expected);

    /* As store_bodies(), store_newest_body() and store_count_bodies(). */
    int (*bodies)(struct backend_account *a, uint64_t above, struct store_body *list, size_t size,
                  size_t *ret_count) WAITS;
    int (*newest_body)(struct backend_account *a, uint64_t up_to, struct store_body *ret) WAITS;
    int (*count_bodies)(struct backend_account *a, uint64_t up_to, uint64_t *ret_count,
                        uint64_t *ret_above) WAITS;

    /* As store_index_path() and those behind it. The index goes when the account is made anew, or
     * records are lost with damaged bytes. */
    const char *(*index_path)(struct backend_account *a);
    bool (*has_index)(const struct backend_account *a);
    void (*note_index)(struct backend_account *a, bool there);

    void (*usage)(const struct backend_account *a, struct backend_usage *ret);

    /* Gives space back now instead of when there is time. -E_BUSY: it is going on. */
    int (*compact)(struct backend_account *a) WAITS;

    uint64_t (*free_bytes)(struct store_backend *b) WAITS; /* on the disk; UINT64_MAX: any */

    /* Room for new bodies of so many bytes: 0, -ENOSPC (less would be free than is to stay so), or
     * -E_TEMPORARY. */
    int (*has_room)(struct backend_account *a, uint64_t bytes) WAITS;

    /* An empty file to write and read, where the account is: it has no name, and is gone as soon as
     * it is closed, or the process has ended. */
    int (*scratch)(struct backend_account *a, int *ret_file) WAITS;
    void (*set_min_free)(struct store_backend *b, uint64_t bytes); /* 0: the default */

    /* Keys are remembered at least so long after their append. */
    void (*keep_keys)(struct store_backend *b, usec_t lifetime);
};

/* What repair() found. */
struct backend_repaired {
    uint64_t packs;    /* files, or whatever it keeps accounts in */
    uint64_t messages; /* in mailboxes, each once */
    uint64_t deleted;  /* removed ones that can be brought back */
    uint64_t damaged;  /* bytes that are no records */
};

/*
 * What is done to an account while no process has it open: by commands, beside a server that is
 * down. `where` is what the backend is told at its opening: a folder. Both block, so they are
 * called within offload().
 */
struct backend_offline {
    /* Makes anew from what was committed all that can be made from it, and sets aside what was
     * there. -ENOENT: nothing is kept of the account. */
    int (*repair)(const char *where, uint64_t account, struct backend_repaired *ret,
                  struct problem *problem);
    /* As backend_ops.purge. */
    int (*purge)(const char *where, uint64_t account);
};

struct store_backend {
    const struct backend_ops *ops;
};

struct backend_account {
    struct store_backend *backend;
};
