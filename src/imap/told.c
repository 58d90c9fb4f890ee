/* SPDX-License-Identifier: ISC */
#include "imap/told.h"

#include <errno.h>

#include "base/alloc.h"
#include "fiber/fiber.h"

/* ------------------------------------------------------------------ ghosts */

static size_t ghost_count(const struct told *t) {
    return t->ghosts.len / sizeof(uint32_t);
}

static uint32_t ghost_at(const struct told *t, size_t place) {
    uint32_t uid;
    memcpy(&uid, t->ghosts.ptr + place * sizeof uid, sizeof uid);
    return uid;
}

/* How many of them lie below a UID. */
static size_t ghosts_below(const struct told *t, uint32_t uid) {
    size_t low = 0, high = ghost_count(t);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ghost_at(t, middle) < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool view_has(struct store_view *v, uint32_t uid) {
    struct store_view_info info;
    struct store_message m;
    store_view_info(v, &info);
    size_t place = store_view_place(v, uid);
    if (place == info.count)
        return false;
    store_view_at(v, place, &m);
    return m.uid == uid;
}

/* Of two rising lists of UIDs, all of both. */
static void merge(struct buf *ghosts, const struct buf *more) {
    struct buf both = {0};
    const char *a = ghosts->len > 0 ? ghosts->ptr : "", *b = more->len > 0 ? more->ptr : "";
    const char *a_end = a + ghosts->len, *b_end = b + more->len;
    buf_reserve(&both, ghosts->len + more->len);
    while (a < a_end || b < b_end) {
        uint32_t x = UINT32_MAX, y = UINT32_MAX;
        if (a < a_end)
            memcpy(&x, a, sizeof x);
        if (b < b_end)
            memcpy(&y, b, sizeof y);
        buf_add_bytes(&both, x < y ? &x : &y, sizeof x);
        a += x < y ? sizeof x : 0;
        b += x < y ? 0 : sizeof y;
    }
    buf_done(ghosts);
    *ghosts = both;
}

/* ------------------------------------------------------------------ the mailbox as it is */

static int begin(struct told *t, struct store_account *a, uint32_t mailbox,
                 int (*view)(struct store_account *a, uint32_t mailbox,
                             struct store_view **ret_view) WAITS) WAITS {
    struct store_view_info info;
    *t = (struct told){.account = a, .mailbox = mailbox};
    int error = view(a, mailbox, &t->view);
    if (error)
        return error;
    store_view_info(t->view, &info);
    t->uidnext = info.uidnext;
    return 0;
}

int told_open(struct told *t, struct store_account *a, uint32_t mailbox) {
    return begin(t, a, mailbox, store_view_open);
}

int told_begin(struct told *t, struct store_account *a, uint32_t mailbox) {
    return begin(t, a, mailbox, store_view_begin);
}

int told_settle(struct told *t) {
    return store_view_settle(t->view);
}

void told_close(struct told *t) {
    store_view_close(t->view);
    buf_done(&t->ghosts);
    *t = (struct told){0};
}

/*
 * Of the messages of the last look, from one place to another, those that are not in this one. UIDs
 * are given once, and new ones come behind the others: so how many lie between two UIDs says
 * whether one of them has gone, and only where one has is looked closer.
 */
static void find_gone(const struct told *t, struct store_view *now, size_t from, size_t to,
                      struct buf *gone) WAITS {
    struct store_message first, last;
    if (from == to)
        return;
    (void)fiber_yield_if_long();
    store_view_at(t->view, from, &first);
    store_view_at(t->view, to - 1, &last);
    size_t there = store_view_place(now, last.uid + 1) - store_view_place(now, first.uid);
    if (there == to - from)
        return;
    if (there > 0) {
        size_t middle = from + (to - from) / 2;
        find_gone(t, now, from, middle, gone);
        find_gone(t, now, middle, to, gone);
        return;
    }
    for (size_t place = from; place < to; place++) {
        struct store_message m;
        store_view_at(t->view, place, &m);
        buf_add_bytes(gone, &m.uid, sizeof m.uid);
        if (place % TOLD_TURN == 0)
            (void)fiber_yield_if_long();
    }
}

int told_look(struct told *t) {
    _cleanup_(buf_done) struct buf gone = {0};
    struct store_view *now;
    int error = store_view_open(t->account, t->mailbox, &now);
    if (error)
        return error;
    find_gone(t, now, 0, store_view_place(t->view, t->uidnext), &gone);
    if (gone.len > 0)
        merge(&t->ghosts, &gone);
    store_view_close(t->view);
    t->view = now;
    return 0;
}

/* ------------------------------------------------------------------ numbers */

size_t told_count(const struct told *t) {
    return store_view_place(t->view, t->uidnext) + ghost_count(t);
}

/*
 * The ghost with the place i in their list has the number (its place in the view) + i + 1. So the
 * first of them with a number that is not below the wanted one decides: how many are below it.
 */
static size_t ghosts_before(const struct told *t, size_t place) {
    size_t low = 0, high = ghost_count(t);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (store_view_place(t->view, ghost_at(t, middle)) + middle < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_ghost(const struct told *t, size_t ghost, size_t place) {
    return ghost < ghost_count(t) && store_view_place(t->view, ghost_at(t, ghost)) + ghost == place;
}

bool told_at(const struct told *t, size_t number, struct store_message *ret) {
    MUST(number >= 1 && number <= told_count(t));
    const size_t ghosts = ghosts_before(t, number - 1);
    if (is_ghost(t, ghosts, number - 1))
        return false;
    store_view_at(t->view, number - 1 - ghosts, ret);
    return true;
}

uint32_t told_uid(const struct told *t, size_t number) {
    struct store_message m;
    return told_at(t, number, &m) ? m.uid : ghost_at(t, ghosts_before(t, number - 1));
}

size_t told_number(const struct told *t, uint32_t uid) {
    uid = MIN(uid, t->uidnext);
    return store_view_place(t->view, uid) + ghosts_below(t, uid) + 1;
}

bool told_has(const struct told *t, uint32_t uid) {
    size_t ghost = ghosts_below(t, uid);
    if (uid >= t->uidnext)
        return false;
    return (ghost < ghost_count(t) && ghost_at(t, ghost) == uid) || view_has(t->view, uid);
}

/* ------------------------------------------------------------------ many numbers */

#define FEW   1000U /* are looked for one by one */
#define HOLES 4U    /* UIDs for each message at most, or else too many are not there */

static void fill_numbers(struct told_numbers *n, size_t count) WAITS {
    const struct told *t = n->told;
    for (size_t place = 0, ghosts = 0; place < count; place++) {
        struct store_message m;
        store_view_at(t->view, place, &m);
        while (ghosts < ghost_count(t) && ghost_at(t, ghosts) < m.uid)
            ghosts++;
        n->numbers[m.uid - n->first] = (uint32_t)(place + ghosts + 1);
        if (place % 64 == 0)
            (void)fiber_yield_if_long();
    }
}

void told_numbers_begin(struct told_numbers *n, const struct told *t, size_t count) {
    const size_t there = store_view_place(t->view, t->uidnext);
    struct store_message first, last;
    *n = (struct told_numbers){.told = t};
    if (count < FEW || there == 0)
        return;
    store_view_at(t->view, 0, &first);
    store_view_at(t->view, there - 1, &last);
    n->first = first.uid;
    n->span = last.uid - first.uid + 1;
    n->dense = n->span == there && ghost_count(t) == 0;
    if (n->dense || n->span / HOLES > there)
        return;
    n->numbers = mem_array(n->span, sizeof *n->numbers);
    fill_numbers(n, there);
}

void told_numbers_done(struct told_numbers *n) {
    free(n->numbers);
    *n = (struct told_numbers){0};
}

uint32_t told_numbers_of(const struct told_numbers *n, uint32_t uid) {
    const uint32_t at = uid - n->first;
    if (at < n->span && n->dense)
        return at + 1;
    if (at < n->span && n->numbers && n->numbers[at] > 0)
        return n->numbers[at];
    return (uint32_t)told_number(n->told, uid);
}

/* ------------------------------------------------------------------ telling */

void told_expunge(struct told *t, void (*each)(void *arg, size_t number, uint32_t uid) WAITS,
                  void *arg) {
    for (size_t i = 0; i < ghost_count(t); i++) {
        uint32_t uid = ghost_at(t, i);
        each(arg, store_view_place(t->view, uid) + 1, uid);
        if (i % TOLD_TURN == 0)
            (void)fiber_yield_if_long();
    }
    buf_done(&t->ghosts);
}

bool told_arrivals(struct told *t) {
    struct store_view_info info;
    size_t before = told_count(t);
    store_view_info(t->view, &info);
    t->uidnext = MAX(t->uidnext, info.uidnext);
    return told_count(t) > before;
}
