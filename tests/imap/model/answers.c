/* SPDX-License-Identifier: ISC */
/* What a client makes of each response; the grammar was looked at before. */
#include <stdio.h>
#include <stdlib.h>

#include "../response_parse.h"
#include "base/alloc.h"
#include "client.h"

static struct command *current(struct client *c) {
    return c->first < c->command_count ? &c->commands[c->first] : NULL;
}

static uint64_t number(struct check *k) {
    uint64_t n = 0;
    RULE(c_number_value(k, 0, &n), "a number was expected: %.*s", SLICE_ARG(k->rest));
    return n;
}

static struct slice until(struct check *k, char end) {
    ssize_t at = slice_find_byte(k->rest, end);
    struct slice found = at < 0 ? k->rest : slice_first(k->rest, (size_t)at);
    k->rest = slice_from(k->rest, at < 0 ? found.len : found.len + 1);
    return found;
}

/* UIDs of a set, on the heap. */
static uint32_t *set_uids(struct slice set, size_t *ret_count) {
    struct slice piece;
    uint32_t *uids = NULL;
    *ret_count = 0;
    while (slice_next(&set, ',', &piece)) {
        struct slice first;
        uint64_t from = 0, to = 0;
        (void)slice_next(&piece, ':', &first);
        (void)slice_to_u64(first, UINT32_MAX, &from);
        to = from;
        if (piece.ptr)
            (void)slice_to_u64(piece, UINT32_MAX, &to);
        RULE(from > 0 && from <= to && to - from < 100000, "a set of UIDs: %.*s", SLICE_ARG(set));
        uids = mem_grow(uids, (*ret_count + (size_t)(to - from) + 1) * sizeof *uids);
        for (uint64_t uid = from; uid <= to; uid++)
            uids[(*ret_count)++] = (uint32_t)uid;
    }
    return uids;
}

/* ------------------------------------------------------------------ the view */

static void set_count(struct client *c, size_t count) {
    RULE(count >= c->count, "%s: EXISTS %zu, where %zu were there", c->name, count, c->count);
    c->list = mem_grow(c->list, (count + 1) * sizeof *c->list);
    for (; c->count < count; c->count++)
        c->list[c->count] = (struct seen){.flags = TRUTH_NOT_TOLD};
}

static void take_out(struct client *c, size_t place) {
    c->count--;
    memmove(&c->list[place], &c->list[place + 1], (c->count - place) * sizeof *c->list);
}

/* It was told while the command was under way, and is not there any more. */
static void forget_got(struct command *now, uint32_t uid) {
    size_t kept = 0;
    for (size_t i = 0; now && i < now->got_count; i++)
        if (now->got[i] != uid)
            now->got[kept++] = now->got[i];
    if (now)
        now->got_count = kept;
}

static void may_tell_gone(struct client *c, const char *what) {
    const struct command *now = current(c);
    RULE(now || c->notifies, "%s: %s while no command is obeyed", c->name, what);
    RULE(!now || !now->by_number, "%s: %s while %s is obeyed, which has numbers", c->name, what,
         now->tag);
}

static void hear_expunge(struct client *c, uint64_t n) {
    may_tell_gone(c, "EXPUNGE");
    RULE(!c->qresync, "%s: EXPUNGE, where QRESYNC is enabled", c->name);
    RULE(c->box && n >= 1 && n <= c->count, "%s: EXPUNGE %u of %zu", c->name, (unsigned)n,
         c->count);
    uint32_t uid = c->list[n - 1].uid;
    take_out(c, n - 1);
    if (uid == 0)
        return;
    forget_got(current(c), uid);
    truth_see_gone(&c->run->truth, c->box, uid);
}

/* One of those that EXISTS has told, and that the client has not asked for yet. */
static bool take_out_unknown(struct client *c, uint32_t uid) {
    size_t above = 0;
    while (above < c->count && c->list[above].uid <= uid)
        above++;
    if (above == 0 || c->list[above - 1].uid > 0)
        return false;
    take_out(c, above - 1);
    return true;
}

static void hear_vanished(struct client *c, struct slice set, bool earlier) {
    size_t count;
    uint32_t *uids = set_uids(set, &count);
    RULE(c->box && c->qresync, "%s: VANISHED, where QRESYNC is not enabled", c->name);
    if (!earlier)
        may_tell_gone(c, "VANISHED");
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < c->count && c->list[at].uid != uids[i])
            at++;
        if (at < c->count) {
            RULE(!earlier || c->resyncing, "%s: VANISHED (EARLIER) of UID %u, which is there",
                 c->name, uids[i]);
            take_out(c, at);
        } else {
            RULE(earlier || take_out_unknown(c, uids[i]),
                 "%s: VANISHED of UID %u, of which nobody was told", c->name, uids[i]);
        }
        forget_got(current(c), uids[i]);
        if (!earlier || truth_message(c->box, uids[i]))
            truth_see_gone(&c->run->truth, c->box, uids[i]);
    }
    free(uids);
}

