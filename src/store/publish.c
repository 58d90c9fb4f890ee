/* SPDX-License-Identifier: ISC */
/*
 * What durable records do to an account in memory.
 *
 * Counters of mailboxes are always there; entries only where they are loaded. Whoever makes a
 * change from entries keeps them loaded until it is published.
 *
 * The change counters go on last, when all records of a group have been applied: whoever sees one
 * has seen everything up to it.
 */
#include "store/property.h"

/* ------------------------------------------------------------------ records */

static void add_entry(struct mailbox *m, const struct store_entry *e) {
    m->info.messages++;
    m->info.unseen += !(e->flags & STORE_SEEN);
    m->info.bytes += e->size;
    m->info.uidnext = MAX(m->info.uidnext, e->uid + 1);
    mailbox_add_entry(m, e);
}

static void tell_of_arrival(struct store_account *a) {
    const struct store_options *o = &a->store->options;
    if (o->arrived && store_has_index(a))
        o->arrived(o->arrived_arg, a->id);
}

static void publish_append(struct store_account *a, const struct record_append *r) {
    struct mailbox *m = mailbox_find(a, r->mailbox);
    a->messages++;
    a->bytes += r->entry.size;
    a->store->stats.delivered++;
    map_later(a, &r->entry);
    tell_of_arrival(a);
    if (!m)
        return;
    _cleanup_(buf_done) struct buf numbers = {0};
    struct store_entry e = r->entry;
    mailbox_sets(m, r->keywords, &numbers);
    e.keywords = set_number(&numbers, 1) & STORE_SET_MAX;
    add_entry(m, &e);
}

static void publish_flags(struct store_account *a, const struct record_flags *r) {
    struct mailbox *m = mailbox_find(a, r->mailbox);
    MUST(m && mailbox_is_loaded(m));
    _cleanup_(buf_done) struct buf numbers = {0};
    mailbox_sets(m, r->sets, &numbers);
    mailbox_flag_entries(m, r->entries, r->count, &numbers, r->modseq);
}

/* Entries that can be brought back, and the bytes of bodies that have no other ones. */
static void add_deleted(struct store_account *a, uint64_t count, uint64_t bytes) {
    struct store *s = a->store;
    a->removals++;
    a->deleted_count += count;
    a->deleted_bytes += bytes;
    bool overfull = a->deleted_bytes > s->options.undelete_bytes ||
                    a->deleted_count > s->options.undelete_count;
    if (!overfull || link_in_list(&a->overfull_link))
        return;
    list_append(&s->overfull, &a->overfull_link);
    fiber_cond_wake_all(&s->forgetful);
}

static void publish_expunge(struct store_account *a, const struct record_expunge *r) {
    struct mailbox *m = mailbox_find(a, r->mailbox);
    MUST(m && mailbox_is_loaded(m));
    mailbox_take_entries(m, r->uids, r->count);
    a->messages -= r->bodies;
    a->bytes -= r->bytes;
    if (r->when)
        add_deleted(a, r->count, r->bytes);
}

static uint64_t copy_modseq(const struct record_copy *r) {
    return r->count ? r->entries[r->count - 1].modseq : 0;
}

static void publish_copy(struct store_account *a, const struct record_copy *r) {
    struct mailbox *m = mailbox_find(a, r->mailbox);
    _cleanup_(buf_done) struct buf numbers = {0};
    if (m)
        mailbox_sets(m, r->sets, &numbers);
    for (size_t i = 0; m && i < r->count; i++) {
        struct store_entry e = r->entries[i];
        e.keywords = set_number(&numbers, e.keywords) & STORE_SET_MAX;
        add_entry(m, &e);
    }
    if (r->from)
        publish_expunge(a, &(struct record_expunge){.mailbox = r->from,
                                                    .modseq = copy_modseq(r),
                                                    .uids = r->gone,
                                                    .count = r->count});
}

/* `was`: its path until now, or empty. */
static void note_name(struct store_account *a, uint32_t mailbox, uint64_t modseq,
                      const struct buf *was) {
    _cleanup_(buf_done) struct buf is = {0};
    (void)store_mailbox_path(a, mailbox, &is);
    feed_note_name(a, &(struct store_name_change){
                          .modseq = modseq,
                          .mailbox = mailbox,
                          .was = was->len > 0 ? buf_slice(was) : (struct slice){0},
                          .is = is.len > 0 ? buf_slice(&is) : (struct slice){0},
                      });
}

