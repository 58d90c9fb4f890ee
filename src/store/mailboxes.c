/* SPDX-License-Identifier: ISC */
/* The mailboxes of an account: which there are, new ones, other names. */
#include <errno.h>

#include "store/property.h"

size_t store_mailbox_count(const struct store_account *a) {
    return a->mailbox_count;
}

void store_mailbox_at(const struct store_account *a, size_t place, struct store_mailbox *ret) {
    MUST(place < a->mailbox_count);
    mailbox_describe(a->mailboxes[place], ret);
}

int store_mailbox_get(const struct store_account *a, uint32_t id, struct store_mailbox *ret) {
    const struct mailbox *m = mailbox_find(a, id);
    if (!m)
        return -E_UNKNOWN;
    mailbox_describe(m, ret);
    return 0;
}

int store_mailbox_find(const struct store_account *a, uint32_t parent, struct slice name,
                       struct store_mailbox *ret) {
    if (parent == 0 && slice_eq_nocase(name, S("INBOX")))
        return store_mailbox_get(a, STORE_INBOX, ret);
    for (size_t i = 0; i < a->mailbox_count; i++) {
        const struct mailbox *m = a->mailboxes[i];
        if (m->info.parent == parent && slice_eq(mailbox_name(m), name)) {
            mailbox_describe(m, ret);
            return 0;
        }
    }
    return -E_UNKNOWN;
}

/* How far it is down to a mailbox: names, and bytes with one between two names. */
struct reach {
    size_t depth, bytes;
};

/* From the top, or from below `above`; false: the mailbox does not lie there. */
static bool reach_of(const struct store_account *a, uint32_t mailbox, uint32_t above,
                     struct reach *ret) {
    *ret = (struct reach){0};
    while (mailbox && mailbox != above && ret->depth <= a->mailbox_count) {
        const struct mailbox *m = mailbox_find(a, mailbox);
        if (!m)
            break;
        ret->bytes += (size_t)m->info.name_len + (ret->depth++ > 0);
        mailbox = m->info.parent;
    }
    return mailbox == above;
}

/* Whether a name can stand below a parent, with so much below itself. */
static bool fits_below(const struct store_account *a, uint32_t parent, struct slice name,
                       struct reach below) {
    struct reach up;
    (void)reach_of(a, parent, 0, &up);
    const size_t bytes = up.bytes + (parent != 0) + name.len + (below.depth > 0) + below.bytes;
    return up.depth + 1 + below.depth <= STORE_DEPTH_MAX && bytes <= STORE_TREE_PATH_MAX;
}

struct mailbox_change {
    struct change change;
    struct record_mailbox wanted;
};

/* Each role is that of one mailbox. */
static bool role_is_free(const struct store_account *a, uint32_t role) {
    for (size_t i = 0; role != STORE_ROLE_NONE && i < a->mailbox_count; i++)
        if (a->mailboxes[i]->info.role == role)
            return false;
    return true;
}

static int prepare_mailbox(struct store_account *a, struct change *c, struct group *g) {
    struct record_mailbox *n = &CONTAINER_OF(c, struct mailbox_change, change)->wanted;
    struct store_mailbox there;
    if (store_mailbox_find(a, n->parent, n->name, &there) == 0)
        return -EEXIST;
    if (n->parent && !mailbox_find(a, n->parent))
        return -E_UNKNOWN;
    if (!role_is_free(a, n->role))
        return -E_REFUSED;
    if (a->mailbox_count >= STORE_MAILBOXES_MAX ||
        !fits_below(a, n->parent, n->name, (struct reach){0}))
        return -E_LIMIT;
    n->mailbox = a->given.mailbox_next++;
    n->uidvalidity = (uint32_t)(a->given.born / USEC_SEC) + n->mailbox;
    n->uidnext = 1;
    n->modseq = ++a->given.modseq;
    group_add(g, RECORD_MAILBOX)->mailbox = *n;
    return n->parent ? rights_inherit(a, g, n->modseq, n->parent, n->mailbox) : 0;
}

int store_create_mailbox(struct store_account *a, uint32_t parent, struct slice name,
                         enum store_role role, uint32_t *ret_id) {
    if (!store_name_is_good(name))
        return -E_SYNTAX;
    struct mailbox_change v = {
        .change = {.prepare = prepare_mailbox, .reads = true},
        .wanted = {.parent = parent, .name = name, .role = role},
    };
    int error = change_run(a, &v.change);
    if (!error)
        *ret_id = v.wanted.mailbox;
    return error;
}

/* ------------------------------------------------------------------ another name */

int store_names_lock(struct store_account *a) {
    return fiber_mutex_lock(&a->names);
}

void store_names_unlock(struct store_account *a) {
    fiber_mutex_unlock(&a->names);
}

static bool lies_below(const struct store_account *a, uint32_t mailbox, uint32_t above) {
    for (size_t depth = 0; mailbox && depth <= a->mailbox_count; depth++) {
        if (mailbox == above)
            return true;
        const struct mailbox *m = mailbox_find(a, mailbox);
        mailbox = m ? m->info.parent : 0;
    }
    return false;
}

/* The furthest there is below a mailbox. */
static struct reach reach_below(const struct store_account *a, uint32_t mailbox) {
    struct reach most = {0}, r;
    for (size_t i = 0; i < a->mailbox_count; i++) {
        if (!reach_of(a, a->mailboxes[i]->info.id, mailbox, &r))
            continue;
        most.depth = MAX(most.depth, r.depth);
        most.bytes = MAX(most.bytes, r.bytes);
    }
    return most;
}

/* What a mailbox that gets another path is subscribed as goes with it. */
static int take_subscriptions(struct store_account *a, struct group *g,
                              const struct record_mailbox *n) {
    _cleanup_(buf_done) struct buf from = {0}, to = {0};
    if (store_mailbox_path(a, n->mailbox, &from) < 0)
        return 0;
    if (n->parent && store_mailbox_path(a, n->parent, &to) == 0)
        buf_add(&to, S(STORE_UNDER));
    buf_add(&to, n->name);
    return subscriptions_rename(a, g, n->modseq, buf_slice(&from), buf_slice(&to));
}

static int prepare_rename(struct store_account *a, struct change *c, struct group *g) {
    struct record_mailbox *n = &CONTAINER_OF(c, struct mailbox_change, change)->wanted;
    const struct mailbox *m = mailbox_find(a, n->mailbox);
    struct store_mailbox there;
    if (!m || (n->parent && !mailbox_find(a, n->parent)))
        return -E_UNKNOWN;
    if (lies_below(a, n->parent, n->mailbox))
        return -EINVAL;
    if (store_mailbox_find(a, n->parent, n->name, &there) == 0)
        return there.id == n->mailbox ? 0 : -EEXIST;
    if (!fits_below(a, n->parent, n->name, reach_below(a, n->mailbox)))
        return -E_LIMIT;
    n->uidvalidity = m->info.uidvalidity;
    n->uidnext = m->info.uidnext;
    n->role = m->info.role;
    n->modseq = ++a->given.modseq;
    group_add(g, RECORD_MAILBOX)->mailbox = *n;
    return take_subscriptions(a, g, n);
}

int store_rename_mailbox(struct store_account *a, uint32_t mailbox, uint32_t parent,
                         struct slice name) {
    if (mailbox == STORE_INBOX)
        return -EPERM;
    if (!store_name_is_good(name))
        return -E_SYNTAX;
    struct mailbox_change v = {
        .change = {.prepare = prepare_rename, .reads = true},
        .wanted = {.mailbox = mailbox, .parent = parent, .name = name},
    };
    return change_run(a, &v.change);
}
