/* SPDX-License-Identifier: ISC */
/*
 * NOTIFY (RFC 5465 §3.1). What was asked for is kept as the command was read: its text is read once
 * more, into memory of its own.
 */
#include "imap/fetch/fetching.h"
#include "imap/notify.h"
#include "imap/rights.h"
#include "imap/source.h"

#include "base/alloc.h"

#define TEXT_MAX   8192U  /* of a command */
#define MEMORY_MAX 65536U /* that it becomes */

#define OTHERS                                                                                     \
    ((unsigned)(IMAP_EVENT_MAILBOX_NAME | IMAP_EVENT_SUBSCRIPTION_CHANGE |                         \
                IMAP_EVENT_MAILBOX_METADATA_CHANGE | IMAP_EVENT_SERVER_METADATA_CHANGE))

/* ------------------------------------------------------------------ what may be asked */

static bool is_selected(const struct imap_watch *w) {
    return w->source.kind == IMAP_SOURCE_SELECTED || w->source.kind == IMAP_SOURCE_SELECTED_DELAYED;
}

/* §5, §6.1, §8: why a group is BAD; NULL: it is not. */
static const char *why_bad(const struct imap_watch *w) {
    const unsigned both = IMAP_EVENT_MESSAGE_NEW | IMAP_EVENT_MESSAGE_EXPUNGE;
    if (w->source.kind == IMAP_SOURCE_SUBTREE_ONE)
        return "subtree-one is for ESEARCH";
    if (w->events & both && (w->events & both) != both)
        return "MessageNew and MessageExpunge come together";
    if (w->events & IMAP_EVENT_FLAG_CHANGE && !(w->events & both))
        return "FlagChange comes with MessageNew and MessageExpunge";
    if (is_selected(w) && w->events & OTHERS)
        return "events of the selected mailbox are those of messages";
    if (!is_selected(w) && (w->what.set || w->what.section_count > 0))
        return "attributes are for messages in the selected mailbox";
    return NULL;
}

/* Whether it is one; else the client has been told. */
static bool is_good(struct imap_session *s, const struct imap_command *command) WAITS {
    const struct imap_notify *n = &command->notify;
    const char *bad = NULL;
    unsigned selected = 0;
    for (size_t i = 0; !bad && i < n->watch_count; i++) {
        bad = why_bad(&n->watches[i]);
        selected += is_selected(&n->watches[i]);
    }
    if (!bad && selected > 1)
        bad = "the selected mailbox is chosen once";
    if (bad && imap_bad(&s->c, command->tag, "%s", bad) < 0)
        s->end = DOOR_END_DISMISSED;
    return !bad;
}

static bool has_unknown(const struct imap_notify *n) {
    for (size_t i = 0; i < n->watch_count; i++)
        if (n->watches[i].events & ~(IMAP_EVENTS_OF_MESSAGES | OTHERS))
            return true;
    return false;
}

/* §3.1: NO with the names of all that are known. */
static void refuse_events(struct imap_session *s, const struct imap_command *command) WAITS {
    static const char *const known[] = {
        "MessageNew",         "MessageExpunge",        "FlagChange",          "MailboxName",
        "SubscriptionChange", "MailboxMetadataChange", "ServerMetadataChange"};
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, command->tag);
    imap_write_word(w, "NO");
    imap_write_code(w, "BADEVENT");
    imap_write_open(w);
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        imap_write_word(w, known[i]);
    imap_write_close(w);
    imap_write_code_end(w);
    imap_write_text(w, S("these events are known here"));
    imap_write_end(w);
    imap_send(&s->c);
}

/* ------------------------------------------------------------------ what is kept */

/* The groups of a command as they are asked later. */
static void take_groups(struct imap_watching *n, const struct imap_notify *asked) WAITS {
    struct imap_group *groups = arena_array(&n->arena, asked->watch_count, sizeof *groups);
    for (size_t i = 0; i < asked->watch_count; i++) {
        const struct imap_watch *w = &asked->watches[i];
        if (is_selected(w)) {
            n->selected = w->events;
            n->delayed = w->source.kind == IMAP_SOURCE_SELECTED_DELAYED;
            n->what = w->what;
            n->sorted = imap_fetch_sort(&n->what, &n->arena);
            continue;
        }
        groups[n->count++] =
            (struct imap_group){imap_source_sort(&w->source, &n->arena), w->events};
        n->events |= w->events;
    }
    n->groups = groups;
}

