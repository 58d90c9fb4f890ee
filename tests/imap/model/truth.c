/* SPDX-License-Identifier: ISC */
#include "truth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void truth_done(struct truth *t) {
    for (size_t i = 0; i < t->box_count; i++) {
        struct truth_box *b = t->boxes[i];
        for (size_t k = 0; k < b->count; k++) {
            free(b->messages[k]->states);
            free(b->messages[k]);
        }
        free(b->messages);
        free(b->uidnext.list);
        free(b->modseq.list);
        free(b);
    }
    free(t->boxes);
    free(t->coming);
}

uint64_t truth_tick(struct truth *t) {
    return ++t->now;
}

struct truth_box *truth_known_box(const struct truth *t, uint32_t validity) {
    for (size_t i = 0; i < t->box_count; i++)
        if (t->boxes[i]->validity == validity)
            return t->boxes[i];
    return NULL;
}

struct truth_box *truth_box(struct truth *t, uint32_t validity) {
    struct truth_box *b = truth_known_box(t, validity);
    RULE(validity > 0, "a UIDVALIDITY of 0");
    if (!b) {
        b = NEW(struct truth_box);
        b->validity = validity;
        b->note.is_known = !t->notes_are_loose;
        t->boxes = mem_grow(t->boxes, (t->box_count + 1) * sizeof(struct truth_box *));
        t->boxes[t->box_count++] = b;
    }
    RULE(!b->is_deleted, "mailbox %u was deleted, and is there again", validity);
    return b;
}

