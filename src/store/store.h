/* SPDX-License-Identifier: ISC */
/*
 * The store: the mailboxes of one shard's accounts, owned by one process and one thread. How they
 * are kept is a backend's (backend.h): solo/ has files on this machine's disk.
 *
 * An account is opened before anything is done with it, and closed as often as it was opened; both
 * are cheap for an account that is still in memory. Results that point into an account stay valid
 * as their function says, never after the close.
 *
 * Errors of everything that writes: -ENOSPC (disk full or nearly so), -EIO and other errno: failed
 * this time, nothing of the change is left, may be tried again. -E_UNKNOWN: no such mailbox.
 * -E_LIMIT: a limit was passed, trying again is useless. -ECANCELED, -ETIMEDOUT: given up before
 * anything was written. Once bytes are on their way to the disk a call is not cut short.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"
#include "base/time.h"

struct store;
struct store_account;

#define STORE_INBOX 1U /* the mailbox that every account has */

enum store_role { /* special use, RFC 6154 */
                  STORE_ROLE_NONE,
                  STORE_ROLE_INBOX,
                  STORE_ROLE_ARCHIVE,
                  STORE_ROLE_DRAFTS,
                  STORE_ROLE_JUNK,
                  STORE_ROLE_SENT,
                  STORE_ROLE_TRASH,
                  STORE_ROLES,
};

/* A mailbox that accounts begin with. */
struct store_default {
    enum store_role role;
    struct slice name;
};
#define STORE_DEFAULTS_MAX 8U

struct backend_host;
struct store_backend;

struct store_options {
    /* Who keeps the accounts: opens a backend, such as solo_open(). */
    int (*backend)(const void *options, const struct backend_host *host, struct store_backend **ret,
                   struct problem *problem) WAITS;
    const void *backend_options;

    uint64_t entries; /* messages of an account, copies too, to which none is added by copying; 0:
                         STORE_ENTRIES_MAX */
    uint64_t memory;  /* bytes of memory; beyond, what was used least recently goes; 0: 64 MiB */
    usec_t patience;  /* how long a patient delivery may wait for others; 0: not at all */
    unsigned writers; /* accounts written at the same time; 0: 16 */

    /* How long what was removed can be brought back, and how many bytes and messages of it an
     * account may have; see undelete.h. 0: not at all; any; 100,000. The same bounds hold for what
     * a store before this one has kept. */
    usec_t undelete;
    uint64_t undelete_bytes;
    uint64_t undelete_count;
    uint64_t undelete_room; /* all of it goes when less of the disk is free; 0: never for that */

    /* Which accounts of the backend are this store's, if not all. May be NULL. */
    bool (*owns)(void *arg, uint64_t account);
    void *owns_arg;

    /* Told, in one sentence, what was found damaged and what was done, or how many deleted messages
     * went for good since the disk is nearly full; does not wait. May be NULL. */
    void (*report)(void *arg, uint64_t account, const char *text);
    void *report_arg;

    /* Told when what an account's mailboxes hold may have changed, and when it comes into memory;
     * does not wait. See store_usage(). May be NULL. */
    void (*used)(void *arg, uint64_t account);
    void *used_arg;

    /* Told when an account gives a right in a mailbox or takes it, and when one that gives some
     * comes into memory; does not wait. See store_rights_each(). May be NULL. */
    void (*shared)(void *arg, uint64_t account);
    void *shared_arg;

    /* Told of each message that has come to an account which has an index of texts (bodies.h); does
     * not wait. May be NULL. */
    void (*arrived)(void *arg, uint64_t account);
    void *arrived_arg;
};

#define STORE_ENTRIES_MAX 5000000U

/*
 * Opens the store. Starts fibers as children of the caller: the same fiber closes it, when all
 * accounts are closed. A store that is not closed loses nothing but time at the next opening.
 */
int store_open(const struct store_options *options, struct store **ret_store,
               struct problem *problem) WAITS;
void store_close(struct store *s) WAITS;

