/* SPDX-License-Identifier: ISC */
/*
 * Views: a version of a mailbox's entries that its holder reads for as long as he likes, and the
 * bytes of messages.
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "store/account.h"

struct store_view {
    struct store_account *account;
    struct mailbox *mailbox;
    struct entries *entries;
    struct keywords_view keywords;
    struct store_view_info info;

    /* Where the last message was found: the next one is mostly behind it. */
    const struct store_entry *run;
    size_t run_at, run_len;
};

int store_view_open(struct store_account *a, uint32_t mailbox, struct store_view **ret_view) {
    change_flush(a);
    struct mailbox *m = mailbox_find(a, mailbox);
    int error = m ? mailbox_load(m) : -E_UNKNOWN;
    if (error)
        return error;
    struct store_view *v = NEW(struct store_view);
    v->account = a;
    v->mailbox = m;
    v->entries = entries_hold(m->content->entries);
    if (m->content->keywords)
        keywords_view_open(m->content->keywords, &v->keywords);
    v->info = (struct store_view_info){
        .mailbox = mailbox,
        .uidvalidity = m->info.uidvalidity,
        .uidnext = m->info.uidnext,
        .modseq = m->info.modseq,
        .bytes = entries_bytes(m->content->entries),
        .count = entries_count(m->content->entries),
    };
    *ret_view = v;
    return 0;
}

void store_view_close(struct store_view *v) {
    if (!v)
        return;
    store_drop_entries(v->account->store, v->entries);
    keywords_view_close(v->mailbox->content->keywords, &v->keywords);
    mailbox_rest(v->mailbox);
    free(v);
}

void store_view_info(const struct store_view *v, struct store_view_info *ret) {
    *ret = v->info;
}

static const struct store_entry *entry_at(struct store_view *v, size_t place) {
    if (place < v->run_at || place - v->run_at >= v->run_len) {
        v->run = entries_run(v->entries, place, &v->run_len);
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
    return entries_place(v->entries, uid);
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

static void add_uid(void *arg, const struct store_entry *e) {
    uint32_t uid = e->uid;
    buf_add_bytes(arg, &uid, sizeof uid);
}

void store_view_changes(struct store_view *v, uint64_t since, struct buf *uids) {
    uint32_t next = 0;
    while ((next = entries_since(v->entries, since, next, add_uid, uids)))
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
