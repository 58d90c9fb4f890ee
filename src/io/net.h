/* SPDX-License-Identifier: ISC */
/*
 * Sockets: addresses as values, connecting, listening and accepting within fibers.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "fiber/wait.h"
#include "io/stream.h"

/* An IPv4 or IPv6 address with a port; v4-mapped IPv6 is kept as IPv4. */
struct net_addr {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
};

#define NET_TEXT_SIZE 64

/* "192.0.2.1" or "2001:db8::1", without the port. */
struct slice net_format_host(const struct net_addr *a, char text[static NET_TEXT_SIZE]);

/* "192.0.2.1:25" or "[2001:db8::1]:25". */
struct slice net_format(const struct net_addr *a, char text[static NET_TEXT_SIZE]);

/* Address literal of RFC 5321 §4.1.3: "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
struct slice net_format_literal(const struct net_addr *a, char text[static NET_TEXT_SIZE]);

/* Reads "ADDR", "ADDR:PORT", "[V6]:PORT" (V6 alone too); the port when none is given: `port`. */
int net_parse(struct slice text, uint16_t port, struct net_addr *ret);

/* The same from the bytes of an A (4) or AAAA (16) record. */
int net_from_bytes(struct slice bytes, uint16_t port, struct net_addr *ret);

uint16_t net_port(const struct net_addr *a);
void net_set_port(struct net_addr *a, uint16_t port);
bool net_same_host(const struct net_addr *a, const struct net_addr *b);
bool net_is_loopback(const struct net_addr *a);

/* A network such as "192.0.2.0/24" or "::1". */
struct net_range {
    struct net_addr base;
    unsigned bits;
};
int net_range_parse(struct slice text, struct net_range *ret);
bool net_range_has(const struct net_range *range, const struct net_addr *a);

/*
 * Connects and makes a stream of the socket. `source` NULL: the system chooses. Errors of
 * connect(2), -ETIMEDOUT, -ECANCELED.
 */
int net_connect(const struct net_addr *to, const struct net_addr *source, usec_t deadline,
                struct stream **ret_stream) WAITS;

/* The same over a Unix socket path. */
int net_connect_unix(const char *path, usec_t deadline, struct stream **ret_stream) WAITS;

#define NET_BACKLOG 1024
int net_listen(const struct net_addr *at, int *ret_fd); /* SO_REUSEADDR, V6ONLY, NET_BACKLOG */

/*
 * What connections inherit from their listening socket: small packets leave at once, and a client
 * that has vanished without a word is found out after five minutes, be it silent or sent to, which
 * matters where it would keep a mailbox to itself, or a place among the conversations of an
 * account. So is one that takes nothing of what it is sent. net_listen() does it; for sockets that
 * were made by others.
 */
void net_tune_listener(int fd);
int net_listen_unix(const char *path, mode_t mode, int *ret_fd);

/* Waits for the next connection of a watched listening socket; the descriptor is non-blocking. */
int net_accept(struct fiber_fd *listener, struct net_addr *ret_peer, int *ret_fd) WAITS;

int net_local(int fd, struct net_addr *ret);                    /* our own end */
int net_local_of(const struct stream *s, struct net_addr *ret); /* -ENOTSOCK: it has none */
int net_peer(int fd, struct net_addr *ret);
