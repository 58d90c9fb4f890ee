/* SPDX-License-Identifier: ISC */
#include "cli/lookup.h"

#include "base/alloc.h"
#include "cli/host/server.h"
#include "dns/resolver.h"
#include "role/dns_link.h"

#define SERVERS_MAX 8U

struct lookup {
    struct rpc_link *link; /* or */
    struct resolver *resolver;
    struct fiber *driver;
};

static void drive(void *arg) WAITS {
    (void)resolver_drive(arg);
}

static struct slice text_of(const struct rpc_field *files, size_t count, struct slice name) {
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(files[i].name, name))
            return files[i].value;
    }
    return S("");
}

static int open_here(struct cli *c, struct lookup *l, struct problem *problem) {
    struct net_addr servers[SERVERS_MAX];
    struct resolver_options options = RESOLVER_DEFAULTS;
    struct rpc_field files[2];
    const struct conf *conf = c->conf;
    size_t count = state_resolver_files(conf, c->arena, files);
    options.servers = conf->dns.resolvers.list;
    options.server_count = conf->dns.resolvers.count;
    if (options.server_count == 0) {
        options.servers = servers;
        options.server_count = resolver_read_resolv_conf(text_of(files, count, S("resolv.conf")),
                                                         servers, SERVERS_MAX);
    }
    options.trust_anchors = text_of(files, count, S("trust-anchor"));
    int r = resolver_new(&options, &l->resolver, problem);
    return r < 0 ? r : fiber_start("DNS answers", drive, l->resolver, &l->driver);
}

int lookup_open(struct cli *c, struct lookup **ret, struct problem *problem) {
    _cleanup_(lookup_close_p) struct lookup *l = NEW(struct lookup);
    int r = server_connect_if_running(c, ROLE_RESOLVER, &l->link, problem);
    if (r == 0 && !l->link)
        r = open_here(c, l, problem);
    if (r == 0)
        *ret = TAKE_PTR(l);
    return r;
}

void lookup_close(struct lookup *l) {
    if (!l)
        return;
    if (l->driver) {
        fiber_cancel(l->driver);
        fiber_join(l->driver);
    }
    resolver_free(l->resolver);
    if (l->link)
        rpc_link_free(l->link);
    free(l);
}

struct dns_client lookup_client(struct lookup *l) {
    return l->link ? dns_link_client(l->link) : resolver_client(l->resolver);
}
