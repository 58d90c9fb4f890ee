/* SPDX-License-Identifier: ISC */
/*
 * Opening the queue is what its process does at its start, so what a crash has left is put right
 * here as well; it is never started. Nothing of it needs the settings.
 */
#include "cli/queue_access.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "cli/enter.h"
#include "cli/office.h"
#include "role/queue_answer.h"

struct queue_access {
    struct rpc_link *link; /* or */
    struct queue *queue;
    struct entered entered;
    int lock, folder;
};

/* The other roles are not there; nobody asks for them before queue_start(). */
static int nobody_resolves(void *arg, struct slice address, struct arena *a, struct route *ret) {
    (void)arg;
    (void)address;
    (void)a;
    (void)ret;
    return -EPIPE;
}

static int nobody_delivers(void *arg, const struct queue_delivery *d, struct problem *problem) {
    (void)arg;
    (void)d;
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

static int open_here(struct cli *c, struct queue_access *x, struct problem *problem) {
    static const struct queue_ops ops = {
        .resolve = nobody_resolves, .deliver = nobody_delivers, .transmit = nobody_transmits};
    struct queue_options options = queue_options_default;
    int r = enter_folder(c, "spool", &c->users.mail, &x->entered, problem);
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
    x->entered = ENTERED_NONE;
    x->lock = x->folder = -1;
    int r = office_connect_or_lock(c, ROLE_QUEUE, &x->link, &x->lock, problem);
    if (r == 0 && !x->link)
        r = open_here(c, x, problem);
    if (r == 0)
        *ret = TAKE_PTR(x);
    return r;
}

void queue_access_close(struct queue_access *x) {
    if (!x)
        return;
    queue_stop(x->queue, fiber_now());
    if (x->folder >= 0)
        (void)close(x->folder);
    leave_folder(&x->entered);
    if (x->lock >= 0)
        (void)close(x->lock);
    if (x->link)
        rpc_link_free(x->link);
    free(x);
}

bool queue_access_is_remote(const struct queue_access *x) {
    return x->link != NULL;
}

int access_queue_list(struct queue_access *x, const struct rpc_queue_list_in *in, struct arena *a,
                      struct rpc_queue_list_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    return x->link ? call_queue_list(x->link, in, a, out, problem)
                   : queue_answer_list(x->queue, in, a, out);
}

int access_queue_act(struct queue_access *x, const struct rpc_queue_act_in *in, struct arena *a,
                     struct rpc_queue_act_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    return x->link ? call_queue_act(x->link, in, a, out, problem)
                   : queue_answer_act(x->queue, in, out, problem);
}

int access_queue_bytes(struct queue_access *x, const struct rpc_queue_bytes_in *in, struct arena *a,
                       struct rpc_queue_bytes_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    return x->link ? call_queue_bytes(x->link, in, a, out, problem)
                   : queue_answer_bytes(x->queue, in, a, out, problem);
}
