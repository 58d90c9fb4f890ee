/* SPDX-License-Identifier: ISC */
#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/macro.h"

/* ------------------------------------------------------------------ the bytes of a message */

#define SHORTEST 80U
#define LARGE    150000U /* every 31st message is so much longer */

uint64_t model_size(uint32_t serial) {
    return SHORTEST + serial + (serial % 31 == 0 ? LARGE : 0);
}

uint32_t model_serial(uint64_t size) {
    uint64_t serial = size - SHORTEST - (size > LARGE ? LARGE : 0);
    return serial > 0 && serial < MODEL_SERIALS && model_size((uint32_t)serial) == size
               ? (uint32_t)serial
               : 0;
}

void model_bytes(uint32_t serial, char *to) {
    uint64_t size = model_size(serial);
    uint32_t noise = serial * 2654435761U + 1;
    for (uint64_t i = 0; i < size; i++) {
        noise = noise * 1664525U + 1013904223U;
        to[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : (char)('!' + (noise >> 24) % 90);
    }
    char head[SHORTEST];
    int len = snprintf(head, sizeof head, "Subject: message %" PRIu32 "\r\n\r\n", serial);
    memcpy(to, head, (size_t)len);
}

#define LARGE_VALUE 3000U /* every 4th value is so much longer */

uint32_t model_value_size(uint32_t value) {
    return value + (value % 4 == 0 ? LARGE_VALUE : 0);
}

uint32_t model_value_of(uint32_t size) {
    uint32_t value = size - (size > LARGE_VALUE ? LARGE_VALUE : 0);
    return value > 0 && model_value_size(value) == size ? value : 0;
}

void model_value(uint32_t value, char *to) {
    for (uint32_t i = 0; i < model_value_size(value); i++)
        to[i] = (char)(value * 7 + i * i);
}

/* ------------------------------------------------------------------ mailboxes */

struct model_mailbox *model_mailbox(struct model *m, uint32_t id) {
    for (size_t i = 0; i < m->count; i++)
        if (m->mailboxes[i].id == id)
            return &m->mailboxes[i];
    return NULL;
}

struct model_entry *model_entry(struct model_mailbox *m, uint32_t uid) {
    for (size_t i = 0; i < m->count; i++)
        if (m->entries[i].uid == uid)
            return &m->entries[i];
    return NULL;
}

struct model_mailbox *model_named(struct model *m, uint32_t parent, const char *name) {
    for (size_t i = 0; i < m->count; i++)
        if (m->mailboxes[i].parent == parent && strcmp(m->mailboxes[i].name, name) == 0)
            return &m->mailboxes[i];
    return NULL;
}

bool model_lies_below(struct model *m, uint32_t mailbox, uint32_t above) {
    for (struct model_mailbox *b; (b = model_mailbox(m, mailbox)); mailbox = b->parent)
        if (mailbox == above)
            return true;
    return false;
}

void model_path(struct model *m, uint32_t mailbox, char path[static MODEL_NAME]) {
    path[0] = 0;
    for (struct model_mailbox *b; (b = model_mailbox(m, mailbox)); mailbox = b->parent) {
        char below[MODEL_NAME];
        strcpy(below, path);
        int len = snprintf(path, MODEL_NAME, "%s%s%s", b->name, below[0] ? "/" : "", below);
        MUST(len < (int)MODEL_NAME);
    }
}

bool model_is_gone(const struct model *m, uint32_t mailbox) {
    for (size_t i = 0; i < m->gone_count; i++)
        if (m->gone[i] == mailbox)
            return true;
    return false;
}

bool model_has_key(const struct model *m, const struct model_key *key) {
    for (size_t i = 0; i < m->key_count; i++)
        if (memcmp(&m->keys[i], key, sizeof *key) == 0)
            return true;
    return false;
}

/* ------------------------------------------------------------------ changes */

static bool has_uid(const struct model_change *c, uint32_t uid) {
    for (size_t i = 0; i < c->uid_count; i++)
        if (c->uids[i] == uid)
            return true;
    return false;
}

/* A new entry goes where its UID belongs; one without a number, or behind such, to the end. */
static void insert(struct model_mailbox *m, const struct model_entry *e) {
    MUST(m->count < MODEL_ENTRIES);
    size_t place = m->count;
    while (e->uid && place > 0 && m->entries[place - 1].uid > e->uid)
        place--;
    memmove(&m->entries[place + 1], &m->entries[place], (m->count - place) * sizeof *e);
    m->entries[place] = *e;
    m->count++;
}

static size_t apply_delivery(struct model *m, struct model_mailbox *b,
                             const struct model_change *c) {
    if (m->delivered[c->serial])
        return 0;
    m->delivered[c->serial] = true;
    m->first_uid[c->serial] = c->uid;
    insert(b, &(struct model_entry){.uid = c->uid,
                                    .serial = c->serial,
                                    .flags = c->add,
                                    .modseq = c->modseq,
                                    .body = c->body});
    b->uidnext = MAX(b->uidnext, c->uid + 1);
    return 1;
}

static size_t apply_flags(struct model_mailbox *b, const struct model_change *c) {
    size_t changed = 0;
    for (size_t i = 0; i < b->count; i++) {
        struct model_entry *e = &b->entries[i];
        uint64_t flags = (e->flags & ~c->remove) | c->add;
        bool later = c->unchanged_since > 0 && e->modseq > c->unchanged_since;
        if (!e->uid || !has_uid(c, e->uid) || later || flags == e->flags)
            continue;
        e->flags = flags;
        e->modseq = c->modseq;
        changed++;
    }
    return changed;
}

static void remember(struct model *m, uint32_t mailbox, const struct model_entry *e) {
    struct model_removals *all = &m->removals;
    if (!m->remembers)
        return;
    MUST(all->count < MODEL_REMOVED);
    all->list[all->count++] = (struct model_removed){mailbox, e->uid, e->serial, e->flags};
}

static size_t apply_expunge(struct model *m, struct model_mailbox *b,
                            const struct model_change *c) {
    size_t kept = 0, before = b->count;
    for (size_t i = 0; i < before; i++)
        if (!b->entries[i].uid || !has_uid(c, b->entries[i].uid) ||
            (c->verb == MODEL_EXPUNGE && (b->entries[i].flags & c->add) != c->add))
            b->entries[kept++] = b->entries[i];
        else if (c->verb == MODEL_EXPUNGE)
            remember(m, b->id, &b->entries[i]);
    b->count = kept;
    return before - kept;
}

/* The entries as they are now, in their order, get new numbers at the end of the other mailbox. */
static size_t apply_copy(struct model *m, struct model_mailbox *b, const struct model_change *c) {
    struct model_mailbox *to = model_mailbox(m, c->to);
    struct model_entry copies[MODEL_UIDS];
    uint32_t count = 0;
    if (!to)
        return 0;
    for (size_t i = 0; i < b->count; i++)
        if (b->entries[i].uid && has_uid(c, b->entries[i].uid)) {
            uint32_t uid = c->uid ? c->uid + count : 0;
            copies[count++] = (struct model_entry){.uid = uid,
                                                   .serial = b->entries[i].serial,
                                                   .flags = b->entries[i].flags,
                                                   .body = b->entries[i].body};
        }
    if (c->verb == MODEL_MOVE)
        (void)apply_expunge(m, b, c);
    for (uint32_t i = 0; i < count; i++) {
        insert(to, &copies[i]);
        to->uidnext = MAX(to->uidnext, copies[i].uid + 1);
    }
    return count;
}

bool model_arrives_with(const struct model_change *c, uint64_t flags) {
    bool found = flags == c->add;
    for (size_t i = 0; i < c->word_count; i++)
        found |= flags == c->words[i];
    return found;
}

/* A message that comes again is not stored again. */
static size_t apply_arrival(struct model *m, struct model_mailbox *b,
                            const struct model_change *c) {
    if (c->key.origin != MODEL_UNIQUE) {
        if (model_has_key(m, &c->key))
            return 0;
        MUST(m->key_count < MODEL_KEYS);
        m->keys[m->key_count++] = c->key;
    }
    insert(b, &(struct model_entry){.uid = c->uid,
                                    .serial = c->serial,
                                    .flags = c->add,
                                    .modseq = c->modseq,
                                    .body = c->body});
    if (!c->is_found)
        b->uidnext = MAX(b->uidnext, c->uid + 1);
    return 1;
}

static struct model_property *property(struct model *m, uint32_t mailbox, enum model_kind kind,
                                       const char *name) {
    for (size_t i = 0; i < m->properties.count; i++) {
        struct model_property *p = &m->properties.list[i];
        if (p->mailbox == mailbox && p->kind == kind && strcmp(p->name, name) == 0)
            return p;
    }
    return NULL;
}

static size_t set_property(struct model *m, const struct model_property *wanted) {
    struct model_properties *all = &m->properties;
    struct model_property *p = property(m, wanted->mailbox, wanted->kind, wanted->name);
    if (p ? p->value == wanted->value : !wanted->value)
        return 0;
    if (!p) {
        MUST(all->count < MODEL_PROPERTIES);
        p = &all->list[all->count++];
    }
    *p = wanted->value ? *wanted : all->list[--all->count];
    return 1;
}

static size_t apply_property(struct model *m, const struct model_change *c) {
    struct model_property wanted = {.mailbox = c->mailbox, .kind = c->kind, .value = c->value};
    strcpy(wanted.name, c->name);
    const struct model_property *p = property(m, c->mailbox, c->kind, c->name);
    if (c->mailbox && !model_mailbox(m, c->mailbox))
        return 0;
    if (c->how)
        wanted.value =
            c->how == '+' ? (p ? p->value : 0) | c->value : (p ? p->value : 0) & ~c->value;
    return set_property(m, &wanted);
}

static size_t apply_create(struct model *m, const struct model_change *c) {
    if (model_named(m, c->to, c->name) || (c->to && !model_mailbox(m, c->to)))
        return 0;
    MUST(m->count < MODEL_MAILBOXES);
    struct model_mailbox *b = &m->mailboxes[m->count++];
    b->id = c->new_mailbox;
    b->parent = c->to;
    b->uidvalidity = c->uidvalidity;
    b->uidnext = b->promised = 1;
    b->modseq = 0;
    b->count = 0;
    strcpy(b->name, c->name);
    for (size_t i = 0, count = m->properties.count; c->to && i < count; i++) {
        struct model_property p = m->properties.list[i];
        if (p.mailbox != c->to || p.kind != MODEL_RIGHTS)
            continue;
        p.mailbox = b->id;
        (void)set_property(m, &p);
    }
    return 1;
}

/* Subscriptions of its path, and of those below it, go along. */
static size_t apply_rename(struct model *m, struct model_mailbox *b, const struct model_change *c) {
    char from[MODEL_NAME], to[MODEL_NAME];
    struct model_properties before = m->properties;
    if (model_named(m, c->to, c->name) || (c->to && !model_mailbox(m, c->to)) ||
        model_lies_below(m, c->to, b->id))
        return 0;
    model_path(m, b->id, from);
    b->parent = c->to;
    strcpy(b->name, c->name);
    model_path(m, b->id, to);
    size_t len = strlen(from);
    for (size_t i = 0; i < before.count; i++) {
        struct model_property p = before.list[i], after = p;
        if (p.kind != MODEL_SUBSCRIPTION || strncmp(p.name, from, len) != 0 ||
            (p.name[len] && p.name[len] != '/'))
            continue;
        p.value = 0;
        (void)set_property(m, &p);
        MUST(snprintf(after.name, MODEL_NAME, "%s%s", to, p.name + len) < (int)MODEL_NAME);
        (void)set_property(m, &after);
    }
    return 1;
}

static bool has_children(const struct model *m, uint32_t mailbox) {
    for (size_t i = 0; i < m->count; i++)
        if (m->mailboxes[i].parent == mailbox)
            return true;
    return false;
}

/* With all that is in it, and its properties; subscriptions are of names, and stay. */
static size_t apply_remove(struct model *m, struct model_mailbox *b) {
    uint32_t id = b->id;
    struct model_properties *all = &m->properties;
    size_t kept = 0;
    if (has_children(m, id))
        return 0;
    for (size_t i = 0; i < b->count; i++)
        remember(m, id, &b->entries[i]);
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].mailbox != id)
            all->list[kept++] = all->list[i];
    all->count = kept;
    MUST(m->gone_count < MODEL_GONE);
    m->gone[m->gone_count++] = id;
    size_t behind = (size_t)(&m->mailboxes[--m->count] - b);
    memmove(b, b + 1, behind * sizeof *b);
    return 1;
}

