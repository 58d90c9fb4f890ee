/* SPDX-License-Identifier: ISC */
#include "role/mail/mail_imap.h"

#include "role/mail/mail_gone.h"
#include "role/mail/mail_others.h"
#include "role/mail/mail_place.h"

/* A session that only looked is not worth a line. */
static void log_session(struct mail_session *s, const struct imap_session_counts *counts) {
    _cleanup_(arena_done) struct arena a = {0};
    unsigned long long fetched = counts->fetched, stored = counts->appended,
                       removed = counts->removed;
    struct slice whose = S("");
    struct event_fact facts[6] = {
        {S(FACT_LOGIN), slice_of_str(s->address)},
        {S(FACT_CLIENT), slice_of_str(s->peer)},
        {S(FACT_SERVICE), s->door->service},
    };
    size_t count = 3;
    if (counts->problem < 0) {
        const char *reason = error_text(counts->problem);
        facts[count++] = (struct event_fact){S(FACT_REASON), slice_of_str(reason)};
        process_event(s->process, 0, KIND_SESSION, facts, count,
                      "An IMAP session of %s from %s did not begin: %s.", s->address, s->peer,
                      reason);
        return;
    }
    if (fetched + stored + removed == 0)
        return;
    if (s->owner)
        whose = arena_printf(&a, " of %s", s->owner);
    facts[count++] = (struct event_fact){S(FACT_FETCHED), arena_printf(&a, "%llu", fetched)};
    facts[count++] = (struct event_fact){S(FACT_STORED), arena_printf(&a, "%llu", stored)};
    facts[count++] = (struct event_fact){S(FACT_REMOVED), arena_printf(&a, "%llu", removed)};
    process_event(s->process, 0, KIND_SESSION, facts, count,
                  "%s fetched %llu message%s%.*s by IMAP from %s, stored %llu and removed %llu.",
                  s->address, fetched, fetched == 1 ? "" : "s", SLICE_ARG(whose), s->peer, stored,
                  removed);
}

static void note_gone(void *arg, const struct imap_gone *g) WAITS {
    mail_tell_gone(arg, &(struct mail_gone){.account = g->account,
                                            .from = g->from,
                                            .to = g->to,
                                            .messages = g->messages,
                                            .count = g->count,
                                            .all = g->all});
}

static void note_mailbox(void *arg, struct store_account *account, struct slice path,
                         struct slice to) {
    mail_tell_mailbox(arg, store_account_id(account), path, to);
}

static int hand_back(void *arg) WAITS {
    const struct mail_session *s = arg;
    _cleanup_(arena_done) struct arena a = {0};
    const struct rpc_edge_take_back_in in = {.carried = s->carried};
    struct rpc_edge_take_back_out out;
    return call_edge_take_back(process_link(s->process, ROLE_EDGE, s->edge), &in, &a, &out, NULL);
}

void mail_serve_imap(struct mail_session *s) {
    const struct conf *conf = s->process->conf;
    struct mail *m = s->process->state;
    struct imap_session_config config = imap_session_defaults;
    struct imap_session_counts counts = {0};
    _cleanup_(buf_done) struct buf off = {0};
    config.tag = buf_slice(&s->passed_on);
    if (s->owner) {
        config.owner = slice_of_str(s->owner);
        if (imap_terms_read(config.tag, &config.terms) < 0)
            return;
    } else if (!token_is_tag(config.tag)) { /* an edge in the hands of a stranger */
        return;
    }
    s->events_keep = conf->events.keep;
    config.gone = note_gone;
    config.gone_arg = s;
    config.mailbox = note_mailbox;
    config.others = &mail_imap_others;
    config.others_arg = s;
    config.user = slice_of_str(s->address);
    config.offer = (struct door_offer){.tls_active = s->tls};
    config.hand_back = s->tls && !s->owner ? hand_back : NULL;
    config.hand_back_arg = s;
    config.timeout = conf->imap.timeout;
    config.errors_max = conf->imap.hard_errors;
    config.message_max = conf->imap.message_size_max;
    config.messages_max = conf->imap.message_limit;
    config.indexes = m->indexes;
    config.quota = &s->allowed;
    config.anyone = conf->accounts.share_with_anyone;
    config.sorting = &m->sorting;
    config.results = m->results;
    config.held = &m->held;
    buf_add(&off, conf->imap.capabilities_off); /* settings may be read again */
    config.off = buf_slice(&off);
    config.ended = &s->ended;
    mail_place_note_door(s);
    (void)imap_session(s->stream, &config, m->store, s->account, &counts);
    log_session(s, &counts);
}
