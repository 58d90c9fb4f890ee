/* SPDX-License-Identifier: ISC */
/*
 * The questions run side by side: helper fibers take the next open question from a common list, and
 * the caller works on it as well, so that it also ends when no helper can be had.
 */
#include "dns/host_addresses.h"

#include <errno.h>

#include "base/random.h"
#include "base/words.h"
#include "dns/next_hop.h"

#define PARALLEL_QUESTIONS 8U

/* One question for the addresses of a host. */
struct question {
    struct dns_host *host;
    uint16_t type;
    int result; /* of the client */
    struct dns_answer answer;
};

struct questions {
    const struct host_look_up *look_up;
    struct question all[DNS_HOSTS_MAX * 2];
    size_t count, next;
};

static void ask_addresses(void *arg) WAITS {
    struct questions *q = arg;
    const struct host_look_up *l = q->look_up;
    while (q->next < q->count && !fiber_cancelled()) {
        struct question *mine = &q->all[q->next++];
        mine->result =
            l->client->query(l->client->arg, mine->host->name, mine->type, l->arena, &mine->answer);
    }
}

static void add_questions(struct questions *q, struct dns_host *hosts, size_t count) {
    const struct dns_search *search = q->look_up->search;
    for (size_t i = 0; i < count; i++) {
        struct dns_host *host = &hosts[i];
        if (!search->no_ipv6)
            q->all[q->count++] = (struct question){host, DNS_AAAA, -ECANCELED, {0}};
        if (!search->no_ipv4)
            q->all[q->count++] = (struct question){host, DNS_A, -ECANCELED, {0}};
    }
}

/* All questions answered, or -ECANCELED. */
static int ask_all(struct questions *q) WAITS {
    struct fiber *helpers[PARALLEL_QUESTIONS];
    size_t helping = 0;
    while (helping + 1 < MIN(q->count, PARALLEL_QUESTIONS) &&
           fiber_start("dns addresses", ask_addresses, q, &helpers[helping]) == 0)
        helping++;
    ask_addresses(q);
    for (size_t i = 0; i < helping; i++) {
        if (fiber_cancelled())
            fiber_cancel(helpers[i]);
        fiber_join(helpers[i]);
    }
    return fiber_cancelled() ? -ECANCELED : 0;
}

/* The addresses of an answer in random order; the resolver's own order may be a fixed one. */
static size_t take_addresses(const struct question *q, uint16_t port,
                             struct net_addr to[static DNS_HOST_ADDRESSES_MAX]) {
    size_t count = 0;
    size_t offered = q->result == 0 && q->answer.code == DNS_OK ? q->answer.count : 0;
    for (size_t i = 0; i < offered; i++) {
        struct net_addr addr;
        if (net_from_bytes(q->answer.records[i].bytes, port, &addr) < 0)
            continue;
        size_t at = (size_t)random_below(i + 1);
        if (count < DNS_HOST_ADDRESSES_MAX)
            to[count++] = addr;
        if (at < count) {
            to[count - 1] = to[at];
            to[at] = addr;
        }
    }
    return count;
}

/* IPv6 and IPv4 in turns, so that a broken family costs one attempt before the other's turn. */
static void set_addresses(const struct host_look_up *l, struct dns_host *host,
                          const struct question *v6, const struct question *v4) {
    struct net_addr six[DNS_HOST_ADDRESSES_MAX], four[DNS_HOST_ADDRESSES_MAX];
    uint16_t port = l->search->to.port;
    size_t six_count = v6 ? take_addresses(v6, port, six) : 0;
    size_t four_count = v4 ? take_addresses(v4, port, four) : 0;
    host->addresses = arena_array(l->arena, six_count + four_count, sizeof *host->addresses);
    for (size_t i = 0; i < MAX(six_count, four_count); i++) {
        if (i < six_count)
            host->addresses[host->count++] = six[i];
        if (i < four_count)
            host->addresses[host->count++] = four[i];
    }
    for (size_t i = 0; i < host->count; i++)
        if (search_has_own_address(l->search, &host->addresses[i]))
            host->own = true;
}

/*
 * An answer without addresses, or none at all, plays no part: what is connected to comes from the
 * others.
 */
static void judge_security(struct dns_host *host, const struct question *v6,
                           const struct question *v4, bool list_secure) {
    const struct question *both[] = {v6, v4};
    host->secure = list_secure && host->count > 0;
    for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
        const struct question *q = both[i];
        if (!q || q->result < 0 || q->answer.code != DNS_OK)
            continue;
        host->secure = host->secure && q->answer.secure;
        if (q->answer.canonical.len > 0 && !dns_name_same(q->answer.canonical, host->name))
            host->canonical = q->answer.canonical;
    }
}

static bool failed(const struct question *q) {
    return q && (q->result < 0 || q->answer.code >= DNS_SERVFAIL);
}

static struct slice addresses_text(struct arena *a, const struct dns_host *host) {
    _cleanup_(buf_done) struct buf text = {0};
    char one[NET_TEXT_SIZE];
    for (size_t i = 0; i < host->count; i++) {
        if (i > 0)
            buf_add(&text, S(", "));
        buf_add(&text, net_format_host(&host->addresses[i], one));
    }
    return arena_copy(a, buf_slice(&text));
}

static void report_addresses(const struct host_look_up *l, const struct dns_host *host,
                             const struct question *v6, const struct question *v4) {
    const struct question *bad = failed(v6) ? v6 : failed(v4) ? v4 : NULL;
    if (bad)
        next_hop_report(l->search, l->arena,
                        bad->type == DNS_A ? _("IPv4 address of %.*s: %s")
                                           : _("IPv6 address of %.*s: %s"),
                        SLICE_ARG(host->name),
                        bad->result < 0 ? error_words(bad->result)
                                        : translated(dns_code_text(bad->answer.code)));
    if (host->count > 0)
        next_hop_report(
            l->search, l->arena,
            host->own ? _("%.*s (preference %u) has address %.*s: that is this server itself")
                      : _("%.*s (preference %u) has address %.*s"),
            SLICE_ARG(host->name), host->preference, SLICE_ARG(addresses_text(l->arena, host)));
    else if (!bad)
        next_hop_report(l->search, l->arena, _("%.*s has no address"), SLICE_ARG(host->name));
}

int host_addresses_look_up(const struct host_look_up *l, struct dns_host *hosts, size_t count,
                           bool secure, size_t *ret_failed) {
    struct questions *q = ARENA_NEW(l->arena, struct questions);
    q->look_up = l;
    add_questions(q, hosts, count);
    int r = ask_all(q);
    if (r < 0)
        return r;
    size_t at = 0, failures = 0;
    for (size_t i = 0; i < count; i++) {
        struct dns_host *host = &hosts[i];
        const struct question *v6 = l->search->no_ipv6 ? NULL : &q->all[at++];
        const struct question *v4 = l->search->no_ipv4 ? NULL : &q->all[at++];
        set_addresses(l, host, v6, v4);
        judge_security(host, v6, v4, secure);
        failures += host->count == 0 && (failed(v6) || failed(v4));
        report_addresses(l, host, v6, v4);
    }
    *ret_failed = failures;
    return 0;
}
