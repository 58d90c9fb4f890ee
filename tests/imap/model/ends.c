/* SPDX-License-Identifier: ISC */
/* What a client concludes from the answer to a command, or from its having none. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "client.h"

enum answer { OK, NO, NONE };

static uint64_t max_modseq(const struct client *c) {
    uint64_t most = 0;
    for (size_t i = 0; i < c->count; i++)
        most = MAX(most, c->list[i].modseq);
    return most;
}

static bool knows_all(const struct client *c) {
    for (size_t i = 0; i < c->count; i++)
        if (c->list[i].uid == 0 || c->list[i].flags == TRUTH_NOT_TOLD)
            return false;
    return true;
}

static uint32_t *view_uids(const struct client *c) {
    uint32_t *uids = mem_array(c->count + 1, sizeof *uids);
    for (size_t i = 0; i < c->count; i++)
        uids[i] = c->list[i].uid;
    return uids;
}

static void check_view(struct client *c, uint64_t asked) {
    uint32_t *uids = view_uids(c);
    if (knows_all(c))
        truth_see_all(&c->run->truth, c->box, uids, c->count, asked);
    free(uids);
}

/* ------------------------------------------------------------------ looking */

static void end_select(struct client *c, struct command *k, enum answer answer) {
    struct run *run = c->run;
    bool resynced = c->resyncing;
    c->resyncing = false;
    if (answer == NONE)
        return;
    if (names_are_quiet(&run->names, k->names_changes))
        names_read(&run->names, k->name, answer == OK ? c->box->validity : 0);
    if (answer == NO) {
        client_unselect(c);
        return;
    }
    c->modseq = resynced || c->count == 0 ? c->select_modseq : 0;
    if (!resynced)
        return;
    RULE(c->count == k->new_count, "%s: with what QRESYNC told, there are %zu messages of %zu",
         c->name, c->count, k->new_count);
    check_view(c, k->asked);
}

static void sort(uint32_t *list, size_t count) {
    for (size_t i = 1; i < count; i++)
        for (size_t at = i; at > 0 && list[at - 1] > list[at]; at--) {
            uint32_t other = list[at];
            list[at] = list[at - 1];
            list[at - 1] = other;
        }
}

static bool has(const uint32_t *list, size_t count, uint32_t uid) {
    for (size_t i = 0; i < count; i++)
        if (list[i] == uid)
            return true;
    return false;
}

/* What was changed after a MODSEQ is told. */
static void check_changes(const struct client *c, const struct command *k) {
    for (size_t i = 0; i < k->box->count; i++) {
        const struct truth_message *m = k->box->messages[i];
        const struct truth_state *s = truth_state(m, k->asked);
        if (s && s->modseq > k->changed_since && !m->gone && !m->may_go && !m->may_move)
            RULE(k->box->may_be_deleted || has(k->got, k->got_count, m->uid),
                 "%s: UID %u was changed at %u, which %s does not tell", c->name, m->uid,
                 (unsigned)s->modseq, k->tag);
    }
}

static void end_fetch(struct client *c, struct command *k, enum answer answer) {
    if (answer != OK || c->box != k->box)
        return;
    sort(k->got, k->got_count);
    size_t kept = 0;
    for (size_t i = 0; i < k->got_count; i++) /* it may have been changed meanwhile */
        if (kept == 0 || k->got[kept - 1] != k->got[i])
            k->got[kept++] = k->got[i];
    k->got_count = kept;
    if (k->all)
        truth_see_all(&c->run->truth, k->box, k->got, k->got_count, k->asked);
    if (k->changed_since > 0)
        check_changes(c, k);
    if (k->all && knows_all(c) && c->modseq == 0)
        c->modseq = MAX(c->select_modseq, (uint64_t)1);
}

static bool has_needle(const struct command *k, uint32_t serial) {
    char text[12];
    (void)snprintf(text, sizeof text, "%u", serial);
    const char *at = strstr(text, k->needle);
    return at && (at == text || !k->begins);
}

