/* SPDX-License-Identifier: ISC */
/*
 * The inside of the backend: what its files share. Lives on the scheduler's thread; offloaded
 * functions get what they need in their own structs.
 *
 * An account is always ahead of its mail.db: `pending` are the records that are in the pack but not
 * in the database.
 *
 * Locks: `log` is held around each group that is written, `db` around each job of the database,
 * `maps_lock` around each job of maps.db. Whoever needs several takes them in this order. Closing
 * another account's files only ever takes a `db` and a `maps_lock` that are free, so nobody waits
 * for two accounts.
 */
#pragma once

#include "base/arena.h"
#include "base/even_clock.h"
#include "base/map.h"
#include "fiber/sync.h"
#include "fiber/wait.h"
#include "store/solo/index.h"
#include "store/solo/key_set.h"
#include "store/solo/map_file.h"
#include "store/solo/replay.h"
#include "store/solo/solo.h"

/* A pack's file, open for reading as long as somebody uses it. */
struct pack_handle {
    uint64_t number;
    int fd;
    unsigned users; /* the account's list is one */
};

enum work { /* for the keeper */
            WORK_TAKE_IN = 1 << 0,
            WORK_COMPACT = 1 << 1,
            WORK_REBUILD = 1 << 2,
};

/*
 * Most accounts in memory belong to somebody who is silent: what they do not need has memory of its
 * own while it is there.
 */
struct solo_account {
    struct backend_account base;
    struct solo *solo;
    uint64_t id;
    bool ready;        /* opened, and not being closed */
    bool at_work;      /* the keeper works on it */
    bool is_new;       /* nothing was committed yet */
    bool rebuilt;      /* mail.db has been made anew since the account is open */
    bool compacting;   /* see compact.c */
    bool dir_synced;   /* the name of the newest pack is durable */
    bool maps_there;   /* the file of maps is, as far as is known */
    bool search_there; /* as store_has_index() */

    struct index_pack *packs; /* by number; those that are gone are not here */
    size_t pack_count;
    struct key_set *keys;       /* delivery keys in the database or pending; NULL: not loaded */
    struct place_table *places; /* where bodies lie that were read lately; or NULL */
    usec_t rebuild_after;       /* not before, when that has failed; nor is told again why */

    /* Writing, see log.c. */
    struct fiber_mutex log;
    uint64_t newest;           /* number of the newest pack file */
    struct pack_file *current; /* the newest pack; NULL: not open */
    uint64_t current_end;      /* its length; 0: there is none to go on with */

    /* The database, see files.c. */
    struct fiber_mutex db;
    struct index *index;    /* NULL: not open */
    struct index_mark mark; /* its own; another one there means that it is not as it was left */
    struct link files_link; /* in solo->open, least recently used first */
    usec_t files_used;
    struct list pending; /* struct log_record: in the pack, not in the database */
    size_t pending_count;
    uint64_t
        behind; /* bytes of facts that mail.db has not yet, those on their way to it included */
    usec_t pending_since;
    struct pack_handle **files; /* open for reading */
    size_t file_count;

    /* Maps of messages, see maps.c. */
    struct fiber_mutex maps_lock;
    struct map_file *maps; /* NULL: not open */
    usec_t maps_after;     /* not before, since it could not be used */
    usec_t maps_removed;   /* when the last one was, since it was spoiled */

    char *search_path; /* as store_index_path(); NULL: nobody has asked */

    struct link work_link; /* in solo->work */
    unsigned work;         /* enum work */
    struct link late_link; /* in solo->late: trailing, by pending_since */

    char dir[]; /* its folder */
};

struct solo {
    struct store_backend base;
    struct solo_options options;
    struct backend_host host;
    char *dir;
    struct buf blank; /* a database without rows */
    struct list open; /* accounts with open files */
    unsigned open_count;
    struct backend_stats stats;
    bool closing;

    struct list work, late;
    struct fiber_cond keep;   /* the keeper waits here */
    struct fiber_cond rested; /* it has left an account */
    struct fiber *keeper;

    usec_t keys_kept; /* the option, or longer: backend_ops.keep_keys */
    struct even_clock clock;
    usec_t space_checked;
    uint64_t space_free; /* on the disk, when that was last looked at */
    usec_t maps_told;    /* when a person was last told of trouble with maps */
};

static inline struct solo *solo_of(struct store_backend *b) {
    return CONTAINER_OF(b, struct solo, base);
}
static inline struct solo_account *account_of(struct backend_account *a) {
    return CONTAINER_OF(a, struct solo_account, base);
}