size_t model_apply(struct model *m, const struct model_change *c) {
    m->modseq = MAX(m->modseq, c->modseq);
    if (c->verb == MODEL_CREATE)
        return apply_create(m, c);
    if (c->verb == MODEL_PROPERTY)
        return apply_property(m, c);
    struct model_mailbox *b = model_mailbox(m, c->mailbox);
    if (!b) /* removed meanwhile */
        return 0;
    b->modseq = MAX(b->modseq, c->modseq);
    switch (c->verb) {
    case MODEL_DELIVER:
        return apply_delivery(m, b, c);
    case MODEL_FLAGS:
        return apply_flags(b, c);
    case MODEL_EXPUNGE:
        return apply_expunge(m, b, c);
    case MODEL_COPY:
    case MODEL_MOVE:
        return apply_copy(m, b, c);
    case MODEL_RENAME:
        return apply_rename(m, b, c);
    case MODEL_REMOVE:
        return apply_remove(m, b);
    case MODEL_ARRIVE:
        return apply_arrival(m, b, c);
    case MODEL_CREATE:
    case MODEL_PROPERTY:
        break;
    }
    return 0;
}

struct model_sum model_sum(const struct model_mailbox *m, uint64_t seen_flag) {
    struct model_sum sum = {.messages = m->count};
    for (size_t i = 0; i < m->count; i++) {
        sum.unseen += !(m->entries[i].flags & seen_flag);
        sum.bytes += model_size(m->entries[i].serial);
    }
    return sum;
}

