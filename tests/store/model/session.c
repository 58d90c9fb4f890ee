/* SPDX-License-Identifier: ISC */
#include "session.h"

#include <inttypes.h>
#include <stdio.h>

#include "fiber/fiber.h"

uint32_t session_pick(struct session *s, uint32_t bound) {
    return rng_below(&s->run->rng, bound);
}

unsigned session_account(const struct session *s) {
    return (unsigned)(s->side - s->run->sides);
}

struct model_mailbox *session_mailbox(struct session *s) {
    struct model *m = s->side->model;
    return &m->mailboxes[session_pick(s, 2) ? 0 : session_pick(s, (uint32_t)m->count)];
}

uint64_t session_word(struct session *s) {
    uint64_t keywords =
        session_pick(s, 2) ? (uint64_t)session_pick(s, 1U << LOOK_KEYWORDS) << 8 : 0;
    return session_pick(s, STORE_FLAGS + 1) | keywords;
}

bool session_is_full(const struct model_mailbox *b) {
    return b->count + (size_t)(SESSIONS * MODEL_UIDS) > MODEL_ENTRIES;
}

/* ------------------------------------------------------------------ changes */

struct model_change *session_begin(struct session *s, unsigned slot, enum model_verb verb,
                                   uint32_t mailbox) {
    size_t at = (size_t)s->number * SLOTS + slot;
    struct model_change *c = &s->run->flying[at];
    *c = (struct model_change){.verb = verb, .account = session_account(s), .mailbox = mailbox};
    s->run->is_flying[at] = true;
    return c;
}

void session_drop(struct session *s, struct model_change *c) {
    s->run->is_flying[c - s->run->flying] = false;
    if (s->run->trace)
        model_print_change("refused", c);
}

bool session_is_flying(const struct session *s, unsigned account, enum model_verb verb,
                       uint32_t mailbox) {
    const struct run *run = s->run;
    for (size_t i = 0; i < SESSIONS * SLOTS; i++) {
        const struct model_change *f = &run->flying[i];
        if (run->is_flying[i] && f->account == account && f->verb == verb &&
            (!mailbox || f->mailbox == mailbox || f->to == mailbox))
            return true;
    }
    return false;
}

bool session_is_carried(const struct session *s, uint32_t mailbox) {
    return s->run->carried.account == session_account(s) && s->run->carried.mailbox == mailbox;
}

static bool may_be_gone(const struct session *s, unsigned account, uint32_t mailbox) {
    return mailbox && (model_is_gone(s->run->sides[account].model, mailbox) ||
                       session_is_flying(s, account, MODEL_REMOVE, mailbox));
}

/* Messages that are carried away at this moment may have the new flags or the old ones. */
static void note_flags(struct run *run, const struct model_change *c) {
    struct model_mailbox *b = model_mailbox(run->sides[c->account].model, c->mailbox);
    for (size_t i = 0; b && c->verb == MODEL_FLAGS && i < SESSIONS * SLOTS; i++) {
        struct model_change *f = &run->flying[i];
        if (!run->is_flying[i] || f->account == c->account || f->from != c->mailbox)
            continue;
        const struct model_entry *e = model_entry(b, f->source);
        if (e && !model_arrives_with(f, e->flags) && f->word_count < MODEL_WORDS)
            f->words[f->word_count++] = e->flags;
    }
}

/* A copy of a change that is on its way, for model_explain(). */
static struct model_change flying_copy(const struct run *run, const struct model_change *c) {
    struct model_change copy = *c;
    struct model_mailbox *b = model_mailbox(run->sides[1 - c->account].model, c->from);
    copy.is_there = b && model_entry(b, c->source);
    for (size_t i = 0; copy.from && i < SESSIONS * SLOTS; i++)
        copy.is_vague |= run->is_flying[i] && run->flying[i].verb == MODEL_FLAGS &&
                         run->flying[i].account != c->account && run->flying[i].mailbox == c->from;
    return copy;
}

size_t session_end(struct session *s, struct model_change *c, int error) {
    struct run *run = s->run;
    struct side *side = &run->sides[c->account];
    if (run->over)
        return 0;
    run->is_flying[c - run->flying] = false;
    if (run->trace)
        model_print_change(error ? "failed" : "done", c);
    if (error == -E_UNKNOWN) {
        assert_true(may_be_gone(s, c->account, c->mailbox) || may_be_gone(s, c->account, c->to));
        return 0;
    }
    if (error) {
        assert_true(run->trouble && (error == -EIO || error == -ENOSPC));
        if (side->maybe_count < MAYBES)
            side->maybes[side->maybe_count++] = *c;
        return 0;
    }
    size_t changed = model_apply(side->model, c);
    note_flags(run, c);
    if (changed > 0 && !c->is_acknowledged) /* else it was written some time ago */
        side->maybe_count = 0;
    return changed;
}

