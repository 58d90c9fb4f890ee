/* SPDX-License-Identifier: ISC */
/* SORT (RFC 5256 §3, RFC 5957). */
#include "imap/search/found.h"
#include "imap/search/sort.h"

void imap_do_sort(struct imap_session *s, const struct imap_command *command) {
    _cleanup_(buf_done) struct buf uids = {0};
    if (!imap_returns_are_good(s, command) || imap_search_run(s, command, &uids, NULL))
        return;
    struct fiber_turn turn = {0};
    int error = imap_turn_to_sort(s, uids.len / sizeof(uint32_t), &turn);
    if (!error)
        error = imap_sort_uids(s, command->tag, &command->search.sort, &uids);
    fiber_turn_pass(&turn);
    if (error) {
        imap_no_search(s, command, error);
        return;
    }
    struct imap_found found = {
        .command = command,
        .told = &s->told,
        .uids = (uint32_t *)(void *)uids.ptr,
        .count = uids.len / sizeof(uint32_t),
        .has_modseq = command->search.program.has_modseq,
    };
    imap_tell_found(s, "SORT", &found);
    imap_end_search(s, command, 0, "sorted");
}
