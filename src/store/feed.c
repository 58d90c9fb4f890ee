/* SPDX-License-Identifier: ISC */
/*
 * Mailboxes that have changed stand in a list, the latest first, so who asks goes no further than
 * to what he has seen. Changes of names are kept as they were until they are too many.
 */
#include "store/account.h"

#include "base/alloc.h"

static struct feed *feed_of(struct store_account *a) {
    if (!a->feed) {
        a->feed = NEW(struct feed);
        list_init(&a->feed->changed);
        list_init(&a->feed->names);
        a->store->memory += (int64_t)sizeof *a->feed;
    }
    return a->feed;
}

/* ------------------------------------------------------------------ mailboxes */

static struct store_mailbox_changes *begin_changes(struct mailbox *m) {
    if (!m->changes) {
        m->changes = NEW(struct mailbox_changes);
        m->changes->mailbox = m;
        m->account->store->memory += (int64_t)sizeof *m->changes;
    }
    return &m->changes->latest;
}

void feed_note(struct mailbox *m, unsigned kinds, uint64_t modseq) {
    struct store_mailbox_changes *c = begin_changes(m);
    if (kinds & FEED_ARRIVED)
        c->arrived = MAX(c->arrived, modseq);
    if (kinds & FEED_VANISHED)
        c->vanished = MAX(c->vanished, modseq);
    if (kinds & FEED_FLAGGED)
        c->flagged = MAX(c->flagged, modseq);
    link_remove(&m->changes->link);
    list_prepend(&feed_of(m->account)->changed, &m->changes->link);
}

void feed_drop(struct mailbox *m) {
    if (!m->changes)
        return;
    link_remove(&m->changes->link);
    m->account->store->memory -= (int64_t)sizeof *m->changes;
    free(TAKE_PTR(m->changes));
}

static uint64_t latest(const struct store_mailbox_changes *c) {
    return MAX(MAX(c->arrived, c->vanished), c->flagged);
}

void store_mailboxes_changed(const struct store_account *a, uint64_t since,
                             void (*each)(void *arg, uint32_t mailbox,
                                          const struct store_mailbox_changes *changes),
                             void *arg) {
    if (!a->feed)
        return;
    LIST_EACH (c, &a->feed->changed, const struct mailbox_changes, link) {
        if (latest(&c->latest) <= since)
            return;
        each(arg, c->mailbox->info.id, &c->latest);
    }
}

/* ------------------------------------------------------------------ names */

struct name_note {
    struct link link; /* in feed.names, the oldest first */
    struct store_name_change change;
    size_t size; /* bytes of its names, which lie behind this struct */
};

static struct slice keep(char **at, struct slice path) {
    if (!path.ptr)
        return path;
    struct slice kept = slice_of(*at, path.len);
    memcpy(*at, path.ptr, path.len);
    *at += path.len;
    return kept;
}

static void forget_oldest(struct store_account *a) {
    struct feed *f = a->feed;
    struct name_note *n = CONTAINER_OF(list_pop(&f->names), struct name_note, link);
    f->forgotten = MAX(f->forgotten, n->change.modseq);
    f->count--;
    f->bytes -= n->size;
    a->store->memory -= (int64_t)(sizeof *n + n->size);
    free(n);
}

void feed_note_name(struct store_account *a, const struct store_name_change *c) {
    struct feed *f = feed_of(a);
    const size_t size = c->was.len + c->is.len;
    struct name_note *n = mem_alloc(sizeof *n + size);
    char *at = (char *)(n + 1);
    *n = (struct name_note){.change = *c, .size = size};
    n->change.was = keep(&at, c->was);
    n->change.is = keep(&at, c->is);
    list_append(&f->names, &n->link);
    f->count++;
    f->bytes += size;
    a->store->memory += (int64_t)(sizeof *n + size);
    while (f->count > STORE_NAME_CHANGES_MAX || f->bytes > STORE_NAME_CHANGES_BYTES)
        forget_oldest(a);
}

int store_name_changes(const struct store_account *a, uint64_t since,
                       void (*each)(void *arg, const struct store_name_change *c), void *arg) {
    if (!a->feed)
        return 0;
    if (since < a->feed->forgotten)
        return -E_LIMIT;
    LIST_EACH (n, &a->feed->names, const struct name_note, link)
        if (n->change.modseq > since)
            each(arg, &n->change);
    return 0;
}

/* ------------------------------------------------------------------ its life */

void feed_free(struct store_account *a) {
    if (!a->feed)
        return;
    while (list_pop(&a->feed->changed)) /* what changes again stands in the next feed */
        ;
    while (a->feed->count > 0)
        forget_oldest(a);
    a->store->memory -= (int64_t)sizeof *a->feed;
    free(TAKE_PTR(a->feed));
}
