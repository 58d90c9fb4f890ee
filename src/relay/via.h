/* SPDX-License-Identifier: ISC */
/*
 * Which way the settings send the messages for a domain: by a route of the domain or of one above
 * it, by the smart host, or as DNS says. The relay goes by it, the queue puts together what goes
 * to the same place, and `hayauma route` shows it. Pure.
 */
#pragma once

#include "conf/conf.h"
#include "relay/relay.h"

struct relay_via {
    struct slice rule;      /* "relay.route .example.jp", "relay.smart-host"; empty: DNS */
    struct dns_next_hop to; /* of the domain itself, port and all, where DNS says */
    bool fixed;             /* `to` is a host of the settings */
    struct slice host;      /* then: as the settings have it, an address without brackets */
    enum relay_tls tls;
    bool policies;     /* the settings leave TLS to what the domain itself says of it (DANE) */
    bool tls_first;    /* TLS begins at once */
    struct slice user; /* to log in there; empty: none */

    /*
     * What all that goes the same way shares: the domain, or "relay.example.jp:587 as lab", or,
     * where the settings demand more or less of TLS than is usual, "relay.example.jp, tls=verify".
     */
    struct slice destination;
};

/* `domain` is behind the "@", in any case. Borrows from both. */
void relay_via_find(const struct conf *conf, struct slice domain, struct arena *a,
                    struct relay_via *ret);

/*
 * Whether messages for a domain go to that destination by these settings: whoever put them together
 * may have had others.
 */
bool relay_via_leads_to(const struct conf *conf, struct slice domain, struct slice destination);

const char *relay_tls_word(enum relay_tls tls); /* "may", "verify": as the settings have it */

/* Whether some way demands a verified certificate. */
bool relay_via_verifies(const struct conf *conf);

/*
 * The password of a user at a host in the text of relay.password-file: lines "HOST USER PASSWORD",
 * '#' begins a comment, the password is all behind the user. ptr NULL: it has none.
 */
struct slice relay_password_find(struct slice text, struct slice host, struct slice user);
