/* SPDX-License-Identifier: ISC */
#include "role/dns_link.h"

static int query(void *arg, struct slice name, uint16_t type, struct arena *a,
                 struct dns_answer *ret) WAITS {
    struct rpc_resolver_query_in in = {.name = name, .type = type};
    struct rpc_resolver_query_out out;
    int r = call_resolver_query(arg, &in, a, &out, NULL);
    return r < 0 ? r : dns_answer_decode(out.answer, a, ret);
}

struct dns_client dns_link_client(struct rpc_link *link) {
    return (struct dns_client){query, link};
}