static size_t place_of(const struct truth_box *b, uint32_t uid) {
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (b->messages[middle]->uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct truth_message *truth_message(const struct truth_box *b, uint32_t uid) {
    size_t at = place_of(b, uid);
    return at < b->count && b->messages[at]->uid == uid ? b->messages[at] : NULL;
}

static struct truth_message *message(struct truth_box *b, uint32_t uid) {
    size_t at = place_of(b, uid);
    if (at < b->count && b->messages[at]->uid == uid)
        return b->messages[at];
    RULE(uid > 0, "a UID of 0 in mailbox %u", b->validity);
    struct truth_message *m = NEW(struct truth_message);
    m->uid = uid;
    m->first = TRUTH_NOT_TOLD;
    m->may_go = b->may_be_deleted;
    b->messages = mem_grow(b->messages, (b->count + 1) * sizeof(struct truth_message *));
    memmove(&b->messages[at + 1], &b->messages[at],
            (b->count - at) * sizeof(struct truth_message *));
    b->messages[at] = m;
    b->count++;
    return m;
}

/* ------------------------------------------------------------------ numbers */

uint64_t truth_number(const struct truth_numbers *n, uint64_t before) {
    uint64_t value = 0;
    for (size_t i = 0; i < n->count && n->list[i].at < before; i++)
        value = n->list[i].value;
    return value;
}

void truth_tell_number(struct truth *t, struct truth_numbers *n, uint64_t value, uint64_t asked,
                       const char *what, uint32_t box) {
    uint64_t known = truth_number(n, asked);
    RULE(value >= known, "%s of mailbox %u fell to %" PRIu64 " from %" PRIu64, what, box, value,
         known);
    if (n->count > 0 && n->list[n->count - 1].value >= value)
        return;
    n->list = mem_grow(n->list, (n->count + 1) * sizeof *n->list);
    n->list[n->count++] = (struct truth_number){value, truth_tick(t)};
}

/* ------------------------------------------------------------------ flags */

const struct truth_state *truth_state(const struct truth_message *m, uint64_t before) {
    for (size_t i = m->state_count; i > 0; i--)
        if (m->states[i - 1].at < before)
            return &m->states[i - 1];
    return NULL;
}

static void may_be_deleted(const struct truth_box *b, struct truth_message *m) {
    m->may_be_deleted = true;
    m->may_go |= b->expunging > 0;
}

static void see_state(struct truth *t, struct truth_box *b, struct truth_message *m,
                      const struct truth_sight *s) {
    size_t at = m->state_count;
    while (at > 0 && m->states[at - 1].modseq > s->modseq)
        at--;
    if (at > 0 && m->states[at - 1].modseq == s->modseq) {
        RULE(m->states[at - 1].flags == s->flags,
             "mailbox %u: UID %u has flags %x and %x at MODSEQ %" PRIu64, b->validity, m->uid,
             m->states[at - 1].flags, s->flags, s->modseq);
    } else {
        /* A client may hear late of what happened before that has gone. */
        const bool late = !s->fresh && (m->gone || b->may_be_deleted);
        RULE(late || m->state_count == 0 || at < m->state_count || m->is_touched || !m->is_claimed,
             "mailbox %u: nobody has changed UID %u, but its MODSEQ rose to %" PRIu64, b->validity,
             m->uid, s->modseq);
        RULE(m->state_count > 0 || m->first == TRUTH_NOT_TOLD || m->is_touched ||
                 m->first == s->flags,
             "mailbox %u: UID %u came with flags %x in place of %x", b->validity, m->uid, s->flags,
             m->first);
        m->states = mem_grow(m->states, (m->state_count + 1) * sizeof *m->states);
        memmove(&m->states[at + 1], &m->states[at], (m->state_count - at) * sizeof *m->states);
        m->states[at] = (struct truth_state){s->modseq, s->flags, truth_tick(t)};
        m->state_count++;
    }
    if (s->flags & TRUTH_DELETED && m->states[m->state_count - 1].modseq == s->modseq)
        may_be_deleted(b, m);
    if (m->unsure && s->asked > m->unsure && m->writers == 0)
        m->unsure = 0;
    const struct truth_state *known = truth_state(m, s->asked);
    RULE(!s->fresh || !known || s->modseq >= known->modseq,
         "mailbox %u: UID %u had MODSEQ %" PRIu64 ", and has %" PRIu64, b->validity, m->uid,
         known ? known->modseq : 0, s->modseq);
}

uint32_t truth_apply(uint32_t before, enum truth_how how, uint32_t flags) {
    return how == TRUTH_ADD ? before | flags : how == TRUTH_REMOVE ? before & ~flags : flags;
}

struct truth_write truth_write_begin(struct truth *t, struct truth_box *b, uint32_t uid,
                                     enum truth_how how, uint32_t flags) {
    struct truth_write w = {.uid = uid};
    struct truth_message *m = truth_message(b, uid);
    if (!m)
        return w;
    const struct truth_state *last = truth_state(m, t->now + 1);
    /* One that has just come may lose flags that somebody may not give it. */
    if (last && m->is_claimed && m->writers == 0 && m->unsure == 0)
        w.before = *last;
    m->is_touched = true;
    m->writers++;
    m->written = truth_tick(t);
    w.writes = ++m->writes;
    if (how != TRUTH_REMOVE && flags & TRUTH_DELETED)
        may_be_deleted(b, m);
    return w;
}

/* Nobody else has changed it meanwhile: what it has become is known. */
static void judge_write(struct truth *t, struct truth_box *b, struct truth_message *m,
                        const struct truth_write *w, uint32_t wanted, uint64_t asked) {
    const struct truth_state *now = truth_state(m, t->now + 1);
    RULE(now->flags == wanted, "mailbox %u: UID %u got flags %x in place of %x", b->validity,
         m->uid, now->flags, wanted);
    RULE(w->before.flags == wanted || now->modseq > w->before.modseq,
         "mailbox %u: UID %u got other flags, and no other MODSEQ", b->validity, m->uid);
    RULE(w->before.flags == wanted || now->modseq > truth_number(&b->modseq, asked),
         "mailbox %u: UID %u was changed at a MODSEQ that HIGHESTMODSEQ had passed", b->validity,
         m->uid);
}

/* Nobody can have set it since: who removes what has \\Deleted leaves it there. */
static void judge_withdrawal(const struct truth *t, const struct truth_box *b,
                             struct truth_message *m, const struct truth_write *w) {
    const struct truth_state *now = truth_state(m, t->now + 1);
    if (!(w->before.flags & TRUTH_DELETED) || now->flags & TRUTH_DELETED ||
        now->modseq <= w->before.modseq || m->may_move || m->may_be_taken)
        return;
    RULE(!m->gone,
         "mailbox %u: \\Deleted of UID %u was withdrawn at MODSEQ %" PRIu64 ", and it has gone",
         b->validity, m->uid, now->modseq);
    m->may_go = m->may_be_deleted = false;
}

void truth_write_end(struct truth *t, struct truth_box *b, const struct truth_write *w,
                     enum truth_how how, uint32_t flags, enum truth_answer answer, uint64_t asked) {
    struct truth_message *m = truth_message(b, w->uid);
    if (!m || w->writes == 0)
        return;
    m->writers--;
    m->written = truth_tick(t);
    bool alone =
        w->before.modseq > 0 && m->writes == w->writes && !b->may_be_moved && !b->may_be_deleted;
    if (answer == TRUTH_NONE || answer == TRUTH_OK_QUIET ||
        (answer == TRUTH_NO && (t->is_trouble || !alone)))
        m->unsure = truth_tick(t);
    else if (alone && truth_stays(b, m) && m->unsure == 0)
        judge_write(t, b, m, w,
                    answer == TRUTH_OK ? truth_apply(w->before.flags, how, flags) : w->before.flags,
                    asked);
    if (alone && answer == TRUTH_OK && m->unsure == 0)
        judge_withdrawal(t, b, m, w);
}

/* ------------------------------------------------------------------ messages that come */

unsigned truth_wish(struct truth *t) {
    return ++t->wishes;
}

void truth_coming_add(struct truth *t, unsigned wish, uint32_t serial, uint32_t from_box,
                      uint32_t from_uid) {
    t->coming = mem_grow(t->coming, (t->coming_count + 1) * sizeof *t->coming);
    t->coming[t->coming_count++] = (struct truth_coming){wish, serial, from_box, from_uid};
}

/* Of each message no more are there than somebody has asked for. */
static void judge_coming(const struct truth *t, uint32_t serial) {
    size_t there = 0, asked = 0;
    if (serial == TRUTH_ANY)
        return;
    for (size_t i = 0; i < t->coming_count; i++) {
        if (t->coming[i].serial == TRUTH_ANY)
            return;
        asked += t->coming[i].serial == serial;
    }
    for (size_t i = 0; i < t->box_count; i++)
        for (size_t k = 0; k < t->boxes[i]->count; k++)
            there +=
                !t->boxes[i]->messages[k]->is_claimed && t->boxes[i]->messages[k]->serial == serial;
    RULE(there <= asked, "message %u is there %zu times more than somebody has asked for", serial,
         there - asked);
}

static void name_message(struct truth_box *b, struct truth_message *m, uint32_t serial) {
    RULE(serial == TRUTH_ANY || m->serial == TRUTH_ANY || m->serial == serial,
         "mailbox %u: UID %u is message %u, and was %u", b->validity, m->uid, serial, m->serial);
    if (m->serial == TRUTH_ANY)
        m->serial = serial;
}

void truth_came(struct truth *t, unsigned wish, struct truth_box *b, uint32_t uid, uint32_t serial,
                uint64_t asked) {
    struct truth_message *m = message(b, uid);
    RULE(!m->is_claimed, "mailbox %u: UID %u was given twice", b->validity, uid);
    RULE(uid >= truth_number(&b->uidnext, asked), "mailbox %u: UID %u came below UIDNEXT",
         b->validity, uid);
    m->is_claimed = true;
    if (m->since == 0)
        m->since = truth_tick(t);
    name_message(b, m, serial);
    for (size_t i = 0; i < t->coming_count; i++)
        if (t->coming[i].wish == wish && t->coming[i].serial == serial) {
            t->coming[i] = t->coming[--t->coming_count];
            break;
        }
}

void truth_began(struct truth_box *b, uint32_t uid, uint32_t flags, uint64_t asked) {
    struct truth_message *m = truth_message(b, uid);
    if (m->state_count == 0)
        m->first = flags;
    if (!(flags & TRUTH_DELETED))
        return;
    may_be_deleted(b, m);
    m->may_go |= b->expunged > asked;
}

void truth_wish_over(struct truth *t, unsigned wish) {
    for (size_t i = t->coming_count; i > 0; i--) {
        if (t->coming[i - 1].wish != wish)
            continue;
        uint32_t serial = t->coming[i - 1].serial;
        t->coming[i - 1] = t->coming[--t->coming_count];
        judge_coming(t, serial);
    }
}

/* ------------------------------------------------------------------ what is seen */

void truth_see(struct truth *t, struct truth_box *b, const struct truth_sight *s) {
    struct truth_message *m = message(b, s->uid);
    RULE(m->gone == 0 || m->gone > s->asked || !s->fresh,
         "mailbox %u: UID %u was told to be gone, and is there", b->validity, s->uid);
    bool new = m->since == 0 && !m->is_claimed;
    if (m->since == 0)
        m->since = truth_tick(t);
    bool named = m->serial == TRUTH_ANY && s->serial != TRUTH_ANY;
    name_message(b, m, s->serial);
    if ((new || named) && !m->is_claimed)
        judge_coming(t, m->serial);
    if (s->flags != TRUTH_NOT_TOLD && s->modseq > 0)
        see_state(t, b, m, s);
    else if (s->flags != TRUTH_NOT_TOLD && s->flags & TRUTH_DELETED)
        may_be_deleted(b, m);
}

void truth_see_gone(struct truth *t, struct truth_box *b, uint32_t uid) {
    struct truth_message *m = message(b, uid);
    /* One of which nobody knows how it began may have come with \Deleted. */
    RULE(!truth_stays(b, m) || !m->is_claimed,
         "mailbox %u: UID %u has gone, and nobody has asked for that", b->validity, uid);
    if (m->gone == 0)
        m->gone = truth_tick(t);
}

void truth_see_all(struct truth *t, struct truth_box *b, const uint32_t *uids, size_t count,
                   uint64_t asked) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        RULE(i == 0 || uids[i - 1] < uids[i], "mailbox %u: UIDs do not rise at %u", b->validity,
             uids[i]);
        (void)message(b, uids[i]);
    }
    for (size_t i = 0; i < b->count; i++) {
        struct truth_message *m = b->messages[i];
        while (at < count && uids[at] < m->uid)
            at++;
        bool there = m->is_here = at < count && uids[at] == m->uid;
        /* One that came by a wish without an answer, and of which nobody was told the flags, may
         * have come with \Deleted. */
        RULE(there || m->since == 0 || m->since >= asked || !truth_stays(b, m) ||
                 (!m->is_claimed && m->state_count == 0),
             "mailbox %u: UID %u is not there, and nobody has removed it", b->validity, m->uid);
        RULE(!there || m->gone == 0 || m->gone >= asked,
             "mailbox %u: UID %u was told to be gone, and is there", b->validity, m->uid);
    }
    b->is_here = true;
}

