/* SPDX-License-Identifier: ISC */
/*
 * What many accounts of a store have alike, kept once for all of them: the names of the mailboxes
 * with which they begin, and that these are subscribed from the beginning.
 *
 * A name stays as long as the store: settings may change while accounts use it. So there is a bound
 * for how many there are; beyond it, as for all other names, each account has its own.
 */
#pragma once

#include "base/arena.h"

#define SHARED_NAMES_MAX 64U

struct property;

struct shared_name {
    struct slice name;           /* with a NUL behind it */
    struct property *subscribed; /* property.c; NULL: no account had it yet */
};

/* The zero value is empty. */
struct shared_names {
    struct arena arena;
    struct shared_name list[SHARED_NAMES_MAX];
    size_t count;
};

/* From now on the name is shared, if there is room; it may be so already. */
void shared_name_add(struct shared_names *s, struct slice name);

/* NULL: the name is not shared. What is found stays where it is. */
struct shared_name *shared_name_find(struct shared_names *s, struct slice name);

void shared_names_done(struct shared_names *s); /* when no account is left */
