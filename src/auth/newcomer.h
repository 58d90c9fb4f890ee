/* SPDX-License-Identifier: ISC */
/*
 * What throttle.h does not see. Guesses at one account from ever new networks, each of which asks
 * once: botnets do so, and so would a process that speaks with clients and was taken over: it can
 * name any address as that of its client. And guesses of one network at ever new accounts, with the
 * passwords that are chosen most often; each costs a hash, whether there is such an account or not.
 *
 * So an attempt from a network from which nobody has logged in to that account takes one of 100
 * tokens of the account; one comes back in 10 s, and at once with a success. It also takes one of
 * 300 of the network, of which one comes back in a second: many may have a new server and an old
 * password behind one address. When there is none the attempt waits. Networks of the last eight
 * from which the account was logged in to pass by, so strangers lock nobody out of where he usually
 * is.
 */
#pragma once

#include "base/tokens.h"

#define NEWCOMER_BURST    100
#define NEWCOMER_INTERVAL (10 * USEC_SEC)

#define NEWCOMER_NETWORK_BURST    300
#define NEWCOMER_NETWORK_INTERVAL USEC_SEC

/* ------------------------------------------------------------------ tokens */

struct newcomers;

struct newcomers *newcomers_new(void);
void newcomers_free(struct newcomers *n);
DEFINE_CLEANUP(struct newcomers, newcomers_free)

/*
 * How long an attempt has to wait for both tokens, 0 when they are there. They are taken when that
 * is at most `patience`. `network` has 4 or 16 bytes, of which those of a site count; the name is
 * taken as for throttle_enter(), also of who does not exist. `ret_network`: it is the network's
 * token that keeps the attempt waiting.
 */
usec_t newcomers_enter(struct newcomers *n, struct slice network, struct slice name, usec_t now,
                       usec_t patience, bool *ret_network);

/* He has succeeded. */
void newcomers_give_back(struct newcomers *n, struct slice network, struct slice name);

/* ------------------------------------------------------------------ networks of an account */

#define KNOWN_NETWORKS 8
#define NETWORK_SIZE   8U /* an IPv4 address, or the /64 of an IPv6 one */

/* The latest first. All zero: none. */
struct known_networks {
    size_t count;
    char networks[KNOWN_NETWORKS][NETWORK_SIZE];
};

/* `peer` has 4 or 16 bytes. */
bool known_networks_have(const struct known_networks *k, struct slice peer);
void known_networks_add(struct known_networks *k, struct slice peer); /* or moves it to the front */

/* Adds those of earlier times behind its own, as many as there is room for. */
void known_networks_join(struct known_networks *k, const struct known_networks *earlier);

/* As bytes to keep; what cannot be read is forgotten. */
struct slice known_networks_bytes(const struct known_networks *k); /* a view */
void known_networks_read(struct known_networks *k, struct slice bytes);
