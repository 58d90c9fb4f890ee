/* SPDX-License-Identifier: ISC */
/* Going through the messages that a set names. Numbers are those that the client knows; one whose
 * message has vanished names nothing. */
#include "imap/session_inside.h"

/* From the present range on, the first message that is there; false: the range has no more. */
static bool in_range(struct imap_messages *i, struct imap_range r, size_t *ret_number,
                     struct store_message *ret) {
    struct told *t = &i->session->told;
    if (i->by_uid) {
        struct store_view_info info;
        store_view_info(t->view, &info);
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
        *ret_number = (size_t)i->next++;
        if (told_at(t, *ret_number, ret))
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
        if (number % TOLD_TURN == 0)
            (void)fiber_yield_if_long();
    }
}
