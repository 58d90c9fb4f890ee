/* SPDX-License-Identifier: ISC */
#include "io/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/error.h"

/* ------------------------------------------------------------------ addresses */

struct slice net_format_host(const struct net_addr *a, char text[static NET_TEXT_SIZE]) {
    const void *bytes = a->any.sa_family == AF_INET6 ? (const void *)&a->in6.sin6_addr
                                                     : (const void *)&a->in.sin_addr;
    if ((a->any.sa_family != AF_INET && a->any.sa_family != AF_INET6) ||
        !inet_ntop(a->any.sa_family, bytes, text, NET_TEXT_SIZE))
        return S("unknown");
    return slice_of_str(text);
}

struct slice net_format(const struct net_addr *a, char text[static NET_TEXT_SIZE]) {
    char host[NET_TEXT_SIZE];
    struct slice h = net_format_host(a, host);
    bool brackets = a->any.sa_family == AF_INET6;
    int n = snprintf(text, NET_TEXT_SIZE, brackets ? "[%.*s]:%u" : "%.*s:%u", SLICE_ARG(h),
                     net_port(a));
    return slice_of(text, (size_t)n);
}

struct slice net_format_literal(const struct net_addr *a, char text[static NET_TEXT_SIZE]) {
    char host[NET_TEXT_SIZE];
    struct slice h = net_format_host(a, host);
    bool v6 = a->any.sa_family == AF_INET6;
    int n = snprintf(text, NET_TEXT_SIZE, v6 ? "[IPv6:%.*s]" : "[%.*s]", SLICE_ARG(h));
    return slice_of(text, (size_t)n);
}

