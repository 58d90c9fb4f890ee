/* SPDX-License-Identifier: ISC */
/*
 * A link has two fibers while it is up, a writer (send.c) and a reader (receive.c). A connection
 * that ends takes them down in order: one of them notices, everybody waiting gets -EPIPE, the last
 * one of the two frees the connection. The link itself stays for the next connection; given up by
 * its owner it is freed when nobody is inside any more.
 */
#include "rpc/rpc.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/words.h"
#include "rpc/link.h"

/* ------------------------------------------------------------------ slots */

#define NO_SLOT UINT32_MAX

static bool slots_all_taken(const struct rpc_link *l) {
    return l->free_slot == NO_SLOT && l->slot_count == RPC_CALLS_MAX;
}

static uint32_t slot_get(struct rpc_link *l) {
    MUST(!slots_all_taken(l));
    if (l->free_slot == NO_SLOT) {
        uint32_t count = l->slot_count > 0 ? l->slot_count * 2 : 16;
        l->slots = mem_grow(l->slots, count * sizeof *l->slots);
        for (uint32_t i = l->slot_count; i < count; i++)
            l->slots[i] = (struct slot){.next_free = i + 1 < count ? i + 1 : NO_SLOT};
        l->free_slot = l->slot_count;
        l->slot_count = count;
    }
    uint32_t slot = l->free_slot;
    l->free_slot = l->slots[slot].next_free;
    l->slots[slot].in_use = true;
    return slot;
}

void slot_put(struct rpc_link *l, uint32_t i) {
    if (slots_all_taken(l))
        fiber_cond_wake_all(&l->out_emptied);
    l->slots[i] = (struct slot){.next_free = l->free_slot};
    l->free_slot = i;
}

static void fail_calls(struct rpc_link *l) {
    for (uint32_t i = 0; i < l->slot_count; i++) {
        struct waiting_call *w = l->slots[i].call;
        if (!l->slots[i].in_use)
            continue;
        slot_put(l, i);
        if (w) {
            w->result = -EPIPE;
            w->done = true;
            fiber_cond_wake_all(&w->answered);
        }
    }
}

/* ------------------------------------------------------------------ who is there */

int rpc_link_user(const struct rpc_link *link, uid_t *ret) {
    struct ucred user;
    socklen_t size = sizeof user;
    if (!link->up)
        return -EPIPE;
    if (getsockopt(link->fd.fd, SOL_SOCKET, SO_PEERCRED, &user, &size) < 0)
        return -errno;
    *ret = user.uid;
    return 0;
}

/* ------------------------------------------------------------------ life */

/* No more calls; the two fibers notice and end. */
static void take_down(struct rpc_link *l) {
    if (!l->up)
        return;
    l->up = false;
    (void)shutdown(l->fd.fd, SHUT_RDWR);
    fiber_cond_wake_all(&l->out_filled);
    fiber_cond_wake_all(&l->out_emptied);
    fiber_cond_wake_all(&l->request_done);
    fail_calls(l);
}

/* The first of the two fibers takes the link down; the last one frees the connection. */
void link_ended(struct rpc_link *l, unsigned epoch) {
    if (l->epoch == epoch)
        take_down(l);
    if (l->fibers > 1) {
        l->fibers--;
        return;
    }
    int fd = l->fd.fd;
    fiber_fd_done(&l->fd);
    (void)close(fd);
    drop_input(l);
    drop_output(l);
    if (l->options.down)
        l->options.down(l, l->options.arg);
    l->fibers = 0; /* only now: `down` may have freed the link, as far as it is concerned */
    fiber_cond_wake_all(&l->ended);
    link_free_if_left(l);
}

struct rpc_link *rpc_link_new(const struct rpc_options *options) {
    struct rpc_link *l = NEW(struct rpc_link);
    l->options = *options;
    l->free_slot = NO_SLOT;
    l->fd.fd = -1;
    list_init(&l->out_fds);
    fiber_cond_init(&l->out_filled);
    fiber_cond_init(&l->out_emptied);
    fiber_cond_init(&l->ended);
    fiber_cond_init(&l->request_done);
    fiber_mutex_init(&l->out_turn);
    return l;
}

int rpc_link_attach(struct rpc_link *l, int fd) {
    return rpc_link_attach_under(l, fd, fiber_self());
}

