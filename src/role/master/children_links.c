/* SPDX-License-Identifier: ISC */
/*
 * A pair of processes is linked by the keeper of the one that became ready later, under a mutex, so
 * each pair of lives gets exactly one connection. It must get one: two that live and cannot reach
 * each other are a server that works and does nothing. So when linking fails (one of them has
 * no descriptor left for the connection), and when a connection breaks though both live, a fiber
 * tries again until they have a new one or one of them has died. Whoever does not take a connection
 * in time is ended, since it would hold up the links of all others.
 */
#include "role/master/children.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "events/kinds.h"

#define PEER_LIMIT (10 * USEC_SEC)

/* ------------------------------------------------------------------ links */

/* Hands one end of a connection to a process. */
static int tell_peer(struct child *child, enum role role, unsigned worker, unsigned workers,
                     int fd) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + PEER_LIMIT);
    struct rpc_process_peer_in in = {
        .role = (uint8_t)role, .worker = worker, .workers = workers, .connection = fd};
    struct rpc_process_peer_out out;
    if (!child->link) /* it has ended while its peer was told */
        return -EPIPE;
    int r = call_process_peer(child->link, &in, &a, &out, NULL);
    if (r == -ETIMEDOUT)
        children_end_silent(child, PEER_LIMIT);
    return r;
}

static bool is_alive(const struct child *child, pid_t pid) {
    return pid > 0 && child->pid == pid && child->state >= CHILD_CONFIGURED;
}

/* While `a` is told, the life of `b` may end, and its link with it. */
static int link_pair(struct child *a, struct child *b) WAITS {
    const unsigned *workers = a->all->workers;
    pid_t life = b->pid;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    int r = tell_peer(a, b->role->role, b->worker, workers[b->role->role], ends[0]);
    if (r == 0 && !is_alive(b, life))
        r = -EPIPE;
    if (r == 0)
        r = tell_peer(b, a->role->role, a->worker, workers[a->role->role], ends[1]);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return r;
}

/* The master is a peer of the event log: it has events of its own. */
static void link_events(struct child *events) WAITS {
    struct children *c = events->all;
    struct rpc_options options = {.self = ROLE_MASTER, .other = ROLE_EVENTS};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return;
    if (!c->events)
        c->events = rpc_link_new(&options);
    if (tell_peer(events, ROLE_MASTER, 0, 1, ends[0]) == 0)
        (void)rpc_link_attach(c->events, TAKE_FD(ends[1]));
    (void)close(ends[0]);
    if (ends[1] >= 0)
        (void)close(ends[1]);
}

/* ------------------------------------------------------------------ until they are linked */

#define RELINK_AFTER (200 * USEC_MS) /* by then it is known whether one of the two has died */
#define RELINK_PAUSE (5 * USEC_SEC)  /* at most, while it does not work */

/* Two processes that live and are to have a new connection. */
struct relink {
    struct link link; /* in children.relinks: one for each pair */
    struct child *one, *other;
    pid_t one_pid, other_pid;
    bool wanted; /* also while the last wish is being fulfilled */
};

static bool both_live(const struct relink *k) {
    return is_alive(k->one, k->one_pid) && is_alive(k->other, k->other_pid) &&
           !k->one->all->stopping;
}

static void log_relinked(const struct relink *k, int r, bool before) {
    struct children *c = k->one->all;
    const char *one = role_name(k->one->role->role), *other = role_name(k->other->role->role);
    if (r == 0 && before)
        children_event(c, KIND_WARNING, "%s process %u and %s process %u have their connection.",
                       one, k->one->worker, other, k->other->worker);
    else if (r == 0)
        children_event(c, KIND_WARNING,
                       "The connection between %s process %u and %s process %u broke; they got a"
                       " new one.",
                       one, k->one->worker, other, k->other->worker);
    else if (!before)
        children_event(c, KIND_WARNING,
                       "%s process %u and %s process %u get no connection (%s); it is tried until"
                       " they have one.",
                       one, k->one->worker, other, k->other->worker, error_text(r));
}

