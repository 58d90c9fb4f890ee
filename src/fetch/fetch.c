/* SPDX-License-Identifier: ISC */
#include "fetch/fetch.h"

#include <curl/curl.h>
#include <errno.h>

#include "base/alloc.h"
#include "base/words.h"
#include "fetch/addresses.h"
#include "fetch/transfer.h"
#include "fiber/sync.h"

struct fetcher {
    struct fetcher_options options;
    struct tls_context *authorities;
    struct fiber_gate gate;
};

int fetcher_new(const struct fetcher_options *options, struct fetcher **ret,
                struct problem *problem) {
    struct tls_context *authorities;
    int r = tls_verifying_client_new(options->authorities, &authorities, problem);
    if (r < 0)
        return r;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        tls_context_free(authorities);
        return problem_set(problem, -ENOMEM, N_("libcurl cannot be started"));
    }
    struct fetcher *f = NEW(struct fetcher);
    f->authorities = authorities;
    f->options = *options;
    fiber_gate_init(&f->gate, options->at_once);
    *ret = f;
    return 0;
}

void fetcher_free(struct fetcher *f) {
    if (!f)
        return;
    tls_context_free(f->authorities);
    free(f);
    curl_global_cleanup();
}

unsigned fetcher_transfers(const struct fetcher *f) {
    return f->gate.inside;
}

/* At one address after the other, until one answers. */
static int at_addresses(struct fetcher *f, const struct transfer *t, struct arena *a,
                        struct slice *ret_body, struct problem *problem) WAITS {
    _cleanup_(buf_done) struct buf body = {0};
    struct net_addr addresses[FETCH_ADDRESSES_MAX];
    size_t count = 0;
    bool unreached = true;
    int r = fetch_addresses(&f->options, t->place->host, a, addresses, &count, problem);
    for (size_t i = 0; i < count && unreached; i++) {
        struct transfer one = *t;
        one.address = &addresses[i];
        buf_clear(&body);
        r = transfer_run(&one, &body, &unreached, problem);
    }
    if (r == 0)
        *ret_body = arena_copy(a, buf_slice(&body));
    return r;
}

int fetcher_get(struct fetcher *f, enum fetch_rule rule, struct slice what, struct slice sent,
                struct arena *a, struct slice *ret_body, struct problem *problem) {
    const struct fetch_bounds *bounds = fetch_bounds(rule);
    struct fetch_place place;
    struct transfer t = {
        .bounds = bounds, .place = &place, .sent = sent, .authorities = f->authorities};
    if (fetch_locate(rule, what, a, &place) < 0)
        return problem_set(problem, -E_SYNTAX, N_("%s: this names no host"), bounds->name);
    int r = fiber_gate_enter(&f->gate);
    if (r == 0) {
        t.deadline = fiber_now() + bounds->time;
        struct fiber_deadline d = fiber_deadline_begin(t.deadline);
        r = at_addresses(f, &t, a, ret_body, problem);
        fiber_deadline_end(&d);
        fiber_gate_leave(&f->gate);
    }
    return r == -ETIMEDOUT && !problem->text[0]
               ? problem_set(problem, r, N_("%.*s does not answer in time"), SLICE_ARG(place.host))
               : r;
}
