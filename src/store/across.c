/* SPDX-License-Identifier: ISC */
#include "store/across.h"

#include "base/alloc.h"
#include "base/crc32c.h"
#include "fiber/fiber.h"
#include "store/account.h"
#include "store/bodies.h"
#include <errno.h>

#define ACROSS_KEY_SIZE 96
#define AT_ONCE         32U        /* messages on their way: they share syncs */
#define BYTES_AT_ONCE   (8U << 20) /* of them; one more may begin below it */
#define HELD_MAX        524288U    /* bytes of a message in memory: a larger one goes by its file */
#define PIECE           262144U    /* of one that is read to see whether it is whole */

/* A message on its way. */
struct carriage {
    const struct store_across *across;
    struct store_view *view;
    struct store_message message;
    struct fiber *fiber;
    struct carriage *before;   /* NULL: it is the first */
    struct fiber_cond leaving; /* `left` */
    bool left;                 /* for its target, or there is nothing to bring */
    struct store_delivered delivered;
    int error;
};

/* They are read beside each other, and leave in their order: so their UIDs rise. */
static int wait_for_turn(struct carriage *c) WAITS {
    int r = 0;
    while (r == 0 && c->before && !c->before->left)
        r = fiber_cond_wait(&c->before->leaving);
    return r;
}

static void leave(struct carriage *c) {
    c->left = true;
    fiber_cond_wake_all(&c->leaving);
}

/*
 * A key of its own for a move, and for a copy that is the only one of its kind. They differ: a copy
 * that came, and was removed there since, is no reason for a move to take the message away.
 */
static void make_key(const struct carriage *c, struct buf *key) {
    const struct store_across *w = c->across;
    const struct store_message *m = &c->message;
    if (!w->move && w->key.len == 0)
        return;
    buf_printf(key, "%s %llx %x %x %llx %x", w->move ? "moved" : "across",
               (unsigned long long)w->from->id, m->mailbox, m->uid,
               (unsigned long long)(w->to ? w->to->id : w->to_number), w->to_mailbox);
    if (w->key.len == 0)
        return;
    buf_add(key, S(" "));
    buf_add(key, w->key);
}

/* A message on its way: in memory, or where it lies in a file. */
struct load {
    char *bytes;
    struct slice part;
    struct store_file file;
    bool by_file;
};

static void unload(const struct carriage *c, struct load *l) {
    if (l->by_file)
        store_file_release(c->across->from, &l->file);
    free(l->bytes);
}

/* Whoever takes it out of the file gives it a new sum. */
static int check_file(const struct carriage *c, char *piece) WAITS {
    struct store_account *from = c->across->from;
    const struct store_message *m = &c->message;
    struct store_body b = {0};
    uint32_t sum = 0;
    int error = store_newest_body(from, m->body, &b);
    if (!error && b.number != m->body)
        error = -E_UNKNOWN;
    for (uint64_t at = 0; !error && at < b.size; at += PIECE) {
        const size_t len = (size_t)MIN((uint64_t)PIECE, b.size - at);
        error = store_read_body(from, &b, at, piece, len);
        sum = error ? sum : crc32c(sum, slice_of(piece, len));
        (void)fiber_yield_if_long();
    }
    return !error && sum != b.sum ? -E_CORRUPT : error;
}

/* The whole message is read and checked: damage does not get a good sum at the target. */
static int load(const struct carriage *c, struct load *l) WAITS {
    struct store_account *from = c->across->from;
    const struct store_message *m = &c->message;
    l->by_file = m->size > HELD_MAX && store_file_get(from, m, &l->file) == 0;
    l->bytes = mem_alloc(l->by_file ? PIECE : m->size);
    if (l->by_file)
        return check_file(c, l->bytes);
    l->part = slice_of(l->bytes, m->size);
    const ssize_t n = store_read(from, m, 0, l->bytes, m->size);
    return (int)MIN(n, 0);
}

