/* SPDX-License-Identifier: ISC */
/*
 * One bound for all that clients fill: what the streams hold of commands and replies, envelopes,
 * messages that are coming in, and the dialogues that are kept for journeys. Where it is reached is
 * no matter of who is to blame: who needs more gets a 452 or is not let in, the others go on, and
 * timeouts shrink. A fifth is kept for users, so that strangers cannot keep them out.
 *
 * Buffers of TLS and the stacks of fibers are not in it; the number of connections bounds those.
 */
#include "events/kinds.h"
#include "io/stream.h"
#include "role/edge/edge.h"

#define TELL_AGAIN (10 * USEC_MIN)

size_t edge_memory(const struct edge *e) {
    return e->held + stream_memory();
}

static size_t most(const struct edge *e) {
    return (size_t)e->process->conf->smtp.memory_max;
}

bool edge_has_memory(const struct edge_connection *c, size_t more) {
    struct edge *e = c->edge;
    size_t bound = most(e);
    if (c->door->kind == CROWD_STRANGERS)
        bound -= bound / 5;
    if (edge_memory(e) + more <= bound)
        return true;
    /* a postmaster should know, but not of each one who is put off */
    if (e->short_since == 0 || fiber_now() - e->short_since >= TELL_AGAIN) {
        e->short_since = fiber_now();
        process_event(e->process, 0, KIND_WARNING, NULL, 0,
                      "Clients fill %zu of the %zu MiB that smtp.memory-max allows this edge: "
                      "messages and connections are put off until there is room again.",
                      edge_memory(e) >> 20, most(e) >> 20);
    }
    return false;
}

bool edge_memory_is_tight(const struct edge *e) {
    return edge_memory(e) > most(e) / 4;
}

bool edge_memory_is_scarce(const struct edge *e) {
    return edge_memory(e) > most(e) / 5 * 3;
}

bool edge_under_stress(const struct edge *e) {
    return crowd_is_dense(&e->crowd, e->process->conf) || edge_memory_is_scarce(e);
}

void edge_count_memory(struct edge *e, size_t *counted, size_t now) {
    e->held += now - *counted;
    *counted = now;
}
