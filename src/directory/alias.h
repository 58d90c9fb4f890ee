/* SPDX-License-Identifier: ISC */
/*
 * Changing one alias, inside this folder: the steps of setting it.
 */
#pragma once

#include "directory/admin.h"
#include "directory/internal.h"

struct alias_change {
    char plus_separator;
    struct name name;
    const struct name *targets;
    size_t count;
    bool replace;
    bool standing; /* taken out: whatever could once be made may be named */
    struct author author;
    struct arena *arena;
};

/* What is to be stored, into a change that has all but names and arena. Pure. */
int alias_parse(struct arena *a, struct slice address, const struct slice *targets, size_t count,
                struct alias_change *c, struct problem *problem);

/* Inside a transaction: a local target has to lead somewhere by then. */
int alias_store_targets(struct db *db, const struct alias_change *c);

/* Behind it: how many there are, no circles, and a mailbox that would get nothing. */
int alias_check(struct db *db, const struct alias_change *c);
