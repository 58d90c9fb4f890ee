/* SPDX-License-Identifier: ISC */
/*
 * What may be fetched from outside: each rule says where, how much, and how long it may take. Who
 * asks for something names a rule and what the rule leaves open, never a whole URL of its own
 * making. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/time.h"

enum fetch_rule {
    FETCH_MTA_STS, /* a domain's policy, RFC 8461 §3.3; `what` is the domain */
    FETCH_TLSRPT,  /* hands a report over, RFC 8460 §5.4; `what` is the URI of the record */
    FETCH_RULES,
};

/* Where something is: at port 443. */
struct fetch_place {
    struct slice host; /* canonical, no address */
    struct slice path; /* from "/" on, with what follows "?" */
};

struct fetch_bounds {
    const char *name; /* "MTA-STS policy", for sentences */
    size_t size;      /* bytes of the answer at most */
    usec_t time;      /* of all of it from its turn on, questions to DNS too */
    const char *type; /* the media type that the answer has to have; NULL: any */
    const char *sent; /* the media type of what is handed over; NULL: it is fetched (GET) */
    bool any_success; /* any 2xx will do, not 200 alone */
};

/* No rule follows a redirect. */
const struct fetch_bounds *fetch_bounds(enum fetch_rule rule);

/*
 * Where it is by the rule. The place is the arena's. -E_SYNTAX: `what` is not what the rule needs;
 * an address instead of a name never is.
 */
int fetch_locate(enum fetch_rule rule, struct slice what, struct arena *a, struct fetch_place *ret);
