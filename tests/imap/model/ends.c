/* SPDX-License-Identifier: ISC */
/* What a client concludes from the answer to a command, or from its having none. */
#include "ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

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

bool ends_tells_name(const struct client *c, const struct command *k, enum answer answer) {
    return answer != NONE && !k->at_home && !(c->visits && answer == NO) &&
           names_are_quiet(&c->run->names, k->names_changes);
}

static void end_select(struct client *c, struct command *k, enum answer answer) {
    struct run *run = c->run;
    bool resynced = c->resyncing;
    c->resyncing = false;
    if (answer == NONE)
        return;
    if (ends_tells_name(c, k, answer))
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

bool ends_has(const uint32_t *list, size_t count, uint32_t uid) {
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
        if (s && s->modseq > k->changed_since && truth_stays(k->box, m))
            RULE(ends_has(k->got, k->got_count, m->uid),
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
        const bool found = ends_has(k->got, k->got_count, m->uid);
        const bool stays = m->since > 0 && m->since < k->asked && truth_stays(k->box, m);
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
    if (ends_tells_name(c, k, answer))
        names_read(&c->run->names, k->name, answer == OK ? k->new_box : 0);
}

static void end_list(struct client *c, struct command *k, enum answer answer) {
    if (answer == OK && k->whole_tree && names_are_quiet(&c->run->names, k->names_changes))
        names_list(&c->run->names, &c->tree);
}

static void end_leave(struct client *c, const struct command *k, enum answer answer) {
    RULE(answer != NO, "%s was refused", k->tag);
    if (answer == OK)
        client_unselect(c);
}

/* ------------------------------------------------------------------ visitors */

/* What the visitor had to have in the INBOX for the answer that he has got. */
static uint32_t rights_for(const struct client *c, const struct command *k) {
    const bool here = k->box && k->box->validity == c->run->inbox;
    const bool there = !k->at_home && strcmp(k->name, "INBOX") == 0;
    switch (k->verb) {
    case V_SELECT:
    case V_STATUS:
        return there ? R_READ : 0;
    case V_STORE:
        return here ? R_READ | (k->flags > 0 || k->how == TRUTH_REPLACE ? R_FLAGS : 0U) : 0;
    case V_EXPUNGE:
        return here ? R_READ | R_EXPUNGE : 0;
    case V_APPEND:
        return there ? R_INSERT : 0;
    case V_REPLACE:
        return (here ? R_READ | R_EXPUNGE | R_DELETED : 0) | (there ? R_INSERT : 0);
    case V_COPY:
        return (here ? R_READ : 0) | (there ? R_INSERT : 0);
    case V_MOVE:
        return (here ? R_READ | R_EXPUNGE | R_DELETED : 0) | (there ? R_INSERT : 0);
    case V_FETCH:
    case V_SEARCH:
    case V_NOOP:
        return here ? R_READ : 0;
    default:
        return 0;
    }
}

static void judge_rights(const struct client *c, const struct command *k, enum answer answer,
                         struct slice code) {
    const struct run *run = c->run;
    const uint32_t asked_for = rights_for(c, k);
    /* Of others it may be the other mailbox in which he may not do it. */
    const bool one = k->verb == V_SELECT || k->verb == V_APPEND || k->verb == V_EXPUNGE;
    if (!c->visits || !run->rights.is_known || run->rights.writers > 0 ||
        run->rights.at > k->asked || answer == NONE || run->truth.is_trouble)
        return;
    RULE(answer != OK || (run->rights.granted & asked_for) == asked_for,
         "%s has done %s with rights %x", c->name, k->tag, run->rights.granted);
    RULE(answer != NO || !slice_eq(code, S("NOPERM")) || asked_for == 0 || !one ||
             (run->rights.granted & asked_for) != asked_for,
         "%s may not do %s with rights %x", c->name, k->tag, run->rights.granted);
}

void client_end(struct client *c, struct command *k, struct slice status, struct slice code) {
    enum answer answer = slice_eq(status, S("OK")) ? OK : slice_eq(status, S("NO")) ? NO : NONE;
    judge_rights(c, k, answer, code);
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
        end_copy(c, k, answer, code);
        break;
    case V_APPEND:
        end_append(c, k, answer, code);
        break;
    case V_REPLACE:
        end_replace(c, k, answer, code);
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
    case V_LEAVE:
        end_leave(c, k, answer);
        break;
    case V_NOTE:
        end_note(c, k, answer);
        break;
    case V_RIGHTS:
        end_rights(c, k, answer);
        break;
    case V_IDLE:
    case V_OTHER:
        RULE(answer != NO, "%s was refused", k->tag);
        break;
    }
}