/* Other bounds of what can be brought back, as the options have them. What is too much by them goes
 * after ten minutes at the latest: it may have been a slip. */
void store_set_undelete(struct store *s, usec_t undelete, uint64_t bytes);
void store_set_undelete_room(struct store *s, uint64_t bytes);

/* Another reserve of the disk from now on, as the backend's options have it. */
void store_set_min_free(struct store *s, uint64_t bytes);

/* Another bound for the memory, as store_options.memory. */
void store_set_memory(struct store *s, uint64_t bytes);

/*
 * Which mailboxes accounts begin with beside the INBOX, from now on; none unless it is called. They
 * are at the top, each with a role and a good name of its own (one that has that of another before
 * it is passed over), and subscribed, as the INBOX is. An account that was begun without gets them
 * when it comes into memory next, if it has never had another mailbox than its INBOX. The list is
 * copied.
 */
void store_set_defaults(struct store *s, const struct store_default *list, size_t count);

struct store_stats {
    unsigned accounts;          /* in memory */
    unsigned handles;           /* of the backend: accounts with open files */
    uint64_t messages;          /* entries of mailboxes in memory */
    uint64_t memory;            /* bytes, as store_options.memory counts them */
    uint64_t loads, evicted;    /* mailboxes whose entries were read, and that went again */
    uint64_t delivered, groups; /* messages, and commits that made changes durable */
    uint64_t compacted, failed_syncs;
    uint64_t incoming; /* bytes in memory of messages that are coming (incoming.h) */
};
void store_stats(const struct store *s, struct store_stats *ret);

/* ------------------------------------------------------------------ accounts */

/*
 * Opens an account by its number; the first time its directory is made, with an INBOX. Whoever
 * calls knows that the account exists. -E_VERSION: written by a newer program. -E_PERMANENT: it was
 * purged.
 */
int store_account_open(struct store *s, uint64_t id, struct store_account **ret_account) WAITS;
/*
 * Makes a new account that has its INBOX alone, and is given no default mailboxes later either.
 * -EEXIST: there is something of it already.
 */
int store_begin_bare(struct store *s, uint64_t id) WAITS;

void store_account_close(struct store_account *a); /* NULL is fine */
DEFINE_CLEANUP(struct store_account, store_account_close)

uint64_t store_account_id(const struct store_account *a);

/* The change counter of the account: grows with every change (RFC 7162 MODSEQ, JMAP state). */
uint64_t store_account_modseq(const struct store_account *a);

/* Waits until the counter is above `seen`. */
int store_wait_change(struct store_account *a, uint64_t seen) WAITS;

/*
 * The same for who cannot wait for it alone: `changed` is called each time the counter has grown,
 * when everything up to it can be seen. It does not wait. Ends before the account is closed.
 */
struct store_watch {
    struct link link;
    void (*changed)(void *arg);
    void *arg;
};
void store_watch(struct store_account *a, struct store_watch *w);
void store_unwatch(struct store_watch *w);

struct store_usage {
    uint64_t messages, bytes; /* in however many mailboxes a message is, it counts once */
    uint64_t disk;            /* what keeping them takes */
};
void store_account_usage(const struct store_account *a, struct store_usage *ret);

/* The same by the account's number; one that has no files holds nothing, and gets none. */
int store_usage(struct store *s, uint64_t id, struct store_usage *ret) WAITS;

/* Tells options.used of every account in memory. */
void store_report_usage(struct store *s);

/*
 * Deletes all files of an account for ever, durably; afterwards it cannot be opened here any more
 * (-E_PERMANENT). Whoever calls knows that nobody may have it again. One whose files have gone
 * already, or in part, is no error. -E_BUSY: somebody uses it now.
 */
int store_purge(struct store *s, uint64_t id) WAITS;

/*
 * The exclusive-access lock of a POP3 session (RFC 1939 §8): -E_BUSY when another one holds it.
 * Delivery goes on meanwhile. It ends with its unlock, before the close.
 */
