/* SPDX-License-Identifier: ISC */
/*
 * The directory: who exists, where an address leads, and who may enter. One file, directory.db
 * (SQLite), opened by one process at a time: the directory role, or the command line while the
 * system is down. directory/admin.h changes what is in it.
 *
 * All functions marked WAITS are called from a fiber; many fibers may use one directory. SQLite and
 * password hashing run in other threads (OFFLOAD_DISK, OFFLOAD_KDF). directory_resolve() and
 * directory_may_send_as() normally answer from memory in about a microsecond; a name that was not
 * asked for recently costs one look into the file. Changes by this process count at once, changes
 * by another process within `check_interval`.
 *
 * Addresses go in and come out as text, "local@domain". Local parts are compared without regard to
 * ASCII case (RFC 5321 §2.4 leaves that to the host that owns them), domains as usual; a quoted
 * local part means the same as its content. The canonical form is unquoted and lower case.
 */
#pragma once

#include "auth/password.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/time.h"
#include "directory/sending.h"
#include "people/login.h"
#include "people/route.h"

struct directory;
struct directory_source;

/* The zero value of each field stands for the default. */
struct directory_options {
    const char *key_path; /* key that seals APOP secrets; made when missing. NULL: no APOP */
    const char *srs_path; /* key of rewritten senders (message/srs.h); made when missing. NULL:
                             senders are not rewritten */
    const char *default_domain; /* for a login name without "@"; NULL: the only local domain */
    struct slice hostname;      /* of this host; empty: none, and nobody is its postmaster */
    char plus_separator;        /* 0: '+'; a NUL is written as DIRECTORY_NO_PLUS */
    unsigned shards;            /* accounts are spread over so many, by their numbers; 0: 1 */
    struct password_cost cost;  /* of new hashes; zero: PASSWORD_COST_DEFAULT */
    size_t cache_bytes;         /* memory for names asked for; 0: 32 MiB */
    usec_t check_interval;      /* for changes by another process; 0: 1 s */
    usec_t removed_keep;        /* removed accounts are purged after this; 0: never by themselves */
    uint64_t last_account; /* new accounts get numbers above this: mailboxes have those below */
    bool read_only;        /* the file must exist and is not changed */
    struct directory_source *source; /* who exists (source.h); NULL: the tables of the file. It is
                                        closed with the directory */

    /* Called when what an address leads to may have changed, before whoever changes it is answered.
     * Does not wait. May be NULL. */
    void (*changed)(void *arg);
    void *changed_arg;
};

#define DIRECTORY_NO_PLUS ((char)0x7f)

/*
 * Opens or (unless read_only) makes the file. -E_CORRUPT: not a database, or damaged; -E_VERSION:
 * made by a newer program; else negative errno. `problem` says it in words.
 */
int directory_open(const char *path, const struct directory_options *options,
                   struct directory **ret, struct problem *problem) WAITS;

/*
 * Whether the file knew no account up to options.last_account when it was opened: it is older than
 * the mailboxes, and `ret_known` is the last number that it had given.
 */
bool directory_was_behind(const struct directory *d, uint64_t *ret_known);

/*
 * Writes what is pending (last logins), closes. A question that is at the file is waited for; those
 * behind it fail with -ECANCELED. Whoever is inside for another reason must not go on when this has
 * returned: the process ends. NULL is fine.
 */
void directory_close(struct directory *d) WAITS;
DEFINE_CLEANUP(struct directory, directory_close, WAITS)

/*
 * The reverse-path with which a message goes on to another host: rewritten (message/srs.h), unless
 * its domain is ours, or it cannot be. In the arena, or the address itself.
 */
int directory_send_on(struct directory *d, struct slice address, struct arena *a,
                      struct slice *ret) WAITS;

/*
 * From now on hostname, plus_separator, cost and removed_keep are those of the options; the others
 * stay as they were.
 */
void directory_configure(struct directory *d, const struct directory_options *options);

/*
 * How long the refusal of a login is held back, the first time and at most; counts for failures
 * from now on. Without this call 2 s and 30 s.
 */
void directory_set_login_delays(struct directory *d, usec_t first, usec_t most);

/* ------------------------------------------------------------------ where an address leads */

/*
 * Where mail to `address` goes. "postmaster" without a domain is the host's own (RFC 5321 §4.5.1).
 * postmaster, mailer-daemon and abuse lead to all administrators, in each domain of this host and
 * at its name, unless an account or an alias says otherwise. 0 with the answer, of any kind;
 * -ECANCELED or -ETIMEDOUT when a wait was cut short.
 */
int directory_resolve(struct directory *d, struct slice address, struct arena *a,
                      struct route *ret) WAITS;

/*
 * Whether the account may put this address into MAIL FROM and From: its own, with any detail, and
 * every alias that leads to its mailbox, and what an administrator has allowed it
 * (directory_account_set_send_as()); nothing when it is disabled. A catch-all gives no such right.
 * 0, -ECANCELED, -ETIMEDOUT, or -E_TEMPORARY when the directory cannot be read.
 */
int directory_may_send_as(struct directory *d, uint64_t account_id, struct slice address,
                          bool *ret_may) WAITS;

/* ------------------------------------------------------------------ how much one may send */

/* For accounts that have no limits of their own. Without this call there are none. */
void directory_set_sending_limits(struct directory *d, const struct sending_limits *limits);

/*
 * Counts a message of an account to these addresses, or says that it is to be held. 0, -ECANCELED,
 * -ETIMEDOUT, -ENOSPC when very many accounts send whose counts cannot be written, or -E_TEMPORARY
 * and others when the directory cannot be read.
 */
int directory_count_message(struct directory *d, uint64_t account_id,
                            const struct slice *recipients, size_t count,
                            struct sending_verdict *ret) WAITS;

/* ------------------------------------------------------------------ who may enter */

/*
 * Checks a password, or an APOP digest where one is given (RFC 1939 §7), for accounts that have an
 * APOP secret. After failures from the same network for the same name it first waits (2 s,
 * doubling to 30 s), so a call may take LOGIN_WAIT_MAX and a second: give RPC deadlines room. A
 * name that does not exist and an account that is disabled cost as much time as a wrong password,
 * and with `hold` the refusal comes at the same moment. A welcome is for the account as it is when
 * this returns, also when it was changed meanwhile. `problem` gets the true reason for the log,
 * never for the client. 0 with the outcome; -ECANCELED or -ETIMEDOUT.
 */
#define LOGIN_WAIT_MAX (60 * USEC_SEC)
int directory_login(struct directory *d, const struct login_request *request, struct arena *a,
                    struct login *ret, struct problem *problem) WAITS;

/* Whether the source may ask a client on: then a login with a `talk` waits for people. */
bool directory_login_asks(const struct directory *d);