/* ------------------------------------------------------------------ FETCH */

struct fetched {
    struct truth_sight sight;
    uint64_t size;
    struct slice body; /* ptr NULL: not told */
};

static void take_subject(struct check *k, struct fetched *f) {
    uint64_t serial = 0;
    ssize_t at = slice_find(k->rest, S("Subject: "));
    if (at < 0) /* all of it may have gone */
        return;
    struct slice rest = slice_from(k->rest, (size_t)at + 9), digits;
    (void)slice_next(&rest, '\r', &digits);
    RULE(slice_to_u64(digits, UINT32_MAX, &serial) == 0, "a subject: %.*s", SLICE_ARG(digits));
    f->sight.serial = (uint32_t)serial;
}

static void take_literal(struct check *k, struct slice *ret) {
    *ret = S("");
    if (c_maybe(k, "{")) {
        uint64_t len = number(k);
        k->rest = slice_from(k->rest, 3);
        *ret = slice_first(k->rest, len);
        k->rest = slice_from(k->rest, len);
    } else if (c_maybe(k, "\"")) {
        *ret = until(k, '"');
    } else {
        RULE(c_maybe(k, "NIL"), "a string was expected: %.*s", SLICE_ARG(k->rest));
    }
}

static void take_attributes(struct check *k, struct fetched *f) {
    while (k->rest.len > 0 && !c_maybe(k, ")")) {
        (void)c_maybe(k, " ");
        if (c_maybe(k, "UID ")) {
            f->sight.uid = (uint32_t)number(k);
        } else if (c_maybe(k, "FLAGS (")) {
            f->sight.flags = flags_of(until(k, ')'));
        } else if (c_maybe(k, "MODSEQ (")) {
            f->sight.modseq = number(k);
            (void)c_maybe(k, ")");
        } else if (c_maybe(k, "RFC822.SIZE ")) {
            f->size = number(k);
        } else if (c_maybe(k, "BODY[HEADER.FIELDS (SUBJECT)] ")) {
            struct check in = {0};
            take_literal(k, &in.rest);
            take_subject(&in, f);
        } else if (c_maybe(k, "BODY[] ")) {
            take_literal(k, &f->body);
        } else {
            model_fail("an attribute that nobody has asked for: %.*s", SLICE_ARG(k->rest));
        }
    }
}

/* The octets are those of a message, with trace fields in front of it or not. */
static void judge_octets(struct client *c, const struct fetched *f, uint32_t serial) {
    _cleanup_(buf_done) struct buf text = {0};
    if (serial == TRUTH_ANY || (!f->body.ptr && f->size == 0))
        return;
    message_text(serial, &text);
    RULE(f->size == 0 || f->size == text.len || (!c->run->is_exact && f->size > text.len),
         "message %u has %u octets in place of %zu", serial, (unsigned)f->size, text.len);
    RULE(!f->body.ptr || slice_eq(f->body, buf_slice(&text)) ||
             (!c->run->is_exact && slice_ends(f->body, buf_slice(&text))),
         "message %u has other octets", serial);
}

static void note_got(struct command *now, uint32_t uid) {
    now->got = mem_grow(now->got, (now->got_count + 1) * sizeof *now->got);
    now->got[now->got_count++] = uid;
}

/* Into the picture with which the client has come: by UID, as it comes. */
static void merge(struct client *c, const struct truth_sight *s) {
    size_t at = 0;
    while (at < c->count && c->list[at].uid < s->uid)
        at++;
    if (at == c->count || c->list[at].uid != s->uid) {
        c->list = mem_grow(c->list, (c->count + 2) * sizeof *c->list);
        memmove(&c->list[at + 1], &c->list[at], (c->count - at) * sizeof *c->list);
        c->count++;
    }
    c->list[at] = (struct seen){s->uid, s->flags, s->modseq};
}

