/* SPDX-License-Identifier: ISC */
/*
 * A process begins its work (`go`) when every peer has been there once; a peer that is down at the
 * moment answers -EPIPE until it is back. How they are linked is in children_links.c, how their
 * ends and their silence are noticed in children_watch.c. Neither `go` nor `listen` has a deadline
 * for that reason: who does not answer is ended.
 */
#include "role/master/children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/notice.h"
#include "events/kinds.h"

#define STOP_LIMIT    (1500 * USEC_MS)
#define SHORT_LIFE    (10 * USEC_SEC)
#define LONGEST_PAUSE (10 * USEC_SEC)

/* ------------------------------------------------------------------ a life */

static bool peers_were_there(const struct child *child) {
    const struct children *c = child->all;
    for (size_t i = 0; i < c->count; i++) {
        if (!c->list[i].seen_once && spawn_are_peers(child->role->role, c->list[i].role->role))
            return false;
    }
    return true;
}

static int hand_out_listeners(struct child *child, struct problem *problem) WAITS {
    const struct listeners *l = &child->all->listeners;
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->count; i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct rpc_process_listen_in in = {slice_of_str(l->list[i].service), l->list[i].fd};
        struct rpc_process_listen_out out;
        if (l->list[i].role != child->role->role ||
            (l->list[i].worker >= 0 && l->list[i].worker != (int)child->worker))
            continue;
        r = listeners_revive(&l->list[i]);
        if (r < 0)
            children_event(child->all, KIND_ERROR, "A socket for %s does not listen any more: %s",
                           l->list[i].service, error_text(r));
        r = call_process_listen(child->link, &in, &a, &out, problem);
    }
    return r;
}

/* From the new process to one that works. */
static int bring_up(struct child *child, struct problem *problem) WAITS {
    int r = children_configure(child, problem);
    if (r == 0)
        r = children_introduce(child);
    if (r == 0)
        children_catch_up(child);
    while (r == 0 && !peers_were_there(child)) {
        r = fiber_cond_wait(&child->all->changed);
        if (r == 0 && (child->all->stopping || !rpc_link_up(child->link)))
            r = -EPIPE;
    }
    if (r == 0) {
        _cleanup_(arena_done) struct arena a = {0};
        struct rpc_process_go_in in = {0};
        struct rpc_process_go_out out;
        r = call_process_go(child->link, &in, &a, &out, problem);
    }
    if (r == 0)
        r = hand_out_listeners(child, problem);
    return r;
}

static int start(struct child *child, struct problem *problem) WAITS {
    struct children *c = child->all;
    struct spawn s = {
        .role = child->role->role,
        .worker = child->worker,
        .directory = child->root,
        .change_user = c->users.change,
        .uid = child->user->uid,
        .gid = child->user->gid,
        .lock = c->lock,
    };
    int control = -1;
    int r = spawn_process(&s, &child->pid, &control, problem);
    if (r < 0)
        return r;
    child->started = fiber_wall();
    children_set_state(child, CHILD_STARTING);
    return rpc_link_attach(child->link, control);
}