struct model_sum model_usage(const struct model *m) {
    struct model_sum sum = {0};
    uint64_t counted[MODEL_MAILBOXES * MODEL_ENTRIES];
    for (size_t i = 0; i < m->count; i++)
        for (size_t k = 0; k < m->mailboxes[i].count; k++) {
            const struct model_entry *e = &m->mailboxes[i].entries[k];
            size_t at = 0;
            while (at < sum.messages && counted[at] != e->body)
                at++;
            if (at < sum.messages)
                continue;
            counted[sum.messages++] = e->body;
            sum.bytes += model_size(e->serial);
        }
    return sum;
}

/* ------------------------------------------------------------------ the model and what is seen */

static const struct picture *picture_of(const struct album *seen, const struct model_mailbox *b) {
    for (size_t i = 0; i < seen->count; i++)
        if (b->id < MODEL_UNKNOWN ? seen->pictures[i].id == b->id
                                  : seen->pictures[i].parent == b->parent &&
                                        strcmp(seen->pictures[i].name, b->name) == 0)
            return &seen->pictures[i];
    return NULL;
}

/* The rules of numbers: RFC 9051 §2.3.1.1 for UIDs, RFC 7162 §3.1 for MODSEQ. */
static bool entry_is(const struct model_mailbox *b, const struct model_entry *e,
                     const struct model_entry *seen) {
    if (e->serial != seen->serial || e->flags != seen->flags)
        return false;
    if (e->uid ? e->uid != seen->uid : seen->uid < b->uidnext)
        return false;
    if (e->modseq ? e->modseq != seen->modseq : seen->modseq == 0)
        return false;
    if (e->body ? e->body != seen->body : !e->uid && seen->is_copy) /* what is new is no copy */
        return false;
    return e->uidl[0] == 0 || seen->uidl[0] == 0 || strcmp(e->uidl, seen->uidl) == 0;
}