/* ------------------------------------------------------------------ messages that go */

void truth_expunge_begin(struct truth_box *b, const uint32_t *uids, size_t count) {
    for (size_t i = 0; i < b->count; i++) {
        struct truth_message *m = b->messages[i];
        bool asked = count == 0;
        for (size_t k = 0; k < count && !asked; k++)
            asked = uids[k] == m->uid;
        m->may_go |= asked && m->may_be_deleted;
    }
    b->expunging++;
}

void truth_expunge_end(struct truth *t, struct truth_box *b) {
    b->expunging--;
    b->expunged = truth_tick(t);
}

bool truth_stays(const struct truth_box *b, const struct truth_message *m) {
    return !m->gone && !m->may_go && !m->may_move && !m->may_be_taken && !b->may_be_moved &&
           !b->may_be_deleted;
}

bool truth_is_deleted(const struct truth_message *m, uint64_t asked) {
    const struct truth_state *s = truth_state(m, asked);
    return s && s->flags & TRUTH_DELETED && m->writers == 0 && m->unsure == 0 &&
           s == &m->states[m->state_count - 1];
}

/* ------------------------------------------------------------------ notes */

uint64_t truth_note_begin(struct truth_box *b) {
    struct truth_note *n = &b->note;
    n->writes++;
    if (n->writers++ > 0)
        n->crossed = n->writes;
    return n->writes;
}

