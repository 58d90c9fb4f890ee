/* SPDX-License-Identifier: ISC */
/* Paths of mailboxes: the names from the top on with IMAP_UNDER between them. */
#include "imap/names.h"

#include "store/properties.h"

int imap_find_mailbox(const struct store_account *a, struct slice path, struct store_mailbox *ret) {
    uint32_t parent = 0;
    struct slice name;
    int error = path.len > 0 ? 0 : -E_UNKNOWN;
    while (!error && path.len > 0) {
        ssize_t at = slice_find_byte(path, IMAP_UNDER);
        name = at < 0 ? path : slice_first(path, (size_t)at);
        path = at < 0 ? S("") : slice_from(path, (size_t)at + 1);
        if (at >= 0 && path.len == 0)
            return -E_UNKNOWN;
        error = store_mailbox_find(a, parent, name, ret);
        parent = ret->id;
    }
    return error;
}

bool imap_path_is_good(struct slice path) {
    struct slice name;
    if (path.len == 0 || slice_ends(path, S("/")))
        return false;
    while (slice_next(&path, IMAP_UNDER, &name))
        if (!store_name_is_good(name))
            return false;
    return true;
}

bool imap_leads_through(const struct store_account *a, struct slice path, uint32_t mailbox) {
    struct store_mailbox m = {0};
    struct slice name;
    while (m.id != mailbox && slice_next(&path, IMAP_UNDER, &name))
        if (store_mailbox_find(a, m.id, name, &m) < 0)
            return false;
    return m.id == mailbox;
}

void imap_mailbox_path(const struct store_account *a, uint32_t mailbox, struct buf *to) {
    size_t begin = to->len;
    if (store_mailbox_path(a, mailbox, to) < 0)
        return;
    for (size_t i = begin; i < to->len; i++)
        if (to->ptr[i] == STORE_UNDER[0])
            to->ptr[i] = IMAP_UNDER;
}

bool imap_is_subscribed(const struct store_account *a, struct slice path) {
    _cleanup_(buf_done) struct buf name = {0};
    buf_add(&name, path);
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == IMAP_UNDER)
            name.ptr[i] = STORE_UNDER[0];
    return store_is_subscribed(a, buf_slice(&name));
}

bool imap_has_children(const struct store_account *a, uint32_t mailbox) {
    struct store_mailbox m = {0};
    for (size_t i = 0; i < store_mailbox_count(a) && m.parent != mailbox; i++)
        store_mailbox_at(a, i, &m);
    return m.parent == mailbox;
}

const char *imap_use_name(enum store_role role) {
    static const char *const names[STORE_ROLES] = {
        [STORE_ROLE_ARCHIVE] = "\\Archive", [STORE_ROLE_DRAFTS] = "\\Drafts",
        [STORE_ROLE_JUNK] = "\\Junk",       [STORE_ROLE_SENT] = "\\Sent",
        [STORE_ROLE_TRASH] = "\\Trash",
    };
    return names[role];
}

void imap_walk(const struct store_account *a, struct slice path, uint32_t *ret_parent,
               struct slice *ret_rest) {
    struct store_mailbox m;
    *ret_parent = 0;
    *ret_rest = path;
    while (ret_rest->len > 0) {
        ssize_t at = slice_find_byte(*ret_rest, IMAP_UNDER);
        struct slice name = at < 0 ? *ret_rest : slice_first(*ret_rest, (size_t)at);
        if (store_mailbox_find(a, *ret_parent, name, &m) < 0)
            return;
        *ret_parent = m.id;
        *ret_rest = at < 0 ? S("") : slice_from(*ret_rest, (size_t)at + 1);
    }
}
