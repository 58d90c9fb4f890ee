/* SPDX-License-Identifier: ISC */
/* SEARCH and UID SEARCH (RFC 9051 §6.4.4). */
#include <errno.h>

#include "imap/search/find.h"
#include "imap/search/found.h"

/* What the answer takes: of MIN, MAX and PARTIAL alone not all. */
static struct imap_find_wanted wanted_of(const struct imap_command *command) {
    const unsigned ends = IMAP_RETURN_MIN | IMAP_RETURN_MAX, few = ends | IMAP_RETURN_PARTIAL;
    const unsigned set =
        command->search.returns.set & ~(unsigned)(IMAP_RETURN_GIVEN | IMAP_RETURN_SAVE);
    const struct imap_partial *range = &command->search.returns.partial;
    struct imap_find_wanted all = {SIZE_MAX, 0};
    if (command->verb != IMAP_SEARCH || set == 0 || set & ~few)
        return all;
    if (!(set & IMAP_RETURN_PARTIAL))
        return (struct imap_find_wanted){set & IMAP_RETURN_MIN ? 1 : 0,
                                         set & IMAP_RETURN_MAX ? 1 : 0};
    if (set & ends || command->search.program.has_modseq) /* MODSEQ is that of all */
        return all;
    return range->from_end ? (struct imap_find_wanted){0, range->last}
                           : (struct imap_find_wanted){range->last, 0};
}

int imap_search_run(struct imap_session *s, const struct imap_command *command, struct buf *uids,
                    uint32_t *ret_lowest) {
    const struct imap_search_program *p = &command->search.program;
    _cleanup_(imap_find_done_p) struct imap_find *f = NULL;
    uint32_t lowest;
    if (p->has_modseq)
        s->enabled |= IMAP_ENABLED_CONDSTORE;
    int error = imap_look(s);
    if (s->end != DOOR_END_NONE)
        return -E_REFUSED;
    if (!error) {
        imap_tell(s, IMAP_TELL_NAMED, 0); /* what is found has to be known */
        error = imap_find_begin_in(s, &s->told, p, &f);
    }
    if (!error && !ret_lowest && imap_find_lowest(f) > 0)
        error = -E2BIG;
    if (!error)
        error = imap_find_some(f, command->tag, wanted_of(command), uids,
                               ret_lowest ? ret_lowest : &lowest);
    if (error)
        imap_no_search(s, command, error);
    return error;
}

void imap_do_search(struct imap_session *s, const struct imap_command *command) {
    const struct imap_search_program *p = &command->search.program;
    _cleanup_(buf_done) struct buf uids = {0};
    uint32_t lowest;
    if (!imap_charset_is_good(s, command) || !imap_returns_are_good(s, command) ||
        imap_search_run(s, command, &uids, &lowest))
        return;
    struct imap_found found = {
        .command = command,
        .told = &s->told,
        .uids = (uint32_t *)(void *)uids.ptr,
        .count = uids.len / sizeof(uint32_t),
        .has_modseq = p->has_modseq,
        .has_fuzzy = imap_has_fuzzy(p),
        .lowest = lowest,
    };
    imap_tell_found(s, "SEARCH", &found);
    imap_end_search(s, command, lowest, "searched");
}
