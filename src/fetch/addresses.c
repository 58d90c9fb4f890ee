/* SPDX-License-Identifier: ISC */
#include "fetch/addresses.h"

#include <errno.h>

#include "base/words.h"
#include "fetch/outside.h"

struct found {
    struct net_addr list[2][FETCH_ADDRESSES_MAX]; /* of IPv6, of IPv4 */
    size_t count[2];
    bool inside; /* one was passed over */
    enum dns_code failed;
};

static bool may_reach(const struct fetcher_options *o, const struct net_addr *a) {
    for (size_t i = 0; i < o->inside_count; i++)
        if (net_range_has(&o->inside[i], a))
            return true;
    return outside_has(a);
}

static int ask(const struct fetcher_options *o, struct slice host, uint16_t type, struct arena *a,
               struct found *found) WAITS {
    unsigned family = type == DNS_A;
    struct dns_answer answer;
    struct net_addr addr;
    int r = o->dns.query(o->dns.arg, host, type, a, &answer);
    if (r < 0)
        return r;
    if (answer.code != DNS_OK && answer.code != DNS_NXDOMAIN && answer.code != DNS_NODATA)
        found->failed = answer.code;
    for (size_t i = 0; i < answer.count && found->count[family] < FETCH_ADDRESSES_MAX; i++) {
        if (net_from_bytes(answer.records[i].bytes, o->port, &addr) < 0)
            continue;
        if (may_reach(o, &addr))
            found->list[family][found->count[family]++] = addr;
        else
            found->inside = true;
    }
    return 0;
}

static int say_none(const struct found *found, struct slice host, struct problem *problem) {
    if (found->failed != DNS_OK)
        return problem_set(problem, -E_TEMPORARY, N_("the addresses of %.*s: %s"), SLICE_ARG(host),
                           dns_code_text(found->failed));
    if (found->inside)
        return problem_set(problem, -E_TEMPORARY,
                           N_("%.*s has only addresses of private or reserved networks, from which"
                              " nothing is fetched"),
                           SLICE_ARG(host));
    return problem_set(problem, -E_UNKNOWN, N_("%.*s has no address"), SLICE_ARG(host));
}

int fetch_addresses(const struct fetcher_options *options, struct slice host, struct arena *a,
                    struct net_addr ret[static FETCH_ADDRESSES_MAX], size_t *ret_count,
                    struct problem *problem) {
    struct found found = {.failed = DNS_OK};
    int r = options->no_ipv6 ? 0 : ask(options, host, DNS_AAAA, a, &found);
    if (r == 0 && !options->no_ipv4)
        r = ask(options, host, DNS_A, a, &found);
    if (r < 0)
        return r == -ECANCELED || r == -ETIMEDOUT
                   ? r
                   : problem_set(problem, -E_TEMPORARY, N_("DNS cannot be asked: %s"),
                                 error_text(r));
    *ret_count = 0;
    for (size_t i = 0; i < FETCH_ADDRESSES_MAX; i++)
        for (unsigned family = 0; family < 2; family++)
            if (i < found.count[family] && *ret_count < FETCH_ADDRESSES_MAX)
                ret[(*ret_count)++] = found.list[family][i];
    return *ret_count > 0 ? 0 : say_none(&found, host, problem);
}
