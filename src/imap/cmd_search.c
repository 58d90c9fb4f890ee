/* SPDX-License-Identifier: ISC */
/* SEARCH and UID SEARCH (RFC 9051 §6.4.4). */
#include "imap/find.h"
#include "imap/found.h"

int imap_search_run(struct imap_session *s, const struct imap_command *command, struct buf *uids) {
    const struct imap_search_program *p = &command->search.program;
    _cleanup_(imap_find_done_p) struct imap_find *f = NULL;
    if (p->has_modseq)
        s->enabled |= IMAP_ENABLED_CONDSTORE;
    int error = imap_look(s);
    if (s->end != DOOR_END_NONE)
        return -E_REFUSED;
    if (!error) {
        imap_tell(s, IMAP_TELL_NAMED, 0); /* what is found has to be known */
        error = imap_find_begin_in(s, &s->told, p, &f);
    }
    if (!error)
        error = imap_find_all(f, command->tag, NULL, uids);
    if (error)
        imap_no_search(s, command, error);
    return error;
}

void imap_do_search(struct imap_session *s, const struct imap_command *command) {
    const struct imap_search_program *p = &command->search.program;
    _cleanup_(buf_done) struct buf uids = {0};
    if (!imap_charset_is_good(s, command) || !imap_returns_are_good(s, command) ||
        imap_search_run(s, command, &uids))
        return;
    struct imap_found found = {
        .command = command,
        .told = &s->told,
        .uids = (uint32_t *)(void *)uids.ptr,
        .count = uids.len / sizeof(uint32_t),
        .has_modseq = p->has_modseq,
        .has_fuzzy = imap_has_fuzzy(p),
    };
    imap_tell_found(s, "SEARCH", &found);
    imap_end_search(s, command, "searched");
}
