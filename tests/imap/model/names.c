/* SPDX-License-Identifier: ISC */
#include "names.h"

#include <stdio.h>
#include <string.h>

#include "truth.h"

/* ------------------------------------------------------------------ one way */

struct name *tree_find(struct tree *t, const char *name) {
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->list[i].text, name) == 0)
            return &t->list[i];
    return NULL;
}

struct name *tree_add(struct tree *t, const char *name) {
    struct name *found = tree_find(t, name);
    size_t at = 0;
    if (found || t->count == NAMES_MAX)
        return found;
    while (at < t->count && strcmp(t->list[at].text, name) < 0)
        at++;
    memmove(&t->list[at + 1], &t->list[at], (t->count - at) * sizeof *t->list);
    memset(&t->list[at], 0, sizeof *t->list);
    (void)snprintf(t->list[at].text, NAME_SIZE, "%s", name);
    t->count++;
    return &t->list[at];
}

bool name_is_below(const char *name, const char *above) {
    size_t len = strlen(above);
    return strncmp(name, above, len) == 0 && (name[len] == 0 || name[len] == '/');
}

static bool is_there(struct tree *t, const char *name) {
    const struct name *e = tree_find(t, name);
    return e && e->there;
}

/* What is neither a mailbox nor subscribed is no entry. */
static void sweep(struct tree *t) {
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->list[i].there || t->list[i].subscribed)
            t->list[kept++] = t->list[i];
    memset(&t->list[kept], 0, (t->count - kept) * sizeof *t->list);
    t->count = kept;
}

static bool parent_is_there(struct tree *t, const char *name) {
    char above[NAME_SIZE];
    (void)snprintf(above, sizeof above, "%s", name);
    char *cut = strrchr(above, '/');
    if (!cut)
        return true;
    *cut = 0;
    return is_there(t, above);
}

static bool apply_create(struct tree *t, const char *name) {
    if (is_there(t, name) || !parent_is_there(t, name))
        return false;
    struct name *e = tree_add(t, name);
    if (!e)
        return false;
    e->there = 1;
    e->box = 0;
    return true;
}

static bool apply_delete(struct tree *t, const char *name) {
    struct name *e = tree_find(t, name);
    if (!e || !e->there || strcmp(name, "INBOX") == 0)
        return false;
    for (size_t i = 0; i < t->count; i++)
        if (&t->list[i] != e && t->list[i].there && name_is_below(t->list[i].text, name))
            return false;
    e->there = e->box = 0;
    sweep(t);
    return true;
}

static bool apply_rename(struct tree *t, const char *from, const char *to) {
    struct tree before = *t;
    if (!is_there(t, from) || is_there(t, to) || name_is_below(to, from) || !parent_is_there(t, to))
        return false;
    for (size_t i = 0; i < before.count; i++) {
        if (!name_is_below(before.list[i].text, from))
            continue;
        struct name *e = tree_find(t, before.list[i].text);
        e->there = e->box = e->subscribed = 0;
    }
    sweep(t);
    for (size_t i = 0; i < before.count; i++) {
        const struct name *old = &before.list[i];
        char name[2 * NAME_SIZE];
        if (!name_is_below(old->text, from))
            continue;
        (void)snprintf(name, sizeof name, "%s%s", to, old->text + strlen(from));
        struct name *e = strlen(name) < NAME_SIZE ? tree_add(t, name) : NULL;
        if (!e || (e->there && old->there))
            return false;
        e->box = old->there ? old->box : e->box;
        e->there |= old->there;
        e->subscribed |= old->subscribed;
    }
    return true;
}

static bool apply_subscribe(struct tree *t, const char *name, bool subscribed) {
    struct name *e = subscribed ? tree_add(t, name) : tree_find(t, name);
    if (subscribed && !e)
        return false;
    if (e)
        e->subscribed = subscribed;
    sweep(t);
    return true;
}

/* Whether it can be obeyed there; then it is. */
static bool apply(struct tree *t, const struct names_wish *w) {
    switch (w->verb) {
    case NAMES_CREATE:
    case NAMES_MAKE:
        return apply_create(t, w->name);
    case NAMES_DELETE:
        return apply_delete(t, w->name);
    case NAMES_RENAME:
        return apply_rename(t, w->name, w->to);
    case NAMES_RENAME_INBOX:
        return apply_create(t, w->to);
    case NAMES_SUBSCRIBE:
    case NAMES_UNSUBSCRIBE:
        return apply_subscribe(t, w->name, w->verb == NAMES_SUBSCRIBE);
    }
    return false;
}

/* ------------------------------------------------------------------ all ways */

