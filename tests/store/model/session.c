/* SPDX-License-Identifier: ISC */
#include "session.h"

#include <inttypes.h>
#include <stdio.h>

#include "fiber/fiber.h"

struct session {
    struct run *run;
    unsigned number;
    struct store_account *account;
    struct look *held; /* a picture that is some steps old */
};

static uint32_t pick(struct session *s, uint32_t bound) {
    return rng_below(&s->run->rng, bound);
}

/* ------------------------------------------------------------------ changes */

static struct model_change *begin(struct session *s, enum model_verb verb, uint32_t mailbox) {
    struct model_change *c = &s->run->flying[s->number];
    *c = (struct model_change){.verb = verb, .mailbox = mailbox};
    s->run->is_flying[s->number] = true;
    return c;
}

/* The change has come back, with its numbers in `c`; how much the model was changed by it. */
static size_t end(struct session *s, struct model_change *c, int error) {
    struct run *run = s->run;
    if (run->over)
        return 0;
    run->is_flying[s->number] = false;
    if (run->trace)
        model_print_change(error ? "failed" : "done", c);
    if (error) {
        assert_true(run->trouble && (error == -EIO || error == -ENOSPC));
        if (run->maybe_count < MAYBES)
            run->maybes[run->maybe_count++] = *c;
        return 0;
    }
    size_t changed = model_apply(run->model, c);
    if (changed > 0)
        run->maybe_count = 0;
    return changed;
}

/* No room for what may be on its way. */
static bool is_full(const struct model_mailbox *b) {
    return b->count + (size_t)(SESSIONS * MODEL_UIDS) > MODEL_ENTRIES;
}

static struct model_mailbox *pick_mailbox(struct session *s) {
    struct model *m = s->run->model;
    return &m->mailboxes[pick(s, 2) ? 0 : pick(s, (uint32_t)m->count)];
}

static void pick_uids(struct session *s, const struct model_mailbox *b, struct model_change *c) {
    c->uid_count = 1 + pick(s, MODEL_UIDS);
    bool neighbours = pick(s, 3) == 0;
    uint32_t first = pick(s, (uint32_t)b->count + 1);
    for (size_t i = 0; i < c->uid_count; i++) {
        size_t place = neighbours ? first + i : pick(s, (uint32_t)b->count + 1);
        /* Else one that has gone, or never comes; not one that may be coming now. */
        c->uids[i] = place < b->count && pick(s, 8) ? b->entries[place].uid
                     : pick(s, 8)                   ? pick(s, b->uidnext)
                                                    : UINT32_MAX - pick(s, 2);
    }
}

/* Flags, and sometimes keywords. */
static uint64_t pick_word(struct session *s) {
    uint64_t keywords = pick(s, 2) ? (uint64_t)pick(s, 1U << LOOK_KEYWORDS) << 8 : 0;
    return pick(s, STORE_FLAGS + 1) | keywords;
}

/* ------------------------------------------------------------------ deliveries */

static int deliver(struct session *s, const struct model_change *c, uint64_t quota,
                   struct store_delivered *ret) {
    char key[32], *bytes = mem_alloc(model_size(c->serial));
    (void)snprintf(key, sizeof key, "key %" PRIu32, c->serial);
    model_bytes(c->serial, bytes);
    struct slice names[LOOK_KEYWORDS];
    size_t keywords = look_names(c->add, pick(s, 2), names);
    size_t cut = pick(s, (uint32_t)model_size(c->serial));
    struct slice parts[] = {slice_of(bytes, cut),
                            slice_of(bytes + cut, model_size(c->serial) - cut)};
    struct store_delivery d = {.mailbox = c->mailbox,
                               .key = slice_of_str(key),
                               .return_path = S("tama@example.test"),
                               .flags = c->add & STORE_FLAGS,
                               .keywords = names,
                               .keyword_count = keywords,
                               .quota = quota,
                               .parts = parts,
                               .part_count = 2};
    int error = store_deliver(s->run->world->store, TEST_ACCOUNT, &d, ret);
    free(bytes);
    return error;
}

static void ended_delivery(struct session *s, struct model_change *c, uint32_t least, int error,
                           const struct store_delivered *d) {
    struct model *m = s->run->model;
    if (!error && !s->run->over) {
        c->uid = d->uid;
        c->modseq = d->already ? 0 : d->modseq;
        assert_int_equal(d->already, m->delivered[c->serial]);
        if (d->already) /* long ago the UID is not known any more */
            assert_true(d->uid == 0 || d->uid == m->first_uid[c->serial]);
        else
            assert_true(d->uid >= least && d->modseq > 0);
    }
    (void)end(s, c, error);
}

