/* SPDX-License-Identifier: ISC */
#include "auth/newcomer.h"

#include "base/alloc.h"

#define NAMES        65536U /* 512 KiB */
#define SITES        16384U
#define NAME_MAX_LEN 320U
#define IPV6_SITE    6U /* bytes: 48 bits, which one customer may have */

struct newcomers {
    struct tokens *names, *networks;
};

struct newcomers *newcomers_new(void) {
    struct newcomers *n = NEW(struct newcomers);
    n->names = tokens_new(NAMES, NEWCOMER_BURST, NEWCOMER_INTERVAL);
    n->networks = tokens_new(SITES, NEWCOMER_NETWORK_BURST, NEWCOMER_NETWORK_INTERVAL);
    return n;
}

void newcomers_free(struct newcomers *n) {
    if (!n)
        return;
    tokens_free(n->names);
    tokens_free(n->networks);
    free(n);
}

static struct slice fold(struct slice name, char lower[static NAME_MAX_LEN]) {
    return slice_lower(slice_first(name, NAME_MAX_LEN), lower);
}

static struct slice site_of(struct slice network) {
    return network.len > 4 ? slice_first(network, IPV6_SITE) : network;
}

usec_t newcomers_enter(struct newcomers *n, struct slice network, struct slice name, usec_t now,
                       usec_t patience, bool *ret_network) {
    char lower[NAME_MAX_LEN];
    usec_t of_network = tokens_take(n->networks, site_of(network), now, patience);
    *ret_network = of_network > patience;
    if (*ret_network) /* and keeps its hands off the tokens of others */
        return of_network;
    usec_t of_name = tokens_take(n->names, fold(name, lower), now, patience);
    if (of_name > patience)
        tokens_give_back(n->networks, site_of(network));
    *ret_network = of_network > of_name;
    return MAX(of_network, of_name);
}

void newcomers_give_back(struct newcomers *n, struct slice network, struct slice name) {
    char lower[NAME_MAX_LEN];
    tokens_give_back(n->names, fold(name, lower));
    tokens_give_back(n->networks, site_of(network));
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

void known_networks_join(struct known_networks *k, const struct known_networks *earlier) {
    for (size_t i = 0; i < earlier->count && k->count < KNOWN_NETWORKS; i++)
        if (find(k, earlier->networks[i]) == k->count)
            memcpy(k->networks[k->count++], earlier->networks[i], NETWORK_SIZE);
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
