/* SPDX-License-Identifier: ISC */
/*
 * Arrays in the order of their numbers, searched by halves. What is added is nearly always the last
 * one, so nothing cleverer is needed for what tests keep.
 */
#include "store/memory/memory.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/map.h"
#include "fiber/fiber.h"

#define KEY_LIFETIME (10 * USEC_DAY)

struct body {
    uint64_t number;
    char *bytes;
    uint32_t size, crc;
    uint32_t entries; /* that it has; with the last one it goes */
    uint32_t deleted; /* unless some that were removed can be brought back */
};

struct vanished {
    uint32_t uid;
    uint64_t modseq;
};

struct mailbox {
    struct backend_mailbox about; /* its name is on the heap */
    struct store_entry *entries;  /* by UID */
    size_t count;
    struct slice *sets; /* of keywords, on the heap: entries have their places, from 1 on */
    size_t set_count;
    struct vanished *vanished; /* in the order in which they went */
    size_t vanished_count;
    uint64_t forgotten; /* what vanished up to this MODSEQ may not be known */
};

struct key {
    struct slice text; /* on the heap */
    uint64_t body;
    uint32_t uid;
    usec_t stored;
};

struct deleted { /* a removed entry */
    struct backend_deleted about;
    struct slice name, keywords; /* on the heap */
};

struct kept { /* an account */
    uint64_t id;
    struct backend_counters counters;
    struct mailbox *mailboxes; /* by number */
    size_t mailbox_count;
    struct body *bodies; /* by number */
    size_t body_count;
    struct key *keys; /* in the order in which they came */
    size_t key_count;
    struct record_property *properties; /* in no order; bytes on the heap */
    size_t property_count;
    struct deleted *deleted; /* in the order in which they were removed */
    size_t deleted_count;
    uint64_t messages, bytes; /* of bodies with entries */
    uint64_t deleted_bytes;   /* of the others */
};

struct memory {
    struct map accounts; /* struct kept, by id */
};

struct backend {
    struct store_backend base;
    struct memory_options options;
    struct backend_host host;
};

struct account {
    struct backend_account base;
    uint64_t id;
    struct kept *kept; /* NULL: nothing was committed yet */
};

static struct backend *backend_of(struct store_backend *b) {
    return CONTAINER_OF(b, struct backend, base);
}

static struct kept *kept_of(struct backend_account *a) {
    return CONTAINER_OF(a, struct account, base)->kept;
}

static struct slice text_copy(struct slice text) {
    return slice_of(mem_copy(text.ptr, text.len), text.len);
}

static void text_free(struct slice text) {
    free((void *)(uintptr_t)text.ptr);
}

/* Room for one more element behind `count`; sizes double, from 8 on. */
static void *with_room(void *array, size_t count, size_t element) {
    bool full = count == 0 || (count >= 8 && (count & (count - 1)) == 0);
    return full ? mem_grow(array, (count ? 2 * count : 8) * element) : array;
}

/* ------------------------------------------------------------------ finding */

/* How many of `count` elements have a smaller number. */
#define PLACE(array, count, member, number)                                                        \
    ({                                                                                             \
        size_t low_ = 0, high_ = (count);                                                          \
        while (low_ < high_) {                                                                     \
            size_t middle_ = low_ + (high_ - low_) / 2;                                            \
            if ((array)[middle_].member < (number))                                                \
                low_ = middle_ + 1;                                                                \
            else                                                                                   \
                high_ = middle_;                                                                   \
        }                                                                                          \
        low_;                                                                                      \
    })

static struct mailbox *find_mailbox(const struct kept *k, uint32_t number) {
    size_t at = PLACE(k->mailboxes, k->mailbox_count, about.info.mailbox, number);
    bool there = at < k->mailbox_count && k->mailboxes[at].about.info.mailbox == number;
    return there ? &k->mailboxes[at] : NULL;
}

static struct body *find_body(const struct kept *k, uint64_t number) {
    size_t at = PLACE(k->bodies, k->body_count, number, number);
    return at < k->body_count && k->bodies[at].number == number ? &k->bodies[at] : NULL;
}

