/* SPDX-License-Identifier: ISC */
/*
 * SPF: whether a domain lets a host send in its name (RFC 7208, check_host()).
 *
 * A record is read whole before anything in it is done, so an error behind the term that matches
 * is one (§4.6). Voids are counted for each term, as the limit of look-ups is: an "mx" is void when
 * it has no host, or none of its hosts has an address (§4.6.4).
 */
#pragma once

#include "dns/client.h"
#include "io/net.h"

enum spf_result { /* §2.6 */
                  SPF_NONE,
                  SPF_NEUTRAL,
                  SPF_PASS,
                  SPF_FAIL,
                  SPF_SOFTFAIL,
                  SPF_TEMPERROR,
                  SPF_PERMERROR,
};

const char *spf_result_name(enum spf_result result); /* "softfail", as of RFC 8601 §2.7.2 */

#define SPF_LOOKUPS_MAX 10U /* terms that ask DNS, §4.6.4 */
#define SPF_VOIDS_MAX   2U
#define SPF_HOSTS_MAX   10U  /* of one mx, or names of one ptr */
#define SPF_EXPLAIN_MAX 512U /* bytes of an explanation; what is longer is cut */

struct spf_question {
    const struct dns_client *dns;
    const struct net_addr *client;
    struct slice helo;       /* as it was said: %{h} */
    struct slice local_part; /* of the sender; empty: "postmaster" (§4.3) */
    struct slice domain; /* whose record is asked, in A-labels: of MAIL FROM, or the HELO name */
    struct slice host;   /* our name: %{r} */
    int64_t now;         /* seconds since 1970: %{t} */
};

/* Slices are the arena's, or point into what was asked. */
struct spf_outcome {
    enum spf_result result;
    struct slice record; /* the domain's own; empty: none was read */
    struct slice term;   /* that decided, "include:example.net ip4:192.0.2.0/24"; may be empty */
    struct slice name;   /* that has no answer: SPF_TEMPERROR */
    const char *problem; /* why it is SPF_PERMERROR or SPF_TEMPERROR, N_() words; or NULL */
    struct slice explanation; /* of SPF_FAIL, what the domain says of it: printable ASCII (§6.2) */
};

/*
 * 0 or -ECANCELED. Whatever DNS says is an outcome; so is that nobody could be asked:
 * SPF_TEMPERROR.
 */
int spf_check(const struct spf_question *question, struct arena *a, struct spf_outcome *ret) WAITS;
