/* SPDX-License-Identifier: ISC */
#include "relay/run.h"

void run_note_failure(struct run *run, const struct relay_result *result) {
    bool for_now = run->failure.reply.code && run->failure.disposition == RELAY_LATER;
    if (result->disposition == RELAY_NEVER && for_now)
        return;
    run->failure = *result;
}

void run_add_dialogue(struct run *run, struct slice peer, struct slice text) {
    if (text.len == 0 || run->dialogue.len + text.len > 4 * (size_t)RELAY_DIALOGUE_MAX)
        return;
    buf_printf(&run->dialogue, "-- %.*s\n", SLICE_ARG(peer));
    buf_add(&run->dialogue, text);
}

void run_set_place(struct run *run, size_t i, enum run_place place) {
    run->here -= run->places[i] == RUN_HERE;
    run->elsewhere -= run->places[i] == RUN_ELSEWHERE;
    run->here += place == RUN_HERE;
    run->elsewhere += place == RUN_ELSEWHERE;
    run->places[i] = place;
}

void run_settle_open(struct run *run, const struct relay_result *result) {
    for (size_t i = 0; i < run->outcome.count; i++) {
        if (run->places[i] == RUN_SETTLED)
            continue;
        if (!run->outcome.results[i].reply.code)
            run->outcome.results[i] = *result;
        run_set_place(run, i, RUN_SETTLED);
    }
}

void run_move_on(struct run *run) {
    for (size_t i = 0; i < run->outcome.count; i++)
        if (run->places[i] == RUN_ELSEWHERE)
            run_set_place(run, i, RUN_HERE);
}
