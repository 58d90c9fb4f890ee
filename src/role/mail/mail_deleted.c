/* SPDX-License-Identifier: ISC */
/*
 * A call looks at so many removals, wanted or not, and says where the next one goes on: so neither
 * a page nor the time that it takes grows with what an account has.
 */
#include "role/mail/mail_deleted.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/words.h"
#include "events/event.h"
#include "events/kinds.h"
#include "role/mail/mail_shown.h"

#define PAGE      200U  /* messages in one answer */
#define LOOKED_AT 5000U /* removals of which they are chosen */
#define NAMED_MAX 100U  /* messages that an event names */

/* ------------------------------------------------------------------ which ones */

struct matching {
    const struct rpc_deleted_match *match;
    struct rpc_deleted_id *ids; /* sorted */
};

static int by_id(const void *left, const void *right) {
    const struct rpc_deleted_id *l = left, *r = right;
    return l->mailbox != r->mailbox ? (l->mailbox > r->mailbox) - (l->mailbox < r->mailbox)
                                    : (l->uid > r->uid) - (l->uid < r->uid);
}

static struct matching matching_of(const struct rpc_deleted_match *match, struct arena *a) {
    struct matching m = {match, arena_array(a, match->ids_count, sizeof *m.ids)};
    for (size_t i = 0; i < match->ids_count; i++)
        m.ids[i] = match->ids[i];
    if (match->ids_count > 0)
        qsort(m.ids, match->ids_count, sizeof *m.ids, by_id);
    return m;
}

static bool matches(const struct matching *m, const struct store_deleted *d) {
    const struct rpc_deleted_match *w = m->match;
    struct rpc_deleted_id id = {d->mailbox, d->uid};
    if ((w->since > 0 && d->deleted < w->since) || (w->until > 0 && d->deleted >= w->until))
        return false;
    if (w->mailbox.len > 0 && !slice_eq(d->mailbox_name, w->mailbox) &&
        !(d->mailbox == STORE_INBOX && slice_eq_nocase(w->mailbox, S("INBOX"))))
        return false;
    return w->ids_count == 0 || bsearch(&id, m->ids, w->ids_count, sizeof id, by_id) != NULL;
}

/* ------------------------------------------------------------------ listing */

struct listing {
    struct matching matching;
    struct arena *arena;
    struct store_deleted *found; /* of each message, to read its header */
    struct rpc_deleted *messages;
    size_t count, looked_at;
};

static void add_one(void *arg, const struct store_deleted *d) {
    struct listing *l = arg;
    l->looked_at++;
    if (!matches(&l->matching, d))
        return;
    l->found[l->count] = *d;
    uint32_t left;
    struct slice keywords = mail_shown_keywords(d->keywords, &left);
    l->messages[l->count++] = (struct rpc_deleted){
        .mailbox = d->mailbox,
        .uid = d->uid,
        .mailbox_name = arena_copy(l->arena, d->mailbox_name),
        .has_mailbox = d->has_mailbox,
        .size = d->size,
        .flags = (uint32_t)d->flags,
        .keywords = arena_copy(l->arena, keywords),
        .keywords_left = left,
        .date = d->date,
        .deleted = d->deleted,
    };
}

/* What cannot be read has none: the list is for what can. */
static void add_headers(struct listing *l, struct store_account *account) WAITS {
    char *bytes = mem_alloc(MAIL_HEADER_MAX);
    for (size_t i = 0; i < l->count; i++) {
        ssize_t n = store_deleted_read(account, &l->found[i], bytes, MAIL_HEADER_MAX);
        struct slice header = slice_of(bytes, n > 0 ? (size_t)n : 0);
        l->messages[i].from = mail_shown_field(header, S("From"), l->arena);
        l->messages[i].subject = mail_shown_field(header, S("Subject"), l->arena);
        (void)fiber_yield_if_long(); /* strangers have written it: it may be all encoded words */
    }
    free(bytes);
}

static int open_account(struct store *s, uint64_t id, struct store_account **ret,
                        struct problem *problem) WAITS {
    int r = store_account_open(s, id, ret);
    return r < 0 ? problem_set(problem, r, N_("the mailboxes of the account cannot be opened: %s"),
                               error_text(r))
                 : 0;
}

static int find_target(const struct store_account *account, struct slice name, uint32_t *ret,
                       struct problem *problem) {
    struct store_mailbox m;
    *ret = 0;
    if (name.len == 0)
        return 0;
    int r = store_mailbox_find(account, 0, name, &m);
    if (r < 0)
        return problem_set(problem, r, N_("the account has no mailbox \"%.*s\""), SLICE_ARG(name));
    *ret = m.id;
    return 0;
}

