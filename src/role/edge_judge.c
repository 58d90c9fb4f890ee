/* SPDX-License-Identifier: ISC */
/*
 * What a message is refused for before its 250, so that no bounce is needed afterwards, which a
 * stranger could aim at anybody: mailboxes that cannot take it, and a way that goes in a circle.
 *
 * What mailboxes hold is known as far as the directory was told, a fraction of a second ago. A
 * recipient who leads to several mailboxes is refused when none of them has room; one that leads on
 * to another host never is. To strangers the room that is left is told in steps of a part of the
 * quota, rounded up: to the byte they could follow when somebody reads his mail. What lies between
 * is judged when the message is there, like a size that was not announced: then it is refused for
 * all recipients, if one of them cannot take it, since SMTP knows no other answer. A user hears it
 * so as well: his program shows the sentence at once, and he can send without that recipient. A
 * message that took its time, or takes a good part of the room, is judged by what is left then: of
 * very many that were begun together all would have room otherwise.
 *
 * Delivered-To names an address that has sent the message on already. If that address would send
 * it to another host once more, it has come back from there.
 */
#include "base/arena.h"
#include "message/header.h"
#include "role/edge_message.h"

#define FIELDS_IN_FRONT 1024U /* bytes, about: what is put in front of a message on its way */

/* ------------------------------------------------------------------ the relay rule */

bool edge_is_trusted(const struct edge_smtp *m) {
    const struct edge_connection *c = m->connection;
    return conf_networks_have(&c->settings->conf->smtp.trusted_networks, &c->peer);
}

bool edge_may_relay(const struct edge_smtp *m) {
    return m->account != 0 || edge_is_trusted(m);
}

/* ------------------------------------------------------------------ room */

#define STEPS           16U      /* of a quota, in which strangers learn what is left of it */
#define ROOM_COUNTS_FOR USEC_SEC /* then others may have taken it */

void edge_room_begin(struct edge_smtp *m) {
    m->room = (struct edge_room){UINT64_MAX, UINT64_MAX, 0};
    m->leads_on = false;
}

/* As a stranger may know it. A mailbox that could take no message at all is full for him too. */
static uint64_t rounded(uint64_t room, uint64_t quota) {
    uint64_t step = quota / STEPS + 1;
    return room < FIELDS_IN_FRONT || quota == UINT64_MAX ? room : (room + step - 1) / step * step;
}

/* Of the mailbox that can take most. */
static struct edge_room room_of(const struct edge_smtp *m, const struct route *route) {
    struct edge_room room = {0};
    uint64_t usual = m->connection->settings->conf->delivery.quota;
    for (size_t i = 0; i < route->mailbox_count; i++) {
        const struct route_mailbox *mailbox = &route->mailboxes[i];
        uint64_t quota = mailbox->quota > 0 ? mailbox->quota : usual;
        if (quota == 0)
            quota = UINT64_MAX;
        room.ever = MAX(room.ever, quota);
        room.now = MAX(room.now, quota - MIN(quota, mailbox->used));
    }
    if (route->forward_count > 0 || route->mailbox_count == 0)
        room = (struct edge_room){UINT64_MAX, UINT64_MAX, 0};
    return room;
}

/* What is said when the message is there, of one recipient of perhaps many. */
static struct smtp_reply judge_size(const struct edge_room *room, uint64_t size) {
    uint64_t needs = size + FIELDS_IN_FRONT;
    if (size > 0 && needs > room->ever)
        return SMTP_REPLY(552, 5, 2, 3,
                          "The message is larger than the mailbox of a recipient may hold");
    if (needs > room->now)
        return SMTP_REPLY(452, 4, 2, 2,
                          "The mailbox of a recipient is too full for the message; try again "
                          "later, or each recipient "
                          "in a message of his own");
    return (struct smtp_reply){0};
}

/* The mailbox by the address that the client gave, wherever that leads. */
static struct slice with_address(const struct smtp_reply *reply, struct slice address,
                                 struct arena *a) {
    if (reply->code == 552)
        return arena_printf(a, "The message is larger than the mailbox of %.*s may hold",
                            SLICE_ARG(address));
    return arena_printf(a,
                        "The mailbox of %.*s is too full for the message; try again when its "
                        "owner has deleted messages or has been given more room",
                        SLICE_ARG(address));
}