int store_lock_maildrop(struct store_account *a);
void store_unlock_maildrop(struct store_account *a);

/* ------------------------------------------------------------------ mailboxes */

#define STORE_NAME_MAX      255U
#define STORE_MAILBOXES_MAX 5000U
#define STORE_DEPTH_MAX     50U   /* of mailboxes below each other */
#define STORE_TREE_PATH_MAX 1024U /* bytes of their names, with one between two of them */

struct store_mailbox {
    uint32_t id;     /* never given again */
    uint32_t parent; /* 0: at the top */
    enum store_role role;
    struct slice name; /* UTF-8, without the parents' names */
    uint32_t uidvalidity, uidnext;
    uint64_t modseq; /* highest of its messages and of the mailbox itself */
    uint64_t messages, unseen, bytes;
};

/* All mailboxes by id; valid until the caller next waits. */
size_t store_mailbox_count(const struct store_account *a);
void store_mailbox_at(const struct store_account *a, size_t place, struct store_mailbox *ret);

/* One of them; the parent 0 and any case of "INBOX" is the INBOX. -E_UNKNOWN. */
int store_mailbox_find(const struct store_account *a, uint32_t parent, struct slice name,
                       struct store_mailbox *ret);
int store_mailbox_get(const struct store_account *a, uint32_t id, struct store_mailbox *ret);

/* Whether a mailbox can have the name: UTF-8, not empty, at most STORE_NAME_MAX bytes, no control
 * bytes. */
bool store_name_is_good(struct slice name);

/*
 * -EEXIST: the parent has one of this name; -E_SYNTAX: it is none that can be; -E_REFUSED: another
 * mailbox has the role; -E_LIMIT: too many mailboxes, too deep below others, too long a path with
 * theirs, or its rights would be too many properties (properties.h).
 */
int store_create_mailbox(struct store_account *a, uint32_t parent, struct slice name,
                         enum store_role role, uint32_t *ret_id) WAITS;

/*
 * For who looks for a mailbox by its name, and then renames or removes it: as long as he holds this
 * lock no other one does that, and the mailbox is still called so. The verbs do not ask for it. 0;
 * -ECANCELED, -ETIMEDOUT: it is not held.
 */
int store_names_lock(struct store_account *a) WAITS;
void store_names_unlock(struct store_account *a);

/*
 * Gives a mailbox another name or parent; what is below it goes along, and so do its messages with
 * their UIDs. Errors as store_create_mailbox(); -EPERM: it is the INBOX; -EINVAL: the new parent is
 * the mailbox itself or below it.
 */
int store_rename_mailbox(struct store_account *a, uint32_t mailbox, uint32_t parent,
                         struct slice name) WAITS;

/*
 * Removes a mailbox and its messages, all or none; durable when it returns. Its number is never
 * given again, and a new one of its name gets a higher UIDVALIDITY. Views of it stay as they are;
 * everything else says -E_UNKNOWN from now on, deliveries too. -EPERM: it is the INBOX; -E_BUSY:
 * there are mailboxes below it; -ENOTEMPTY: it has messages, and `only_empty` was asked for.
 */
int store_remove_mailbox(struct store_account *a, uint32_t mailbox, bool only_empty) WAITS;

/* ------------------------------------------------------------------ messages */

enum store_flag {
    STORE_SEEN = 1 << 0,
    STORE_ANSWERED = 1 << 1,
    STORE_FLAGGED = 1 << 2,
    STORE_DELETED = 1 << 3,
    STORE_DRAFT = 1 << 4,
};
#define STORE_FLAGS 0x1fU /* all of them */

/*
 * Keywords (RFC 9051 §2.3.2, RFC 8621 §4.1.1): names of at most so many bytes, atoms in ASCII,
 * which are the same whatever their case; a mailbox shows the first spelling. As many may be in use
 * in a mailbox as its messages have, up to the most: -E_LIMIT. No lower limit is met. A change
 * counts those that it brings beside those that it removes.
 */
