/* SPDX-License-Identifier: ISC */
#include "role/mail/mail_pop3.h"

#include <errno.h>

#include "base/alloc.h"
#include "pop3/login.h"
#include "pop3/session.h"
#include "role/mail/mail_gone.h"
#include "role/mail/mail_place.h"

#define TURN_MESSAGES 64U  /* that are looked at before the clock is */
#define GONE_TOLD     100U /* messages that have gone, in a session, with their names */

/* ------------------------------------------------------------------ the maildrop */

/* It lies on the stack of its session: there may be thousands that are silent. */
struct drop {
    struct mail_session *session;
    struct store_account *account;
    struct store_view *messages;
    struct store_view_room room; /* of the view */
    struct store_file placed;    /* of the message sent last by place() */
    bool has_placed;
};

static void release_placed(struct drop *d) {
    if (d->has_placed)
        store_file_release(d->account, &d->placed);
    d->has_placed = false;
}

static void drop_close(void *drop) {
    struct drop *d = drop;
    release_placed(d);
    store_view_close(d->messages);
    store_unlock_maildrop(d->account);
    store_account_close(d->account);
}

static int drop_open(void *host, void **ret_drop, struct pop3_drop *ret) WAITS {
    struct drop *d = host;
    struct mail *m = d->session->process->state;
    int r = store_account_open(m->store, d->session->account, &d->account);
    if (r < 0)
        return r;
    r = store_lock_maildrop(d->account);
    if (r < 0) {
        store_account_close(d->account);
        return r;
    }
    r = store_view_open_in(d->account, STORE_INBOX, &d->room, &d->messages);
    if (r < 0) {
        drop_close(d);
        return r;
    }
    struct store_view_info info;
    store_view_info(d->messages, &info);
    *ret_drop = d;
    *ret = (struct pop3_drop){.count = info.count, .octets = info.bytes};
    return 0;
}

static struct store_message message_at(struct drop *d, size_t at) {
    struct store_message m;
    store_view_at(d->messages, at, &m);
    return m;
}

static void drop_message(void *drop, size_t at, struct pop3_message *ret) {
    struct store_message m = message_at(drop, at);
    ret->size = m.size;
    ret->plain = !(m.shape & (STORE_DOT_LINES | STORE_OPEN_END));
}

static void drop_uidl(void *drop, size_t at, struct buf *to) {
    char text[STORE_UIDL_SIZE];
    struct store_message m = message_at(drop, at);
    buf_add(to, store_uidl(&m, text));
}

static int drop_read_part(void *drop, size_t at, uint64_t offset, size_t len,
                          struct buf *to) WAITS {
    struct drop *d = drop;
    struct store_message m = message_at(d, at);
    buf_reserve(to, len);
    ssize_t n = store_read(d->account, &m, offset, to->ptr + to->len, len);
    if (n < 0)
        return (int)n;
    to->len += (size_t)n;
    return (size_t)n == len ? 0 : -EIO;
}

static int drop_read(void *drop, size_t at, size_t count, struct buf *to,
                     struct pop3_piece *ret_pieces) WAITS {
    struct drop *d = drop;
    struct store_piece pieces[POP3_READ_MESSAGES];
    int n = store_read_many(d->messages, at, MIN(count, ARRAY_SIZE(pieces)), to, pieces);
    for (int i = 0; i < n; i++)
        ret_pieces[i] = (struct pop3_piece){pieces[i].at, pieces[i].len};
    return n;
}

static int drop_place(void *drop, size_t at, int *ret_fd, uint64_t *ret_offset) WAITS {
    struct drop *d = drop;
    struct store_message m = message_at(d, at);
    release_placed(d);
    int r = store_file_get(d->account, &m, &d->placed);
    if (r < 0)
        return r;
    d->has_placed = true;
    *ret_fd = d->placed.fd;
    *ret_offset = d->placed.offset;
    return 0;
}

static void tell_gone(struct drop *d, const uint32_t *places, size_t count) WAITS {
    struct mail_gone g = {
        .account = d->account, .from = S("INBOX"), .count = MIN(count, GONE_TOLD), .all = count};
    _cleanup_(free_p) struct store_message *messages = mem_array(g.count, sizeof *messages);
    for (size_t i = 0; i < g.count; i++)
        messages[i] = message_at(d, places[i]);
    g.messages = messages;
    mail_tell_gone(d->session, &g);
}

static int drop_expunge(void *drop, const uint32_t *places, size_t count) WAITS {
    struct drop *d = drop;
    uint32_t *uids = mem_array(count, sizeof *uids);
    size_t removed = 0;
    for (size_t i = 0; i < count; i++) {
        uids[i] = message_at(d, places[i]).uid;
        if (i % TURN_MESSAGES == 0)
            (void)fiber_yield_if_long();
    }
    int r = store_expunge(d->account, STORE_INBOX, uids, count, &removed);
    free(uids);
    if (r == 0 && removed > 0)
        tell_gone(d, places, count);
    return r;
}

static const struct pop3_maildrop_ops maildrop = {
    .open = drop_open,
    .close = drop_close,
    .message = drop_message,
    .uidl = drop_uidl,
    .read = drop_read,
    .read_part = drop_read_part,
    .place = drop_place,
    .expunge = drop_expunge,
};

/* ------------------------------------------------------------------ the session */

/* A session that only looked is not worth a line; one without a command did not begin. */
static void log_session(struct mail_session *s, const struct pop3_session_counts *counts) {
    _cleanup_(arena_done) struct arena a = {0};
    const char *reason = counts->problem == -E_BUSY ? SESSION_IN_USE : error_text(counts->problem);
    const bool failed = counts->problem < 0, begun = !failed || counts->commands > 0;
    struct event_fact facts[6] = {
        {S(FACT_LOGIN), slice_of_str(s->address)},
        {S(FACT_CLIENT), slice_of_str(s->peer)},
        {S(FACT_SERVICE), s->door->service},
    };
    size_t count = 3;
    if (failed)
        facts[count++] = (struct event_fact){S(FACT_REASON), slice_of_str(reason)};
    if (!begun) {
        process_event(s->process, 0, KIND_SESSION, facts, count,
                      "A POP3 session of %s from %s did not begin: %s.", s->address, s->peer,
                      reason);
        return;
    }
    unsigned long long fetched = counts->fetched, removed = counts->removed;
    facts[count++] = (struct event_fact){S(FACT_FETCHED), arena_printf(&a, "%llu", fetched)};
    facts[count++] = (struct event_fact){S(FACT_REMOVED), arena_printf(&a, "%llu", removed)};
    if (fetched > 0 || removed > 0 || failed)
        process_event(s->process, 0, KIND_SESSION, facts, count,
                      "%s fetched %llu message%s by POP3 from %s and removed %llu%s%s.", s->address,
                      fetched, fetched == 1 ? "" : "s", s->peer, removed,
                      failed ? "; then it failed: " : "", failed ? reason : "");
}

void mail_serve_pop3(struct mail_session *s) {
    const struct conf *conf = s->process->conf;
    struct pop3_session_config config = pop3_session_defaults;
    struct pop3_session_counts counts = {0};
    struct drop drop = {.session = s};
    config.japanese = slice_eq(buf_slice(&s->passed_on), S(POP3_PASSED_JAPANESE));
    config.offer = (struct door_offer){.tls_active = s->tls};
    config.timeout = conf->pop3.timeout;
    config.errors_max = conf->pop3.hard_errors;
    s->events_keep = conf->events.keep;
    mail_place_note_door(s);
    (void)pop3_session(s->stream, &config, &maildrop, &drop, &counts);
    log_session(s, &counts);
}
