/* SPDX-License-Identifier: ISC */
/* What was removed: listed, brought back. */
#include "store/undelete.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "store/account.h"

#define PAGE 256U /* of a listing */

struct page {
    struct backend_deleted list[PAGE];
    size_t count;
    struct buf texts;
};

/* The next page behind a place, which moves. */
static int read_page(struct store_account *a, struct deleted_place *place, struct page *p) WAITS {
    buf_clear(&p->texts);
    int error =
        a->below->backend->ops->deleted(a->below, *place, p->list, PAGE, &p->texts, &p->count);
    if (!error && p->count > 0)
        *place = p->list[p->count - 1].place;
    return error;
}

static struct store_deleted deleted_at(const struct store_account *a, const struct page *p,
                                       size_t i) {
    const struct backend_deleted *d = &p->list[i];
    return (struct store_deleted){
        .mailbox = d->mailbox,
        .uid = d->place.uid,
        .mailbox_name = slice_of(p->texts.ptr + d->name_at, d->name_len),
        .has_mailbox = mailbox_find(a, d->mailbox),
        .size = d->size,
        .flags = d->flags & STORE_FLAGS,
        .date = d->date,
        .deleted = d->when,
        .keywords = slice_of(p->texts.ptr + d->keywords_at, d->keywords_len),
    };
}

int store_deleted_each(struct store_account *a,
                       void (*each)(void *arg, const struct store_deleted *d), void *arg) {
    struct page *p = NEW(struct page);
    struct deleted_place place = {0};
    int error;
    change_flush(a);
    do {
        error = read_page(a, &place, p);
        for (size_t i = 0; !error && i < p->count; i++) {
            struct store_deleted d = deleted_at(a, p, i);
            each(arg, &d);
        }
    } while (!error && p->count == PAGE);
    buf_done(&p->texts);
    free(p);
    return error;
}

/* ------------------------------------------------------------------ bringing back */

static int restore(struct store_account *a, const struct backend_deleted *d, struct slice keywords,
                   const struct store_restore *r, struct store_restored *ret) WAITS {
    _cleanup_(buf_done) struct buf names = {0};
    _cleanup_(free_p) char *bytes = mem_alloc(d->size);
    struct slice name, part = slice_of(bytes, d->size);
    struct store_delivered delivered;
    char key[64];
    int error = a->below->backend->ops->read(a->below, (struct backend_body){d->body, d->size}, 0,
                                             bytes, d->size);
    if (error)
        return error;
    while (keywords.len > 0 && slice_next(&keywords, ' ', &name))
        buf_add_bytes(&names, &name, sizeof name);
    uint32_t to = r->to ? r->to : d->mailbox;
    int len = snprintf(key, sizeof key, "restored %x %x %x", d->mailbox, d->place.uid, r->to);
    error = store_deliver(
        a->store, a->id,
        &(struct store_delivery){.mailbox = r->to || mailbox_find(a, to) ? to : STORE_INBOX,
                                 .key = slice_of(key, (size_t)len),
                                 .arrival = d->date,
                                 .flags = d->flags & STORE_FLAGS,
                                 .keywords = (const void *)names.ptr,
                                 .keyword_count = names.len / sizeof name,
                                 .quota = r->quota,
                                 .parts = &part,
                                 .part_count = 1,
                                 .fd = -1},
        &delivered);
    if (!error) {
        ret->count += !delivered.already;
        ret->already += delivered.already;
    }
    return error;
}

int store_restore(struct store_account *a, const struct store_restore *r,
                  struct store_restored *ret) {
    struct page *p = NEW(struct page);
    struct deleted_place place = {0};
    int error;
    *ret = (struct store_restored){0};
    change_flush(a);
    do {
        error = read_page(a, &place, p);
        for (size_t i = 0; !error && i < p->count; i++) {
            struct store_deleted d = deleted_at(a, p, i);
            if (r->wanted(r->arg, &d))
                error = restore(a, &p->list[i], d.keywords, r, ret);
        }
    } while (!error && p->count == PAGE);
    buf_done(&p->texts);
    free(p);
    return error;
}
