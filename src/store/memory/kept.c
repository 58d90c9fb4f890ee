/* SPDX-License-Identifier: ISC */
#include "store/memory/kept.h"

/* Room for one more element behind `count`; sizes double, from 8 on. */
static void *with_room(void *array, size_t count, size_t element) {
    bool full = count == 0 || (count >= 8 && (count & (count - 1)) == 0);
    return full ? mem_grow(array, (count ? 2 * count : 8) * element) : array;
}

struct mailbox *kept_mailbox(const struct kept *k, uint32_t number) {
    size_t at = KEPT_PLACE(k->mailboxes, k->mailbox_count, about.info.mailbox, number);
    bool there = at < k->mailbox_count && k->mailboxes[at].about.info.mailbox == number;
    return there ? &k->mailboxes[at] : NULL;
}

struct body *kept_body(const struct kept *k, uint64_t number) {
    size_t at = KEPT_PLACE(k->bodies, k->body_count, number, number);
    return at < k->body_count && k->bodies[at].number == number ? &k->bodies[at] : NULL;
}

static struct store_entry *find_entry(const struct mailbox *m, uint32_t uid) {
    size_t at = KEPT_PLACE(m->entries, m->count, uid, uid);
    return at < m->count && m->entries[at].uid == uid ? &m->entries[at] : NULL;
}

void kept_put_mailbox(struct kept *k, const struct record_mailbox *r) {
    struct mailbox *m = kept_mailbox(k, r->mailbox);
    if (m) {
        kept_text_free(m->about.info.name);
    } else {
        size_t at = KEPT_PLACE(k->mailboxes, k->mailbox_count, about.info.mailbox, r->mailbox);
        k->mailboxes = with_room(k->mailboxes, k->mailbox_count, sizeof *k->mailboxes);
        m = &k->mailboxes[at];
        memmove(m + 1, m, (k->mailbox_count++ - at) * sizeof *m);
        *m = (struct mailbox){0};
    }
    uint64_t modseq = MAX(m->about.info.modseq, r->modseq);
    uint32_t uidnext = MAX(m->about.info.uidnext, r->uidnext);
    m->about.info = *r;
    m->about.info.modseq = modseq;
    m->about.info.uidnext = uidnext;
    m->about.info.name = kept_text_copy(r->name);
    for (size_t i = 0; i < k->deleted_count; i++)
        if (k->deleted[i].about.mailbox == r->mailbox) {
            kept_text_free(k->deleted[i].name);
            k->deleted[i].name = kept_text_copy(r->name);
        }
    k->counters.modseq = MAX(k->counters.modseq, r->modseq);
    k->counters.mailbox_next = MAX(k->counters.mailbox_next, r->mailbox + 1);
}

/* The number of a set in the mailbox, from its line in a record. */
static uint32_t put_set(struct mailbox *m, struct slice lines, uint32_t number) {
    struct slice line = {0};
    for (uint32_t i = 0; i < number && lines.len > 0; i++)
        (void)slice_next(&lines, '\n', &line);
    if (line.len == 0)
        return 0;
    for (uint32_t i = 0; i < m->set_count; i++)
        if (slice_eq(m->sets[i], line))
            return i + 1;
    m->sets = with_room(m->sets, m->set_count, sizeof *m->sets);
    m->sets[m->set_count] = kept_text_copy(line);
    return (uint32_t)++m->set_count;
}

static void put_entry(struct kept *k, struct mailbox *m, struct store_entry e, struct slice sets,
                      usec_t saved) {
    e.keywords = put_set(m, sets, e.keywords) & STORE_SET_MAX;
    e.flags &= ~ENTRY_SHARED & 0xffU;
    size_t at = KEPT_PLACE(m->entries, m->count, uid, e.uid);
    m->entries = with_room(m->entries, m->count, sizeof e);
    m->saved = with_room(m->saved, m->count, sizeof *m->saved);
    memmove(&m->saved[at + 1], &m->saved[at], (m->count - at) * sizeof *m->saved);
    memmove(&m->entries[at + 1], &m->entries[at], (m->count++ - at) * sizeof e);
    m->entries[at] = e;
    m->saved[at] = (uint32_t)(saved / USEC_SEC);
    m->about.messages++;
    m->about.unseen += !(e.flags & STORE_SEEN);
    m->about.bytes += e.size;
    m->about.info.modseq = MAX(m->about.info.modseq, e.modseq);
    m->about.info.uidnext = MAX(m->about.info.uidnext, e.uid + 1);
    k->counters.modseq = MAX(k->counters.modseq, e.modseq);
    struct body *b = kept_body(k, e.body);
    if (b->entries++ == 0) {
        k->messages++;
        k->bytes += b->size;
    }
}

