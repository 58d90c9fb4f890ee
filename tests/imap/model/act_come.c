/* SPDX-License-Identifier: ISC */
#include "act_come.h"

#include <stdio.h>

#include "act_names.h"
#include "acts.h"
#include "base/alloc.h"
#include "fiber/fiber.h"
#include "trace.h"

static struct truth *truth(struct client *c) {
    return &c->run->truth;
}

/* A mailbox to which messages go; a visitor's may be his own. */
static void choose_target(struct client *c, char name[static NAME_SIZE]) {
    names_choose(c, name);
    if (c->visits && client_pick(c, 3) == 0)
        (void)snprintf(name, NAME_SIZE, "%s", NAME_HOME);
}

void act_send_copy(struct client *c, bool by_number) {
    _cleanup_(buf_done) struct buf set = {0};
    struct command chosen = {0};
    char name[NAME_SIZE], wire[WIRE_SIZE];
    if (!act_choose(c, &chosen, by_number, &set))
        return;
    bool move = client_pick(c, 2);
    choose_target(c, name);
    struct command *k =
        client_begin(c, move ? V_MOVE : V_COPY, "%s%s %s %s", by_number ? "" : "UID ",
                     move ? "MOVE" : "COPY", buf_str(&set), client_wire(c, name, wire));
    act_hand_over(k, &chosen, by_number && !move);
    act_aim(k, name);
    const bool from_home = k->box->validity & TRUTH_ELSEWHERE;
    k->crosses = k->at_home != from_home;
    c->run->is_doubled |= k->crosses && from_home;
    k->wish = truth_wish(truth(c));
    for (size_t i = 0; i < k->uid_count; i++) {
        struct truth_message *m = truth_message(k->box, k->uids[i]);
        if (!m)
            continue;
        m->may_move |= move;
        m->crossings += move && k->crosses;
        /* What goes to another account is there before it leaves. */
        truth_coming_add(truth(c), k->wish, m->serial, move && !k->crosses ? k->box->validity : 0,
                         m->uid);
    }
}

void act_send_expunge(struct client *c) {
    _cleanup_(buf_done) struct buf set = {0};
    struct command chosen = {0};
    if (!c->box || c->read_only)
        return;
    struct command *k;
    if (client_pick(c, 3) == 0) {
        k = client_begin(c, V_EXPUNGE, "EXPUNGE");
    } else {
        if (!act_choose(c, &chosen, false, &set))
            return;
        k = client_begin(c, V_EXPUNGE, "UID EXPUNGE %s", buf_str(&set));
        act_hand_over(k, &chosen, false);
    }
    truth_expunge_begin(k->box, k->uids, k->uid_count);
}

/* The beginning of an APPEND; its text is in `text`. */
static struct command *begin_append(struct client *c, struct buf *text, const char *sign) {
    _cleanup_(buf_done) struct buf flags = {0};
    char name[NAME_SIZE], wire[WIRE_SIZE];
    uint32_t serial = ++c->run->serial;
    uint32_t bits = act_flags(c, 8);
    choose_target(c, name);
    flags_text(bits, &flags);
    message_text(serial, text);
    bool catenate = client_pick(c, 6) == 0;
    struct command *k =
        client_begin(c, V_APPEND, "APPEND %s (%s) %s{%zu%s}", client_wire(c, name, wire),
                     buf_str(&flags), catenate ? "CATENATE (TEXT " : "", text->len, sign);
    if (catenate)
        buf_add_byte(text, ')');
    act_aim(k, name);
    k->serial = serial;
    k->first = bits;
    k->wish = truth_wish(truth(c));
    truth_coming_add(truth(c), k->wish, serial, 0, 0);
    return k;
}

