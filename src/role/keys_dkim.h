/* SPDX-License-Identifier: ISC */
/*
 * The DKIM keys of our domains and of the host's name, inside the keys role: made, kept, told of in
 * public, and signed with. What is decided about them is in sender/keyring.h; here its files are
 * read and written by threads, and what was read is remembered.
 *
 * The directory says which domains there are. The host's name is known from the settings: its keys
 * sign what this host itself has to say, reports above all.
 */
#pragma once

#include "proc/process.h"

struct keys_dkim;

/* Opens the folder, or makes it. Negative with a sentence. */
int keys_dkim_open(struct process *p, struct keys_dkim **ret, struct problem *problem);

/* Begins to look after the keys: makes those of the host's name, removes old ones. */
int keys_dkim_go(struct keys_dkim *d);

/* What the handlers of the calls do. */
int keys_dkim_list(struct keys_dkim *d, const struct rpc_keys_dkim_in *in, struct arena *a,
                   struct rpc_keys_dkim_out *out, struct problem *problem) WAITS;
int keys_dkim_keep(struct keys_dkim *d, struct slice domain, struct problem *problem) WAITS;
int keys_dkim_drop(struct keys_dkim *d, struct slice domain, struct problem *problem) WAITS;
int keys_dkim_rotate(struct keys_dkim *d, struct slice domain, struct slice by,
                     struct problem *problem) WAITS;
int keys_dkim_seen(struct keys_dkim *d, struct slice domain, struct slice selector,
                   struct problem *problem) WAITS;

int keys_dkim_sign(struct keys_dkim *d, const struct rpc_keys_dkim_sign_in *in, struct arena *a,
                   struct rpc_keys_dkim_sign_out *out, struct problem *problem) WAITS;

/* Domains that have keys, by name, from behind `after` on, at most 1000. */
int keys_dkim_domains(struct keys_dkim *d, struct slice after, struct arena *a, struct slice **ret,
                      size_t *ret_count) WAITS;