int mail_answer_deleted(struct store *s, const struct rpc_mail_deleted_in *in, struct arena *a,
                        struct rpc_mail_deleted_out *out, struct problem *problem) {
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    size_t most = MIN(in->limit, PAGE);
    struct deleted_place place = {in->after.modseq, in->after.uid};
    struct listing l = {
        .matching = matching_of(&in->match, a),
        .arena = a,
        .found = arena_array(a, most, sizeof *l.found),
        .messages = arena_array(a, most, sizeof *l.messages),
    };
    uint32_t into = 0;
    int r = open_account(s, in->account, &account, problem);
    if (r == 0)
        r = find_target(account, in->into, &into, problem);
    if (r < 0)
        return r;
    out->more = true;
    while (r == 0 && out->more && l.count < most && l.looked_at < LOOKED_AT)
        r = store_deleted_each(account, &place, most - l.count, add_one, &l, &out->more);
    for (size_t i = 0; r == 0 && i < l.count; i++) {
        int back = store_deleted_is_back(account, &l.found[i], into, in->anywhere);
        l.messages[i].restored = back == 1;
        r = MIN(back, 0);
    }
    if (r < 0)
        return problem_set(problem, r, N_("the removed messages cannot be listed: %s"),
                           error_text(r));
    add_headers(&l, account);
    out->messages = l.messages;
    out->messages_count = l.count;
    out->next = (struct rpc_deleted_place){place.modseq, place.uid};
    return 0;
}

/* ------------------------------------------------------------------ bringing back */

struct restoring {
    struct matching matching;
    struct arena *arena;
    struct buf named;
    size_t count;
    size_t lost; /* of them: their mailbox is gone */
};

static bool want(void *arg, const struct store_deleted *d) {
    return matches(&((struct restoring *)arg)->matching, d);
}

static void note_restored(void *arg, const struct store_deleted *d) {
    struct restoring *v = arg;
    v->lost += !d->has_mailbox;
    if (v->count++ < NAMED_MAX)
        buf_printf(&v->named, "%s%u:%u", v->count > 1 ? " " : "", d->mailbox, d->uid);
}

int mail_answer_restore(struct store *s, const struct rpc_mail_restore_in *in, struct arena *a,
                        struct rpc_mail_restore_out *out, struct slice *ret_messages,
                        struct problem *problem) {
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    struct restoring v = {.matching = matching_of(&in->match, a), .arena = a};
    struct store_restored done = {0};
    struct store_restore restore = {
        .wanted = want,
        .restored = note_restored,
        .arg = &v,
        .quota = in->quota,
        .place = {in->after.modseq, in->after.uid},
        .most = LOOKED_AT,
    };
    *ret_messages = S("");
    int r = open_account(s, in->account, &account, problem);
    if (r == 0)
        r = find_target(account, in->into, &restore.to, problem);
    if (r < 0)
        return r;
    r = store_restore(account, &restore, &done);
    if (r < 0) {
        struct problem why = {0};
        struct buf words = {0};
        if (r == -E_LIMIT && in->quota > 0)
            (void)problem_set(
                &why, r,
                N_("the mailbox is full; its owner has to delete messages, or be given"
                   " more room than %llu bytes"),
                (unsigned long long)in->quota);
        else if (r == -ENOSPC)
            (void)problem_set(&why, r,
                              N_("the disk is full, or has less free than a quarter of"
                                 " queue.disk-reserve; make room, and say the same again"));
        else
            (void)problem_set(&why, r, "%s", error_text(r));
        problem_write(&words, &why);
        out->error = r;
        out->reason = arena_copy(a, buf_slice(&words));
        buf_done(&words);
    }
    out->count = done.count;
    out->in_inbox = restore.to == 0 ? v.lost : 0;
    out->already = done.already;
    out->damaged = done.damaged;
    out->next = (struct rpc_deleted_place){restore.place.modseq, restore.place.uid};
    out->more = done.more && r == 0;
    if (v.count > NAMED_MAX)
        buf_printf(&v.named, " ... (%zu)", v.count);
    *ret_messages = arena_copy(a, buf_slice(&v.named));
    buf_done(&v.named);
    return 0;
}

struct slice mail_restored_event(struct slice by, struct slice address, struct slice messages,
                                 struct event_fact facts[static MAIL_RESTORED_FACTS],
                                 struct arena *a) {
    facts[0] = (struct event_fact){S(FACT_BY), by};
    facts[1] = (struct event_fact){S(FACT_ACCOUNT), address};
    facts[2] = (struct event_fact){S(FACT_MESSAGES), messages};
    return arena_printf(a, "%.*s brought back deleted messages of %.*s (%.*s)", SLICE_ARG(by),
                        SLICE_ARG(address), SLICE_ARG(messages));
}