static struct store_entry *find_entry(const struct mailbox *m, uint32_t uid) {
    size_t at = PLACE(m->entries, m->count, uid, uid);
    return at < m->count && m->entries[at].uid == uid ? &m->entries[at] : NULL;
}

/* ------------------------------------------------------------------ what records do */

static void put_mailbox(struct kept *k, const struct record_mailbox *r) {
    struct mailbox *m = find_mailbox(k, r->mailbox);
    if (m) {
        text_free(m->about.info.name);
    } else {
        size_t at = PLACE(k->mailboxes, k->mailbox_count, about.info.mailbox, r->mailbox);
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
    m->about.info.name = text_copy(r->name);
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
    m->sets[m->set_count] = text_copy(line);
    return (uint32_t)++m->set_count;
}

static void put_entry(struct kept *k, struct mailbox *m, struct store_entry e, struct slice sets) {
    e.keywords = put_set(m, sets, e.keywords) & STORE_SET_MAX;
    e.flags &= ~ENTRY_SHARED & 0xffU;
    size_t at = PLACE(m->entries, m->count, uid, e.uid);
    m->entries = with_room(m->entries, m->count, sizeof e);
    memmove(&m->entries[at + 1], &m->entries[at], (m->count++ - at) * sizeof e);
    m->entries[at] = e;
    m->about.messages++;
    m->about.unseen += !(e.flags & STORE_SEEN);
    m->about.bytes += e.size;
    m->about.info.modseq = MAX(m->about.info.modseq, e.modseq);
    m->about.info.uidnext = MAX(m->about.info.uidnext, e.uid + 1);
    k->counters.modseq = MAX(k->counters.modseq, e.modseq);
    struct body *b = find_body(k, e.body);
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
    k->keys[k->key_count++] = (struct key){text_copy(r->key), b.number, r->entry.uid, r->stored};
}

static void drop_body(struct kept *k, struct body *b) {
    if (b->entries > 0 || b->deleted > 0)
        return;
    free(b->bytes);
    memmove(b, b + 1, (size_t)(&k->bodies[--k->body_count] - b) * sizeof *b);
}

/* An entry goes; with `when` it can be brought back. */
static void drop_entry_of(struct kept *k, const struct mailbox *m, const struct store_entry *e,
                          uint64_t modseq, usec_t when) {
    struct body *b = find_body(k, e->body);
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
            .name = text_copy(m->about.info.name),
            .keywords = e->keywords ? text_copy(m->sets[e->keywords - 1]) : (struct slice){0},
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
        struct body *b = find_body(k, d->about.body);
        if (--b->deleted == 0 && b->entries == 0)
            k->deleted_bytes -= b->size;
        drop_body(k, b);
        text_free(d->name);
        text_free(d->keywords);
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
        memmove(e, e + 1, (size_t)(&m->entries[--m->count] - e) * sizeof *e);
        m->vanished = with_room(m->vanished, m->vanished_count, sizeof *m->vanished);
        m->vanished[m->vanished_count++] = (struct vanished){r->uids[i], r->modseq};
    }
    m->about.info.modseq = MAX(m->about.info.modseq, r->modseq);
    k->counters.modseq = MAX(k->counters.modseq, r->modseq);
}

static struct record_property *find_property(const struct kept *k, uint32_t mailbox, uint32_t kind,
                                             struct slice name) {
    for (size_t i = 0; i < k->property_count; i++) {
        struct record_property *p = &k->properties[i];
        if (p->mailbox == mailbox && p->kind == kind && slice_eq(p->name, name))
            return p;
    }
    return NULL;
}

static void put_property(struct kept *k, const struct record_property *r) {
    struct record_property *p = find_property(k, r->mailbox, r->kind, r->name);
    if (!p) {
        k->properties = with_room(k->properties, k->property_count, sizeof *p);
        p = &k->properties[k->property_count++];
        *p = (struct record_property){.name = text_copy(r->name)};
    }
    struct slice name = p->name;
    text_free(p->value);
    *p = *r;
    p->name = name;
    p->value = text_copy(r->value);
    struct mailbox *m = find_mailbox(k, r->mailbox);
    if (m)
        m->about.info.modseq = MAX(m->about.info.modseq, r->modseq);
    k->counters.modseq = MAX(k->counters.modseq, r->modseq);
}

