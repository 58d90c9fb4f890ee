/* SPDX-License-Identifier: ISC */
#include "role/routes.h"

#include <errno.h>

#include "base/alloc.h"
#include "people/known_routes.h"
#include "role/change_page.h"

#define BYTES_MAX  (2U << 20)
#define COUNTS_FOR USEC_SEC
#define PAUSE      USEC_SEC /* before a page that could not be had is asked for again */

struct routes {
    struct process *process;
    struct known_routes *known;
    const _Atomic uint64_t *changes; /* of the directory; NULL: nothing can be remembered */
    uint64_t lives;                  /* how many directory processes have ended */
    bool asking;                     /* somebody asks for the page */
    usec_t ask_at;                   /* not before */
};

struct routes *routes_new(struct process *p) {
    struct routes *r = NEW(struct routes);
    r->process = p;
    r->known = known_routes_new(BYTES_MAX);
    return r;
}

void routes_free(struct routes *r) {
    if (!r)
        return;
    routes_forget(r);
    known_routes_free(r->known);
    free(r);
}

void routes_forget(struct routes *r) {
    known_routes_clear(r->known);
    change_page_leave(r->changes);
    r->changes = NULL;
    r->ask_at = 0;
    r->lives++;
}

/* Of several fibers one asks; the others do without. */
static void ask_for_page(struct routes *r, struct rpc_link *directory) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_changes_in in = {0};
    struct rpc_directory_changes_out out = {.page = -1};
    if (r->changes || r->asking || fiber_now() < r->ask_at)
        return;
    r->asking = true;
    uint64_t life = r->lives;
    int error = call_directory_changes(directory, &in, &a, &out, NULL);
    if (error == 0 && life == r->lives)
        (void)change_page_join(out.page, &r->changes);
    if (error == 0 && out.page >= 0)
        (void)close(out.page);
    r->asking = false;
    if (life == r->lives && error != -EPIPE) /* it comes back soon */
        r->ask_at = fiber_now() + PAUSE;
}

/* `usual` is the quota of mailboxes without one. */
static bool is_to_be_kept(const struct route *route, uint64_t usual) {
    for (size_t i = 0; i < route->mailbox_count; i++) {
        const struct route_mailbox *m = &route->mailboxes[i];
        uint64_t quota = m->quota > 0 ? m->quota : usual;
        if (quota > 0 && m->used > quota / 2)
            return false;
    }
    return true;
}

int routes_resolve(struct routes *r, struct slice address, struct arena *a, struct route *ret,
                   usec_t *ret_asked, struct problem *problem) {
    struct rpc_link *directory = process_link(r->process, ROLE_DIRECTORY, 0);
    struct rpc_directory_resolve_in in = {address};
    struct rpc_directory_resolve_out out;
    usec_t asked = fiber_now();
    if (ret_asked && r->changes &&
        known_routes_get(r->known, address, atomic_load(r->changes), asked - COUNTS_FOR, a, ret,
                         ret_asked))
        return 0;
    ask_for_page(r, directory);
    /* The number from before the question: a change in between makes the answer an old one. */
    uint64_t life = r->lives, version = r->changes ? atomic_load(r->changes) : 0;
    bool has_version = r->changes != NULL;
    int error = call_directory_resolve(directory, &in, a, &out, problem);
    if (error)
        return error;
    if (has_version && life == r->lives &&
        is_to_be_kept(&out.route, r->process->conf->delivery.quota))
        known_routes_put(r->known, address, version, asked, &out.route);
    *ret = out.route;
    if (ret_asked)
        *ret_asked = asked;
    return 0;
}
