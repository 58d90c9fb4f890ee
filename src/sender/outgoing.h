/* SPDX-License-Identifier: ISC */
/*
 * What a message of ours gets in front of it when it leaves: a DKIM signature by each key of its
 * domain that signs now. Its body is hashed once for all of them, by the caller.
 */
#pragma once

#include "sender/dkim/dkim_sign.h"

#define OUTGOING_KEYS 2U /* one for each kind */

struct outgoing_key {
    struct slice selector;
    enum dkim_algorithm algorithm;
};

struct outgoing_keys {
    struct slice domain;
    struct outgoing_key list[OUTGOING_KEYS];
    size_t count;
};

/* Where the keys are. What these functions return is handed on by those below. */
struct outgoing_vault {
    /* The keys of a domain that sign now; a count of 0: none does. Memory of the arena. */
    int (*keys)(void *arg, struct slice domain, struct arena *a, struct outgoing_keys *ret) WAITS;
    /* Signs a digest with each of these, in their order. */
    int (*sign)(void *arg, const struct outgoing_keys *keys,
                const unsigned char (*digests)[DIGEST_LEN], struct arena *a,
                struct slice *ret_signatures) WAITS;
    void *arg;
};

/*
 * Whose keys sign a message: those of the domain of its author, or of one above that (a report of
 * mail.example.jp has those of example.jp, unless the host's name has some of its own), else of
 * `other` (or empty). A count of 0: nobody's. `header` may have the body behind it.
 */
int outgoing_choose(struct slice header, struct slice other, const struct outgoing_vault *vault,
                    struct arena *a, struct outgoing_keys *ret) WAITS;

/* The keys of a domain, or of the nearest above it that has some; never of a name of one label. */
int outgoing_choose_above(struct slice domain, const struct outgoing_vault *vault, struct arena *a,
                          struct outgoing_keys *ret) WAITS;

struct outgoing {
    struct slice header;            /* may have the body behind it */
    const unsigned char *body_hash; /* of the relaxed form */
    int64_t now, expires;           /* seconds since 1970 */
};

/* Appends the fields. -E_LIMIT: the header has too many fields; `to` is as before. */
int outgoing_sign(const struct outgoing *message, const struct outgoing_keys *keys,
                  const struct outgoing_vault *vault, struct arena *a, struct buf *to) WAITS;
