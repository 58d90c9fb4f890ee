/* SPDX-License-Identifier: ISC */
#include "cli/sender/judging.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/read.h"
#include "message/address/address.h"
#include "message/header.h"

#define SERVERS_MAX     8U
#define RESOLV_CONF     "/etc/resolv.conf"
#define RESOLV_CONF_MAX 65536U
#define DNS_PORT        53

void judging_lines(struct slice message, struct buf *to) {
    for (size_t i = 0; i < message.len; i++) {
        if (message.ptr[i] == '\n' && (i == 0 || message.ptr[i - 1] != '\r'))
            buf_add_byte(to, '\r');
        buf_add_byte(to, message.ptr[i]);
    }
}

int judging_read(struct slice name, struct buf *to, struct problem *problem) {
    _cleanup_(buf_done) struct buf bytes = {0};
    _cleanup_(buf_done) struct buf path = {0};
    bool standard = slice_eq(name, S("-"));
    buf_add(&path, name);
    int fd = standard ? STDIN_FILENO : open(buf_str(&path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return problem_set(problem, -errno, "%.*s: %s", SLICE_ARG(name), error_words(-errno));
    int r = read_to_end(fd, &bytes, JUDGED_MAX);
    if (!standard)
        (void)close(fd);
    if (r < 0)
        return problem_set(problem, r, "%.*s: %s", SLICE_ARG(name), error_words(r));
    judging_lines(buf_slice(&bytes), to);
    return 0;
}

/* ------------------------------------------------------------------ DNS */

static size_t servers_of_this_host(struct net_addr *ret) {
    _cleanup_(buf_done) struct buf text = {0};
    int fd = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)read_to_end(fd, &text, RESOLV_CONF_MAX);
        (void)close(fd);
    }
    return resolver_read_resolv_conf(buf_slice(&text), ret, SERVERS_MAX);
}

static void drive(void *arg) WAITS {
    (void)resolver_drive(arg);
}

int judging_dns_open(const struct cli *c, struct judging_dns *ret, struct problem *problem) {
    struct net_addr servers[SERVERS_MAX];
    struct resolver_options options = RESOLVER_DEFAULTS;
    struct slice given = cli_text(c->call, "dns");
    options.servers = servers;
    if (!given.ptr)
        options.server_count = servers_of_this_host(servers);
    else if (net_parse(given, DNS_PORT, &servers[0]) == 0)
        options.server_count = 1;
    else
        return problem_set(problem, -E_SYNTAX,
                           _("--dns %.*s: expected an address, or ADDRESS:PORT"), SLICE_ARG(given));
    int r = resolver_new(&options, &ret->resolver, problem);
    return r < 0 ? r : fiber_start("DNS answers", drive, ret->resolver, &ret->driver);
}

void judging_dns_close(struct judging_dns *d) {
    if (d->driver) {
        fiber_cancel(d->driver);
        fiber_join(d->driver);
    }
    if (d->resolver)
        resolver_free(d->resolver);
}

/* ------------------------------------------------------------------ judging */

static int read_arrival(const struct judging_arrival *from, struct arena *a,
                        struct net_addr *client, struct sender_question *q,
                        struct problem *problem) {
    struct address address = {0};
    struct slice rest;
    if (net_parse(from->client_ip, 0, client) < 0)
        return problem_set(problem, -E_SYNTAX, _("client IP \"%.*s\": expected an address"),
                           SLICE_ARG(from->client_ip));
    struct slice path = slice_starts(from->mail_from, S("<"))
                            ? from->mail_from
                            : arena_printf(a, "<%.*s>", SLICE_ARG(from->mail_from));
    if (address_parse_reverse_path(a, path, ADDRESS_UTF8 | ADDRESS_LOOSE, &address, &rest, NULL) <
        0)
        return problem_set(problem, -E_SYNTAX,
                           _("MAIL FROM \"%.*s\": expected USER@DOMAIN, or nothing"),
                           SLICE_ARG(from->mail_from));
    q->client = client;
    q->helo = from->helo;
    q->local_part = address.local;
    q->domain = address.domain;
    q->host = from->host;
    return 0;
}

int judging_judge(const struct judging_arrival *from, struct slice message,
                  const struct dns_client *dns, struct arena *a, struct sender_question *q,
                  struct sender_verdict *ret, struct problem *problem) {
    struct net_addr *client = ARENA_NEW(a, struct net_addr);
    *q = (struct sender_question){.dns = dns};
    int r = read_arrival(from, a, client, q, problem);
    if (r < 0)
        return r;
    struct sender_judge *j = sender_judge_new(message, from->now);
    sender_judge_add(j, slice_from(message, header_body(message, NULL)));
    r = sender_judge_end(j, q, a, ret);
    sender_judge_free(j);
    return r < 0 ? problem_set(problem, r, "%s", error_words(r)) : 0;
}

struct judging_arrival judging_arrival_of(const struct cli *c) {
    struct slice ip = cli_text(c->call, "client-ip"), host = cli_text(c->call, "authserv-id");
    return (struct judging_arrival){
        .client_ip = ip.ptr ? ip : S("127.0.0.1"),
        .helo = cli_text(c->call, "helo"),
        .mail_from = cli_text(c->call, "mail-from"),
        .host = host.ptr ? host : S("localhost"),
        .now = (int64_t)cli_number(c->call, "time", (uint64_t)(fiber_wall() / USEC_SEC)),
    };
}
