/* SPDX-License-Identifier: ISC */
/*
 * The processes as the master sees them. Each has a fiber of its own in the master, its keeper,
 * which starts it, introduces it to the others, waits for its end, and starts it again.
 *
 *     children.c              starting and stopping
 *     children_settings.c     what each is handed: settings, files, secrets
 *     children_certificate.c  of these, the certificate
 *     children_syslog.c       and the socket to the syslog daemon
 *     children_look.c         handing out anew what has changed by itself
 *     children_links.c        connections between them
 *     children_watch.c        their end, their silence
 *     children_list.c         who they are; events of the master's own
 */
#pragma once

#include "proc/spawn.h"
#include "role/master/certificate_files.h"
#include "role/master/listeners.h"
#include "role/master/state.h"
#include "role/queue/relay_files.h"
#include "role/roles.h"

enum child_state {
    CHILD_DOWN,
    CHILD_STARTING,   /* confines itself, opens what it owns */
    CHILD_CONFIGURED, /* may be linked with others */
    CHILD_WORKING,
};

struct child {
    const struct process_role *role;
    unsigned worker;
    struct children *all;
    enum child_state state;
    bool seen_once; /* was configured at least once: others may begin without waiting for it */
    pid_t pid;
    struct rpc_link *link;
    usec_t started; /* wall */
    unsigned restarts;
    unsigned settings_number; /* of those that it has */
    bool refused;             /* the last ones that it was given: it goes on with older ones */
    char confinement[CONFINE_SUMMARY];
    char root[256];
    const struct state_user *user;
};

#define CHILDREN_MAX (ROLES + 4 * PROCESS_WORKERS_MAX) /* four roles have workers */

struct children {
    const char *directory;
    struct fiber *root;       /* of all keepers */
    struct conf *conf;        /* the master's, replaced by a reload */
    unsigned settings_number; /* counts reloads */
    int lock;                 /* of the state directory: every process has a copy */
    int log_file;             /* for the event log; -1: there is none */
    struct children_socket {
        uint64_t device, number;
        int64_t made;
    } syslog_given;                   /* the socket that the event log has; all zero: none */
    struct stat certificate_given[2]; /* the files as the keys role was given them last */
    struct stat certificate_seen[2];  /* as they looked the last time */
    struct certificate_files certificate_taken; /* the last ones with which it could begin */
    struct state_users users;
    struct listeners listeners;
    const struct rpc_master_handlers *handlers; /* what children may ask the master */
    void *arg;
    struct child list[CHILDREN_MAX];
    size_t count;
    unsigned workers[ROLES];        /* processes of each role */
    uint8_t secret[PROCESS_SECRET]; /* for tickets, see ticket.h */
    struct fiber_cond changed;      /* some child's state */
    struct fiber_mutex linking;
    struct list relinks;     /* pairs that are to have a new connection, see children_links.c */
    struct rpc_link *events; /* of the master itself, as a role that reports events */
    bool stopping;
    bool failed;       /* a process could not even be started once */
    char failure[480]; /* then: why */
};

/* Fills the list from the settings; nothing is started. */
void children_init(struct children *c, const char *directory, struct conf *conf);

/* Starts the keepers as children of the calling fiber. */
int children_start(struct children *c);

/*
 * Waits until all of them work; -E_TEMPORARY when one cannot be started (see `failure`), -ECANCELED
 * when they are to stop before that.
 */
int children_wait_ready(struct children *c) WAITS;

/* Nobody is started any more: the beginning of children_stop(), which does not wait. */
void children_stop_soon(struct children *c);

/* Asks all to end, in the order in which messages flow, and ends those that do not. */
void children_stop(struct children *c) WAITS;

/*
 * Hands out new settings to the roles of the bit set, and to those whose files outside of the
 * settings may have changed. -E_REFUSED: a process goes on with those it had; `report` says which
 * and why, a line each.
 */
int children_reload(struct children *c, unsigned roles, struct buf *report) WAITS;

/* A fiber's body: hands out anew what has changed beside the settings, and says when the clock has
 * jumped (children_look.c). */
void children_look(void *children) WAITS;

struct child *children_find(struct children *c, enum role role, unsigned worker);

/*
 * A process says that its connection to another one broke. When both still live a moment later they
 * get a new one.
 */
void children_link_lost(struct children *c, const struct rpc_link *reporter, enum role role,
                        unsigned worker);

/*
 * A process says that another one broke the rules of calls. Their connection is gone, so one of the
 * two is ended and started again: the other one, unless it is trusted more.
 */
void children_settle(struct children *c, const struct rpc_link *accuser, enum role role,
                     unsigned worker, struct slice why);

/* An event of the master's own. */
void children_event(struct children *c, const char *kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The same with facts, and text that is whole. */
void children_log(struct children *c, const char *kind, const struct event_fact *facts,
                  size_t count, struct slice text);

/* ------------------------------------------------------------------ between the files */

void children_set_state(struct child *child, enum child_state state);

/*
 * What the keys role gets with its settings; nothing for others. `anew` false: those that it has
 * taken last, if there are any. Negative with a sentence.
 */
int children_open_certificate(struct child *child, bool anew, struct certificate_files *ret,
                              struct problem *problem);

/* The keys role has taken these, which are ours from then on; NULL: it could not begin with them.
 */
void children_keep_certificate(struct child *child, struct certificate_files *taken);

/* What the event log gets with its settings: a socket to the syslog daemon, or -1. */
int children_open_syslog(struct child *child);

/* Whether the files of the certificate, a syslog daemon's socket, are others than were handed out.
 */
bool children_certificate_changed(struct children *c);
bool children_syslog_changed(const struct children *c);

/* Hands out settings and files to a new process. */
int children_configure(struct child *child, struct problem *problem) WAITS;

/* And settings that were read again while it opened what it owns. */
void children_catch_up(struct child *child) WAITS;

/* Hands out settings and files again. What it has to say goes to `report` (may be NULL). */
int children_renew(struct child *child, struct buf *report, struct problem *problem) WAITS;

/* Links a process that has been configured with its peers; later again if it cannot be done now. */
int children_introduce(struct child *child) WAITS;

/*
 * A process that lives is watched for its end, which takes its link down at once so that nobody
 * waits for a dead one, and for its silence: one that has been introduced and does not answer its
 * master within CHILD_SILENCE is ended, unless somebody is tracing it.
 */
#define CHILD_SILENCE (20 * USEC_SEC)

struct child_watch {
    struct child *child;
    struct fiber *watcher, *listener;
    int status; /* of wait(2) */
    bool ended;
};
int children_watch(struct child_watch *w);            /* 0: children_watch_end() has to follow */
void children_watch_end(struct child_watch *w) WAITS; /* waits for the end of the process */

/* Ends a process that did not answer for that long. */
void children_end_silent(struct child *child, usec_t silence);
