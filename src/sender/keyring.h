/* SPDX-License-Identifier: ISC */
/*
 * The keys with which this host signs (DKIM), as files. For each domain there is a folder with
 *
 *     SELECTOR.key    a private key in PEM, mode 600: written once, never replaced by another
 *     state           a line for each key: selector, and when it was made, seen in DNS and left
 *
 * A key goes its way by what is known of it:
 *
 *     made            it waits for the postmaster, who publishes it; nothing is signed with it
 *     seen            DNS has shown it. It signs: at once where no key of its kind did until then,
 *                     else after KEYRING_WAIT, when every server of the zone and every cache that
 *                     remembers that it was not there has followed
 *     left            a newer one signs, or the domain was removed. It stays published, since what
 *                     it signed may be on its way; after a while the file goes
 *
 * A state that is lost or damaged costs nothing but time: the keys wait until DNS is seen to show
 * them again. Times are seconds since 1970. All functions but keyring_signs() read or write files
 * and block, so a fiber calls them by way of offload(); one caller at a time.
 */
#pragma once

#include <openssl/evp.h>

#include "base/arena.h"
#include "base/error.h"
#include "sender/dkim/dkim.h"

#define KEYRING_WAIT     86400 /* seconds */
#define KEYRING_SELECTOR 32U   /* bytes of one, with a NUL */
#define KEYRING_KEYS_MAX 32U   /* of a domain */

struct keyring_key {
    char selector[KEYRING_SELECTOR]; /* "r20261130", "e20261130" */
    enum dkim_algorithm algorithm;   /* DKIM_RSA_SHA256 or DKIM_ED25519_SHA256 */
    int64_t made, seen, left;        /* 0: not */
    bool listed;                     /* there is a line of it, so that it is there for good */
    EVP_PKEY *key;
    char *record; /* "v=DKIM1; k=rsa; p=...": what DNS has to say */
};

struct keyring_domain {
    struct keyring_key list[KEYRING_KEYS_MAX]; /* in the order in which they were made */
    size_t count;
    char damaged[KEYRING_SELECTOR]; /* a file of a key that holds none; empty: all do */
};

/*
 * How long a signature counts from when the message leaves: longer than another host may try to
 * pass it on. `lifetime`: of our own queue; both in seconds.
 */
static inline int64_t keyring_life(int64_t lifetime) {
    return MAX(lifetime + INT64_C(2) * 86400, INT64_C(7) * 86400);
}

/*
 * The keys of a domain (canonical); of one that has none the count is 0. -E_SYNTAX: it is no
 * domain; others: its files cannot be read. `folder`: an open descriptor, as in all of these.
 */
int keyring_read(int folder, struct slice domain, struct keyring_domain **ret,
                 struct problem *problem);
void keyring_domain_free(struct keyring_domain *d); /* NULL is fine */

/* The key of this kind that signs now; NULL: none. */
const struct keyring_key *keyring_signs(const struct keyring_domain *d,
                                        enum dkim_algorithm algorithm, int64_t now);

/* Makes the keys that the domain has not, and takes back that it was removed. 1: something changed.
 */
int keyring_keep(int folder, struct slice domain, int64_t now, struct problem *problem);

/*
 * Makes a new key of each kind beside those that are there. -E_REFUSED: the newest of RSA, which is
 * what all others understand, is not in use yet. One of Ed25519 that waits stays the newest.
 */
int keyring_rotate(int folder, struct slice domain, int64_t now, struct problem *problem);

/* DNS shows a key. 1: for the first time. -E_UNKNOWN: there is none of that name. */
int keyring_seen(int folder, struct slice domain, struct slice selector, int64_t now,
                 struct problem *problem);

/* The domain was removed. */
int keyring_drop(int folder, struct slice domain, int64_t now, struct problem *problem);

/*
 * Notes which keys have been followed by others, and removes those that were left for more than
 * `keep` seconds. 1: something changed.
 */
int keyring_tend(int folder, struct slice domain, int64_t now, int64_t keep,
                 struct problem *problem);

/* All domains that have a folder, in no order; in the arena. */
int keyring_domains(int folder, struct arena *a, struct slice **ret, size_t *ret_count);
