/* SPDX-License-Identifier: ISC */
/*
 * Tokens are kept as the moment at which all of them will be back (GCRA): taking one moves it on by
 * the interval. Names share a fixed table by a keyed hash. Two names that meet in one place share
 * its tokens, which a stranger cannot bring about without the key. A table of names in which the
 * oldest gives way would let him push a name out by asking for others, and begin anew with it.
 */
#include "auth/newcomer.h"

#include "base/alloc.h"
#include "base/siphash.h"

#define PLACES       65536U /* 512 KiB */
#define NAME_MAX_LEN 320U
#define BURST_TIME   (NEWCOMER_BURST * NEWCOMER_INTERVAL)

struct newcomers {
    usec_t full_at[PLACES];
};

struct newcomers *newcomers_new(void) {
    return NEW(struct newcomers);
}

void newcomers_free(struct newcomers *n) {
    free(n);
}

static usec_t *place_of(struct newcomers *n, struct slice name) {
    char lower[NAME_MAX_LEN];
    name = slice_first(name, sizeof lower);
    for (size_t i = 0; i < name.len; i++)
        lower[i] = ascii_lower(name.ptr[i]);
    return &n->full_at[siphash(slice_of(lower, name.len)) % PLACES];
}

usec_t newcomers_enter(struct newcomers *n, struct slice name, usec_t now, usec_t patience) {
    usec_t *full_at = place_of(n, name);
    usec_t then = MAX(*full_at, now) + NEWCOMER_INTERVAL;
    usec_t wait = MAX(then - BURST_TIME - now, (usec_t)0);
    if (wait <= patience)
        *full_at = then;
    return wait;
}

void newcomers_give_back(struct newcomers *n, struct slice name) {
    *place_of(n, name) -= NEWCOMER_INTERVAL;
}

/* ------------------------------------------------------------------ networks */

/* IPv4 behind four zeros, where no IPv6 network in use has any. */
static void network_of(struct slice peer, char ret[NETWORK_SIZE]) {
    memset(ret, 0, NETWORK_SIZE);
    if (peer.len == 4)
        memcpy(ret + 4, peer.ptr, 4);
    else
        memcpy(ret, peer.ptr, MIN(peer.len, (size_t)NETWORK_SIZE));
}

static size_t find(const struct known_networks *k, const char network[NETWORK_SIZE]) {
    size_t i = 0;
    while (i < k->count && memcmp(k->networks[i], network, NETWORK_SIZE) != 0)
        i++;
    return i;
}

bool known_networks_have(const struct known_networks *k, struct slice peer) {
    char network[NETWORK_SIZE];
    network_of(peer, network);
    return find(k, network) < k->count;
}

void known_networks_add(struct known_networks *k, struct slice peer) {
    char network[NETWORK_SIZE];
    network_of(peer, network);
    size_t at = find(k, network);
    if (at == k->count && k->count < KNOWN_NETWORKS)
        k->count++;
    memmove(k->networks[1], k->networks[0], MIN(at, KNOWN_NETWORKS - 1U) * NETWORK_SIZE);
    memcpy(k->networks[0], network, NETWORK_SIZE);
}

struct slice known_networks_bytes(const struct known_networks *k) {
    return slice_of(k->networks, k->count * NETWORK_SIZE);
}

void known_networks_read(struct known_networks *k, struct slice bytes) {
    *k = (struct known_networks){0};
    if (bytes.len % NETWORK_SIZE != 0 || bytes.len > sizeof k->networks)
        return;
    k->count = bytes.len / NETWORK_SIZE;
    if (bytes.len > 0)
        memcpy(k->networks, bytes.ptr, bytes.len);
}
