/* SPDX-License-Identifier: ISC */
#include "rpc/link.h"

#include "base/alloc.h"

#define NO_SLOT UINT32_MAX

struct rpc_link *link_new(const struct rpc_options *options) {
    struct rpc_link *l = NEW(struct rpc_link);
    l->options = *options;
    l->free_slot = NO_SLOT;
    l->fd.fd = -1;
    list_init(&l->out_fds);
    fiber_cond_init(&l->out_filled);
    fiber_cond_init(&l->out_emptied);
    fiber_cond_init(&l->ended);
    fiber_cond_init(&l->room);
    for (size_t i = 0; i < ARRAY_SIZE(l->turns); i++)
        fiber_mutex_init(&l->turns[i]);
    return l;
}

void link_free_if_left(struct rpc_link *l) {
    if (!l->abandoned || l->fibers > 0 || l->requests > 0 || l->callers > 0)
        return;
    free(l->slots);
    free(l);
}

/* ------------------------------------------------------------------ slots */

uint32_t slot_get(struct rpc_link *l, struct waiting_call *call) {
    MUST(l->calls < RPC_CALLS_MAX);
    if (l->free_slot == NO_SLOT) {
        uint32_t count = l->slot_count > 0 ? l->slot_count * 2 : 16;
        l->slots = mem_grow(l->slots, count * sizeof *l->slots);
        for (uint32_t i = l->slot_count; i < count; i++)
            l->slots[i] = (struct slot){.next_free = i + 1 < count ? i + 1 : NO_SLOT};
        l->free_slot = l->slot_count;
        l->slot_count = count;
    }
    uint32_t i = l->free_slot;
    l->free_slot = l->slots[i].next_free;
    l->slots[i] = (struct slot){.call = call, .in_use = true};
    l->calls++;
    return i;
}

void slot_put(struct rpc_link *l, uint32_t i) {
    l->calls--;
    l->call_bytes -= l->slots[i].len;
    l->slots[i] = (struct slot){.next_free = l->free_slot};
    l->free_slot = i;
    fiber_cond_wake_all(&l->room);
}

void link_fail_calls(struct rpc_link *l) {
    for (uint32_t i = 0; i < l->slot_count; i++) {
        struct waiting_call *w = l->slots[i].call;
        if (!l->slots[i].in_use)
            continue;
        slot_put(l, i);
        if (w) {
            w->result = hello_explain_end(l, true, w->problem);
            w->done = true;
            fiber_cond_wake_all(&w->answered);
        }
    }
}
