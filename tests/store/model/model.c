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

/* ------------------------------------------------------------------ changes */

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

static bool has_uid(const struct model_change *c, uint32_t uid) {
    for (size_t i = 0; i < c->uid_count; i++)
        if (c->uids[i] == uid)
            return true;
    return false;
}

/* A new entry goes where its UID belongs; one without a number goes to the end. */
static void insert(struct model_mailbox *m, const struct model_entry *e) {
    MUST(m->count < MODEL_ENTRIES);
    size_t place = m->count;
    while (e->uid && place > 0 &&
           (m->entries[place - 1].uid > e->uid || !m->entries[place - 1].uid))
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
    insert(b, &(struct model_entry){c->uid, c->serial, c->add, c->modseq, ""});
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

static size_t apply_expunge(struct model_mailbox *b, const struct model_change *c) {
    size_t kept = 0, before = b->count;
    for (size_t i = 0; i < before; i++)
        if (!b->entries[i].uid || !has_uid(c, b->entries[i].uid))
            b->entries[kept++] = b->entries[i];
    b->count = kept;
    return before - kept;
}

/* The entries as they are now, in their order, get new numbers at the end of the other mailbox. */
static size_t apply_copy(struct model *m, struct model_mailbox *b, const struct model_change *c) {
    struct model_mailbox *to = model_mailbox(m, c->to);
    struct model_entry copies[MODEL_UIDS];
    uint32_t count = 0;
    for (size_t i = 0; i < b->count; i++)
        if (b->entries[i].uid && has_uid(c, b->entries[i].uid)) {
            uint32_t uid = c->uid ? c->uid + count : 0;
            copies[count++] = (struct model_entry){
                .uid = uid, .serial = b->entries[i].serial, .flags = b->entries[i].flags};
        }
    if (c->verb == MODEL_MOVE)
        (void)apply_expunge(b, c);
    for (uint32_t i = 0; i < count; i++) {
        insert(to, &copies[i]);
        to->uidnext = MAX(to->uidnext, copies[i].uid + 1);
    }
    return count;
}

static size_t apply_create(struct model *m, const struct model_change *c) {
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->mailboxes[i].name, c->name) == 0)
            return 0;
    MUST(m->count < MODEL_MAILBOXES);
    struct model_mailbox *b = &m->mailboxes[m->count++];
    b->id = c->new_mailbox;
    b->uidvalidity = c->uidvalidity;
    b->uidnext = b->promised = 1;
    b->modseq = 0;
    b->count = 0;
    strcpy(b->name, c->name);
    return 1;
}

size_t model_apply(struct model *m, const struct model_change *c) {
    m->modseq = MAX(m->modseq, c->modseq);
    if (c->verb == MODEL_CREATE)
        return apply_create(m, c);
    struct model_mailbox *b = model_mailbox(m, c->mailbox);
    MUST(b);
    b->modseq = MAX(b->modseq, c->modseq);
    switch (c->verb) {
    case MODEL_DELIVER:
        return apply_delivery(m, b, c);
    case MODEL_FLAGS:
        return apply_flags(b, c);
    case MODEL_EXPUNGE:
        return apply_expunge(b, c);
    case MODEL_COPY:
    case MODEL_MOVE:
        return apply_copy(m, b, c);
    case MODEL_CREATE:
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
    bool counted[MODEL_SERIALS] = {false};
    for (size_t i = 0; i < m->count; i++)
        for (size_t k = 0; k < m->mailboxes[i].count; k++) {
            uint32_t serial = m->mailboxes[i].entries[k].serial;
            sum.messages += !counted[serial];
            sum.bytes += counted[serial] ? 0 : model_size(serial);
            counted[serial] = true;
        }
    return sum;
}

/* ------------------------------------------------------------------ the model and what is seen */

static const struct picture *picture_of(const struct album *seen, const struct model_mailbox *b) {
    for (size_t i = 0; i < seen->count; i++)
        if (b->id ? seen->pictures[i].id == b->id : strcmp(seen->pictures[i].name, b->name) == 0)
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
    return e->uidl[0] == 0 || seen->uidl[0] == 0 || strcmp(e->uidl, seen->uidl) == 0;
}

static bool mailbox_is(const struct model_mailbox *b, const struct picture *p) {
    if (b->count != p->count || p->uidnext < MAX(b->uidnext, b->promised) || p->modseq < b->modseq)
        return false;
    if (strcmp(b->name, p->name) != 0 || (b->uidvalidity && b->uidvalidity != p->uidvalidity))
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

static bool is_seen(const struct model *m, const struct album *seen) {
    if (seen->whole && m->count != seen->count)
        return false;
    for (size_t i = 0; i < m->count; i++) {
        const struct picture *p = picture_of(seen, &m->mailboxes[i]);
        if (p ? !mailbox_is(&m->mailboxes[i], p) : seen->whole)
            return false;
    }
    return true;
}

/* What has been seen once stays so: numbers that nobody had told, and those that may come. */
static void take_over(struct model *m, const struct album *seen) {
    for (size_t i = 0; i < m->count; i++) {
        struct model_mailbox *b = &m->mailboxes[i];
        const struct picture *p = picture_of(seen, b);
        if (!p)
            continue;
        b->id = p->id;
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
}

static bool explain(struct model *m, const struct model_change *changes, size_t count,
                    unsigned used, const struct album *seen) {
    if (is_seen(m, seen)) {
        take_over(m, seen);
        return true;
    }
    struct model *with = malloc(sizeof *with);
    MUST(with);
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        if (used & 1U << i)
            continue;
        memcpy(with, m, sizeof *m);
        found = model_apply(with, &changes[i]) > 0 &&
                explain(with, changes, count, used | 1U << i, seen);
    }
    if (found)
        memcpy(m, with, sizeof *m);
    free(with);
    return found;
}

bool model_explain(struct model *m, const struct model_change *changes, size_t count,
                   const struct album *seen) {
    return explain(m, changes, count, 0, seen);
}

/* ------------------------------------------------------------------ for a person */

static void print_entry(const char *who, const struct model_entry *e) {
    fprintf(stderr,
            "    %s uid %" PRIu32 " message %" PRIu32 " flags %" PRIx64 " modseq %" PRIu64 " %s\n",
            who, e->uid, e->serial, e->flags, e->modseq, e->uidl);
}

static void print_mailbox(const struct model_mailbox *b, const struct picture *p) {
    fprintf(stderr,
            "  mailbox %s: id %" PRIu32 " uidvalidity %" PRIu32 " uidnext %" PRIu32
            " modseq %" PRIu64 "\n    seen with: id %" PRIu32 " uidvalidity %" PRIu32
            " uidnext %" PRIu32 " modseq %" PRIu64 "\n",
            b->name, b->id, b->uidvalidity, MAX(b->uidnext, b->promised), b->modseq, p->id,
            p->uidvalidity, p->uidnext, p->modseq);
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
    static const char *const verbs[] = {"deliver", "flags", "expunge", "copy", "move", "create"};
    fprintf(stderr,
            "  %s: %s mailbox %" PRIu32 " to %" PRIu32 " message %" PRIu32 " +%" PRIx64 " -%" PRIx64
            " uid %" PRIu32 " modseq %" PRIu64 " %s:",
            who, verbs[c->verb], c->mailbox, c->to, c->serial, c->add, c->remove, c->uid, c->modseq,
            c->name);
    for (size_t i = 0; i < c->uid_count; i++)
        fprintf(stderr, " %" PRIu32, c->uids[i]);
    fprintf(stderr, "\n");
}

void model_print_difference(const struct model *m, const struct model_change *changes, size_t count,
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
}