void truth_note_end(struct truth *t, struct truth_box *b, uint64_t write, uint32_t value,
                    enum truth_answer answer, bool lost) {
    struct truth_note *n = &b->note;
    const bool alone = n->writers == 1 && n->writes == write && n->crossed < write;
    if (answer != TRUTH_NONE) /* else the server may be about to */
        n->writers--;
    if (answer == TRUTH_OK && !lost) {
        n->value = value;
        n->is_known = alone;
        return;
    }
    n->is_known &= answer == TRUTH_NO && !t->is_trouble;
    if (!lost || answer == TRUTH_NO)
        return;
    t->notes_are_loose = true;
    for (size_t i = 0; i < t->box_count; i++)
        t->boxes[i]->note.is_known = false;
}

void truth_note_read(struct truth_box *b, uint32_t value) {
    RULE(!b->note.is_known || b->note.value == value, "mailbox %u has note %u in place of %u",
         b->validity, value, b->note.value);
    b->note.value = value;
    b->note.is_known = true;
}

/* ------------------------------------------------------------------ all is quiet */

/* It has gone by a MOVE that had no answer, so it came somewhere; what was deleted may have had it.
 */
static void judge_moved(const struct truth *t, const struct truth_box *from,
                        const struct truth_message *m) {
    for (size_t i = 0; i < t->box_count; i++) {
        const struct truth_box *b = t->boxes[i];
        if (b->may_be_deleted && !b->was_deleted)
            return;
        for (size_t k = 0; k < b->count; k++) {
            const struct truth_message *other = b->messages[k];
            if (other != m && (other->serial == m->serial || other->serial == TRUTH_ANY) &&
                (other->gone == 0 || other->may_go || other->may_be_taken))
                return;
        }
    }
    model_fail("message %u, UID %u of mailbox %u, was lost on its way to another mailbox",
               m->serial, m->uid, from->validity);
}

