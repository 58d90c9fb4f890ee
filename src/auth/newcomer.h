/* SPDX-License-Identifier: ISC */
/*
 * What throttle.h does not see: guesses at one account from ever new networks, each of which asks
 * once. Botnets do so, and so would a process that speaks with clients and was taken over: it can
 * name any address as that of its client.
 *
 * So an attempt from a network from which nobody has logged in to that account takes one of 100
 * tokens of the account; one comes back in 10 s, and at once with a success. When there is none the
 * attempt waits. Networks of the last eight from which the account was logged in to pass by, so
 * strangers lock nobody out of where he usually is.
 */
#pragma once

#include "base/tokens.h"

#define NEWCOMER_BURST    100
#define NEWCOMER_INTERVAL (10 * USEC_SEC)

/* ------------------------------------------------------------------ tokens */

/*
 * tokens_take() and tokens_give_back() for a name. It is taken as for throttle_enter(), also of who
 * does not exist; who has succeeded gives his token back.
 */
struct tokens *newcomers_new(void);
usec_t newcomers_enter(struct tokens *t, struct slice name, usec_t now, usec_t patience);
void newcomers_give_back(struct tokens *t, struct slice name);

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

/* As bytes to keep; what cannot be read is forgotten. */
struct slice known_networks_bytes(const struct known_networks *k); /* a view */
void known_networks_read(struct known_networks *k, struct slice bytes);