/* ------------------------------------------------------------------ work.c */

void work_wake(struct solo *s);
void work_add(struct solo_account *a, unsigned work);
void work_trails(struct solo_account *a);    /* after records were added to `pending` */
void work_caught_up(struct solo_account *a); /* `pending` is empty */
void solo_report(struct solo_account *a, struct slice sentences);

/* ------------------------------------------------------------------ room.c */

#define SOLO_MIN_FREE (64ULL << 20) /* when no option says otherwise */

int solo_has_room(struct backend_account *a, uint64_t bytes) WAITS;
int solo_scratch(struct backend_account *a, int *ret_file) WAITS;
uint64_t solo_free_bytes(struct store_backend *b) WAITS;
void solo_set_min_free(struct store_backend *b, uint64_t bytes);

/* ------------------------------------------------------------------ packs.c */

struct index_pack *pack_find(struct solo_account *a, uint64_t pack);
struct index_pack *pack_add(struct solo_account *a, const struct index_pack *pack);
void pack_remove(struct solo_account *a, uint64_t pack);
bool pack_wants_compaction(const struct solo_account *a, const struct index_pack *p);
void pack_close_current(struct solo_account *a); /* its file; the next group opens it again */
void packs_sum_up(struct solo_account *a);       /* after mail.db has taken records in */
void packs_look_for_work(struct solo_account *a);

/* ------------------------------------------------------------------ files.c */

/*
 * Whether the folder of an account that was there is not there any more: moved away, or its disk is
 * not mounted. It is not made again: what is written into another one would be in its way when it
 * comes back. Blocks.
 */
bool files_folder_has_gone(const char *dir, struct problem *problem);

/* The database's mutex, its handle opened. Ends with files_unlock(), also after a failed job. */
int files_lock(struct solo_account *a) WAITS;
void files_unlock(struct solo_account *a, int error);

/* Takes `pending` into the database; the mutex is held. */
int files_take_in(struct solo_account *a) WAITS;

/* Both: the mutex, and a database that has everything. */
int files_lock_whole(struct solo_account *a) WAITS;

/* Waits while mail.db is too far behind; as backend_ops.keep_up. */
void solo_keep_up(struct backend_account *a) WAITS;

/* A pack's file for reading; give it back with files_put_pack(). -E_UNKNOWN: it is gone. */
int files_get_pack(struct solo_account *a, uint64_t number, struct pack_handle **ret) WAITS;
void files_put_pack(struct pack_handle *p);
void files_forget_pack(struct solo_account *a, uint64_t number); /* users keep theirs */

void files_touch(struct solo_account *a);      /* has open files, and uses them now */
usec_t files_close_idle(struct solo *s) WAITS; /* unused for long; when to look again */
void files_close_some(struct solo *s) WAITS;   /* down to the limit, where possible */
int files_close(struct solo_account *a) WAITS; /* all of an account nobody writes to */

/* ------------------------------------------------------------------ maps.c */

size_t solo_maps(struct backend_account *a, const struct backend_mapped *list, size_t count,
                 size_t most, struct buf *to, struct store_piece *ret_pieces) WAITS;
void solo_keep_maps(struct backend_account *a, const struct backend_mapped *list, size_t count,
                    struct slice bytes, const struct store_piece *pieces) WAITS;
bool solo_wants_maps(const struct backend_account *a, bool expected);

/* The maps of bodies that have gone for good. */
void maps_drop(struct solo_account *a, const uint64_t *bodies, size_t count) WAITS;

/* ------------------------------------------------------------------ bodies.c */

int solo_bodies(struct backend_account *a, uint64_t above, struct store_body *list, size_t size,
                size_t *ret_count) WAITS;
int solo_newest_body(struct backend_account *a, uint64_t up_to, struct store_body *ret) WAITS;
int solo_count_bodies(struct backend_account *a, uint64_t up_to, uint64_t *ret_count,
                      uint64_t *ret_above) WAITS;
const char *solo_index_path(struct backend_account *a);
bool solo_has_index(const struct backend_account *a);
void solo_note_index(struct backend_account *a, bool there);

/* ------------------------------------------------------------------ log.c */

/* Records that are written and synced together. Begun and ended with the `log` mutex held. */
struct log_group {
    struct solo_account *account;
    struct list records; /* struct log_record */
    uint64_t pack, generation;
    uint64_t start, at; /* offsets in the pack: of the group, of its next record */
    bool create;        /* the pack is made by this group */
    bool written;       /* and durable */
    struct iovec *iov;
    size_t iov_count, iov_size;
    struct arena arena; /* frames */
};

