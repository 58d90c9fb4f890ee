/* SPDX-License-Identifier: ISC */
/*
 * The messages that a set of a command names. Numbers are those that the client knows; one whose
 * message has vanished names nothing. UIDs are those of the mailbox as it was last looked at.
 */
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
        imap_tell(s, 0, 0); /* what a UID names may be new */
        store_view_info(s->told.view, &info);
        if (info.count > 0)
            store_view_at(s->told.view, info.count - 1, &last);
        highest = last.uid;
    }
    i->set = imap_set_resolve(set, highest, &s->c.arena);
    return 0;
}

/* From the present range on, the first message that is there; false: the range has no more. */
static bool in_range(struct imap_messages *i, struct imap_range r, size_t *ret_number,
                     struct store_message *ret) {
    struct told *t = &i->session->told;
    struct store_view_info info;
    store_view_info(t->view, &info);
    if (i->by_uid) {
        size_t place = store_view_place(t->view, (uint32_t)i->next);
        if (place == info.count)
            return false;
        store_view_at(t->view, place, ret);
        if (ret->uid > r.last) /* it may be in the next range */
            return false;
        *ret_number = told_number(t, ret->uid);
        i->next = (uint64_t)ret->uid + 1;
        return true;
    }
    for (; i->next <= MIN((uint64_t)r.last, told_count(t)); i->gone++) {
        uint32_t uid = told_uid(t, (size_t)i->next);
        size_t place = store_view_place(t->view, uid);
        *ret_number = (size_t)i->next++;
        if (place == info.count)
            continue;
        store_view_at(t->view, place, ret);
        if (ret->uid == uid)
            return true;
    }
    return false;
}

bool imap_messages_next(struct imap_messages *i, size_t *ret_number, struct store_message *ret) {
    for (; i->range < i->set.count; i->range++) {
        struct imap_range r = i->set.ranges[i->range];
        if (i->next < r.first)
            i->next = r.first;
        if (in_range(i, r, ret_number, ret))
            return true;
    }
    return false;
}

void imap_messages_uids(struct imap_messages *i, struct buf *uids) {
    struct store_message m;
    size_t number;
    while (imap_messages_next(i, &number, &m)) {
        buf_add_bytes(uids, &m.uid, sizeof m.uid);
        (void)fiber_yield_if_long();
    }
}
