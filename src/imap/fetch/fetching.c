/* SPDX-License-Identifier: ISC */
#include "imap/fetch/fetching.h"

#include "base/alloc.h"
#include "imap/rights.h"

const struct slice **imap_fetch_sort(const struct imap_attributes *what, struct arena *a) {
    const struct slice **sorted = arena_array(a, what->section_count, sizeof *sorted);
    for (size_t i = 0; i < what->section_count; i++)
        sorted[i] = imap_fields_sorted(&what->sections[i], a);
    return sorted;
}

void imap_fetch_begin(struct imap_fetching *f, struct imap_session *s,
                      const struct imap_attributes *what, unsigned set,
                      const struct slice **sorted) {
    const bool may_see = !s->read_only && imap_may(s, s->told.mailbox, STORE_RIGHT_SEEN) == 0;
    f->s = s;
    f->what = what;
    f->set = (what->set & ~(unsigned)IMAP_FETCH_PREVIEW_LAZY) | set;
    if (s->enabled & IMAP_ENABLED_UIDONLY && !(what->set & IMAP_FETCH_UID))
        f->set &= ~(unsigned)IMAP_FETCH_UID; /* it begins the response */
    if (f->set & IMAP_FETCH_MODSEQ)
        s->enabled |= IMAP_ENABLED_CONDSTORE;
    if (s->enabled & IMAP_ENABLED_CONDSTORE && f->set & IMAP_FETCH_FLAGS)
        f->set |= IMAP_FETCH_MODSEQ;
    f->sorted = sorted;
    for (size_t i = 0; i < what->section_count; i++) {
        const struct imap_section *section = &what->sections[i];
        bool octets = section->form != IMAP_BINARY_SIZE;
        f->need = MAX(f->need, imap_section_need(section));
        f->ahead->wants_bytes |= octets;
        f->sets_seen |= !section->peek && may_see;
        f->gets_text |=
            octets && (section->text == IMAP_SECTION_ALL || section->text == IMAP_SECTION_TEXT);
    }
    if (f->set & IMAP_FETCH_OF_MAP)
        f->need = IMAP_NEEDS_MAP;
    f->ahead->wants_saved = f->set & IMAP_FETCH_SAVEDATE;
    f->ahead->wants_maps = f->need == IMAP_NEEDS_MAP;
}

void imap_fetch_run(struct imap_fetching *f, struct buf *unseen) {
    while (f->s->end == DOOR_END_NONE && !stream_error(f->s->c.stream) &&
           imap_ahead_next(f->ahead, &f->at)) {
        bool told = imap_fetch_message(f);
        f->s->counts.fetched += told && f->gets_text;
        if (told && f->sets_seen && !(f->at.message->flags & STORE_SEEN))
            buf_add_bytes(unseen, &f->at.message->uid, sizeof f->at.message->uid);
        (void)fiber_yield_if_long();
    }
    buf_done(&f->octets);
    buf_done(&f->encoded);
    arena_done(&f->arena);
    imap_ahead_done(f->ahead);
}

void imap_fetch_unasked(struct imap_session *s, const struct imap_attributes *what,
                        const struct slice **sorted, const struct imap_set *uids) {
    if (uids->count == 0 || (!what->set && what->section_count == 0))
        return;
    _cleanup_(free_p) struct imap_ahead *ahead = NEW(struct imap_ahead);
    _cleanup_(buf_done) struct buf unseen = {0};
    struct imap_fetching f = {.ahead = ahead};
    struct imap_messages list = {.session = s, .set = *uids, .by_uid = true};
    imap_fetch_begin(&f, s, what, 0, sorted);
    ahead->from = &list;
    imap_fetch_run(&f, &unseen);
}