void session_uids(struct session *s, const struct model_mailbox *b, struct model_change *c) {
    c->uid_count = 1 + session_pick(s, MODEL_UIDS);
    bool neighbours = session_pick(s, 3) == 0;
    uint32_t first = session_pick(s, (uint32_t)b->count + 1);
    /* Else one that has gone, or never comes; not one that may be coming now. */
    bool comes = session_is_flying(s, c->account, MODEL_ARRIVE, b->id);
    for (size_t i = 0; i < c->uid_count; i++) {
        size_t place = neighbours ? first + i : session_pick(s, (uint32_t)b->count + 1);
        c->uids[i] = place < b->count && session_pick(s, 8) ? b->entries[place].uid
                     : session_pick(s, 8) && !comes         ? session_pick(s, b->uidnext)
                                                            : UINT32_MAX - session_pick(s, 2);
    }
}

/* ------------------------------------------------------------------ looking */

/* What a session sees in the midst of all: what was acknowledged, and maybe what is on its way. */
static void compare(struct session *s, const struct picture *p) {
    struct run *run = s->run;
    struct model_change changes[SESSIONS * SLOTS];
    size_t count = 0;
    for (size_t i = 0; i < SESSIONS * SLOTS; i++) {
        const struct model_change *f = &run->flying[i];
        if (run->is_flying[i] && f->account == session_account(s) && f->verb != MODEL_PROPERTY &&
            (f->mailbox == p->id || f->to == p->id))
            changes[count++] = flying_copy(run, f);
    }
    struct model *m = mem_copy(s->side->model, sizeof *m);
    struct album *album = mem_zero(sizeof *album);
    album->count = 1;
    album->pictures[0] = *p;
    bool explained = model_explain(m, changes, count, album);
    if (!explained)
        model_print_difference(s->side->model, changes, count, album);
    assert_true(explained);
    free(album);
    free(m);
    struct model_mailbox *b = model_mailbox(s->side->model, p->id);
    b->promised = MAX(b->promised, p->uidnext);
    b->modseq = MAX(b->modseq, p->modseq);
}

/* Every message of the picture reads well, unless it was removed since. */
static void read_some(struct session *s, struct look *l) {
    const struct picture *p = look_picture(l);
    if (p->count == 0)
        return;
    size_t first = session_pick(s, (uint32_t)p->count);
    for (size_t i = first; i < MIN(first + 4, p->count) && !s->run->over; i++) {
        int error = look_read(l, i, session_pick(s, LOOK_WAYS));
        if (s->run->over || !error)
            continue;
        struct model_mailbox *b = model_mailbox(s->side->model, p->id);
        bool going = !b || !model_entry(b, p->entries[i].uid) ||
                     session_is_flying(s, session_account(s), MODEL_EXPUNGE, 0) ||
                     session_is_flying(s, session_account(s), MODEL_MOVE, 0) ||
                     session_is_flying(s, session_account(s), MODEL_REMOVE, 0);
        assert_int_equal(error, -E_UNKNOWN);
        assert_true(going);
    }
}

static void do_look(struct session *s) {
    struct run *run = s->run;
    struct look *l;
    uint32_t mailbox = session_mailbox(s)->id;
    int error = look_open(s->account, mailbox, &l);
    if (error) {
        assert_int_equal(error, -E_UNKNOWN);
        assert_true(run->over || may_be_gone(s, session_account(s), mailbox));
        return;
    }
    if (!run->over) {
        compare(s, look_picture(l));
        assert_true(store_account_modseq(s->account) >= look_picture(l)->modseq);
        read_some(s, l);
    }
    look_close(s->held);
    s->held = l;
}

/* An older picture of the mailbox, and what has changed since then. */
static void do_resync(struct session *s) {
    struct run *run = s->run;
    struct look *l;
    if (!s->held || run->over)
        return;
    uint32_t mailbox = look_picture(s->held)->id;
    int error = look_open(s->account, mailbox, &l);
    if (error) {
        assert_int_equal(error, -E_UNKNOWN);
        assert_true(run->over || may_be_gone(s, session_account(s), mailbox));
        return;
    }
    error = look_resync(s->account, s->held, l);
    assert_true(run->over || run->trouble || error == 0 ||
                may_be_gone(s, session_account(s), mailbox));
    look_close(s->held);
    s->held = l;
}

static void do_look_again(struct session *s) {
    if (!s->held || s->run->over)
        return;
    assert_true(look_is_unchanged(s->held));
    read_some(s, s->held);
}

static void do_wait(struct session *s) {
    (void)fiber_sleep(session_pick(s, 8) ? session_pick(s, 20 * USEC_MS)
                                         : session_pick(s, 3 * USEC_SEC));
}

static void do_compact(struct session *s) {
    int error = store_compact(s->account);
    assert_true(error == 0 || error == -E_BUSY || s->run->trouble || s->run->over);
}

static void do_close(struct session *s) {
    look_close(s->held);
    s->held = NULL;
    store_account_close(s->account);
    s->account = NULL;
    do_wait(s);
    int error = store_account_open(s->run->world->store, s->side->id, &s->account);
    assert_int_equal(error, 0);
}

