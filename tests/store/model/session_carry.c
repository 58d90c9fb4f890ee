/* SPDX-License-Identifier: ISC */
/*
 * Messages that come from elsewhere: from the other account, or from what was removed. The store
 * says how many have come, so their numbers are looked up in the mailbox.
 */
#include <stdio.h>

#include "session.h"
#include "store/across.h"
#include "store/undelete.h"

#define ARRIVALS (SLOTS - 1)

static uint32_t least_uid(const struct model_mailbox *b) {
    return MAX(b->uidnext, b->promised);
}

/* A message of this number comes to the account already: two could not be told from each other. */
static bool comes_already(const struct session *s, unsigned account, uint32_t serial) {
    const struct run *run = s->run;
    for (size_t i = 0; i < SESSIONS * SLOTS; i++) {
        const struct model_change *f = &run->flying[i];
        if (run->is_flying[i] && f->account == account && f->serial == serial &&
            (f->verb == MODEL_ARRIVE || f->verb == MODEL_DELIVER))
            return true;
    }
    return false;
}

/* Those that have come get their numbers. */
static void arrived(struct session *s, struct store_account *a, struct model_change **list,
                    size_t count) WAITS {
    struct look *l;
    if (count == 0 || s->run->over)
        return;
    int error = look_open(a, list[0]->mailbox, &l);
    if (s->run->over) {
        if (!error)
            look_close(l);
        return;
    }
    assert_int_equal(error, 0);
    for (size_t i = 0; i < count; i++) {
        struct model_change *c = list[i];
        struct model *m = s->run->sides[c->account].model;
        struct model_entry e = {0};
        if (c->key.origin == MODEL_UNIQUE || !model_has_key(m, &c->key)) {
            assert_true(look_find(l, model_mailbox(m, c->mailbox), c, &e));
            c->uid = e.uid;
            c->add = e.flags;
            c->modseq = e.modseq;
            c->body = e.body;
        }
        (void)session_end(s, c, 0);
    }
    look_close(l);
}

/* ------------------------------------------------------------------ from the other account */

struct carriage {
    struct side *from, *to;
    struct store_account *source, *target;
    struct model_change *expunge, *list[ARRIVALS];
    uint32_t uids[ARRIVALS];
    size_t count;
};

/* Somebody else may take messages away from where these come from. */
static bool is_unsteady(const struct session *s, unsigned account, uint32_t mailbox) {
    return session_is_flying(s, account, MODEL_EXPUNGE, mailbox) ||
           session_is_flying(s, account, MODEL_MOVE, mailbox) ||
           session_is_flying(s, account, MODEL_REMOVE, mailbox);
}

/* Which messages there are to be carried, as they are at this moment. */
static void begin_carriage(struct session *s, struct carriage *c, const struct picture *p,
                           uint32_t to, bool move, bool once) {
    struct run *run = s->run;
    unsigned from_number = (unsigned)(c->from - run->sides), to_number = 1 - from_number;
    size_t most = run->trouble || is_unsteady(s, from_number, p->id) ? 1 : ARRIVALS;
    for (unsigned i = 0; i < most && p->count > 0; i++) {
        const struct model_entry *e = &p->entries[session_pick(s, (uint32_t)p->count)];
        struct model_mailbox *b = model_mailbox(c->from->model, p->id);
        if (comes_already(s, to_number, e->serial) || !b || !model_entry(b, e->uid))
            continue;
        struct model_change *a = session_begin(s, 1 + (unsigned)c->count, MODEL_ARRIVE, to);
        a->account = to_number;
        a->least = least_uid(model_mailbox(c->to->model, to));
        a->serial = e->serial;
        a->from = p->id;
        a->source = e->uid;
        a->add = e->flags;
        if (move || once)
            a->key = (struct model_key){!move  ? MODEL_COPIED
                                        : once ? MODEL_MOVED_ONCE
                                               : MODEL_MOVED,
                                        p->id, e->uid, to};
        c->uids[c->count] = e->uid;
        c->list[c->count++] = a;
    }
    if (c->count > 1)
        run->carried = (struct place){from_number, p->id};
    if (c->count == 0 || !move)
        return;
    c->expunge = session_begin(s, 0, MODEL_EXPUNGE, p->id);
    c->expunge->account = from_number;
    c->expunge->uid_count = c->count;
    memcpy(c->expunge->uids, c->uids, c->count * sizeof *c->uids);
}

static bool is_gone_from(const struct carriage *c) {
    struct model_mailbox *b = model_mailbox(c->from->model, c->list[0]->from);
    return !b || !model_entry(b, c->list[0]->source);
}

