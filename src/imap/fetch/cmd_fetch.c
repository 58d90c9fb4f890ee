/* SPDX-License-Identifier: ISC */
/*
 * FETCH and UID FETCH (RFC 9051 §6.4.5), with CHANGEDSINCE (RFC 7162 §3.1.4) and PARTIAL (RFC 9394
 * §3.3).
 *
 * The messages are those of the mailbox as it was at the beginning; what others do to it meanwhile
 * is told at the end. A message that is removed before its turn is left out, and the answer is NO
 * [EXPUNGEISSUED]: of one that can still be read, as long as the store keeps it, the client gets
 * all. \Seen is set of all of them in one change behind the last, and the client told so then; not
 * if it has gone before it got them.
 */
#include "imap/fetch/fetching.h"

#include <errno.h>

#include "base/alloc.h"
#include "imap/limit.h"
#include "imap/rights.h"
#include "imap/vanished.h"

/* ------------------------------------------------------------------ which messages */

/* Those of the set that have changed since, as UIDs, appended. */
static void find_changed(const struct imap_messages *i, uint64_t since, struct buf *uids) WAITS {
    _cleanup_(buf_done) struct buf changed = {0};
    struct told *t = &i->session->told;
    store_view_changes(t->view, since, &changed);
    for (size_t at = 0; at < changed.len; at += sizeof(uint32_t)) {
        uint32_t uid;
        memcpy(&uid, changed.ptr + at, sizeof uid);
        uint32_t n = i->by_uid ? uid : (uint32_t)told_number(t, uid);
        if (uid < t->uidnext && imap_set_has(&i->set, n))
            buf_add_bytes(uids, &uid, sizeof uid);
        (void)fiber_yield_if_long();
    }
}

/* What a range of so many leaves of them (RFC 9394 §3.1). */
static void take_range(struct buf *uids, const struct imap_partial *range) {
    size_t from, to;
    imap_range_of(uids->len / sizeof(uint32_t), range, &from, &to);
    buf_drop(uids, from * sizeof(uint32_t));
    uids->len = (to - from) * sizeof(uint32_t);
}

static int choose(struct imap_messages *i, struct imap_session *s,
                  const struct imap_command *command) WAITS {
    _cleanup_(buf_done) struct buf uids = {0};
    const struct imap_fetch *fetch = &command->fetch;
    int error = imap_messages_begin(i, s, &fetch->set, command->uid);
    if (error)
        return error;
    if (!fetch->has_changed_since && fetch->partial.first == 0) {
        (void)imap_limit_messages(i);
        return 0;
    }
    if (fetch->has_changed_since)
        find_changed(i, fetch->changed_since, &uids);
    else
        imap_messages_uids(i, &uids);
    if (fetch->partial.first > 0)
        take_range(&uids, &fetch->partial);
    const uint32_t lowest = imap_limit_uids(s, &uids);
    *i = (struct imap_messages){.session = s,
                                .set = imap_set_of_uids(&uids, &s->c.arena),
                                .by_uid = true,
                                .gone = i->gone,
                                .lowest = lowest};
    return 0;
}

/* ------------------------------------------------------------------ the command */

/* The MODSEQ that came of it, or 0. That it cannot be set, on a full disk say, keeps nobody from
 * reading. */
static uint64_t set_seen(struct imap_session *s, const struct buf *unseen) WAITS {
    const struct store_flags seen = {.add = STORE_SEEN};
    struct store_flags_changed changed = {0};
    if (unseen->len > 0 &&
        store_set_flags(s->account, s->told.mailbox, (const uint32_t *)(const void *)unseen->ptr,
                        unseen->len / sizeof(uint32_t), &seen, &changed, NULL) < 0)
        return 0;
    return changed.changed > 0 ? changed.modseq : 0;
}

static void answer(struct imap_fetching *f, const struct imap_command *command,
                   const struct imap_messages *i) WAITS {
    struct imap_session *s = f->s;
    const bool failed = f->error || f->no_decoding || f->gone || i->gone > 0;
    if (imap_say_limited(s, command, i->lowest, failed))
        return;
    if (f->error)
        imap_say(&s->c, command->tag, "NO", f->error == -E_CORRUPT ? "CORRUPTION" : "UNAVAILABLE",
                 "some of the messages cannot be read just now");
    else if (f->no_decoding)
        imap_say(&s->c, command->tag, "NO", "UNKNOWN-CTE",
                 "a part is in an encoding that is not known here");
    else if (failed)
        imap_say(&s->c, command->tag, "NO", "EXPUNGEISSUED", "some of the messages are gone");
    else
        imap_ok(s, command, "fetched");
}

void imap_do_fetch(struct imap_session *s, const struct imap_command *command) {
    _cleanup_(free_p) struct imap_ahead *ahead = NEW(struct imap_ahead);
    _cleanup_(buf_done) struct buf unseen = {0};
    struct imap_fetching f = {.ahead = ahead};
    struct imap_messages i;
    if (command->fetch.vanished && !(command->uid && s->enabled & IMAP_ENABLED_QRESYNC)) {
        if (imap_bad(&s->c, command->tag,
                     "VANISHED is for UID FETCH of those who have enabled QRESYNC") < 0)
            s->end = DOOR_END_DISMISSED;
        return;
    }
    unsigned set = command->uid ? (unsigned)IMAP_FETCH_UID : 0;
    if (command->fetch.has_changed_since)
        set |= IMAP_FETCH_MODSEQ;
    imap_fetch_begin(&f, s, &command->fetch.what, set,
                     imap_fetch_sort(&command->fetch.what, &s->c.arena));
    ahead->from = &i;
    int error = choose(&i, s, command);
    if (!error && command->fetch.vanished)
        error = imap_tell_vanished(s, &command->fetch.set, command->fetch.changed_since);
    if (!error)
        imap_fetch_run(&f, &unseen);
    if (stream_error(s->c.stream)) {
        s->end = DOOR_END_LOST;
        return;
    }
    uint64_t seen = set_seen(s, &unseen);
    if (!error && s->end == DOOR_END_NONE)
        error = imap_look(s);
    if (s->end != DOOR_END_NONE)
        return;
    if (error) {
        imap_no(s, command, error);
        return;
    }
    imap_tell(s, command->uid ? (unsigned)(IMAP_TELL_UIDS | IMAP_TELL_EXPUNGES) : 0, seen);
    answer(&f, command, &i);
}
