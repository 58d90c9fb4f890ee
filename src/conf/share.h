/* SPDX-License-Identifier: ISC */
/*
 * A role's share of the settings, as the master hands it to the process of that role, and what has
 * changed between two readings of the file.
 */
#pragma once

#include "conf/setting.h"

/* Writes the settings of a role, in the form of the settings file with every value spelled out. */
void conf_write_slice(const struct conf *conf, enum role role, struct buf *to);

/* The same with all settings: a settings file that conf_load() reads. */
void conf_write_all(const struct conf *conf, struct buf *to);

/*
 * Reads what conf_write_slice() wrote. All of the role's settings have to be there and no others;
 * members that are not for the role stay zero. -E_SYNTAX with the first problem.
 */
int conf_read_slice(struct slice text, enum role role, struct conf **ret, struct problem *problem);

struct conf_change {
    const struct conf_setting *setting;
    struct slice before, after; /* canonical */
};

struct conf_diff {
    struct conf_change *list;
    size_t count;
    unsigned roles; /* bits of the roles whose share has changed */
    bool restart;   /* some change takes effect at the next start only */
};

/* Lists what differs; the memory is the arena's. */
struct conf_diff conf_diff(const struct conf *before, const struct conf *after, struct arena *a);