static void end_carriage(struct session *s, struct carriage *c, int error,
                         const struct store_carried *done) WAITS {
    struct run *run = s->run;
    size_t came = done->count;
    if (run->over)
        return;
    for (size_t i = 0; i < came; i++)
        c->list[i]->is_acknowledged = true;
    if (error == -E_UNKNOWN) /* its mailbox has gone, or it was expunged meanwhile */
        assert_true(c->count == 1 || came == c->count);
    else if (error)
        assert_true(run->trouble && c->count == 1);
    else if (came < c->count) /* expunged before they were looked at */
        assert_true(c->count == 1 &&
                    (is_gone_from(c) ||
                     is_unsteady(s, (unsigned)(c->from - run->sides), c->list[0]->from)));
    for (size_t i = came; i < c->count; i++)
        error == -E_UNKNOWN || !error ? session_drop(s, c->list[i])
                                      : (void)session_end(s, c->list[i], error);
    if (c->expunge && (came == 0 || (error == -E_UNKNOWN && done->removed == 0))) {
        session_drop(s, c->expunge);
    } else if (c->expunge) {
        size_t removed = session_end(s, c->expunge, error);
        assert_true(error || done->removed == removed);
    }
    arrived(s, c->target, c->list, came);
}

/* One at a time: the same message is not carried twice at the same moment. */
void do_carry(struct session *s) {
    struct run *run = s->run;
    bool back = session_pick(s, 3) == 0, move = session_pick(s, 2), once = session_pick(s, 2);
    struct carriage c = {.from = s->side, .source = s->account};
    c.to = &run->sides[1 - session_account(s)];
    if (run->carries)
        return;
    run->carries = true;
    struct store_account *other;
    assert_int_equal(store_account_open(run->world->store, c.to->id, &other), 0);
    c.target = other;
    if (back) {
        struct carriage turned = {
            .from = c.to, .to = c.from, .source = c.target, .target = c.source};
        c = turned;
    }
    struct look *l = NULL;
    uint32_t from = c.from->model->mailboxes[session_pick(s, (uint32_t)c.from->model->count)].id;
    int error = look_open(c.source, from, &l);
    struct model_mailbox *to =
        &c.to->model->mailboxes[session_pick(s, (uint32_t)c.to->model->count)];
    if (!run->over && !error && !session_is_full(to) &&
        !session_is_flying(s, (unsigned)(c.to - run->sides), MODEL_REMOVE, to->id))
        begin_carriage(s, &c, look_picture(l), to->id, move, once);
    if (c.count > 0) {
        struct store_across w = {
            .from = c.source,
            .mailbox = from,
            .uids = c.uids,
            .count = c.count,
            .to = c.target,
            .to_mailbox = to->id,
            .move = move,
            .key = once ? S("once") : S(""),
        };
        struct store_carried done = {0};
        error = store_copy_across(&w, &done);
        end_carriage(s, &c, error, &done);
    }
    look_close(l);
    store_account_close(other);
    run->carries = false;
    run->carried = (struct place){0};
}

/* Whether one of these changes, but for this one, may have taken it away. */
static bool one_takes(const struct model_change *changes, size_t count,
                      const struct model_change *e, uint32_t uid) {
    for (size_t i = 0; i < count; i++) {
        const struct model_change *c = &changes[i];
        if (c == e || c->account != e->account || c->mailbox != e->mailbox)
            continue;
        if (c->verb == MODEL_REMOVE)
            return true;
        for (size_t k = 0; k < c->uid_count; k++)
            if (c->uids[k] == uid && (c->verb == MODEL_EXPUNGE || c->verb == MODEL_MOVE))
                return true;
    }
    return false;
}

/* Whether somebody else has, or may have, taken it away: who was on his way, or who was told of an
 * error when the record was on the disk all the same. */
static bool was_taken(const struct run *run, const struct model_change *e, uint32_t uid,
                      const struct model_change *changes, size_t count) {
    const struct side *side = &run->sides[e->account];
    return model_is_gone(side->model, e->mailbox) || one_takes(changes, count, e, uid) ||
           one_takes(side->maybes, side->maybe_count, e, uid);
}

