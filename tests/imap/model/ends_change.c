/* SPDX-License-Identifier: ISC */
#include "ends.h"

#include <stdlib.h>

#include "base/alloc.h"

static bool is_modified(const struct client *c, const struct command *k, struct slice code,
                        uint32_t uid) {
    struct slice set = slice_from(code, 9), piece, first;
    uint64_t from, to;
    if (!slice_starts(code, S("MODIFIED ")))
        return false;
    while (slice_next(&set, ',', &piece)) {
        (void)slice_next(&piece, ':', &first);
        if (slice_to_u64(first, UINT32_MAX, &from) < 0 ||
            slice_to_u64(piece.ptr ? piece : first, UINT32_MAX, &to) < 0)
            continue;
        for (uint64_t n = from; n <= to; n++)
            if (k->by_number ? n <= c->count && c->list[n - 1].uid == uid : n == uid)
                return true;
    }
    return false;
}

/* A message that was changed too late is refused, and no other. */
static void check_modified(const struct command *k, const struct truth_message *m,
                           const struct truth_write *w, bool modified) {
    if (k->changed_since == 0 || w->before.modseq == 0 || m->writes != w->writes || m->unsure ||
        !truth_stays(k->box, m))
        return;
    RULE(modified == (w->before.modseq > k->changed_since - 1),
         "UID %u with MODSEQ %u, and UNCHANGEDSINCE %u: %s", m->uid, (unsigned)w->before.modseq,
         (unsigned)(k->changed_since - 1), modified ? "refused" : "not refused");
}

/* Who is not told of what he has done himself has to ask what has come of it. */
static void forget_flags(struct client *c, const struct command *k) {
    for (size_t i = 0; c->box == k->box && i < c->count; i++)
        if (ends_has(k->uids, k->uid_count, c->list[i].uid))
            c->list[i].flags = TRUTH_NOT_TOLD;
}

void end_store(struct client *c, struct command *k, enum answer answer, struct slice code) {
    if (answer == NO && slice_eq(code, S("EXPUNGEISSUED"))) /* those that are there are changed */
        answer = OK;
    for (size_t i = 0; i < k->uid_count; i++) {
        const struct truth_message *m = truth_message(k->box, k->uids[i]);
        bool modified = answer == OK && is_modified(c, k, code, k->uids[i]);
        if (m && answer == OK)
            check_modified(k, m, &k->writes[i], modified);
        truth_write_end(&c->run->truth, k->box, &k->writes[i], k->how, k->flags,
                        answer == NONE ? TRUTH_NONE
                        : answer == NO ? TRUTH_NO
                        : modified     ? TRUTH_MODIFIED
                        : c->condstore && !c->visits
                            ? TRUTH_OK
                            : TRUTH_OK_QUIET, /* a visitor may have changed some of them */
                        k->asked);
    }
    if (k->silent && !c->condstore && answer != NONE)
        forget_flags(c, k);
}

void end_expunge(struct client *c, struct command *k, enum answer answer) {
    if (answer != NONE) /* else the server may be about to */
        truth_expunge_end(&c->run->truth, k->box);
    /* A visitor who closes without the right to remove removes nothing, and is not told. */
    const bool done = answer == OK && !(k->verb == V_CLOSE && c->visits);
    for (size_t i = 0; done && i < k->box->count; i++) {
        struct truth_message *m = k->box->messages[i];
        if (!truth_is_deleted(m, k->asked) ||
            (k->uid_count > 0 && !ends_has(k->uids, k->uid_count, m->uid)))
            continue;
        for (size_t n = 0; k->verb != V_CLOSE && n < c->count; n++)
            RULE(c->list[n].uid != m->uid, "%s has not removed UID %u of mailbox %u", k->tag,
                 m->uid, k->box->validity);
        if (m->gone == 0) /* one that came and went without his being told */
            m->gone = truth_tick(&c->run->truth);
    }
    if (k->verb == V_CLOSE && answer == OK)
        client_unselect(c);
}

/* They are where they were wanted, with the flags that they had. */
static void copied(struct client *c, struct command *k) {
    struct truth *t = &c->run->truth;
    struct truth_box *to = client_box(c, k, k->new_box);
    for (size_t i = 0; i < k->new_count; i++) {
        struct truth_message *m = truth_message(k->box, k->uids[i]);
        RULE(m, "COPYUID tells of UID %u, which nobody knows", k->uids[i]);
        uint32_t serial = m->serial;
        if (k->crosses && m->crossings > 1 && truth_message(to, k->new_uids[i]))
            continue; /* it had come */
        truth_came(t, k->wish, to, k->new_uids[i], serial, k->asked);
        if (c->visits) /* who may have left flags behind, after the message had come */
            truth_message(to, k->new_uids[i])->is_touched = true;
        const struct truth_state *s = truth_state(m, t->now + 1);
        if (s && !c->visits && s->at < k->asked && m->written < k->asked && m->writers == 0 &&
            m->unsure == 0)
            truth_began(to, k->new_uids[i], s->flags, k->asked);
        else
            truth_began(to, k->new_uids[i], TRUTH_NOT_TOLD, k->asked);
        if (k->verb == V_MOVE)
            RULE(m->gone, "UID %u was moved, and is not told to be gone", m->uid);
    }
}

