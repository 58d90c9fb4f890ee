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

/* All messages of the mailboxes that the name may have may go now. */
static void may_be_deleted(struct client *c, const char *name) {
    struct run *run = c->run;
    for (size_t i = 0; i < run->names.count; i++) {
        uint32_t box = names_box(&run->names, i, name);
        if (box)
            truth_box(&run->truth, box)->may_be_deleted = true;
        else
            run->truth.is_loose = true;
    }
    if (run->names.is_lost)
        run->truth.is_loose = true;
}

static void leave(struct client *c) {
    if (!c->box)
        return;
    client_unselect(c);
    (void)client_begin(c, V_OTHER, "UNSELECT");
    client_finish(c);
}

static void do_delete(struct client *c, const char *name) {
    leave(c);
    if (c->dropped || strcmp(name, "INBOX") == 0)
        return;
    int wish = names_begin(&c->run->names, NAMES_DELETE, name, "");
    if (wish < 0)
        return;
    may_be_deleted(c, name);
    struct command *k = client_begin(c, V_NAMES, "DELETE %s", name);
    k->names_wish = wish;
    client_finish(c);
}

static void do_rename(struct client *c, const char *from, const char *to) {
    struct truth *t = &c->run->truth;
    bool inbox = strcmp(from, "INBOX") == 0;
    if (inbox && client_pick(c, 6) > 0)
        return;
    int wish = names_begin(&c->run->names, inbox ? NAMES_RENAME_INBOX : NAMES_RENAME, from, to);
    if (wish < 0)
        return;
    if (inbox) {
        truth_box(t, c->run->inbox)->may_be_moved = true;
        truth_coming_add(t, truth_wish(t), TRUTH_ANY, 0, 0);
    }
    struct command *k = client_begin(c, V_NAMES, "RENAME %s %s", from, to);
    k->of_inbox = inbox;
    k->names_wish = wish;
    client_finish(c);
}

static void do_one(struct client *c, enum names_verb verb, const char *word, const char *name) {
    int wish = names_begin(&c->run->names, verb, name, "");
    if (wish < 0)
        return;
    struct command *k = client_begin(c, V_NAMES, "%s %s", word, name);
    k->names_wish = wish;
    client_finish(c);
}

void do_names(struct client *c) {
    char name[NAME_SIZE];
    const char *other = pool[client_pick(c, ARRAY_SIZE(pool))];
    names_choose(c, name);
    bool full = c->run->names.ways[0].tree.count + 4 > NAMES_MAX;
    switch (client_pick(c, 8)) {
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
    char name[NAME_SIZE];
    names_choose(c, name);
    struct command *k =
        client_begin(c, V_STATUS, "STATUS %s (UIDVALIDITY UIDNEXT MESSAGES HIGHESTMODSEQ)", name);
    (void)snprintf(k->name, sizeof k->name, "%s", name);
    client_finish(c);
}

void act_list(struct client *c) {
    c->tree = (struct tree){0};
    (void)client_begin(c, V_LIST, "LIST \"\" * RETURN (SUBSCRIBED)");
    struct command *k = client_begin(c, V_LIST, "LIST (SUBSCRIBED) \"\" *");
    k->whole_tree = true;
    k->names_changes = c->run->names.changes;
    client_finish(c);
}