static void judge_message(const struct truth *t, const struct truth_box *b,
                          const struct truth_message *m) {
    /* What was moved twice to another account may have come, and gone, by the first time. */
    if (m->crossings < 2 && (m->may_move || b->may_be_moved) && !m->may_go && !m->may_be_taken &&
        m->serial != TRUTH_ANY && !t->is_loose && m->gone > t->settled && !b->is_deleted)
        judge_moved(t, b, m);
}

static void note_gone(struct truth *t, const struct truth_box *b, struct truth_message *m) {
    if (m->gone == 0 && (b->is_deleted || !m->is_here))
        m->gone = truth_tick(t);
}

static void settle_message(struct truth *t, struct truth_message *m) {
    const struct truth_state *s = truth_state(m, t->now + 1);
    m->is_claimed = true;
    m->may_go = m->may_move = m->may_be_taken = m->is_touched = false;
    m->may_be_deleted = s && s->flags & TRUTH_DELETED;
    m->unsure = 0;
    m->writers = 0;
}

void truth_look(struct truth *t) {
    for (size_t i = 0; i < t->box_count; i++)
        t->boxes[i]->is_here = false;
}

/* A message that stayed where it was has not been moved by a wish without an answer. */
static void settle_coming(struct truth *t) {
    for (size_t i = t->coming_count; i > 0; i--) {
        const struct truth_coming c = t->coming[i - 1];
        const struct truth_box *b = c.from_box ? truth_known_box(t, c.from_box) : NULL;
        const struct truth_message *m = b ? truth_message(b, c.from_uid) : NULL;
        if (!m || m->gone || !m->is_here)
            continue;
        t->coming[i - 1] = t->coming[--t->coming_count];
        judge_coming(t, c.serial);
    }
    t->coming_count = 0;
}

void truth_settle(struct truth *t) {
    for (size_t i = 0; i < t->box_count; i++) {
        struct truth_box *b = t->boxes[i];
        RULE(b->is_here || b->may_be_deleted || t->is_loose,
             "mailbox %u is gone, and nobody has deleted it", b->validity);
        b->is_deleted = !b->is_here;
        for (size_t k = 0; k < b->count; k++)
            note_gone(t, b, b->messages[k]);
    }
    settle_coming(t);
    for (size_t i = 0; i < t->box_count; i++)
        for (size_t k = 0; k < t->boxes[i]->count; k++)
            judge_message(t, t->boxes[i], t->boxes[i]->messages[k]);
    for (size_t i = 0; i < t->box_count; i++) {
        struct truth_box *b = t->boxes[i];
        for (size_t k = 0; k < b->count; k++)
            settle_message(t, b->messages[k]);
        b->may_be_deleted = b->was_deleted = b->is_deleted;
        b->may_be_moved = false;
        b->expunging = 0;
        b->note.writers = 0;
    }
    t->is_loose = t->notes_are_loose = false;
    t->settled = truth_tick(t);
}