static void place(struct client *c, uint64_t n, struct fetched *f) {
    RULE(n >= 1 && n <= c->count, "%s: FETCH %u of %zu", c->name, (unsigned)n, c->count);
    struct seen *e = &c->list[n - 1];
    if (f->sight.uid == 0)
        f->sight.uid = e->uid;
    RULE(e->uid == 0 || e->uid == f->sight.uid, "%s: number %u is UID %u, and was %u", c->name,
         (unsigned)n, f->sight.uid, e->uid);
    if (f->sight.uid == 0) /* flags of one that he has not asked for yet */
        return;
    e->uid = f->sight.uid;
    RULE(n == 1 || c->list[n - 2].uid < e->uid, "%s: UIDs do not rise at number %u", c->name,
         (unsigned)n);
    RULE(n == c->count || c->list[n].uid == 0 || c->list[n].uid > e->uid,
         "%s: UIDs do not rise behind number %u", c->name, (unsigned)n);
    if (f->sight.flags != TRUTH_NOT_TOLD)
        e->flags = f->sight.flags;
    if (f->sight.modseq > 0)
        e->modseq = f->sight.modseq;
}

static void hear_fetch(struct client *c, uint64_t n, struct check *k) {
    struct command *now = current(c);
    struct fetched f = {.sight.flags = TRUTH_NOT_TOLD};
    RULE(c->box && (now || c->notifies), "%s: FETCH, where nothing is selected or asked", c->name);
    take_attributes(k, &f);
    if (now)
        f.sight.asked = now->asked;
    /* What is told of changes at any time may have been sent before the command was. */
    f.sight.fresh = now && !c->notifies &&
                    (now->verb == V_FETCH || now->verb == V_SELECT || now->verb == V_NOOP);
    c->size_sum += f.size;
    if (c->resyncing)
        merge(c, &f.sight);
    else
        place(c, n, &f);
    RULE(!c->qresync || f.sight.uid > 0, "%s: FETCH without UID, where QRESYNC is enabled",
         c->name);
    if (f.sight.uid == 0)
        return;
    if (now && (now->verb == V_FETCH || now->verb == V_SELECT) && f.sight.flags != TRUTH_NOT_TOLD)
        note_got(now, f.sight.uid);
    truth_see(&c->run->truth, c->box, &f.sight);
    const struct truth_message *m = truth_message(c->box, f.sight.uid);
    judge_octets(c, &f, f.sight.serial ? f.sight.serial : m->serial);
}

/* ------------------------------------------------------------------ other data */

static struct slice take_name(struct check *k) {
    return c_maybe(k, "\"") ? until(k, '"') : c_run_of(k, C_ASTRING);
}

static void hear_list(struct client *c, struct check *k) {
    char name[NAME_SIZE];
    if (!current(c) || current(c)->verb != V_LIST) /* it was changed */
        return;
    struct slice attributes = until(k, ')');
    (void)c_maybe(k, " \"/\" ");
    struct slice found = take_name(k);
    RULE(slice_to_str(found, name, sizeof name) == 0, "a name: %.*s", SLICE_ARG(found));
    struct name *e = tree_add(&c->tree, name);
    RULE(e, "more names than anybody has made");
    if (slice_find(attributes, S("\\NonExistent")) < 0)
        e->there = 1;
    if (slice_find(attributes, S("\\Subscribed")) >= 0)
        e->subscribed = 1;
}

static void hear_status(struct client *c, struct check *k) {
    struct truth *t = &c->run->truth;
    struct command *now = current(c);
    struct client_status before = c->status;
    uint64_t validity = 0, modseq = 0, uidnext = 0;
    (void)take_name(k);
    (void)c_maybe(k, " (");
    while (k->rest.len > 2 && !c_maybe(k, ")")) {
        (void)c_maybe(k, " ");
        if (c_maybe(k, "UIDVALIDITY "))
            validity = number(k);
        else if (c_maybe(k, "UIDNEXT "))
            uidnext = number(k);
        else if (c_maybe(k, "HIGHESTMODSEQ "))
            modseq = number(k);
        else if (c_maybe(k, "MESSAGES "))
            c->status.messages = number(k);
        else if (c_maybe(k, "UNSEEN "))
            c->status.unseen = number(k);
        else if (c_maybe(k, "DELETED "))
            c->status.deleted = number(k);
        else if (c_maybe(k, "SIZE "))
            c->status.size = number(k);
    }
    if (!now || now->verb != V_STATUS || validity == 0 || uidnext == 0 ||
        modseq == 0) { /* another one was changed */
        c->status = before;
        return;
    }
    struct truth_box *b = client_box(c, now, (uint32_t)validity);
    /* What is told of changes may have been sent before the command was. */
    const uint64_t asked = c->notifies ? 0 : now->asked;
    truth_tell_number(t, &b->uidnext, uidnext, asked, "UIDNEXT", b->validity);
    truth_tell_number(t, &b->modseq, modseq, asked, "HIGHESTMODSEQ", b->validity);
    now->new_box = b->validity;
}

static void hear_search(struct client *c, struct check *k) {
    struct command *now = current(c);
    while (now && (now->all || now->needle[0]) && c_maybe(k, " ") && k->rest.len > 0 &&
           k->rest.ptr[0] != '(')
        note_got(now, (uint32_t)number(k));
}

