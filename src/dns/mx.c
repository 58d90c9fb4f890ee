/* SPDX-License-Identifier: ISC */
/*
 * The order of things follows RFC 5321 §5.1: ask for MX; only when the domain has none at all take
 * the domain itself as its only host; put the hosts in order; look up their addresses; cut the list
 * where we are in it ourselves; leave out hosts without an address. Of a long list only a part is
 * looked at, and the next part only if no host of that has an address.
 *
 * All addresses are looked up before anything is tried (host_addresses.c), because we may be
 * recognised only by an address, and then nothing of our own or a higher preference number may be
 * tried.
 *
 * Whatever may be different in an hour is temporary: a failed or unsigned-but-should-be answer for
 * the MX or, when no other host is left, for an address.
 */
#include "dns/mx.h"

#include <errno.h>

#include "base/random.h"
#include "base/words.h"
#include "dns/host_addresses.h"
#include "dns/next_hop.h"

struct finder {
    const struct dns_client *client;
    const struct dns_search *search;
    struct arena *arena;
    struct dns_way way;
    struct dns_host *hosts; /* that are looked at now */
    size_t count;
    struct dns_host *left_out; /* the less preferred ones behind them */
    size_t left_count;
};

/* Settles the outcome; returns 1 so that steps read `return no_way(...)`. */
static int PRINTF_LIKE(6, 7) settle(struct finder *f, enum dns_outcome outcome, unsigned reply,
                                    uint16_t subject, uint16_t detail, const char *format, ...) {
    va_list args;
    va_start(args, format);
    f->way.outcome = outcome;
    f->way.reply = reply;
    f->way.subject = subject;
    f->way.detail = detail;
    f->way.words = arena_printf_v(f->arena, format, args);
    va_end(args);
    return 1;
}

/* ------------------------------------------------------------------ the list of hosts */

/*
 * Fisher and Yates, then an insertion sort, which keeps the order of equals. The list is shuffled
 * in full, and sorted, before it is cut into parts of DNS_HOSTS_MAX.
 */
static void put_in_order(struct dns_host *hosts, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)random_below(i);
        struct dns_host host = hosts[i - 1];
        hosts[i - 1] = hosts[j];
        hosts[j] = host;
    }
    for (size_t i = 1; i < count; i++) {
        struct dns_host host = hosts[i];
        size_t j = i;
        for (; j > 0 && hosts[j - 1].preference > host.preference; j--)
            hosts[j] = hosts[j - 1];
        hosts[j] = host;
    }
}

/* The next part of what was left out. */
static void take_next_hosts(struct finder *f) {
    f->hosts = f->left_out;
    f->count = MIN(f->left_count, DNS_HOSTS_MAX);
    f->left_out += f->count;
    f->left_count -= f->count;
}

static void print_mx(struct finder *f, const struct dns_answer *answer) {
    _cleanup_(buf_done) struct buf text = {0};
    for (size_t i = 0; i < f->count; i++)
        buf_printf(&text, "%s%u %.*s", i ? ", " : "", f->hosts[i].preference,
                   SLICE_ARG(f->hosts[i].name));
    if (f->left_count > 0)
        buf_printf(&text, _(" and %zu more, left out"), f->left_count);
    next_hop_report(f->search, f->arena, _("MX of %.*s: %.*s%s"), SLICE_ARG(f->search->to.name),
                    SLICE_ARG(buf_slice(&text)), answer->secure ? " (DNSSEC)" : "");
}

/* Takes the hosts of an MX answer; 1 when there is none behind the names. */
static int take_mx(struct finder *f, const struct dns_answer *answer) {
    struct dns_host *hosts = arena_array(f->arena, answer->count, sizeof *hosts);
    size_t count = 0;
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *mx = &answer->records[i];
        if (slice_eq(mx->name, S(".")))
            continue;
        hosts[count++] = (struct dns_host){.name = mx->name, .preference = mx->preference};
    }
    if (count == 0) {
        next_hop_report(f->search, f->arena, _("MX of %.*s: null MX, it takes no mail"),
                        SLICE_ARG(f->search->to.name));
        return settle(f, DNS_NO_WAY, 556, 1, 10, _("Domain %.*s does not accept mail (null MX)"),
                      SLICE_ARG(f->search->to.name));
    }
    put_in_order(hosts, count);
    f->left_out = hosts;
    for (size_t i = 0; i < count; i++) {
        bool listed = false;
        for (size_t k = 0; k < f->left_count; k++)
            listed |= slice_eq(hosts[k].name, hosts[i].name);
        if (!listed)
            hosts[f->left_count++] = hosts[i];
    }
    f->way.secure = answer->secure;
    take_next_hosts(f);
    print_mx(f, answer);
    return 0;
}

static int take_domain_itself(struct finder *f, bool secure) {
    f->hosts = ARENA_NEW(f->arena, struct dns_host);
    f->hosts[0].name = f->search->to.name;
    f->count = 1;
    f->way.secure = secure;
    return 0;
}

static int settle_failure(struct finder *f, const char *why) {
    return settle(f, DNS_LATER, 451, 4, 3, _("MX look-up of %.*s failed: %s"),
                  SLICE_ARG(f->search->to.name), why);
}

