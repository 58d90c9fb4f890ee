/* SPDX-License-Identifier: ISC */
/*
 * Who keeps the mailboxes of this server: the one place that names the backend of the store.
 */
#pragma once

#include "conf/conf.h"
#include "store/backend.h"

/* Opens the store over it, in the working directory; fills in the backend of the options. */
int mailboxes_open(const struct conf *conf, struct store_options *options, struct store **ret,
                   struct problem *problem) WAITS;

/* Which mailboxes accounts begin with, as the settings have it. */
void mailboxes_set_defaults(struct store *s, const struct conf *conf);

/* So much stays free of the disk: what the queue has taken still finds room. */
uint64_t mailboxes_min_free(const struct conf *conf);

/* What commands do to its accounts while no server runs. */
extern const struct backend_offline *const mailboxes_offline;
