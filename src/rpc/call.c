/* SPDX-License-Identifier: ISC */
/*
 * Calls made here. A call waits for room: for a slot, and until the calls under way take less than
 * RPC_IN_MAX at the other side, which therefore never has to stop reading.
 *
 * The last slots and bytes are kept for calls of lower levels (rpc.h): so those that others wait
 * for always find room, and come to an end.
 */
#include "base/words.h"
#include "rpc/link.h"

#define LEVEL_CALLS 64U /* kept for each lower level */
#define LEVEL_BYTES RPC_FRAME_MAX

static bool has_room(const struct rpc_link *l, unsigned level) {
    return l->calls < RPC_CALLS_MAX - level * LEVEL_CALLS &&
           l->call_bytes <= RPC_IN_MAX - level * LEVEL_BYTES;
}

/* Calls of a level leave in the order in which they came here. */
static int wait_for_room(struct rpc_link *l, unsigned level) WAITS {
    struct fiber_mutex *turn = &l->turns[level];
    int r = fiber_mutex_lock(turn);
    if (r < 0)
        return r;
    while (r == 0 && l->up && !has_room(l, level))
        r = fiber_cond_wait(&l->room);
    fiber_mutex_unlock(turn);
    return r;
}

/* The call that this fiber answers may not wait for one that could wait for it. */
static int check_level(const struct rpc_call *call, struct problem *problem) {
    const struct rpc_call *answered = fiber_purpose();
    if (!answered || call->level < answered->level)
        return 0;
    return problem_set(problem, -EDEADLK, "%s is not made while %s is answered", call->name,
                       answered->name);
}

static int send_request(struct rpc_link *l, struct waiting_call *w, const void *in,
                        uint32_t *ret_slot) WAITS {
    int r = wait_for_room(l, w->call->level);
    if (r < 0)
        return r;
    if (!l->up)
        return hello_explain_end(l, false, w->problem);
    uint32_t slot = slot_get(l, w), len = 0;
    struct frame f = {.number = w->call->number, .kind = FRAME_REQUEST, .tag = slot};
    r = add_frame(l, f, w->call->encode_in, in, (struct slice){NULL, 0}, &len);
    if (r < 0) {
        slot_put(l, slot);
        return r;
    }
    l->slots[slot].len = len;
    l->call_bytes += len;
    l->counts.calls_made++;
    *ret_slot = slot;
    return 0;
}

static int wait_for_answer(struct rpc_link *l, struct waiting_call *w, uint32_t slot) WAITS {
    while (!w->done) {
        int r = fiber_cond_wait(&w->answered);
        if (r < 0 && !w->done) {
            l->slots[slot].call = NULL;
            return r;
        }
    }
    return w->result;
}

int rpc_do_call(struct rpc_link *l, const struct rpc_call *call, const void *in, struct arena *a,
                void *ret_out, struct problem *problem) {
    struct waiting_call w = {.call = call, .arena = a, .out = ret_out, .problem = problem};
    uint32_t slot = 0;
    int r = check_level(call, problem);
    if (r < 0)
        return r;
    fiber_cond_init(&w.answered);
    l->callers++;
    r = send_request(l, &w, in, &slot);
    if (r == 0)
        r = wait_for_answer(l, &w, slot);
    l->callers--;
    link_free_if_left(l);
    return r;
}

int rpc_do_send(struct rpc_link *l, const struct rpc_call *call, const void *in) {
    struct frame f = {.number = call->number, .kind = FRAME_ONE_WAY};
    int r = !l->up ? -EPIPE : bytes_to_send(l) > RPC_SEND_MAX ? -E_LIMIT : 0;
    if (r == 0)
        r = add_frame(l, f, call->encode_in, in, (struct slice){NULL, 0}, NULL);
    if (r < 0)
        l->counts.dropped++;
    return r;
}
