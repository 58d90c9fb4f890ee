/* SPDX-License-Identifier: ISC */
/*
 * Dialogues with IMAP after login, against a real store that is kept in memory. Each connection is
 * a session, which begins with the answer to a login with the tag "in". There are the accounts of
 * tama, mike and kuro, and those who share visit each other.
 *
 *     set user NAME@DOMAIN      whose the sessions are that begin from now on; at first tama's
 *     set anyone yes / no       users may give rights to all others at once; at first yes
 *     set away on / off         another account than the user's cannot be reached
 *     set messages N            so many come into the INBOX now, "Subject: N" with a body
 *     set message-max N, set messages-max N, set quota N
 *     set metadata N            so many entries of metadata are there
 *     set search-beat N                         microseconds
 *     set vanished-max N                        so much of what vanished is told
 *     set off WORDS         capabilities that are neither announced nor enabled
 *     set ended WHY         the last session that began is cancelled, for this reason
 *     set keeps on          the connection is not taken back (UNAUTHENTICATE)
 *     expect handed-back yes / no
 *     expect end logout / dismissed / lost      of the session that ended last
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "dialogue/dialogue.h"
#include "dialogue/door.h"
#include "judge.h"
#include "neighbours.h"
#include "store/memory/memory.h"
#include "store/properties.h"

#define ACCOUNT 4711U

struct world {
    struct imap_session_config config;
    struct memory_options memory;
    struct store *store;
    unsigned delivered;
    enum door_end end;
    struct fiber *fiber;
    uint64_t quota;
    struct fiber_turns sorting;
    char *ended;
    char *off;
    struct neighbours neighbours;
    size_t user;             /* of them: whose the sessions are that begin now */
    bool keeps, handed_back; /* UNAUTHENTICATE */
};

static void open_store(struct world *w) WAITS {
    struct store_options options = {.backend = memory_open, .backend_options = &w->memory};
    MUST(store_open(&options, &w->store, NULL) == 0);
}

static int hand_back(void *arg) WAITS {
    struct world *w = arg;
    w->handed_back = !w->keeps;
    return w->keeps ? -EPIPE : 0;
}

static void *world_new(void) {
    struct world *w = NEW(struct world);
    w->neighbours = (struct neighbours){.store = &w->store, .first = ACCOUNT};
    w->neighbours.people[w->neighbours.count++] = S("tama@example.test");
    w->neighbours.people[w->neighbours.count++] = S("mike@example.test");
    w->neighbours.people[w->neighbours.count++] = S("kuro@example.test");
    for (size_t i = 0; i < w->neighbours.count; i++)
        w->neighbours.quotas[i] = &w->quota;
    w->config = imap_session_defaults;
    w->config.tag = S("in");
    w->config.offer.tls_active = true;
    w->config.hand_back = hand_back;
    w->config.hand_back_arg = w;
    w->config.anyone = true;
    w->config.sorting = &w->sorting;
    w->config.ended = (const char *const *)&w->ended;
    w->memory.memory = memory_new();
    open_store(w);
    return w;
}

static void world_free(void *world) {
    struct world *w = world;
    fiber_turns_done(&w->sorting);
    store_close(w->store);
    memory_free(w->memory.memory);
    free(w->ended);
    free(w->off);
    free(w);
}

static void deliver(struct world *w, uint64_t count) {
    for (; count > 0; count--) {
        char text[100];
        w->delivered++;
        int len = snprintf(text, sizeof text, "Subject: %u\r\n\r\nbody %u\r\n", w->delivered,
                           w->delivered);
        struct slice part = slice_of(text, (size_t)len);
        struct store_delivered d;
        struct store_delivery delivery = {.mailbox = STORE_INBOX, .parts = &part, .part_count = 1};
        MUST(store_deliver(w->store, ACCOUNT + w->user, &delivery, &d) == 0);
    }
}

static void keep_metadata(struct world *w, uint64_t count) {
    struct store_account *a;
    MUST(store_account_open(w->store, ACCOUNT, &a) == 0);
    for (; count > 0; count--) {
        char entry[40];
        int len = snprintf(entry, sizeof entry, "/private/%u", (unsigned)count);
        MUST(store_set_metadata(a, 0, slice_of(entry, (size_t)len), &S("")) == 0);
    }
    store_account_close(a);
}

static void run_session(struct stream *s, void *world) {
    struct world *w = world;
    struct imap_session_counts counts;
    struct neighbour at;
    neighbour_init(&at, &w->neighbours, w->user, &w->config);
    w->fiber = fiber_self();
    w->end = imap_session(s, &at.config, w->store, at.account, &counts);
}

static int world_set(void *world, struct slice name, struct slice value, struct problem *problem) {
    struct world *w = world;
    uint64_t number;
    if (slice_eq(name, S("keeps"))) {
        w->keeps = true;
        return 0;
    }
    if (slice_eq(name, S("ended"))) {
        w->ended = mem_str(value);
        fiber_cancel(w->fiber);
        return 0;
    }
    if (slice_eq(name, S("user"))) {
        int user = neighbours_find(&w->neighbours, value);
        w->user = user < 0 ? w->user : (size_t)user;
        return user < 0 ? problem_set(problem, -E_UNKNOWN, "there is no such user") : 0;
    }
    if (slice_eq(name, S("anyone"))) {
        w->config.anyone = slice_eq(value, S("yes"));
        return 0;
    }
    if (slice_eq(name, S("away"))) {
        w->neighbours.away = slice_eq(value, S("on"));
        return 0;
    }
    if (slice_eq(name, S("off"))) {
        w->off = mem_str(value);
        w->config.off = slice_of_str(w->off);
        return 0;
    }
    if (slice_to_u64(value, UINT32_MAX, &number) < 0)
        return problem_set(problem, -E_SYNTAX, "a number");
    if (slice_eq(name, S("messages"))) {
        deliver(w, number);
    } else if (slice_eq(name, S("metadata"))) {
        keep_metadata(w, number);
    } else if (slice_eq(name, S("message-max"))) {
        w->config.message_max = number;
    } else if (slice_eq(name, S("messages-max"))) {
        w->config.messages_max = (unsigned)number;
    } else if (slice_eq(name, S("quota"))) {
        w->quota = number;
    } else if (slice_eq(name, S("search-beat"))) {
        w->config.search_beat = (usec_t)number;
    } else if (slice_eq(name, S("vanished-max"))) {
        store_close(w->store);
        w->memory.vanished_max = number;
        open_store(w);
    } else {
        return problem_set(problem, -E_UNKNOWN, "there is no such thing");
    }
    return 0;
}

static int world_get(void *world, struct slice name, struct buf *to) {
    struct world *w = world;
    if (slice_eq(name, S("handed-back"))) {
        buf_add_str(to, w->handed_back ? "yes" : "no");
        return 0;
    }
    if (!slice_eq(name, S("end")))
        return -E_UNKNOWN;
    buf_add_str(to, door_end_name(w->end));
    return 0;
}

static const struct dialogue session = {
    .session = run_session,
    .world_new = world_new,
    .world_free = world_free,
    .set = world_set,
    .get = world_get,
    .judge = judge_responses,
};

int main(int argc, char **argv) {
    return dialogue_main(argc, argv, "imap session", &session);
}