uint16_t net_port(const struct net_addr *a) {
    return ntohs(a->any.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

void net_set_port(struct net_addr *a, uint16_t port) {
    if (a->any.sa_family == AF_INET6)
        a->in6.sin6_port = htons(port);
    else
        a->in.sin_port = htons(port);
}

int net_from_bytes(struct slice bytes, uint16_t port, struct net_addr *ret) {
    struct net_addr a = {0};
    if (bytes.len == 4) {
        a.in.sin_family = AF_INET;
        memcpy(&a.in.sin_addr, bytes.ptr, 4);
    } else if (bytes.len == 16 && memcmp(bytes.ptr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0) {
        a.in.sin_family = AF_INET;
        memcpy(&a.in.sin_addr, bytes.ptr + 12, 4);
    } else if (bytes.len == 16) {
        a.in6.sin6_family = AF_INET6;
        memcpy(&a.in6.sin6_addr, bytes.ptr, 16);
    } else {
        return -E_SYNTAX;
    }
    net_set_port(&a, port);
    *ret = a;
    return 0;
}

static int parse_host(struct slice text, uint16_t port, struct net_addr *ret) {
    char host[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    int r = slice_to_str(text, host, sizeof host);
    if (r < 0)
        return -E_SYNTAX;
    if (inet_pton(AF_INET, host, bytes) == 1)
        return net_from_bytes(slice_of(bytes, 4), port, ret);
    if (inet_pton(AF_INET6, host, bytes) == 1)
        return net_from_bytes(slice_of(bytes, 16), port, ret);
    return -E_SYNTAX;
}

int net_parse(struct slice text, uint16_t port, struct net_addr *ret) {
    struct slice host = text;
    ssize_t first = slice_find_byte(text, ':');
    ssize_t last = slice_rfind_byte(text, ':');
    struct slice port_text = {NULL, 0};
    if (slice_starts(text, S("["))) {
        ssize_t end = slice_find_byte(text, ']');
        if (end < 0)
            return -E_SYNTAX;
        host = slice_of(text.ptr + 1, (size_t)end - 1);
        struct slice rest = slice_from(text, (size_t)end + 1);
        if (rest.len > 0 && rest.ptr[0] != ':')
            return -E_SYNTAX;
        port_text = rest.len > 0 ? slice_from(rest, 1) : rest;
        if (rest.len == 1)
            return -E_SYNTAX;
    } else if (first >= 0 && first == last) {
        host = slice_first(text, (size_t)first);
        port_text = slice_from(text, (size_t)first + 1);
        if (port_text.len == 0)
            return -E_SYNTAX;
    }
    if (port_text.len > 0) {
        uint64_t number = 0;
        if (slice_to_u64(port_text, UINT16_MAX, &number) < 0)
            return -E_SYNTAX;
        port = (uint16_t)number;
    }
    return parse_host(host, port, ret);
}

/* The bytes of the address itself. */
static struct slice host_bytes(const struct net_addr *a) {
    if (a->any.sa_family == AF_INET6)
        return slice_of(&a->in6.sin6_addr, 16);
    return slice_of(&a->in.sin_addr, 4);
}

bool net_same_host(const struct net_addr *a, const struct net_addr *b) {
    return a->any.sa_family == b->any.sa_family && slice_eq(host_bytes(a), host_bytes(b));
}

bool net_is_loopback(const struct net_addr *a) {
    if (a->any.sa_family == AF_INET)
        return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
    return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

int net_range_parse(struct slice text, struct net_range *ret) {
    struct net_range range;
    ssize_t slash = slice_find_byte(text, '/');
    int r = parse_host(slash >= 0 ? slice_first(text, (size_t)slash) : text, 0, &range.base);
    if (r < 0)
        return r;
    uint64_t bits = host_bytes(&range.base).len * 8;
    if (slash >= 0 && slice_to_u64(slice_from(text, (size_t)slash + 1), bits, &bits) < 0)
        return -E_SYNTAX;
    range.bits = (unsigned)bits;
    *ret = range;
    return 0;
}

bool net_range_has(const struct net_range *range, const struct net_addr *a) {
    struct slice x = host_bytes(&range->base);
    struct slice y = host_bytes(a);
    if (range->base.any.sa_family != a->any.sa_family)
        return false;
    size_t whole = range->bits / 8;
    unsigned rest = range->bits % 8;
    if (!slice_eq(slice_first(x, whole), slice_first(y, whole)))
        return false;
    return rest == 0 || ((uint8_t)x.ptr[whole] ^ (uint8_t)y.ptr[whole]) >> (8 - rest) == 0;
}

/* ------------------------------------------------------------------ sockets */

static socklen_t addr_len(const struct net_addr *a) {
    return a->any.sa_family == AF_INET6 ? sizeof a->in6 : sizeof a->in;
}

static void set_option(int fd, int level, int option, int value) {
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static void no_delay(int fd) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void net_tune_listener(int fd) {
    no_delay(fd);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 120); /* seconds of silence, then */
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 45); /* so many between */
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);    /* so many questions */
    /* these are not asked as long as something that was sent is not acknowledged; milliseconds */
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 300 * 1000);
}

/* Starts connecting and waits for the outcome. */
static int finish_connect(int fd, const struct sockaddr *to, socklen_t len, usec_t deadline) WAITS {
    if (connect(fd, to, len) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    struct fiber_fd watched;
    int r = fiber_fd_init(&watched, fd);
    if (r < 0)
        return r;
    watched.writable = false;
    r = fiber_fd_wait_writable(&watched, deadline);
    fiber_fd_done(&watched);
    int error = 0;
    socklen_t size = sizeof error;
    if (r == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        r = -errno;
    return r < 0 ? r : -error;
}

int net_connect(const struct net_addr *to, const struct net_addr *source, usec_t deadline,
                struct stream **ret_stream) {
    _cleanup_(close_p) int fd =
        socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (source && bind(fd, &source->any, addr_len(source)) < 0)
        return -errno;
    int r = finish_connect(fd, &to->any, addr_len(to), deadline);
    if (r < 0)
        return r;
    no_delay(fd);
    return stream_from_fd(TAKE_FD(fd), ret_stream);
}

static int unix_addr(const char *path, struct sockaddr_un *ret) {
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    return slice_to_str(slice_of_str(path), ret->sun_path, sizeof ret->sun_path);
}

int net_connect_unix(const char *path, usec_t deadline, struct stream **ret_stream) {
    struct sockaddr_un addr;
    int r = unix_addr(path, &addr);
    if (r < 0)
        return -ENAMETOOLONG;
    _cleanup_(close_p) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    r = finish_connect(fd, (struct sockaddr *)&addr, sizeof addr, deadline);
    return r < 0 ? r : stream_from_fd(TAKE_FD(fd), ret_stream);
}

int net_listen(const struct net_addr *at, int *ret_fd) {
    _cleanup_(close_p) int fd =
        socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (at->any.sa_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    net_tune_listener(fd);
    if (bind(fd, &at->any, addr_len(at)) < 0 || listen(fd, NET_BACKLOG) < 0)
        return -errno;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int net_listen_unix(const char *path, mode_t mode, int *ret_fd) {
    struct sockaddr_un addr;
    if (unix_addr(path, &addr) < 0)
        return -ENAMETOOLONG;
    _cleanup_(close_p) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    /* The mode comes before the name: chmod() of a name would follow what took its place. */
    if (fchmod(fd, mode) < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 ||
        listen(fd, 128) < 0)
        return -errno;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* A v4-mapped IPv6 address becomes the IPv4 address that it is. */
static void unmap(struct net_addr *a) {
    if (a->any.sa_family == AF_INET6)
        (void)net_from_bytes(slice_of(&a->in6.sin6_addr, 16), net_port(a), a);
}

int net_accept(struct fiber_fd *listener, struct net_addr *ret_peer, int *ret_fd) {
    for (;;) {
        int r = fiber_fd_wait_readable(listener, USEC_NEVER);
        if (r < 0)
            return r;
        struct net_addr peer = {0};
        socklen_t len = sizeof peer;
        int fd = accept4(listener->fd, &peer.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            unmap(&peer);
            *ret_peer = peer;
            *ret_fd = fd;
            return 0;
        }
        if (errno == EAGAIN)
            fiber_fd_drained(listener);
        else if (errno != EINTR && errno != ECONNABORTED)
            return -errno;
    }
}

int net_local(int fd, struct net_addr *ret) {
    struct net_addr a = {0};
    socklen_t len = sizeof a;
    if (getsockname(fd, &a.any, &len) < 0)
        return -errno;
    unmap(&a);
    *ret = a;
    return 0;
}

int net_local_of(const struct stream *s, struct net_addr *ret) {
    const struct stream_ops *ops = NULL;
    void *below = NULL;
    stream_below(s, &ops, &below);
    int fd = ops->fd(below);
    return fd < 0 ? -ENOTSOCK : net_local(fd, ret);
}

int net_peer(int fd, struct net_addr *ret) {
    struct net_addr a = {0};
    socklen_t len = sizeof a;
    if (getpeername(fd, &a.any, &len) < 0)
        return -errno;
    unmap(&a);
    *ret = a;
    return 0;
}