void carried_is_somewhere(const struct run *run, const struct model_change *changes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct model_change *c = &changes[i], *expunge = NULL;
        if (c->is_acknowledged && c->key.origin != MODEL_UNIQUE)
            assert_true(model_has_key(run->sides[c->account].model, &c->key));
        if (!c->is_there || (c->key.origin != MODEL_MOVED && c->key.origin != MODEL_MOVED_ONCE))
            continue;
        for (size_t k = 0; k < count; k++)
            if (changes[k].verb == MODEL_EXPUNGE && changes[k].account != c->account &&
                changes[k].mailbox == c->key.mailbox)
                for (size_t u = 0; u < changes[k].uid_count; u++)
                    if (changes[k].uids[u] == c->key.uid)
                        expunge = &changes[k];
        if (!expunge || was_taken(run, expunge, c->key.uid, changes, count))
            continue;
        struct model_mailbox *b = model_mailbox(run->sides[expunge->account].model, c->key.mailbox);
        bool is_here = b && model_entry(b, c->key.uid);
        assert_true(is_here || model_has_key(run->sides[c->account].model, &c->key));
    }
}

/* ------------------------------------------------------------------ from what was removed */

struct bringing {
    struct session *session;
    uint32_t to; /* 0: where they were */
    struct model_change *list[ARRIVALS];
    bool is_back[ARRIVALS];
    size_t count;
};

/* It is what the model remembers, with its flags. */
static const struct model_removed *removed_entry(const struct model *m,
                                                 const struct store_deleted *d) {
    for (size_t i = 0; i < m->removals.count; i++) {
        const struct model_removed *r = &m->removals.list[i];
        if (r->mailbox == d->mailbox && r->uid == d->uid) {
            assert_int_equal(model_serial(d->size), r->serial);
            assert_int_equal(d->flags | look_bits(d->keywords), r->flags);
            return r;
        }
    }
    return NULL; /* its removal is on its way back to whoever wanted it */
}

static bool want(void *arg, const struct store_deleted *d) {
    struct bringing *b = arg;
    struct session *s = b->session;
    struct model *m = s->side->model;
    if (s->run->over || b->count == ARRIVALS || session_pick(s, 4))
        return false;
    const struct model_removed *r = removed_entry(m, d);
    uint32_t to = b->to ? b->to : d->mailbox;
    if (!b->to && !model_mailbox(m, to))
        to = STORE_INBOX;
    if (!r || !model_mailbox(m, to) || comes_already(s, session_account(s), r->serial) ||
        session_is_flying(s, session_account(s), MODEL_REMOVE, to) ||
        session_is_full(model_mailbox(m, to)) || (b->count > 0 && b->list[0]->mailbox != to))
        return false;
    struct model_change *c = session_begin(s, (unsigned)b->count, MODEL_ARRIVE, to);
    c->serial = r->serial;
    c->add = r->flags;
    c->least = least_uid(model_mailbox(m, to));
    c->key = (struct model_key){MODEL_RESTORED, d->mailbox, d->uid, b->to};
    b->list[b->count++] = c;
    return true;
}

static void note_back(void *arg, const struct store_deleted *d) {
    struct bringing *b = arg;
    size_t i = 0;
    while (i < b->count && (b->list[i]->key.mailbox != d->mailbox || b->list[i]->key.uid != d->uid))
        i++;
    assert_true(i < b->count && !b->is_back[i]);
    b->is_back[i] = true;
    b->list[i]->is_acknowledged = !b->session->run->over;
}

/* Each is back now, has been so before, or has failed; or it has gone for good at this moment. */
void do_restore(struct session *s) {
    struct run *run = s->run;
    struct bringing b = {.session = s};
    b.to = session_pick(s, 2) ? session_mailbox(s)->id : 0;
    struct store_restore wanted = {
        .wanted = want, .restored = note_back, .arg = &b, .to = b.to, .most = MODEL_REMOVED};
    struct store_restored done = {0};
    int error = store_restore(s->account, &wanted, &done);
    struct model_change *came[ARRIVALS];
    size_t count = 0, back = 0, known = 0;
    if (run->over)
        return;
    assert_int_equal(done.damaged, 0);
    for (size_t i = 0; i < b.count; i++) {
        bool has_key = model_has_key(s->side->model, &b.list[i]->key);
        back += b.is_back[i];
        known += has_key;
        assert_false(b.is_back[i] && has_key);
        if (b.is_back[i] || has_key) {
            came[count++] = b.list[i];
        } else if (error) {
            (void)session_end(s, b.list[i], error);
        } else {
            assert_true(s->side->model->forgets);
            session_drop(s, b.list[i]);
        }
    }
    assert_int_equal(done.count, back);
    assert_true(error || s->side->model->forgets ? done.already <= known : done.already == known);
    arrived(s, s->account, came, count);
}