void names_init(struct names *n, uint32_t inbox) {
    memset(n, 0, sizeof *n);
    struct name *e = tree_add(&n->ways[0].tree, "INBOX");
    e->there = 1;
    e->box = inbox;
    n->count = 1;
}

static bool is_same_way(const struct names_way *a, const struct names_way *b) {
    return a->done == b->done && a->tree.count == b->tree.count &&
           memcmp(a->tree.list, b->tree.list, sizeof a->tree.list) == 0;
}

static void add_way(struct names *n, const struct names_way *way) {
    for (size_t i = 0; i < n->count; i++)
        if (is_same_way(&n->ways[i], way))
            return;
    if (n->count == NAMES_WAYS)
        n->is_lost = true;
    else
        n->ways[n->count++] = *way;
}

/* Each way with each of the wishes obeyed that can be, in each order. */
static void spread(struct names *n) {
    for (size_t i = 0; i < n->count && !n->is_lost; i++)
        for (unsigned k = 0; k < NAMES_WISHES; k++) {
            struct names_way way = n->ways[i];
            if (!n->wishes[k].is_used || way.done >> k & 1 || !apply(&way.tree, &n->wishes[k]))
                continue;
            way.done |= 1U << k;
            add_way(n, &way);
        }
}

/* Forgets the bit of a wish, and ways that have become the same. */
static void forget_bit(struct names *n, unsigned wish) {
    size_t count = n->count;
    n->wishes[wish].is_used = false;
    n->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct names_way way = n->ways[i];
        way.done &= ~(1U << wish);
        add_way(n, &way);
    }
}

static unsigned pending(const struct names *n) {
    unsigned count = 0;
    for (size_t i = 0; i < NAMES_WISHES; i++)
        count += n->wishes[i].is_used;
    return count;
}

static int add_wish(struct names *n, enum names_verb verb, const char *name, const char *to) {
    for (unsigned i = 0; i < NAMES_WISHES; i++) {
        struct names_wish *w = &n->wishes[i];
        if (w->is_used)
            continue;
        *w = (struct names_wish){.verb = verb, .is_used = true, .of = i};
        (void)snprintf(w->name, sizeof w->name, "%s", name);
        (void)snprintf(w->to, sizeof w->to, "%s", to);
        return (int)i;
    }
    return -1;
}

int names_begin(struct names *n, enum names_verb verb, const char *name, const char *to) {
    char above[NAME_SIZE];
    bool makes = verb == NAMES_CREATE || verb == NAMES_RENAME || verb == NAMES_RENAME_INBOX;
    if (pending(n) + 4 > NAMES_WISHES / 2)
        return -1;
    n->changes++;
    int wish = add_wish(n, verb, name, to);
    (void)snprintf(above, sizeof above, "%s", verb == NAMES_CREATE ? name : to);
    for (size_t at = 0; makes && above[at]; at++) {
        if (above[at] != '/')
            continue;
        above[at] = 0;
        int made = add_wish(n, NAMES_MAKE, above, "");
        if (made >= 0)
            n->wishes[made].of = (unsigned)wish;
        above[at] = '/';
    }
    return wish;
}

static size_t add_doomed(char list[][NAME_SIZE], size_t count, size_t max, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0)
            return count;
    if (count < max)
        (void)snprintf(list[count++], NAME_SIZE, "%s", name);
    return count;
}

size_t names_doomed(const struct names *n, char list[][NAME_SIZE], size_t max) {
    size_t count = 0;
    for (unsigned k = 0; k < NAMES_WISHES; k++)
        if (n->wishes[k].is_used && n->wishes[k].verb == NAMES_DELETE)
            count = add_doomed(list, count, max, n->wishes[k].name);
    for (size_t i = 0; i < count; i++) /* it grows meanwhile */
        for (unsigned k = 0; k < NAMES_WISHES; k++) {
            const struct names_wish *w = &n->wishes[k];
            char before[NAME_SIZE * 2];
            if (!w->is_used || w->verb != NAMES_RENAME || !name_is_below(list[i], w->to))
                continue;
            (void)snprintf(before, sizeof before, "%s%s", w->name, list[i] + strlen(w->to));
            if (strlen(before) < NAME_SIZE)
                count = add_doomed(list, count, max, before);
        }
    return count;
}

static void keep(struct names *n, int wish, bool obeyed) {
    size_t kept = 0;
    for (size_t i = 0; i < n->count; i++)
        if ((n->ways[i].done >> wish & 1) == obeyed)
            n->ways[kept++] = n->ways[i];
    const struct names_wish *w = &n->wishes[wish];
    n->count = kept;
    RULE(kept > 0 || n->is_lost, "a change of the name %s (%d) to %s was %s", w->name, (int)w->verb,
         w->to,
         obeyed ? "acknowledged, and cannot have been obeyed" : "refused, and must be obeyed");
}

