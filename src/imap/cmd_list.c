/* SPDX-License-Identifier: ISC */
/* LIST, LSUB and XLIST (RFC 9051 §6.3.9, RFC 3501 §6.3.9), STATUS (§6.3.11). */
#include <stdlib.h>

#include "imap/session_inside.h"

/*
 * Whether a path fits a pattern: "*" is anything, "%" anything without "/". INBOX is the same in
 * any case. In a time of the pattern's length times the path's, whatever stands in it.
 */
static bool fits(struct slice pattern, struct slice path, struct buf *scratch) {
    bool *now = NULL, *next;
    buf_clear(scratch);
    buf_reserve(scratch, 2 * (path.len + 1));
    now = (bool *)(void *)scratch->ptr;
    next = now + path.len + 1;
    memset(now, 0, path.len + 1);
    now[0] = true;
    for (size_t p = 0; p < pattern.len; p++) {
        char c = pattern.ptr[p];
        bool wild = c == '*' || c == '%';
        next[0] = wild && now[0];
        for (size_t i = 0; i < path.len; i++) {
            if (wild)
                next[i + 1] = now[i + 1] || (next[i] && (c == '*' || path.ptr[i] != IMAP_UNDER));
            else
                next[i + 1] = now[i] && path.ptr[i] == c;
        }
        bool *swap = now;
        now = next;
        next = swap;
    }
    return now[path.len];
}

static const char *use_of(enum store_role role) {
    static const char *const names[STORE_ROLES] = {
        [STORE_ROLE_ARCHIVE] = "\\Archive", [STORE_ROLE_DRAFTS] = "\\Drafts",
        [STORE_ROLE_JUNK] = "\\Junk",       [STORE_ROLE_SENT] = "\\Sent",
        [STORE_ROLE_TRASH] = "\\Trash",
    };
    return names[role];
}

static bool has_children(const struct store_account *a, uint32_t mailbox) {
    struct store_mailbox m;
    for (size_t i = 0; i < store_mailbox_count(a); i++) {
        store_mailbox_at(a, i, &m);
        if (m.parent == mailbox)
            return true;
    }
    return false;
}

struct listing {
    struct imap_session *s;
    const struct imap_command *command;
    struct buf scratch;
};

static bool is_wanted(struct listing *l, struct slice path) {
    const struct imap_list *list = &l->command->list;
    for (size_t i = 0; i < list->pattern_count; i++) {
        struct slice pattern = arena_printf(&l->s->c.arena, "%.*s%.*s", SLICE_ARG(list->reference),
                                            SLICE_ARG(list->patterns[i]));
        if (fits(pattern, path, &l->scratch))
            return true;
    }
    return false;
}

static void write_line(struct listing *l, struct slice path, const struct store_mailbox *m) {
    struct imap_writer *w = &l->s->c.writer;
    imap_write_begin(w, S("*"));
    imap_write_word(w, imap_verb_name(l->command->verb));
    imap_write_open(w);
    if (!m)
        imap_write_word(w, "\\NonExistent");
    else if (l->command->verb != IMAP_LSUB)
        imap_write_word(w,
                        has_children(l->s->account, m->id) ? "\\HasChildren" : "\\HasNoChildren");
    if (m && l->command->verb == IMAP_XLIST && m->id == STORE_INBOX)
        imap_write_word(w, "\\Inbox");
    if (m && l->command->verb != IMAP_LSUB && use_of(m->role))
        imap_write_word(w, use_of(m->role));
    imap_write_close(w);
    imap_write_string(w, S("/"));
    imap_write_mailbox(w, path);
    imap_write_end(w);
}

struct line {
    struct slice path;
    struct store_mailbox mailbox;
};

/* INBOX first, then by path: a mailbox comes before those below it. */
static int by_path(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    bool x_first = x->mailbox.id == STORE_INBOX, y_first = y->mailbox.id == STORE_INBOX;
    return x_first != y_first ? (x_first ? -1 : 1) : slice_cmp(x->path, y->path);
}

static void list_mailboxes(struct listing *l) WAITS {
    struct store_account *a = l->s->account;
    struct line *lines = arena_array(&l->s->c.arena, store_mailbox_count(a), sizeof *lines);
    size_t count = 0;
    for (size_t i = 0; i < store_mailbox_count(a); i++) {
        _cleanup_(buf_done) struct buf path = {0};
        struct store_mailbox m;
        store_mailbox_at(a, i, &m);
        imap_mailbox_path(a, m.id, &path);
        if (is_wanted(l, buf_slice(&path)))
            lines[count++] = (struct line){arena_copy(&l->s->c.arena, buf_slice(&path)), m};
    }
    if (count > 0)
        qsort(lines, count, sizeof *lines, by_path);
    for (size_t i = 0; i < count; i++)
        write_line(l, lines[i].path, &lines[i].mailbox);
    imap_send(&l->s->c);
}

static void list_one_subscribed(void *arg, const struct store_property *p) {
    struct listing *l = arg;
    _cleanup_(buf_done) struct buf path = {0};
    struct store_mailbox m;
    buf_add(&path, p->name);
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] == STORE_UNDER[0])
            path.ptr[i] = IMAP_UNDER;
    if (!p->is_set || !is_wanted(l, buf_slice(&path)))
        return;
    int error = imap_find_mailbox(l->s->account, buf_slice(&path), &m);
    write_line(l, buf_slice(&path), error ? NULL : &m);
}

void imap_do_list(struct imap_session *s, const struct imap_command *command) {
    struct listing l = {.s = s, .command = command};
    const struct imap_list *list = &command->list;
    struct imap_writer *w = &s->c.writer;
    if (list->pattern_count == 1 && list->patterns[0].len == 0) { /* what stands between names */
        imap_write_begin(w, S("*"));
        imap_write_word(w, imap_verb_name(command->verb));
        imap_write_open(w);
        imap_write_word(w, "\\Noselect");
        imap_write_close(w);
        imap_write_string(w, S("/"));
        imap_write_string(w, S(""));
        imap_write_end(w);
        imap_send(&s->c);
    } else if (command->verb == IMAP_LSUB) {
        store_property_each(s->account, 0, STORE_SUBSCRIPTION, list_one_subscribed, &l);
        imap_send(&s->c);
    } else {
        list_mailboxes(&l);
    }
    buf_done(&l.scratch);
    imap_ok(s, command, "listed");
}

/* ------------------------------------------------------------------ STATUS */

void imap_do_status(struct imap_session *s, const struct imap_command *command) {
    const struct imap_status *status = &command->status;
    struct imap_writer *w = &s->c.writer;
    struct store_mailbox m;
    int error = imap_find_mailbox(s->account, status->mailbox, &m);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    if (status->items & IMAP_STATUS_HIGHESTMODSEQ)
        s->enabled |= IMAP_ENABLED_CONDSTORE; /* RFC 7162 §3.1 */
    const uint64_t values[] = {
        m.messages, 0,       m.uidnext,         m.uidvalidity,         m.unseen,
        UINT64_MAX, m.bytes, MAX(m.modseq, 1U), s->config->message_max};
    imap_write_begin(w, S("*"));
    imap_write_word(w, "STATUS");
    imap_write_mailbox(w, status->mailbox);
    imap_write_open(w);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        if (!(status->items & 1U << i) || values[i] == UINT64_MAX)
            continue;
        imap_write_word(w, imap_status_name((enum imap_status_item)(1U << i)));
        imap_write_number(w, values[i]);
    }
    imap_write_close(w);
    imap_write_end(w);
    imap_send(&s->c);
    imap_ok(s, command, "that is its status");
}