#define STORE_KEYWORD_LEN_MAX 255U
#define STORE_KEYWORDS_MAX    1000U

enum store_shape {                           /* what the bytes of a message are like */
                   STORE_DOT_LINES = 1 << 0, /* a line begins with a dot: POP3 has to stuff it */
                   STORE_EIGHT_BIT = 1 << 1, /* bytes above 127 */
                   STORE_NUL_BYTES = 1 << 2, /* bytes of zero */
                   STORE_OPEN_END = 1 << 3,  /* does not end with a line end */
};

/* A message in a mailbox, as it was when it was asked for. */
struct store_message {
    uint32_t mailbox, uid;
    uint64_t size;  /* as RFC822.SIZE and in LIST: bytes with CRLF */
    uint64_t flags; /* enum store_flag */
    uint64_t modseq;
    uint64_t body;     /* number of its bytes within the account, never given again */
    uint32_t keywords; /* 0: it has none; see store_view_keywords() */
    usec_t date;       /* internal date: wall time */
    uint32_t shape;    /* enum store_shape */
    bool is_copy;      /* other entries of the body came before it */
};

#define STORE_KEY_MAX  1024U
#define STORE_PATH_MAX 1024U

struct store_delivery {
    uint32_t mailbox; /* STORE_INBOX */
    /*
     * What makes the delivery the only one of its kind (the id of the message as it was accepted):
     * a second one with the same key is not stored again. Empty: no such promise.
     */
    struct slice key;
    struct slice return_path; /* reverse-path without <>; empty: the null path */
    usec_t arrival;           /* 0: now */
    uint64_t flags;
    const struct slice *keywords;
    size_t keyword_count;
    uint64_t quota; /* bytes the account may hold; 0: any */
    bool patient; /* the caller holds the message durably: it may wait for others to share a sync */

    /* The bytes, stored as they are: first these parts, then `len` bytes of a file. */
    const struct slice *parts;
    size_t part_count; /* at most STORE_PARTS_MAX */
    int fd;
    uint64_t offset, len;
};
#define STORE_PARTS_MAX 16U

struct store_delivered {
    bool already; /* delivered before under this key; uid is 0 when that is long ago */
    uint32_t uid;
    uint64_t body; /* its number */
    uint64_t modseq;
};

/*
 * Stores a message; it is on the disk when this returns 0. -E_LIMIT: over quota, too large, or too
 * many keywords; -E_SYNTAX: such a keyword cannot be; or why the account cannot be opened. Messages
 * of one account get their UIDs in the order in which these calls began.
 */
int store_deliver(struct store *s, uint64_t account, const struct store_delivery *d,
                  struct store_delivered *ret) WAITS;

/*
 * Stores several messages in one mailbox, all or none, with one sync; their UIDs follow each other.
 * They are for the same mailbox, have no keys, and the first one's `quota` and `patient` count. Of
 * -E_LIMIT see above; together they may have STORE_TOGETHER_BYTES.
 */
#define STORE_TOGETHER_MAX   10000U
#define STORE_TOGETHER_BYTES (64U << 20) /* unless it is one message */
int store_deliver_all(struct store *s, uint64_t account, const struct store_delivery *d,
                      size_t count, struct store_delivered *ret) WAITS;

/*
 * The messages of a mailbox at one moment, by UID: never changes, whatever happens to the mailbox.
 * To have one costs nothing, for however many messages; it is closed before its account.
 */
struct store_view;
int store_view_open(struct store_account *a, uint32_t mailbox, struct store_view **ret_view) WAITS;
void store_view_close(struct store_view *v); /* NULL is fine */
DEFINE_CLEANUP(struct store_view, store_view_close)

/* The same in room of the caller, such as a page of a fiber's stack that is held anyhow; the room
 * stays until the view is closed. */
struct store_view_room {
    _Alignas(8) char bytes[168];
};
int store_view_open_in(struct store_account *a, uint32_t mailbox, struct store_view_room *room,
                       struct store_view **ret_view) WAITS;