int log_begin(struct log_group *g, struct solo_account *a) WAITS;
int log_resume(struct log_group *g, struct solo_account *a) WAITS; /* though its pack is full */
void log_new_pack(struct log_group *g); /* while it is empty: into a new pack */

/* What every pack begins with, enough to go on from if it were the only one left. */
void log_head(struct log_group *g);

/* The facts of a NOTE_MAILBOX. */
void log_mailbox_facts(const struct log_group *g, const struct record_mailbox *m,
                       struct buf *facts);

/* Adds a record. The body, if any, stays where it is until the group is done. */
void log_add(struct log_group *g, uint8_t type, uint16_t flags, struct slice facts,
             const struct store_bytes *body);

/* Writes and syncs. */
int log_write(struct log_group *g) WAITS;

/* Ends the group; its records are in `pending` then, if they are durable. */
void log_done(struct log_group *g);

/* The account's next group begins a new pack. */
void log_leave_pack(struct solo_account *a);

/* ------------------------------------------------------------------ keys.c */

int solo_find_key(struct backend_account *a, struct slice key, uint64_t *ret_body,
                  uint32_t *ret_uid) WAITS;
void keys_begin(struct solo_account *a);                  /* of a new one, which has none */
void keys_note(struct solo_account *a, struct slice key); /* of a commit */
void keys_free_spent(struct solo_account *a) WAITS;       /* after keys_note() */
void keys_clear(struct solo_account *a);

/* ------------------------------------------------------------------ places.c */

void places_begin(struct solo_account *a); /* makes the table */
void places_forget(struct solo_account *a);
bool place_known(const struct solo_account *a, uint64_t body, struct index_place *ret);
void place_note(struct solo_account *a, const struct index_place *p); /* if the table is there */
void place_forget(struct solo_account *a, uint64_t body);

/* ------------------------------------------------------------------ commit.c, read.c */

int solo_commit(struct backend_account *a, const struct list *records) WAITS;
int solo_read(struct backend_account *a, struct backend_body body, uint64_t skip, void *to,
              size_t len) WAITS;
int solo_read_many(struct backend_account *a, const struct backend_body *bodies, size_t count,
                   size_t most, struct buf *to, struct store_piece *ret_pieces) WAITS;
int solo_get(struct backend_account *a, struct backend_body body, struct backend_file *ret) WAITS;
void solo_put(struct backend_account *a, struct backend_file *f);
int solo_saved(struct backend_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
               uint32_t *saved) WAITS;
int solo_load(struct backend_account *a, uint32_t mailbox, uint32_t above,
              struct store_entry *entries, size_t size, struct buf *sets, size_t *ret_count) WAITS;
int solo_keywords(struct backend_account *a, uint32_t mailbox, struct buf *names) WAITS;
int solo_count_entries(struct backend_account *a, const uint64_t *bodies, size_t count,
                       uint32_t *counts) WAITS;
int solo_vanished(struct backend_account *a, uint32_t mailbox, uint64_t modseq,
                  struct buf *uids) WAITS;
int solo_return_path(struct backend_account *a, uint64_t body, struct buf *path) WAITS;
int solo_delivery_key(struct backend_account *a, uint64_t body, struct buf *key) WAITS;
int solo_deleted(struct backend_account *a, struct deleted_place behind,
                 struct backend_deleted *list, size_t size, struct buf *texts,
                 size_t *ret_count) WAITS;
int solo_property(struct backend_account *a, uint32_t mailbox, uint32_t kind, struct slice name,
                  struct buf *value) WAITS;

/* ------------------------------------------------------------------ account.c, purge.c */

int solo_account_open(struct store_backend *b, uint64_t id, const struct backend_sink *sink,
                      struct backend_state *ret_state, struct backend_account **ret) WAITS;
int solo_account_close(struct backend_account *a, bool forced) WAITS;
struct replay_where account_where(const struct solo_account *a); /* for replay_open() */
int solo_accounts(struct store_backend *b, unsigned part, struct buf *ids) WAITS;
int solo_look(struct store_backend *b, uint64_t id) WAITS;
int solo_purge(struct store_backend *b, uint64_t id) WAITS;
int solo_purge_files(const char *dir, uint64_t account); /* the same, blocking */

/* ------------------------------------------------------------------ compact.c, upkeep.c */

int solo_compact(struct backend_account *a) WAITS;
int compact_account(struct solo_account *a, bool all) WAITS;
void keeper_main(void *solo) WAITS; /* the fiber */
