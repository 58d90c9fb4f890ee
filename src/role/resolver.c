/* SPDX-License-Identifier: ISC */
/*
 * The resolver role: DNS for all the others, with one cache.
 *
 * A reload makes a new resolver, since name servers and trust anchors are libunbound's from its
 * start on; with it the cache begins anew. The old one answers what it was asked, then it goes.
 */
#include <errno.h>

#include "base/alloc.h"
#include "dns/resolver.h"
#include "role/roles.h"

#define SERVERS_MAX 8U

struct resolving {
    struct process *process;
    struct resolver *resolver;
    struct fiber *driver; /* NULL before it runs */
    bool retired;         /* a newer one answers new questions */
    unsigned questions;
};

/* ------------------------------------------------------------------ one resolver */

static bool is_over(const struct resolving *s) {
    return s->retired && s->questions == 0;
}

/* The driver ends when nothing is left to be answered, and the resolver with it. */
static void drive(void *arg) WAITS {
    struct resolving *s = arg;
    s->driver = fiber_self();
    int r = is_over(s) ? -ECANCELED : resolver_drive(s->resolver);
    if (r < 0 && r != -ECANCELED)
        process_fail(s->process, "the DNS library failed: %s", error_text(r));
    resolver_free(s->resolver);
    free(s);
}

static void end_if_over(struct resolving *s) {
    if (is_over(s) && s->driver)
        fiber_cancel(s->driver);
}

static int start(struct process *p, const struct resolver_options *options,
                 struct problem *problem) {
    struct resolving *s = NEW(struct resolving);
    s->process = p;
    int r = resolver_new(options, &s->resolver, problem);
    if (r == 0)
        r = fiber_spawn_under(p->root, "DNS answers", drive, s);
    if (r == 0) {
        p->state = s;
        return 0;
    }
    resolver_free(s->resolver);
    free(s);
    return r;
}

/* Makes the resolver of the settings in force. */
static int open_resolver(struct process *p, struct problem *problem) {
    struct net_addr servers[SERVERS_MAX];
    struct resolver_options options = RESOLVER_DEFAULTS;
    options.servers = p->conf->dns.resolvers.list;
    options.server_count = p->conf->dns.resolvers.count;
    if (options.server_count == 0) {
        options.servers = servers;
        options.server_count =
            resolver_read_resolv_conf(process_text(p, S("resolv.conf")), servers, SERVERS_MAX);
    }
    options.trust_anchors = process_text(p, S("trust-anchor"));
    return start(p, &options, problem);
}

static int reload_resolver(struct process *p, const struct conf *before, struct problem *problem) {
    struct resolving *old = p->state;
    (void)before;
    int r = open_resolver(p, problem);
    if (r < 0)
        return r;
    old->retired = true;
    end_if_over(old);
    return 0;
}

/* ------------------------------------------------------------------ questions */

static int on_query(void *arg, const struct rpc_caller *caller,
                    const struct rpc_resolver_query_in *in, struct arena *a,
                    struct rpc_resolver_query_out *out, struct problem *problem) WAITS {
    struct resolving *s = ((struct process *)arg)->state;
    struct dns_answer answer;
    struct buf flat = {0};
    (void)caller;
    s->questions++;
    int r = resolver_query(s->resolver, in->name, in->type, a, &answer);
    s->questions--;
    end_if_over(s);
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
    resolver_stats(((struct resolving *)p->state)->resolver, &stats);
    return stats.asking + stats.queued;
}

static const struct rpc_resolver_handlers handlers = {.query = on_query};

const struct process_work role_resolver = {
    .handlers = &handlers,
    .open = open_resolver,
    .reload = reload_resolver,
    .sessions = questions,
};
