/* SPDX-License-Identifier: ISC */
/*
 * Changes of messages and mailboxes: expunge, flags, a new mailbox.
 *
 * Each is a record in the pack, synced like a message, and not a synced transaction of mail.db: one
 * kind of durability for everything, one order of all changes, changes that share a sync with
 * deliveries, and a mail.db that may be lost, restored from yesterday or made anew without a
 * message coming back or a UID being given twice.
 *
 * A change is prepared from the rows as they are visible. So two that touch the rows of a mailbox
 * do not go into one group: the second one waits to see what the first one did.
 */
#include "store/account.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/encode.h"

#define EXPUNGE_MAX 1000000U /* UIDs in one change: their record stays below PACK_FACTS_MAX */
#define FLAGS_MAX   300000U

struct row_change {
    struct change change;
    enum note_type type;
    uint32_t mailbox;
    uint32_t *uids; /* ascending, each once */
    size_t count;
    uint64_t add, remove;
    size_t changed;
    uint64_t modseq;
    struct buf items;
};

static int prepare_rows(struct store_account *a, struct change *c, struct group *g);

static bool same_rows(const struct change *c, const void *arg) {
    const struct row_change *v = arg;
    return c->prepare == prepare_rows &&
           CONTAINER_OF(c, const struct row_change, change)->mailbox == v->mailbox;
}

static void add_items(struct row_change *v, const struct box *b) {
    for (size_t i = 0; i < v->count; i++) {
        const struct store_message *row = box_row(b, v->uids[i]);
        if (!row)
            continue;
        struct note_change c = {row->uid, (row->flags & ~v->remove) | v->add};
        if (v->type == NOTE_FLAGS && c.flags == row->flags)
            continue;
        note_change_encode(&v->items, v->type, c);
        v->changed++;
    }
}

static int prepare_rows(struct store_account *a, struct change *c, struct group *g) {
    struct row_change *v = CONTAINER_OF(c, struct row_change, change);
    if (group_has(g, same_rows, v))
        return CHANGE_LATER;
    struct box *b = box_find(a, v->mailbox);
    MUST(b && b->loaded);
    add_items(v, b);
    v->modseq = b->info.modseq;
    if (v->changed == 0)
        return 0;
    v->modseq = ++a->modseq;
    struct buf *facts = group_scratch(g);
    note_changes_encode(facts, &(struct note_changes){
                                   .account = a->id,
                                   .modseq = v->modseq,
                                   .mailbox = v->mailbox,
                                   .count = (uint32_t)v->changed,
                                   .items = buf_slice(&v->items),
                               });
    group_add(g, (uint8_t)v->type, 0, buf_slice(facts), NULL);
    return 0;
}

static int by_uid(const void *a, const void *b) {
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void copy_uids(struct row_change *v, const uint32_t *uids, size_t count) {
    v->uids = mem_array(count, sizeof *uids);
    memcpy(v->uids, uids, count * sizeof *uids);
    qsort(v->uids, count, sizeof *uids, by_uid);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || v->uids[i] != v->uids[i - 1])
            v->uids[v->count++] = v->uids[i];
}

static int run_rows(struct store_account *a, struct row_change *v, const uint32_t *uids,
                    size_t count) {
    struct box *b = box_find(a, v->mailbox);
    int error = b ? box_load(a, b) : -E_UNKNOWN;
    if (error || count == 0)
        return error;
    v->change.prepare = prepare_rows;
    copy_uids(v, uids, count);
    error = change_run(a, &v->change);
    free(v->uids);
    buf_done(&v->items);
    return error;
}

int store_expunge(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                  size_t *ret_removed) {
    if (count > EXPUNGE_MAX)
        return -E_LIMIT;
    struct row_change v = {.type = NOTE_EXPUNGE, .mailbox = mailbox};
    int error = run_rows(a, &v, uids, count);
    if (!error)
        *ret_removed = v.changed;
    return error;
}

int store_set_flags(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                    uint64_t add, uint64_t remove, uint64_t *ret_modseq) {
    if (count > FLAGS_MAX)
        return -E_LIMIT;
    struct row_change v = {.type = NOTE_FLAGS, .mailbox = mailbox, .add = add, .remove = remove};
    int error = run_rows(a, &v, uids, count);
    if (!error)
        *ret_modseq = v.modseq;
    return error;
}

/* ------------------------------------------------------------------ mailboxes */

size_t store_mailbox_count(const struct store_account *a) {
    return a->box_count;
}

void store_mailbox_at(const struct store_account *a, size_t place, struct store_mailbox *ret) {
    MUST(place < a->box_count);
    *ret = a->boxes[place]->info;
}

int store_mailbox_get(const struct store_account *a, uint32_t id, struct store_mailbox *ret) {
    const struct box *b = box_find(a, id);
    if (!b)
        return -E_UNKNOWN;
    *ret = b->info;
    return 0;
}

int store_mailbox_find(const struct store_account *a, uint32_t parent, struct slice name,
                       struct store_mailbox *ret) {
    if (parent == 0 && slice_eq_nocase(name, S("INBOX")))
        return store_mailbox_get(a, STORE_INBOX, ret);
    for (size_t i = 0; i < a->box_count; i++) {
        const struct store_mailbox *m = &a->boxes[i]->info;
        if (m->parent == parent && slice_eq(m->name, name)) {
            *ret = *m;
            return 0;
        }
    }
    return -E_UNKNOWN;
}

static bool name_is_good(struct slice name) {
    if (name.len == 0 || name.len > STORE_NAME_MAX || !utf8_valid(name))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 0x7f)
            return false;
    return true;
}

struct mailbox_change {
    struct change change;
    struct note_mailbox note;
};

static int prepare_mailbox(struct store_account *a, struct change *c, struct group *g);

static bool makes_mailbox(const struct change *c, const void *arg) {
    return c->prepare == prepare_mailbox;
}

static int prepare_mailbox(struct store_account *a, struct change *c, struct group *g) {
    struct note_mailbox *n = &CONTAINER_OF(c, struct mailbox_change, change)->note;
    struct store_mailbox there;
    if (group_has(g, makes_mailbox, NULL))
        return CHANGE_LATER;
    if (store_mailbox_find(a, n->parent, n->name, &there) == 0)
        return -EEXIST;
    if (n->parent && !box_find(a, n->parent))
        return -E_UNKNOWN;
    if (a->box_count >= STORE_MAILBOXES_MAX)
        return -E_LIMIT;
    n->account = a->id;
    n->mailbox = a->mailbox_next++;
    n->uidvalidity = (uint32_t)(a->born / USEC_SEC) + n->mailbox;
    n->uidnext = 1;
    n->modseq = ++a->modseq;
    struct buf *facts = group_scratch(g);
    note_mailbox_encode(facts, n);
    group_add(g, NOTE_MAILBOX, 0, buf_slice(facts), NULL);
    return 0;
}

int store_create_mailbox(struct store_account *a, uint32_t parent, struct slice name,
                         enum store_role role, uint32_t *ret_id) {
    if (!name_is_good(name))
        return -E_SYNTAX;
    struct mailbox_change v = {
        .change = {.prepare = prepare_mailbox},
        .note = {.parent = parent, .name = name, .role = role},
    };
    int error = change_run(a, &v.change);
    if (!error)
        *ret_id = v.note.mailbox;
    return error;
}
