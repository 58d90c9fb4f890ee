/* SPDX-License-Identifier: ISC */
/*
 * Who keeps the journeys of messages is told what a client has moved and deleted. The messages are
 * those of the last look at the mailbox, which was before.
 */
#include "imap/session_inside.h"

void imap_note_gone(struct imap_session *s, const struct buf *uids, struct slice to) {
    _cleanup_(buf_done) struct buf from = {0};
    struct imap_gone g = {.account = s->account, .all = uids->len / sizeof(uint32_t)};
    struct store_view_info info;
    if (!s->config->gone || g.all == 0)
        return;
    struct store_message *messages =
        arena_array(&s->c.arena, MIN(g.all, (size_t)IMAP_GONE_MAX), sizeof *messages);
    g.messages = messages;
    store_view_info(s->told.view, &info);
    for (size_t i = 0; i < MIN(g.all, (size_t)IMAP_GONE_MAX); i++) {
        uint32_t uid;
        memcpy(&uid, uids->ptr + i * sizeof uid, sizeof uid);
        size_t place = store_view_place(s->told.view, uid);
        if (place == info.count)
            continue;
        store_view_at(s->told.view, place, &messages[g.count]);
        g.count += messages[g.count].uid == uid;
    }
    imap_mailbox_path(s->account, s->told.mailbox, &from);
    g.from = buf_slice(&from);
    g.to = to;
    s->config->gone(s->config->gone_arg, &g);
}

void imap_note_deleted(struct imap_session *s, struct slice path, struct store_view *view) {
    struct store_view_info info;
    store_view_info(view, &info);
    struct imap_gone g = {.account = s->account,
                          .from = path,
                          .count = MIN(info.count, (size_t)IMAP_GONE_MAX),
                          .all = info.count};
    struct store_message *messages = arena_array(&s->c.arena, g.count, sizeof *messages);
    for (size_t i = 0; i < g.count; i++)
        store_view_at(view, i, &messages[i]);
    g.messages = messages;
    if (s->config->mailbox)
        s->config->mailbox(s->config->gone_arg, s->account, path, S(""));
    if (s->config->gone && g.all > 0)
        s->config->gone(s->config->gone_arg, &g);
}