static void put_body(struct kept *k, const struct record_append *r) {
    struct body b = {
        .number = r->entry.body,
        .bytes = mem_alloc(r->bytes.len),
        .size = (uint32_t)r->bytes.len,
        .crc = r->bytes.crc,
        .return_path = kept_text_copy(r->return_path),
    };
    size_t len = 0;
    for (size_t i = 0; i < r->bytes.count; i++) {
        if (r->bytes.parts[i].len)
            memcpy(b.bytes + len, r->bytes.parts[i].ptr, r->bytes.parts[i].len);
        len += r->bytes.parts[i].len;
    }
    MUST(len == r->bytes.len &&
         (k->body_count == 0 || k->bodies[k->body_count - 1].number < b.number));
    k->bodies = with_room(k->bodies, k->body_count, sizeof b);
    k->bodies[k->body_count++] = b;
    k->counters.body_next = MAX(k->counters.body_next, b.number + 1);
    if (r->key.len == 0)
        return;
    k->keys = with_room(k->keys, k->key_count, sizeof *k->keys);
    k->keys[k->key_count++] =
        (struct key){kept_text_copy(r->key), b.number, r->entry.uid, r->stored};
}

static void drop_body(struct kept *k, struct body *b) {
    if (b->entries > 0 || b->deleted > 0)
        return;
    free(b->bytes);
    kept_text_free(b->return_path);
    memmove(b, b + 1, (size_t)(&k->bodies[--k->body_count] - b) * sizeof *b);
}

/* An entry goes; with `when` it can be brought back. */
static void drop_entry_of(struct kept *k, const struct mailbox *m, const struct store_entry *e,
                          uint64_t modseq, usec_t when) {
    struct body *b = kept_body(k, e->body);
    if (when) {
        k->deleted = with_room(k->deleted, k->deleted_count, sizeof *k->deleted);
        k->deleted[k->deleted_count++] = (struct deleted){
            .about = {.place = {modseq, e->uid},
                      .mailbox = m->about.info.mailbox,
                      .size = e->size,
                      .body = e->body,
                      .when = when,
                      .date = (usec_t)e->date,
                      .flags = e->flags},
            .name = kept_text_copy(m->about.info.name),
            .keywords = e->keywords ? kept_text_copy(m->sets[e->keywords - 1]) : (struct slice){0},
        };
        b->deleted++;
    }
    if (--b->entries == 0) {
        k->messages--;
        k->bytes -= b->size;
        k->deleted_bytes += b->deleted ? b->size : 0;
    }
    drop_body(k, b);
}

static void forget_deleted(struct kept *k, const struct record_forget *r) {
    size_t count = 0;
    for (; count < k->deleted_count; count++) {
        struct deleted *d = &k->deleted[count];
        struct deleted_place p = d->about.place;
        if (p.modseq > r->to.modseq || (p.modseq == r->to.modseq && p.uid > r->to.uid))
            break;
        struct body *b = kept_body(k, d->about.body);
        if (--b->deleted == 0 && b->entries == 0)
            k->deleted_bytes -= b->size;
        drop_body(k, b);
        kept_text_free(d->name);
        kept_text_free(d->keywords);
    }
    k->deleted_count -= count;
    if (k->deleted_count > 0)
        memmove(k->deleted, k->deleted + count, k->deleted_count * sizeof *k->deleted);
    k->counters.forgotten = r->to;
}

static void put_flags(struct kept *k, struct mailbox *m, const struct record_flags *r) {
    for (size_t i = 0; i < r->count; i++) {
        struct store_entry *e = find_entry(m, r->entries[i].uid);
        if (!e)
            continue;
        m->about.unseen -= !(e->flags & STORE_SEEN);
        e->flags = r->entries[i].flags & ~ENTRY_SHARED & 0xffU;
        e->keywords = put_set(m, r->sets, r->entries[i].keywords) & STORE_SET_MAX;
        e->modseq = r->modseq & STORE_MODSEQ_MAX;
        m->about.unseen += !(e->flags & STORE_SEEN);
    }
    m->about.info.modseq = MAX(m->about.info.modseq, r->modseq);
    k->counters.modseq = MAX(k->counters.modseq, r->modseq);
}