static int spawn(struct rpc_link *l, struct fiber *parent, const char *way, fiber_fn *fn) {
    char name[32];
    (void)snprintf(name, sizeof name, "%s %s %u", way, role_name(l->options.other),
                   l->options.worker);
    return fiber_spawn_under(parent, name, fn, l);
}

int rpc_link_attach_under(struct rpc_link *l, int fd, struct fiber *parent) {
    rpc_link_close(l);
    int r = l->fibers > 0 ? -ECANCELED : fiber_fd_init(&l->fd, fd);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    l->epoch++;
    l->up = true;
    l->fibers = 2;
    r = spawn(l, parent, "from", read_frames);
    if (r == 0)
        r = spawn(l, parent, "to", write_frames);
    else
        l->fibers--;
    if (r < 0)
        link_ended(l, l->epoch); /* in place of the fiber that could not be had */
    return r;
}

void rpc_link_close(struct rpc_link *l) {
    take_down(l);
    while (l->fibers > 0 && fiber_cond_wait(&l->ended) == 0)
        ;
}

void rpc_link_free(struct rpc_link *l) {
    if (!l)
        return;
    take_down(l);
    l->abandoned = true;
    link_free_if_left(l);
}

void link_free_if_left(struct rpc_link *l) {
    if (!l->abandoned || l->fibers > 0 || l->requests > 0 || l->callers > 0)
        return;
    free(l->slots);
    free(l);
}

bool rpc_link_up(const struct rpc_link *l) {
    return l->up;
}

const struct rpc_options *rpc_link_options(const struct rpc_link *l) {
    return &l->options;
}

struct rpc_counts rpc_link_counts(const struct rpc_link *l) {
    return l->counts;
}

/* ------------------------------------------------------------------ calls */

static int wait_for_answer(struct rpc_link *l, struct waiting_call *w, uint32_t slot) {
    while (!w->done) {
        int r = fiber_cond_wait(&w->answered);
        if (r < 0 && !w->done) {
            l->slots[slot].call = NULL;
            return r;
        }
    }
    return w->result;
}

/* Until the output has room and a slot is free, in order of arrival. */
static int wait_for_room(struct rpc_link *l) {
    int r = fiber_mutex_lock(&l->out_turn);
    if (r < 0)
        return r;
    while (r == 0 && l->up && (bytes_to_send(l) > RPC_OUT_MAX || slots_all_taken(l)))
        r = fiber_cond_wait(&l->out_emptied);
    fiber_mutex_unlock(&l->out_turn);
    return r;
}

static int send_request(struct rpc_link *l, struct waiting_call *w, const void *in,
                        uint32_t *ret_slot) {
    int r = wait_for_room(l);
    if (r < 0)
        return r;
    if (!l->up)
        return problem_set(w->problem, -EPIPE,
                           N_("the %s process is not there; it is being restarted"),
                           role_name(l->options.other));
    uint32_t slot = slot_get(l);
    struct frame f = {.number = w->call->number, .kind = FRAME_REQUEST, .tag = slot};
    r = add_frame(l, f, w->call->encode_in, in, (struct slice){NULL, 0});
    if (r < 0) {
        slot_put(l, slot);
        return r;
    }
    l->slots[slot].call = w;
    l->counts.calls_made++;
    *ret_slot = slot;
    return 0;
}

int rpc_do_call(struct rpc_link *l, const struct rpc_call *call, const void *in, struct arena *a,
                void *ret_out, struct problem *problem) {
    struct waiting_call w = {.call = call, .arena = a, .out = ret_out, .problem = problem};
    uint32_t slot = 0;
    fiber_cond_init(&w.answered);
    l->callers++;
    int r = send_request(l, &w, in, &slot);
    if (r == 0)
        r = wait_for_answer(l, &w, slot);
    if (r == -EPIPE && problem && problem->text[0] == '\0')
        (void)problem_set(problem, r, N_("the %s process ended during the call"),
                          role_name(l->options.other));
    l->callers--;
    link_free_if_left(l);
    return r;
}

int rpc_do_send(struct rpc_link *l, const struct rpc_call *call, const void *in) {
    struct frame f = {.number = call->number, .kind = FRAME_ONE_WAY};
    int r = !l->up ? -EPIPE : bytes_to_send(l) > RPC_SEND_MAX ? -E_LIMIT : 0;
    if (r == 0)
        r = add_frame(l, f, call->encode_in, in, (struct slice){NULL, 0});
    if (r < 0)
        l->counts.dropped++;
    return r;
}
