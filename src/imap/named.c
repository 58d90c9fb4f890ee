/* SPDX-License-Identifier: ISC */
/* The messages that a command names. UIDs are those of the mailbox as it is now. */
#include "imap/session_inside.h"

int imap_messages_begin(struct imap_messages *i, struct imap_session *s, const struct imap_set *set,
                        bool by_uid) {
    *i = (struct imap_messages){.session = s, .by_uid = by_uid};
    int error = imap_look(s);
    if (error)
        return error;
    size_t count = told_count(&s->told);
    uint32_t highest = (uint32_t)count;
    if (set->saved) {
        i->set = imap_saved(s);
        i->by_uid = true;
        return 0;
    }
    if (by_uid) {
        struct store_view_info info;
        struct store_message last = {0};
        imap_tell(s, IMAP_TELL_NAMED, 0); /* what a UID names may be new */
        store_view_info(s->told.view, &info);
        if (info.count > 0)
            store_view_at(s->told.view, info.count - 1, &last);
        highest = last.uid;
    }
    i->set = imap_set_resolve(set, highest, &s->c.arena);
    return 0;
}
