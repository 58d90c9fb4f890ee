/* SPDX-License-Identifier: ISC */
/*
 * A certificate with its key, read from the two files that hold them. Inside the keys role.
 */
#pragma once

#include <sys/stat.h>

#include "io/tls_chain.h"
#include "proc/process.h"

struct keys_pair {
    uint64_t number; /* of the chain: the same whenever it is read, of others another; not 0 */
    usec_t replaced; /* by the role, when it has a newer one: fiber_now() */
    struct stat states[2]; /* of the files in the role's folder as they were; else zeros */
    struct tls_key *key;
    char *chain;    /* PEM */
    unsigned users; /* the role, signatures under way */
};

/* What people call the two files: "keys/default.crt" or the path of the settings. */
const char *keys_pair_certificate(const struct conf *conf);
const char *keys_pair_key(const struct conf *conf);

/*
 * Reads the files that the master gave with the settings or, when those name none, the two of the
 * role's folder. Negative with a sentence unless edges can use both and they belong together.
 */
int keys_pair_read(const struct process *p, struct keys_pair **ret, struct problem *problem);
void keys_pair_leave(struct keys_pair *pair); /* NULL is fine */

/* The states of the files in the role's folder, to find out whether one was replaced. */
void keys_pair_look(struct stat ret[static 2]);
