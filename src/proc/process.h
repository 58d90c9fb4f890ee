/* SPDX-License-Identifier: ISC */
/*
 * The one skeleton of all roles but the master: start, confine, take settings and peers from the
 * master, work, end. What a role is and may stands in its row, a `struct process_role`
 * (role/roles.c); what it does in its `struct process_work` (src/role/, a file for each).
 *
 * In order:
 *     confinement     before anything is read (confine.h)
 *     work->open      with the settings: opens what the role owns; no peers yet
 *     links           the master connects it with its peers, now and whenever one was restarted
 *     work->go        all peers have been linked once: work begins
 *     work->listen    for each listening socket the role gets
 *     work->reload    the settings may have changed, or files that the role has beside them
 *     work->stop      finish what is under way; returning ends the process
 * Calls of other roles (work->handlers) may come as soon as open has returned 0.
 */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"
#include "proc/confine.h"
#include "rpc/calls.h"

struct process;

/* What a role does. */
struct process_work {
    const void *handlers; /* struct rpc_ROLE_handlers; its functions get the struct process */

    /* NULL: nothing to do. Open, go and stop run in the process's main fiber. */
    int (*open)(struct process *p, struct problem *problem) WAITS;
    void (*go)(struct process *p) WAITS;
    int (*listen)(struct process *p, struct slice service, int socket,
                  struct problem *problem) WAITS;
    /* Negative with a sentence: all stays as it was, the settings in force are those before. */
    int (*reload)(struct process *p, const struct conf *before, struct problem *problem) WAITS;
    void (*stop)(struct process *p) WAITS;
    uint64_t (*sessions)(struct process *p);

    /* A sentence about what the postmaster should put right, or nothing. */
    struct slice (*error)(struct process *p, struct arena *a);

    /*
     * The connection to a peer has ended, because that process has or for another reason: what it
     * had under way here is void.
     */
    void (*peer_gone)(struct process *p, enum role role, unsigned worker);
};

/* Whose rights a role has, of the users that state_find_users() finds. */
enum process_user {
    PROCESS_USER_EDGE,  /* owns nothing */
    PROCESS_USER_VAULT, /* owns secrets */
    PROCESS_USER_MAIL,  /* owns what was written */
};

/* What the master hands to a role beside its settings, since the role cannot look at it itself. */
enum process_given {
    GIVEN_SECRET = 1 << 0,         /* for tickets: role/ticket.h */
    GIVEN_LOG = 1 << 1,            /* the log file, the socket to the syslog daemon */
    GIVEN_CERTIFICATE = 1 << 2,    /* the files of tls.certificate and tls.key */
    GIVEN_PASSWORDS = 1 << 3,      /* relay.password-file */
    GIVEN_RESOLVER_FILES = 1 << 4, /* resolv.conf and the like, as text */
    GIVEN_LAST_ACCOUNT = 1 << 5,   /* the greatest number that has a folder of mail */
    GIVEN_AUTHORITIES = 1 << 6,    /* relay.authorities */
};

/*
 * A role is one row of a table (role/roles.c): what it is, and what it may. Which calls it makes
 * and answers stands in rpc/schema.rpc; from there it follows who is linked with whom.
 */
struct process_role {
    enum role role;
    enum process_user user;
    size_t workers;        /* offset in struct conf of their number (unsigned); 0: there is one */
    const char *directory; /* below the state directory, its own and its root; NULL: none */
    unsigned rights;       /* enum confine_right */
    unsigned given;        /* enum process_given */
    bool reloads;          /* at each reload: it has more than its settings that may have changed */
    bool faces_outside;    /* reads what strangers send: in a quarrel it is not believed */
    const struct process_work *work;
};

#define PROCESS_WORKERS_MAX 64U /* the limit of the settings in the block workers */
#define PROCESS_SECRET      32U

struct process {
    const struct process_role *role;
    unsigned worker;
    uint32_t outside; /* ROLE_BIT() of all roles that face it */
    struct conf
        *conf; /* replaced by a reload: for longer than to the next wait hold it, see below */
    struct fiber *root; /* lives as long as the process: parent for work that outlives a call */
    void *state;        /* the role's own, set by its open */
    uint8_t secret[PROCESS_SECRET]; /* of directory and mail, new with each master: role/ticket.h */
    /* During open and reload: what of it is not taken is closed behind them. */
    struct rpc_handed handed;
    struct buf said; /* during reload: sentences for whoever asked for it, '\n' behind each */
    struct process_links *links;
    char confinement[CONFINE_SUMMARY];
};

/*
 * The body of a child process, from main(): never returns to other work. `arguments` are those that
 * proc/spawn.h gave it; the control socket is descriptor 3. `roles` ends with a row without work.
 * Exit code of the process.
 */
#define PROCESS_OPTION "--process"
int process_main(int count, char **arguments, const struct process_role *roles);

/*
 * The link to another role; `worker` counts modulo the workers of that role. Always there, but
 * maybe down: calls then say -EPIPE.
 */
struct rpc_link *process_link(struct process *p, enum role role, unsigned worker);
unsigned process_workers(const struct process *p, enum role role); /* 0 before the first link */

/*
 * During open and reload: what the role needs and cannot look at itself, the file "resolv.conf"
 * say, as the master has read it. Empty when it is not there.
 */
struct slice process_text(const struct process *p, struct slice name);

/*
 * The settings of this moment for whoever keeps pointers into them: they stay as they are until
 * they are released, whatever is reloaded meanwhile.
 */
struct process_settings {
    const struct conf *conf;
};
struct process_settings *process_settings_hold(struct process *p);
void process_settings_release(struct process_settings *s); /* NULL is fine */
DEFINE_CLEANUP(struct process_settings, process_settings_release)

/*
 * Tells the event log that something happened. `message` 0: to no message. `kind` is one of
 * events/kinds.h; the text is a sentence. Facts may be NULL. Never waits, never fails. What is
 * told while the process opens, without facts, waits until it is linked.
 */
void process_event(struct process *p, uint64_t message, const char *kind,
                   const struct event_fact *facts, size_t fact_count, const char *format, ...)
    PRINTF_LIKE(6, 7);

/* Says why and ends this process, which the master starts again: for a role that cannot go on. */
NORETURN void process_fail(struct process *p, const char *format, ...) PRINTF_LIKE(2, 3);
