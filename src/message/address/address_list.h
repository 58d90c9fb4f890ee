/* SPDX-License-Identifier: ISC */
/*
 * The addresses of a From, To, Cc ... field as they stand there (RFC 5322 §3.4, with the obsolete
 * forms of §4.4), groups included, for who shows a message: any octets give a list, and nobody who
 * is named in it is left out. Who has to know where a message leads, or whose it is, reads
 * message/address/mailboxes.h.
 *
 * Comments and blanks are dropped, quotes too. What has no "@" is an address without a host, its
 * words with one blank between them. Without a name in front of angle brackets the last comment is
 * the name. A group that is not closed ends with the list; one within another is none. Pure; linear
 * in time, memory bounded by the length of the value.
 */
#pragma once

#include "base/slice.h"

enum listed_kind {
    LISTED_ADDRESS,
    LISTED_GROUP,     /* begins; `name` is its name */
    LISTED_GROUP_END, /* nothing else is set */
};

/* Raw octets, without quotes; empty: there is none. */
struct listed {
    enum listed_kind kind;
    struct slice name;
    struct slice route; /* "@a,@b" */
    struct slice local;
    struct slice host; /* a literal with its brackets */
};

/* Calls `each` for each one; what it gets stands until it returns. `value` is unfolded. */
void address_list_read(struct slice value, void (*each)(void *arg, const struct listed *listed),
                       void *arg);
