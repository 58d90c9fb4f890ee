/* SPDX-License-Identifier: ISC */
/*
 * What clients do to messages. A user does one thing after the other; now and then several are sent
 * at once, with UIDs only, since numbers may be others when they are obeyed.
 */
#include "acts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act_come.h"
#include "act_names.h"
#include "act_pop3.h"
#include "act_sessions.h"
#include "base/alloc.h"
#include "fiber/fiber.h"
#include "trace.h"

#define EACH_MOST     6U
#define QUARREL_LEAST 5U /* messages that they quarrel about */

static struct truth *truth(struct client *c) {
    return &c->run->truth;
}

/* ------------------------------------------------------------------ which messages */

bool act_choose(struct client *c, struct command *k, bool by_number, struct buf *set) {
    size_t known = 0;
    while (known < c->count && c->list[known].uid > 0)
        known++;
    if (!c->box || known == 0)
        return false;
    size_t first = client_pick(c, (uint32_t)known);
    size_t count = 1 + client_pick(c, EACH_MOST);
    count = MIN(count, known - first);
    k->uids = mem_array(count, sizeof *k->uids);
    bool range = client_pick(c, 2);
    for (size_t i = 0; i < count; i++) {
        size_t at = range ? first + i : first + i * (known - first) / count;
        k->uids[k->uid_count++] = c->list[at].uid;
        if (!range || count == 1)
            buf_printf(set, "%s%u", i > 0 ? "," : "",
                       by_number ? (unsigned)at + 1 : c->list[at].uid);
    }
    if (range && count > 1)
        buf_printf(set, "%u:%u", by_number ? (unsigned)first + 1 : c->list[first].uid,
                   by_number ? (unsigned)(first + count) : c->list[first + count - 1].uid);
    return true;
}

void act_hand_over(struct command *to, struct command *chosen, bool by_number) {
    to->uids = chosen->uids;
    to->uid_count = chosen->uid_count;
    to->by_number = by_number;
}

void act_aim(struct command *k, const char *name) {
    (void)snprintf(k->name, sizeof k->name, "%s", name);
    k->at_home = strcmp(name, NAME_HOME) == 0;
}

/* Who is told of changes at any time does not know which numbers the server will read. */
static bool by_number(struct client *c) {
    return client_pick(c, 2) && !c->notifies;
}

/* ------------------------------------------------------------------ messages that stay */

uint32_t act_flags(struct client *c, uint32_t of) {
    uint32_t flags = 0;
    for (unsigned i = 0; i < TRUTH_FLAGS; i++)
        flags |= client_pick(c, of) == 0 ? 1U << i : 0;
    return flags;
}

static uint64_t less(uint64_t modseq, uint32_t by) {
    return modseq > by ? modseq - by : 0;
}

/* How flags are wanted, of messages that were chosen. */
struct wanted {
    enum truth_how how;
    uint32_t flags;
    bool silent;
    uint64_t unchanged; /* 0, or one above UNCHANGEDSINCE */
};

static void begin_store(struct client *c, struct command *chosen, struct buf *set, bool by_number,
                        const struct wanted *w) {
    static const char *const signs[] = {"+", "-", ""};
    _cleanup_(buf_done) struct buf flags = {0};
    char since[40] = "";
    if (w->unchanged > 0)
        (void)snprintf(since, sizeof since, " (UNCHANGEDSINCE %" PRIu64 ")", w->unchanged - 1);
    flags_text(w->flags, &flags);
    struct command *k = client_begin(c, V_STORE, "%sSTORE %s%s %sFLAGS%s (%s)",
                                     by_number ? "" : "UID ", buf_str(set), since, signs[w->how],
                                     w->silent ? ".SILENT" : "", buf_str(&flags));
    act_hand_over(k, chosen, by_number);
    k->how = w->how;
    k->silent = w->silent;
    k->flags = w->flags;
    k->changed_since = w->unchanged;
    k->writes = mem_array(k->uid_count, sizeof *k->writes);
    for (size_t i = 0; i < k->uid_count; i++)
        k->writes[i] = truth_write_begin(truth(c), k->box, k->uids[i], w->how, w->flags);
}

