/* SPDX-License-Identifier: ISC */
#include "sender/iprev.h"

#include <errno.h>

const char *iprev_result_name(enum iprev_result result) {
    static const char *const names[] = {"pass", "fail", "temperror", "permerror"};
    return names[result];
}

static bool leads_back(const struct dns_answer *answer, const struct net_addr *client) {
    for (size_t i = 0; i < answer->count; i++) {
        struct net_addr addr;
        if (net_from_bytes(answer->records[i].bytes, 0, &addr) == 0 && net_same_host(&addr, client))
            return true;
    }
    return false;
}

int iprev_check(const struct dns_client *dns, const struct net_addr *client, struct arena *a,
                struct iprev_outcome *ret) {
    bool v4 = client->any.sa_family == AF_INET;
    struct slice bytes =
        v4 ? slice_of(&client->in.sin_addr, 4) : slice_of(&client->in6.sin6_addr, 16);
    struct dns_answer names, addresses;
    *ret = (struct iprev_outcome){.result = IPREV_TEMPERROR};
    int r = dns->query(dns->arg, dns_reverse_name(a, bytes), DNS_PTR, a, &names);
    if (r == -ECANCELED)
        return r;
    if (r < 0 || names.code > DNS_NODATA)
        return 0;
    ret->result = names.count > 0 ? IPREV_FAIL : IPREV_PERMERROR;
    for (size_t i = 0; i < MIN(names.count, (size_t)IPREV_NAMES_MAX); i++) {
        struct slice name = names.records[i].name;
        if (ret->name.len == 0)
            ret->name = name;
        r = dns->query(dns->arg, name, v4 ? DNS_A : DNS_AAAA, a, &addresses);
        if (r == -ECANCELED)
            return r;
        if (r < 0 || addresses.code > DNS_NODATA) {
            ret->result = IPREV_TEMPERROR;
        } else if (leads_back(&addresses, client)) {
            *ret = (struct iprev_outcome){IPREV_PASS, name};
            return 0;
        }
    }
    return 0;
}
