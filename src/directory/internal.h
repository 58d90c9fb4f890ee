/* SPDX-License-Identifier: ISC */
/*
 * Shared by the files of this folder: the open directory, and how jobs reach its database.
 */
#pragma once

#include "auth/newcomer.h"
#include "auth/remembered.h"
#include "auth/throttle.h"
#include "base/even_clock.h"
#include "base/list.h"
#include "base/map.h"
#include "db/db.h"
#include "directory/admin.h"
#include "directory/cache.h"
#include "directory/directory.h"
#include "directory/name.h"
#include "directory/seal.h"
#include "fiber/sync.h"
#include "message/srs.h"

#define DIRECTORY_MAGIC 0x64697230U

#define REMEMBERED_MAX 16384U
#define THROTTLED_MAX  65536U
#define HASHING_MAX    2U /* as many as OFFLOAD_KDF has threads */

/* What local.c has of its own; its tables are in `db`. */
struct local_source {
    struct directory_source source;
    int64_t data_version; /* SQLite's; changes when another process has written */
};

struct directory {
    uint32_t magic;
    struct directory_source *source; /* &local.source, or who was given */
    struct local_source local;
    bool read_only;
    char plus_separator;
    unsigned shards;
    struct password_cost cost;
    struct slice hostname;       /* lower case, owned; empty: none said */
    struct slice default_domain; /* lower case, owned; empty: none said */

    struct fiber_mutex mutex;   /* held while a job is in `db` */
    const struct fiber *closer; /* from then on jobs are its alone */
    struct db *db;
    uint64_t changes;           /* of what the source knows, so far as is known; grows with each */
    void (*changed)(void *arg); /* as in the options */
    void *changed_arg;
    usec_t check_at, check_interval;

    struct cache *cache;
    struct remembered *remembered;
    struct throttle *throttle;
    struct newcomers *newcomers;
    struct fiber_gate hashing; /* for newcomers */
    struct seal_key key;
    struct seal_key srs; /* for senders of what is sent on: send_on.c */

    struct map seen; /* logins not yet written: account_id -> struct seen_login */
    usec_t seen_since;
    size_t seen_again;           /* of them: could not be written last time */
    struct map usage;            /* of mailboxes, the newest: account_id -> struct usage */
    struct usage *usage_pending; /* those of it that are not written yet */
    size_t usage_pending_count;
    usec_t usage_since;
    usec_t removed_keep;
    usec_t round_at; /* of directory_look_who_left(): not before this, and where it goes on */
    uint64_t round_after;
    struct even_clock clock; /* from its opening on */
    bool was_behind;
    uint64_t known; /* if so: the last number of an account that it had given */

    struct sending_limits sending_limits; /* of accounts that have none of their own */
    struct map senders;                   /* by account_id: struct sender of limits.c */
    struct list senders_by_use;
    usec_t sending_since; /* when they were written last */
    bool sending_failed;  /* and could not be */
    uint64_t sending_changes;
};

/* Runs in a thread of OFFLOAD_DISK, alone in the database. */
typedef int db_job(struct db *db, void *arg);

enum job_kind {
    JOB_READ,
    JOB_WRITE,  /* one transaction, which a negative result undoes; may change where mail goes */
    JOB_RECORD, /* a transaction that changes nothing that is cached */
};

/* The job's result, or negative: a wait cut short, the database. */
int directory_run(struct directory *d, enum job_kind kind, db_job *fn, void *arg,
                  struct problem *problem) WAITS;

/* What is remembered of the source may be wrong from now on. */
void directory_changed(struct directory *d);

/* The facts about a key, from memory or from the source, copied into the arena. */
int directory_lookup(struct directory *d, struct slice key, struct arena *a, struct facts *ret,
                     struct problem *problem) WAITS;

/* The senders of what is sent on today (send_on.c); valid to the next wait. */
struct srs directory_srs(const struct directory *d);

/* Asks, when it is time, whether the source knows something else now. 0 or a cut wait. */
int directory_check(struct directory *d) WAITS;

