/* SPDX-License-Identifier: ISC */
/*
 * A login: what a client shows, and what becomes of it. It may take several steps: then the answer
 * is LOGIN_CHALLENGE with what the client has to be asked, and his response goes back under the
 * number of the conversation, until the outcome is another one.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/macro.h"
#include "base/slice.h"
#include "base/time.h"

#define LOGIN_CHALLENGE_MAX 4096U /* bytes, of a challenge and of a response */

enum login_outcome {
    LOGIN_WELCOME,
    LOGIN_WRONG, /* name, password or a disabled account; which is not for the client: 535 5.7.8 */
    LOGIN_THROTTLED, /* not even looked at: too many failures from there lately */
    LOGIN_TEMPORARY, /* could not be decided now: 454 4.7.0 */
    LOGIN_CHALLENGE, /* one step more: 334 */
};

/*
 * The client of a login that takes several steps: gives him a challenge and waits for his response,
 * whose memory is the arena's. -E_REFUSED: he does not answer it; -ECANCELED, -ETIMEDOUT.
 */
struct login_talk {
    int (*ask)(struct login_talk *talk, struct slice challenge, struct arena *a,
               struct slice *ret_response) WAITS;
};

/* All slices are the caller's. */
struct login_request {
    struct slice name;       /* full address, or a local part in the default domain */
    struct slice act_as;     /* the authorization identity of SASL; empty or the same account */
    struct slice password;   /* PLAIN, LOGIN, USER / PASS */
    struct slice stamp;      /* APOP: the timestamp of the greeting, with its angle brackets */
    struct slice digest;     /* APOP: 32 hexadecimal digits of the client */
    struct slice peer;       /* 4 or 16 bytes of the client's address; empty: not throttled */
    struct login_talk *talk; /* NULL: he can be asked nothing more */
};

struct login {
    enum login_outcome outcome;
    uint64_t account_id; /* the rest of the line of facts: LOGIN_WELCOME only */
    uint32_t shard;
    struct slice address;   /* canonical; in the arena */
    uint64_t quota;         /* bytes that its mailboxes may hold; 0: the usual number */
    usec_t hold;            /* hold back a refusal for so long before answering */
    struct slice reason;    /* the true one, for the log; never for the client */
    struct slice challenge; /* LOGIN_CHALLENGE only */
    uint64_t conversation;  /* likewise: under which the response goes back */
};

const char *login_outcome_text(enum login_outcome outcome);
