/* SPDX-License-Identifier: ISC */
#include "auth/newcomer.h"

#define PLACES       65536U /* 512 KiB */
#define NAME_MAX_LEN 320U

struct tokens *newcomers_new(void) {
    return tokens_new(PLACES, NEWCOMER_BURST, NEWCOMER_INTERVAL);
}

static struct slice fold(struct slice name, char lower[static NAME_MAX_LEN]) {
    return slice_lower(slice_first(name, NAME_MAX_LEN), lower);
}

usec_t newcomers_enter(struct tokens *t, struct slice name, usec_t now, usec_t patience) {
    char lower[NAME_MAX_LEN];
    return tokens_take(t, fold(name, lower), now, patience);
}

void newcomers_give_back(struct tokens *t, struct slice name) {
    char lower[NAME_MAX_LEN];
    tokens_give_back(t, fold(name, lower));
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
