/* SPDX-License-Identifier: ISC */
/*
 * TLS at the edge. The certificate comes from the keys role, and so does each signature: the edge
 * never has the key.
 */
#include <errno.h>

#include "base/alloc.h"
#include "events/kinds.h"
#include "role/edge/edge.h"

#define PEER_RETRY (500 * USEC_MS)

/*
 * What a new TLS session shows. It stays in memory when a newer one has come, since sessions may
 * still sign: some bytes for each renewal.
 */
struct edge_certificate {
    struct edge *edge;
    struct edge_certificate *before;
    uint64_t number;
    struct tls_context *tls;
    bool only_1_3;
};

/* Signs with the key that only the keys role has. */
static int sign(void *arg, enum tls_sign_scheme scheme, struct slice input, struct arena *a,
                struct slice *ret_signature) WAITS {
    struct edge_certificate *c = arg;
    struct rpc_keys_sign_in in = {
        .name = S("default"), .number = c->number, .scheme = (uint8_t)scheme, .input = input};
    struct rpc_keys_sign_out out;
    int r = call_keys_sign(process_link(c->edge->process, ROLE_KEYS, 0), &in, a, &out, NULL);
    if (r == 0)
        *ret_signature = out.signature;
    return r;
}

static int use_certificate(struct edge *e, uint64_t number, struct slice chain,
                           struct problem *problem) {
    struct edge_certificate *c = NEW(struct edge_certificate);
    struct tls_signer signer = {sign, c};
    c->edge = e;
    c->number = number;
    c->only_1_3 = e->process->conf->tls.min_version == CONF_TLS_1_3;
    int r = tls_server_new(chain, &signer, &c->tls, problem);
    if (r < 0) {
        free(c);
        return r;
    }
    if (c->only_1_3)
        tls_context_require_1_3(c->tls);
    if (e->certificate)
        tls_context_free(TAKE_PTR(e->certificate->tls));
    c->before = e->certificate;
    e->certificate = c;
    return 0;
}

static bool shows_the_same(const struct edge *e, uint64_t number) {
    const struct edge_certificate *c = e->certificate;
    return c && c->number == number &&
           c->only_1_3 == (e->process->conf->tls.min_version == CONF_TLS_1_3);
}

int edge_renew_certificate(struct edge *e, struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    const struct edge_certificate *c = e->certificate;
    unsigned life = e->keys_lives;
    struct rpc_keys_certificate_in in = {.name = S("default"),
                                         .have = c && shows_the_same(e, c->number) ? c->number : 0};
    struct rpc_keys_certificate_out out;
    int r = call_keys_certificate(process_link(e->process, ROLE_KEYS, 0), &in, &a, &out, problem);
    if (r == 0 && out.chain.len > 0 && !shows_the_same(e, out.number))
        r = use_certificate(e, out.number, out.chain, problem);
    if (r == 0)
        e->confirmed = life;
    return r;
}

int edge_insist(struct edge *e, int (*ask)(struct edge *e, struct problem *problem) WAITS,
                struct problem *problem) {
    int r = ask(e, problem);
    for (int again = 0; again < 5 && r == -EPIPE && fiber_sleep(PEER_RETRY) == 0; again++)
        r = ask(e, problem);
    return r;
}

bool edge_has_tls(const struct edge *e) {
    return e->certificate != NULL;
}

/* A keys process that was started again may have the key of a newer certificate alone. */
int edge_start_tls(struct edge_connection *c, struct stream *s, struct problem *problem) {
    if (c->edge->confirmed != c->edge->keys_lives)
        (void)edge_insist(c->edge, edge_renew_certificate,
                          NULL); /* without it, who resumes needs no key */
    int r = edge_has_tls(c->edge)
                ? tls_accept(s, c->edge->certificate->tls, problem)
                : problem_set(problem, -E_TLS, "there is no certificate that could be used");
    if (r == 0 || !edge_may_log(c))
        return r;
    struct event_fact facts[] = {
        {S(FACT_CLIENT), slice_of_str(c->peer_text)},
        {S(FACT_SERVICE), c->port->name},
        {S(FACT_REASON), slice_of_str(problem->text)},
    };
    process_event(c->edge->process, 0, KIND_TLS, facts, ARRAY_SIZE(facts),
                  "There is no TLS with %s for %.*s.", c->peer_text, SLICE_ARG(c->port->name));
    return r;
}
