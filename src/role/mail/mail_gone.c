/* SPDX-License-Identifier: ISC */
/*
 * Which message it was stands with its bytes, and where those lie mail.db knows, which may have a
 * long change to take in first. Nobody waits for the event log: so what has gone is noted, and a
 * fiber of the role looks it up and tells it.
 */
#include "role/mail/mail_gone.h"

#include "base/alloc.h"
#include "message/queue_id.h"

#define NOTES_MAX 64U /* of some 10 KB; whoever brings another one looks it up himself */

/* What is told, with all that it needs: the session may be over by then. */
struct gone_note {
    struct link link;
    struct process *process;
    uint64_t account;
    usec_t known; /* the journeys of messages that are older are not known any more */
    const char *address, *peer, *owner;
    struct slice service, from, to;
    struct store_message *messages;
    size_t count, all;
    struct arena arena; /* of all this */
};

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
static uint64_t *left_of(const struct process *p, uint64_t account) {
    struct mail *m = p->state;
    struct mail_gone_left *g = &m->gone[account % MAIL_GONE_PLACES];
    if (g->when == 0)
        *g = (struct mail_gone_left){fiber_now(), MAIL_GONE_BURST};
    uint64_t more = (uint64_t)((fiber_now() - g->when) / MAIL_GONE_EVERY);
    g->left = MIN(g->left + more, (uint64_t)MAIL_GONE_BURST);
    g->when += (usec_t)more * MAIL_GONE_EVERY;
    return &g->left;
}

static void tell(const struct gone_note *n, queue_id message, struct slice messages,
                 const char *what) {
    struct event_fact facts[8] = {
        {S(FACT_LOGIN), slice_of_str(n->address)},
        {S(FACT_CLIENT), slice_of_str(n->peer)},
        {S(FACT_SERVICE), n->service},
        {S(FACT_ACCOUNT), slice_of_str(n->owner)},
        {S(FACT_MAILBOX), n->from},
    };
    size_t count = 5;
    if (n->to.len > 0)
        facts[count++] = (struct event_fact){S(FACT_INTO), n->to};
    facts[count++] = (struct event_fact){S(FACT_MESSAGES), messages};
    process_event(n->process, message, KIND_LEFT, facts, count,
                  "%s %s %s from the mailbox %.*s of %s%s%.*s by %.*s from %s", n->address,
                  n->to.len > 0 ? "moved" : "deleted", what, SLICE_ARG(n->from), n->owner,
                  n->to.len > 0 ? " to " : "", SLICE_ARG(n->to), SLICE_ARG(n->service), n->peer);
}

static void tell_note(struct gone_note *n) WAITS {
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    _cleanup_(buf_done) struct buf others = {0};
    struct mail *m = n->process->state;
    uint64_t *left = left_of(n->process, n->account);
    size_t told = 0;
    (void)store_account_open(m->store, n->account, &account);
    for (size_t i = 0; i<n->count && * left> 0; i++) {
        const struct store_message *gone = &n->messages[i];
        struct slice id = arena_printf(&n->arena, "%u:%u", gone->mailbox, gone->uid);
        queue_id message = account && gone->date > n->known ? accepted_as(account, gone) : 0;
        if (message && *left > 0) {
            tell(n, message, id, "it");
            told++;
            --*left;
        } else {
            buf_printf(&others, "%s%.*s", others.len > 0 ? " " : "", SLICE_ARG(id));
        }
    }
    if (n->all > n->count)
        buf_printf(&others, "%s... (%zu)", others.len > 0 ? " " : "", n->all - told);
    if (others.len > 0 && *left > 0) {
        tell(n, 0, buf_slice(&others), "messages");
        --*left;
    }
    arena_done(&n->arena);
    free(n);
}

/* By whom: as of who changes mailboxes by command. */
void mail_tell_mailbox(struct mail_session *s, uint64_t account, struct slice path,
                       struct slice to) {
    _cleanup_(arena_done) struct arena a = {0};
    const char *owner = s->owner ? s->owner : s->address;
    uint64_t *left = left_of(s->process, account);
    if (*left == 0)
        return;
    --*left;
    struct slice by =
        arena_printf(&a, "%s (%.*s from %s)", s->address, SLICE_ARG(s->door->service), s->peer);
    const struct event_fact facts[] = {
        {S(FACT_BY), by},
        {S(FACT_ACCOUNT), slice_of_str(owner)},
        {S(FACT_CHANGE), to.len > 0 ? S("rename") : S("remove")},
        {S(FACT_MAILBOX), path},
        {S(FACT_AFTER), to},
    };
    process_event(s->process, 0, KIND_MAILBOX, facts, ARRAY_SIZE(facts) - (to.len == 0),
                  "%.*s %s the mailbox %.*s of %s%s%.*s", SLICE_ARG(by),
                  to.len > 0 ? "renamed" : "deleted", SLICE_ARG(path), owner,
                  to.len > 0 ? " to " : "", SLICE_ARG(to));
}

/* ------------------------------------------------------------------ notes */

static const char *copy_text(struct gone_note *n, const char *text) {
    return arena_printf(&n->arena, "%s", text).ptr;
}

static struct gone_note *note_new(const struct mail_session *s, const struct mail_gone *g) {
    struct gone_note *n = NEW(struct gone_note);
    n->process = s->process;
    n->account = store_account_id(g->account);
    n->known = fiber_wall() - s->events_keep;
    n->address = copy_text(n, s->address);
    n->peer = copy_text(n, s->peer);
    n->owner = copy_text(n, s->owner ? s->owner : s->address);
    n->service = s->door->service;
    n->from = arena_copy(&n->arena, g->from);
    n->to = arena_copy(&n->arena, g->to);
    n->count = g->count;
    n->all = g->all;
    n->messages = arena_array(&n->arena, g->count, sizeof *n->messages);
    for (size_t i = 0; i < g->count; i++)
        n->messages[i] = g->messages[i];
    return n;
}

void mail_tell_gone(struct mail_session *s, const struct mail_gone *g) {
    struct mail *m = s->process->state;
    struct gone_note *n = note_new(s, g);
    if (m->gone_count >= NOTES_MAX) {
        tell_note(n);
        return;
    }
    list_append(&m->gone_notes, &n->link);
    m->gone_count++;
    fiber_cond_wake_all(&m->gone_noted);
}

static void tell_notes(void *arg) WAITS {
    struct mail *m = ((struct process *)arg)->state;
    for (;;) {
        struct link *k = list_pop(&m->gone_notes);
        if (k) {
            tell_note(CONTAINER_OF(k, struct gone_note, link));
            m->gone_count--;
        } else if (m->stopping || fiber_cond_wait(&m->gone_noted) < 0) {
            return;
        }
    }
}

int mail_gone_start(struct process *p) {
    struct mail *m = p->state;
    list_init(&m->gone_notes);
    fiber_cond_init(&m->gone_noted);
    return fiber_start("gone", tell_notes, p, &m->gone_teller);
}

void mail_gone_stop(struct process *p) {
    struct mail *m = p->state;
    struct fiber *teller = TAKE_PTR(m->gone_teller);
    if (!teller)
        return;
    fiber_cond_wake_all(&m->gone_noted);
    fiber_join(teller);
}
