/* SPDX-License-Identifier: ISC */
/* What the checks of DNS ask alike (check_dns.h). */
#include <ifaddrs.h>
#include <string.h>

#include "cli/host/check_dns.h"

bool check_has_address(const struct net_addr *list, size_t count, const struct net_addr *a) {
    for (size_t i = 0; i < count; i++) {
        if (net_same_host(&list[i], a))
            return true;
    }
    return false;
}

/* RFC 1918, 3927, 4193, 6598, and what stays on the link or the host. */
bool check_is_private(const struct net_addr *a) {
    static const char *const ranges[] = {"10.0.0.0/8",    "172.16.0.0/12", "192.168.0.0/16",
                                         "100.64.0.0/10", "127.0.0.0/8",   "169.254.0.0/16",
                                         "fc00::/7",      "fe80::/10",     "::1/128"};
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        struct net_range range;
        if (net_range_parse(slice_of_str(ranges[i]), &range) == 0 && net_range_has(&range, a))
            return true;
    }
    return false;
}

size_t check_own_addresses(struct net_addr ret[static CHECK_ADDRESSES]) {
    struct ifaddrs *list = NULL;
    size_t count = 0;
    if (getifaddrs(&list) < 0)
        return 0;
    for (const struct ifaddrs *i = list; i && count < CHECK_ADDRESSES; i = i->ifa_next) {
        int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
        struct net_addr a = {0};
        if (family != AF_INET && family != AF_INET6)
            continue;
        memcpy(&a, i->ifa_addr, family == AF_INET ? sizeof a.in : sizeof a.in6);
        net_set_port(&a, 0);
        if (!net_is_loopback(&a))
            ret[count++] = a;
    }
    freeifaddrs(list);
    return count;
}

struct slice check_way_out(const struct conf *conf) {
    for (size_t i = 0; i < conf->relay.route.count; i++) {
        const struct conf_route *route = &conf->relay.route.list[i];
        if (slice_eq(route->domain, S("*")))
            return route->to.host;
    }
    return conf->relay.smart_host.host;
}

struct slice check_no_answer(int result, const struct dns_answer *answer) {
    if (result < 0)
        return slice_of_str(error_words(result));
    if (answer->code <= DNS_NODATA)
        return S("");
    return answer->problem.len > 0 ? answer->problem
                                   : slice_of_str(translated(dns_code_text(answer->code)));
}

int check_addresses(const struct check_dns *d, struct slice name, struct net_addr *ret,
                    struct slice *ret_why) {
    static const uint16_t types[] = {DNS_A, DNS_AAAA};
    size_t count = 0;
    for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
        struct dns_answer answer = {0};
        int r = d->client.query(d->client.arg, name, types[t], d->k->c->arena, &answer);
        *ret_why = check_no_answer(r, &answer);
        if (ret_why->len > 0)
            return -E_TEMPORARY;
        for (size_t i = 0; i < answer.count && count < CHECK_ADDRESSES; i++) {
            if (net_from_bytes(answer.records[i].bytes, 0, &ret[count]) == 0)
                count++;
        }
    }
    return (int)count;
}

size_t check_senders(const struct check_dns *d, struct net_addr *ret) {
    const struct conf *conf = d->k->c->conf;
    struct slice why;
    size_t count = 0;
    struct slice host = check_way_out(conf);
    if (host.len > 0) {
        int n = check_addresses(d, host, ret, &why);
        return (size_t)MAX(n, 0);
    }
    for (size_t i = 0; i < conf->relay.source_addresses.count && count < CHECK_ADDRESSES; i++) {
        if (!check_is_private(&conf->relay.source_addresses.list[i]))
            ret[count++] = conf->relay.source_addresses.list[i];
    }
    for (size_t i = 0; count == 0 && i < d->named_count; i++) {
        if (!check_is_private(&d->named[i]))
            ret[count++] = d->named[i];
    }
    return count;
}
