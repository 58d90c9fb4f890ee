/* SPDX-License-Identifier: ISC */
/*
 * The resolver role: DNS for all the others, with one cache.
 */
#include <errno.h>

#include "base/alloc.h"
#include "dns/resolver.h"
#include "role/roles.h"

#define SERVERS_MAX 8U

static struct slice text_file(const struct process *p, struct slice name) {
    const struct rpc_process_configure_in *in = p->configured;
    for (size_t i = 0; i < in->text_files_count; i++) {
        if (slice_eq(in->text_files[i].name, name))
            return in->text_files[i].value;
    }
    return S("");
}

static void drive(void *arg) {
    struct process *p = arg;
    int r = resolver_drive(p->state);
    if (r < 0 && r != -ECANCELED)
        process_fail(p, "the DNS library failed: %s", error_text(r));
}

static int open_resolver(struct process *p, struct problem *problem) {
    struct net_addr servers[SERVERS_MAX];
    struct resolver *resolver = NULL;
    struct resolver_options options = RESOLVER_DEFAULTS;
    options.servers = p->conf->dns.resolvers.list;
    options.server_count = p->conf->dns.resolvers.count;
    if (options.server_count == 0) {
        options.servers = servers;
        options.server_count =
            resolver_read_resolv_conf(text_file(p, S("resolv.conf")), servers, SERVERS_MAX);
    }
    options.trust_anchors = text_file(p, S("trust-anchor"));
    int r = resolver_new(&options, &resolver, problem);
    if (r < 0)
        return r;
    p->state = resolver;
    return fiber_spawn_under(p->root, "DNS answers", drive, p);
}

static int on_query(void *arg, const struct rpc_caller *caller,
                    const struct rpc_resolver_query_in *in, struct arena *a,
                    struct rpc_resolver_query_out *out, struct problem *problem) {
    struct process *p = arg;
    struct dns_answer answer;
    struct buf flat = {0};
    (void)caller;
    int r = resolver_query(p->state, in->name, in->type, a, &answer);
    if (r < 0)
        return problem_set(problem, r, "%.*s cannot be looked up: %s", SLICE_ARG(in->name),
                           error_text(r));
    dns_answer_encode(&flat, &answer);
    out->answer = arena_copy(a, buf_slice(&flat));
    buf_done(&flat);
    return 0;
}

static uint64_t questions(struct process *p) {
    struct resolver_stats stats;
    resolver_stats(p->state, &stats);
    return stats.asking + stats.queued;
}

static const struct rpc_resolver_handlers handlers = {.query = on_query};

const struct process_role role_resolver = {
    .role = ROLE_RESOLVER,
    .rights = CONFINE_CONNECT,
    .handlers = &handlers,
    .open = open_resolver,
    .sessions = questions,
};
