/* SPDX-License-Identifier: ISC */
/* SEARCH and UID SEARCH (RFC 9051 §6.4.4). */
#include "imap/find.h"
#include "imap/found.h"

static bool has_fuzzy(const struct imap_search_program *p) {
    for (size_t i = 0; i < p->count; i++)
        if (p->nodes[i].key > IMAP_SEARCH_OR && p->nodes[i].fuzzy)
            return true;
    return false;
}

int imap_search_run(struct imap_session *s, const struct imap_command *command, struct buf *uids) {
    const struct imap_search_program *p = &command->search.program;
    _cleanup_(imap_find_done_p) struct imap_find *f = NULL;
    if (p->has_modseq)
        s->enabled |= IMAP_ENABLED_CONDSTORE;
    int error = imap_find_begin(s, p, &f);
    if (!error)
        error = imap_find_all(f, command->tag, uids);
    if (error)
        imap_no_search(s, command, error);
    return error;
}

void imap_do_search(struct imap_session *s, const struct imap_command *command) {
    const struct imap_search_program *p = &command->search.program;
    _cleanup_(buf_done) struct buf uids = {0};
    const unsigned enabled = s->enabled & (IMAP_ENABLED_UTF8 | IMAP_ENABLED_REV2);
    if (enabled == IMAP_ENABLED_UTF8 && p->charset.ptr) { /* RFC 6855 §3 */
        if (imap_bad(&s->c, command->tag, "no charset is named once UTF8=ACCEPT is enabled") < 0)
            s->end = DOOR_END_DISMISSED;
        return;
    }
    if (!imap_returns_are_good(s, command) || imap_search_run(s, command, &uids))
        return;
    struct imap_found found = {
        .command = command,
        .uids = (uint32_t *)(void *)uids.ptr,
        .count = uids.len / sizeof(uint32_t),
        .has_modseq = p->has_modseq,
        .has_fuzzy = has_fuzzy(p),
    };
    imap_tell_found(s, "SEARCH", &found);
    imap_end_search(s, command, "searched");
}