static void expunge(struct kept *k, struct mailbox *m, const struct record_expunge *r) {
    for (size_t i = 0; i < r->count; i++) {
        struct store_entry *e = find_entry(m, r->uids[i]);
        if (!e)
            continue;
        m->about.messages--;
        m->about.unseen -= !(e->flags & STORE_SEEN);
        m->about.bytes -= e->size;
        drop_entry_of(k, m, e, r->modseq, r->when);
        uint32_t *saved = &m->saved[e - m->entries];
        memmove(e, e + 1, (size_t)(&m->entries[--m->count] - e) * sizeof *e);
        memmove(saved, saved + 1, (size_t)(&m->saved[m->count] - saved) * sizeof *saved);
        m->vanished = with_room(m->vanished, m->vanished_count, sizeof *m->vanished);
        m->vanished[m->vanished_count++] = (struct vanished){r->uids[i], r->modseq};
    }
    m->about.info.modseq = MAX(m->about.info.modseq, r->modseq);
    k->counters.modseq = MAX(k->counters.modseq, r->modseq);
}

struct record_property *kept_property(const struct kept *k, uint32_t mailbox, uint32_t kind,
                                      struct slice name) {
    for (size_t i = 0; i < k->property_count; i++) {
        struct record_property *p = &k->properties[i];
        if (p->mailbox == mailbox && p->kind == kind && slice_eq(p->name, name))
            return p;
    }
    return NULL;
}

static void put_property(struct kept *k, const struct record_property *r) {
    struct record_property *p = kept_property(k, r->mailbox, r->kind, r->name);
    if (!p) {
        k->properties = with_room(k->properties, k->property_count, sizeof *p);
        p = &k->properties[k->property_count++];
        *p = (struct record_property){.name = kept_text_copy(r->name)};
    }
    struct slice name = p->name;
    kept_text_free(p->value);
    *p = *r;
    p->name = name;
    p->value = kept_text_copy(r->value);
    struct mailbox *m = kept_mailbox(k, r->mailbox);
    if (m)
        m->about.info.modseq = MAX(m->about.info.modseq, r->modseq);
    k->counters.modseq = MAX(k->counters.modseq, r->modseq);
}

static void property_done(struct record_property *p) {
    kept_text_free(p->name);
    kept_text_free(p->value);
}

static void drop_properties(struct kept *k, uint32_t mailbox) {
    for (size_t i = k->property_count; i-- > 0;)
        if (k->properties[i].mailbox == mailbox) {
            property_done(&k->properties[i]);
            k->properties[i] = k->properties[--k->property_count];
        }
}

static void mailbox_done(struct mailbox *m) {
    kept_text_free(m->about.info.name);
    for (size_t i = 0; i < m->set_count; i++)
        kept_text_free(m->sets[i]);
    free(m->sets);
    free(m->entries);
    free(m->saved);
    free(m->vanished);
}

static void drop_mailbox(struct kept *k, const struct record_remove *r) {
    struct mailbox *m = kept_mailbox(k, r->mailbox);
    for (size_t i = 0; i < m->count; i++)
        drop_entry_of(k, m, &m->entries[i], r->modseq, r->when);
    drop_properties(k, r->mailbox);
    mailbox_done(m);
    memmove(m, m + 1, (size_t)(&k->mailboxes[--k->mailbox_count] - m) * sizeof *m);
    k->counters.modseq = MAX(k->counters.modseq, r->modseq);
}

void kept_apply(struct kept *k, const struct store_record *r) {
    struct store_entry e;
    switch (r->type) {
    case RECORD_APPEND:
        put_body(k, &r->append);
        e = r->append.entry;
        e.keywords = 1;
        put_entry(k, kept_mailbox(k, r->append.mailbox), e, r->append.keywords, r->append.stored);
        break;
    case RECORD_COPY:
        for (size_t i = 0; i < r->copy.count; i++)
            put_entry(k, kept_mailbox(k, r->copy.mailbox), r->copy.entries[i], r->copy.sets,
                      r->copy.saved);
        if (r->copy.from && r->copy.count > 0)
            expunge(k, kept_mailbox(k, r->copy.from),
                    &(struct record_expunge){.modseq = r->copy.entries[r->copy.count - 1].modseq,
                                             .uids = r->copy.gone,
                                             .count = r->copy.count});
        break;
    case RECORD_FLAGS:
        put_flags(k, kept_mailbox(k, r->flags.mailbox), &r->flags);
        break;
    case RECORD_EXPUNGE:
        expunge(k, kept_mailbox(k, r->expunge.mailbox), &r->expunge);
        break;
    case RECORD_MAILBOX:
        kept_put_mailbox(k, &r->mailbox);
        break;
    case RECORD_REMOVE:
        drop_mailbox(k, &r->remove);
        break;
    case RECORD_PROPERTY:
        put_property(k, &r->property);
        break;
    case RECORD_FORGET:
        forget_deleted(k, &r->forget);
        break;
    }
}

