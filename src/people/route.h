/* SPDX-License-Identifier: ISC */
/* Where an address leads. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"

#define ROUTE_DEPTH_MAX   10U   /* aliases behind aliases */
#define ROUTE_TARGETS_MAX 1000U /* mailboxes and forwards of one address */
#define ROUTE_REASONS_MAX 64U   /* sentences that are kept */

enum route_kind {
    ROUTE_LOCAL,        /* leads to the mailboxes and forwards listed, at least one */
    ROUTE_NOT_OURS,     /* the domain is not one of this host: relay, if the sender may */
    ROUTE_UNKNOWN_USER, /* our domain, but nobody there: 550 5.1.1 */
    ROUTE_DISABLED,     /* all it leads to are disabled accounts: 550 5.2.1 */
    ROUTE_LOOP,         /* aliases run in a circle, or the limits above are passed: 550 5.4.6 */
    ROUTE_BAD_ADDRESS,  /* not local@domain: 501 5.1.3 */
    ROUTE_TEMPORARY,    /* the directory cannot be read now: 451 4.3.0 */
};

struct route_mailbox {
    uint64_t account_id;
    uint64_t quota; /* bytes; 0: none set */
    uint64_t used;  /* bytes, as far as the directory was told */
    uint32_t shard;
    struct slice address; /* canonical address of the account */
    struct slice detail;  /* what stood behind the plus sign, as written; may be empty */
    usec_t replaced;      /* wall: until then the address itself, which was asked for, was that of
                             another account, which was removed; 0: of none */
};

/* All memory is the arena's from which the answer came. No target is listed twice. */
struct route {
    enum route_kind kind;
    struct route_mailbox *mailboxes;
    size_t mailbox_count;
    struct slice *forwards; /* addresses elsewhere, local part as written */
    size_t forward_count;
    struct slice *reasons; /* for people, in the order of the decisions: parts (base/error.h) */
    size_t reason_count;
};

/* "local", "not ours" ...: for logs and tables. */
const char *route_kind_text(enum route_kind kind);