/*
 * The same without waiting for a large mailbox to be read: until it is settled nothing but the
 * info, the first unseen message and its end may be asked of it. Settling gives the messages that
 * were there when the view was begun. -E_CORRUPT: the info was wrong, and will be right the next
 * time; or another error of reading.
 */
int store_view_begin(struct store_account *a, uint32_t mailbox, struct store_view **ret_view) WAITS;
int store_view_settle(struct store_view *v) WAITS;
bool store_view_is_settled(const struct store_view *v);

struct store_view_info {
    uint32_t mailbox, uidvalidity, uidnext;
    uint64_t modseq;
    uint64_t bytes;
    size_t count;
};
void store_view_info(const struct store_view *v, struct store_view_info *ret);

/* The place of the first message that is not \Seen; count: all are. Mostly it is found without
 * reading the others. Errors as store_view_settle(). */
int store_view_first_unseen(struct store_view *v, size_t *ret_place) WAITS;

/* The message with a sequence number, from 0 to count - 1. */
void store_view_at(struct store_view *v, size_t place, struct store_message *ret);

/* The place of a UID, or of the next one above it: from 0 to count. */
size_t store_view_place(struct store_view *v, uint32_t uid);

/* The keywords of a message of the view, with a space between them, added to `names`. */
void store_view_keywords(const struct store_view *v, const struct store_message *m,
                         struct buf *names);

/* The keywords that messages of a mailbox have now, in the same way. */
int store_keywords(struct store_account *a, uint32_t mailbox, struct buf *names) WAITS;

/*
 * When messages came to the mailbox (RFC 8514): stored, copied, moved or brought back. 0 where it
 * is not known, of messages that an older program has stored, and for one that has gone.
 */
int store_save_dates(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                     usec_t *dates) WAITS;

/*
 * What has changed since a MODSEQ (RFC 7162 §3.1.4, §3.2.5), added to a buffer of UIDs (uint32_t)
 * in their order: messages of the view that are new or have other flags; and messages that were
 * expunged, which may be newer than any view. -E_LIMIT: that is too long ago to tell.
 */
void store_view_changes(struct store_view *v, uint64_t since, struct buf *uids) WAITS;
int store_vanished(struct store_account *a, uint32_t mailbox, uint64_t since,
                   struct buf *uids) WAITS;

/*
 * The unique-id of a message (RFC 1939 §7, UIDL): made of its number and its date, and of its UID
 * if it is a copy, so that it never changes and no other message in its mailbox ever gets it.
 */
#define STORE_UIDL_SIZE 64
struct slice store_uidl(const struct store_message *m, char text[static STORE_UIDL_SIZE]);

/*
 * Reads bytes of a message from `skip` on, at most `len`; how many. The whole message in one call
 * is checked against its sum: -E_CORRUPT. -E_UNKNOWN: it was removed, and its bytes are gone.
 */
ssize_t store_read(struct store_account *a, const struct store_message *m, uint64_t skip, void *to,
                   size_t len) WAITS;

/*
 * Reads several messages that follow each other in a view, in one go as far as their bytes lie one
 * behind the other: appends at most STORE_SPAN_MAX bytes (one message in any case) to `to`, and
 * says where in it each message is. All are checked. The number of messages read (1 to count), or
 * an error of the first one, as store_read().
 */
#define STORE_SPAN_MAX 262144U
#define STORE_READ_MAX 64U /* messages in one call */
struct store_piece {
    size_t at, len;
};
int store_read_many(struct store_view *v, size_t place, size_t count, struct buf *to,
                    struct store_piece *ret_pieces) WAITS;

/*
 * The maps (message/map/map.h) of the first messages of a list, which may be of several mailboxes:
 * at most STORE_MAPS_MAX of them, as far as there are STORE_SPAN_MAX bytes of maps that are kept
 * and as many of those that have to be made, and of the messages for that (one message in any
 * case). Appends them to `to`, in any order, and says where each is, for message_map_read(). What
 * is made is kept for the next time, as well as that can be done; a message may be gone by now
 * whose map is still there. How many (1 to count), or an error of the first one, as store_read().
 */