static const struct verb {
    const char *name;
    unsigned weight;
    void (*run)(struct session *s) WAITS;
} verbs[] = {
    {"deliver", 30, do_deliver},
    {"quota", 4, do_quota},
    {"deliver elsewhere", 6, do_deliver_elsewhere},
    {"expunge", 14, do_expunge},
    {"flags", 18, do_flags},
    {"copy", 6, do_copy},
    {"move", 6, do_move},
    {"create", 6, do_create},
    {"rename", 4, do_rename},
    {"remove", 3, do_remove},
    {"subscribe", 4, do_subscribe},
    {"metadata", 5, do_metadata},
    {"rights", 4, do_rights},
    {"properties", 8, do_properties},
    {"carry", 8, do_carry},
    {"restore", 5, do_restore},
    {"look", 16, do_look},
    {"look again", 8, do_look_again},
    {"resync", 8, do_resync},
    {"wait", 8, do_wait},
    {"compact", 2, do_compact},
    {"close", 4, do_close},
};

static void run_verb(struct session *s) {
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        sum += verbs[i].weight;
    unsigned at = session_pick(s, sum);
    const struct verb *v = verbs;
    while (at >= v->weight)
        at -= v++->weight;
    v->run(s);
}

struct start {
    struct run *run;
    unsigned number, steps;
};

static void session_main(void *arg) {
    const struct start *start = arg;
    struct session s = {.run = start->run, .number = start->number};
    s.side = &s.run->sides[s.number % 3 == 2]; /* two of three at the first account */
    assert_int_equal(store_account_open(s.run->world->store, s.side->id, &s.account), 0);
    for (unsigned i = 0; i < start->steps && !s.run->over; i++) {
        s.run->steps++;
        run_verb(&s);
    }
    look_close(s.held);
    free(s.held_properties);
    store_account_close(s.account);
}

void sessions_run(struct run *run, unsigned steps) {
    struct start starts[SESSIONS];
    struct fiber *fibers[SESSIONS];
    for (unsigned i = 0; i < SESSIONS; i++) {
        starts[i] = (struct start){run, i, steps};
        assert_int_equal(fiber_start("session", session_main, &starts[i], &fibers[i]), 0);
    }
    for (unsigned i = 0; i < SESSIONS; i++)
        fiber_join(fibers[i]);
}

/* ------------------------------------------------------------------ whole accounts */

static void explain_all(struct run *run, struct side *side, const struct album *album,
                        const struct model_change *flying, size_t flying_count, bool crashed) {
    struct model_change changes[SESSIONS * SLOTS + MAYBES];
    size_t count = 0;
    for (size_t i = 0; i < flying_count; i++)
        if (&run->sides[flying[i].account] == side)
            changes[count++] = flying[i];
    for (size_t i = 0; crashed && i < side->maybe_count; i++)
        changes[count++] = side->maybes[i];
    bool explained = model_explain(side->model, changes, count, album);
    if (!explained)
        model_print_difference(side->model, changes, count, album);
    assert_true(explained);
}

static void check_no_uidl_twice(const struct album *album) {
    for (size_t i = 0; i < album->count; i++)
        for (size_t k = 0; k < album->pictures[i].count; k++)
            for (size_t n = 0; n < k; n++)
                assert_string_not_equal(album->pictures[i].entries[k].uidl,
                                        album->pictures[i].entries[n].uidl);
}

static void check_messages(struct side *side, struct store_account *a) WAITS {
    struct model *m = side->model;
    const struct model_sum sum = model_usage(m);
    for (size_t i = 0; i < m->count; i++) {
        struct look *l;
        assert_int_equal(look_open(a, m->mailboxes[i].id, &l), 0);
        for (size_t k = 0; k < look_picture(l)->count; k++)
            assert_int_equal(look_read(l, k, (uint32_t)k), 0);
        look_close(l);
    }
    struct store_usage usage;
    store_account_usage(a, &usage);
    assert_int_equal(usage.messages, sum.messages);
    assert_int_equal(usage.bytes, sum.bytes);
    assert_true(store_account_modseq(a) >= m->modseq);
    m->modseq = store_account_modseq(a);
}

void sessions_check(struct run *run, bool crashed) {
    struct model_change flying[SESSIONS * SLOTS];
    size_t count = 0;
    for (size_t i = 0; crashed && i < SESSIONS * SLOTS; i++)
        if (run->is_flying[i])
            flying[count++] = flying_copy(run, &run->flying[i]);
    struct album *album = mem_zero(sizeof *album);
    for (size_t i = 0; i < SIDES; i++) {
        struct side *side = &run->sides[i];
        struct store_account *a;
        assert_int_equal(store_account_open(run->world->store, side->id, &a), 0);
        memset(album, 0, sizeof *album);
        assert_int_equal(look_all(a, album), 0);
        explain_all(run, side, album, flying, count, crashed);
        check_no_uidl_twice(album);
        check_messages(side, a);
        store_account_close(a);
    }
    carried_is_somewhere(run, flying, count);
    memset(run->is_flying, 0, sizeof run->is_flying);
    run->carries = false;
    run->carried = (struct place){0};
    struct store_usage usage;
    if (store_usage(run->world->store, OTHER_ACCOUNT, &usage) == 0) {
        assert_in_range(usage.messages, run->others_least, run->others_most);
        run->others_least = usage.messages;
    }
    free(album);
}
