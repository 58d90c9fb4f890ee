/* SPDX-License-Identifier: ISC */
#include "imap/notify.h"

#include <stdlib.h>

#include "imap/rights.h"
#include "imap/source.h"
#include "store/feed.h"

#define RIGHTS ((uint32_t)(STORE_RIGHT_LOOKUP | STORE_RIGHT_READ)) /* RFC 5465 §5 */

void imap_watch_no_more(struct imap_session *s) {
    struct imap_watching *n = s->watching;
    if (!n)
        return;
    store_unwatch(&n->watch);
    arena_done(&n->arena);
    free(n);
    s->watching = NULL;
}

unsigned imap_watched_events(const struct imap_session *s, struct slice path) {
    const struct imap_watching *n = s->watching;
    unsigned events = 0;
    for (size_t i = 0; n && i < n->count; i++)
        if ((n->groups[i].events & ~events) && imap_source_has(s, &n->groups[i].source, path))
            events |= n->groups[i].events;
    return events;
}

/* ------------------------------------------------------------------ messages in other mailboxes */

struct changed {
    uint32_t mailbox;
    struct store_mailbox_changes changes;
};

static void gather_changed(void *arg, uint32_t mailbox, const struct store_mailbox_changes *c) {
    struct changed one = {mailbox, *c};
    buf_add_bytes(arg, &one, sizeof one);
}

/* What STATUS tells of it (§5.1 to §5.3); 0: nothing. */
static unsigned items_of(const struct imap_session *s, unsigned events,
                         const struct store_mailbox_changes *c, uint64_t since) {
    unsigned items = 0;
    if (events & IMAP_EVENT_MESSAGE_NEW && MAX(c->arrived, c->vanished) > since)
        items |= IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT;
    if (events & IMAP_EVENT_FLAG_CHANGE && c->flagged > since)
        items |= IMAP_STATUS_UIDVALIDITY;
    if (items && events & IMAP_EVENT_FLAG_CHANGE)
        items |= IMAP_STATUS_UNSEEN;
    if (items && s->enabled & IMAP_ENABLED_CONDSTORE)
        items |= IMAP_STATUS_UIDVALIDITY | IMAP_STATUS_HIGHESTMODSEQ;
    return items;
}

static void tell_mailbox(struct imap_session *s, const struct changed *one, uint64_t since) WAITS {
    _cleanup_(buf_done) struct buf path = {0};
    struct store_mailbox m;
    if ((s->selected && s->told.mailbox == one->mailbox) || imap_may(s, one->mailbox, RIGHTS) < 0)
        return;
    imap_mailbox_path(s->account, one->mailbox, &path);
    unsigned items = items_of(s, imap_watched_events(s, buf_slice(&path)), &one->changes, since);
    if (!items || store_mailbox_get(s->account, one->mailbox, &m) < 0)
        return;
    (void)imap_tell_status(s, buf_slice(&path), &m, items);
    imap_send(&s->c);
}

static void tell_mailboxes(struct imap_session *s, uint64_t since) WAITS {
    _cleanup_(buf_done) struct buf changed = {0};
    store_mailboxes_changed(s->account, since, gather_changed, &changed);
    const struct changed *all = (const void *)changed.ptr;
    for (size_t i = changed.len / sizeof *all; i-- > 0;) { /* the first change first */
        tell_mailbox(s, &all[i], since);
        (void)fiber_yield_if_long();
    }
}

/* ------------------------------------------------------------------ names */

/* Paths as clients write them; empty: none. */
struct renamed {
    struct slice was, is;
};

struct renaming {
    struct arena arena;
    struct buf names; /* struct renamed */
    uint64_t until;   /* MODSEQ */
};

static struct slice copy_path(struct arena *a, struct slice path) {
    char *copy = arena_array(a, path.len, 1);
    for (size_t i = 0; i < path.len; i++)
        copy[i] = path.ptr[i] == STORE_UNDER[0] ? IMAP_UNDER : path.ptr[i];
    return slice_of(copy, path.len);
}

static void gather_name(void *arg, const struct store_name_change *c) {
    struct renaming *g = arg;
    if (c->modseq > g->until)
        return;
    struct renamed one = {copy_path(&g->arena, c->was), copy_path(&g->arena, c->is)};
    buf_add_bytes(&g->names, &one, sizeof one);
}

static bool is_or_above(struct slice path, struct slice below) {
    return slice_starts(below, path) &&
           (below.len == path.len || below.ptr[path.len] == IMAP_UNDER);
}

/* Whether the command has made this change, and it still holds. */
static bool is_own_name(const struct imap_session *s, const struct imap_command *own,
                        const struct renamed *r) {
    struct store_mailbox m;
    const bool there = r->is.len > 0 && imap_find_mailbox(s->account, r->is, &m) == 0;
    const bool made = r->was.len == 0;
    if (!own)
        return false;
    switch (own->verb) {
    case IMAP_CREATE:
        return there && made && is_or_above(r->is, own->create.mailbox);
    case IMAP_DELETE:
        return r->is.len == 0 && slice_eq(r->was, own->name) &&
               imap_find_mailbox(s->account, r->was, &m) < 0;
    case IMAP_RENAME:
        return there &&
               (made ? is_or_above(r->is, own->rename.to)
                     : slice_eq(r->is, own->rename.to) && slice_eq(r->was, own->rename.from));
    default:
        return false;
    }
}