static void publish_mailbox(struct store_account *a, const struct record_mailbox *r) {
    _cleanup_(buf_done) struct buf was = {0};
    struct mailbox *m = mailbox_find(a, r->mailbox);
    if (m) {
        (void)store_mailbox_path(a, r->mailbox, &was);
        mailbox_rename(m, r->parent, r->name);
        note_name(a, r->mailbox, r->modseq, &was);
        return;
    }
    m = mailbox_add(a, &(struct store_mailbox){
                           .id = r->mailbox,
                           .parent = r->parent,
                           .role = (enum store_role)r->role,
                           .name = r->name,
                           .uidvalidity = r->uidvalidity,
                           .uidnext = r->uidnext,
                       });
    mailbox_begin(m);
    note_name(a, r->mailbox, r->modseq, &was);
}

static void publish_remove(struct store_account *a, const struct record_remove *r) {
    _cleanup_(buf_done) struct buf was = {0};
    struct mailbox *m = mailbox_find(a, r->mailbox);
    MUST(m);
    uint64_t entries = m->info.messages;
    (void)store_mailbox_path(a, r->mailbox, &was);
    properties_drop_mailbox(a, r->mailbox);
    mailbox_remove(m);
    note_name(a, r->mailbox, r->modseq, &was);
    a->messages -= r->bodies;
    a->bytes -= r->bytes;
    if (r->when)
        add_deleted(a, entries, r->bytes);
}

void account_changed(struct store_account *a) {
    fiber_cond_wake_all(&a->changed);
    LIST_EACH (w, &a->watches, const struct store_watch, link)
        w->changed(w->arg);
}

void account_report_sharing(struct store_account *a) {
    const struct store_options *o = &a->store->options;
    if (o->shared)
        o->shared(o->shared_arg, a->id);
}

void account_publish(struct store_account *a, const struct store_record *r) {
    switch (r->type) {
    case RECORD_APPEND:
        publish_append(a, &r->append);
        break;
    case RECORD_COPY:
        publish_copy(a, &r->copy);
        break;
    case RECORD_FLAGS:
        publish_flags(a, &r->flags);
        break;
    case RECORD_EXPUNGE:
        publish_expunge(a, &r->expunge);
        break;
    case RECORD_MAILBOX:
        publish_mailbox(a, &r->mailbox);
        break;
    case RECORD_REMOVE:
        publish_remove(a, &r->remove);
        break;
    case RECORD_PROPERTY:
        properties_put(a, &r->property);
        if (r->property.kind == STORE_RIGHTS)
            account_report_sharing(a);
        break;
    case RECORD_FORGET:
        a->given.forgotten = r->forget.to;
        a->deleted_bytes -= MIN(r->forget.bytes, a->deleted_bytes);
        a->deleted_count -= MIN(r->forget.count, a->deleted_count);
        break;
    }
}

static void raise_modseq(struct store_account *a, uint32_t mailbox, unsigned feed_kinds,
                         uint64_t modseq) {
    struct mailbox *m = mailbox_find(a, mailbox);
    if (m)
        m->info.modseq = MAX(m->info.modseq, modseq);
    if (m && feed_kinds)
        feed_note(m, feed_kinds, modseq);
    a->published = MAX(a->published, modseq);
}

void account_publish_modseq(struct store_account *a, const struct store_record *r) {
    switch (r->type) {
    case RECORD_APPEND:
        raise_modseq(a, r->append.mailbox, FEED_ARRIVED, r->append.entry.modseq);
        break;
    case RECORD_COPY:
        raise_modseq(a, r->copy.mailbox, FEED_ARRIVED, copy_modseq(&r->copy));
        if (r->copy.from)
            raise_modseq(a, r->copy.from, FEED_VANISHED, copy_modseq(&r->copy));
        break;
    case RECORD_FLAGS:
        raise_modseq(a, r->flags.mailbox, FEED_FLAGGED, r->flags.modseq);
        break;
    case RECORD_EXPUNGE:
        raise_modseq(a, r->expunge.mailbox, FEED_VANISHED, r->expunge.modseq);
        break;
    case RECORD_MAILBOX:
        raise_modseq(a, r->mailbox.mailbox, 0, r->mailbox.modseq);
        break;
    case RECORD_REMOVE:
        raise_modseq(a, 0, 0, r->remove.modseq);
        break;
    case RECORD_PROPERTY:
        raise_modseq(a, r->property.mailbox, 0, r->property.modseq);
        break;
    case RECORD_FORGET:
        break;
    }
}
