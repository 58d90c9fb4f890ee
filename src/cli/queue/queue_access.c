/* SPDX-License-Identifier: ISC */
/*
 * Opening the queue is what its process does at its start, so what a crash has left is put right
 * here as well; it is never started. Nothing of it needs the settings.
 */
#include "cli/queue/queue_access.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "cli/host/server.h"
#include "cli/role_access.h"
#include "role/queue/queue_answer.h"

#define EVENTS_MAX ((size_t)256 << 20) /* of what one command does: two million messages */

struct queue_access {
    struct role_access role;
    struct queue *queue; /* without a link */
    int folder;
};

/* The other roles are not there; nobody asks for them before queue_start(). */
static int nobody_resolves(void *arg, struct slice address, struct arena *a, struct route *ret) {
    (void)arg;
    (void)address;
    (void)a;
    (void)ret;
    return -EPIPE;
}

static int nobody_delivers(void *arg, const struct queue_delivery *d, struct arena *a,
                           struct queue_delivered *ret, struct problem *problem) {
    (void)arg;
    (void)d;
    (void)a;
    (void)ret;
    (void)problem;
    return -EPIPE;
}

static int nobody_transmits(void *arg, const struct queue_transmission *t, struct arena *a,
                            struct relay_outcome *ret) {
    (void)arg;
    (void)t;
    (void)a;
    (void)ret;
    return -EPIPE;
}

static void note(void *arg, queue_id id, const char *kind, struct slice sentence,
                 const struct event_fact *facts, size_t count) {
    struct queue_access *x = arg;
    struct event event = {.wall = fiber_wall(),
                          .message = id,
                          .kind = slice_of_str(kind),
                          .text = sentence,
                          .facts = (struct event_fact *)(uintptr_t)facts,
                          .fact_count = count};
    event_log_add(x->role.events, ROLE_QUEUE, &event);
}

static int open_here(struct cli *c, struct queue_access *x, struct problem *problem) WAITS {
    const struct queue_ops ops = {.arg = x,
                                  .resolve = nobody_resolves,
                                  .deliver = nobody_delivers,
                                  .transmit = nobody_transmits,
                                  .event = note};
    struct queue_options options = queue_options_default;
    role_access_hold_events(&x->role, EVENTS_MAX);
    int r = enter_folder(c, "spool", &c->users.mail, &x->role.entered, problem);
    if (r < 0)
        return r;
    options.hostname = c->conf ? c->conf->hostname : S("localhost");
    x->folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (x->folder < 0)
        return problem_set(problem, -errno, _("the folder %s cannot be used: %s"), "spool",
                           error_words(errno));
    return queue_open(x->folder, &options, &ops, &x->queue, problem);
}

int queue_access_open(struct cli *c, struct queue_access **ret, struct problem *problem) {
    _cleanup_(queue_access_close_p) struct queue_access *x = NEW(struct queue_access);
    role_access_init(c, &x->role);
    x->folder = -1;
    int r = server_connect_or_lock(c, ROLE_QUEUE, &x->role.link, &x->role.lock, problem);
    if (r == 0 && !x->role.link)
        r = open_here(c, x, problem);
    if (r == 0)
        *ret = TAKE_PTR(x);
    return r;
}

static void close_queue(struct queue_access *x) WAITS {
    queue_stop(TAKE_PTR(x->queue), fiber_now());
    if (x->folder >= 0)
        (void)close(x->folder);
    x->folder = -1;
}

int queue_access_report(struct cli *c, struct queue_access *x, struct problem *problem) {
    close_queue(x);
    return role_access_report(c, &x->role, problem);
}

void queue_access_close(struct queue_access *x) {
    if (!x)
        return;
    close_queue(x);
    role_access_done(&x->role);
    free(x);
}

bool queue_access_is_remote(const struct queue_access *x) {
    return x->role.link != NULL;
}

int access_queue_list(struct queue_access *x, const struct rpc_queue_list_in *in, struct arena *a,
                      struct rpc_queue_list_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    return x->role.link ? call_queue_list(x->role.link, in, a, out, problem)
                        : queue_answer_list(x->queue, in, a, out);
}

int access_queue_act(struct queue_access *x, const struct rpc_queue_act_in *in, struct arena *a,
                     struct rpc_queue_act_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_queue_act_in with_hint = *in;
    with_hint.by = x->role.hint;
    return x->role.link ? call_queue_act(x->role.link, &with_hint, a, out, problem)
                        : queue_answer_act(x->queue, in, x->role.by, out, problem);
}

int access_queue_bytes(struct queue_access *x, const struct rpc_queue_bytes_in *in, struct arena *a,
                       struct rpc_queue_bytes_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    return x->role.link ? call_queue_bytes(x->role.link, in, a, out, problem)
                        : queue_answer_bytes(x->queue, in, a, out, problem);
}