void end_copy(struct client *c, struct command *k, enum answer answer, struct slice code) {
    struct truth *t = &c->run->truth;
    bool all_known = k->new_count > 0;
    if (answer == OK && all_known)
        copied(c, k);
    RULE(k->crosses || !slice_eq(code, S("OVERQUOTA")), "%s costs no quota, and is over it",
         k->tag);
    /* Without COPYUID they may be there, and nobody knows which. */
    if ((answer == OK && all_known) || (answer == NO && !t->is_trouble && !k->crosses))
        truth_wish_over(t, k->wish);
}

/* A message that is refused is so for a reason. */
static void judge_refused_message(struct client *c, const struct command *k, enum answer answer,
                                  struct slice code) {
    struct run *run = c->run;
    if (answer != NO)
        return;
    if (slice_eq(code, S("TRYCREATE")) && ends_tells_name(c, k, answer))
        names_read(&run->names, k->name, 0);
    RULE(!slice_eq(code, S("OVERQUOTA")) || run->is_tight, "%s is over a quota that is far",
         k->tag);
    /* The one that was to be replaced may have gone, without a code. */
    RULE(code.len > 0 || k->verb == V_REPLACE || run->truth.is_trouble, "%s was refused", k->tag);
}

void end_append(struct client *c, struct command *k, enum answer answer, struct slice code) {
    struct run *run = c->run;
    uint64_t validity = 0, uid = 0;
    judge_refused_message(c, k, answer, code);
    if (answer == OK) {
        RULE(slice_starts(code, S("APPENDUID ")), "%s has no APPENDUID", k->tag);
        struct slice rest = slice_from(code, 10), first, last;
        (void)slice_next(&rest, ' ', &first);
        (void)slice_to_u64(first, UINT32_MAX, &validity);
        (void)slice_next(&rest, ':', &last); /* then what is behind the colon, if there is one */
        (void)slice_to_u64(last, UINT32_MAX, &uid);
        RULE((rest.ptr != NULL) == (k->more > 0), "%s: APPENDUID has other UIDs", k->tag);
        struct truth_box *b = client_box(c, k, (uint32_t)validity);
        if (ends_tells_name(c, k, answer))
            names_read(&run->names, k->name, b->validity);
        for (uint32_t i = 0; i <= k->more; i++) {
            truth_came(&run->truth, k->wish, b, (uint32_t)uid + i, k->serial + i, k->asked);
            truth_began(b, (uint32_t)uid + i, c->visits ? TRUTH_NOT_TOLD : k->first, k->asked);
        }
    }
    if (answer == OK || (answer == NO && !run->truth.is_trouble))
        truth_wish_over(&run->truth, k->wish);
}

/* The new message is there before the old one goes. */
void end_replace(struct client *c, struct command *k, enum answer answer, struct slice code) {
    struct run *run = c->run;
    const struct truth_message *old = truth_message(k->box, k->uids[0]);
    RULE(answer != OK || k->new_count == 1, "%s has no APPENDUID", k->tag);
    judge_refused_message(c, k, answer, code);
    if (k->new_count == 1) {
        struct truth_box *b = client_box(c, k, k->new_box);
        truth_came(&run->truth, k->wish, b, k->new_uids[0], k->serial, k->asked);
        truth_began(b, k->new_uids[0], c->visits ? TRUTH_NOT_TOLD : k->first, k->asked);
    }
    RULE(answer != OK || old->gone, "%s has not removed UID %u of mailbox %u", k->tag, old->uid,
         k->box->validity);
    if (answer == OK || (answer == NO && !run->truth.is_trouble))
        truth_wish_over(&run->truth, k->wish);
}

/* All that were there have gone. */
static void empty_inbox(struct truth *t, uint32_t inbox, uint64_t asked) {
    const struct truth_box *b = truth_box(t, inbox);
    for (size_t i = 0; i < b->count; i++) {
        struct truth_message *m = b->messages[i];
        if (m->since > 0 && m->since < asked && m->gone == 0)
            m->gone = truth_tick(t);
    }
}

void end_names(struct client *c, struct command *k, enum answer answer) {
    if (k->of_inbox && answer == OK)
        empty_inbox(&c->run->truth, c->run->inbox, k->asked);
    names_end(&c->run->names, k->names_wish,
              answer == OK               ? NAMES_OK
              : answer == NONE           ? NAMES_NONE
              : c->visits                ? NAMES_DENIED
              : c->run->truth.is_trouble ? NAMES_FAILED
                                         : NAMES_NO);
}

/* ------------------------------------------------------------------ notes and rights */

void end_note(struct client *c, const struct command *k, enum answer answer) {
    struct truth *t = &c->run->truth;
    const bool quiet = names_are_quiet(&c->run->names, k->names_changes);
    RULE(answer != NO || !quiet || t->is_trouble, "%s was refused", k->tag);
    if (!k->reads)
        truth_note_end(t, k->box, k->write, k->serial,
                       answer == OK   ? TRUTH_OK
                       : answer == NO ? TRUTH_NO
                                      : TRUTH_NONE,
                       !quiet);
    else if (answer == OK && quiet && k->box->note.writers == 0 && k->box->note.writes == k->write)
        truth_note_read(k->box, c->note);
}

void end_rights(struct client *c, const struct command *k, enum answer answer) {
    struct run *run = c->run;
    if (k->write == 0)
        return;
    run->rights.at = truth_tick(&run->truth);
    const bool alone = run->rights.writers == 1 && run->rights.writes == k->write &&
                       run->rights.crossed < k->write;
    RULE(answer != NO || run->truth.is_trouble, "%s was refused", k->tag);
    run->rights.writers -= answer != NONE;
    run->rights.granted = k->first;
    run->rights.is_known = answer == OK && alone;
}
