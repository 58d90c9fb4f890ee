/* SPDX-License-Identifier: ISC */
/* What all FETCH responses have in common, asked for or not. */
#include "imap/session_inside.h"

void imap_split_words(struct slice text, struct buf *words) {
    struct slice word;
    while (slice_next_word(&text, &word))
        buf_add_bytes(words, &word, sizeof word);
}

void imap_write_flags_of(struct imap_session *s, const struct store_message *m) {
    _cleanup_(buf_done) struct buf names = {0}, words = {0};
    unsigned system = 0;
    system |= m->flags & STORE_SEEN ? IMAP_FLAG_SEEN : 0;
    system |= m->flags & STORE_ANSWERED ? IMAP_FLAG_ANSWERED : 0;
    system |= m->flags & STORE_FLAGGED ? IMAP_FLAG_FLAGGED : 0;
    system |= m->flags & STORE_DELETED ? IMAP_FLAG_DELETED : 0;
    system |= m->flags & STORE_DRAFT ? IMAP_FLAG_DRAFT : 0;
    if (m->keywords == 0) {
        imap_write_flags(&s->c.writer, system, NULL, 0);
        return;
    }
    store_view_keywords(s->told.view, m, &names);
    imap_split_words(buf_slice(&names), &words);
    imap_write_flags(&s->c.writer, system, (const struct slice *)(void *)words.ptr,
                     words.len / sizeof(struct slice));
}

void imap_begin_fetched(struct imap_session *s, size_t number, uint32_t uid) {
    const bool uids = s->enabled & IMAP_ENABLED_UIDONLY;
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, S("*"));
    imap_write_number(w, uids ? uid : number);
    imap_write_word(w, uids ? "UIDFETCH" : "FETCH");
    imap_write_open(w);
}
