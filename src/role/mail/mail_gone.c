/* SPDX-License-Identifier: ISC */
#include "role/mail/mail_gone.h"

#include "message/queue_id.h"

/* The id of the message as it was accepted: its key in the mailbox (mail.c). 0: it was not. */
static queue_id accepted_as(struct store_account *account, const struct store_message *m) WAITS {
    _cleanup_(buf_done) struct buf key = {0};
    queue_id id = 0;
    if (store_delivery_key(account, m, &key) < 0 || key.len != 16)
        return 0;
    for (size_t i = 0; i < key.len; i++) {
        ssize_t digit = slice_find_byte(S("0123456789abcdef"), key.ptr[i]);
        if (digit < 0)
            return 0;
        id = id << 4 | (queue_id)digit;
    }
    return id;
}

/* What may still be told of the account. */
static uint64_t *left_of(struct mail_session *s) {
    struct mail *m = s->process->state;
    struct mail_gone_left *g = &m->gone[s->account % MAIL_GONE_PLACES];
    if (g->when == 0)
        *g = (struct mail_gone_left){fiber_now(), MAIL_GONE_BURST};
    uint64_t more = (uint64_t)((fiber_now() - g->when) / MAIL_GONE_EVERY);
    g->left = MIN(g->left + more, (uint64_t)MAIL_GONE_BURST);
    g->when += (usec_t)more * MAIL_GONE_EVERY;
    return &g->left;
}

static void tell(struct mail_session *s, const struct mail_gone *g, queue_id message,
                 struct slice messages, const char *what) {
    struct slice owner = slice_of_str(s->owner ? s->owner : s->address);
    struct event_fact facts[8] = {
        {S(FACT_LOGIN), slice_of_str(s->address)},
        {S(FACT_CLIENT), slice_of_str(s->peer)},
        {S(FACT_SERVICE), s->door->service},
        {S(FACT_ACCOUNT), owner},
        {S(FACT_MAILBOX), g->from},
    };
    size_t count = 5;
    if (g->to.len > 0)
        facts[count++] = (struct event_fact){S(FACT_INTO), g->to};
    facts[count++] = (struct event_fact){S(FACT_MESSAGES), messages};
    process_event(s->process, message, KIND_LEFT, facts, count,
                  "%s %s %s from the mailbox %.*s of %.*s%s%.*s by %.*s from %s", s->address,
                  g->to.len > 0 ? "moved" : "deleted", what, SLICE_ARG(g->from), SLICE_ARG(owner),
                  g->to.len > 0 ? " to " : "", SLICE_ARG(g->to), SLICE_ARG(s->door->service),
                  s->peer);
}

void mail_tell_gone(struct mail_session *s, const struct mail_gone *g) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf others = {0};
    const usec_t known = fiber_wall() - s->events_keep;
    uint64_t *left = left_of(s);
    size_t told = 0;
    for (size_t i = 0; i<g->count && * left> 0; i++) {
        const struct store_message *m = &g->messages[i];
        struct slice id = arena_printf(&a, "%u:%u", m->mailbox, m->uid);
        queue_id message = m->date > known ? accepted_as(g->account, m) : 0;
        if (message && *left > 0) {
            tell(s, g, message, id, "it");
            told++;
            --*left;
        } else {
            buf_printf(&others, "%s%.*s", others.len > 0 ? " " : "", SLICE_ARG(id));
        }
    }
    if (g->all > g->count)
        buf_printf(&others, "%s... (%zu)", others.len > 0 ? " " : "", g->all - told);
    if (others.len > 0 && *left > 0) {
        tell(s, g, 0, buf_slice(&others), "messages");
        --*left;
    }
}
