/* SPDX-License-Identifier: ISC */
/*
 * Who is next, where some are slow: each member belongs to a group, and of no group more than its
 * share are let in at a time. The others of it wait, and keep nobody else waiting. So questions
 * about names whose servers do not answer do not take all places.
 *
 * Pure. Members are embedded in what they stand for; each call takes the same time, however many
 * there are.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"

struct share_group;

struct share_member {
    struct link link; /* among those that are next, or that wait */
    struct share_group *group;
    bool inside; /* counts for the share of its group */
};

struct shares {
    struct map groups;
    struct list next;
    unsigned most; /* of one group: its share */
};

void shares_init(struct shares *s, unsigned most);
void shares_done(struct shares *s); /* without members */

void shares_add(struct shares *s, struct slice group, struct share_member *m);

/* The next one, which keeps its place in the share until shares_remove(). NULL: there is none. */
struct share_member *shares_next(struct shares *s);

/* It is over, or was given up, wherever it stood; one that was never added, or removed, is fine. */
void shares_remove(struct shares *s, struct share_member *m);

/*
 * The part of a name whose servers are probably one operator's: the domain that somebody has
 * registered ("example.jp", "example.co.jp"), or of reverse names a /16, and a /32 of IPv6.
 */
struct slice shares_group_of(struct slice name);
