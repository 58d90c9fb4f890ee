/* SPDX-License-Identifier: ISC */
#include "rpc/pair.h"

#include <stdio.h>
#include <sys/socket.h>

static void note_misbehaviour(struct rpc_link *link, const char *why, void *arg) {
    struct pair *p = arg;
    (void)link;
    (void)snprintf(p->misbehaved, sizeof p->misbehaved, "%s", why);
}

void pair_connect(struct pair *p) {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(rpc_link_attach(p->edge, fds[0]), 0);
    assert_int_equal(rpc_link_attach(p->other, fds[1]), 0);
}

static void make_other(struct pair *p, enum role role, const void *handlers, void *arg) {
    struct rpc_options other = {.self = role,
                                .other = ROLE_EDGE,
                                .worker = 3,
                                .service = rpc_services[role],
                                .handlers = handlers,
                                .arg = arg ? arg : p,
                                .misbehaved = arg ? NULL : note_misbehaviour};
    *p = (struct pair){0};
    p->other = rpc_link_new(&other);
}

void pair_open(struct pair *p, enum role role, const void *handlers, void *arg) {
    struct rpc_options edge = {.self = ROLE_EDGE, .other = role};
    make_other(p, role, handlers, arg);
    p->edge = rpc_link_new(&edge);
    pair_connect(p);
}

void pair_hello(struct buf *to, uint64_t protocol, const char *program) {
    buf_add_u32(to, (uint32_t)(sizeof protocol + strlen(program)));
    buf_add_u16(to, 0);
    buf_add_u8(to, 3);
    buf_add_u8(to, 0);
    buf_add_u64(to, 0);
    buf_add_u64(to, protocol);
    buf_add_str(to, program);
}

void pair_exchange_hello(int fd) {
    _cleanup_(buf_done) struct buf hello = {0};
    char head[16], payload[80];
    pair_hello(&hello, RPC_PROTOCOL, "hayauma test");
    assert_int_equal(write(fd, hello.ptr, hello.len), hello.len);
    assert_int_equal(read(fd, head, sizeof head), sizeof head);
    assert_in_range(get_u32(head), 8, sizeof payload);
    assert_int_equal(read(fd, payload, get_u32(head)), get_u32(head));
}

int pair_open_raw(struct pair *p, enum role role, const void *handlers) {
    int fds[2];
    make_other(p, role, handlers, NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(rpc_link_attach(p->other, fds[1]), 0);
    pair_exchange_hello(fds[0]);
    return fds[0];
}

void pair_close(struct pair *p) {
    rpc_link_free(p->edge);
    rpc_link_free(p->other);
    p->edge = p->other = NULL;
}
