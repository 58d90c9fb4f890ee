/* SPDX-License-Identifier: ISC */
/* Which mailbox a client has selected, and how he leaves. */
#include "act_sessions.h"

#include <inttypes.h>
#include <stdio.h>

#include "act_names.h"
#include "acts.h"
#include "fiber/fiber.h"

bool act_select(struct client *c, const char *name, bool examine) {
    char qresync[100] = "";
    struct picture *old = NULL;
    uint32_t box = names_box(&c->run->names, 0, name);
    client_unselect(c);
    if (c->qresync && box)
        old = client_picture(c, box);
    if (old && client_pick(c, 8) > 0) {
        int len =
            snprintf(qresync, sizeof qresync, " (QRESYNC (%u %" PRIu64, old->box, old->modseq);
        (void)snprintf(qresync + len, sizeof qresync - (size_t)len, "%s))",
                       client_pick(c, 3) ? "" : " 1:4294967295");
    } else {
        old = NULL;
    }
    struct command *k =
        client_begin(c, V_SELECT, "%s %s%s", examine ? "EXAMINE" : "SELECT", name, qresync);
    (void)snprintf(k->name, sizeof k->name, "%s", name);
    k->old = old;
    c->read_only = examine;
    client_finish(c);
    return !c->dropped && c->box;
}

void do_select(struct client *c) {
    char name[NAME_SIZE];
    names_choose(c, name);
    if (act_select(c, name, client_pick(c, 10) == 0))
        act_fetch_all(c);
}

void do_close(struct client *c) {
    if (!c->box)
        return;
    if (client_pick(c, 2) || c->read_only) {
        client_unselect(c);
        (void)client_begin(c, V_OTHER, "UNSELECT");
    } else {
        struct command *k = client_begin(c, V_CLOSE, "CLOSE");
        truth_expunge_begin(k->box, NULL, 0);
    }
    client_finish(c);
}

void do_idle(struct client *c) {
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
        (void)client_begin(c, V_OTHER, "LOGOUT");
        client_unselect(c);
        client_finish(c);
    }
    client_drop(c);
}