static bool mailbox_is(const struct model_mailbox *b, const struct picture *p) {
    if (b->count != p->count || p->uidnext < MAX(b->uidnext, b->promised) || p->modseq < b->modseq)
        return false;
    if (strcmp(b->name, p->name) != 0 || b->parent != p->parent ||
        (b->uidvalidity && b->uidvalidity != p->uidvalidity))
        return false;
    uint32_t above = 0;
    for (size_t i = 0; i < b->count; i++) {
        const struct model_entry *seen = &p->entries[i];
        if (!entry_is(b, &b->entries[i], seen) || seen->uid <= above || seen->uid >= p->uidnext ||
            seen->modseq > p->modseq)
            return false;
        above = seen->uid;
    }
    return true;
}

static bool properties_are(struct model *m, const struct album *seen) {
    if (m->properties.count != seen->properties.count)
        return false;
    for (size_t i = 0; i < seen->properties.count; i++) {
        const struct model_property *p = &seen->properties.list[i];
        const struct model_property *mine = property(m, p->mailbox, p->kind, p->name);
        if (!mine || mine->value != p->value)
            return false;
    }
    return true;
}

/* The oldest may have been forgotten. */
static bool removals_are(const struct model *m, const struct album *seen) {
    const struct model_removals *mine = &m->removals, *theirs = &seen->removals;
    size_t forgotten = mine->count - MIN(mine->count, theirs->count);
    if (theirs->count > mine->count || (forgotten > 0 && !m->forgets))
        return false;
    for (size_t i = 0; i < theirs->count; i++) {
        const struct model_removed *a = &mine->list[forgotten + i], *b = &theirs->list[i];
        if (a->mailbox != b->mailbox || (a->uid && a->uid != b->uid) || a->serial != b->serial ||
            a->flags != b->flags)
            return false;
    }
    return true;
}

