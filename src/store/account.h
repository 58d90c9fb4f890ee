/* SPDX-License-Identifier: ISC */
/*
 * The inside of the store: what its files share. Lives on the scheduler's thread; offloaded
 * functions get what they need in their own structs.
 *
 * An account in memory is always ahead of its mail.db: it holds all mailboxes, the rows of those
 * that were looked at, and `pending`, the records that are in the pack but not in the database.
 *
 *   store.c    the store, its accounts, opening and leaving them
 *   files.c    open files of accounts: the database's handle, pack descriptors, which to close
 *   log.c      writing: changes become records, groups of them are synced
 *   memory.c   mailboxes and rows in memory, and what a record does to them
 *   deliver.c change.c read.c    what callers ask for
 *   upkeep.c compact.c           what happens when there is time
 *   replay.c index*.c note.c     from packs to mail.db: no fibers, other threads call them
 */
#pragma once

#include "base/map.h"
#include "fiber/sync.h"
#include "fiber/turn.h"
#include "fiber/wait.h"
#include "store/index.h"
#include "store/key_set.h"
#include "store/replay.h"
#include "store/store.h"

/* ------------------------------------------------------------------ in memory */

struct box {                   /* a mailbox */
    struct store_mailbox info; /* its name is on the heap */
    bool loaded;
    struct store_message *rows; /* by UID; when loaded */
    size_t count, size;
};

/* A pack's file, open for reading as long as somebody uses it. */
struct store_pack {
    uint64_t number;
    int fd;
    unsigned users; /* the account's list is one */
};

enum account_state {
    ACCOUNT_OPENING,
    ACCOUNT_READY,
    ACCOUNT_CLOSING, /* is being put away; openers wait until it is gone */
};

enum work { /* for the keeper */
            WORK_TAKE_IN = 1 << 0,
            WORK_COMPACT = 1 << 1,
            WORK_REBUILD = 1 << 2,
};

struct store_account {
    struct store *store;
    uint64_t id;
    char *dir;
    enum account_state state;
    unsigned users;
    struct fiber_cond changed; /* `published` */
    struct link idle_link;     /* in store->idle, longest idle first */

    usec_t born;
    uint64_t modseq, message_next; /* given out, also to changes that are not durable yet */
    uint32_t mailbox_next;
    uint64_t published; /* the modseq of what is durable and visible */

    struct box **boxes; /* by id */
    size_t box_count;
    struct index_pack *packs; /* by number; those that are gone are not here */
    size_t pack_count;
    struct key_set keys; /* delivery keys in the database or pending, when loaded */
    bool keys_loaded;
    bool maildrop_locked;
    bool rebuilt;         /* mail.db has been made anew since the account is in memory */
    usec_t rebuild_after; /* not before, when that has failed */
    bool compacting;

    /* Writing, see log.c. */
    struct list changes;
    struct link ready_link; /* in store->ready, while changes wait and nobody writes */
    unsigned hurried;       /* changes that wait and are not patient */
    struct heap_item rest;  /* in store->resting, see rest.c */
    usec_t group_began;     /* the last one */
    usec_t rests_until;
    bool writing;
    uint64_t newest;          /* number of the newest pack file */
    struct pack_file current; /* the newest pack when open; fd -1: not open */
    uint64_t current_end;     /* its length; 0: there is none to go on with */
    bool dir_synced;          /* its name is durable */

    /* The database, see files.c. One job at a time: `db` is held around each. */
    struct fiber_mutex db;
    struct index *index;    /* NULL: not open */
    struct index_mark mark; /* its own; another one there means that it is not as it was left */
    struct link files_link; /* in store->open, least recently used first */
    usec_t files_used;
    struct list pending; /* struct log_record: in the pack, not in the database */
    size_t pending_count;
    usec_t pending_since;
    struct store_pack **files; /* open for reading */
    size_t file_count;

    struct link work_link; /* in store->work */
    unsigned work;         /* enum work */
    struct link late_link; /* in store->late: trailing, by pending_since */
};

struct store {
    char *dir;
    struct store_options options;
    struct buf blank;          /* a database without rows */
    struct map accounts;       /* by id */
    struct fiber_turns turns;  /* deliveries not yet handed to a writer, by account */
    struct fiber_cond settled; /* an account has been opened or put away */
    struct list idle;
    unsigned idle_count;
    struct list open;
    unsigned open_count;
    struct store_stats stats;
    bool closing;
    struct map purged; /* numbers of accounts that were purged: there is nothing to open */

    struct list ready;        /* accounts with changes to write */
    struct heap resting;      /* accounts that wait for more changes */
    struct fiber_cond rested; /* the fiber of rest.c waits here */
    struct fiber *rest;
    usec_t last_change;        /* when it was handed over */
    struct fiber_cond written; /* writers wait here for work */
    struct fiber **writers;
    unsigned writer_count, writers_idle;

    struct list work, late;
    struct fiber_cond keep; /* the keeper waits here */
    struct fiber *keeper;

    struct fiber_gate large; /* big messages being read into memory */
    usec_t space_checked;
    bool space_low;
};

void account_report(struct store_account *a, struct slice sentences);

/* ------------------------------------------------------------------ files.c */

/* The database's mutex, its handle opened. Ends with files_unlock(), also after a failed job. */
int files_lock(struct store_account *a) WAITS;
void files_unlock(struct store_account *a, int error);

/* Takes `pending` into the database; the mutex is held. */
int files_take_in(struct store_account *a) WAITS;

