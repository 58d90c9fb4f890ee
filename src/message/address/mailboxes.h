/* SPDX-License-Identifier: ISC */
/*
 * The addresses in a From, To, Cc, Reply-To ... field (RFC 5322 §3.4 address-list, with the
 * obsolete forms of §4.4), as strangers really write them: what can be read is given, what cannot
 * is passed over and counted. Groups are opened, comments dropped, blanks around dots and "@"
 * ignored.
 */
#pragma once

#include "message/address/address.h"

struct mailbox {
    struct slice
        display; /* as written: quoted string, atoms, encoded words; or the comment behind */
    struct address address;
};

struct mailboxes {
    struct mailbox *items; /* in the arena */
    size_t count;
    size_t broken;  /* entries without a readable address */
    size_t garbled; /* what others may read otherwise: more than one address without a comma between
                       them, one in place of the name of another, text behind an address, a group
                       named like one, an open comment */
    bool truncated; /* there were more than `max`, or comments too deep (CFWS_DEPTH) */
};

/*
 * Reads a raw or unfolded field value; keeps at most `max` addresses. `display` points into
 * `value`. Time is linear in the length, memory bounded by it.
 */
void mailboxes_parse(struct arena *a, struct slice value, size_t max, struct mailboxes *ret);