/* Fills in `hosts`; 1 when the outcome is settled without any. */
static int list_hosts(struct finder *f) WAITS {
    struct slice domain = f->search->to.name;
    if (f->search->to.no_mx)
        return take_domain_itself(f, true);
    struct dns_answer answer;
    int r = f->client->query(f->client->arg, domain, DNS_MX, f->arena, &answer);
    if (r == -ECANCELED)
        return r;
    if (r < 0) {
        next_hop_report(f->search, f->arena, _("MX of %.*s: %s"), SLICE_ARG(domain),
                        error_words(r));
        return settle_failure(f, error_words(r));
    }
    if (answer.canonical.len && !dns_name_same(answer.canonical, domain)) {
        f->way.canonical = answer.canonical;
        next_hop_report(f->search, f->arena, _("%.*s is an alias of %.*s"), SLICE_ARG(domain),
                        SLICE_ARG(answer.canonical));
    }
    if (answer.code == DNS_OK)
        return take_mx(f, &answer);
    const char *why = translated(dns_code_text(answer.code));
    if (answer.code == DNS_NODATA) {
        next_hop_report(f->search, f->arena, _("MX of %.*s: none, so its own address is used"),
                        SLICE_ARG(domain));
        return take_domain_itself(f, answer.secure);
    }
    next_hop_report(f->search, f->arena, _("MX of %.*s: %s%s%s"), SLICE_ARG(domain), why,
                    answer.problem.len ? ", " : "",
                    translated(arena_str(f->arena, answer.problem)));
    if (answer.code == DNS_NXDOMAIN)
        return settle(f, DNS_NO_WAY, 550, 1, 2, _("Domain %.*s does not exist"), SLICE_ARG(domain));
    return settle_failure(f, why);
}

/* ------------------------------------------------------------------ the whole */

/* Cuts the list before the first host that has our preference number; 1 when nothing is left. */
static int cut_at_ourselves(struct finder *f) {
    unsigned limit = UINT16_MAX + 1U;
    for (size_t i = 0; i < f->count; i++) {
        struct dns_host *host = &f->hosts[i];
        host->own = host->own || search_has_own_name(f->search, host->name);
        if (host->own)
            limit = MIN(limit, host->preference);
    }
    size_t kept = 0;
    while (kept < f->count && f->hosts[kept].preference < limit)
        kept++;
    if (kept == f->count)
        return 0;
    f->count = kept;
    f->left_count = 0;
    if (kept > 0) {
        next_hop_report(
            f->search, f->arena,
            _("this server is in the list itself: hosts with preference %u and above are left out"),
            limit);
        return 0;
    }
    next_hop_report(f->search, f->arena,
                    _("the best host for %.*s is this server itself, which does not serve it"),
                    SLICE_ARG(f->search->to.name));
    return settle(f, DNS_NO_WAY, 554, 4, 6, _("Mail for %.*s loops back to this server"),
                  SLICE_ARG(f->search->to.name));
}

static int keep_hosts_with_address(struct finder *f, size_t failures) {
    size_t kept = 0;
    struct slice domain = f->search->to.name;
    struct slice literal = S(""); /* no host: people write an address into their MX */
    for (size_t i = 0; i < f->count; i++) {
        struct net_addr addr;
        if (literal.len == 0 && net_parse(f->hosts[i].name, 0, &addr) == 0)
            literal = f->hosts[i].name;
        if (f->hosts[i].count > 0)
            f->hosts[kept++] = f->hosts[i];
    }
    f->count = kept;
    if (kept > 0)
        return 0;
    if (failures > 0)
        return settle(f, DNS_LATER, 451, 4, 3, _("Address look-up for %.*s failed for now"),
                      SLICE_ARG(domain));
    if (literal.len > 0)
        return settle(f, DNS_NO_WAY, 550, 4, 4,
                      _("No mail host of %.*s has an address: its MX record has an IP address,"
                        " %.*s, where the name of a host belongs"),
                      SLICE_ARG(domain), SLICE_ARG(literal));
    return settle(f, DNS_NO_WAY, 550, 4, 4, _("No mail host of %.*s has an address"),
                  SLICE_ARG(domain));
}

static int use_literal(struct finder *f) {
    struct slice literal = f->search->to.name;
    struct net_addr *addr = ARENA_NEW(f->arena, struct net_addr);
    if (next_hop_read_literal(literal, f->search->to.port, addr) < 0)
        return settle(f, DNS_NO_WAY, 550, 1, 2, _("%.*s is no address literal"),
                      SLICE_ARG(literal));
    (void)take_domain_itself(f, false);
    f->hosts[0].addresses = addr;
    f->hosts[0].count = 1;
    f->hosts[0].own = search_has_own_address(f->search, addr);
    return cut_at_ourselves(f);
}

static int find(struct finder *f) WAITS {
    struct slice name = f->search->to.name;
    if (next_hop_is_literal(name))
        return use_literal(f);
    char wire[DNS_NAME_WIRE];
    size_t wire_len;
    if (dns_name_write(name, wire, &wire_len) < 0 || wire_len == 1)
        return settle(f, DNS_NO_WAY, 550, 1, 2, _("%.*s is no domain name"), SLICE_ARG(name));
    int r = list_hosts(f);
    if (r != 0)
        return r;
    const struct host_look_up look_up = {f->client, f->search, f->arena};
    for (;;) {
        size_t failures;
        r = host_addresses_look_up(&look_up, f->hosts, f->count, f->way.secure, &failures);
        if (r == 0)
            r = cut_at_ourselves(f);
        if (r == 0)
            r = keep_hosts_with_address(f, failures);
        if (r <= 0 || f->way.outcome != DNS_NO_WAY || f->left_count == 0)
            return r;
        f->way = (struct dns_way){.canonical = f->way.canonical, .secure = f->way.secure};
        take_next_hosts(f);
    }
}

int dns_find_hosts(const struct dns_client *client, const struct dns_search *search,
                   struct arena *a, struct dns_way *ret) {
    struct finder f = {.client = client, .search = search, .arena = a};
    int r = find(&f);
    if (r < 0)
        return r;
    f.way.hosts = f.hosts;
    f.way.count = r == 0 ? f.count : 0;
    *ret = f.way;
    return 0;
}