static int bring(struct carriage *c, const struct load *l) WAITS {
    const struct store_across *w = c->across;
    const struct store_message *m = &c->message;
    _cleanup_(buf_done) struct buf keywords = {0}, names = {0}, key = {0}, path = {0};
    struct slice name;
    int error = w->from->below->backend->ops->return_path(w->from->below, m->body, &path);
    if (error)
        return error;
    store_view_keywords(c->view, m, &keywords);
    for (struct slice rest = buf_slice(&keywords); slice_next(&rest, ' ', &name);)
        buf_add_bytes(&names, &name, sizeof name);
    make_key(c, &key);
    struct store_delivery d = {
        .mailbox = w->to_mailbox,
        .key = buf_slice(&key),
        .return_path = buf_slice(&path),
        .arrival = m->date,
        .flags = m->flags,
        .keywords = (const void *)names.ptr,
        .keyword_count = names.len / sizeof name,
        .quota = w->quota,
        .parts = &l->part,
        .part_count = !l->by_file,
        .fd = l->by_file ? l->file.fd : -1,
        .offset = l->file.offset,
        .len = l->file.len,
    };
    error = wait_for_turn(c);
    if (error)
        return error;
    leave(c); /* the next one goes on when this one waits */
    return w->to ? store_deliver(w->to->store, w->to->id, &d, &c->delivered)
                 : w->deliver(w->arg, &d, &c->delivered);
}

static int carry(struct carriage *c) WAITS {
    struct load l = {0};
    int error = load(c, &l);
    if (!error)
        error = bring(c, &l);
    unload(c, &l);
    return error;
}

static void carriage_main(void *arg) WAITS {
    struct carriage *c = arg;
    c->error = carry(c);
    leave(c);
}

/* Carries as many as go at once, from a place in the UIDs on, which moves; adds those that came. */
static int carry_some(const struct store_across *w, struct store_view *v, size_t *at,
                      struct buf *arrived, struct store_carried *ret) WAITS {
    _cleanup_(free_p) struct carriage *list = mem_array(AT_ONCE, sizeof *list);
    struct store_view_info info;
    uint64_t bytes = 0;
    size_t count = 0;
    int error = 0;
    store_view_info(v, &info);
    for (; *at < w->count && count < AT_ONCE && bytes < BYTES_AT_ONCE; (*at)++) {
        struct carriage *c = &list[count];
        size_t place = store_view_place(v, w->uids[*at]);
        *c = (struct carriage){
            .across = w, .view = v, .before = count > 0 ? &list[count - 1] : NULL};
        fiber_cond_init(&c->leaving);
        if (place == info.count)
            continue;
        store_view_at(v, place, &c->message);
        if (c->message.uid != w->uids[*at])
            continue;
        bytes += c->message.size;
        error = fiber_start("carriage", carriage_main, c, &c->fiber);
        if (error)
            break;
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        fiber_join(list[i].fiber);
        if (!error)
            error = list[i].error;
        if (list[i].error)
            continue;
        buf_add_bytes(arrived, &list[i].message.uid, sizeof list[i].message.uid);
        if (ret->count++ == 0)
            ret->first_uid = list[i].delivered.uid;
        if (w->pairs) {
            buf_add_bytes(w->pairs, &list[i].message.uid, sizeof(uint32_t));
            buf_add_bytes(w->pairs, &list[i].delivered.uid, sizeof(uint32_t));
        }
    }
    return error;
}

int store_copy_across(const struct store_across *w, struct store_carried *ret) {
    _cleanup_(store_view_close_p) struct store_view *v = NULL;
    _cleanup_(buf_done) struct buf arrived = {0};
    *ret = (struct store_carried){0};
    if (w->from == w->to)
        return -EINVAL;
    if (w->key.len > STORE_KEY_MAX - ACROSS_KEY_SIZE)
        return -E_LIMIT;
    int error = store_view_open(w->from, w->mailbox, &v);
    for (size_t at = 0; !error && at < w->count;)
        error = carry_some(w, v, &at, &arrived, ret);
    if (!w->move || arrived.len == 0)
        return error;
    int r = store_expunge(w->from, w->mailbox, (const void *)arrived.ptr,
                          arrived.len / sizeof(uint32_t), &ret->removed);
    return error ? error : r;
}