static void hear_code(struct client *c, struct check *k) {
    struct truth *t = &c->run->truth;
    struct command *now = current(c);
    if (c_maybe(k, "[UIDVALIDITY ")) {
        RULE(now && now->verb == V_SELECT, "%s: UIDVALIDITY out of place", c->name);
        c->box = client_box(c, now, (uint32_t)number(k));
        now->box = c->box;
        struct picture *p = now->old;
        if (p && p->box == c->box->validity) {
            c->resyncing = true;
            now->new_count = c->count; /* EXISTS */
            c->count = 0;
            set_count(c, p->count);
            memcpy(c->list, p->list, p->count * sizeof *p->list);
        }
    } else if (c_maybe(k, "[UIDNEXT ")) {
        truth_tell_number(t, &c->box->uidnext, number(k), now->asked, "UIDNEXT", c->box->validity);
    } else if (c_maybe(k, "[HIGHESTMODSEQ ")) {
        c->select_modseq = number(k);
        truth_tell_number(t, &c->box->modseq, c->select_modseq, now->asked, "HIGHESTMODSEQ",
                          c->box->validity);
    } else if (c_maybe(k, "[APPENDUID ")) { /* of REPLACE, which has not removed the old one yet */
        RULE(now && now->verb == V_REPLACE, "%s: APPENDUID out of place", c->name);
        now->new_box = (uint32_t)number(k);
        (void)c_maybe(k, " ");
        now->new_uids = set_uids(until(k, ']'), &now->new_count);
    } else if (c_maybe(k, "[COPYUID ")) {
        size_t count;
        now->new_box = (uint32_t)number(k);
        (void)c_maybe(k, " ");
        free(now->uids);
        now->uids = set_uids(until(k, ' '), &now->uid_count);
        now->new_uids = set_uids(until(k, ']'), &count);
        now->new_count = count;
        RULE(count == now->uid_count, "COPYUID has %zu UIDs for %zu", count, now->uid_count);
    }
}

static void hear_untagged(struct client *c, struct check *k) {
    uint64_t n = 0;
    if (c_maybe(k, "OK ") || c_maybe(k, "NO ")) {
        hear_code(c, k);
    } else if (c_maybe(k, "BYE")) {
        RULE(!c->box || c->box->may_be_deleted || c->visits || c->run->truth.is_loose ||
                 c->run->truth.is_trouble,
             "%s was sent away", c->name);
        c->dropped = true;
    } else if (c_maybe(k, "VANISHED (EARLIER) ")) {
        hear_vanished(c, slice_trim_lines(k->rest), true);
    } else if (c_maybe(k, "VANISHED ")) {
        hear_vanished(c, slice_trim_lines(k->rest), false);
    } else if (c_maybe(k, "LIST (") || c_maybe(k, "LSUB (")) {
        hear_list(c, k);
    } else if (c_maybe(k, "STATUS ")) {
        hear_status(c, k);
    } else if (c_maybe(k, "SEARCH")) {
        hear_search(c, k);
    } else if (c_maybe(k, "METADATA ")) {
        (void)take_name(k);
        c->note = c_maybe(k, " (/private/comment \"") ? (uint32_t)number(k) : 0;
    } else if (c_maybe(k, "QUOTA \"\" (STORAGE ")) {
        c->quota = number(k);
    } else if (k->rest.len > 0 && ascii_is_digit(k->rest.ptr[0])) {
        n = number(k);
        if (c_maybe(k, " EXISTS"))
            set_count(c, n);
        else if (c_maybe(k, " EXPUNGE"))
            hear_expunge(c, n);
        else if (c_maybe(k, " FETCH ("))
            hear_fetch(c, n, k);
    }
}

static void hear_tagged(struct client *c, struct check *k) {
    struct command *now = current(c);
    RULE(now, "%s: an answer to nothing", c->name);
    struct slice tag = until(k, ' '), status = until(k, ' '), code = S("");
    RULE(slice_eq(tag, slice_of_str(now->tag)), "%s: %.*s was answered before %s", c->name,
         SLICE_ARG(tag), now->tag);
    RULE(!slice_eq(status, S("BAD")), "%s: %s is BAD", c->name, now->tag);
    if (c_maybe(k, "["))
        code = until(k, ']');
    client_end(c, now, status, code);
    c->first++;
}

void client_hear(struct client *c, struct slice response) {
    struct check k = {.rest = response};
    if (c_maybe(&k, "* "))
        hear_untagged(c, &k);
    else if (c_maybe(&k, "+"))
        c->may_continue = true;
    else
        hear_tagged(c, &k);
}