static void send_store(struct client *c, bool by_number) {
    _cleanup_(buf_done) struct buf set = {0};
    struct command chosen = {0};
    if (!act_choose(c, &chosen, by_number, &set))
        return;
    struct wanted w = {.how = (enum truth_how)client_pick(c, 3), .flags = act_flags(c, 4)};
    if (c->condstore && client_pick(c, 4) == 0)
        w.unchanged = 1 + less(c->modseq, client_pick(c, 5));
    w.silent = client_pick(c, 2);
    begin_store(c, &chosen, &set, by_number, &w);
}

/* Of messages that are marked as deleted, whoever has done that: they are to stay. */
static void send_regret(struct client *c) {
    _cleanup_(buf_done) struct buf set = {0};
    struct command chosen = {.uids = mem_array(c->count + 1, sizeof(uint32_t))};
    for (size_t i = 0; i < c->count; i++) {
        const struct seen *e = &c->list[i];
        if (e->uid == 0 || e->flags == TRUTH_NOT_TOLD || !(e->flags & TRUTH_DELETED))
            continue;
        buf_printf(&set, "%s%u", chosen.uid_count > 0 ? "," : "", e->uid);
        chosen.uids[chosen.uid_count++] = e->uid;
    }
    if (!c->box || chosen.uid_count == 0) {
        free(chosen.uids);
        return;
    }
    begin_store(c, &chosen, &set, false,
                &(struct wanted){.how = TRUTH_REMOVE, .flags = TRUTH_DELETED});
}

static void send_fetch(struct client *c, bool by_number) {
    _cleanup_(buf_done) struct buf set = {0};
    struct command chosen = {0};
    if (!act_choose(c, &chosen, by_number, &set))
        return;
    const char *const what[] = {"(FLAGS)", "(UID FLAGS RFC822.SIZE)", "(UID BODY.PEEK[])",
                                "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"};
    struct command *k = client_begin(c, V_FETCH, "%sFETCH %s %s", by_number ? "" : "UID ",
                                     buf_str(&set), what[client_pick(c, 4)]);
    act_hand_over(k, &chosen, by_number);
}

/* What the client does not know of its mailbox yet. */
static void send_fetch_news(struct client *c) {
    size_t at = 0;
    while (at < c->count && c->list[at].uid > 0 && c->list[at].flags != TRUTH_NOT_TOLD)
        at++;
    if (c->box && at < c->count)
        (void)client_begin(c, V_FETCH,
                           "UID FETCH %u:* (UID FLAGS%s BODY.PEEK[HEADER.FIELDS (SUBJECT)])",
                           at > 0 ? c->list[at - 1].uid + 1 : 1, c->condstore ? " MODSEQ" : "");
}

static void send_fetch_all(struct client *c) {
    if (!c->box)
        return;
    struct command *k = client_begin(
        c, V_FETCH, "UID FETCH 1:* (UID FLAGS%s RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])",
        c->condstore ? " MODSEQ" : "");
    k->all = true;
}

static void send_fetch_changes(struct client *c) {
    if (!c->box || !c->condstore)
        return;
    uint64_t since = less(c->modseq, client_pick(c, 20));
    struct command *k =
        client_begin(c, V_FETCH, "UID FETCH 1:* (FLAGS) (CHANGEDSINCE %" PRIu64 "%s)",
                     MAX(since, (uint64_t)1), c->qresync && client_pick(c, 2) ? " VANISHED" : "");
    k->changed_since = MAX(since, (uint64_t)1);
}

/* Of a message that is there, or was; the search index narrows that, or all texts are read. */
static void send_search_subject(struct client *c) {
    const struct truth_box *b = c->box;
    if (b->count == 0)
        return;
    const uint32_t serial = b->messages[client_pick(c, (uint32_t)b->count)]->serial;
    const bool begins = client_pick(c, 2);
    struct command *k =
        client_begin(c, V_SEARCH, "UID SEARCH %s%u%s", begins ? "TEXT \"Subject: " : "SUBJECT ",
                     serial, begins ? "\"" : "");
    (void)snprintf(k->needle, sizeof k->needle, "%u", serial);
    k->begins = begins;
}

