/* SPDX-License-Identifier: ISC */
/*
 * Views: a version of a mailbox's entries that its holder reads for as long as he likes, and the
 * bytes of messages.
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "store/account.h"

/* A view of more messages does not wait until they are in memory. */
#define BEGIN_ABOVE 32U

/* So many messages are looked at for the first unseen one before all are read. */
#define UNSEEN_END 1024U

struct store_view {
    struct store_account *account;
    struct mailbox *mailbox;
    struct entries_waiter from; /* has what came later, too */
    struct store_view_info info;
    uint64_t unseen;

    /* Where the last message was found: the next one is mostly behind it. */
    const struct store_entry *run;
    size_t run_at, run_len;

    bool has_room; /* it lies in somebody's room */
};
_Static_assert(sizeof(struct store_view) <= sizeof(struct store_view_room), "room for a view");

/* What is known of a mailbox without its entries, and so of those that are read later. */
static void describe(struct store_view *v) {
    const struct mailbox_info *m = &v->mailbox->info;
    const bool served = v->from.served;
    v->unseen = m->unseen;
    v->info = (struct store_view_info){
        .mailbox = m->id,
        .uidvalidity = m->uidvalidity,
        .uidnext = m->uidnext,
        .modseq = m->modseq,
        .bytes = served ? entries_bytes(v->from.entries) : m->bytes,
        .count = served ? entries_count(v->from.entries) : m->messages,
    };
}

/* Of a mailbox that was loaded, or whose entries somebody will read. */
static struct store_view *view_new(struct mailbox *m, struct store_view_room *room) {
    struct store_view *v = room ? (void *)room : mem_alloc(sizeof *v);
    *v = (struct store_view){.account = m->account, .mailbox = m, .has_room = room != NULL};
    if (mailbox_is_loaded(m))
        mailbox_serve(m, &v->from);
    else
        mailbox_await(m, &v->from);
    describe(v);
    return v;
}

static int open_view(struct store_account *a, uint32_t mailbox, uint64_t at_once,
                     struct store_view_room *room, struct store_view **ret_view) WAITS {
    change_flush(a);
    struct mailbox *m = mailbox_find(a, mailbox);
    int error = m ? 0 : -E_UNKNOWN;
    if (m && (mailbox_is_loaded(m) || m->info.messages <= at_once))
        error = mailbox_load(m);
    if (!error)
        *ret_view = view_new(m, room);
    return error;
}

int store_view_open(struct store_account *a, uint32_t mailbox, struct store_view **ret_view) {
    return open_view(a, mailbox, UINT64_MAX, NULL, ret_view);
}

int store_view_open_in(struct store_account *a, uint32_t mailbox, struct store_view_room *room,
                       struct store_view **ret_view) {
    return open_view(a, mailbox, UINT64_MAX, room, ret_view);
}

int store_view_begin(struct store_account *a, uint32_t mailbox, struct store_view **ret_view) {
    return open_view(a, mailbox, BEGIN_ABOVE, NULL, ret_view);
}

/* Whoever removes messages has read them first: while nobody has, only new ones come. So what is
 * there below UIDNEXT is what was there; unless mail.db has counted wrongly. */
int store_view_settle(struct store_view *v) {
    struct mailbox *m = v->mailbox;
    if (!v->from.served) {
        int error = mailbox_load(m);
        if (error)
            return error;
        mailbox_rest(m);
    }
    if (entries_place(v->from.entries, v->info.uidnext) == v->info.count)
        return 0;
    if (mailbox_is_loaded(m))
        mailbox_sum_up(m);
    return -E_CORRUPT;
}

bool store_view_is_settled(const struct store_view *v) {
    return v->from.served;
}

void store_view_close(struct store_view *v) {
    if (!v)
        return;
    link_remove(&v->from.link);
    store_drop_entries(v->account->store, v->from.entries);
    keywords_view_close(v->mailbox->content->keywords, &v->from.keywords);
    mailbox_rest(v->mailbox);
    if (!v->has_room)
        free(v);
}

void store_view_info(const struct store_view *v, struct store_view_info *ret) {
    *ret = v->info;
}

static const struct store_entry *entry_at(struct store_view *v, size_t place) {
    MUST(v->from.served);
    if (place < v->run_at || place - v->run_at >= v->run_len) {
        v->run = entries_run(v->from.entries, place, &v->run_len);
        v->run_at = place;
    }
    return &v->run[place - v->run_at];
}

void store_view_at(struct store_view *v, size_t place, struct store_message *ret) {
    const struct store_entry *e = entry_at(v, place);
    *ret = (struct store_message){
        .mailbox = v->info.mailbox,
        .uid = e->uid,
        .size = e->size,
        .flags = e->flags & STORE_FLAGS,
        .modseq = e->modseq,
        .body = e->body,
        .keywords = e->keywords,
        .date = (usec_t)e->date,
        .shape = e->shape,
        .is_copy = e->flags & ENTRY_COPY,
    };
}

size_t store_view_place(struct store_view *v, uint32_t uid) {
    if (uid >= v->info.uidnext)
        return v->info.count;
    if (v->run_len > 0 && uid >= v->run[0].uid && uid <= v->run[v->run_len - 1].uid)
        return v->run_at + entries_place_in(v->run, v->run_len, uid);
    return entries_place(v->from.entries, uid);
}

