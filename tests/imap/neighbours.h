/* SPDX-License-Identifier: ISC */
/*
 * Accounts of one store whose owners share mailboxes with each other, for tests that have the
 * sessions in this process: what the mail role fills in for them (imap/others.h). Visits are
 * children of the session's fiber.
 */
#pragma once

#include "imap/session.h"

#define NEIGHBOURS_MAX 3U

struct neighbours {
    struct store *const *store; /* as it is open just now */
    uint64_t first;             /* their accounts follow each other */
    size_t count;
    struct slice people[NEIGHBOURS_MAX];    /* their addresses */
    const uint64_t *quotas[NEIGHBOURS_MAX]; /* bytes; NULL: any */
    bool away;                              /* nobody's mailboxes can be reached by others */
};

/* A session of one of them, or a visit. */
struct neighbour {
    struct neighbours *all;
    uint64_t account;
    struct imap_session_config config;
    struct stream *stream; /* of a visit, which frees it */
};

/* The one of that address, or none: -1. */
int neighbours_find(const struct neighbours *n, struct slice address);

/* A session of one of them by his place in the list; the config is copied, and gets what follows
 * from who he is. The struct stays where it is until the session has ended. */
void neighbour_init(struct neighbour *at, struct neighbours *n, size_t place,
                    const struct imap_session_config *config);