/* Those that have it, and no others. */
static void check_found(const struct client *c, const struct command *k) {
    for (size_t i = 0; i < k->box->count; i++) {
        const struct truth_message *m = k->box->messages[i];
        const bool found = has(k->got, k->got_count, m->uid);
        const bool stays = m->since > 0 && m->since < k->asked && !m->gone && !m->may_go &&
                           !m->may_move && !k->box->may_be_moved && !k->box->may_be_deleted;
        if (m->serial == TRUTH_ANY)
            continue;
        RULE(!found || has_needle(k, m->serial), "%s: UID %u is message %u, and was found by %s",
             c->name, m->uid, m->serial, k->needle);
        RULE(found || !stays || !has_needle(k, m->serial),
             "%s: UID %u is message %u, and was not "
             "found by %s",
             c->name, m->uid, m->serial, k->needle);
    }
}

static void end_search(struct client *c, struct command *k, enum answer answer) {
    if (answer != OK)
        return;
    if (k->all)
        truth_see_all(&c->run->truth, k->box, k->got, k->got_count, k->asked);
    else if (k->needle[0])
        check_found(c, k);
}

/* All that has happened was told. */
static void end_noop(struct client *c, struct command *k, enum answer answer) {
    if (answer != OK || !c->box)
        return;
    for (size_t i = 0; i < c->count; i++) {
        const struct seen *e = &c->list[i];
        const struct truth_message *m = e->uid ? truth_message(c->box, e->uid) : NULL;
        const struct truth_state *s = m ? truth_state(m, k->asked) : NULL;
        if (!m)
            continue;
        RULE(m->gone == 0 || m->gone >= k->asked, "%s was not told that UID %u is gone", c->name,
             e->uid);
        RULE(!s || !c->condstore || e->flags == TRUTH_NOT_TOLD || e->modseq >= s->modseq,
             "%s was not told of the change of UID %u", c->name, e->uid);
    }
    if (knows_all(c)) {
        check_view(c, k->asked);
        c->modseq = MAX(c->modseq, max_modseq(c));
    }
}

static void end_status(struct client *c, struct command *k, enum answer answer) {
    if (answer != NONE && names_are_quiet(&c->run->names, k->names_changes))
        names_read(&c->run->names, k->name, answer == OK ? k->new_box : 0);
}

static void end_list(struct client *c, struct command *k, enum answer answer) {
    if (answer == OK && k->whole_tree && names_are_quiet(&c->run->names, k->names_changes))
        names_list(&c->run->names, &c->tree);
}

/* ------------------------------------------------------------------ changing */

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
    if (k->changed_since == 0 || w->before.modseq == 0 || m->writes != w->writes || m->gone ||
        m->may_go || m->may_move || m->unsure || k->box->may_be_moved || k->box->may_be_deleted)
        return;
    RULE(modified == (w->before.modseq > k->changed_since - 1),
         "UID %u with MODSEQ %u, and UNCHANGEDSINCE %u: %s", m->uid, (unsigned)w->before.modseq,
         (unsigned)(k->changed_since - 1), modified ? "refused" : "not refused");
}

/* Who is not told of what he has done himself has to ask what has come of it. */
static void forget_flags(struct client *c, const struct command *k) {
    for (size_t i = 0; c->box == k->box && i < c->count; i++)
        if (has(k->uids, k->uid_count, c->list[i].uid))
            c->list[i].flags = TRUTH_NOT_TOLD;
}

static void end_store(struct client *c, struct command *k, enum answer answer, struct slice code) {
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
                        : c->condstore ? TRUTH_OK
                                       : TRUTH_OK_QUIET,
                        k->asked);
    }
    if (k->silent && !c->condstore && answer != NONE)
        forget_flags(c, k);
}

