/* SPDX-License-Identifier: ISC */
#include "inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "act_names.h"
#include "acts.h"
#include "base/alloc.h"

static void ask(struct client *c, const char *command) WAITS {
    (void)client_begin(c, V_OTHER, "%s", command);
    client_finish(c);
}

static void compare_status(struct client *c, const char *name) WAITS {
    const struct client_status *s = &c->status;
    uint64_t unseen = 0, deleted = 0, messages = c->count;
    for (size_t i = 0; i < c->count; i++) {
        unseen += !(c->list[i].flags & 1);
        deleted += (c->list[i].flags & TRUTH_DELETED) != 0;
    }
    struct command *k = client_begin(
        c, V_STATUS, "STATUS %s (UIDVALIDITY UIDNEXT MESSAGES UNSEEN DELETED SIZE HIGHESTMODSEQ)",
        name);
    (void)snprintf(k->name, sizeof k->name, "%s", name);
    client_finish(c);
    RULE(c->dropped || s->messages == messages, "STATUS of %s: %" PRIu64 " messages of %" PRIu64,
         name, s->messages, messages);
    RULE(c->dropped || (s->unseen == unseen && s->deleted == deleted),
         "STATUS of %s: %" PRIu64 " unseen of %" PRIu64 ", %" PRIu64 " deleted of %" PRIu64, name,
         s->unseen, unseen, s->deleted, deleted);
    RULE(c->dropped || s->size == c->size_sum, "STATUS of %s: %" PRIu64 " octets of %" PRIu64, name,
         s->size, c->size_sum);
}

/* A message that lies in several mailboxes counts once. */
static uint64_t sum_of_bodies(const struct run *run) {
    const struct truth *t = &run->truth;
    bool *counted = mem_zero(run->serial + 1);
    uint64_t sum = 0;
    for (size_t i = 0; i < t->box_count; i++)
        for (size_t k = 0; k < t->boxes[i]->count; k++) {
            const struct truth_message *m = t->boxes[i]->messages[k];
            if (t->boxes[i]->validity & TRUTH_ELSEWHERE || !t->boxes[i]->is_here || !m->is_here ||
                counted[m->serial])
                continue;
            _cleanup_(buf_done) struct buf text = {0};
            message_text(m->serial, &text);
            sum += text.len;
            counted[m->serial] = true;
        }
    free(counted);
    return sum;
}

/* Messages of a client's mailbox as he knows them are those that were just seen. */
static void compare_view(struct client *c) {
    size_t at = 0;
    for (size_t i = 0; i < c->box->count; i++) {
        const struct truth_message *m = c->box->messages[i];
        if (!m->is_here)
            continue;
        RULE(at < c->count && (c->list[at].uid == m->uid || c->list[at].uid == 0),
             "%s has UID %u at number %zu, where UID %u is", c->name,
             at < c->count ? c->list[at].uid : 0, at + 1, m->uid);
        const struct truth_state *s = truth_state(m, UINT64_MAX);
        RULE(c->list[at].flags == TRUTH_NOT_TOLD || !s ||
                 (c->list[at].flags == s->flags &&
                  (!c->condstore || c->list[at].modseq == s->modseq)),
             "%s has flags %x of UID %u, which are %x", c->name, c->list[at].flags, m->uid,
             s->flags);
        at++;
    }
    RULE(at == c->count, "%s has %zu messages, where %zu are", c->name, c->count, at);
}

static void look_at_boxes(struct client *c) WAITS {
    act_list(c);
    for (size_t i = 0; i < c->tree.count && !c->dropped; i++) {
        struct name *e = &c->tree.list[i];
        if (!e->there)
            continue;
        (void)act_select(c, e->text, true);
        RULE(c->dropped || c->box, "%s is listed, and cannot be selected", e->text);
        if (c->dropped)
            return;
        e->box = c->box->validity;
        c->size_sum = 0;
        act_fetch_all(c);
        if (c->count == 0)
            truth_see_all(&c->run->truth, c->box, NULL, 0, c->run->truth.now);
        compare_status(c, e->text);
    }
}

/* What has been copied to the visitor's own account. */
static void look_at_home(struct run *run) WAITS {
    struct client c;
    client_init(&c, run, 25);
    c.qresync = c.notifies = false;
    c.condstore = c.visits = true;
    client_connect(&c);
    RULE(!c.dropped && act_select(&c, NAME_HOME, true), "the visitor cannot look at his INBOX");
    act_fetch_all(&c);
    if (c.count == 0)
        truth_see_all(&run->truth, c.box, NULL, 0, run->truth.now);
    RULE(!c.dropped, "the visitor's connection was lost while all was quiet");
    client_done(&c);
}

void inspect(struct run *run, struct client *clients, size_t count) {
    struct client c;
    client_init(&c, run, 25);
    c.qresync = c.notifies = c.visits = false;
    c.condstore = true;
    client_connect(&c);
    RULE(!c.dropped, "nobody can log in");
    truth_look(&run->truth);
    look_at_boxes(&c);
    if (run->home > 0)
        look_at_home(run);
    ask(&c, "GETQUOTAROOT INBOX");
    RULE(!c.dropped, "the connection was lost while all was quiet");
    truth_settle(&run->truth);
    names_settle(&run->names, &c.tree);
    run->rights.is_known &= run->rights.writers == 0;
    run->rights.writers = 0;
    for (size_t i = 0; i < c.tree.count; i++)
        if (c.tree.list[i].there)
            act_read_note(&c, c.tree.list[i].text);
    uint64_t sum = sum_of_bodies(run);
    RULE(!run->is_exact || c.quota == (sum + 1023) / 1024 ||
             (run->is_doubled && c.quota > sum / 1024),
         "%" PRIu64 " KiB are used by the quota, and %" PRIu64 " octets there", c.quota, sum);
    RULE(!run->is_tight || sum <= MAX(run->quota, run->used),
         "%" PRIu64 " octets are there, where %" PRIu64 " may be", sum, run->quota);
    run->used = sum;
    for (size_t i = 0; i < count; i++) {
        if (clients[i].dropped)
            continue;
        act_noop(&clients[i]);
        if (!clients[i].dropped && clients[i].box)
            compare_view(&clients[i]);
    }
    client_done(&c);
}