void kept_forget_vanished(struct kept *k, size_t most) {
    for (size_t i = 0; i < k->mailbox_count; i++) {
        struct mailbox *m = &k->mailboxes[i];
        if (m->vanished_count <= most)
            continue;
        size_t drop = m->vanished_count - most;
        m->forgotten = m->vanished[drop - 1].modseq;
        while (drop < m->vanished_count && m->vanished[drop].modseq == m->forgotten)
            drop++;
        m->vanished_count -= drop;
        memmove(m->vanished, m->vanished + drop, m->vanished_count * sizeof *m->vanished);
    }
}

void kept_free(struct kept *k) {
    for (size_t i = 0; i < k->mailbox_count; i++)
        mailbox_done(&k->mailboxes[i]);
    for (size_t i = 0; i < k->body_count; i++) {
        free(k->bodies[i].bytes);
        kept_text_free(k->bodies[i].return_path);
    }
    for (size_t i = 0; i < k->key_count; i++)
        kept_text_free(k->keys[i].text);
    for (size_t i = 0; i < k->deleted_count; i++) {
        kept_text_free(k->deleted[i].name);
        kept_text_free(k->deleted[i].keywords);
    }
    free(k->deleted);
    for (size_t i = 0; i < k->property_count; i++)
        property_done(&k->properties[i]);
    free(k->properties);
    free(k->mailboxes);
    free(k->bodies);
    free(k->keys);
    free(k);
}

struct kept *kept_copy(const struct kept *from) {
    struct kept *k = NEW(struct kept);
    *k = (struct kept){.id = from->id};
    for (size_t i = 0; i < from->mailbox_count; i++)
        kept_put_mailbox(k, &from->mailboxes[i].about.info);
    for (size_t i = 0; i < from->body_count; i++) {
        const struct body *b = &from->bodies[i];
        k->bodies = with_room(k->bodies, i, sizeof *b);
        k->bodies[i] = *b;
        k->bodies[i].bytes = mem_copy(b->bytes, b->size);
        k->bodies[i].return_path = kept_text_copy(b->return_path);
        k->bodies[i].entries = 0;
        k->body_count++;
    }
    for (size_t i = 0; i < from->mailbox_count; i++) {
        const struct mailbox *m = &from->mailboxes[i];
        struct mailbox *to = &k->mailboxes[i];
        for (size_t n = 0; n < m->count; n++) {
            struct store_entry e = m->entries[n];
            struct slice set = e.keywords ? m->sets[e.keywords - 1] : S("");
            e.keywords = 1;
            put_entry(k, to, e, set, m->saved[n] * USEC_SEC);
        }
        to->forgotten = m->forgotten;
        for (size_t n = 0; n < m->vanished_count; n++) {
            to->vanished = with_room(to->vanished, n, sizeof *to->vanished);
            to->vanished[to->vanished_count++] = m->vanished[n];
        }
    }
    for (size_t i = 0; i < from->key_count; i++) {
        k->keys = with_room(k->keys, i, sizeof *k->keys);
        k->keys[i] = from->keys[i];
        k->keys[i].text = kept_text_copy(from->keys[i].text);
        k->key_count++;
    }
    for (size_t i = 0; i < from->property_count; i++)
        put_property(k, &from->properties[i]);
    for (size_t i = 0; i < from->deleted_count; i++) {
        k->deleted = with_room(k->deleted, i, sizeof *k->deleted);
        k->deleted[i] = from->deleted[i];
        k->deleted[i].name = kept_text_copy(from->deleted[i].name);
        k->deleted[i].keywords = kept_text_copy(from->deleted[i].keywords);
        k->deleted_count++;
    }
    k->counters = from->counters;
    k->deleted_bytes = from->deleted_bytes;
    return k;
}