/* A new message, or one that has come before, maybe at the same moment. */
static void do_deliver(struct session *s) {
    struct run *run = s->run;
    struct model_mailbox *b = pick_mailbox(s);
    bool again = run->serial > 0 && pick(s, 5) == 0;
    if (is_full(b) || run->serial + 1 >= MODEL_SERIALS)
        return;
    struct model_change *c = begin(s, MODEL_DELIVER, b->id);
    c->serial = again ? run->serial - pick(s, MIN(run->serial, 12U)) : ++run->serial;
    c->add = pick(s, 2) ? 0 : pick_word(s);
    for (size_t i = 0; again && i < SESSIONS; i++) /* a message is delivered in one way only */
        if (i != s->number && run->is_flying[i] && run->flying[i].verb == MODEL_DELIVER &&
            run->flying[i].serial == c->serial)
            c->mailbox = run->flying[i].mailbox, c->add = run->flying[i].add;
    struct store_delivered d = {0};
    uint32_t least = MAX(b->uidnext, b->promised);
    if (c->mailbox != b->id)
        least = 0;
    int error = deliver(s, c, 0, &d);
    ended_delivery(s, c, least, error, &d);
}

/* A quota that is too small by one byte, or just large enough, when nobody else does anything. */
static void do_quota(struct session *s) {
    struct run *run = s->run;
    struct model_mailbox *b = pick_mailbox(s);
    if (is_full(b) || run->serial + 1 >= MODEL_SERIALS)
        return;
    struct model_change *c = begin(s, MODEL_DELIVER, b->id);
    c->serial = ++run->serial;
    uint64_t held = model_usage(run->model).bytes, coming = 0, going = 0;
    for (size_t i = 0; i < SESSIONS; i++) {
        const struct model_change *f = &run->flying[i];
        if (i == s->number || !run->is_flying[i])
            continue;
        if (f->verb == MODEL_DELIVER)
            coming += model_size(f->serial);
        going += f->verb == MODEL_EXPUNGE ? held : 0; /* nobody knows */
    }
    bool fits = pick(s, 2);
    uint64_t quota = held + model_size(c->serial) + (fits ? coming : 0) - (fits ? 0 : 1);
    unsigned steps = run->steps;
    struct store_delivered d = {0};
    uint32_t least = MAX(b->uidnext, b->promised);
    int error = deliver(s, c, quota, &d);
    bool alone = coming == 0 && going == 0 && run->steps == steps;
    if (!run->over && error == -E_LIMIT) {
        assert_true(!fits || !alone);
        run->is_flying[s->number] = false;
        return;
    }
    if (!run->over && !error)
        assert_true(fits || !alone);
    ended_delivery(s, c, least, error, &d);
}

/* To somebody else, so that this account has to give way in memory. */
static void do_deliver_elsewhere(struct session *s) {
    struct run *run = s->run;
    struct slice part = S("Subject: elsewhere\r\n\r\n");
    struct store_delivery d = {.mailbox = STORE_INBOX, .parts = &part, .part_count = 1};
    struct store_delivered done;
    run->others_most++;
    int error = store_deliver(run->world->store, OTHER_ACCOUNT, &d, &done);
    assert_true(run->over || run->trouble || error == 0);
    run->others_least += !run->over && !error;
}

/* ------------------------------------------------------------------ what is there */

/* An expunge raises HIGHESTMODSEQ (RFC 7162 §3.2.10). */
static void check_removed(struct session *s, const struct model_change *c, uint64_t before,
                          size_t removed, size_t wanted) {
    struct store_mailbox now;
    assert_int_equal(removed, wanted);
    assert_int_equal(store_mailbox_get(s->account, c->mailbox, &now), 0);
    assert_true(removed == 0 || now.modseq > before);
}

static void do_expunge(struct session *s) {
    struct model_mailbox *b = pick_mailbox(s);
    struct model_change *c = begin(s, MODEL_EXPUNGE, b->id);
    pick_uids(s, b, c);
    uint64_t before = b->modseq;
    size_t removed = 0;
    int error = store_expunge(s->account, c->mailbox, c->uids, c->uid_count, &removed);
    size_t wanted = end(s, c, error);
    if (!error && !s->run->over)
        check_removed(s, c, before, removed, wanted);
}

