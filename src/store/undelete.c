/* SPDX-License-Identifier: ISC */
/* What was removed: listed, brought back. */
#include "store/undelete.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "fiber/fiber.h"
#include "store/account.h"

#define PAGE          256U        /* of a listing */
#define AT_ONCE       32U         /* messages on their way back */
#define BYTES_AT_ONCE (8U << 20)  /* of them; one more may begin below it */
#define BYTES_IN_ALL  (64U << 20) /* the same of one call */

struct page {
    struct backend_deleted list[PAGE];
    size_t count;
    struct buf texts;
};

/* The next page behind a place, which moves. */
static int read_page(struct store_account *a, struct deleted_place *place, size_t most,
                     struct page *p) WAITS {
    buf_clear(&p->texts);
    p->count = 0;
    int error =
        a->below->backend->ops->deleted(a->below, *place, p->list, most, &p->texts, &p->count);
    if (!error && p->count > 0)
        *place = p->list[p->count - 1].place;
    return error;
}

static struct store_deleted deleted_at(const struct store_account *a, const struct page *p,
                                       size_t i) {
    const struct backend_deleted *d = &p->list[i];
    return (struct store_deleted){
        .place = d->place,
        .body = d->body,
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

int store_deleted_each(struct store_account *a, struct deleted_place *place, size_t most,
                       void (*each)(void *arg, const struct store_deleted *d), void *arg,
                       bool *ret_more) {
    struct page *p = NEW(struct page);
    bool more = true;
    int error = 0;
    change_flush(a);
    while (!error && more && most > 0) {
        error = read_page(a, place, MIN(most, PAGE), p);
        for (size_t i = 0; !error && i < p->count; i++) {
            struct store_deleted d = deleted_at(a, p, i);
            each(arg, &d);
        }
        more = p->count == MIN(most, PAGE);
        most -= p->count;
    }
    buf_done(&p->texts);
    free(p);
    *ret_more = more;
    return error;
}

ssize_t store_deleted_read(struct store_account *a, const struct store_deleted *d, void *to,
                           size_t len) {
    len = MIN(len, d->size);
    int error = a->below->backend->ops->read(
        a->below, (struct backend_body){d->body, (uint32_t)d->size}, 0, to, len);
    return error ? error : (ssize_t)len;
}

/* ------------------------------------------------------------------ what is back */

#define RESTORED_KEY_SIZE 48U

/* The key under which one comes back: once into each mailbox. */
static struct slice restored_key(const struct store_deleted *d, uint32_t to,
                                 char text[static RESTORED_KEY_SIZE]) {
    int len = snprintf(text, RESTORED_KEY_SIZE, "restored %x %x %x", d->mailbox, d->uid, to);
    return slice_of(text, (size_t)len);
}

static int is_back_in(struct store_account *a, const struct store_deleted *d, uint32_t to) WAITS {
    char key[RESTORED_KEY_SIZE];
    uint64_t body;
    uint32_t uid;
    return a->below->backend->ops->find_key(a->below, restored_key(d, to, key), &body, &uid);
}

int store_deleted_is_back(struct store_account *a, const struct store_deleted *d, uint32_t to,
                          bool anywhere) {
    int r = is_back_in(a, d, to);
    for (size_t i = 0; r == 0 && anywhere && i < a->mailbox_count; i++)
        if (a->mailboxes[i]->info.parent == 0)
            r = is_back_in(a, d, a->mailboxes[i]->info.id);
    return r;
}

/* ------------------------------------------------------------------ bringing back */

/* A message on its way back. */
struct returning {
    struct store_account *account;
    const struct store_restore *restore;
    struct store_deleted deleted; /* its keywords are a copy */
    char *bytes;
    struct buf keywords, return_path;
    struct fiber *fiber;
    struct store_delivered delivered;
    int error;
};

struct batch {
    struct returning list[AT_ONCE];
    size_t count;
    uint64_t bytes, all_bytes;
};

/* What is damaged, or has gone for good meanwhile, keeps no other one. */
static int read_one(struct batch *b, struct store_account *a, const struct store_deleted *d,
                    const struct store_restore *r, struct store_restored *ret) WAITS {
    const struct backend_ops *ops = a->below->backend->ops;
    struct returning *one = &b->list[b->count];
    *one = (struct returning){.account = a, .restore = r, .deleted = *d};
    one->bytes = mem_alloc(d->size);
    buf_add(&one->keywords, d->keywords);
    one->deleted.keywords = buf_slice(&one->keywords);
    one->deleted.mailbox_name = S("");
    b->count++;
    int error = ops->read(a->below, (struct backend_body){d->body, (uint32_t)d->size}, 0,
                          one->bytes, d->size);
    if (!error)
        error = ops->return_path(a->below, d->body, &one->return_path);
    if (!error)
        b->bytes += d->size;
    else
        free(b->list[--b->count].bytes);
    if (error)
        buf_done(&one->keywords);
    ret->damaged += error == -E_CORRUPT;
    return error == -E_UNKNOWN || error == -E_CORRUPT ? 0 : error;
}

static void return_main(void *arg) WAITS {
    struct returning *one = arg;
    const struct store_deleted *d = &one->deleted;
    const struct store_restore *r = one->restore;
    _cleanup_(buf_done) struct buf names = {0};
    struct slice name, rest = d->keywords, part = slice_of(one->bytes, d->size);
    char key[RESTORED_KEY_SIZE];
    while (rest.len > 0 && slice_next(&rest, ' ', &name))
        buf_add_bytes(&names, &name, sizeof name);
    uint32_t to = r->to ? r->to : d->mailbox;
    struct store_delivery delivery = {
        .mailbox = r->to || mailbox_find(one->account, to) ? to : STORE_INBOX,
        .key = restored_key(d, r->to, key),
        .return_path = buf_slice(&one->return_path),
        .arrival = d->date,
        .flags = d->flags,
        .keywords = (const void *)names.ptr,
        .keyword_count = names.len / sizeof name,
        .quota = r->quota,
        .parts = &part,
        .part_count = 1,
        .fd = -1,
    };
    one->error = store_deliver(one->account->store, one->account->id, &delivery, &one->delivered);
}

/* They share syncs, and get their UIDs in order. */
static int return_all(struct batch *b, struct store_restored *ret) WAITS {
    size_t started = 0;
    int error = 0;
    while (!error && started < b->count) {
        struct returning *one = &b->list[started];
        error = fiber_start("returning", return_main, one, &one->fiber);
        started += error == 0;
    }
    for (size_t i = 0; i < b->count; i++) {
        struct returning *one = &b->list[i];
        if (i < started) {
            fiber_join(one->fiber);
            error = error ? error : one->error;
            bool back = !one->error && !one->delivered.already;
            ret->count += back;
            ret->already += !one->error && one->delivered.already;
            if (back && one->restore->restored)
                one->restore->restored(one->restore->arg, &one->deleted);
        }
        buf_done(&one->keywords);
        buf_done(&one->return_path);
        free(one->bytes);
    }
    b->all_bytes += b->bytes;
    b->count = 0;
    b->bytes = 0;
    return error;
}

/* As many of a page as are brought back in one call; the place moves behind them. */
static int restore_page(struct store_account *a, struct store_restore *r, const struct page *p,
                        struct batch *b, struct store_restored *ret) WAITS {
    struct deleted_place place = r->place;
    int error = 0;
    for (size_t i = 0; !error && i < p->count && b->all_bytes < BYTES_IN_ALL; i++) {
        struct store_deleted d = deleted_at(a, p, i);
        place = d.place;
        if (!r->wanted(r->arg, &d))
            continue;
        /* A delivery without room would have all go for good. */
        error = a->below->backend->ops->has_room(a->below, 0);
        if (!error)
            error = read_one(b, a, &d, r, ret);
        if (!error && (b->count == AT_ONCE || b->bytes >= BYTES_AT_ONCE))
            error = return_all(b, ret);
    }
    int last = return_all(b, ret);
    error = error ? error : last;
    if (!error)
        r->place = place;
    return error;
}

int store_restore(struct store_account *a, struct store_restore *r, struct store_restored *ret) {
    struct page *p = NEW(struct page);
    struct batch *b = NEW(struct batch);
    size_t most = r->most;
    int error = 0;
    *ret = (struct store_restored){.more = true};
    change_flush(a);
    while (!error && ret->more && most > 0 && b->all_bytes < BYTES_IN_ALL) {
        struct deleted_place place = r->place;
        error = read_page(a, &place, MIN(most, PAGE), p);
        if (!error)
            error = restore_page(a, r, p, b, ret);
        ret->more = p->count == MIN(most, PAGE) || b->all_bytes >= BYTES_IN_ALL;
        most -= p->count;
    }
    buf_done(&p->texts);
    free(p);
    free(b);
    return error;
}
