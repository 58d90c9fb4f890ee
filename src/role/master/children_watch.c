/* SPDX-License-Identifier: ISC */
/*
 * Two fibers for each process that lives: one waits for its end, one asks it again and again how it
 * fares. A process that is stopped, or that turns in a loop without a wait, keeps all its
 * connections, so whoever calls it waits; its end is what lets them go on.
 *
 * The question is asked twice, since it may have been the master that did not run for a while, so
 * that its time was up before it could look for the answer.
 */
#include "role/master/children.h"

#include <errno.h>
#include <signal.h>

#include "events/kinds.h"
#include "role/master/proc_info.h"

#define ASK_EVERY (10 * USEC_SEC)
#define ASK_AGAIN (5 * USEC_SEC) /* the time for the second answer */

/* ------------------------------------------------------------------ silence */

static bool answers(struct child *child, usec_t limit) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + limit);
    struct rpc_process_status_in in = {0};
    struct rpc_process_status_out out;
    return call_process_status(child->link, &in, &a, &out, NULL) != -ETIMEDOUT;
}

void children_end_silent(struct child *child, usec_t silence) {
    if (child->pid <= 0 || child->all->stopping || proc_is_traced(child->pid))
        return;
    children_event(child->all, KIND_WARNING,
                   "The %s process %u is ended: it has not answered for %lld seconds.",
                   role_name(child->role->role), child->worker, (long long)(silence / USEC_SEC));
    (void)kill(child->pid, SIGKILL);
}

static void ask_it(void *arg) WAITS {
    struct child *child = arg;
    while (fiber_sleep(ASK_EVERY) == 0) {
        if (child->state >= CHILD_CONFIGURED && !answers(child, CHILD_SILENCE) &&
            !answers(child, ASK_AGAIN))
            children_end_silent(child, CHILD_SILENCE + ASK_AGAIN);
    }
}

/* ------------------------------------------------------------------ its end */

static void wait_for_end(void *arg) WAITS {
    struct child_watch *w = arg;
    if (fiber_wait_child(w->child->pid, &w->status) == 0) {
        w->ended = true;
        rpc_link_close(w->child->link);
        fiber_cond_wake_all(&w->child->all->changed);
    }
}

int children_watch(struct child_watch *w) {
    int r = fiber_start("watch", wait_for_end, w, &w->watcher);
    return r < 0 ? r : fiber_start("listen to", ask_it, w->child, &w->listener);
}

void children_watch_end(struct child_watch *w) {
    if (w->watcher)
        fiber_join(w->watcher);
    if (w->listener) {
        fiber_cancel(w->listener);
        fiber_join(w->listener);
    }
}