static void say_end(struct child *child, int status) {
    const char *name = role_name(child->role->role);
    if (WIFSIGNALED(status))
        children_event(child->all, KIND_PROCESS_ENDED,
                       "The %s process %u was ended by signal %d (%s); it is started again.", name,
                       child->worker, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        children_event(child->all, KIND_PROCESS_ENDED,
                       "The %s process %u ended with code %d; it is started again.", name,
                       child->worker, WEXITSTATUS(status));
}

/* One life of a process, from its start to its end. */
static void live(struct child *child) WAITS {
    struct problem problem = {0};
    struct child_watch w = {.child = child};
    int r = start(child, &problem);
    if (r == 0)
        r = children_watch(&w);
    if (r == 0)
        r = bring_up(child, &problem);
    if (r == 0) {
        children_set_state(child, CHILD_WORKING);
    } else if (!child->all->stopping) {
        (void)snprintf(child->all->failure, sizeof child->all->failure, "%s: %s",
                       role_name(child->role->role),
                       problem.text[0] ? problem.text : error_text(r));
        if (child->restarts == 0)
            child->all->failed = true;
        children_event(child->all, KIND_PROCESS_ENDED, "The %s process %u cannot begin: %s",
                       role_name(child->role->role), child->worker, child->all->failure);
        if (child->pid > 0)
            (void)kill(child->pid, SIGKILL);
    }
    children_watch_end(&w);
    if (child->pid > 0 && !w.ended) {
        /* it cannot be watched, and must not live on beside its successor */
        int status;
        (void)kill(child->pid, SIGKILL);
        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    child->pid = 0;
    children_set_state(child, CHILD_DOWN);
    if (w.ended && !child->all->stopping && r == 0)
        say_end(child, w.status);
}

static void keep(void *arg) WAITS {
    struct child *child = arg;
    struct children *c = child->all;
    struct rpc_options options = {
        .self = ROLE_MASTER,
        .other = ROLE_PROCESS,
        .worker = child->worker,
        .service = &rpc_master_service,
        .handlers = c->handlers,
        .arg = c->arg,
    };
    child->link = rpc_link_new(&options);
    usec_t pause = 0;
    while (!c->stopping) {
        usec_t born = fiber_now();
        live(child);
        pause = fiber_now() - born > SHORT_LIFE ? 0
                : pause == 0                    ? 50 * USEC_MS
                                                : MIN(pause * 2, LONGEST_PAUSE);
        if (c->stopping || fiber_sleep(pause) < 0)
            break;
        child->restarts++;
    }
    rpc_link_free(child->link);
    child->link = NULL;
}

int children_start(struct children *c) {
    char name[32];
    c->root = fiber_self();
    for (size_t i = 0; i < c->count; i++) {
        (void)snprintf(name, sizeof name, "keeper of %s", role_name(c->list[i].role->role));
        int r = fiber_spawn(name, keep, &c->list[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool all_in_state(const struct children *c, enum child_state state) {
    for (size_t i = 0; i < c->count; i++) {
        if (c->list[i].state != state)
            return false;
    }
    return true;
}

int children_wait_ready(struct children *c) {
    while (!all_in_state(c, CHILD_WORKING)) {
        if (c->stopping)
            return -ECANCELED;
        if (c->failed)
            return -E_TEMPORARY;
        int r = fiber_cond_wait(&c->changed);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ------------------------------------------------------------------ stopping */

static void ask_to_stop(struct child *child) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + STOP_LIMIT);
    struct rpc_process_stop_in in = {0};
    struct rpc_process_stop_out out;
    if (child->state >= CHILD_STARTING && child->link)
        (void)call_process_stop(child->link, &in, &a, &out, NULL);
}

/* All workers of one role. */
static void stop_role(struct children *c, enum role role) WAITS {
    usec_t until = fiber_now() + STOP_LIMIT;
    for (size_t i = 0; i < c->count; i++) {
        if (c->list[i].role->role == role)
            ask_to_stop(&c->list[i]);
    }
    for (size_t i = 0; i < c->count; i++) {
        struct child *child = &c->list[i];
        while (child->role->role == role && child->state != CHILD_DOWN &&
               fiber_cond_wait_until(&c->changed, until) == 0)
            ;
        if (child->role->role == role && child->pid > 0) {
            notice(LOG_WARNING, "the %s process %u did not end in time", role_name(role),
                   child->worker);
            (void)kill(child->pid, SIGKILL);
        }
    }
}

void children_stop_soon(struct children *c) {
    c->stopping = true;
    fiber_cond_wake_all(&c->changed);
}

void children_stop(struct children *c) {
    children_stop_soon(c);
    for (size_t i = ROLE_ROWS; i-- > 0;)
        stop_role(c, all_roles[i].role);
    while (!all_in_state(c, CHILD_DOWN) &&
           fiber_cond_wait_until(&c->changed, fiber_now() + STOP_LIMIT) == 0)
        ;
}
