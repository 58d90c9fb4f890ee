/* SPDX-License-Identifier: ISC */
/*
 * What waits for the keeper (upkeep.c), and what a person is told.
 */
#include "store/solo/inside.h"

#include "base/alloc.h"

void work_wake(struct solo *s) {
    fiber_cond_wake_all(&s->keep);
}

void work_add(struct solo_account *a, unsigned work) {
    a->work |= work;
    if (link_in_list(&a->work_link))
        return;
    list_append(&a->solo->work, &a->work_link);
    work_wake(a->solo);
}

void work_trails(struct solo_account *a) {
    if (a->pending_count >= a->solo->options.take_in_count && !a->db.owner)
        work_add(a, WORK_TAKE_IN);
    if (a->pending_count == 0 || link_in_list(&a->late_link))
        return;
    a->pending_since = fiber_now();
    bool first = list_empty(&a->solo->late);
    list_append(&a->solo->late, &a->late_link);
    if (first)
        work_wake(a->solo);
}

void work_caught_up(struct solo_account *a) {
    a->pending_count = 0;
    link_remove(&a->late_link);
}

void solo_report(struct solo_account *a, struct slice sentences) {
    const struct backend_host *host = &a->solo->host;
    struct slice line;
    while (sentences.len && slice_next(&sentences, '\n', &line)) {
        _cleanup_(free_p) char *text = mem_str(line);
        if (line.len)
            host->report(host->arg, a->id, text);
    }
}
