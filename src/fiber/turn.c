/* SPDX-License-Identifier: ISC */
#include "fiber/turn.h"

void fiber_turns_done(struct fiber_turns *turns) {
    MUST(turns->last.count == 0);
    map_done(&turns->last);
}

void fiber_turn_take(struct fiber_turns *turns, struct slice key, const void *owner,
                     struct fiber_turn *turn) {
    struct fiber_turn *last = map_get(&turns->last, key);
    if (last && last->owner == owner)
        return;
    *turn = (struct fiber_turn){.turns = turns, .key = key, .owner = owner, .before = last};
    fiber_cond_init(&turn->called);
    if (last)
        last->after = turn;
    (void)map_put(&turns->last, turn->key, turn);
}

int fiber_turn_wait(struct fiber_turn *turn) {
    int r = 0;
    while (turn->before && r == 0)
        r = fiber_cond_wait(&turn->called);
    return r;
}

void fiber_turn_pass(struct fiber_turn *turn) {
    struct fiber_turn *before = turn->before, *after = turn->after;
    if (!turn->turns)
        return;
    if (after)
        after->before = before;
    else if (before)
        (void)map_put(&turn->turns->last, before->key, before);
    else
        (void)map_remove(&turn->turns->last, turn->key);
    if (before)
        before->after = after;
    else if (after)
        fiber_cond_wake_all(&after->called);
    *turn = (struct fiber_turn){0};
}
