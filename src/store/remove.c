/* SPDX-License-Identifier: ISC */
/*
 * Removing a mailbox. However many messages it has, it is one record, so a crash leaves all of them
 * or none; what takes its time with many is done in pieces, or by the backend's threads.
 *
 * The removal begins its group: a delivery before it in the same group would be in the mailbox and
 * not be seen here. One behind it waits for the next group, see append.c.
 */
#include <errno.h>

#include "store/freed.h"
#include "store/remove.h"
#include "store/select.h"

struct removal {
    struct change change;
    struct mailbox *mailbox;
    bool only_empty;
    struct freed freed;
};

static bool has_children(const struct store_account *a, uint32_t mailbox) {
    for (size_t i = 0; i < a->mailbox_count; i++)
        if (a->mailboxes[i]->info.parent == mailbox)
            return true;
    return false;
}

/* All entries of the mailbox, piece by piece. */
static void add_entries(struct freed *f, const struct mailbox *m, struct group *g) WAITS {
    size_t count = entries_count(m->content->entries), run;
    for (size_t at = 0, piece = 0; at < count; at += run) {
        const struct store_entry *e = entries_run(m->content->entries, at, &run);
        freed_add(f, e, run);
        piece += run;
        if (piece < SELECTION_PIECE)
            continue;
        piece = 0;
        (void)fiber_yield();
    }
}

static int prepare_removal(struct store_account *a, struct change *c, struct group *g) WAITS {
    struct removal *v = CONTAINER_OF(c, struct removal, change);
    const struct mailbox *m = v->mailbox;
    if (g->count > 0)
        return CHANGE_LATER;
    if (m->gone)
        return -E_UNKNOWN;
    if (has_children(a, m->info.id))
        return -E_BUSY;
    if (v->only_empty && m->info.messages > 0)
        return -ENOTEMPTY;
    add_entries(&v->freed, m, g);
    int error = freed_sum(&v->freed, a);
    if (error)
        return error;
    group_add(g, RECORD_REMOVE)->remove = (struct record_remove){
        .mailbox = m->info.id,
        .modseq = ++a->given.modseq,
        .name = mailbox_name(m),
        .when = a->store->options.undelete ? fiber_wall() : 0,
        .bodies = v->freed.bodies,
        .bytes = v->freed.bytes,
    };
    return 0;
}

bool group_removes(const struct group *g, const struct mailbox *m) {
    if (list_empty(&g->changes))
        return false;
    const struct change *first = CONTAINER_OF(list_first(&g->changes), const struct change, link);
    return first->prepare == prepare_removal &&
           CONTAINER_OF(first, const struct removal, change)->mailbox == m;
}

int store_remove_mailbox(struct store_account *a, uint32_t mailbox, bool only_empty) {
    struct removal v = {.change = {.prepare = prepare_removal, .reads = true},
                        .mailbox = mailbox_find(a, mailbox),
                        .only_empty = only_empty};
    if (mailbox == STORE_INBOX)
        return -EPERM;
    int error = v.mailbox ? mailbox_load(v.mailbox) : -E_UNKNOWN;
    if (error)
        return error;
    error = change_run(a, &v.change);
    freed_done(&v.freed);
    mailbox_rest(v.mailbox);
    return error;
}
