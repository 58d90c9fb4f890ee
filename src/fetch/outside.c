/* SPDX-License-Identifier: ISC */
#include "fetch/outside.h"

#include "base/bytes.h"
#include "base/error.h"

static const char *const inside[] = {
    "0.0.0.0/8",       /* this network */
    "10.0.0.0/8",      /* private, RFC 1918 */
    "100.64.0.0/10",   /* shared behind a carrier's NAT, RFC 6598 */
    "127.0.0.0/8",     /* loopback */
    "169.254.0.0/16",  /* link-local; where clouds tell secrets of a machine */
    "172.16.0.0/12",   /* private */
    "192.0.0.0/24",    /* of protocols, RFC 6890 */
    "192.0.2.0/24",    /* for documents, RFC 5737 */
    "192.88.99.0/24",  /* relays of 6to4, RFC 7526 */
    "192.168.0.0/16",  /* private */
    "198.18.0.0/15",   /* for benchmarks, RFC 2544 */
    "198.51.100.0/24", /* for documents */
    "203.0.113.0/24",  /* for documents */
    "224.0.0.0/4",     /* multicast */
    "240.0.0.0/4",     /* reserved, broadcast */
    /* within 2000::/3, beside which there is nothing public */
    "2001::/23",     /* of protocols: Teredo, ORCHID, benchmarks; RFC 2928 */
    "2001:db8::/32", /* for documents, RFC 3849 */
    "2002::/16",     /* 6to4, RFC 3056 */
    "3fff::/20",     /* for documents, RFC 9637 */
};

static bool has(const char *range, const struct net_addr *a) {
    struct net_range r;
    MUST(net_range_parse(slice_of_str(range), &r) == 0);
    return net_range_has(&r, a);
}

bool outside_has(const struct net_addr *a) {
    struct net_addr embedded;
    if (a->any.sa_family == AF_INET6) {
        struct slice bytes = slice_of(&a->in6.sin6_addr, 16);
        if (has("64:ff9b::/96", a) || IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
            if (net_from_bytes(slice_from(bytes, 12), net_port(a), &embedded) < 0)
                return false;
            a = &embedded;
        } else if (!has("2000::/3", a)) {
            return false;
        }
    } else if (a->any.sa_family != AF_INET) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(inside); i++)
        if (has(inside[i], a))
            return false;
    return true;
}
