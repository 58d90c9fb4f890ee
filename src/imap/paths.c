/* SPDX-License-Identifier: ISC */
/* Paths as the client of a session knows them: those of a visit begin with whose mailboxes they
 * are. */
#include "imap/session_inside.h"

int imap_own_path(const struct imap_session *s, struct slice path, struct slice *ret) {
    struct slice prefix = buf_slice(&s->prefix);
    if (prefix.len > 0 && !slice_starts_nocase(path, prefix)) /* domains have no case */
        return -E_UNKNOWN;
    *ret = slice_from(path, prefix.len);
    return ret->len > 0 ? 0 : -E_UNKNOWN;
}

bool imap_is_elsewhere(const struct imap_session *s, struct slice path) {
    struct slice owner, rest;
    if (!s->config->others)
        return false;
    return imap_visits(s) ? imap_own_path(s, path, &rest) < 0
                          : imap_owner_of_path(path, &owner, &rest);
}

int imap_find_path(const struct imap_session *s, struct slice path, struct store_mailbox *ret) {
    struct slice own;
    int error = imap_own_path(s, path, &own);
    return error ? error : imap_find_mailbox(s->account, own, ret);
}

void imap_path_of(const struct imap_session *s, uint32_t mailbox, struct buf *to) {
    size_t begin = to->len;
    buf_add(to, buf_slice(&s->prefix));
    imap_mailbox_path(s->account, mailbox, to);
    if (to->len == begin + s->prefix.len)
        to->len = begin;
}
