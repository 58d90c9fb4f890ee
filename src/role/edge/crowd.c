/* SPDX-License-Identifier: ISC */
#include "role/edge/crowd.h"

#include "base/alloc.h"

#define IPV6_PLACE 8U /* bytes */
#define IPV6_SITE  6U
#define SITE_SHARE 16U /* of a place */

struct crowd_place {
    struct net_addr addr;
    size_t key_len;
    struct crowd_place *site; /* of an IPv6 place, or NULL */
    unsigned count, kinds[CROWD_KINDS];
};

static struct slice place_key(const struct net_addr *a, size_t len) {
    return a->any.sa_family == AF_INET6 ? slice_of(&a->in6.sin6_addr, len)
                                        : slice_of(&a->in.sin_addr, 4);
}

static struct crowd_place *place_enter(struct crowd *c, const struct net_addr *peer, size_t key_len,
                                       enum crowd_kind kind) {
    struct crowd_place *place = map_get(&c->places, place_key(peer, key_len));
    if (!place) {
        place = NEW(struct crowd_place);
        place->addr = *peer;
        place->key_len = key_len;
        (void)map_put(&c->places, place_key(&place->addr, key_len), place);
    }
    place->count++;
    place->kinds[kind]++;
    return place;
}

static void place_leave(struct crowd *c, struct crowd_place *place, enum crowd_kind kind) {
    if (!place)
        return;
    place->kinds[kind]--;
    if (--place->count > 0)
        return;
    (void)map_remove(&c->places, place_key(&place->addr, place->key_len));
    free(place);
}

static unsigned smtp_count(const struct crowd *c) {
    return c->kinds[CROWD_STRANGERS] + c->kinds[CROWD_SENDERS];
}

/* What one address, its site and all together may have; known networks only the last. */
static enum crowd_verdict judge(const struct crowd *c, const struct crowd_place *place,
                                enum crowd_kind kind, const struct conf *conf) {
    const struct net_addr *peer = &place->addr;
    unsigned each = 0, all = conf->smtp.connections_max, count = smtp_count(c);
    switch (kind) {
    case CROWD_STRANGERS:
        each = conf->smtp.connections_per_address;
        all -= all / 5; /* the rest is kept for users */
        break;
    case CROWD_SENDERS:
        each = conf->submission.connections_per_address;
        break;
    case CROWD_READERS:
        each = conf->pop3.connections_per_address;
        all = conf->pop3.connections_max;
        count = c->kinds[kind];
        break;
    case CROWD_KEEPERS:
        each = conf->imap.connections_per_address;
        all = conf->imap.connections_max;
        count = c->kinds[kind];
        break;
    case CROWD_KINDS:
        break;
    }
    bool many =
        place->kinds[kind] > each || (place->site && place->site->kinds[kind] > SITE_SHARE * each);
    if (many && !net_is_loopback(peer) && !conf_networks_have(&conf->smtp.trusted_networks, peer))
        return CROWD_TOO_MANY;
    return count > all ? CROWD_FULL : CROWD_WELCOME;
}

enum crowd_verdict crowd_enter(struct crowd *c, const struct net_addr *peer, enum crowd_kind kind,
                               const struct conf *conf, struct crowd_place **ret_place) {
    struct crowd_place *place = place_enter(c, peer, IPV6_PLACE, kind);
    if (peer->any.sa_family == AF_INET6)
        place->site = place_enter(c, peer, IPV6_SITE, kind);
    c->count++;
    c->kinds[kind]++;
    *ret_place = place;
    return judge(c, place, kind, conf);
}

void crowd_log_in(struct crowd *c, struct crowd_place **place, enum crowd_kind kind) {
    struct crowd_place *site = *place ? (*place)->site : NULL;
    place_leave(c, TAKE_PTR(*place), kind);
    place_leave(c, site, kind);
}

void crowd_leave(struct crowd *c, struct crowd_place *place, enum crowd_kind kind) {
    crowd_log_in(c, &place, kind);
    c->count--;
    c->kinds[kind]--;
}

bool crowd_is_dense(const struct crowd *c, const struct conf *conf) {
    return smtp_count(c) > conf->smtp.connections_max / 5 * 3;
}
