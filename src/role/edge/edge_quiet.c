/* SPDX-License-Identifier: ISC */
/*
 * A bound for events of what was refused, for each network that clients come from. A host can be
 * refused thousands of times in a second at no cost; each event would take the place of one of the
 * past, until the event log tells of nothing else. Who has logged in, and trusted networks, are not
 * bound. What was left out is counted, and said.
 */
#include "base/alloc.h"
#include "base/tokens.h"
#include "events/kinds.h"
#include "role/edge/edge.h"

#define PLACES     16384U /* 128 KiB */
#define BURST      1000U
#define INTERVAL   (100 * USEC_MS)
#define TELL_AGAIN USEC_MIN
#define IPV6_SITE  6U /* bytes: 48 bits, which one customer may have */

struct edge_quiet {
    struct tokens *tokens;
    uint64_t left_out; /* not said yet */
    usec_t told_at;    /* 0: never */
    char last[NET_TEXT_SIZE];
};

struct edge_quiet *edge_quiet_new(void) {
    struct edge_quiet *q = NEW(struct edge_quiet);
    q->tokens = tokens_new(PLACES, BURST, INTERVAL);
    return q;
}

bool edge_may_log(const struct edge_connection *c) {
    struct edge_quiet *q = c->edge->quiet;
    struct slice network = edge_peer_bytes(c);
    if (network.len > 4)
        network = slice_first(network, IPV6_SITE);
    if (c->account || conf_networks_have(&c->settings->conf->smtp.trusted_networks, &c->peer) ||
        tokens_take(q->tokens, network, fiber_now(), 0) == 0)
        return true;
    q->left_out++;
    memcpy(q->last, c->peer_text, sizeof q->last);
    return false;
}

void edge_log_left_out(struct edge *e) {
    struct edge_quiet *q = e->quiet;
    if (q->left_out == 0 || (q->told_at > 0 && fiber_now() - q->told_at < TELL_AGAIN))
        return;
    process_event(e->process, 0, KIND_WARNING, NULL, 0,
                  "Clients that are refused again and again: events of them were left out (%llu); "
                  "the last such client was %s. Each has %u such events, then 10 in a second.",
                  (unsigned long long)q->left_out, q->last, BURST);
    q->left_out = 0;
    q->told_at = fiber_now();
}
