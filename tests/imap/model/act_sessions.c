/* SPDX-License-Identifier: ISC */
/* Which mailbox a client has selected, and how he leaves. */
#include "act_sessions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "act_names.h"
#include "acts.h"
#include "fiber/fiber.h"

bool act_select(struct client *c, const char *name, bool examine) {
    char qresync[100] = "", wire[WIRE_SIZE];
    struct picture *old = NULL;
    uint32_t box = strcmp(name, NAME_HOME) == 0 ? c->run->home : names_box(&c->run->names, 0, name);
    if (c->notifies)
        act_leave(c);
    client_unselect(c);
    if (c->qresync && box)
        old = client_picture(c, box);
    if (old && client_pick(c, 8) > 0) {
        int len = snprintf(qresync, sizeof qresync, " (QRESYNC (%u %" PRIu64,
                           old->box & ~TRUTH_ELSEWHERE, old->modseq);
        (void)snprintf(qresync + len, sizeof qresync - (size_t)len, "%s))",
                       client_pick(c, 3) ? "" : " 1:4294967295");
    } else {
        old = NULL;
    }
    struct command *k = client_begin(c, V_SELECT, "%s %s%s", examine ? "EXAMINE" : "SELECT",
                                     client_wire(c, name, wire), qresync);
    act_aim(k, name);
    k->old = old;
    c->read_only = examine;
    client_finish(c);
    return !c->dropped && c->box;
}

void do_select(struct client *c) {
    char name[NAME_SIZE];
    names_choose(c, name);
    if (c->visits && client_pick(c, 5) == 0)
        (void)snprintf(name, NAME_SIZE, "%s", NAME_HOME);
    if (act_select(c, name, client_pick(c, 10) == 0))
        act_fetch_all(c);
}

void act_leave(struct client *c) {
    if (!c->box)
        return;
    (void)client_begin(c, V_LEAVE, "UNSELECT");
    client_finish(c);
}

void do_close(struct client *c) {
    if (client_pick(c, 2) || c->read_only) {
        act_leave(c);
        return;
    }
    if (!c->box)
        return;
    struct command *k = client_begin(c, V_CLOSE, "CLOSE");
    truth_expunge_begin(k->box, NULL, 0);
    client_finish(c);
}

void do_idle(struct client *c) {
    if (c->notifies && client_pick(c, 2)) {
        client_listen(c, client_pick(c, 30 * USEC_MS));
        return;
    }
    (void)client_begin(c, V_IDLE, "IDLE");
    if (!client_wait_plus(c))
        return;
    client_listen(c, client_pick(c, 30 * USEC_MS));
    if (c->dropped)
        return;
    client_trace(c, '>', S("DONE"));
    stream_write(c->stream, S("DONE\r\n"));
    act_learn(c);
}

void do_drop(struct client *c) {
    if (client_pick(c, 2)) {
        act_leave(c);
        (void)client_begin(c, V_OTHER, "LOGOUT");
        client_finish(c);
    }
    client_drop(c);
}