static void send_search(struct client *c) {
    if (!c->box)
        return;
    if (client_pick(c, 3) == 0) {
        struct command *k = client_begin(c, V_SEARCH, "UID SEARCH ALL");
        k->all = true;
    } else if (c->notifies || client_pick(c, 2)) {
        send_search_subject(c);
    } else {
        struct command *k = client_begin(c, V_SEARCH, "SEARCH UNDELETED");
        k->by_number = true;
    }
}

static void send_noop(struct client *c) {
    (void)client_begin(c, V_NOOP, c->box && client_pick(c, 4) == 0 ? "CHECK" : "NOOP");
}

/* ------------------------------------------------------------------ one after the other */

void act_learn(struct client *c) {
    client_finish(c);
    for (unsigned i = 0; i < 3 && !c->dropped; i++) {
        send_fetch_news(c);
        client_finish(c);
    }
}

void act_noop(struct client *c) {
    send_noop(c);
    act_learn(c);
}

static void do_store(struct client *c) {
    send_store(c, by_number(c));
    act_learn(c);
}
static void do_regret(struct client *c) {
    send_regret(c);
    act_learn(c);
}

/* In the INBOX: some mark messages and take that back at once, others remove what is marked. */
static void do_quarrel(struct client *c) {
    _cleanup_(buf_done) struct buf set = {0};
    struct command chosen = {0};
    if (!c->box || c->read_only || c->box->validity != c->run->inbox) {
        if (act_select(c, "INBOX", false))
            act_fetch_all(c);
    } else if (c->count < QUARREL_LEAST) {
        do_deliver(c);
        act_noop(c);
    } else if (client_pick(c, 2)) {
        do_expunge(c);
    } else if (act_choose(c, &chosen, false, &set)) {
        begin_store(c, &chosen, &set, false,
                    &(struct wanted){.how = TRUTH_ADD, .flags = TRUTH_DELETED});
        client_finish(c);
        do_regret(c);
    }
}
static void do_fetch(struct client *c) {
    send_fetch(c, by_number(c));
    act_learn(c);
}
static void do_search(struct client *c) {
    send_search(c);
    act_learn(c);
}
static void do_changes(struct client *c) {
    send_fetch_changes(c);
    act_learn(c);
}
void act_fetch_all(struct client *c) {
    send_fetch_all(c);
    act_learn(c);
}

/* Several at once; the user may be gone before they are answered. */
static void do_several(struct client *c) {
    unsigned count = 2 + client_pick(c, 4);
    for (unsigned i = 0; i < count; i++)
        switch (client_pick(c, 8)) {
        case 0:
        case 1:
            send_store(c, false);
            break;
        case 2:
            send_fetch(c, false);
            break;
        case 3:
            act_send_copy(c, false);
            break;
        case 4:
            act_send_expunge(c);
            break;
        case 5:
            act_send_append(c);
            break;
        case 6:
            send_fetch_changes(c);
            break;
        default:
            send_noop(c);
        }
    if (client_pick(c, 10) == 0 && c->stream && !c->dropped) {
        (void)stream_flush(c->stream);
        (void)fiber_sleep(client_pick(c, 10 * USEC_MS));
        client_drop(c);
        return;
    }
    act_learn(c);
}

/* ------------------------------------------------------------------ the table */

static void do_wait(struct client *c) {
    (void)fiber_sleep(client_pick(c, 20 * USEC_MS));
}

static const struct row {
    unsigned weight;
    void (*run)(struct client *c) WAITS;
} rows[] = {
    {20, act_noop},  {20, do_store},   {8, do_fetch},  {10, do_copy},   {12, do_expunge},
    {6, do_regret},  {4, do_replace},  {3, do_note},   {2, do_rights},  {2, do_pop3},
    {10, do_append}, {14, do_several}, {8, do_search}, {6, do_changes}, {6, act_fetch_all},
    {14, do_select}, {4, do_close},    {5, do_idle},   {4, do_drop},    {6, do_wait},
    {6, do_deliver}, {5, act_list},    {5, do_status}, {14, do_names},
};

void act(struct client *c) {
    unsigned sum = 0;
    if (c->run->is_quarrel && client_pick(c, 3) > 0) {
        do_quarrel(c);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        sum += rows[i].weight;
    unsigned at = client_pick(c, sum);
    const struct row *r = rows;
    while (at >= r->weight)
        at -= r++->weight;
    r->run(c);
}