static void end_expunge(struct client *c, struct command *k, enum answer answer) {
    truth_expunge_end(&c->run->truth, k->box);
    for (size_t i = 0; answer == OK && i < k->box->count; i++) {
        struct truth_message *m = k->box->messages[i];
        if (!truth_is_deleted(m, k->asked) ||
            (k->uid_count > 0 && !has(k->uids, k->uid_count, m->uid)))
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
    struct truth_box *to = truth_box(t, k->new_box);
    for (size_t i = 0; i < k->new_count; i++) {
        struct truth_message *m = truth_message(k->box, k->uids[i]);
        RULE(m, "COPYUID tells of UID %u, which nobody knows", k->uids[i]);
        uint32_t serial = m->serial;
        truth_came(t, k->wish, to, k->new_uids[i], serial, k->asked);
        const struct truth_state *s = truth_state(m, t->now + 1);
        if (s && s->at < k->asked && m->written < k->asked && m->writers == 0 && m->unsure == 0)
            truth_began(to, k->new_uids[i], s->flags, k->asked);
        else
            truth_began(to, k->new_uids[i], TRUTH_NOT_TOLD, k->asked);
        if (k->verb == V_MOVE)
            RULE(m->gone, "UID %u was moved, and is not told to be gone", m->uid);
    }
}

static void end_copy(struct client *c, struct command *k, enum answer answer) {
    struct truth *t = &c->run->truth;
    bool all_known = k->new_count > 0;
    if (answer == OK && all_known)
        copied(c, k);
    /* Without COPYUID they may be there, and nobody knows which. */
    if ((answer == OK && all_known) || (answer == NO && !t->is_trouble))
        truth_wish_over(t, k->wish);
}

static void end_append(struct client *c, struct command *k, enum answer answer, struct slice code) {
    struct run *run = c->run;
    uint64_t validity = 0, uid = 0;
    if (answer == NO && slice_eq(code, S("TRYCREATE")) &&
        names_are_quiet(&run->names, k->names_changes))
        names_read(&run->names, k->name, 0);
    RULE(answer != NO || code.len > 0 || run->truth.is_trouble, "%s was refused", k->tag);
    if (answer == OK) {
        RULE(slice_starts(code, S("APPENDUID ")), "%s has no APPENDUID", k->tag);
        struct slice rest = slice_from(code, 10), first;
        (void)slice_next(&rest, ' ', &first);
        (void)slice_to_u64(first, UINT32_MAX, &validity);
        (void)slice_to_u64(rest, UINT32_MAX, &uid);
        struct truth_box *b = truth_box(&run->truth, (uint32_t)validity);
        if (names_are_quiet(&run->names, k->names_changes))
            names_read(&run->names, k->name, b->validity);
        truth_came(&run->truth, k->wish, b, (uint32_t)uid, k->serial, k->asked);
        truth_began(b, (uint32_t)uid, k->first, k->asked);
    }
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

static void end_names(struct client *c, struct command *k, enum answer answer) {
    if (k->of_inbox && answer == OK)
        empty_inbox(&c->run->truth, c->run->inbox, k->asked);
    names_end(&c->run->names, k->names_wish,
              answer == OK               ? NAMES_OK
              : answer == NONE           ? NAMES_NONE
              : c->run->truth.is_trouble ? NAMES_FAILED
                                         : NAMES_NO);
}

void client_end(struct client *c, struct command *k, struct slice status, struct slice code) {
    enum answer answer = slice_eq(status, S("OK")) ? OK : slice_eq(status, S("NO")) ? NO : NONE;
    switch (k->verb) {
    case V_SELECT:
        end_select(c, k, answer);
        break;
    case V_FETCH:
        end_fetch(c, k, answer);
        break;
    case V_SEARCH:
        end_search(c, k, answer);
        break;
    case V_NOOP:
        end_noop(c, k, answer);
        break;
    case V_STORE:
        end_store(c, k, answer, code);
        break;
    case V_EXPUNGE:
    case V_CLOSE:
        end_expunge(c, k, answer);
        break;
    case V_COPY:
    case V_MOVE:
        end_copy(c, k, answer);
        break;
    case V_APPEND:
        end_append(c, k, answer, code);
        break;
    case V_STATUS:
        end_status(c, k, answer);
        break;
    case V_LIST:
        end_list(c, k, answer);
        break;
    case V_NAMES:
        end_names(c, k, answer);
        break;
    case V_IDLE:
    case V_OTHER:
        RULE(answer != NO, "%s was refused", k->tag);
        break;
    }
}
