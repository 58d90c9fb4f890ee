/* SPDX-License-Identifier: ISC */
/* What sessions do to messages: deliveries, flags, copies, removals. */
#include <inttypes.h>
#include <stdio.h>

#include "session.h"

/* ------------------------------------------------------------------ deliveries */

static int deliver(struct session *s, const struct model_change *c, uint64_t quota,
                   struct store_delivered *ret) {
    char key[32], *bytes = mem_alloc(model_size(c->serial));
    (void)snprintf(key, sizeof key, "key %" PRIu32, c->serial);
    model_bytes(c->serial, bytes);
    struct slice names[LOOK_KEYWORDS];
    size_t keywords = look_names(c->add, session_pick(s, 2), names);
    size_t cut = session_pick(s, (uint32_t)model_size(c->serial));
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
    int error = store_deliver(s->run->world->store, s->side->id, &d, ret);
    free(bytes);
    return error;
}

static void ended_delivery(struct session *s, struct model_change *c, uint32_t least, int error,
                           const struct store_delivered *d) {
    struct model *m = s->side->model;
    if (!error && !s->run->over) {
        c->uid = d->uid;
        c->modseq = d->already ? 0 : d->modseq;
        c->body = d->body;
        assert_int_equal(d->already, m->delivered[c->serial]);
        if (d->already) /* long ago the UID is not known any more */
            assert_true(d->uid == 0 || d->uid == m->first_uid[c->serial]);
        else
            assert_true(d->uid >= least && d->modseq > 0);
    }
    (void)session_end(s, c, error);
}

/* A new message, or one that has come before, maybe at the same moment. */
void do_deliver(struct session *s) {
    struct run *run = s->run;
    struct model_mailbox *b = session_mailbox(s);
    bool again = run->serial > 0 && session_pick(s, 5) == 0;
    if (session_is_full(b) || run->serial + 1 >= MODEL_SERIALS)
        return;
    uint32_t serial = again ? run->serial - session_pick(s, MIN(run->serial, 12U)) : ++run->serial;
    const struct model_change *same = NULL; /* a message is delivered in one way only */
    for (size_t i = 0; again && i < SESSIONS * SLOTS; i++)
        if (run->is_flying[i] && run->flying[i].account == session_account(s) &&
            run->flying[i].serial == serial)
            same = &run->flying[i];
    if (same && same->verb == MODEL_ARRIVE)
        return;
    struct model_change *c = session_begin(s, 0, MODEL_DELIVER, b->id);
    c->serial = serial;
    c->add = session_pick(s, 2) ? 0 : session_word(s);
    if (same)
        c->mailbox = same->mailbox, c->add = same->add;
    struct store_delivered d = {0};
    uint32_t least = MAX(b->uidnext, b->promised);
    if (c->mailbox != b->id)
        least = 0;
    int error = deliver(s, c, 0, &d);
    ended_delivery(s, c, least, error, &d);
}

/* A quota that is too small by one byte, or just large enough, when nobody else does anything. */
void do_quota(struct session *s) {
    struct run *run = s->run;
    struct model_mailbox *b = session_mailbox(s);
    if (session_is_full(b) || run->serial + 1 >= MODEL_SERIALS)
        return;
    struct model_change *c = session_begin(s, 0, MODEL_DELIVER, b->id);
    c->serial = ++run->serial;
    uint64_t held = model_usage(s->side->model).bytes, coming = 0, going = 0;
    for (size_t i = 0; i < SESSIONS * SLOTS; i++) {
        const struct model_change *f = &run->flying[i];
        if (f == c || !run->is_flying[i] || f->account != c->account)
            continue;
        if (f->verb == MODEL_DELIVER || f->verb == MODEL_ARRIVE)
            coming += model_size(f->serial);
        going += f->verb == MODEL_EXPUNGE || f->verb == MODEL_REMOVE ? held : 0; /* nobody knows */
    }
    bool fits = session_pick(s, 2);
    uint64_t quota = held + model_size(c->serial) + (fits ? coming : 0) - (fits ? 0 : 1);
    unsigned steps = run->steps;
    struct store_delivered d = {0};
    uint32_t least = MAX(b->uidnext, b->promised);
    int error = deliver(s, c, quota, &d);
    bool alone = coming == 0 && going == 0 && run->steps == steps;
    if (!run->over && error == -E_LIMIT) {
        assert_true(!fits || !alone);
        session_drop(s, c);
        return;
    }
    if (!run->over && !error)
        assert_true(fits || !alone);
    ended_delivery(s, c, least, error, &d);
}