/* A mailbox whose number was not known until it was seen. */
static void learn_mailbox(struct model *m, struct model_mailbox *b, uint32_t id) {
    for (size_t i = 0; b->id != id && i < m->properties.count; i++)
        if (m->properties.list[i].mailbox == b->id)
            m->properties.list[i].mailbox = id;
    b->id = id;
}

static bool is_seen(struct model *m, const struct album *seen) {
    if (seen->whole && m->count != seen->count)
        return false;
    for (size_t i = 0; i < m->count; i++) {
        const struct picture *p = picture_of(seen, &m->mailboxes[i]);
        if (p ? !mailbox_is(&m->mailboxes[i], p) : seen->whole)
            return false;
        if (p)
            learn_mailbox(m, &m->mailboxes[i], p->id);
    }
    return (!seen->has_properties || properties_are(m, seen)) &&
           (!seen->whole || removals_are(m, seen));
}

/* What has been seen once stays so: numbers that nobody had told, and those that may come. */
static void take_over(struct model *m, const struct album *seen) {
    for (size_t i = 0; i < m->count; i++) {
        struct model_mailbox *b = &m->mailboxes[i];
        const struct picture *p = picture_of(seen, b);
        if (!p)
            continue;
        b->uidvalidity = p->uidvalidity;
        b->uidnext = b->promised = p->uidnext;
        b->modseq = p->modseq;
        m->modseq = MAX(m->modseq, p->modseq);
        for (size_t k = 0; k < b->count; k++) {
            struct model_entry *e = &b->entries[k];
            if (!e->uid && !m->first_uid[e->serial])
                m->first_uid[e->serial] = p->entries[k].uid;
            *e = p->entries[k];
        }
    }
    if (seen->whole)
        m->removals = seen->removals;
}

