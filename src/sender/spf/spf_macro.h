/* SPDX-License-Identifier: ISC */
/* Macro strings of SPF (RFC 7208 §7). Pure; linear in time. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "io/net.h"

/* A domain-spec: a macro string that ends like a domain name of several labels, or with a macro. */
bool spf_is_domain_spec(struct slice text);

/* A macro string; in an explanation blanks may stand in it, and the letters c, r and t. */
bool spf_is_macro_string(struct slice text, bool explanation);

/* Whether it asks for the name of the client, which costs questions. */
bool spf_asks_for_name(struct slice text);

struct spf_macro_values {
    const struct net_addr *client;
    struct slice local_part, sender_domain; /* %{l}, %{o}; %{s} is both */
    struct slice domain;                    /* %{d} */
    struct slice client_name;               /* %{p} */
    struct slice helo, host;                /* %{h}, %{r} */
    int64_t now;                            /* %{t} */
};

#define SPF_EXPANDED_MAX 16384U /* bytes; what would be longer is cut somewhere behind them */

/* Adds the string with its macros replaced. It is one, by the functions above. */
void spf_expand(struct slice text, const struct spf_macro_values *values, struct buf *to);

/*
 * A domain name out of a domain-spec, as text of dns/message.h: without its first labels where it
 * is too long (§7.3). False: it is none.
 */
bool spf_expand_name(struct slice spec, const struct spf_macro_values *values, struct arena *a,
                     struct slice *ret);
