/* SPDX-License-Identifier: ISC */
/*
 * A source of accounts: it knows who exists and what an address stands for, and says whether what a
 * client shows proves who he is. The rules are above it and the same for all sources: where an
 * address leads (resolve.c), in which order and at which price a login is looked at (login.c), how
 * much one may send (limits.c). So is what the server itself keeps of an account in directory.db,
 * by the account's number: usage, last logins, what was sent, the history.
 *
 * The first source is local.c, which has its tables in directory.db, too, and is the only one that
 * can be changed here. Another one (LDAP, PAM, PostgreSQL) implements these functions and is given
 * as directory_options.source. Its accounts have numbers from 1 to ACCOUNT_NUMBER_MAX that never
 * change and go to nobody else: the mailbox of a number is his who has it. What the server keeps of
 * an account begins when its number is first seen, and ends like that of a removed one when
 * account() no longer knows it (directory_look_who_left()). Many fibers call it at the same time.
 */
#pragma once

#include "auth/newcomer.h"
#include "base/arena.h"
#include "base/error.h"
#include "directory/name.h"
#include "people/account.h"
#include "people/login.h"

/*
 * What is known of one key; what does not apply is zero. Keys:
 *     "local@domain"   a name: its account and its alias targets
 *     "@domain"        a domain
 *     "@"              the host: the domain of names without one
 */
struct facts {
    bool known; /* false: there is no such name or domain */

    enum domain_type type;  /* of a domain */
    struct slice target;    /* of an alias domain; "@": the only local domain, if only one */
    struct slice catch_all; /* of a local domain */
    struct slice first;     /* "@": the first local domain */

    uint64_t account_id; /* of a name; 0: no account has it */
    uint64_t quota;
    bool enabled;
    bool has_kept;         /* the source knew the next two; else directory.db does */
    uint64_t used;         /* bytes, as they were when this was read; see directory_used() */
    usec_t replaced;       /* see struct route_mailbox */
    struct slice *targets; /* of an alias; "@": the administrators, as addresses */
    size_t target_count;
};

/* Who wants to log in. */
struct person {
    struct slice address; /* canonical; empty: the name cannot be anybody's */
    uint64_t account_id;  /* 0: there is no such account */
    bool enabled;
    uint64_t quota;              /* as struct facts */
    struct slice password, apop; /* what the source proves him by: for the source alone. When they
                                    are others at the end of a login, it does not count */
    bool has_networks;           /* the source knew: */
    struct known_networks networks; /* from which he was logged in to; else directory.db does */
};

struct login_attempt {
    const struct login_request *request;
    struct arena *arena;
    bool newcomer;   /* from none of his networks: a crowd of these may keep nobody else waiting */
    bool sprays;     /* its network tries ever new names, and has to wait for that */
    usec_t patience; /* until when it may wait, fiber_now() */
};

struct directory_source;

/* Each: 0; -ECANCELED or -ETIMEDOUT: a wait was cut short; another code: it cannot answer now. */
struct directory_source_ops {
    const char *name; /* "local", for sentences */

    int (*lookup)(struct directory_source *s, struct slice key, struct arena *a,
                  struct facts *ret) WAITS;

    /* Whether what was looked up may have changed without this process. Called every second. */
    int (*refresh)(struct directory_source *s, bool *ret_changed) WAITS;

    /* Fills in the person of `person->address`. */
    int (*find)(struct directory_source *s, struct person *person, struct arena *a,
                struct problem *problem) WAITS;

    /*
     * Whether what the client shows proves that he is this person; -E_REFUSED with the true reason
     * when not. It takes the same time when there is no such person. Where the request has a
     * `talk`, it may ask the client on, as often as it likes; without one that is refused.
     */
    int (*prove)(struct directory_source *s, struct person *person,
                 const struct login_attempt *attempt, struct problem *problem) WAITS;
    bool asks; /* it may ask on: each login needs a fiber of its own */

    /* Whether somebody has allowed an account to send under a name that does not lead to it. */
    int (*may_send_as)(struct directory_source *s, uint64_t account_id, const struct name *name,
                       bool *ret_may) WAITS;

    /* Whether any account has an APOP secret; NULL: none can have one. */
    int (*has_apop)(struct directory_source *s, bool *ret, struct problem *problem) WAITS;

    /*
     * One account, by its number or (with id 0) its canonical address, or -E_UNKNOWN with a
     * sentence; pages, as directory/admin.h has them. Usage and last login are filled in behind
     * them.
     */
    int (*account)(struct directory_source *s, uint64_t id, struct slice address, struct arena *a,
                   struct account *ret, struct problem *problem) WAITS;
    int (*accounts)(struct directory_source *s, struct slice domain, uint64_t after_id,
                    size_t limit, struct arena *a, struct account **ret, size_t *ret_count,
                    struct problem *problem) WAITS;
    int (*domains)(struct directory_source *s, struct slice after, size_t limit, struct arena *a,
                   struct domain **ret, size_t *ret_count, struct problem *problem) WAITS;

    void (*close)(struct directory_source *s) WAITS; /* may be NULL */
};

/* The first member of what an implementation has. */
struct directory_source {
    const struct directory_source_ops *ops;
};
