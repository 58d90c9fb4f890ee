/* SPDX-License-Identifier: ISC */
#include "act_names.h"

#include <stdio.h>
#include <string.h>

#include "acts.h"

static const char *const pool[] = {"a", "a/x", "a/x/y", "b", "b/x", "c", "d", "d/z"};

static void copy_name(char to[static NAME_SIZE], const char *name) {
    (void)snprintf(to, NAME_SIZE, "%s", name);
}

void names_choose(struct client *c, char name[static NAME_SIZE]) {
    const struct tree *t = &c->run->names.ways[0].tree;
    uint32_t at = client_pick(c, (uint32_t)t->count);
    if (client_pick(c, 3) == 0 || t->count == 0)
        copy_name(name, "INBOX");
    else if (client_pick(c, 20) == 0)
        copy_name(name, pool[client_pick(c, ARRAY_SIZE(pool))]);
    else
        copy_name(name, t->list[at].text);
}

#define DOOMED_MAX (4 * (size_t)NAMES_WISHES)

static void may_be_deleted(struct run *run, const char *name) {
    for (size_t i = 0; i < run->names.count; i++) {
        uint32_t box = names_box(&run->names, i, name);
        if (box)
            truth_box(&run->truth, box)->may_be_deleted = true;
        else
            run->truth.is_loose = true;
    }
}

/* All messages of the mailboxes that what is asked for may delete may go now. */
static void note_doomed(struct run *run) {
    char list[DOOMED_MAX][NAME_SIZE];
    const size_t count = names_doomed(&run->names, list, DOOMED_MAX);
    for (size_t i = 0; i < count; i++)
        may_be_deleted(run, list[i]);
    if (run->names.is_lost || count == DOOMED_MAX)
        run->truth.is_loose = true;
}

static void do_delete(struct client *c, const char *name) {
    char wire[WIRE_SIZE];
    act_leave(c);
    if (c->dropped || strcmp(name, "INBOX") == 0)
        return;
    int wish = names_begin(&c->run->names, NAMES_DELETE, name, "");
    if (wish < 0)
        return;
    note_doomed(c->run);
    struct command *k = client_begin(c, V_NAMES, "DELETE %s", client_wire(c, name, wire));
    k->names_wish = wish;
    client_finish(c);
}

static void do_rename(struct client *c, const char *from, const char *to) {
    struct truth *t = &c->run->truth;
    char wire[WIRE_SIZE], wire_to[WIRE_SIZE];
    bool inbox = strcmp(from, "INBOX") == 0;
    if (inbox && (c->visits || client_pick(c, 6) > 0))
        return;
    int wish = names_begin(&c->run->names, inbox ? NAMES_RENAME_INBOX : NAMES_RENAME, from, to);
    if (wish < 0)
        return;
    if (inbox) {
        truth_box(t, c->run->inbox)->may_be_moved = true;
        truth_coming_add(t, truth_wish(t), TRUTH_ANY, 0, 0);
    }
    note_doomed(c->run);
    struct command *k = client_begin(c, V_NAMES, "RENAME %s %s", client_wire(c, from, wire),
                                     client_wire(c, to, wire_to));
    k->of_inbox = inbox;
    k->names_wish = wish;
    client_finish(c);
}

static void do_one(struct client *c, enum names_verb verb, const char *word, const char *name) {
    char wire[WIRE_SIZE];
    int wish = names_begin(&c->run->names, verb, name, "");
    if (wish < 0)
        return;
    struct command *k = client_begin(c, V_NAMES, "%s %s", word, client_wire(c, name, wire));
    k->names_wish = wish;
    client_finish(c);
}

void do_names(struct client *c) {
    char name[NAME_SIZE];
    const char *other = pool[client_pick(c, ARRAY_SIZE(pool))];
    names_choose(c, name);
    bool full = c->run->names.ways[0].tree.count + 4 > NAMES_MAX;
    switch (client_pick(c, c->visits ? 6 : 8)) { /* a visitor's subscriptions are his own */
    case 0:
    case 1:
    case 2:
        if (!full)
            do_one(c, NAMES_CREATE, "CREATE", other);
        break;
    case 3:
        do_delete(c, name);
        break;
    case 4:
    case 5:
        if (!full && strlen(name) + strlen(other) + 1 < NAME_SIZE / 2)
            do_rename(c, name, other);
        break;
    case 6:
        if (!full)
            do_one(c, NAMES_SUBSCRIBE, "SUBSCRIBE", client_pick(c, 2) ? name : other);
        break;
    default:
        do_one(c, NAMES_UNSUBSCRIBE, "UNSUBSCRIBE", name);
    }
}