/* COPY and MOVE (RFC 9051 §6.4.7, RFC 6851), also into the same mailbox. */
static void copy_or_move(struct session *s, enum model_verb verb) {
    struct model_mailbox *b = pick_mailbox(s), *to = pick_mailbox(s);
    if (is_full(to))
        return;
    struct model_change *c = begin(s, verb, b->id);
    c->to = to->id;
    pick_uids(s, b, c);
    struct store_copied copied = {0};
    uint32_t least = MAX(to->uidnext, to->promised);
    int error = store_copy(s->account, c->mailbox, c->uids, c->uid_count, c->to, verb == MODEL_MOVE,
                           &copied);
    if (!s->run->over)
        c->uid = copied.count ? copied.first_uid : 0;
    size_t wanted = end(s, c, error);
    if (!error && !s->run->over) {
        assert_int_equal(copied.count, wanted);
        assert_true(wanted == 0 || copied.first_uid >= least);
    }
}

static void do_copy(struct session *s) {
    copy_or_move(s, MODEL_COPY);
}

static void do_move(struct session *s) {
    copy_or_move(s, MODEL_MOVE);
}

/* With CONDSTORE's UNCHANGEDSINCE (RFC 7162 §3.1.3) at times. */
static void do_flags(struct session *s) {
    struct run *run = s->run;
    struct model_mailbox *b = pick_mailbox(s);
    struct model_change *c = begin(s, MODEL_FLAGS, b->id);
    pick_uids(s, b, c);
    struct slice names[2][LOOK_KEYWORDS];
    c->add = pick_word(s);
    c->remove = pick(s, 2) ? LOOK_BITS : pick_word(s);
    c->unchanged_since = pick(s, 3) ? 0 : 1 + pick(s, (uint32_t)b->modseq + 2);
    for (size_t i = 0; i < c->uid_count; i++) { /* of copies it is known when they were seen */
        const struct model_entry *e = model_entry(b, c->uids[i]);
        if (e && !e->modseq)
            c->unchanged_since = 0;
    }
    size_t added = look_names(c->add, pick(s, 2), names[0]);
    size_t removed = look_names(c->remove, pick(s, 2), names[1]);
    bool replace = c->remove == LOOK_BITS && pick(s, 2);
    uint64_t before = b->modseq;
    struct store_flags wanted = {.add = c->add & STORE_FLAGS,
                                 .remove = c->remove & STORE_FLAGS,
                                 .add_keywords = names[0],
                                 .add_keyword_count = added,
                                 .remove_keywords = names[1],
                                 .remove_keyword_count = removed,
                                 .replace_keywords = replace,
                                 .conditional = c->unchanged_since > 0,
                                 .unchanged_since = c->unchanged_since};
    struct store_flags_changed changed = {0};
    int error =
        store_set_flags(s->account, c->mailbox, c->uids, c->uid_count, &wanted, &changed, NULL);
    if (!run->over)
        c->modseq = changed.modseq;
    size_t count = end(s, c, error);
    if (!error && !run->over) {
        assert_int_equal(changed.changed, count);
        assert_true(count > 0 ? changed.modseq > before : changed.modseq >= before);
    }
}

static void do_create(struct session *s) {
    struct run *run = s->run;
    if (run->model->count + SESSIONS > MODEL_MAILBOXES + 3 ||
        run->mailbox_names >= MODEL_MAILBOXES - 1)
        return;
    struct model_change *c = begin(s, MODEL_CREATE, 0);
    (void)snprintf(c->name, sizeof c->name, "Box %" PRIu32, ++run->mailbox_names);
    uint32_t id = 0;
    int error = store_create_mailbox(s->account, 0, slice_of_str(c->name), STORE_ROLE_NONE, &id);
    struct store_mailbox m;
    if (!error && !run->over) {
        assert_int_equal(store_mailbox_get(s->account, id, &m), 0);
        c->new_mailbox = id;
        c->uidvalidity = m.uidvalidity;
        assert_true(m.uidvalidity > 0);
    }
    if (end(s, c, error) == 0 && !run->over)
        run->mailbox_names--;
}

/* ------------------------------------------------------------------ looking */