/* A message that nobody sees has not come, unless it has gone with its mailbox. */
static bool cannot_be(const struct model_change *c, const struct model_change *changes,
                      size_t count, const struct album *seen) {
    const struct picture *p = NULL;
    if (c->verb != MODEL_DELIVER && c->verb != MODEL_ARRIVE)
        return false;
    for (size_t i = 0; i < count; i++)
        if (changes[i].verb == MODEL_REMOVE)
            return false;
    for (size_t i = 0; i < seen->count; i++)
        if (seen->pictures[i].id == c->mailbox)
            p = &seen->pictures[i];
    for (size_t i = 0; p && i < p->count; i++)
        if (p->entries[i].serial == c->serial)
            return false;
    return p != NULL;
}

static bool explain(struct model *m, const struct model_change *changes, size_t count,
                    uint64_t used, const struct album *seen) {
    if (is_seen(m, seen)) {
        take_over(m, seen);
        return true;
    }
    struct model *with = malloc(sizeof *with);
    MUST(with);
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        if (used & 1ULL << i || cannot_be(&changes[i], changes, count, seen))
            continue;
        memcpy(with, m, sizeof *m);
        found = model_apply(with, &changes[i]) > 0 &&
                explain(with, changes, count, used | 1ULL << i, seen);
    }
    if (found)
        memcpy(m, with, sizeof *m);
    free(with);
    return found;
}

/* A message that was moved meanwhile is no new one: it has kept its unique id. */
static bool was_here(const struct model *m, const struct model_entry *seen) {
    for (size_t i = 0; i < m->count; i++)
        for (size_t k = 0; k < m->mailboxes[i].count; k++)
            if (seen->uidl[0] && strcmp(m->mailboxes[i].entries[k].uidl, seen->uidl) == 0)
                return true;
    return false;
}

/* What arrives meanwhile with others may lie between them: it gets the numbers that it has. */
static void number_arrival(struct model *m, struct model_change *c, const struct album *seen) {
    struct model_mailbox *b = model_mailbox(m, c->mailbox);
    for (size_t i = 0; b && i < seen->count; i++)
        for (size_t k = 0; seen->pictures[i].id == b->id && k < seen->pictures[i].count; k++) {
            const struct model_entry *e = &seen->pictures[i].entries[k];
            if (e->serial != c->serial || !(c->is_vague || model_arrives_with(c, e->flags)) ||
                e->is_copy || e->uid < c->least || model_entry(b, e->uid) || was_here(m, e))
                continue;
            c->is_found = true;
            c->add = e->flags;
            c->uid = e->uid;
            c->modseq = e->modseq;
            c->body = e->body;
            return;
        }
}

bool model_explain(struct model *m, const struct model_change *changes, size_t count,
                   const struct album *seen) {
    struct model_change *numbered = calloc(count + 1, sizeof *numbered);
    MUST(numbered);
    for (size_t i = 0; i < count; i++) {
        numbered[i] = changes[i];
        if (changes[i].verb == MODEL_ARRIVE)
            number_arrival(m, &numbered[i], seen);
    }
    bool found = explain(m, numbered, count, 0, seen);
    free(numbered);
    return found;
}

/* ------------------------------------------------------------------ for a person */

static void print_entry(const char *who, const struct model_entry *e) {
    fprintf(stderr,
            "    %s uid %" PRIu32 " message %" PRIu32 " flags %" PRIx64 " modseq %" PRIu64 " %s\n",
            who, e->uid, e->serial, e->flags, e->modseq, e->uidl);
}