/* To somebody else, so that this account has to give way in memory. */
void do_deliver_elsewhere(struct session *s) {
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

/* Those that are marked, or all that are asked for. */
static int expunge(struct session *s, const struct model_change *c, size_t *ret_removed) {
    _cleanup_(buf_done) struct buf gone = {0};
    if (!c->add)
        return store_expunge(s->account, c->mailbox, c->uids, c->uid_count, ret_removed);
    int error = store_expunge_marked(s->account, c->mailbox, c->uids, c->uid_count, &gone);
    *ret_removed = gone.len / sizeof(uint32_t);
    return error;
}

void do_expunge(struct session *s) {
    struct model_mailbox *b = session_mailbox(s);
    if (session_is_carried(s, b->id))
        return;
    struct model_change *c = session_begin(s, 0, MODEL_EXPUNGE, b->id);
    session_uids(s, b, c);
    c->add = session_pick(s, 3) ? 0 : STORE_DELETED;
    uint64_t before = b->modseq;
    size_t removed = 0;
    int error = expunge(s, c, &removed);
    size_t wanted = session_end(s, c, error);
    if (!error && !s->run->over)
        check_removed(s, c, before, removed, wanted);
}

/* COPY and MOVE (RFC 9051 §6.4.7, RFC 6851), also into the same mailbox. */
static void copy_or_move(struct session *s, enum model_verb verb) {
    struct model_mailbox *b = session_mailbox(s), *to = session_mailbox(s);
    if (session_is_full(to) || (verb == MODEL_MOVE && session_is_carried(s, b->id)))
        return;
    struct model_change *c = session_begin(s, 0, verb, b->id);
    c->to = to->id;
    session_uids(s, b, c);
    struct store_copied copied = {0};
    uint32_t least = MAX(to->uidnext, to->promised);
    int error = store_copy(s->account, c->mailbox, c->uids, c->uid_count, c->to, verb == MODEL_MOVE,
                           &copied);
    if (!s->run->over)
        c->uid = copied.count ? copied.first_uid : 0;
    size_t wanted = session_end(s, c, error);
    if (!error && !s->run->over) {
        assert_int_equal(copied.count, wanted);
        assert_true(wanted == 0 || copied.first_uid >= least);
    }
}

void do_copy(struct session *s) {
    copy_or_move(s, MODEL_COPY);
}

void do_move(struct session *s) {
    copy_or_move(s, MODEL_MOVE);
}

/* With CONDSTORE's UNCHANGEDSINCE (RFC 7162 §3.1.3) at times. */
void do_flags(struct session *s) {
    struct run *run = s->run;
    struct model_mailbox *b = session_mailbox(s);
    struct model_change *c = session_begin(s, 0, MODEL_FLAGS, b->id);
    session_uids(s, b, c);
    struct slice names[2][LOOK_KEYWORDS];
    c->add = session_word(s);
    c->remove = session_pick(s, 2) ? LOOK_BITS : session_word(s);
    c->unchanged_since = session_pick(s, 3) ? 0 : 1 + session_pick(s, (uint32_t)b->modseq + 2);
    for (size_t i = 0; i < c->uid_count; i++) { /* of copies it is known when they were seen */
        const struct model_entry *e = model_entry(b, c->uids[i]);
        if (e && !e->modseq)
            c->unchanged_since = 0;
    }
    size_t added = look_names(c->add, session_pick(s, 2), names[0]);
    size_t removed = look_names(c->remove, session_pick(s, 2), names[1]);
    bool replace = c->remove == LOOK_BITS && session_pick(s, 2);
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
    size_t count = session_end(s, c, error);
    if (!error && !run->over) {
        assert_int_equal(changed.changed, count);
        assert_true(count > 0 ? changed.modseq > before : changed.modseq >= before);
    }
}
