/* SPDX-License-Identifier: ISC */
/*
 * The fetcher role: what is fetched over HTTPS from outside, for the others. How, and what a rule
 * allows, is in src/fetch/; here it gets its settings, its questions to the resolver, and the
 * authorities, which the master opens.
 *
 * A reload makes a new fetcher, with the authorities as the file has them then. The old one
 * finishes what it is fetching, and goes with the last call.
 */
#include "fetch/fetch.h"

#include <errno.h>

#include "base/alloc.h"
#include "events/kinds.h"
#include "role/dns_link.h"
#include "role/queue/relay_files.h"
#include "role/roles.h"

struct fetching {
    struct process_settings *settings;
    struct fetcher *fetcher; /* NULL: there are no authorities, so nothing can be fetched */
    struct slice authorities;
    unsigned users; /* being in force, and calls */
};

static void fetching_leave(struct fetching *f) {
    if (--f->users > 0)
        return;
    fetcher_free(f->fetcher);
    relay_files_forget(&f->authorities);
    process_settings_release(f->settings);
    free(f);
}

static int begin(struct process *p, struct fetching *f, struct problem *problem) WAITS {
    const struct conf *conf = f->settings->conf;
    struct fetcher_options options = FETCHER_DEFAULTS;
    int r = relay_files_read(p->handed.authorities, RELAY_AUTHORITIES_MAX, &f->authorities);
    if (r < 0)
        return problem_set(problem, r, "%s", error_text(r));
    options.dns = dns_link_client(process_link(p, ROLE_RESOLVER, 0));
    options.authorities = f->authorities;
    options.inside = conf->fetch.inside_networks.list;
    options.inside_count = conf->fetch.inside_networks.count;
    options.port = conf->fetch.port;
    return fetcher_new(&options, &f->fetcher, problem);
}

/* Makes the fetcher of the settings in force. Without authorities the role is there, idle. */
static int open_fetcher(struct process *p, struct problem *problem) WAITS {
    struct fetching *f = NEW(struct fetching);
    struct problem why = {{0}};
    (void)problem;
    f->settings = process_settings_hold(p);
    f->users = 1;
    if (p->handed.authorities >= 0 && begin(p, f, &why) < 0)
        process_event(p, 0, KIND_WARNING, NULL, 0, "relay.authorities: %s; nothing can be fetched",
                      why.text);
    p->state = f;
    return 0;
}

static int reload_fetcher(struct process *p, const struct conf *before,
                          struct problem *problem) WAITS {
    struct fetching *old = p->state;
    (void)before;
    int r = open_fetcher(p, problem);
    if (r == 0)
        fetching_leave(old);
    return r;
}

static int on_get(void *arg, const struct rpc_caller *caller, const struct rpc_fetcher_get_in *in,
                  struct arena *a, struct rpc_fetcher_get_out *out, struct problem *problem) WAITS {
    struct fetching *f = ((struct process *)arg)->state;
    (void)caller;
    if (in->rule >= FETCH_RULES)
        return problem_set(problem, -EINVAL, "there is no such rule");
    if (!f->fetcher)
        return problem_set(problem, -E_TEMPORARY,
                           "no certificate can be verified: there are no authorities");
    f->users++;
    int r = fetcher_get(f->fetcher, (enum fetch_rule)in->rule, in->what, in->sent, a, &out->body,
                        problem);
    fetching_leave(f);
    return r;
}

static uint64_t transfers(struct process *p) {
    const struct fetching *f = p->state;
    return f->fetcher ? fetcher_transfers(f->fetcher) : 0;
}

static const struct rpc_fetcher_handlers handlers = {.get = on_get};

const struct process_work role_fetcher = {
    .handlers = &handlers,
    .open = open_fetcher,
    .reload = reload_fetcher,
    .sessions = transfers,
};