static void print_mailbox(const struct model_mailbox *b, const struct picture *p) {
    fprintf(stderr,
            "  mailbox %s below %" PRIu32 ": id %" PRIu32 " uidvalidity %" PRIu32
            " uidnext %" PRIu32 " modseq %" PRIu64 "\n    seen %s below %" PRIu32 ": id %" PRIu32
            " uidvalidity %" PRIu32 " uidnext %" PRIu32 " modseq %" PRIu64 "\n",
            b->name, b->parent, b->id, b->uidvalidity, MAX(b->uidnext, b->promised), b->modseq,
            p->name, p->parent, p->id, p->uidvalidity, p->uidnext, p->modseq);
    size_t i = 0, k = 0;
    while (i < b->count || k < p->count) {
        bool both = i < b->count && k < p->count && b->entries[i].uid == p->entries[k].uid;
        if (both && entry_is(b, &b->entries[i], &p->entries[k])) {
            i++, k++;
            continue;
        }
        if (both || k >= p->count || (i < b->count && b->entries[i].uid < p->entries[k].uid))
            print_entry("expected", &b->entries[i++]);
        else
            print_entry("seen    ", &p->entries[k++]);
        if (both)
            print_entry("seen    ", &p->entries[k++]);
    }
}

void model_print_change(const char *who, const struct model_change *c) {
    static const char *const verbs[] = {"deliver", "flags",  "expunge", "copy",     "move",
                                        "create",  "rename", "remove",  "property", "arrive"};
    fprintf(stderr,
            "  %s: %s account %u mailbox %" PRIu32 " to %" PRIu32 " message %" PRIu32 " +%" PRIx64
            " -%" PRIx64 " uid %" PRIu32 " modseq %" PRIu64 " %s kind %u %c%" PRIu32
            " key %u %" PRIu32 " %" PRIu32 " %" PRIu32 ":",
            who, verbs[c->verb], c->account, c->mailbox, c->to, c->serial, c->add, c->remove,
            c->uid, c->modseq, c->name, c->kind, c->how ? c->how : ' ', c->value, c->key.origin,
            c->key.mailbox, c->key.uid, c->key.to);
    for (size_t i = 0; i < c->uid_count; i++)
        fprintf(stderr, " %" PRIu32, c->uids[i]);
    fprintf(stderr, "\n");
}

static void print_properties(const char *who, const struct model_properties *all) {
    for (size_t i = 0; i < all->count; i++)
        fprintf(stderr, "    %s mailbox %" PRIu32 " kind %u %s: %" PRIu32 "\n", who,
                all->list[i].mailbox, all->list[i].kind, all->list[i].name, all->list[i].value);
}

static void print_removals(const char *who, const struct model_removals *all) {
    for (size_t i = 0; i < all->count; i++)
        fprintf(
            stderr,
            "    %s mailbox %" PRIu32 " uid %" PRIu32 " message %" PRIu32 " flags %" PRIx64 "\n",
            who, all->list[i].mailbox, all->list[i].uid, all->list[i].serial, all->list[i].flags);
}

void model_print_difference(struct model *m, const struct model_change *changes, size_t count,
                            const struct album *seen) {
    for (size_t i = 0; i < count; i++)
        model_print_change("on its way", &changes[i]);
    for (size_t i = 0; i < m->count; i++) {
        const struct picture *p = picture_of(seen, &m->mailboxes[i]);
        if (p && !mailbox_is(&m->mailboxes[i], p))
            print_mailbox(&m->mailboxes[i], p);
        else if (!p && seen->whole)
            fprintf(stderr, "  mailbox %s is missing\n", m->mailboxes[i].name);
    }
    if (seen->whole && m->count != seen->count)
        fprintf(stderr, "  %zu mailboxes expected, %zu seen\n", m->count, seen->count);
    if (seen->has_properties && !properties_are(m, seen)) {
        print_properties("expected", &m->properties);
        print_properties("seen    ", &seen->properties);
    }
    if (seen->whole && !removals_are(m, seen)) {
        print_removals("expected", &m->removals);
        print_removals("seen    ", &seen->removals);
    }
}
