/* SPDX-License-Identifier: ISC */
#include "role/listeners.h"

#include <errno.h>
#include <stdio.h>

#include "proc/spawn.h"
#include "role/state.h"

#define LISTEN_FDS_START 3

static const struct {
    const char *service;
    uint16_t port;
} ports[] = {
    {"smtp", 25}, {"submission", 587}, {"submissions", 465}, {"pop3", 110}, {"pop3s", 995},
};

static int add(struct listeners *l, const char *service, enum role role, const struct net_addr *at,
               int fd) {
    if (l->count == LISTENERS_MAX) {
        (void)close(fd);
        return -E_LIMIT;
    }
    l->list[l->count] = (struct listener){.service = service, .role = role, .fd = fd};
    if (at)
        l->list[l->count].at = *at;
    l->count++;
    return 0;
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

static bool is_wildcard(const struct net_addr *a) {
    return a->any.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr)
                                        : a->in.sin_addr.s_addr == htonl(INADDR_ANY);
}

/* A passed socket for this address, or one for all addresses, with this port; or -1. */
static int passed_socket(const struct net_addr *at) {
    int found = -1;
    for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + passed_count(); fd++) {
        struct net_addr here;
        if (net_local(fd, &here) < 0 || net_port(&here) != net_port(at) ||
            here.any.sa_family != at->any.sa_family)
            continue;
        if (net_same_host(&here, at))
            return fd;
        if (is_wildcard(&here))
            found = fd;
    }
    return found;
}

static bool is_taken(const struct listeners *l, int fd) {
    for (size_t i = 0; i < l->count; i++) {
        if (l->list[i].fd == fd)
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ ports */

static bool family_missing(int r) {
    return r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL;
}

static int bind_port(struct listeners *l, const char *service, const struct net_addr *at,
                     struct problem *problem) {
    char text[NET_TEXT_SIZE];
    int fd = passed_socket(at);
    if (fd >= 0 && is_taken(l, fd)) /* it stands for several addresses */
        return 0;
    int r = fd >= 0 ? 0 : net_listen(at, &fd);
    if (r < 0) {
        struct slice where = net_format(at, text);
        const char *advice = r == -EADDRINUSE
                                 ? "; another program uses this port: stop it, or change"
                                   " listen or port-offset in the settings"
                             : r == -EACCES ? "; ports below 1024 need root: see port-offset"
                                            : "";
        return problem_set(problem, r, "cannot listen on %.*s for %s: %s%s", SLICE_ARG(where),
                           service, error_text(r), advice);
    }
    net_tune_listener(fd);
    return add(l, service, ROLE_EDGE, at, fd);
}

int listeners_open_ports(struct listeners *l, const struct conf *conf, struct problem *problem) {
    size_t before = l->count;
    int missing = 0;
    for (size_t i = 0; i < conf->listen.count; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(ports); k++) {
            struct net_addr at = conf->listen.list[i];
            net_set_port(&at, (uint16_t)(ports[k].port + conf->port_offset));
            int r = bind_port(l, ports[k].service, &at, problem);
            if (r < 0 && !family_missing(r))
                return r;
            missing = r < 0 ? r : missing;
        }
    }
    return l->count > before ? 0 : missing;
}

/* ------------------------------------------------------------------ control sockets */

int listeners_open_control(struct listeners *l, const char *directory, struct problem *problem) {
    char name[32], path[STATE_PATH];
    for (enum role role = 0; role < ROLE_CLI; role++) {
        int fd = -1;
        if (!spawn_are_peers(ROLE_CLI, role))
            continue;
        (void)snprintf(name, sizeof name, "run/%s.sock", role_name(role));
        int r = net_listen_unix(state_path(path, directory, name), 0600, &fd);
        if (r < 0)
            return problem_set(problem, r, "control socket %s cannot be made: %s%s", path,
                               error_text(r),
                               r == -ENAMETOOLONG ? " (the path may have 107 bytes)" : "");
        r = add(l, "control", role, NULL, fd);
        if (r < 0)
            return r;
    }
    return 0;
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