#define STORE_MAPS_MAX 256U
int store_maps(struct store_account *a, const struct store_message *messages, size_t count,
               struct buf *to, struct store_piece *ret_pieces) WAITS;

/*
 * Somebody has come who will list the messages of an account: maps of those that come from now on
 * are made before they are asked for, as it is where maps have been asked for once. Until the
 * account leaves memory.
 */
void store_expect_maps(struct store_account *a);

/*
 * The message as part of a file, to be sent without reading it here; the file stays open until it
 * is released. Unchecked. Errors as store_read(); -ENOTSUP: it lies in no file.
 */
struct store_file {
    int fd;
    uint64_t offset, len;
    void *hold; /* what store_file_release() gives back */
};
int store_file_get(struct store_account *a, const struct store_message *m,
                   struct store_file *ret) WAITS;
void store_file_release(struct store_account *a, struct store_file *f);

/*
 * The key with which a message was delivered (struct store_delivery), added to `key`: nothing if it
 * had none, or it is not known any more. -E_UNKNOWN: its bytes are gone.
 */
int store_delivery_key(struct store_account *a, const struct store_message *m,
                       struct buf *key) WAITS;

/*
 * Removes messages, all or none; durable when it returns. UIDs that are not there are passed over;
 * the number of messages removed is written. How they are brought back: undelete.h.
 */
int store_expunge(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                  size_t *ret_removed) WAITS;

/*
 * The same for those of the messages that have \Deleted when they would go (RFC 9051 §6.4.3): from
 * whom it was taken a moment before, by somebody else, stays. The UIDs of those that went
 * (uint32_t, ascending) are added to `removed`.
 */
int store_expunge_marked(struct store_account *a, uint32_t mailbox, const uint32_t *uids,
                         size_t count, struct buf *removed) WAITS;

/*
 * Puts messages of a mailbox into another one, or the same, as further entries: with their flags
 * and dates, under new UIDs, in their order. All or none; durable when it returns. UIDs that are
 * not there are passed over. With `move` the old entries go in the same commit (RFC 6851).
 */
struct store_copied {
    uint32_t first_uid; /* the new UIDs follow each other */
    size_t count;
};
int store_copy(struct store_account *a, uint32_t from, const uint32_t *uids, size_t count,
               uint32_t to, bool move, struct store_copied *ret) WAITS;

/* The same, and of their flags (enum store_flag) these go along, of their keywords all or none: the
 * others of them never stand at the new entries. */
int store_copy_with(struct store_account *a, uint32_t from, const uint32_t *uids, size_t count,
                    uint32_t to, bool move, uint64_t flags, bool keywords,
                    struct store_copied *ret) WAITS;

/*
 * Changes flags and keywords: those of `remove` go, then those of `add` come. Durable when it
 * returns. On condition, messages that have changed after `unchanged_since` stay as they are; their
 * UIDs are added to `refused` (uint32_t), which may be NULL. -E_SYNTAX: such a keyword cannot be.
 */
struct store_flags {
    uint64_t add, remove;
    const struct slice *add_keywords, *remove_keywords;
    size_t add_keyword_count, remove_keyword_count;
    bool replace_keywords; /* all that are not added go */
    bool conditional;
    uint64_t unchanged_since;
};
struct store_flags_changed {
    size_t changed, refused;
    uint64_t modseq; /* that the changed ones have now, or the mailbox if there are none */
};
int store_set_flags(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                    const struct store_flags *wanted, struct store_flags_changed *ret,
                    struct buf *refused) WAITS;

/* ------------------------------------------------------------------ upkeep */

/* Gives space of removed messages back, now instead of when there is time. -E_BUSY: it is going on.
 */
int store_compact(struct store_account *a) WAITS;