/* What a session sees in the midst of all: what was acknowledged, and maybe what is on its way. */
static void compare(struct session *s, const struct picture *p) {
    struct run *run = s->run;
    struct model_change changes[SESSIONS];
    size_t count = 0;
    for (size_t i = 0; i < SESSIONS; i++)
        if (run->is_flying[i] && (run->flying[i].mailbox == p->id || run->flying[i].to == p->id))
            changes[count++] = run->flying[i];
    struct model *m = mem_copy(run->model, sizeof *m);
    struct album *album = mem_zero(sizeof *album);
    album->count = 1;
    album->pictures[0] = *p;
    bool explained = model_explain(m, changes, count, album);
    if (!explained)
        model_print_difference(run->model, changes, count, album);
    assert_true(explained);
    free(album);
    free(m);
    struct model_mailbox *b = model_mailbox(run->model, p->id);
    b->promised = MAX(b->promised, p->uidnext);
    b->modseq = MAX(b->modseq, p->modseq);
}

/* Every message of the picture reads well, unless it was removed since. */
static void read_some(struct session *s, struct look *l) {
    const struct picture *p = look_picture(l);
    if (p->count == 0)
        return;
    size_t first = pick(s, (uint32_t)p->count);
    for (size_t i = first; i < MIN(first + 4, p->count) && !s->run->over; i++) {
        int error = look_read(l, i, pick(s, 3));
        if (s->run->over || !error)
            continue;
        const uint32_t uid = p->entries[i].uid;
        bool going = !model_entry(model_mailbox(s->run->model, p->id), uid);
        for (size_t k = 0; k < SESSIONS && !going; k++)
            going = s->run->is_flying[k] && (s->run->flying[k].verb == MODEL_EXPUNGE ||
                                             s->run->flying[k].verb == MODEL_MOVE);
        assert_int_equal(error, -E_UNKNOWN);
        assert_true(going);
    }
}

static void do_look(struct session *s) {
    struct run *run = s->run;
    struct look *l;
    uint32_t mailbox = pick_mailbox(s)->id;
    assert_int_equal(look_open(s->account, mailbox, &l), 0);
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
    assert_int_equal(look_open(s->account, look_picture(s->held)->id, &l), 0);
    int error = look_resync(s->account, s->held, l);
    assert_true(run->over || run->trouble || error == 0);
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
    (void)fiber_sleep(pick(s, 8) ? pick(s, 20 * USEC_MS) : pick(s, 3 * USEC_SEC));
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
    int error = store_account_open(s->run->world->store, TEST_ACCOUNT, &s->account);
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
    {"create", 2, do_create},
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
    unsigned at = pick(s, sum);
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
    assert_int_equal(store_account_open(s.run->world->store, TEST_ACCOUNT, &s.account), 0);
    for (unsigned i = 0; i < start->steps && !s.run->over; i++) {
        s.run->steps++;
        run_verb(&s);
    }
    look_close(s.held);
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

/* ------------------------------------------------------------------ the whole account */

static void explain_all(struct run *run, const struct album *album, bool crashed) {
    struct model_change changes[SESSIONS + MAYBES];
    size_t count = 0;
    for (size_t i = 0; crashed && i < SESSIONS; i++)
        if (run->is_flying[i])
            changes[count++] = run->flying[i];
    for (size_t i = 0; crashed && i < run->maybe_count; i++)
        changes[count++] = run->maybes[i];
    bool explained = model_explain(run->model, changes, count, album);
    if (!explained)
        model_print_difference(run->model, changes, count, album);
    assert_true(explained);
    memset(run->is_flying, 0, sizeof run->is_flying);
}

static void check_no_uidl_twice(const struct album *album) {
    for (size_t i = 0; i < album->count; i++)
        for (size_t k = 0; k < album->pictures[i].count; k++)
            for (size_t n = 0; n < k; n++)
                assert_string_not_equal(album->pictures[i].entries[k].uidl,
                                        album->pictures[i].entries[n].uidl);
}

void sessions_check(struct run *run, bool crashed) {
    struct album *album = mem_zero(sizeof *album);
    struct store_account *a = run->world->account;
    assert_int_equal(look_all(a, album), 0);
    explain_all(run, album, crashed);
    check_no_uidl_twice(album);
    struct model *m = run->model;
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
    if (store_usage(run->world->store, OTHER_ACCOUNT, &usage) == 0) {
        assert_in_range(usage.messages, run->others_least, run->others_most);
        run->others_least = usage.messages;
    }
    free(album);
}