static void nudge(void *arg) {
    stream_nudge(((struct imap_session *)arg)->c.stream);
}

/* NULL: it is more than is kept. */
static struct imap_watching *keep(struct imap_session *s) WAITS {
    struct imap_watching *n = NEW(struct imap_watching);
    struct imap_command command;
    int error = imap_connection_keep(&s->c, TEXT_MAX, &n->arena, &command);
    if (!error)
        take_groups(n, &command.notify);
    if (error || n->arena.total > MEMORY_MAX) {
        arena_done(&n->arena);
        free(n);
        return NULL;
    }
    n->watch = (struct store_watch){.changed = nudge, .arg = s};
    return n;
}

/* ------------------------------------------------------------------ what is told at first */

/* §3.1: what STATUS has to have. */
static unsigned items_of(unsigned events) {
    unsigned items = 0;
    if (events & IMAP_EVENT_MESSAGE_NEW)
        items |= IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT | IMAP_STATUS_UIDVALIDITY;
    if (events & IMAP_EVENT_FLAG_CHANGE)
        items |= IMAP_STATUS_UNSEEN | IMAP_STATUS_HIGHESTMODSEQ;
    return items;
}

/* Its STATUS; or that it may not be read, if one may know of it. */
static void tell_mailbox(struct imap_session *s, uint32_t mailbox, bool status) WAITS {
    _cleanup_(buf_done) struct buf path = {0};
    struct store_mailbox m;
    const uint32_t rights = imap_rights(s, mailbox);
    imap_mailbox_path(s->account, mailbox, &path);
    const unsigned events =
        path.len > 0 && rights & STORE_RIGHT_LOOKUP ? imap_watched_events(s, buf_slice(&path)) : 0;
    if (events && !(rights & STORE_RIGHT_READ))
        imap_tell_listed(s, buf_slice(&path), S(""));
    else if (status && items_of(events) && !(s->selected && s->told.mailbox == mailbox) &&
             store_mailbox_get(s->account, mailbox, &m) == 0)
        (void)imap_tell_status(s, buf_slice(&path), &m, items_of(events));
    imap_send(&s->c);
}

static void tell_mailboxes(struct imap_session *s, bool status) WAITS {
    const size_t count = store_mailbox_count(s->account);
    uint32_t *mailboxes = arena_array(&s->c.arena, count, sizeof *mailboxes);
    for (size_t i = 0; i < count; i++) {
        struct store_mailbox m;
        store_mailbox_at(s->account, i, &m);
        mailboxes[i] = m.id;
    }
    for (size_t i = 0; i < count && fiber_yield_if_long() >= 0; i++)
        tell_mailbox(s, mailboxes[i], status);
}

void imap_do_notify(struct imap_session *s, const struct imap_command *command) {
    const struct imap_notify *asked = &command->notify;
    struct imap_watching *n = NULL;
    if (has_unknown(asked)) {
        refuse_events(s, command);
        return;
    }
    if (!is_good(s, command))
        return;
    n = keep(s);
    if (!n) {
        imap_say(&s->c, command->tag, "NO", "NOTIFICATIONOVERFLOW",
                 "more is asked for than is kept here");
        return;
    }
    if (!asked->none && s->selected && imap_look(s) == 0)
        imap_tell(s, IMAP_TELL_EXPUNGES | IMAP_TELL_ALL, 0); /* as NOOP without NOTIFY */
    imap_watch_no_more(s);
    n->told = store_account_modseq(s->account);
    s->watching = n;
    store_watch(s->account, &n->watch);
    if (s->end != DOOR_END_NONE)
        return;
    tell_mailboxes(s, asked->status);
    imap_ok(s, command, asked->none ? "nothing is told from now on" : "it will be told");
}
