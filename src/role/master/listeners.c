/* SPDX-License-Identifier: ISC */
#include "role/master/listeners.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/words.h"
#include "proc/spawn.h"
#include "role/doors.h"
#include "role/master/state.h"
#include "role/roles.h"

#define LISTEN_FDS_START 3

static void add(struct listeners *l, const char *service, enum role role, const struct net_addr *at,
                int fd) {
    assert(l->count < LISTENERS_MAX); /* the table of doors, and the bound of addresses */
    l->list[l->count] = (struct listener){.service = service, .role = role, .worker = -1, .fd = fd};
    if (at)
        l->list[l->count].at = *at;
    l->count++;
}

/* ------------------------------------------------------------------ sockets from systemd */

/* How many descriptors from LISTEN_FDS_START on are sockets meant for us (sd_listen_fds(3)). */
static int passed_count(void) {
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    uint64_t number = 0;
    if (!pid || !count || slice_to_u64(slice_of_str(pid), INT32_MAX, &number) < 0 ||
        (pid_t)number != getpid() || slice_to_u64(slice_of_str(count), LISTENERS_MAX, &number) < 0)
        return 0;
    return (int)number;
}

static bool is_at(int fd, const struct net_addr *at) {
    struct net_addr here;
    return net_local(fd, &here) == 0 && net_port(&here) == net_port(at) &&
           here.any.sa_family == at->any.sa_family && net_same_host(&here, at);
}

/* The passed socket for this address and port, or -1. */
static int passed_socket(const struct net_addr *at) {
    for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + passed_count(); fd++) {
        if (is_at(fd, at))
            return fd;
    }
    return -1;
}

/* ------------------------------------------------------------------ ports */

/* Where IPv6 is switched off, not even "::" and "::1" are there, which every other host has. */
static bool family_missing(int r, const struct net_addr *at) {
    const struct in6_addr *ip = &at->in6.sin6_addr;
    return r == -EAFNOSUPPORT || (r == -EADDRNOTAVAIL && at->any.sa_family == AF_INET6 &&
                                  (IN6_IS_ADDR_UNSPECIFIED(ip) || IN6_IS_ADDR_LOOPBACK(ip)));
}

static int bind_port(struct listeners *l, const char *service, const struct net_addr *at,
                     struct problem *problem) {
    char text[NET_TEXT_SIZE];
    int fd = passed_socket(at);
    for (size_t i = 0; fd >= 0 && i < l->count; i++) {
        if (l->list[i].fd == fd) /* it stands for several addresses */
            return 0;
    }
    int r = fd >= 0 ? 0 : net_listen(at, &fd);
    if (r < 0) {
        struct slice where = net_format(at, text);
        return problem_set(
            problem, r,
            r == -EADDRINUSE
                ? N_("cannot listen on %.*s for %s: %s; another program uses this port (`ss -ltnp`"
                     " shows which): stop it, or change listen or port-offset in the settings")
            : r == -EACCES ? N_("cannot listen on %.*s for %s: %s; ports below 1024 need root: see"
                                " port-offset")
            : r == -EADDRNOTAVAIL
                ? N_("cannot listen on %.*s for %s: %s; this host does not have that address: see"
                     " listen in the settings")
                : N_("cannot listen on %.*s for %s: %s"),
            SLICE_ARG(where), service, error_text(r));
    }
    net_tune_listener(fd);
    add(l, service, ROLE_EDGE, at, fd);
    return 0;
}

static struct net_addr place(const struct conf *conf, size_t address,
                             const struct door_port *port) {
    struct net_addr at = conf->listen.list[address];
    net_set_port(&at, (uint16_t)(port->number + conf->port_offset));
    return at;
}

static bool is_named(const struct conf *conf, int fd) {
    const struct door_port *port;
    const struct door *door;
    for (size_t i = 0; i < conf->listen.count; i++) {
        for (size_t n = 0; (port = doors_port(&all_doors, n, &door)); n++) {
            struct net_addr at = place(conf, i, port);
            if (is_at(fd, &at))
                return true;
        }
    }
    return false;
}