/* A pack's file for reading; give it back with files_put_pack(). -E_UNKNOWN: it is gone. */
int files_get_pack(struct store_account *a, uint64_t number, struct store_pack **ret) WAITS;
void files_put_pack(struct store_pack *p);
void files_forget_pack(struct store_account *a, uint64_t number); /* users keep theirs */

void files_touch(struct store_account *a);      /* has open files, and uses them now */
usec_t files_close_idle(struct store *s) WAITS; /* unused for long; when to look again */
void files_close_some(struct store *s) WAITS;   /* down to the limit, where possible */
int files_close(struct store_account *a) WAITS; /* all of an account nobody writes to */

/* ------------------------------------------------------------------ memory.c */

struct box *box_find(const struct store_account *a, uint32_t mailbox);
struct box *box_add(struct store_account *a, const struct store_mailbox *info);
int box_load(struct store_account *a, struct box *b) WAITS; /* its rows */
struct store_message *box_row(const struct box *b, uint32_t uid);
struct index_pack *pack_find(struct store_account *a, uint64_t pack);
struct index_pack *pack_add(struct store_account *a, const struct index_pack *pack);
void pack_remove(struct store_account *a, uint64_t pack);
int keys_load(struct store_account *a) WAITS;

/* Makes a durable record visible and puts it into `pending`. */
void account_publish(struct store_account *a, struct log_record *r);

/*
 * What the index says of an account as a whole. It is read in a disk thread, into buffers that the
 * fiber has made, and put into the account by the fiber: see memory.c.
 */
struct account_facts {
    struct index_account row;
    struct buf boxes; /* struct read_box */
    struct buf names; /* of the mailboxes */
    struct buf packs; /* struct index_pack */
};
void account_facts_init(struct account_facts *f);
int account_facts_read(struct account_facts *f, struct index *ix);
void account_fill(struct store_account *a, const struct account_facts *f);
void account_facts_done(struct account_facts *f);
void account_clear(struct store_account *a); /* frees what memory.c made */

/* ------------------------------------------------------------------ log.c */

struct group;

/* A change on its way to the disk. It lives on the stack of the fiber that asked for it. */
struct change {
    struct link link;
    /*
     * Gives numbers and adds records; runs in a writer's fiber. An error ends this change alone.
     * CHANGE_LATER: try again in the next group.
     */
    int (*prepare)(struct store_account *a, struct change *c, struct group *g) WAITS;
    void (*failed)(struct store_account *a, struct change *c); /* after prepare; may be NULL */
    bool alone;                                                /* in a group of its own */
    bool patient;                                              /* see rest.c */
    enum { CHANGE_NEW, CHANGE_WAITING, CHANGE_WRITING, CHANGE_DONE } state;
    int result;
    struct fiber_cond done;
};
#define CHANGE_LATER 1

/* Hands the change to the account's writer and waits until it is durable or has failed. */
int change_run(struct store_account *a, struct change *c) WAITS;

/* Waits for the changes that were handed over before, which now hurry. */
void change_flush(struct store_account *a) WAITS;

/* For prepare: what every pack begins with, enough to go on from if it were the only one left. */
void group_head(struct group *g);

/* For prepare: adds a record. The body, if any, stays where it is until the change is done. */
struct body {
    const struct slice *parts;
    size_t count;
    uint64_t len;
    uint32_t crc;
};
void group_add(struct group *g, uint8_t type, uint16_t flags, struct slice facts,
               const struct body *body);
struct buf *group_scratch(struct group *g);     /* empty; for one record's facts */
uint64_t group_messages(const struct group *g); /* bytes of new messages in it */
bool group_is_empty(const struct group *g);
bool group_has(const struct group *g, bool (*is)(const struct change *c, const void *arg),
               const void *arg);            /* a change before this one */
uint64_t group_pack(const struct group *g); /* where the group goes */
void group_new_pack(struct group *g);       /* while it is empty: into a new pack */
struct arena *group_arena(struct group *g); /* until the change is done */

void writer_main(void *store) WAITS; /* the fiber of a writer */

/* An account's next change begins a new pack. */
void log_leave_pack(struct store_account *a);

/* ------------------------------------------------------------------ rest.c */

void rest_note_change(struct store_account *a, const struct change *c); /* before it is added */
void rest_or_write(struct store_account *a); /* the account goes where it has to be next */
void rest_main(void *store) WAITS;           /* the fiber */

/* ------------------------------------------------------------------ upkeep.c */

void keeper_main(void *store) WAITS; /* the fiber */
void keeper_wake(struct store *s);
void keeper_add(struct store_account *a, unsigned work);
void keeper_count_pending(struct store_account *a); /* after records were added to it */

/* ------------------------------------------------------------------ compact.c */

bool pack_wants_compaction(const struct store_account *a, const struct index_pack *p);
int compact_account(struct store_account *a, bool all) WAITS;

/* ------------------------------------------------------------------ store.c */

/* For replay_open(). */
struct replay_where account_where(const struct store_account *a);

/* Of a user's kind: an account in use stays in memory. */
void account_pin(struct store_account *a);

/* Takes an idle account out of memory. On an error it stays. */
int account_put_away(struct store_account *a) WAITS;

/* Tells options.used that an account's usage may be another one. */
void account_report_usage(struct store_account *a);

/*
 * Puts an account that nobody uses out of memory and an empty one, without files, in its place, so
 * that whoever wants it waits. -E_BUSY: somebody uses it. Ends with account_leave_out().
 */
int account_take_out(struct store *s, uint64_t id, struct store_account **ret) WAITS;
void account_leave_out(struct store_account *a, bool purged);
