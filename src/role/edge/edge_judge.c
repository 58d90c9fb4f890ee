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
 * message that took its time, or takes a good part of the room, is judged by what is left then, and
 * the queue, through which all go, leaves the same room to one of them only (taken_room.h): of very
 * many that come together all would have room otherwise.
 *
 * Delivered-To names an address that has sent the message on already. If that address would send
 * it to another host once more, it has come back from there.
 */
#include "base/arena.h"
#include "message/header.h"
#include "role/edge/edge_message.h"

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

static uint64_t quota_of(const struct edge_smtp *m, const struct route_mailbox *mailbox) {
    uint64_t usual = m->connection->settings->conf->delivery.quota;
    uint64_t quota = mailbox->quota > 0 ? mailbox->quota : usual;
    return quota > 0 ? quota : UINT64_MAX;
}

/* Of the mailbox that can take most. */
static struct edge_room room_of(const struct edge_smtp *m, const struct route *route) {
    struct edge_room room = {0};
    for (size_t i = 0; i < route->mailbox_count; i++) {
        uint64_t quota = quota_of(m, &route->mailboxes[i]);
        room.ever = MAX(room.ever, quota);
        room.now = MAX(room.now, quota - MIN(quota, route->mailboxes[i].used));
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

/*
 * More messages than this do not come in the few seconds in which they count: so those that take a
 * smaller part of the room cannot fill it by coming together, and cost no call.
 */
#define TOGETHER_MAX 65536U

#define PLACES_MAX 8000U /* mailboxes behind these are judged, and not counted */

static void refuse(struct edge_message *l, size_t recipient, const struct smtp_reply *reply) {
    l->refusal = *reply;
    l->refusal.text = with_address(reply, l->envelope->recipients[recipient].address, &l->facts);
}

/*
 * Whether each can take the message, by what the directory says now, or has said within a second;
 * and the mailboxes of those that have a bound.
 */
static void judge_each(struct edge_message *l, uint64_t size, bool now, struct arena *a,
                       struct rpc_queue_take_room_in *ret) WAITS {
    const struct edge_smtp *m = l->smtp;
    _cleanup_(buf_done) struct buf places = {0};
    for (size_t i = 0; i < l->envelope->count && !l->refusal.code; i++) {
        _cleanup_(arena_done) struct arena asking = {0};
        struct route route;
        usec_t asked;
        int r = routes_resolve(m->connection->edge->routes, l->envelope->recipients[i].address,
                               &asking, &route, now ? NULL : &asked, NULL);
        struct edge_room room = r < 0 ? m->room : room_of(m, &route); /* he has what he had */
        struct smtp_reply reply = judge_size(&room, size);
        if (reply.code)
            refuse(l, i, &reply);
        if (r < 0 || room.now == UINT64_MAX)
            continue;
        for (size_t k = 0; k < route.mailbox_count && ret->mailboxes_count < PLACES_MAX; k++) {
            const struct route_mailbox *mailbox = &route.mailboxes[k];
            struct rpc_room place = {(uint32_t)i, mailbox->account_id, quota_of(m, mailbox),
                                     mailbox->used};
            buf_add_bytes(&places, &place, sizeof place);
            ret->mailboxes_count++;
        }
    }
    ret->mailboxes = arena_array(a, ret->mailboxes_count, sizeof *ret->mailboxes);
    if (places.len > 0)
        memcpy(ret->mailboxes, places.ptr, places.len);
}

int edge_message_fits(struct edge_message *l) {
    const struct edge_smtp *m = l->smtp;
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_queue_take_room_in in = {.id = l->id};
    struct rpc_queue_take_room_out out = {0};
    uint64_t size = l->written + l->head.len + l->bytes.len;
    in.size = size + FIELDS_IN_FRONT;
    bool late = fiber_now() - m->room.asked > ROOM_COUNTS_FOR;
    bool shares = in.size > m->room.now / TOGETHER_MAX;
    if (m->room.now != UINT64_MAX && (late || shares))
        judge_each(l, size, late || size > m->room.now / STEPS, &a, &in);
    if (l->refusal.code)
        return -E_REFUSED;
    if (!shares || in.mailboxes_count == 0)
        return 0;
    int r = call_queue_take_room(edge_link(m->connection, ROLE_QUEUE), &in, &a, &out, NULL);
    if (r < 0 || !out.full || out.place >= l->envelope->count)
        return r;
    struct edge_room none = {.ever = UINT64_MAX};
    struct smtp_reply reply = judge_size(&none, size);
    refuse(l, out.place, &reply);
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