/*
 * A passed socket that `listen` does not name would take connections that nobody answers, or would
 * open more of this host than was asked for.
 */
static int check_passed(const struct conf *conf, struct problem *problem) {
    char text[NET_TEXT_SIZE];
    for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + passed_count(); fd++) {
        struct net_addr here;
        if (is_named(conf, fd))
            continue;
        struct slice where = net_local(fd, &here) == 0 ? net_format(&here, text) : S("a socket");
        return problem_set(problem, -E_REFUSED,
                           N_("systemd listens on %.*s for us, which listen and port-offset of the"
                              " settings do not name: let them and the unit hayauma.socket name the"
                              " same addresses, or do without it: systemctl disable --now"
                              " hayauma.socket"),
                           SLICE_ARG(where));
    }
    return 0;
}

int listeners_open_ports(struct listeners *l, const struct conf *conf, struct problem *problem) {
    const struct door_port *port;
    const struct door *door;
    size_t before = l->count;
    if (conf->listen.count > LISTEN_ADDRESSES_MAX)
        return problem_set(
            problem, -E_LIMIT,
            N_("listen names %zu addresses, expected at most %u; 0.0.0.0 and :: stand"
               " for all of this host"),
            conf->listen.count, LISTEN_ADDRESSES_MAX);
    int missing = check_passed(conf, problem);
    if (missing < 0)
        return missing;
    for (size_t i = 0; i < conf->listen.count; i++) {
        for (size_t n = 0; (port = doors_port(&all_doors, n, &door)); n++) {
            struct net_addr at = place(conf, i, port);
            int r = bind_port(l, port->name.ptr, &at, problem);
            if (r < 0 && family_missing(r, &at))
                missing = r;
            else if (r < 0)
                return r;
        }
    }
    return l->count > before ? 0 : missing;
}

/* ------------------------------------------------------------------ control sockets */

void listeners_control_name(enum role role, unsigned worker,
                            char name[static LISTENERS_CONTROL_NAME]) {
    const struct process_role *row = roles_find(role);
    if (row && row->workers > 0)
        (void)snprintf(name, LISTENERS_CONTROL_NAME, "run/%s-%u.sock", role_name(role), worker);
    else
        (void)snprintf(name, LISTENERS_CONTROL_NAME, "run/%s.sock", role_name(role));
}

static int open_control(struct listeners *l, const char *directory, enum role role, unsigned worker,
                        struct problem *problem) {
    char name[LISTENERS_CONTROL_NAME], path[STATE_PATH];
    int fd = -1;
    listeners_control_name(role, worker, name);
    int r = net_listen_unix(state_path(path, directory, name), 0600, &fd);
    if (r < 0)
        return problem_set(
            problem, r,
            r == -ENAMETOOLONG
                ? N_("control socket %s cannot be made: %s (the path may have 107 bytes)")
                : N_("control socket %s cannot be made: %s"),
            path, error_text(r));
    add(l, "control", role, NULL, fd);
    l->list[l->count - 1].worker = (int)worker;
    return 0;
}

int listeners_open_control(struct listeners *l, const struct conf *conf, const char *directory,
                           struct problem *problem) {
    int r = 0;
    for (enum role role = 0; r == 0 && role < ROLE_CLI; role++) {
        const struct process_role *row = roles_find(role);
        unsigned workers = row ? roles_workers(row, conf) : 1;
        if (!spawn_are_peers(ROLE_CLI, role))
            continue;
        for (unsigned i = 0; r == 0 && i < workers; i++)
            r = open_control(l, directory, role, i, problem);
    }
    return r;
}

/* ------------------------------------------------------------------ looking after them */

int listeners_revive(const struct listener *l) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (getsockopt(l->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0)
        return -errno;
    return listens || listen(l->fd, NET_BACKLOG) == 0 ? 0 : -errno;
}

void listeners_close(struct listeners *l) {
    while (l->count > 0)
        (void)close(l->list[--l->count].fd);
}