/* In the last messages of a mailbox whose entries are not in memory. False: it is not there. */
static int look_at_end(struct store_view *v, size_t *ret_place) WAITS {
    _cleanup_(free_p) struct store_entry *end = mem_array(UNSEEN_END, sizeof *end);
    _cleanup_(buf_done) struct buf sets = {0};
    struct backend_account *below = v->account->below;
    const uint32_t uidnext = v->info.uidnext;
    size_t count = 0, there = 0, first = 0;
    uint64_t unseen = 0;
    int error =
        below->backend->ops->load(below, v->info.mailbox, uidnext - MIN(uidnext, UNSEEN_END + 1U),
                                  end, UNSEEN_END, &sets, &count);
    if (error)
        return error;
    for (; there < count && end[there].uid < uidnext; there++)
        if (!(end[there].flags & STORE_SEEN) && unseen++ == 0)
            first = there;
    bool found = unseen == v->unseen && sets.len < BACKEND_SETS && there <= v->info.count &&
                 !v->from.served; /* else flags may have changed before they were read */
    if (found)
        *ret_place = v->info.count - there + first;
    return found;
}

int store_view_first_unseen(struct store_view *v, size_t *ret_place) {
    const size_t count = v->info.count;
    size_t place = v->unseen == 0 ? count : 0;
    int found = v->unseen == 0 || v->unseen == count;
    if (!found && !v->from.served && count > UNSEEN_END)
        found = look_at_end(v, &place);
    if (found < 0)
        return found;
    if (!found) {
        int error = store_view_settle(v);
        if (error)
            return error;
        while (place < count && entry_at(v, place)->flags & STORE_SEEN) {
            place++;
            (void)fiber_yield_if_long();
        }
    }
    *ret_place = place;
    return 0;
}

void store_view_keywords(const struct store_view *v, const struct store_message *m,
                         struct buf *names) {
    keywords_text(v->mailbox->content->keywords, m->keywords, names);
}

int store_keywords(struct store_account *a, uint32_t mailbox, struct buf *names) {
    change_flush(a);
    struct mailbox *m = mailbox_find(a, mailbox);
    return m ? mailbox_keyword_names(m, names) : -E_UNKNOWN;
}

struct changes {
    uint32_t uidnext;
    struct buf *uids;
};

static void add_uid(void *arg, const struct store_entry *e) {
    const struct changes *c = arg;
    uint32_t uid = e->uid;
    if (uid < c->uidnext)
        buf_add_bytes(c->uids, &uid, sizeof uid);
}

void store_view_changes(struct store_view *v, uint64_t since, struct buf *uids) {
    struct changes c = {v->info.uidnext, uids};
    uint32_t next = 0;
    while ((next = entries_since(v->from.entries, since, next, add_uid, &c)))
        (void)fiber_yield();
}

int store_vanished(struct store_account *a, uint32_t mailbox, uint64_t since,
                   struct buf *uids) WAITS {
    change_flush(a);
    if (!mailbox_find(a, mailbox))
        return -E_UNKNOWN;
    return a->below->backend->ops->vanished(a->below, mailbox, since, uids);
}

int store_save_dates(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                     usec_t *dates) {
    _cleanup_(free_p) uint32_t *seconds = mem_array(count, sizeof *seconds);
    int error = a->below->backend->ops->saved(a->below, mailbox, uids, count, seconds);
    for (size_t i = 0; !error && i < count; i++)
        dates[i] = seconds[i] * USEC_SEC;
    return error;
}

struct slice store_uidl(const struct store_message *m, char text[static STORE_UIDL_SIZE]) {
    int len = snprintf(text, STORE_UIDL_SIZE, "%llx.%llx", (unsigned long long)m->body,
                       (unsigned long long)m->date);
    if (m->is_copy)
        len += snprintf(text + len, STORE_UIDL_SIZE - (size_t)len, ".%x.%x", m->mailbox, m->uid);
    return slice_of(text, (size_t)len);
}

/* ------------------------------------------------------------------ bytes */

static struct backend_body body_of(const struct store_message *m) {
    return (struct backend_body){m->body, (uint32_t)m->size};
}

ssize_t store_read(struct store_account *a, const struct store_message *m, uint64_t skip, void *to,
                   size_t len) {
    if (skip > m->size)
        return -EINVAL;
    len = (size_t)MIN((uint64_t)len, m->size - skip);
    int error = a->below->backend->ops->read(a->below, body_of(m), skip, to, len);
    return error ? error : (ssize_t)len;
}

int store_read_many(struct store_view *v, size_t place, size_t count, struct buf *to,
                    struct store_piece *ret_pieces) {
    struct backend_body bodies[STORE_READ_MAX];
    struct backend_account *below = v->account->below;
    count = MIN(MIN(count, STORE_READ_MAX), v->info.count - place);
    for (size_t i = 0; i < count; i++) {
        const struct store_entry *e = entry_at(v, place + i);
        bodies[i] = (struct backend_body){e->body, e->size};
    }
    return below->backend->ops->read_many(below, bodies, count, STORE_SPAN_MAX, to, ret_pieces);
}

int store_file_get(struct store_account *a, const struct store_message *m, struct store_file *ret) {
    struct backend_file f;
    int error = a->below->backend->ops->get(a->below, body_of(m), &f);
    if (!error)
        *ret = (struct store_file){f.fd, f.offset, f.len, f.hold};
    return error;
}

void store_file_release(struct store_account *a, struct store_file *f) {
    struct backend_file below = {f->fd, f->offset, f->len, f->hold};
    a->below->backend->ops->put(a->below, &below);
    f->hold = NULL;
}

int store_delivery_key(struct store_account *a, const struct store_message *m, struct buf *key) {
    return a->below->backend->ops->delivery_key(a->below, m->body, key);
}