static int relink_once(struct relink *k) WAITS {
    struct children *c = k->one->all;
    int r = fiber_mutex_lock(&c->linking);
    if (r < 0)
        return r;
    k->wanted = false;
    if (both_live(k))
        r = link_pair(k->one, k->other);
    fiber_mutex_unlock(&c->linking);
    return r;
}

static void relink(void *arg) WAITS {
    struct relink *k = arg;
    usec_t pause = RELINK_AFTER;
    bool failed = false;
    while (k->wanted && fiber_sleep(pause) == 0 && both_live(k)) {
        int r = relink_once(k);
        if (both_live(k))
            log_relinked(k, r, failed);
        failed = r < 0;
        k->wanted = k->wanted || failed;
        pause = failed ? MIN(pause * 2, RELINK_PAUSE) : RELINK_AFTER;
    }
    link_remove(&k->link);
    free(k);
}

/* Has two processes linked anew; several wishes for one pair are one. */
static void want_link(struct child *one, struct child *other) {
    struct children *c = one->all;
    LIST_EACH (k, &c->relinks, struct relink, link) {
        bool same = k->one == one && k->other == other;
        if ((same || (k->one == other && k->other == one)) && both_live(k)) {
            k->wanted = true;
            return;
        }
    }
    struct relink *k = NEW(struct relink);
    *k = (struct relink){
        .one = one, .other = other, .one_pid = one->pid, .other_pid = other->pid, .wanted = true};
    list_append(&c->relinks, &k->link);
    if (fiber_spawn_under(c->root, "relink", relink, k) < 0) {
        link_remove(&k->link);
        free(k);
    }
}

int children_introduce(struct child *child) {
    struct children *c = child->all;
    int r = fiber_mutex_lock(&c->linking);
    if (r < 0)
        return r;
    children_set_state(child, CHILD_CONFIGURED);
    for (size_t i = 0; i < c->count; i++) {
        struct child *other = &c->list[i];
        if (other != child && other->state >= CHILD_CONFIGURED &&
            spawn_are_peers(child->role->role, other->role->role) && link_pair(child, other) < 0)
            want_link(child, other);
    }
    if (child->role->role == ROLE_EVENTS)
        link_events(child);
    fiber_mutex_unlock(&c->linking);
    return 0;
}

static struct child *find_by_link(struct children *c, const struct rpc_link *link) {
    for (size_t i = 0; i < c->count; i++) {
        if (c->list[i].link == link)
            return &c->list[i];
    }
    return NULL;
}

void children_link_lost(struct children *c, const struct rpc_link *reporter, enum role role,
                        unsigned worker) {
    struct child *one = find_by_link(c, reporter);
    struct child *other = role < ROLES ? children_find(c, role, worker) : NULL;
    if (one && other && spawn_are_peers(one->role->role, other->role->role))
        want_link(one, other);
}

/* ------------------------------------------------------------------ quarrels */

void children_settle(struct children *c, const struct rpc_link *accuser, enum role role,
                     unsigned worker, struct slice why) {
    struct child *one = find_by_link(c, accuser);
    struct child *other = role < ROLES ? children_find(c, role, worker) : NULL;
    if (!one || !other || !spawn_are_peers(one->role->role, other->role->role))
        return;
    bool trust_other = one->role->faces_outside && !other->role->faces_outside;
    struct child *ended = trust_other ? one : other;
    children_event(c, KIND_WARNING,
                   "The %s process %u is ended: %s process %u says that %s process %u %.*s.",
                   role_name(ended->role->role), ended->worker, role_name(one->role->role),
                   one->worker, role_name(other->role->role), other->worker, SLICE_ARG(why));
    if (ended->pid > 0)
        (void)kill(ended->pid, SIGKILL);
}