/* MULTIAPPEND: one more, with the flags of the first. */
static void add_message(struct client *c, struct command *k, struct buf *text) {
    _cleanup_(buf_done) struct buf message = {0}, flags = {0};
    uint32_t serial = ++c->run->serial;
    flags_text(k->first, &flags);
    message_text(serial, &message);
    buf_printf(text, " (%s) {%zu+}\r\n", buf_str(&flags), message.len);
    buf_add(text, buf_slice(&message));
    k->more++;
    truth_coming_add(truth(c), k->wish, serial, 0, 0);
}

/* The next message is none that is large: who sends one without reading what comes meanwhile may
 * wait for ever. */
static void skip_large(struct run *run) {
    while (message_is_large(run->serial + 1))
        run->serial++;
}

static void send_text(struct client *c, const struct buf *text) {
    if (!c->stream || c->dropped)
        return;
    stream_write(c->stream, buf_slice(text));
    stream_write(c->stream, S("\r\n"));
}

void act_send_append(struct client *c) {
    _cleanup_(buf_done) struct buf text = {0};
    skip_large(c->run);
    struct command *k = begin_append(c, &text, "+");
    while (client_pick(c, 3) == 0 && c->run->serial == k->serial + k->more &&
           !message_is_large(c->run->serial + 1))
        add_message(c, k, &text);
    send_text(c, &text);
}

/* A message in place of another one, which may be in another mailbox (RFC 8508). */
void do_replace(struct client *c) {
    _cleanup_(buf_done) struct buf text = {0}, flags = {0};
    char name[NAME_SIZE], wire[WIRE_SIZE];
    if (!c->box || c->read_only || c->count == 0 || c->box->validity & TRUTH_ELSEWHERE)
        return;
    uint32_t uid = c->list[client_pick(c, (uint32_t)c->count)].uid;
    struct truth_message *old = truth_message(c->box, uid);
    if (!old)
        return;
    skip_large(c->run);
    uint32_t serial = ++c->run->serial, bits = act_flags(c, 8);
    names_choose(c, name);
    flags_text(bits, &flags);
    message_text(serial, &text);
    old->may_be_taken = true;
    struct command *k = client_begin(c, V_REPLACE, "UID REPLACE %u %s (%s) {%zu+}", uid,
                                     client_wire(c, name, wire), buf_str(&flags), text.len);
    act_aim(k, name);
    k->uids = mem_array(1, sizeof *k->uids);
    k->uids[k->uid_count++] = uid;
    k->serial = serial;
    k->first = bits;
    k->wish = truth_wish(truth(c));
    truth_coming_add(truth(c), k->wish, serial, 0, 0);
    send_text(c, &text);
    act_learn(c);
}

void do_append(struct client *c) {
    _cleanup_(buf_done) struct buf text = {0};
    bool breaks_off = client_pick(c, 8) == 0;
    (void)begin_append(c, &text, "");
    if (!client_wait_plus(c)) {
        client_finish(c);
        return;
    }
    size_t len = breaks_off ? client_pick(c, (uint32_t)text.len) : text.len;
    for (size_t at = 0, piece; at < len; at += piece) {
        piece = 1 + client_pick(c, 40000);
        piece = MIN(len - at, piece);
        stream_write(c->stream, slice_of(text.ptr + at, piece));
        (void)stream_flush(c->stream);
        (void)fiber_sleep(client_pick(c, 3 * USEC_MS));
    }
    if (breaks_off) {
        client_drop(c);
        return;
    }
    stream_write(c->stream, S("\r\n"));
    client_finish(c);
}

void do_copy(struct client *c) {
    act_send_copy(c, client_pick(c, 2) && !c->notifies);
    act_learn(c);
}

void do_expunge(struct client *c) {
    act_send_expunge(c);
    act_learn(c);
}

void do_deliver(struct client *c) {
    struct run *run = c->run;
    uint32_t serial = ++run->serial;
    unsigned wish = truth_wish(&run->truth);
    truth_coming_add(&run->truth, wish, serial, 0, 0);
    trace_line(run->trace, "%s  (message %u is delivered)", c->name, serial);
    if (run->deliver(run, wish, serial))
        truth_wish_over(&run->truth, wish);
}
