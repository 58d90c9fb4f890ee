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

#include "rpc/link.h"

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
    fiber_cond_wake_all(&l->room);
    link_fail_calls(l);
}

/* The first of the two fibers takes the link down; the last one frees the connection. */
static void leave(struct rpc_link *l, unsigned epoch) {
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

static void reader(void *link) WAITS {
    struct rpc_link *l = link;
    unsigned epoch = l->epoch;
    read_frames(l, epoch);
    leave(l, epoch);
}

static void writer(void *link) WAITS {
    struct rpc_link *l = link;
    unsigned epoch = l->epoch;
    write_frames(l, epoch);
    leave(l, epoch);
}

struct rpc_link *rpc_link_new(const struct rpc_options *options) {
    return link_new(options);
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
    int r = l->fibers > 0 ? -ECANCELED : hello_send(fd);
    if (r == 0)
        r = fiber_fd_init(&l->fd, fd);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    l->epoch++;
    l->up = true;
    l->greeted = false;
    l->taken = 0;
    l->taken_bytes = 0;
    l->other_program[0] = '\0';
    l->fibers = 2;
    r = spawn(l, parent, "from", reader);
    if (r == 0)
        r = spawn(l, parent, "to", writer);
    else
        l->fibers--;
    if (r < 0)
        leave(l, l->epoch); /* in place of the fiber that could not be had */
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

bool rpc_link_up(const struct rpc_link *l) {
    return l->up;
}

const struct rpc_options *rpc_link_options(const struct rpc_link *l) {
    return &l->options;
}

struct rpc_counts rpc_link_counts(const struct rpc_link *l) {
    return l->counts;
}