/* ------------------------------------------------------------------ what is kept */

/* In a statement: whether anybody has the number ?1, so that something is kept of it. */
#define SOMEBODY_HAS_1                                                                             \
    "(EXISTS (SELECT 1 FROM account WHERE account_id = ?1)"                                        \
    " OR EXISTS (SELECT 1 FROM removed WHERE account_id = ?1)"                                     \
    " OR EXISTS (SELECT 1 FROM elsewhere WHERE account_id = ?1))"

/*
 * Sees to it that SOMEBODY_HAS_1 is true of an account of another source, which is asked when the
 * number is new here. -E_UNKNOWN: nobody there has it; -EEXIST with a sentence: somebody else
 * had it here; or whatever the source says. 0 always for the accounts of the file itself.
 */
int directory_vouch(struct directory *d, uint64_t id, struct problem *problem) WAITS;

/* Who is said to have changed what another source has changed. */
struct order directory_order_of_source(const struct directory *d, struct arena *a);

/* Whether all were looked for lately (directory_look_who_left()): who has left and is due is gone.
 */
bool directory_knows_who_left(const struct directory *d);

/*
 * The shard of an account, whichever source has it: by its number, as the mail processes know their
 * own, since an account that two of them took for theirs would have two writers.
 */
static inline uint32_t directory_shard(const struct directory *d, uint64_t account_id) {
    return (uint32_t)(account_id % d->shards);
}

/* Fills in shard, usage and last login of accounts, as they are written. */
int directory_fill_kept(struct directory *d, struct account *list, size_t count,
                        struct problem *problem) WAITS;
int kept_fill(struct db *db, struct account *account);

/* Fills in what is known here about an address of another source's account. */
int directory_learn_kept(struct directory *d, struct slice address, struct facts *facts,
                         struct problem *problem) WAITS;

/* The networks from which an account was logged in to, as they are written. */
int directory_read_networks(struct directory *d, uint64_t account_id,
                            struct known_networks *ret) WAITS;

/* ------------------------------------------------------------------ */

/* The domain of names without one, or the empty slice: login (only if unambiguous), postmaster. */
int directory_host_domain(struct directory *d, bool any, struct arena *a, struct slice *ret) WAITS;

/*
 * Notes a login, and the network it came from beside those that the file has (seen.c); writes what
 * was noted, and keeps what it cannot write for the next time; the networks noted of an account
 * that are not written yet, or NULL.
 */
int directory_note_login(struct directory *d, uint64_t account_id, struct slice peer,
                         const struct known_networks *known) WAITS;
int directory_write_logins(struct directory *d) WAITS;
void directory_forget_logins(struct directory *d); /* at its end */
const struct known_networks *directory_newer_networks(const struct directory *d,
                                                      uint64_t account_id);

/* The same for usage, whether it is time or not. */
int directory_flush_usage(struct directory *d) WAITS;

/* The newest number of bytes that was told of an account; `stored` when none was. */
uint64_t directory_used(const struct directory *d, uint64_t id, uint64_t stored);
void directory_usage_done(struct directory *d);

/* ------------------------------------------------------------------ the history, inside a job */

struct author {
    const struct order *order;
    usec_t wall;
};
struct author author_of(const struct order *order);

/* Adds an entry to the history. One that says that nothing has changed is left out. */
int history_add(struct db *db, const struct author *author, const char *kind, struct slice name,
                struct slice before, struct slice after);

/* Inside a job: notes that the address is no longer the account's; forgets what no longer counts.
 */
int former_note(struct db *db, uint64_t id, struct slice address, usec_t removed);
int former_forget(struct db *db, usec_t now);

/* "1G", "none": as the command line takes it. */
struct slice history_size(struct arena *a, uint64_t bytes);
/* Writes what was counted of senders; forgets one that is no more, or all. */
int directory_write_sending(struct directory *d) WAITS;
void directory_forget_sender(struct directory *d, uint64_t account_id);
void directory_forget_senders(struct directory *d);
