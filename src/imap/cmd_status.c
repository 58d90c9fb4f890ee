/* SPDX-License-Identifier: ISC */
/* STATUS (RFC 9051 §6.3.11; RFC 7162, 7889, 8474, 9208). */
#include "imap/rights.h"

/* Messages marked \Deleted, and the sum of their sizes: they have to be looked for. */
static int count_deleted(struct imap_session *s, uint32_t mailbox, uint64_t *ret_count,
                         uint64_t *ret_bytes) WAITS {
    struct store_view *view;
    struct store_view_info info;
    struct store_message m;
    int error = store_view_open(s->account, mailbox, &view);
    if (error)
        return error;
    store_view_info(view, &info);
    *ret_count = *ret_bytes = 0;
    for (size_t place = 0; place < info.count; place++) {
        store_view_at(view, place, &m);
        *ret_count += (m.flags & STORE_DELETED) != 0;
        *ret_bytes += m.flags & STORE_DELETED ? m.size : 0;
        (void)fiber_yield_if_long();
    }
    store_view_close(view);
    return 0;
}

int imap_tell_status(struct imap_session *s, struct slice path, const struct store_mailbox *m,
                     unsigned items) {
    struct imap_writer *w = &s->c.writer;
    uint64_t deleted = 0, deleted_bytes = 0;
    int error = items & (IMAP_STATUS_DELETED | IMAP_STATUS_DELETED_STORAGE)
                    ? count_deleted(s, m->id, &deleted, &deleted_bytes)
                    : 0;
    if (error)
        return error;
    const struct {
        enum imap_status_item item;
        uint64_t value;
    } numbers[] = {
        {IMAP_STATUS_MESSAGES, m->messages},
        {IMAP_STATUS_RECENT, 0},
        {IMAP_STATUS_UIDNEXT, m->uidnext},
        {IMAP_STATUS_UIDVALIDITY, m->uidvalidity},
        {IMAP_STATUS_UNSEEN, m->unseen},
        {IMAP_STATUS_DELETED, deleted},
        {IMAP_STATUS_SIZE, m->bytes},
        {IMAP_STATUS_HIGHESTMODSEQ, MAX(m->modseq, (uint64_t)1)},
        {IMAP_STATUS_APPENDLIMIT, s->config->message_max},
        {IMAP_STATUS_DELETED_STORAGE, deleted_bytes},
    };
    imap_write_begin(w, S("*"));
    imap_write_word(w, "STATUS");
    imap_write_mailbox(w, path);
    imap_write_open(w);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (!(items & numbers[i].item))
            continue;
        imap_write_word(w, imap_status_name(numbers[i].item));
        imap_write_number(w, numbers[i].value);
    }
    if (items & IMAP_STATUS_MAILBOXID) {
        imap_write_word(w, "MAILBOXID");
        imap_write_object_id(w, IMAP_ID_MAILBOX, m->id);
    }
    imap_write_close(w);
    imap_write_end(w);
    return 0;
}

void imap_do_status(struct imap_session *s, const struct imap_command *command) {
    const struct imap_status *status = &command->status;
    struct store_mailbox m;
    if (status->items & IMAP_STATUS_HIGHESTMODSEQ) /* RFC 7162 §3.1 */
        s->enabled |= IMAP_ENABLED_CONDSTORE;
    int error = imap_find_allowed(s, status->mailbox, STORE_RIGHT_READ, &m);
    if (!error)
        error = imap_tell_status(s, status->mailbox, &m, status->items);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    imap_send(&s->c);
    imap_ok(s, command, "that is its status");
}