void imap_tell_listed(struct imap_session *s, struct slice path, struct slice old) {
    struct imap_writer *w = &s->c.writer;
    struct store_mailbox m = {0};
    struct slice owner, rest;
    const bool others = imap_owner_of_path(path, &owner, &rest); /* nobody is asked for it */
    const bool there = !others && imap_find_allowed(s, path, STORE_RIGHT_LOOKUP, &m) == 0;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "LIST");
    imap_write_open(w);
    if (!there && !others)
        imap_write_word(w, "\\NonExistent");
    else if (there && imap_may(s, m.id, STORE_RIGHT_READ) < 0)
        imap_write_word(w, "\\NoAccess");
    if (imap_is_subscribed(s->account, path))
        imap_write_word(w, "\\Subscribed");
    if (there)
        imap_write_word(w,
                        imap_has_children(s->account, m.id) ? "\\HasChildren" : "\\HasNoChildren");
    if (there && imap_use_name(m.role))
        imap_write_word(w, imap_use_name(m.role));
    imap_write_close(w);
    imap_write_string(w, S("/"));
    imap_write_mailbox(w, path);
    if (old.len > 0) {
        imap_write_open(w);
        imap_write_string(w, S("OLDNAME"));
        imap_write_open(w);
        imap_write_mailbox(w, old);
        imap_write_close(w);
        imap_write_close(w);
    }
    imap_write_end(w);
    imap_send(&s->c);
}

static bool wants_name(const struct imap_session *s, struct slice path) {
    return path.len > 0 && imap_watched_events(s, path) & IMAP_EVENT_MAILBOX_NAME;
}

/* §5.4. Of a mailbox that was made or removed the one above it may look different, too. */
static void tell_name(struct imap_session *s, const struct renamed *r) WAITS {
    const struct slice path = r->is.len > 0 ? r->is : r->was;
    const ssize_t under = slice_rfind_byte(path, IMAP_UNDER);
    const bool renamed = r->was.len > 0 && r->is.len > 0;
    if (wants_name(s, r->is) || wants_name(s, r->was))
        imap_tell_listed(s, path, renamed ? r->was : S(""));
    if (!renamed && under > 0 && wants_name(s, slice_first(path, (size_t)under)))
        imap_tell_listed(s, slice_first(path, (size_t)under), S(""));
}

/* -E_LIMIT: there were too many. */
static int tell_names(struct imap_session *s, uint64_t since,
                      const struct imap_command *own) WAITS {
    struct renaming g = {.until = s->watching->told};
    int error = store_name_changes(s->account, since, gather_name, &g);
    const struct renamed *all = (const void *)g.names.ptr;
    for (size_t i = 0; i < g.names.len / sizeof *all; i++) {
        if (!is_own_name(s, own, &all[i]))
            tell_name(s, &all[i]);
        (void)fiber_yield_if_long();
    }
    buf_done(&g.names);
    arena_done(&g.arena);
    return error;
}

/* ------------------------------------------------------------------ subscriptions */

static void gather_subscription(void *arg, const struct store_property *p) {
    struct renaming *g = arg;
    if (p->kind != STORE_SUBSCRIPTION || p->modseq > g->until)
        return;
    struct renamed one = {.is = copy_path(&g->arena, p->name)};
    buf_add_bytes(&g->names, &one, sizeof one);
}

static bool is_own_subscription(const struct imap_session *s, const struct imap_command *own,
                                struct slice path) {
    return own && (own->verb == IMAP_SUBSCRIBE || own->verb == IMAP_UNSUBSCRIBE) &&
           slice_eq(own->name, path) &&
           imap_is_subscribed(s->account, path) == (own->verb == IMAP_SUBSCRIBE);
}

/* What is "subscribed" was so until now, or is from now on. */
static bool wants_subscription(const struct imap_session *s, struct slice path) {
    const struct imap_watching *n = s->watching;
    for (size_t i = 0; i < n->count; i++) {
        const struct imap_group *g = &n->groups[i];
        if (g->events & IMAP_EVENT_SUBSCRIPTION_CHANGE &&
            (g->source.kind == IMAP_SOURCE_SUBSCRIBED || imap_source_has(s, &g->source, path)))
            return true;
    }
    return false;
}

static int tell_subscriptions(struct imap_session *s, uint64_t since,
                              const struct imap_command *own) WAITS {
    struct renaming g = {.until = s->watching->told};
    int error = store_property_changes(s->account, since, gather_subscription, &g);
    const struct renamed *all = (const void *)g.names.ptr;
    for (size_t i = 0; i < g.names.len / sizeof *all; i++) {
        struct slice path = all[i].is;
        if (wants_subscription(s, path) && !is_own_subscription(s, own, path))
            imap_tell_listed(s, path, S(""));
        (void)fiber_yield_if_long();
    }
    buf_done(&g.names);
    arena_done(&g.arena);
    return error;
}

/* ------------------------------------------------------------------ all of it */

/* §5.8: from now on it is as if NOTIFY NONE had been said. */
static void overflow(struct imap_session *s) WAITS {
    struct imap_watching *n = s->watching;
    n->count = 0;
    n->events = n->selected = 0;
    imap_say(&s->c, S("*"), "OK", "NOTIFICATIONOVERFLOW",
             "more has changed than is kept to be told: nothing is told from now on");
}

void imap_tell_watched(struct imap_session *s, const struct imap_command *own) {
    struct imap_watching *n = s->watching;
    const uint64_t now = store_account_modseq(s->account);
    int error = 0;
    if (!n || n->told == now || s->end != DOOR_END_NONE)
        return;
    const uint64_t since = n->told;
    n->told = now;
    if (n->events & IMAP_EVENT_MAILBOX_NAME)
        error = tell_names(s, since, own);
    if (!error && n->events & IMAP_EVENT_SUBSCRIPTION_CHANGE)
        error = tell_subscriptions(s, since, own);
    if (n->events & IMAP_EVENTS_OF_MESSAGES)
        tell_mailboxes(s, since);
    if (error)
        overflow(s);
}