static void property_done(struct record_property *p) {
    text_free(p->name);
    text_free(p->value);
}

static void drop_properties(struct kept *k, uint32_t mailbox) {
    for (size_t i = k->property_count; i-- > 0;)
        if (k->properties[i].mailbox == mailbox) {
            property_done(&k->properties[i]);
            k->properties[i] = k->properties[--k->property_count];
        }
}

static void mailbox_done(struct mailbox *m) {
    text_free(m->about.info.name);
    for (size_t i = 0; i < m->set_count; i++)
        text_free(m->sets[i]);
    free(m->sets);
    free(m->entries);
    free(m->vanished);
}

static void drop_mailbox(struct kept *k, const struct record_remove *r) {
    struct mailbox *m = find_mailbox(k, r->mailbox);
    for (size_t i = 0; i < m->count; i++)
        drop_entry_of(k, m, &m->entries[i], r->modseq, r->when);
    drop_properties(k, r->mailbox);
    mailbox_done(m);
    memmove(m, m + 1, (size_t)(&k->mailboxes[--k->mailbox_count] - m) * sizeof *m);
    k->counters.modseq = MAX(k->counters.modseq, r->modseq);
}

static void apply(struct kept *k, const struct store_record *r) {
    struct store_entry e;
    switch (r->type) {
    case RECORD_APPEND:
        put_body(k, &r->append);
        e = r->append.entry;
        e.keywords = 1;
        put_entry(k, find_mailbox(k, r->append.mailbox), e, r->append.keywords);
        break;
    case RECORD_COPY:
        for (size_t i = 0; i < r->copy.count; i++)
            put_entry(k, find_mailbox(k, r->copy.mailbox), r->copy.entries[i], r->copy.sets);
        if (r->copy.from && r->copy.count > 0)
            expunge(k, find_mailbox(k, r->copy.from),
                    &(struct record_expunge){.modseq = r->copy.entries[r->copy.count - 1].modseq,
                                             .uids = r->copy.gone,
                                             .count = r->copy.count});
        break;
    case RECORD_FLAGS:
        put_flags(k, find_mailbox(k, r->flags.mailbox), &r->flags);
        break;
    case RECORD_EXPUNGE:
        expunge(k, find_mailbox(k, r->expunge.mailbox), &r->expunge);
        break;
    case RECORD_MAILBOX:
        put_mailbox(k, &r->mailbox);
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

static void found_mailbox(void *to, const struct record_mailbox *m) {
    put_mailbox(to, m);
}

/* The first commit of an account: from now on it is one. */
static struct kept *found(struct backend *b, uint64_t id) {
    struct kept *k = NEW(struct kept);
    struct backend_counters counters;
    k->id = id;
    b->host.describe(b->host.arg, id, &counters, found_mailbox, k);
    k->counters = counters;
    (void)map_put(&b->options.memory->accounts, map_u64(&k->id), k);
    return k;
}

/* What vanished first is forgotten first. */
static void forget(struct kept *k, size_t most) {
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

static int memory_commit(struct backend_account *base, const struct list *records) {
    struct account *a = CONTAINER_OF(base, struct account, base);
    struct backend *b = backend_of(base->backend);
    int error = b->options.before_commit ? b->options.before_commit(b->options.arg) : 0;
    if (error)
        return error;
    if (!a->kept)
        a->kept = found(b, a->id);
    LIST_EACH (r, records, const struct store_record, link)
        apply(a->kept, r);
    if (b->options.vanished_max > 0)
        forget(a->kept, b->options.vanished_max);
    return 0;
}

/* ------------------------------------------------------------------ reading */

static int memory_load(struct backend_account *a, uint32_t mailbox, uint32_t above,
                       struct store_entry *entries, size_t size, struct buf *sets,
                       size_t *ret_count) {
    const struct kept *k = kept_of(a);
    const struct mailbox *m = k ? find_mailbox(k, mailbox) : NULL;
    if (!m)
        return -E_UNKNOWN;
    size_t at = PLACE(m->entries, m->count, uid, (uint64_t)above + 1);
    size_t count = MIN(m->count - at, size);
    uint32_t lines = 0;
    for (size_t i = 0; i < count; i++) {
        entries[i] = m->entries[at + i];
        if (find_body(k, entries[i].body)->entries > 1)
            entries[i].flags |= ENTRY_SHARED;
        if (entries[i].keywords == 0)
            continue;
        buf_add(sets, m->sets[entries[i].keywords - 1]);
        buf_add_byte(sets, '\n');
        entries[i].keywords = ++lines & STORE_SET_MAX;
    }
    *ret_count = count;
    return 0;
}

static int memory_keywords(struct backend_account *a, uint32_t mailbox, struct buf *names) {
    const struct kept *k = kept_of(a);
    const struct mailbox *m = k ? find_mailbox(k, mailbox) : NULL;
    for (size_t i = 0; m && i < m->count; i++) {
        struct slice set = m->entries[i].keywords ? m->sets[m->entries[i].keywords - 1] : S(""),
                     name;
        while (slice_next(&set, ' ', &name)) {
            struct slice have = buf_slice(names), other;
            bool known = false;
            while (slice_next(&have, ' ', &other))
                known |= slice_eq(name, other);
            if (known)
                continue;
            buf_add(names, name);
            buf_add_byte(names, ' ');
        }
    }
    return m ? 0 : -E_UNKNOWN;
}

static int memory_count_entries(struct backend_account *a, const uint64_t *bodies, size_t count,
                                uint32_t *counts) {
    for (size_t i = 0; i < count; i++) {
        const struct body *b = find_body(kept_of(a), bodies[i]);
        counts[i] = b ? b->entries : 0;
    }
    return 0;
}

static int by_uid(const void *a, const void *b) {
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static int memory_vanished(struct backend_account *a, uint32_t mailbox, uint64_t modseq,
                           struct buf *uids) {
    const struct kept *k = kept_of(a);
    const struct mailbox *m = k ? find_mailbox(k, mailbox) : NULL;
    if (!m)
        return -E_UNKNOWN;
    if (modseq < m->forgotten)
        return -E_LIMIT;
    size_t first = uids->len;
    for (size_t i = 0; i < m->vanished_count; i++)
        if (m->vanished[i].modseq > modseq)
            buf_add_bytes(uids, &m->vanished[i].uid, sizeof m->vanished[i].uid);
    if (uids->len > first)
        qsort(uids->ptr + first, (uids->len - first) / sizeof(uint32_t), sizeof(uint32_t), by_uid);
    return 0;
}

static int memory_deleted(struct backend_account *a, struct deleted_place behind,
                          struct backend_deleted *list, size_t size, struct buf *texts,
                          size_t *ret_count) {
    const struct kept *k = kept_of(a);
    size_t count = 0;
    for (size_t i = 0; k && i < k->deleted_count && count < size; i++) {
        const struct deleted *d = &k->deleted[i];
        struct deleted_place p = d->about.place;
        if (p.modseq < behind.modseq || (p.modseq == behind.modseq && p.uid <= behind.uid))
            continue;
        const struct body *b = find_body(k, d->about.body);
        struct backend_deleted one = d->about;
        one.entries = b->entries;
        one.others = b->deleted;
        one.name_at = texts->len;
        one.name_len = d->name.len;
        buf_add(texts, d->name);
        one.keywords_at = texts->len;
        one.keywords_len = d->keywords.len;
        buf_add(texts, d->keywords);
        list[count++] = one;
    }
    *ret_count = count;
    return 0;
}

static int memory_accounts(struct store_backend *b, unsigned part, struct buf *ids) {
    const struct map_entry *e;
    for (size_t at = 0; (e = map_next(&backend_of(b)->options.memory->accounts, &at));) {
        const struct kept *k = e->value;
        if (k->id % BACKEND_PARTS == part)
            buf_add_bytes(ids, &k->id, sizeof k->id);
    }
    return 0;
}

static int memory_property(struct backend_account *a, uint32_t mailbox, uint32_t kind,
                           struct slice name, struct buf *value) {
    const struct kept *k = kept_of(a);
    const struct record_property *p = k ? find_property(k, mailbox, kind, name) : NULL;
    if (!p || !p->is_set)
        return -E_UNKNOWN;
    buf_add(value, p->value);
    return 0;
}

static int memory_find_key(struct backend_account *a, struct slice key, uint64_t *ret_body,
                           uint32_t *ret_uid) {
    const struct kept *k = kept_of(a);
    usec_t lifetime = backend_of(a->backend)->options.key_lifetime;
    for (size_t i = k ? k->key_count : 0; i-- > 0;) {
        const struct key *one = &k->keys[i];
        if (!slice_eq(one->text, key) || one->stored + lifetime < fiber_wall())
            continue;
        *ret_body = one->body;
        *ret_uid = one->uid;
        return 1;
    }
    return 0;
}

/* The body as it was asked for. */
static int get_body(struct backend_account *a, struct backend_body wanted,
                    const struct body **ret) {
    const struct body *b = kept_of(a) ? find_body(kept_of(a), wanted.number) : NULL;
    if (!b)
        return -E_UNKNOWN;
    if (b->size != wanted.size || crc32c(0, slice_of(b->bytes, b->size)) != b->crc)
        return -E_CORRUPT;
    *ret = b;
    return 0;
}

static int memory_read(struct backend_account *a, struct backend_body body, uint64_t skip, void *to,
                       size_t len) {
    const struct body *b;
    int error = get_body(a, body, &b);
    if (!error && (skip > b->size || len > b->size - skip))
        error = -E_EOF;
    if (!error && len > 0)
        memcpy(to, b->bytes + skip, len);
    return error;
}

static int memory_read_many(struct backend_account *a, const struct backend_body *bodies,
                            size_t count, size_t most, struct buf *to,
                            struct store_piece *ret_pieces) {
    size_t done = 0, begin = to->len;
    for (; done < count; done++) {
        const struct body *b;
        int error = get_body(a, bodies[done], &b);
        if (error && done == 0)
            return error;
        if (error || (done > 0 && to->len - begin + b->size > most))
            break;
        ret_pieces[done] = (struct store_piece){to->len, b->size};
        buf_add_bytes(to, b->bytes, b->size);
    }
    return (int)done;
}

static int memory_get(struct backend_account *a, struct backend_body body,
                      struct backend_file *ret) {
    (void)a, (void)body, (void)ret;
    return -ENOTSUP;
}

static void memory_put(struct backend_account *a, struct backend_file *f) {
    (void)a, (void)f;
}

/* ------------------------------------------------------------------ accounts */

static int memory_look(struct store_backend *b, uint64_t id) {
    return map_get(&backend_of(b)->options.memory->accounts, map_u64(&id)) ? 0 : -ENOENT;
}

static int memory_account_open(struct store_backend *b, uint64_t id,
                               const struct backend_sink *sink, struct backend_state *ret_state,
                               struct backend_account **ret) {
    struct account *a = NEW(struct account);
    a->base.backend = b;
    a->id = id;
    a->kept = map_get(&backend_of(b)->options.memory->accounts, map_u64(&id));
    *ret_state = (struct backend_state){.is_new = !a->kept};
    if (a->kept) {
        const struct kept *k = a->kept;
        ret_state->counters = k->counters;
        ret_state->messages = k->messages;
        ret_state->deleted_bytes = k->deleted_bytes;
        ret_state->bytes = k->bytes;
        for (size_t i = 0; i < k->mailbox_count; i++)
            sink->mailbox(sink->arg, &k->mailboxes[i].about);
        for (size_t i = 0; i < k->property_count; i++) {
            struct record_property p = k->properties[i];
            if (p.size > RECORD_VALUE_SMALL)
                p.value = (struct slice){0};
            sink->property(sink->arg, &p);
        }
    }
    *ret = &a->base;
    return 0;
}

static int memory_account_close(struct backend_account *a, bool forced) {
    (void)forced;
    free(CONTAINER_OF(a, struct account, base));
    return 0;
}

static void kept_free(struct kept *k) {
    for (size_t i = 0; i < k->mailbox_count; i++)
        mailbox_done(&k->mailboxes[i]);
    for (size_t i = 0; i < k->body_count; i++)
        free(k->bodies[i].bytes);
    for (size_t i = 0; i < k->key_count; i++)
        text_free(k->keys[i].text);
    for (size_t i = 0; i < k->deleted_count; i++) {
        text_free(k->deleted[i].name);
        text_free(k->deleted[i].keywords);
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

static int memory_purge(struct store_backend *b, uint64_t id) {
    struct kept *k = map_remove(&backend_of(b)->options.memory->accounts, map_u64(&id));
    if (k)
        kept_free(k);
    return 0;
}

/* ------------------------------------------------------------------ the backend */

static void memory_close(struct store_backend *b) {
    free(backend_of(b));
}

static void memory_stats(const struct store_backend *b, struct backend_stats *ret) {
    (void)b;
    *ret = (struct backend_stats){0};
}

static void memory_usage(const struct backend_account *a, struct backend_usage *ret) {
    const struct kept *k = CONTAINER_OF(a, const struct account, base)->kept;
    ret->disk = k ? k->bytes + k->deleted_bytes : 0;
}

static int memory_compact(struct backend_account *a) {
    (void)a;
    return 0;
}

static int memory_has_room(struct backend_account *a) {
    (void)a;
    return 0;
}

static void memory_set_min_free(struct store_backend *b, uint64_t bytes) {
    (void)b, (void)bytes;
}

static const struct backend_ops ops = {
    .name = "memory",
    .close = memory_close,
    .stats = memory_stats,
    .look = memory_look,
    .account_open = memory_account_open,
    .account_close = memory_account_close,
    .purge = memory_purge,
    .commit = memory_commit,
    .load = memory_load,
    .keywords = memory_keywords,
    .count_entries = memory_count_entries,
    .vanished = memory_vanished,
    .property = memory_property,
    .deleted = memory_deleted,
    .accounts = memory_accounts,
    .find_key = memory_find_key,
    .read = memory_read,
    .read_many = memory_read_many,
    .get = memory_get,
    .put = memory_put,
    .usage = memory_usage,
    .compact = memory_compact,
    .has_room = memory_has_room,
    .set_min_free = memory_set_min_free,
};

int memory_open(const void *options, const struct backend_host *host, struct store_backend **ret,
                struct problem *problem) {
    (void)problem;
    struct backend *b = NEW(struct backend);
    b->base.ops = &ops;
    b->options = *(const struct memory_options *)options;
    b->options.key_lifetime = b->options.key_lifetime ? b->options.key_lifetime : KEY_LIFETIME;
    b->host = *host;
    *ret = &b->base;
    return 0;
}

struct memory *memory_new(void) {
    return NEW(struct memory);
}

static struct kept *kept_copy(const struct kept *from) {
    struct kept *k = NEW(struct kept);
    *k = (struct kept){.id = from->id};
    for (size_t i = 0; i < from->mailbox_count; i++)
        put_mailbox(k, &from->mailboxes[i].about.info);
    for (size_t i = 0; i < from->body_count; i++) {
        const struct body *b = &from->bodies[i];
        k->bodies = with_room(k->bodies, i, sizeof *b);
        k->bodies[i] = *b;
        k->bodies[i].bytes = mem_copy(b->bytes, b->size);
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
            put_entry(k, to, e, set);
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
        k->keys[i].text = text_copy(from->keys[i].text);
        k->key_count++;
    }
    for (size_t i = 0; i < from->property_count; i++)
        put_property(k, &from->properties[i]);
    for (size_t i = 0; i < from->deleted_count; i++) {
        k->deleted = with_room(k->deleted, i, sizeof *k->deleted);
        k->deleted[i] = from->deleted[i];
        k->deleted[i].name = text_copy(from->deleted[i].name);
        k->deleted[i].keywords = text_copy(from->deleted[i].keywords);
        k->deleted_count++;
    }
    k->counters = from->counters;
    k->deleted_bytes = from->deleted_bytes;
    return k;
}

struct memory *memory_copy(const struct memory *m) {
    struct memory *copy = memory_new();
    const struct map_entry *e;
    for (size_t at = 0; (e = map_next(&m->accounts, &at));) {
        struct kept *k = kept_copy(e->value);
        (void)map_put(&copy->accounts, map_u64(&k->id), k);
    }
    return copy;
}

void memory_free(struct memory *m) {
    if (!m)
        return;
    const struct map_entry *e;
    for (size_t at = 0; (e = map_next(&m->accounts, &at));)
        kept_free(e->value);
    map_done(&m->accounts);
    free(m);
}