struct smtp_reply edge_room_judge(struct edge_smtp *m, struct slice address,
                                  const struct route *route, usec_t asked, uint64_t size,
                                  struct arena *a) {
    struct edge_room room = room_of(m, route), told = room;
    if (!edge_may_relay(m))
        told.now = MIN(rounded(room.now, room.ever), room.ever);
    struct smtp_reply reply = judge_size(&told, size);
    if (reply.code) {
        reply.text = with_address(&reply, address, a);
    } else {
        if (m->room.asked == 0 || asked < m->room.asked)
            m->room.asked = asked;
        m->room.ever = MIN(m->room.ever, room.ever);
        m->room.now = MIN(m->room.now, room.now);
        m->leads_on |= route->forward_count > 0;
    }
    return reply;
}

/* What is left for one recipient now; whoever cannot be asked has what he had: false. */
static bool ask_again(struct edge_smtp *m, struct slice address, struct arena *a,
                      struct edge_room *ret) WAITS {
    struct route route;
    if (routes_resolve(m->connection->edge->routes, address, a, &route, NULL, NULL) < 0)
        return false;
    *ret = room_of(m, &route);
    return true;
}

/* Whoever is refused can do something about it only if he knows at whom: the first such one. */
static void name_whom(struct edge_message *l, uint64_t size) WAITS {
    for (size_t i = 0; i < l->envelope->count; i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct slice address = l->envelope->recipients[i].address;
        struct edge_room room;
        if (!ask_again(l->smtp, address, &a, &room) ||
            judge_size(&room, size).code != l->refusal.code)
            continue;
        l->refusal.text = with_address(&l->refusal, address, &l->facts);
        return;
    }
}

int edge_message_fits(struct edge_message *l) {
    struct edge_smtp *m = l->smtp;
    uint64_t size = l->written + l->head.len + l->bytes.len;
    bool late = fiber_now() - m->room.asked > ROOM_COUNTS_FOR, large = size > m->room.now / STEPS;
    bool again = m->room.now != UINT64_MAX && (late || large);
    for (size_t i = 0; again && i < l->envelope->count; i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct edge_room room;
        if (ask_again(m, l->envelope->recipients[i].address, &a, &room))
            m->room.now = MIN(m->room.now, room.now);
    }
    l->refusal = judge_size(&m->room, size);
    if (!l->refusal.code)
        return 0;
    name_whom(l, size);
    return -E_REFUSED;
}

/* ------------------------------------------------------------------ loops */

struct recipients {
    struct map by_text; /* in lower case */
};

static void recipients_done(struct recipients *r) {
    map_done(&r->by_text);
}

static int judge_recipient(struct edge_message *l, struct slice address) WAITS {
    struct route route;
    usec_t asked;
    int r =
        routes_resolve(l->smtp->connection->edge->routes, address, &l->facts, &route, &asked, NULL);
    if (r < 0 || route.forward_count == 0)
        return r;
    l->refusal = SMTP_REPLY(554, 5, 4, 6, "");
    l->refusal.text = arena_printf(&l->facts,
                                   "The message has been sent on by %.*s already: it goes round in "
                                   "a circle between mail systems",
                                   SLICE_ARG(address));
    return -E_REFUSED;
}

int edge_message_loops(struct edge_message *l) {
    _cleanup_(recipients_done) struct recipients recipients = {0};
    struct header_cursor c = {.message = buf_slice(&l->bytes)};
    struct header_field field;
    bool listed = false;
    int r = 0;
    while (r == 0 && header_next(&c, &field)) {
        if (!header_is(&field, S("Delivered-To")))
            continue;
        l->sent_on = true;
        for (size_t i = 0; !listed && i < l->envelope->count; i++)
            (void)map_put(&recipients.by_text,
                          arena_lower(&l->facts, l->envelope->recipients[i].address), l);
        listed = true;
        struct slice named = slice_trim_lines(field.raw);
        if (named.len > 320)
            continue;
        named = arena_lower(&l->facts, named);
        if (map_remove(&recipients.by_text, named))
            r = judge_recipient(l, named);
        if (recipients.by_text.count == 0)
            break;
    }
    return r;
}