void do_status(struct client *c) {
    char name[NAME_SIZE], wire[WIRE_SIZE];
    names_choose(c, name);
    struct command *k =
        client_begin(c, V_STATUS, "STATUS %s (UIDVALIDITY UIDNEXT MESSAGES HIGHESTMODSEQ)",
                     client_wire(c, name, wire));
    act_aim(k, name);
    client_finish(c);
}

void act_list(struct client *c) {
    if (c->visits || c->notifies) /* who sees a part of them, or is told of others meanwhile */
        return;
    c->tree = (struct tree){0};
    (void)client_begin(c, V_LIST, "LIST \"\" * RETURN (SUBSCRIBED)");
    struct command *k = client_begin(c, V_LIST, "LIST (SUBSCRIBED) \"\" *");
    k->whole_tree = true;
    k->names_changes = c->run->names.changes;
    client_finish(c);
}

/* ------------------------------------------------------------------ notes and rights */

/* The mailbox that has the name, if that is certain just now; else NULL. */
static struct truth_box *sure_box(struct client *c, const char *name) {
    const struct names *n = &c->run->names;
    const uint32_t box = names_box(n, 0, name);
    bool sure = box > 0 && names_are_quiet(n, n->changes);
    for (size_t i = 1; i < n->count; i++)
        sure &= names_box(n, i, name) == box;
    return sure ? truth_known_box(&c->run->truth, box) : NULL;
}

void act_read_note(struct client *c, const char *name) {
    struct truth_box *b = sure_box(c, name);
    if (!b)
        return;
    c->note = 0;
    struct command *k = client_begin(c, V_NOTE, "GETMETADATA %s /private/comment", name);
    k->box = b;
    k->write = b->note.writes;
    k->reads = true;
    client_finish(c);
}

void do_note(struct client *c) {
    char name[NAME_SIZE];
    names_choose(c, name);
    struct truth_box *b = sure_box(c, name);
    if (!b || c->visits) /* what is private is the owner's */
        return;
    if (client_pick(c, 3) == 0) {
        act_read_note(c, name);
        return;
    }
    uint32_t value = client_pick(c, 4) > 0 ? ++c->run->notes : 0;
    struct command *k =
        value > 0 ? client_begin(c, V_NOTE, "SETMETADATA %s (/private/comment \"%u\")", name, value)
                  : client_begin(c, V_NOTE, "SETMETADATA %s (/private/comment NIL)", name);
    k->box = b;
    k->serial = value;
    k->write = truth_note_begin(b);
    client_finish(c);
}

/* Of the visitor. What he may do in the INBOX is kept, since its name stays what it is. */
void do_rights(struct client *c) {
    static const struct {
        const char *text;
        uint32_t rights;
    } lists[] = {
        {"lrswipkxtea", R_READ | R_INSERT | R_EXPUNGE | R_FLAGS | R_DELETED},
        {"lrswipkxtea", R_READ | R_INSERT | R_EXPUNGE | R_FLAGS | R_DELETED},
        {"lrswipkxtea", R_READ | R_INSERT | R_EXPUNGE | R_FLAGS | R_DELETED},
        {"lrswipkxtea", R_READ | R_INSERT | R_EXPUNGE | R_FLAGS | R_DELETED},
        {"lrs", R_READ | R_FLAGS},
        {"lri", R_READ | R_INSERT},
        {"lrtie", R_READ | R_INSERT | R_EXPUNGE | R_FLAGS | R_DELETED},
        {"l", 0},
        {"\"\"", 0},
    };
    struct run *run = c->run;
    char name[NAME_SIZE];
    if (c->visits || run->home == 0)
        return;
    names_choose(c, name);
    const size_t at = client_pick(c, ARRAY_SIZE(lists));
    struct command *k =
        client_begin(c, V_RIGHTS, "SETACL %s %s %s", name, run->visitor, lists[at].text);
    act_aim(k, name);
    k->first = lists[at].rights;
    if (strcmp(name, "INBOX") == 0) {
        run->rights.at = truth_tick(&run->truth);
        k->write = ++run->rights.writes;
        if (run->rights.writers++ > 0)
            run->rights.crossed = k->write;
    }
    client_finish(c);
}