/* Refused with nobody else there: then there is a reason. */
static void judge_refused(struct names *n, int wish) {
    for (size_t i = 0; i < n->count; i++) {
        struct tree t = n->ways[i].tree;
        bool can = false;
        for (unsigned k = 0; k < NAMES_WISHES; k++) /* those above it first */
            if (n->wishes[k].is_used && n->wishes[k].of == (unsigned)wish && k != (unsigned)wish)
                (void)apply(&t, &n->wishes[k]);
        can = apply(&t, &n->wishes[wish]);
        if (!can)
            return;
    }
    RULE(n->is_lost, "a change of the name %s (%d) to %s was refused without a reason",
         n->wishes[wish].name, (int)n->wishes[wish].verb, n->wishes[wish].to);
}

void names_end(struct names *n, int wish, enum names_answer answer) {
    if (wish < 0)
        return;
    bool alone = true;
    n->changes++;
    for (unsigned i = 0; i < NAMES_WISHES; i++)
        alone &= !n->wishes[i].is_used || n->wishes[i].of == (unsigned)wish;
    if (answer == NAMES_NO && alone)
        judge_refused(n, wish);
    spread(n);
    if (answer == NAMES_OK || answer == NAMES_NO || answer == NAMES_DENIED)
        keep(n, wish, answer == NAMES_OK);
    for (unsigned i = 0; i < NAMES_WISHES; i++) {
        struct names_wish *w = &n->wishes[i];
        if (!w->is_used || w->of != (unsigned)wish)
            continue;
        if (answer == NAMES_OK || answer == NAMES_NO || answer == NAMES_DENIED)
            forget_bit(n, i);
        else
            w->is_orphan = true;
    }
}

void names_forget(struct names *n) {
    spread(n);
    for (unsigned i = 0; i < NAMES_WISHES; i++)
        if (n->wishes[i].is_used && n->wishes[i].is_orphan)
            forget_bit(n, i);
    n->changes++;
}

bool names_are_quiet(const struct names *n, uint64_t changes) {
    return !n->is_lost && n->changes == changes && pending(n) == 0;
}

/* ------------------------------------------------------------------ what is read */

static bool fits(struct names_way *way, const char *name, uint32_t box) {
    struct name *e = tree_find(&way->tree, name);
    if (!e || !e->there)
        return box == 0;
    for (size_t i = 0; i < way->tree.count && e->box == 0; i++)
        if (box > 0 && way->tree.list[i].box == box)
            return false;
    if (e->box == 0)
        e->box = box;
    return box > 0 && e->box == box;
}

void names_read(struct names *n, const char *name, uint32_t box) {
    size_t kept = 0;
    for (size_t i = 0; i < n->count; i++) {
        struct names_way way = n->ways[i];
        if (fits(&way, name, box))
            n->ways[kept++] = way;
    }
    RULE(kept > 0, "the name %s has mailbox %u, which cannot be", name, box);
    n->count = kept;
}

static bool is_same(const struct tree *a, const struct tree *b) {
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->list[i].text, b->list[i].text) == 0 &&
               a->list[i].there == b->list[i].there &&
               a->list[i].subscribed == b->list[i].subscribed;
    return same;
}

void names_list(struct names *n, const struct tree *seen) {
    size_t kept = 0;
    for (size_t i = 0; i < n->count; i++)
        if (is_same(&n->ways[i].tree, seen))
            n->ways[kept++] = n->ways[i];
    if (kept == 0)
        for (size_t i = 0; i < MAX(seen->count, n->ways[0].tree.count); i++)
            fprintf(stderr, "  %-20s %u %u    seen %-20s %u %u\n", n->ways[0].tree.list[i].text,
                    n->ways[0].tree.list[i].there, n->ways[0].tree.list[i].subscribed,
                    seen->list[i].text, seen->list[i].there, seen->list[i].subscribed);
    RULE(kept > 0, "names or subscriptions are not what they can be");
    n->count = kept;
}

void names_settle(struct names *n, const struct tree *seen) {
    names_forget(n);
    if (!n->is_lost)
        names_list(n, seen);
    for (size_t i = 0; i < seen->count && !n->is_lost; i++)
        names_read(n, seen->list[i].text, seen->list[i].box);
    uint64_t changes = n->changes + 1;
    memset(n, 0, sizeof *n);
    n->changes = changes;
    n->ways[0].tree = *seen;
    n->count = 1;
}

uint32_t names_box(const struct names *n, size_t way, const char *name) {
    struct tree t = n->ways[way].tree;
    const struct name *e = tree_find(&t, name);
    return e && e->there ? e->box : 0;
}
